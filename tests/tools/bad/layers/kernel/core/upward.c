// SPDX-License-Identifier: MIT
#include "mm/frame.h"

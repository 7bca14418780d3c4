// SPDX-License-Identifier: MIT
#include "lib/circle.h"

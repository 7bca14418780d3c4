// SPDX-License-Identifier: MIT
#include "lib/list.h"

// SPDX-License-Identifier: MIT
#include "mm/heap_internal.h"
#include "mm/frame.h"

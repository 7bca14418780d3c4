// SPDX-License-Identifier: MIT
#include "core/sub/part_internal.h"

// SPDX-License-Identifier: MIT
#include "core/log.h"

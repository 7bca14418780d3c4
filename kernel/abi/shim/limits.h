// SPDX-License-Identifier: MIT
/* Found by the compiler's own <limits.h>, which defines the limits of the integer types. */
#pragma once

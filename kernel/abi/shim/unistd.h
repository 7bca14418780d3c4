// SPDX-License-Identifier: MIT
/* Some uapi headers include it and need nothing of it. */
#pragma once

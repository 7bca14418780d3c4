// SPDX-License-Identifier: MIT
/* Contract: constants of this architecture's ELF files. */
#pragma once

#include "arch/impl/elf.h" /* ARCH_ELF_MACHINE (EM_…), ARCH_PLATFORM ("x86_64", AT_PLATFORM) */

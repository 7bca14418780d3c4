// SPDX-License-Identifier: MIT
#pragma once

#include <linux/elf-em.h>

#define ARCH_ELF_MACHINE EM_X86_64
#define ARCH_PLATFORM    "x86_64"

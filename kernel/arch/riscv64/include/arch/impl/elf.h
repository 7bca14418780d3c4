// SPDX-License-Identifier: MIT
#pragma once

#include <linux/elf-em.h>

#define ARCH_ELF_MACHINE EM_RISCV
#define ARCH_PLATFORM    "riscv64"

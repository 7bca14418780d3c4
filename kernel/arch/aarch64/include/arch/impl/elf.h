// SPDX-License-Identifier: MIT
#pragma once

#include <linux/elf-em.h>

#define ARCH_ELF_MACHINE EM_AARCH64
#define ARCH_PLATFORM    "aarch64"

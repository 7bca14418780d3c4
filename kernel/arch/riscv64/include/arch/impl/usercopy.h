// SPDX-License-Identifier: MIT
#pragma once

#include "arch/impl/mmu.h"

static inline bool user_range_ok(vaddr_t address, u64 size)
{
	return size <= USER_END && address <= USER_END - size;
}

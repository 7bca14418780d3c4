// SPDX-License-Identifier: MIT
/*
 * Numbers of address spaces.
 *
 * Locks     asids.lock.
 */
#include "arch/common/asid.h"
#include "arch/common/boot_memory.h"
#include "core/spinlock.h"

static struct {
	struct spinlock lock;
	u64 taken[ASIDS_MAX / 64] GUARDED_BY(lock);
	u32 count; /* written at boot */
	u32 hint GUARDED_BY(lock);
} asids = {.lock = SPINLOCK_INIT(RANK_IPI, "asids.lock"), .hint = ASID_FIRST};

init_ void asid_init(u32 count)
{
	asids.count = count;
}

u16 asid_take(void)
{
	u64 flags = spin_lock_irq(&asids.lock);
	u32 found = ASID_SHARED;

	for (u32 i = 0; i < asids.count && found == ASID_SHARED; i++) {
		u32 asid = asids.hint + i;

		asid = asid >= asids.count ? asid - asids.count + ASID_FIRST : asid;
		if (asid < asids.count && !(asids.taken[asid / 64] >> asid % 64 & 1)) {
			found = asid;
		}
	}
	if (found != ASID_SHARED) {
		asids.taken[found / 64] |= 1UL << found % 64;
		asids.hint = found + 1 < asids.count ? found + 1 : ASID_FIRST;
	}
	spin_unlock_irq(&asids.lock, flags);
	return (u16)found;
}

void asid_give(u16 asid)
{
	u64 flags;

	if (asid == ASID_SHARED) {
		return;
	}
	flags = spin_lock_irq(&asids.lock);
	asids.taken[asid / 64] &= ~(1UL << asid % 64);
	spin_unlock_irq(&asids.lock, flags);
}

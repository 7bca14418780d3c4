// SPDX-License-Identifier: MIT
/* The n-th allocation of the thread that armed it fails. One counter for the whole machine: one test at a time. */
#include "core/fault_injection.h"
#include "arch/cpu.h"
#include "lib/compiler.h"
#include <stdatomic.h>

static _Atomic bool armed;
static _Atomic u64 counted, failing;
static struct arch_thread *_Atomic owner; /* compared only */

bool fault_injection_should_fail(void)
{
	if (likely(!atomic_load_explicit(&armed, memory_order_relaxed))) {
		return false;
	}
	if (atomic_load(&owner) != arch_current()) {
		return false;
	}
	return atomic_fetch_add(&counted, 1) + 1 == atomic_load(&failing);
}

u64 fault_injection_arm(u64 nth)
{
	u64 before = atomic_exchange(&counted, 0);

	atomic_store(&owner, arch_current());
	atomic_store(&failing, nth);
	atomic_store(&armed, nth != 0);
	return before;
}

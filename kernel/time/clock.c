// SPDX-License-Identifier: MIT
/*
 * The clocks, and what the vDSO reads of them.
 *
 * Owns      the offset of CLOCK_REALTIME, the vDSO's data page.
 * Locks     clock.lock: writers of both. Readers take none.
 *
 * The data page has one writer at a time (the lock) and readers in user mode, which retry while
 * `sequence` is odd or has changed (arch/common/vdso). Model: tests/model/clock_page_model.c.
 */
#include "time/clock.h"
#include "arch/mmu.h"
#include "arch/vdso.h"
#include "core/spinlock.h"
#include "lib/errno.h"

enum { WATCHERS_MAX = 4 };

static struct vdso_data early_data; /* until there is a page for it */

static struct {
	struct spinlock lock;
	struct vdso_data *vdso GUARDED_BY(lock);
	_Atomic s64 realtime_offset; /* written under lock */
	_Atomic u64 realtime_changes;
	_Atomic(void (*)(void)) watcher[WATCHERS_MAX];
} clock = {.lock = SPINLOCK_INIT(RANK_CLOCK, "clock.lock"), .vdso = &early_data};

static void publish(s64 offset) MUST_HOLD(&clock.lock)
{
	struct vdso_data *data = clock.vdso;
	u32 sequence = atomic_load_explicit(&data->sequence, memory_order_relaxed);

	atomic_store_explicit(&data->sequence, sequence + 1, memory_order_relaxed);
	/* order.clock_page: pairs with read_clock(), its acquire fence before it looks at sequence again */
	atomic_thread_fence(memory_order_release);
	arch_vdso_fill(data);
	data->realtime_offset = offset;
	atomic_store_explicit(&data->sequence, sequence + 2, memory_order_release);
	atomic_store_explicit(&clock.realtime_offset, offset, memory_order_relaxed);
}

static void set_offset(s64 offset)
{
	u64 flags = spin_lock_irq(&clock.lock);

	publish(offset);
	spin_unlock_irq(&clock.lock, flags);
}

void clock_init(void)
{
	set_offset(arch_clock_realtime_at_boot());
}

void clock_refine(void)
{
	arch_clock_refine();
	set_offset(clock_realtime_offset());
}

nsec_t clock_realtime_offset(void)
{
	return atomic_load_explicit(&clock.realtime_offset, memory_order_relaxed);
}

nsec_t clock_realtime(void)
{
	return clock_monotonic() + clock_realtime_offset();
}

u64 clock_realtime_changes(void)
{
	return atomic_load(&clock.realtime_changes);
}

void clock_set_realtime(nsec_t now)
{
	set_offset(now - clock_monotonic());
	atomic_fetch_add(&clock.realtime_changes, 1);
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		void (*changed)(void) = atomic_load(&clock.watcher[i]);

		if (changed) {
			changed();
		}
	}
}

bool clock_on_realtime_change(void (*changed)(void))
{
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		void (*nobody)(void) = NULL;

		if (atomic_compare_exchange_strong(&clock.watcher[i], &nobody, changed)) {
			return true;
		}
	}
	return false;
}

void clock_set_vdso_page(void *page)
{
	u64 flags = spin_lock_irq(&clock.lock);

	clock.vdso = page;
	publish(clock_realtime_offset());
	spin_unlock_irq(&clock.lock, flags);
}

int timespec_to_nsec(const struct __kernel_timespec *ts, nsec_t *out)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC) {
		return -EINVAL;
	}
	if (ts->tv_sec >= NSEC_NEVER / NSEC_PER_SEC) {
		*out = NSEC_NEVER;
	} else {
		*out = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	}
	return 0;
}

struct __kernel_timespec nsec_to_timespec(nsec_t ns)
{
	nsec_t seconds = ns / NSEC_PER_SEC, rest = ns % NSEC_PER_SEC;

	if (rest < 0) {
		seconds--;
		rest += NSEC_PER_SEC;
	}
	return (struct __kernel_timespec){.tv_sec = seconds, .tv_nsec = rest};
}

nsec_t nsec_add(nsec_t a, nsec_t b)
{
	nsec_t sum;

	return __builtin_add_overflow(a, b, &sum) ? NSEC_NEVER : sum;
}

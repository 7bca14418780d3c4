// SPDX-License-Identifier: MIT
/*
 * A virtqueue: kernel/drivers/virtio/virtqueue.c and mmio.c (order.ring, order.kick, order.acknowledge).
 *
 * The driver writes entries, then their count, and looks whether the device wants to be told. The device sleeps when it has told that it wants to and
 * finds nothing; what it gives back it writes, then counts, and raises its line if the driver has acknowledged the one before.
 *
 * Results of asynchronous I/O go to a program as what a device gives back goes to the driver, but that nobody is told: kernel/ipc/aio/ring.c
 * (order.aio_tail).
 *
 * What must hold: nobody reads what is not written; all that is offered comes back, and nobody sleeps for ever.
 */
#include "weak.h"

enum { ENTRY_1, ENTRY_2, OFFERED, TELL, RESULT_1, RESULT_2, USED, LINE };
enum { DRIVER, DEVICE, ROUNDS = 2 };

static long taken;

static void completed(void)
{
#ifdef MUTANT_1 /* what is there, then the acknowledgement: what comes in between raises nothing */
	long used = load(USED, ACQUIRE);

	store(LINE, 0, RELAXED);
#else
	long used;

	store(LINE, 0, RELAXED);
#	ifndef MUTANT_2 /* a device's register and memory have no order of their own */
	fence(SEQ_CST);
#	endif
#	ifdef MUTANT_3 /* the entries may be read before their count */
	used = load(USED, RELAXED);
#	else
	used = load(USED, ACQUIRE);
#	endif
#endif
	while (taken < used) {
		CHECK(look(RESULT_1 + (int)taken) == taken + 1);
		taken++;
	}
}

static void driver(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		put(ENTRY_1 + i, i + 1);
#ifndef MUTANT_4 /* the count may be seen before the entry */
		fence(SEQ_CST);
#endif
		store(OFFERED, i + 1, RELAXED);
#ifndef MUTANT_5 /* the look may come before the count is seen */
		fence(SEQ_CST);
#endif
		if (load(TELL, RELAXED)) {
			interrupt(DEVICE);
		}
	}
	while (taken < ROUNDS) {
		wait_for_interrupt();
	}
}

static void nothing(void)
{
}

static void wait_for_offer(long done)
{
	while (load(OFFERED, ACQUIRE) == done) {
		store(TELL, 1, RELAXED);
		fence(SEQ_CST);
		if (load(OFFERED, ACQUIRE) == done) {
			wait_for_interrupt();
		}
		store(TELL, 0, RELAXED);
	}
}

static void device(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		wait_for_offer(i);
		CHECK(look(ENTRY_1 + i) == i + 1);
		put(RESULT_1 + i, i + 1);
		store(USED, i + 1, RELEASE);
		fence(SEQ_CST);
		if (!exchange(LINE, 1, SEQ_CST)) {
			interrupt(DRIVER);
		}
	}
}

static void begin(void)
{
	taken = 0;
	weak_on_interrupt(DRIVER, completed);
	weak_on_interrupt(DEVICE, nothing);
}

int main(void)
{
	static const weak_function threads[] = {driver, device, NULL};

	return weak_run(begin, weak_nothing, threads);
}

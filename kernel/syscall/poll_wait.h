// SPDX-License-Identifier: MIT
/* Waiting for some of many files, and until when: what poll(2) and select(2) have in common. */
#pragma once

#include "fs/file_table.h"
#include "syscall/syscall.h"
#include "time/clock.h"

/* So many descriptors are asked without memory from the heap. */
enum { FEW = 16 };

struct poll_item {
	struct fd_reference reference; /* file NULL: not open, or not asked for */
	u32 wanted;
	u32 got;
};

/* `few`: the caller's own, of which FEW are at hand. NULL: no memory. */
struct poll_item *items_begin(struct poll_item *few, size_t count);
void items_end(struct poll_item *items, const struct poll_item *few, size_t count);
/* How many items are ready; 0: the deadline came; -ERESTART_NO_HANDLER, -ENOMEM. deadline 0: do not wait. */
long wait_for_any(struct poll_item *items, size_t count, nsec_t deadline);

nsec_t deadline_in(nsec_t length);
/* Of a timespec; user 0: NSEC_NEVER. -EFAULT, -EINVAL. */
int deadline_from_user(vaddr_t user, nsec_t *deadline) must_check;
/* What is left of the time goes back to the caller, as Linux does; a failure to write it is not told. */
void write_time_left(vaddr_t user, nsec_t deadline);

// SPDX-License-Identifier: MIT
/* Shared memory segments: what their files share. */
#pragma once

#include "core/panic.h"
#include "ipc/sysv/shared_memory.h"
#include "ipc/sysv/sysv_internal.h"
#include "vm/vm_object.h"

/* Legend: I immutable after creation; all else is guarded by segments_lock. */
struct segment {
	struct ipc_object object;    /* first */
	struct sysv_ipc *ipc;        /* whose table it is in; NULL: in none any more */
	struct vm_object *vm_object; /* I; a reference while in a table */
	u64 size;                    /* I: bytes, as asked for */
	u64 attached;
	s64 attach_time, detach_time, change_time;
	struct pid *creator, *last; /* references */
	char name[32];              /* I: for /proc/PID/maps */
};

static inline struct segment *segment_of(struct ipc_object *object)
{
	return (struct segment *)object;
}

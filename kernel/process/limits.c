// SPDX-License-Identifier: MIT
/* Resource limits: defaults and who else keeps a copy. */
#include "process/limits.h"

#include "core/panic.h"
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "fs/notify/fanotify.h"
#include "fs/notify/inotify.h"
#include "lib/compiler.h"
#include "mm/frame.h"
#include "process/process.h"
#include "vm/vm_space.h"

void limits_init(struct limit limits[LIMIT_COUNT])
{
	struct frame_statistics frames;
	u64 threads;

	frame_statistics(&frames);
	threads = frames.total / 16; // a thread costs up to 16 frames in all
	for (unsigned i = 0; i < LIMIT_COUNT; i++) {
		limits[i] = (struct limit){RLIM_INFINITY, RLIM_INFINITY};
	}
	limits[RLIMIT_STACK].soft = 8UL << 20;
	limits[RLIMIT_CORE].soft = 0;
	limits[RLIMIT_NPROC] = (struct limit){threads, threads};
	limits[RLIMIT_SIGPENDING] = (struct limit){threads, threads};
	limits[RLIMIT_NOFILE] = (struct limit){1024, 4096};
	limits[RLIMIT_MEMLOCK] = (struct limit){8UL << 20, 8UL << 20};
	limits[RLIMIT_MSGQUEUE] = (struct limit){819200, 819200};
	limits[RLIMIT_NICE] = (struct limit){0, 0};
	limits[RLIMIT_RTPRIO] = (struct limit){0, 0};
}

void limits_apply(const struct limit limits[LIMIT_COUNT], struct vm_space *vm)
{
	vm->limit_address_space = limits[RLIMIT_AS].soft;
	vm->limit_data = limits[RLIMIT_DATA].soft;
	vm->limit_stack = limits[RLIMIT_STACK].soft;
	vm->limit_locked = limits[RLIMIT_MEMLOCK].soft;
}

void limits_of_namespace(const struct process *process, const struct credentials *maker,
			 struct user_namespace *made)
{
	// Root of the machine is not held to a number of threads, nor is who it lets in here.
	if (maker->uid != 0 || maker->user_namespace != &first_user_namespace) {
		made->allowed[USER_THREADS] = process_limit(process, RLIMIT_NPROC);
	}
	made->allowed[USER_SIGNALS] = process_limit(process, RLIMIT_SIGPENDING);
	made->allowed[USER_FILES_IN_FLIGHT] = process_limit(process, RLIMIT_NOFILE);
	made->allowed[USER_QUEUE_BYTES] = process_limit(process, RLIMIT_MSGQUEUE);
	made->allowed[USER_INOTIFY_INSTANCES] = inotify_limit(INOTIFY_INSTANCES);
	made->allowed[USER_INOTIFY_WATCHES] = inotify_limit(INOTIFY_WATCHES);
	made->allowed[USER_FANOTIFY_GROUPS] = fanotify_limit(FANOTIFY_GROUPS);
	made->allowed[USER_FANOTIFY_MARKS] = fanotify_limit(FANOTIFY_MARKS);
}

u64 process_limit(const struct process *process, unsigned resource)
{
	ASSERT(resource < LIMIT_COUNT);
	return READ_ONCE(process->limits[resource].soft);
}

// SPDX-License-Identifier: MIT
/*
 * POSIX message queues (mq_overview(7), F4): files of a file system, "mqueue", of which each IPC namespace has one.
 *
 * Context: thread, no spinlock; mqueue_send and mqueue_receive wait.
 */
#pragma once

#include "cred/credentials.h"
#include "fs/path.h"
#include "ipc/sysv/sysv.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include "mm/io_buffer.h"
#include <linux/mqueue.h>

struct file;
struct namespace;
struct pid;
struct user_account;

/* mq_notify(3): how, and to whom. */
struct mqueue_notice {
	bool silent; /* SIGEV_NONE */
	int signal;
	u64 value;
	struct pid *owner; /* a reference */
};

/*
 * Installed by process/. current_ipc, current_namespace: of the running thread, borrowed. signal: with SI_MESGQ, as from the running thread. account: the
 * running thread's, borrowed, and its RLIMIT_MSGQUEUE.
 */
struct mqueue_process_operations {
	struct sysv_ipc *(*current_ipc)(void);
	struct namespace *(*current_namespace)(void);
	void (*signal)(const struct mqueue_notice *notice);
	struct user_account *(*account)(u64 *limit);
};
void mqueue_set_process_operations(const struct mqueue_process_operations *operations);
void mqueue_init(void); /* boot */

/* The directory of the namespace's queues, with references, to walk from. -ENOMEM */
int mqueue_root(struct sysv_ipc *ipc, struct path *out) must_check;
/* The namespace ends: its queues go, but for those still open. */
void mqueue_end(struct sysv_ipc *ipc);
/*
 * A new queue; `attributes` NULL: the namespace's defaults. *out: its place, with references. -EEXIST; -EINVAL and -ENOSPC: the
 * limits, which CAP_SYS_RESOURCE raises; -EMFILE: RLIMIT_MSGQUEUE; -ENOMEM
 */
int mqueue_create(const struct ipc_caller *caller, const struct path *root,
		  const char *name, u32 mode, const struct mq_attr *attributes,
		  struct path *out) must_check;
extern const struct file_operations mqueue_file_operations;

/* All of these: -EBADF if `file` is no queue, or not open that way. */
/* `deadline`: CLOCK_REALTIME, NSEC_NEVER: none. -EMSGSIZE, -EAGAIN (O_NONBLOCK), -ETIMEDOUT, -ERESTART, -ENOMEM, -EFAULT */
int mqueue_send(struct file *file, struct io_buffer *from, u32 priority,
		nsec_t deadline) must_check;
s64 mqueue_receive(struct file *file, struct io_buffer *to, u32 *priority,
		   nsec_t deadline) must_check;
/* notice NULL: no more. `self` asks. -EBUSY: somebody has asked. */
int mqueue_notify(struct file *file, const struct mqueue_notice *notice,
		  struct pid *self) must_check;
int mqueue_attributes(struct file *file, struct mq_attr *out) must_check;

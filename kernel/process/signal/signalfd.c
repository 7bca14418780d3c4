// SPDX-License-Identifier: MIT
/*
 * signalfd.
 *
 * Owns      struct signalfd.
 * Locks     signalfd.lock, a leaf: the list of watched processes.
 *
 * A signal that is queued wakes process.signal_events, under signal_lock. Whoever polls is linked into the queue of its own process;
 * an epoll may stay linked there longer than that process lives. So the file holds a reference on each process that ever polled it,
 * and epoll unlinks itself before a file is released.
 */
#include "process/signal/signalfd.h"

#include "core/spinlock.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/signal/signal.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>

struct watched {
	struct watched *next; /* I */
	struct process *process;
};

struct signalfd {
	_Atomic signal_mask mask;
	struct spinlock lock;
	struct watched *watched GUARDED_BY(lock);
};

OBJECT_CACHE(signalfd_cache, signalfd);

STATIC_ASSERT(sizeof(struct signalfd_siginfo) == 128);

/* --- which processes' queues its pollers are in --- */

static bool is_watched_locked(const struct signalfd *signals,
			      const struct process *process) MUST_HOLD(&signals->lock)
{
	const struct watched *each = signals->watched;

	while (each && each->process != process) {
		each = each->next;
	}
	return each;
}

static int watch(struct signalfd *signals, struct process *process)
{
	struct watched *fresh;
	bool known;

	spin_lock(&signals->lock);
	known = is_watched_locked(signals, process);
	spin_unlock(&signals->lock);
	if (known) {
		return 0;
	}
	fresh = heap_allocate(sizeof(*fresh));
	if (!fresh) {
		return -ENOMEM;
	}
	process_get(process);
	fresh->process = process;
	spin_lock(&signals->lock);
	fresh->next = signals->watched; // another thread's entry of it does no harm
	signals->watched = fresh;
	spin_unlock(&signals->lock);
	return 0;
}

/* Nobody else has it any more. */
static void signalfd_free(struct signalfd *signals) NO_THREAD_SAFETY
{
	struct watched *each = signals->watched;

	while (each) {
		struct watched *next = each->next;

		process_put(each->process);
		heap_free(each);
		each = next;
	}
	object_free(&signalfd_cache, signals);
}

/* --- what a signal looks like in a descriptor --- */

static void describe_sender(struct signalfd_siginfo *to, const siginfo_t *info)
{
	to->ssi_pid = (u32)info->si_pid;
	to->ssi_uid = info->si_uid;
	if (info->si_code < 0 && info->si_code != SI_TKILL) {
		to->ssi_int = info->si_int;
		to->ssi_ptr = (u64)(uintptr_t)info->si_ptr;
	}
}

static void describe_kernel_signal(struct signalfd_siginfo *to, const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGCHLD:
		to->ssi_pid = (u32)info->si_pid;
		to->ssi_uid = info->si_uid;
		to->ssi_status = info->si_status;
		to->ssi_utime = (u64)info->si_utime;
		to->ssi_stime = (u64)info->si_stime;
		break;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		to->ssi_addr = (u64)(uintptr_t)info->si_addr;
		break;
	case SIGPOLL:
		to->ssi_band = (u32)info->si_band;
		to->ssi_fd = info->si_fd;
		break;
	default:
		describe_sender(to, info);
	}
}

static void describe(struct signalfd_siginfo *to, const siginfo_t *info)
{
	memset(to, 0, sizeof(*to));
	to->ssi_signo = (u32)info->si_signo;
	to->ssi_errno = info->si_errno;
	to->ssi_code = info->si_code;
	if (info->si_code == SI_TIMER) {
		to->ssi_tid = (u32)info->si_tid;
		to->ssi_overrun = (u32)info->si_overrun;
		to->ssi_int = info->si_int;
		to->ssi_ptr = (u64)(uintptr_t)info->si_ptr;
	} else if (info->si_code > 0 && info->si_code != SI_KERNEL) {
		describe_kernel_signal(to, info);
	} else {
		describe_sender(to, info);
	}
}

/* --- the file --- */

static bool take(const struct signalfd *signals, siginfo_t *info)
{
	return signal_dequeue(atomic_load(&signals->mask), info) != 0;
}

static int take_or_wait(struct file *file, siginfo_t *info)
{
	const struct signalfd *signals = file->data;

	if (take(signals, info)) {
		return 0;
	}
	if (file_nonblocking(file)) {
		return -EAGAIN;
	}
	return wait_until(&current_process()->signal_events, take(signals, info),
			  THREAD_INTERRUPTIBLE, NSEC_NEVER);
}

static s64 signalfd_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct signalfd_siginfo entry;
	siginfo_t info;
	s64 done = 0;
	int err;

	if (io->remaining < sizeof(entry)) {
		return -EINVAL;
	}
	err = take_or_wait(file, &info);
	while (!err) {
		describe(&entry, &info);
		if (io_copy_to(io, &entry, sizeof(entry)) != sizeof(entry)) {
			err = -EFAULT;
			break;
		}
		done += sizeof(entry);
		if (io->remaining < sizeof(entry) || !take(file->data, &info)) {
			break;
		}
	}
	return done ? done : err;
}

/* Nobody in particular asks: is there one for any of the processes that polled? */
static u32 poll_watched(struct signalfd *signals)
{
	const struct watched *each;
	signal_mask pending = 0;

	spin_lock(&signals->lock);
	each = signals->watched; // only grows, until the file goes
	spin_unlock(&signals->lock);
	for (; each; each = each->next) {
		u64 flags = spin_lock_irq(&each->process->signal_lock);

		pending |= each->process->shared_signals.pending;
		spin_unlock_irq(&each->process->signal_lock, flags);
	}
	return pending & atomic_load(&signals->mask) ? EPOLLIN : 0;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *signals = file->data;
	struct process *process = current_process();
	signal_mask pending;
	u64 flags;

	if (!current_is_user_thread()) {
		return poll_watched(signals);
	}
	if (table && table->add) {
		if (watch(signals, process)) {
			return EPOLLERR;
		}
		poll_wait(table, &process->signal_events);
	}
	flags = spin_lock_irq(&process->signal_lock);
	pending =
		current_thread()->signals.queue.pending | process->shared_signals.pending;
	spin_unlock_irq(&process->signal_lock, flags);
	return pending & atomic_load(&signals->mask) ? EPOLLIN : 0;
}

static int signalfd_fdinfo(struct file *file, char *to, size_t size)
{
	struct signalfd *signals = file->data;

	return format_string(to, size, "sigmask:\t%016lx\n", atomic_load(&signals->mask));
}

static void signalfd_release(struct file *file)
{
	signalfd_free(file->data);
}

static const struct file_operations signalfd_operations = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.fdinfo = signalfd_fdinfo,
	.release = signalfd_release,
	.no_position = true,
};

int signalfd_create(signal_mask mask, u32 flags, struct file **out)
{
	struct signalfd *signals = object_allocate(&signalfd_cache);
	int err;

	if (!signals) {
		return -ENOMEM;
	}
	atomic_store(&signals->mask, mask & ~SIGNALS_UNBLOCKABLE);
	spin_init(&signals->lock, RANK_LOG, "signalfd.lock");
	err = watch(signals, current_process());
	if (!err) {
		err = file_create_anonymous("[signalfd]", 0600, &signalfd_operations,
					    O_RDWR | flags, signals, out);
	}
	if (err) {
		signalfd_free(signals);
	}
	return err;
}

int signalfd_set_mask(struct file *file, signal_mask mask)
{
	struct signalfd *signals = file->data;

	if (file->operations != &signalfd_operations) {
		return -EINVAL;
	}
	atomic_store(&signals->mask, mask & ~SIGNALS_UNBLOCKABLE);
	wake_all(&current_process()->signal_events, EPOLLIN);
	return 0;
}

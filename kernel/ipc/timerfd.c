// SPDX-License-Identifier: MIT
/*
 * timerfd_create(2): a timer whose expirations are counted and read.
 *
 * Owns      struct timerfd.
 * Locks     realtime_lock (irq-safe) > timerfd.lock (irq-safe: the timer's callback takes it). timer_cancel() is called without them.
 *
 * Invariants
 *   F1  `interval` and `next` describe the timer; next == NSEC_NEVER: disarmed. With `parked` it has expired once and rests until
 *       somebody reads or asks: `next` is the expiry after that one, and however short the interval, nobody is interrupted.
 *   F3  Those on CLOCK_REALTIME are in realtime_timerfds as long as they are there; when the clock is set, the ones that wait for a
 *       point of it move by `offset`, what the clock stood from CLOCK_MONOTONIC when `next` was computed.
 *   F2  What it would have expired while it was parked is counted when it goes on.
 */
#include "ipc/eventfd.h"

#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/list.h"
#include "mm/heap.h"
#include "sched/wait.h"
#include "sync/mutex.h"
#include "time/clock.h"
#include "time/timer.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/time.h>
#include <linux/timerfd.h>

enum { CANCELLABLE = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET };

struct timerfd {
	struct mutex set_lock; /* one setter at a time */
	struct spinlock lock;
	u64 expirations GUARDED_BY(lock);
	nsec_t next GUARDED_BY(lock), interval GUARDED_BY(lock); /* CLOCK_MONOTONIC */
	nsec_t offset GUARDED_BY(lock);                          /* F3 */
	bool parked GUARDED_BY(lock);                            /* F1 */
	bool cancelled GUARDED_BY(lock); /* TFD_TIMER_CANCEL_ON_SET, and it was */
	struct timer timer;
	int clock;
	int set_flags GUARDED_BY(lock); /* of the last setting */
	struct wait_queue queue;
	struct list link; /* realtime_timerfds; realtime_lock */
};

static struct spinlock realtime_lock =
	SPINLOCK_INIT(RANK_ITIMER, "timerfd.realtime_lock");
static struct list realtime_timerfds = LIST_INIT(realtime_timerfds); /* realtime_lock */

/* What is set to a point of CLOCK_REALTIME from before the machine began expires at once, but in the rhythm of that point. */
static void start(struct timerfd *timerfd) MUST_HOLD(&timerfd->lock)
{
	timer_start(&timerfd->timer, MAX(timerfd->next, (nsec_t)1));
}

/* So many intervals later; never is not what it is. */
static void advance(struct timerfd *timerfd, s64 intervals) MUST_HOLD(&timerfd->lock)
{
	timerfd->next = MIN(nsec_add(timerfd->next, intervals * timerfd->interval),
			    NSEC_NEVER - 1);
}

static void timerfd_expired(struct timer *timer)
{
	struct timerfd *timerfd = container_of(timer, struct timerfd, timer);
	u64 flags = spin_lock_irq(&timerfd->lock);

	if (!timerfd->parked && timerfd->next <= clock_monotonic()) {
		timerfd->expirations++;
		timerfd->parked = timerfd->interval > 0;
		if (timerfd->parked) {
			advance(timerfd, 1);
		} else {
			timerfd->next = NSEC_NEVER;
		}
	} else if (!timerfd->parked && timerfd->next != NSEC_NEVER) {
		start(timerfd); // the clock was set back
	}
	spin_unlock_irq(&timerfd->lock, flags);
	wake_all(&timerfd->queue, EPOLLIN);
}

/* F2 */
static void go_on(struct timerfd *timerfd) MUST_HOLD(&timerfd->lock)
{
	nsec_t now = clock_monotonic();
	s64 passed;

	if (!timerfd->parked) {
		return;
	}
	if (timerfd->next <= now) {
		passed = (now - timerfd->next) / timerfd->interval + 1;
		timerfd->expirations += (u64)passed;
		advance(timerfd, passed);
	}
	timerfd->parked = false;
	start(timerfd);
}

static bool try_take(struct timerfd *timerfd, u64 *value, bool *cancelled)
{
	u64 flags = spin_lock_irq(&timerfd->lock);

	go_on(timerfd);
	*value = timerfd->expirations;
	*cancelled = timerfd->cancelled;
	timerfd->expirations = 0;
	timerfd->cancelled = false;
	spin_unlock_irq(&timerfd->lock, flags);
	return *value != 0;
}

static s64 timerfd_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct timerfd *timerfd = file->data;
	bool cancelled;
	u64 value = 0;
	int error = 0;

	if (io->remaining < sizeof(value)) {
		return -EINVAL;
	}
	if (!try_take(timerfd, &value, &cancelled)) {
		if (file_nonblocking(file)) {
			return -EAGAIN;
		}
		error = wait_until(&timerfd->queue, try_take(timerfd, &value, &cancelled),
				   THREAD_INTERRUPTIBLE, NSEC_NEVER);
	}
	if (error || cancelled) {
		return error ? error : -ECANCELED;
	}
	return io_copy_to(io, &value, sizeof(value)) == sizeof(value) ? (s64)sizeof(value)
								      : -EFAULT;
}

static u32 timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *timerfd = file->data;
	u64 flags;
	u32 mask;

	poll_wait(table, &timerfd->queue);
	flags = spin_lock_irq(&timerfd->lock);
	mask = timerfd->expirations ? EPOLLIN : 0;
	spin_unlock_irq(&timerfd->lock, flags);
	return mask;
}

static void timerfd_release(struct file *file)
{
	struct timerfd *timerfd = file->data;
	u64 flags = spin_lock_irq(&realtime_lock);

	list_remove(&timerfd->link);
	spin_unlock_irq(&realtime_lock, flags);
	flags = spin_lock_irq(&timerfd->lock);
	timerfd->next = NSEC_NEVER;
	spin_unlock_irq(&timerfd->lock, flags);
	timer_cancel(&timerfd->timer);
	heap_free(timerfd);
}

static void describe_locked(struct timerfd *timerfd, struct __kernel_itimerspec *value)
	MUST_HOLD(&timerfd->lock)
{
	nsec_t left = timerfd->next - clock_monotonic();
	bool rests = timerfd->parked || timerfd->next == NSEC_NEVER;

	value->it_interval = nsec_to_timespec(timerfd->interval);
	value->it_value = nsec_to_timespec(rests ? 0 : MAX(left, (nsec_t)1));
}

static void describe(struct timerfd *timerfd, struct __kernel_itimerspec *value)
{
	u64 flags = spin_lock_irq(&timerfd->lock);

	go_on(timerfd);
	describe_locked(timerfd, value);
	spin_unlock_irq(&timerfd->lock, flags);
}

static int timerfd_fdinfo(struct file *file, char *to, size_t size)
{
	struct timerfd *timerfd = file->data;
	struct __kernel_itimerspec value;
	u64 flags, expirations;
	int set_flags;

	flags = spin_lock_irq(&timerfd->lock);
	describe_locked(timerfd, &value);
	expirations = timerfd->expirations;
	set_flags = timerfd->set_flags;
	spin_unlock_irq(&timerfd->lock, flags);
	return format_string(to, size,
			     "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: "
			     "(%ld, %ld)\nit_interval: (%ld, %ld)\n",
			     timerfd->clock, expirations, (unsigned)set_flags,
			     (long)value.it_value.tv_sec, (long)value.it_value.tv_nsec,
			     (long)value.it_interval.tv_sec,
			     (long)value.it_interval.tv_nsec);
}

static const struct file_operations timerfd_operations = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.fdinfo = timerfd_fdinfo,
	.release = timerfd_release,
	.no_position = true,
};

static bool on_realtime(const struct timerfd *timerfd)
{
	return timerfd->clock == CLOCK_REALTIME || timerfd->clock == CLOCK_REALTIME_ALARM;
}

/* The clock was set: what waits for a point of it moves. */
static void follow_clock(struct timerfd *timerfd, nsec_t offset)
{
	bool cancelled = false;
	u64 flags = spin_lock_irq(&timerfd->lock);

	if (timerfd->next != NSEC_NEVER && (timerfd->set_flags & TFD_TIMER_ABSTIME)) {
		timerfd->next += timerfd->offset - offset;
		if (!timerfd->parked) {
			start(timerfd);
		}
	}
	timerfd->offset = offset;
	if ((timerfd->set_flags & CANCELLABLE) == CANCELLABLE) {
		cancelled = timerfd->cancelled = true;
		timerfd->expirations++;
	}
	spin_unlock_irq(&timerfd->lock, flags);
	if (cancelled) {
		wake_all(&timerfd->queue, EPOLLIN);
	}
}

static void realtime_changed(void)
{
	struct timerfd *timerfd;
	u64 flags = spin_lock_irq(&realtime_lock);

	list_for_each(timerfd, &realtime_timerfds, link) {
		follow_clock(timerfd, clock_realtime_offset());
	}
	spin_unlock_irq(&realtime_lock, flags);
}

void timerfd_init(void)
{
	if (!clock_on_realtime_change(realtime_changed)) {
		panic("timerfd: too many watch the clock");
	}
}

/* Nobody else sees it yet: its fields need no lock. */
NO_THREAD_SAFETY int timerfd_create(int clock, u32 flags, struct file **out)
{
	struct timerfd *timerfd;
	int error;

	if (flags & ~(u32)O_NONBLOCK) {
		return -EINVAL;
	}
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_BOOTTIME_ALARM) {
		return -EINVAL;
	}
	timerfd = heap_allocate(sizeof(*timerfd));
	if (!timerfd) {
		return -ENOMEM;
	}
	mutex_init(&timerfd->set_lock, RANK_PIPE, "timerfd.set_lock");
	spin_init(&timerfd->lock, RANK_TIMERFD, "timerfd.lock");
	wait_queue_init(&timerfd->queue);
	timer_init(&timerfd->timer, timerfd_expired);
	timerfd->next = NSEC_NEVER;
	timerfd->clock = clock;
	list_init(&timerfd->link);
	error = file_create_anonymous("[timerfd]", 0600, &timerfd_operations,
				      O_RDWR | (flags & O_NONBLOCK), timerfd, out);
	if (error) {
		heap_free(timerfd);
	} else if (on_realtime(timerfd)) {
		u64 irq = spin_lock_irq(&realtime_lock);

		list_push_back(&realtime_timerfds, &timerfd->link);
		spin_unlock_irq(&realtime_lock, irq);
	}
	return error;
}

/* The monotonic time at which a setting expires; NSEC_NEVER: it disarms. */
static nsec_t first_expiry(const struct timerfd *timerfd, nsec_t value, int flags)
	MUST_HOLD(&timerfd->lock)
{
	if (value == 0) {
		return NSEC_NEVER;
	}
	if (!(flags & TFD_TIMER_ABSTIME)) {
		return nsec_add(clock_monotonic(), value);
	}
	if (!on_realtime(timerfd) || value == NSEC_NEVER) {
		return value;
	}
	return value - timerfd->offset;
}

int timerfd_clock(const struct file *file)
{
	const struct timerfd *timerfd = file->data;

	return file->operations == &timerfd_operations ? timerfd->clock : -EINVAL;
}

/* Stop it and set it. set_lock held. -ECANCELED: the clock was set meanwhile. */
static int set_anew(struct timerfd *timerfd, int flags, nsec_t first, nsec_t interval)
{
	bool cancelled;
	u64 irq = spin_lock_irq(&timerfd->lock);

	timerfd->next = NSEC_NEVER; /* nobody starts it again */
	timerfd->parked = false;
	spin_unlock_irq(&timerfd->lock, irq);
	timer_cancel(&timerfd->timer);
	irq = spin_lock_irq(&timerfd->lock);
	cancelled = timerfd->cancelled && (flags & CANCELLABLE) == CANCELLABLE && first;
	timerfd->cancelled = false;
	timerfd->expirations = 0;
	timerfd->interval = interval;
	timerfd->offset = clock_realtime_offset();
	timerfd->next = first_expiry(timerfd, first, flags);
	timerfd->set_flags = flags;
	if (timerfd->next != NSEC_NEVER) {
		start(timerfd);
	}
	spin_unlock_irq(&timerfd->lock, irq);
	return cancelled ? -ECANCELED : 0;
}

int timerfd_set(struct file *file, int flags, const struct __kernel_itimerspec *value,
		struct __kernel_itimerspec *old)
{
	struct timerfd *timerfd = file->data;
	nsec_t first, interval;
	int error;

	if (file->operations != &timerfd_operations ||
	    flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) {
		return -EINVAL;
	}
	if (timespec_to_nsec(&value->it_value, &first) ||
	    timespec_to_nsec(&value->it_interval, &interval)) {
		return -EINVAL;
	}
	mutex_lock(&timerfd->set_lock);
	if (old) {
		describe(timerfd, old);
	}
	error = set_anew(timerfd, flags, first, interval);
	mutex_unlock(&timerfd->set_lock);
	return error;
}

int timerfd_get(struct file *file, struct __kernel_itimerspec *value)
{
	if (file->operations != &timerfd_operations) {
		return -EINVAL;
	}
	describe(file->data, value);
	return 0;
}

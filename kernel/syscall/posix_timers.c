// SPDX-License-Identifier: MIT
/* timer_create(2) and its relatives. */
#include "process/posix_timers.h"

#include "lib/string.h"
#include "mm/usercopy.h"
#include "syscall/syscall.h"
#include "time/clock.h"
#include <linux/time.h>
#include <linux/time_types.h>

long sys_timer_create(const struct syscall_arguments *a)
{
	struct sigevent event;
	int id, err = 0;

	if (a->arg[1]) {
		err = user_read(&event, a->arg[1], sizeof(event));
	}
	if (!err) {
		err = posix_timer_create((int)a->arg[0], a->arg[1] ? &event : NULL, &id);
	}
	if (err) {
		return err;
	}
	err = user_write(a->arg[2], &id, sizeof(id));
	if (err && posix_timer_delete(id)) {
		return -EINVAL; // another thread was quicker
	}
	return err;
}

static int write_setting(vaddr_t to, const struct posix_timer_setting *setting)
{
	struct __kernel_itimerspec out = {.it_value = nsec_to_timespec(setting->value),
					  .it_interval =
						  nsec_to_timespec(setting->interval)};

	return user_write(to, &out, sizeof(out));
}

long sys_timer_settime(const struct syscall_arguments *a)
{
	struct posix_timer_setting fresh = {
		.absolute = ((int)a->arg[1] & TIMER_ABSTIME) != 0};
	struct posix_timer_setting old = {0};
	struct __kernel_itimerspec value;
	int err;

	if (!a->arg[2]) {
		return -EINVAL;
	}
	err = user_read(&value, a->arg[2], sizeof(value));
	if (!err) {
		err = timespec_to_nsec(&value.it_value, &fresh.value);
	}
	if (!err) {
		err = timespec_to_nsec(&value.it_interval, &fresh.interval);
	}
	if (!err) {
		err = posix_timer_set((int)a->arg[0], &fresh, &old);
	}
	if (!err && a->arg[3]) {
		err = write_setting(a->arg[3], &old);
	}
	return err;
}

long sys_timer_gettime(const struct syscall_arguments *a)
{
	struct posix_timer_setting setting;
	int err = posix_timer_get((int)a->arg[0], &setting);

	return err ? err : write_setting(a->arg[1], &setting);
}

long sys_timer_getoverrun(const struct syscall_arguments *a)
{
	return posix_timer_overrun((int)a->arg[0]);
}

long sys_timer_delete(const struct syscall_arguments *a)
{
	return posix_timer_delete((int)a->arg[0]);
}

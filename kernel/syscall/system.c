// SPDX-License-Identifier: MIT
/*
 * The machine as a whole: uname(2), sysinfo(2), getrandom(2), reboot(2), personality(2).
 */
#include "syscall/syscall.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "core/log.h"
#include "core/percpu.h"
#include "core/random.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/usercopy.h"
#include "process/exit.h"
#include "process/namespace/namespace.h"
#include "process/namespace/pid_namespace.h"
#include "process/namespace/time_namespace.h"
#include "process/namespace/uts_namespace.h"
#include "process/pid.h"
#include "time/clock.h"
#include "vm/vm_object.h"
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/utsname.h>

long sys_uname(const struct syscall_arguments *a)
{
	struct new_utsname names;

	uts_names(current_uts(), &names);
	return user_write(a->arg[0], &names, sizeof(names));
}

static long set_name(const struct syscall_arguments *a, size_t member)
{
	char name[__NEW_UTS_LEN + 1] = {0};

	if (!current_capable_over(&current_uts()->base, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if (a->arg[1] > __NEW_UTS_LEN) {
		return -EINVAL;
	}
	if (user_read(name, a->arg[0], a->arg[1])) {
		return -EFAULT;
	}
	uts_set_name(current_uts(), member, name, a->arg[1]);
	return 0;
}

long sys_sethostname(const struct syscall_arguments *a)
{
	return set_name(a, offsetof(struct new_utsname, nodename));
}

long sys_setdomainname(const struct syscall_arguments *a)
{
	return set_name(a, offsetof(struct new_utsname, domainname));
}

long sys_sysinfo(const struct syscall_arguments *a)
{
	struct frame_statistics memory;
	struct sysinfo info = {0};
	u64 load[3];

	frame_statistics(&memory);
	sched_load_average(load);
	for (int i = 0; i < 3; i++) {
		info.loads[i] = load[i] << (SI_LOAD_SHIFT - 11);
	}
	info.uptime =
		(clock_monotonic() + current_time_offset(CLOCK_BOOTTIME)) / NSEC_PER_SEC;
	info.totalram = memory.total * PAGE_SIZE;
	info.freeram = memory.free * PAGE_SIZE;
	info.sharedram = vm_object_shared_pages() * PAGE_SIZE;
	info.procs = (u16)MIN(pid_count(), 65535u);
	info.mem_unit = 1;
	return user_write(a->arg[0], &info, sizeof(info));
}

long sys_getrandom(const struct syscall_arguments *a)
{
	u64 size = MIN(a->arg[1], (u64)INT32_MAX), done = 0;
	u32 flags = (u32)a->arg[2];
	u8 chunk[256];

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE)) {
		return -EINVAL;
	}
	while (done < size) {
		size_t count = MIN(size - done, sizeof(chunk));

		random_bytes(chunk, count);
		if (user_write(a->arg[0] + done, chunk, count)) {
			memset(chunk, 0, sizeof(chunk));
			return done ? (long)done : -EFAULT;
		}
		done += count;
		if (sched_break_pending(THREAD_INTERRUPTIBLE) && done >= sizeof(chunk)) {
			break;
		}
	}
	memset(chunk, 0, sizeof(chunk));
	return (long)done;
}

long sys_personality(const struct syscall_arguments *a)
{
	struct thread *thread = current_thread();
	u32 old = thread->personality, wanted = (u32)a->arg[0];

	if (wanted != 0xffffffff) {
		thread->personality = wanted;
	}
	return old;
}

/* ---- reboot(2) ---- */

static bool magic_right(const struct syscall_arguments *a)
{
	u32 second = (u32)a->arg[1];

	return (u32)a->arg[0] == LINUX_REBOOT_MAGIC1 &&
	       (second == LINUX_REBOOT_MAGIC2 || second == LINUX_REBOOT_MAGIC2A ||
		second == LINUX_REBOOT_MAGIC2B || second == LINUX_REBOOT_MAGIC2C);
}

/* Of a pid namespace: its init is gone, and its parent learns by which signal. */
static long reboot_namespace(struct pid_namespace *namespace, u32 command)
{
	switch (command) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		pid_namespace_reboot(namespace, SIGHUP);
		break;
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		pid_namespace_reboot(namespace, SIGINT);
		break;
	default:
		return -EINVAL;
	}
	thread_exit(0);
}

long sys_reboot(const struct syscall_arguments *a)
{
	struct pid_namespace *namespace = current_pid_namespace();

	if (!namespace_capable(current_credentials(), namespace->base.owner,
			       CAP_SYS_BOOT)) {
		return -EPERM;
	}
	if (!magic_right(a)) {
		return -EINVAL;
	}
	if (namespace != &first_pid_namespace) {
		return reboot_namespace(namespace, (u32)a->arg[2]);
	}
	switch ((u32)a->arg[2]) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		log_info("reboot: restarting");
		arch_machine_reboot();
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		log_info("reboot: power down");
		arch_machine_exit(0);
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0; /* there is no such key here */
	}
	return -EINVAL;
}

// SPDX-License-Identifier: MIT
/*
 * R6, R10: each allocation of reading and writing the kernel's log, and of the files of /proc/PID that proc_files knows, fails once. What
 * fails says so and leaves nothing. Heddle only.
 * deadline: 60
 */
#include "ledger.h"
#include <dirent.h>
#include <sys/klog.h>

enum { MOST = 80, READ_ALL = 3, SIZE_UNREAD = 9, PAGE = 4096 };

static char text[1 << 17];

static int close_keeping_errno(int file, long result)
{
	int error = errno;

	close(file);
	errno = error;
	return result < 0 ? -1 : 0;
}

static int read_name(const char *name)
{
	int file = open(name, O_RDONLY | O_NONBLOCK);

	return file < 0 ? -1 : close_keeping_errno(file, read(file, text, 8192));
}

static int write_name(const char *name, const char *value)
{
	int file = open(name, O_WRONLY);

	return file < 0 ? -1
			: close_keeping_errno(file, write(file, value, strlen(value)));
}

static int act_log_read(void)
{
	return read_name("/dev/kmsg");
}

static int act_log_write(void)
{
	return write_name("/dev/kmsg", "<15>written\n");
}

static int act_log_all(void)
{
	return klogctl(READ_ALL, text, sizeof(text)) < 0 ? -1 : 0;
}

static int act_log_unread(void)
{
	return klogctl(SIZE_UNREAD, NULL, 0) < 0 ? -1 : 0;
}

static int act_log_proc(void)
{
	return write_name("/dev/kmsg", "<15>for proc\n") || read_name("/proc/kmsg") ? -1
										    : 0;
}

static int act_syscall(void)
{
	return read_name("/proc/self/syscall");
}

static int act_stack(void)
{
	return read_name("/proc/self/stack");
}

static int act_sched(void)
{
	return read_name("/proc/self/sched");
}

static int act_filter(void)
{
	return write_name("/proc/self/coredump_filter", "0x33") ||
			       read_name("/proc/self/coredump_filter")
		       ? -1
		       : 0;
}

static int act_clear(void)
{
	return write_name("/proc/self/clear_refs", "1");
}

static int act_map_files(void)
{
	int directory = open("/proc/self/map_files", O_RDONLY | O_DIRECTORY);
	struct dirent64 *entry = (void *)(text + PAGE);
	char name[300];
	long got;

	if (directory < 0) {
		return -1;
	}
	got = syscall(SYS_getdents64, directory, text + PAGE, PAGE);
	if (close_keeping_errno(directory, got)) {
		return -1;
	}
	while ((char *)entry < text + PAGE + got && entry->d_name[0] == '.') {
		entry = (void *)((char *)entry + entry->d_reclen);
	}
	CHECK((char *)entry < text + PAGE + got);
	snprintf(name, sizeof(name), "/proc/self/map_files/%s", entry->d_name);
	return readlink(name, text, PAGE) < 0 ? -1 : read_name(name);
}

static const struct failing_act acts[] = {
	{"log read", act_log_read},   {"log write", act_log_write},
	{"log all", act_log_all},     {"log unread", act_log_unread},
	{"log proc", act_log_proc},   {"syscall", act_syscall},
	{"stack", act_stack},         {"sched", act_sched},
	{"filter", act_filter},       {"clear_refs", act_clear},
	{"map_files", act_map_files},
};

int main(void)
{
	ledger_required();
	memset(text, 1,
	       sizeof(text)); // a page that cannot be had would kill: have them all
	fail_acts(acts, sizeof(acts) / sizeof(*acts), MOST, EFAULT);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/sys, what programs look up there; and /proc/heddle, the kernel's own.
 */
#include "procfs/procfs_internal.h"
#include "procfs/scheduling_internal.h"
#include "procfs/sysv_internal.h"

#include "arch/thread.h"
#include "core/missing.h"
#include "core/random.h"
#include "fs/page_file.h"
#include "ipc/aio/aio.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kernel_stack.h"
#include "process/call_log.h"
#include "process/namespace/namespace.h"
#include "process/namespace/uts_namespace.h"
#include "process/pid.h"
#include "process/stack_marks.h"
#include "vm/vm_space.h"
#include <linux/capability.h>
#include <linux/stat.h>

#define TEXT(n, function)   {.name = n, .mode = S_IFREG | 0444, .show = function}
#define DIRECTORY(n, table) {.name = n, .mode = S_IFDIR | 0555, .children = table}

/* A file that is one constant: what we are, or a limit that cannot be changed here. */
#define CONSTANT(function, value)                                                 \
	static int function(struct proc_text *text, const struct proc_node *node) \
	{                                                                         \
		proc_print(text, "%s\n", value);                                  \
		return 0;                                                         \
	}

CONSTANT(show_ostype, "Linux")
CONSTANT(show_capability_last, "40")
CONSTANT(show_groups_max, "65536")
CONSTANT(show_overflow, "65534")
CONSTANT(show_zero, "0")
CONSTANT(show_one, "1")
CONSTANT(show_two, "2")
CONSTANT(show_on, "on")
CONSTANT(show_core_pattern, "core")
CONSTANT(show_file_max, "9223372036854775807")
CONSTANT(show_open_max, "1048576")
CONSTANT(show_pipe_max, "1048576")
CONSTANT(show_lowest, "65536")
CONSTANT(show_threads_max, "4194304")
CONSTANT(show_unix_queue, "512")
CONSTANT(show_backlog, "4096")

int proc_parse_limit(const char *value, u64 most, u64 *out)
{
	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	return string_to_u64(value, out) || *out > most ? -EINVAL : 0;
}

static struct new_utsname names(void)
{
	struct new_utsname result;

	uts_names(current_uts(), &result);
	return result;
}

static int show_release(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%s\n", names().release);
	return 0;
}

static int show_build(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%s\n", names().version);
	return 0;
}

static int show_hostname(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%s\n", names().nodename);
	return 0;
}

static int write_hostname(const struct proc_node *node, char *value)
{
	if (!current_capable_over(&current_uts()->base, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	uts_set_name(current_uts(), offsetof(struct new_utsname, nodename), value,
		     strnlen(value, 64));
	return 0;
}

static int show_domain(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%s\n", names().domainname);
	return 0;
}

static int show_pid_max(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%d\n", pid_maximum());
	return 0;
}

static int write_pid_max(const struct proc_node *node, char *value)
{
	u64 number;
	int error = proc_parse_limit(value, PID_LIMIT, &number);

	return error ? error : pid_set_maximum((pid_nr)number);
}

static int show_aio_number(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%lu\n", aio_in_use());
	return 0;
}

static int show_aio_maximum(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%lu\n", aio_maximum());
	return 0;
}

static int write_aio_maximum(const struct proc_node *node, char *value)
{
	u64 number;
	int error = proc_parse_limit(value, ~0UL, &number);

	if (!error) {
		aio_set_maximum(number);
	}
	return error;
}

static int show_map_count(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%u\n", vm_areas_maximum());
	return 0;
}

static int write_map_count(const struct proc_node *node, char *value)
{
	u64 number;
	int error = proc_parse_limit(value, INT32_MAX, &number);

	if (!error) {
		vm_set_areas_maximum((u32)number);
	}
	return error;
}

static void print_uuid(struct proc_text *text, const u8 *b)
{
	proc_print(
		text,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n",
		b[0], b[1], b[2], b[3], b[4], b[5], (b[6] & 0x0f) | 0x40, b[7],
		(b[8] & 0x3f) | 0x80, b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int show_uuid(struct proc_text *text, const struct proc_node *node)
{
	u8 bytes[16];

	random_bytes(bytes, sizeof(bytes));
	print_uuid(text, bytes);
	return 0;
}

static int show_boot_id(struct proc_text *text, const struct proc_node *node)
{
	static u8 bytes[16];
	static _Atomic bool made;

	if (!atomic_exchange(&made, true)) {
		random_bytes(bytes, sizeof(bytes));
	}
	print_uuid(text, bytes);
	return 0;
}

static int show_entropy(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "256\n");
	return 0;
}

static const struct proc_entry random_entries[] = {
	TEXT("uuid", show_uuid),
	TEXT("boot_id", show_boot_id),
	TEXT("entropy_avail", show_entropy),
	{0},
};

static const struct proc_entry kernel_entries[] = {
	TEXT("ostype", show_ostype),
	TEXT("osrelease", show_release),
	TEXT("version", show_build),
	{.name = "hostname",
	 .mode = S_IFREG | 0644,
	 .show = show_hostname,
	 .write = write_hostname},
	TEXT("domainname", show_domain),
	{.name = "pid_max",
	 .mode = S_IFREG | 0644,
	 .show = show_pid_max,
	 .write = write_pid_max},
	TEXT("threads-max", show_threads_max),
	TEXT("cap_last_cap", show_capability_last),
	TEXT("ngroups_max", show_groups_max),
	TEXT("overflowuid", show_overflow),
	TEXT("overflowgid", show_overflow),
	TEXT("randomize_va_space", show_two),
	TEXT("core_pattern", show_core_pattern),
	TEXT("core_uses_pid", show_zero),
	TEXT("kptr_restrict", show_one),
	{.name = "dmesg_restrict",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_dmesg_restrict,
	 .write = proc_write_dmesg_restrict},
	TEXT("printk", proc_show_printk),
	TEXT("printk_devkmsg", show_on), /* writers of /dev/kmsg are not slowed down */
	TEXT("perf_event_paranoid", show_two),
	TEXT("tainted", show_zero),
	DIRECTORY("random", random_entries),
	PROC_SYSV_LIMITS,
	PROC_SCHED_LIMIT("sched_rt_period_us"),
	PROC_SCHED_LIMIT("sched_rt_runtime_us"),
	PROC_SCHED_LIMIT("sched_deadline_period_min_us"),
	PROC_SCHED_LIMIT("sched_deadline_period_max_us"),
	TEXT("sched_rr_timeslice_ms", proc_show_round_robin),
	{0},
};

static const struct proc_entry fs_entries[] = {
	TEXT("aio-nr", show_aio_number),
	{.name = "aio-max-nr",
	 .mode = S_IFREG | 0644,
	 .show = show_aio_maximum,
	 .write = write_aio_maximum},
	TEXT("file-max", show_file_max),
	TEXT("nr_open", show_open_max),
	TEXT("pipe-max-size", show_pipe_max),
	TEXT("protected_hardlinks", show_zero),
	TEXT("protected_symlinks", show_zero),
	{.name = "dir-notify-enable",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_dnotify,
	 .write = proc_write_dnotify},
	DIRECTORY("fanotify", proc_fanotify_entries),
	DIRECTORY("inotify", proc_inotify_entries),
	DIRECTORY("mqueue", proc_mqueue_entries),
	{0},
};

static const struct proc_entry vm_entries[] = {
	{.name = "max_map_count",
	 .mode = S_IFREG | 0644,
	 .show = show_map_count,
	 .write = write_map_count},
	TEXT("overcommit_memory", show_one),
	TEXT("mmap_min_addr", show_lowest),
	TEXT("swappiness", show_zero),
	{0},
};

static const struct proc_entry core_entries[] = {TEXT("somaxconn", show_backlog), {0}};
static const struct proc_entry unix_entries[] = {TEXT("max_dgram_qlen", show_unix_queue),
						 {0}};
static const struct proc_entry net_entries[] = {
	DIRECTORY("core", core_entries),
	DIRECTORY("unix", unix_entries),
	{0},
};

/* What a port has to say of registers that only some of its machines have. */
static int show_setting(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%lu\n", arch_setting_read());
	return 0;
}

static int write_setting(const struct proc_node *node, char *value)
{
	u64 number;

	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	if (strcmp(value, "-1") == 0) {
		return arch_setting_write(~0UL);
	}
	return string_to_u64(value, &number) ? -EINVAL : arch_setting_write(number);
}

static const struct proc_entry abi_entries[] = {
	{.name = ARCH_SETTING,
	 .mode = S_IFREG | 0644,
	 .show = show_setting,
	 .write = write_setting},
	{0},
};

const struct proc_entry proc_sys_entries[] = {
	DIRECTORY("kernel", kernel_entries),
	DIRECTORY("fs", fs_entries),
	DIRECTORY("vm", vm_entries),
	DIRECTORY("net", net_entries),
	{.name = "abi",
	 .mode = S_IFDIR | 0555,
	 .is_there = arch_setting_is_there,
	 .children = abi_entries},
	{0},
};

/* ---- /proc/heddle ---- */

static int show_missing(struct proc_text *text, const struct proc_node *node)
{
	char name[MISSING_NAME_MAX];
	u64 count;

	for (unsigned i = 0; missing_get(MISSING_FILE, i, name, &count); i++) {
		proc_print(text, "%s\n", name);
	}
	return 0;
}

static int show_missing_calls(struct proc_text *text, const struct proc_node *node)
{
	char name[MISSING_NAME_MAX];
	u64 count;

	for (unsigned i = 0; missing_get(MISSING_CALL, i, name, &count); i++) {
		proc_print(text, "%s %lu\n", name, count);
	}
	return 0;
}

/* The deepest use of a kernel stack by a thread that is shown here or has ended, the size of a stack, the thread's name (S3). */
static int show_kernel_stack(struct proc_text *text, const struct proc_node *node)
{
	struct stack_mark mark;

	stack_mark_deepest(node->namespace, &mark);
	proc_print(text, "%lu %lu %s\n", mark.bytes, KERNEL_STACK_SIZE, mark.name);
	return 0;
}

static const char *const trace_states[] = {
	[TRACE_OFF] = "off",
	[TRACE_AT_EXEC] = "exec",
	[TRACE_CALLS] = "calls",
};

/* The reader's state, and how many lines the log has lost. */
static int show_trace(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%s\ndropped %lu\n",
		   trace_states[current_thread()->traced & TRACE_LOG],
		   call_log_dropped());
	return 0;
}

/* The writer's state, which its children take over. */
static int write_trace(const struct proc_node *node, char *value)
{
	if (!current_capable(CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	for (u8 i = 0; i < ARRAY_SIZE(trace_states); i++) {
		if (strcmp(value, trace_states[i]) == 0) {
			current_thread()->traced =
				(u8)((current_thread()->traced & ~TRACE_LOG) | i);
			return 0;
		}
	}
	return -EINVAL;
}

static s64 read_calls(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 done = call_log_read(io, *position);

	*position += done > 0 ? (u64)done : 0;
	return done;
}

static const struct file_operations calls_operations = {
	.read = read_calls,
	.seek = generic_seek,
};

const struct proc_entry proc_heddle_entries[] = {
	{.name = "trace",
	 .mode = S_IFREG | 0600,
	 .show = show_trace,
	 .write = write_trace},
	{.name = "calls", .mode = S_IFREG | 0400, .file_operations = &calls_operations},
	{.name = "ledger",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_ledger,
	 .write = proc_write_ledger},
	{.name = "fail_nth",
	 .mode = S_IFREG | 0600,
	 .show = proc_show_faults,
	 .write = proc_write_faults},
	TEXT("kernel_stack", show_kernel_stack),
	TEXT("missing", show_missing),
	TEXT("missing_calls", show_missing_calls),
	{0},
};

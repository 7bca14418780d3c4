// SPDX-License-Identifier: MIT
/*
 * proc(5): the machine as a whole: cpuinfo, meminfo, stat, uptime, loadavg, version, …
 */
#include "procfs/procfs_internal.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "core/command_line.h"
#include "core/percpu.h"
#include "drivers/interrupt.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "process/namespace/time_namespace.h"
#include "process/namespace/uts_namespace.h"
#include "process/pid.h"
#include "time/clock.h"
#include "time/timer.h"
#include "vm/vm_object.h"
#include <linux/stat.h>
#include <linux/time.h>

enum { TICKS_PER_SECOND = 100, CPU_TEXT = 4096 };
#define NSEC_PER_TICK     ((u64)(NSEC_PER_SEC / TICKS_PER_SECOND))
#define TEXT(n, function) {.name = n, .mode = S_IFREG | 0444, .show = function}

static int show_cmdline(struct proc_text *text, const struct proc_node *node)
{
	const char *line = command_line_text();

	proc_append(text, line, strlen(line));
	proc_append(text, "\n", 1);
	return 0;
}

static int show_cpuinfo(struct proc_text *text, const struct proc_node *node)
{
	char *buffer = heap_allocate(CPU_TEXT);

	if (!buffer) {
		return -ENOMEM;
	}
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		int size = arch_cpu_describe(cpu, buffer, CPU_TEXT);

		proc_append(text, buffer, (size_t)MIN(MAX(size, 0), CPU_TEXT - 1));
		proc_append(text, "\n", 1);
	}
	heap_free(buffer);
	return 0;
}

static int show_meminfo(struct proc_text *text, const struct proc_node *node)
{
	struct frame_statistics memory;
	u64 k = PAGE_SIZE / 1024, cached = vm_object_cached_pages() * k;
	u64 shared = vm_object_shared_pages() * k;

	frame_statistics(&memory);
	proc_print(text,
		   "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   "
		   "%8lu kB\nBuffers:        %8lu kB\nCached:         %8lu "
		   "kB\nSwapCached:     %8lu kB\n",
		   memory.total * k, memory.free * k, memory.free * k + cached, 0UL,
		   cached + shared, 0UL);
	proc_print(text,
		   "Active:         %8lu kB\nInactive:       %8lu kB\nSwapTotal:      "
		   "%8lu kB\nSwapFree:       %8lu kB\nDirty:          %8lu "
		   "kB\nWriteback:      %8lu kB\n",
		   (memory.total - memory.free) * k, 0UL, 0UL, 0UL, 0UL, 0UL);
	proc_print(text,
		   "AnonPages:      %8lu kB\nMapped:         %8lu kB\nShmem:          "
		   "%8lu kB\nSlab:           %8lu kB\nSReclaimable:   %8lu "
		   "kB\nSUnreclaim:     %8lu kB\n",
		   0UL, 0UL, shared, heap_bytes_in_use() / 1024, 0UL,
		   heap_bytes_in_use() / 1024);
	proc_print(text,
		   "CommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\nHugePages_Total:   "
		   "%5lu\nHugePages_Free:    %5lu\nHugepagesize:   %8lu kB\n",
		   memory.total * k, (memory.total - memory.free) * k, 0UL, 0UL, 2048UL);
	return 0;
}

static void print_cpu(struct proc_text *text, const char *name, u64 user, u64 system,
		      u64 idle)
{
	proc_print(text, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, user / NSEC_PER_TICK,
		   system / NSEC_PER_TICK, idle / NSEC_PER_TICK);
}

static u64 interrupts_of(unsigned cpu)
{
	u64 sum = timer_interrupt_count(cpu) + sched_interrupt_count(cpu);

	for (unsigned line = 0; line < INTERRUPT_LINES; line++) {
		sum += interrupt_count(line, cpu);
	}
	return sum;
}

static int show_stat(struct proc_text *text, const struct proc_node *node)
{
	u64 user = 0, system = 0, idle = 0, interrupts = 0;
	nsec_t boot = clock_realtime() - clock_monotonic() -
		      current_time_offset(CLOCK_BOOTTIME);

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		u64 u, s, i;

		sched_cpu_statistics(cpu, &u, &s, &i);
		user += u;
		system += s;
		idle += i;
		interrupts += interrupts_of(cpu);
	}
	print_cpu(text, "cpu ", user, system, idle);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		char name[16];
		u64 u, s, i;

		sched_cpu_statistics(cpu, &u, &s, &i);
		format_string(name, sizeof(name), "cpu%u", cpu);
		print_cpu(text, name, u, s, i);
	}
	proc_print(text,
		   "intr %lu\nctxt %lu\nbtime %ld\nprocesses %u\nprocs_running "
		   "%u\nprocs_blocked 0\n",
		   interrupts, sched_switch_count(), (long)(boot / NSEC_PER_SEC),
		   (unsigned)pid_last(), sched_running_count());
	return 0;
}

static int show_uptime(struct proc_text *text, const struct proc_node *node)
{
	u64 now = (u64)(clock_monotonic() + current_time_offset(CLOCK_BOOTTIME)),
	    idle = 0;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		u64 u, s, i;

		sched_cpu_statistics(cpu, &u, &s, &i);
		idle += i;
	}
	proc_print(text, "%lu.%02lu %lu.%02lu\n", now / (u64)NSEC_PER_SEC,
		   now / 10000000 % 100, idle / (u64)NSEC_PER_SEC, idle / 10000000 % 100);
	return 0;
}

static int show_loadavg(struct proc_text *text, const struct proc_node *node)
{
	u64 load[3];

	sched_load_average(load);
	for (int i = 0; i < 3; i++) {
		proc_print(text, "%lu.%02lu ", load[i] >> 11,
			   ((load[i] & 2047) * 100) >> 11);
	}
	proc_print(text, "%u/%u %d\n", sched_running_count(), pid_count(), pid_last());
	return 0;
}

static int show_version(struct proc_text *text, const struct proc_node *node)
{
	struct new_utsname names;

	uts_names(current_uts(), &names);
	proc_print(text, "%s version %s (heddle) %s\n", names.sysname, names.release,
		   names.version);
	return 0;
}

static int show_filesystems(struct proc_text *text, const struct proc_node *node)
{
	const struct file_system_type *type;

	for (unsigned n = 0; (type = file_system_nth(n)); n++) {
		proc_print(text, "%s\t%s\n",
			   type->flags & FILE_SYSTEM_NODEV ? "nodev" : "", type->name);
	}
	return 0;
}

static void show_line(struct proc_text *text, unsigned line)
{
	u64 sum = 0;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		sum += interrupt_count(line, cpu);
	}
	if (!sum) {
		return;
	}
	proc_print(text, "%3u: ", line);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		proc_print(text, "%10u ", interrupt_count(line, cpu));
	}
	proc_print(text, "\n");
}

static void show_cpu_interrupt(struct proc_text *text,
			       const struct arch_interrupt_name *name,
			       u64 (*count)(unsigned cpu))
{
	proc_print(text, "%3s: ", name->label);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		proc_print(text, "%10lu ", count(cpu));
	}
	proc_print(text, "  %s\n", name->text);
}

static int show_interrupts(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "     ");
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		char name[16];

		format_string(name, sizeof(name), "CPU%u", cpu);
		proc_print(text, "%10s ", name);
	}
	proc_print(text, "\n");
	for (unsigned line = 0; line < INTERRUPT_LINES; line++) {
		show_line(text, line);
	}
	show_cpu_interrupt(text, &arch_timer_interrupt, timer_interrupt_count);
	show_cpu_interrupt(text, &arch_reschedule_interrupt, sched_interrupt_count);
	return 0;
}

static int show_vmstat(struct proc_text *text, const struct proc_node *node)
{
	struct frame_statistics memory;

	frame_statistics(&memory);
	proc_print(text,
		   "nr_free_pages %lu\nnr_file_pages %lu\nnr_shmem %lu\npgpgin "
		   "0\npgpgout 0\npswpin 0\npswpout 0\n",
		   memory.free, vm_object_cached_pages() + vm_object_shared_pages(),
		   vm_object_shared_pages());
	return 0;
}

static int show_partitions(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "major minor  #blocks  name\n\n");
	return 0;
}

static int show_devices(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 "
			 "/dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
	return 0;
}

static int show_empty(struct proc_text *text, const struct proc_node *node)
{
	return 0;
}

static int give_link(const char *text, int length, char *to, size_t size)
{
	length = MIN(length, (int)size);
	memcpy(to, text, (size_t)length);
	return length;
}

static int link_self(const struct proc_node *node, char *to, size_t size)
{
	pid_nr number = pid_number_in(current_process()->pid, node->namespace);
	char text[16];

	if (!number) {
		return -ENOENT; // the reader cannot be seen from there
	}
	return give_link(text, format_string(text, sizeof(text), "%d", number), to, size);
}

static int link_thread_self(const struct proc_node *node, char *to, size_t size)
{
	pid_nr number = pid_number_in(current_process()->pid, node->namespace);
	pid_nr thread = pid_number_in(current_thread()->pid, node->namespace);
	char text[48];

	if (!number) {
		return -ENOENT;
	}
	return give_link(text,
			 format_string(text, sizeof(text), "%d/task/%d", number, thread),
			 to, size);
}

static int link_text(const char *text, char *to, size_t size)
{
	size_t length = MIN(strlen(text), size);

	memcpy(to, text, length);
	return (int)length;
}

static int link_mounts(const struct proc_node *node, char *to, size_t size)
{
	return link_text("self/mounts", to, size);
}

static int link_net(const struct proc_node *node, char *to, size_t size)
{
	return link_text("self/net", to, size);
}

const struct proc_entry proc_root_entries[] = {
	{.name = "self", .mode = S_IFLNK | 0777, .link = link_self},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .link = link_thread_self},
	{.name = "mounts", .mode = S_IFLNK | 0777, .link = link_mounts},
	{.name = "net", .mode = S_IFLNK | 0777, .link = link_net},
	TEXT("cmdline", show_cmdline),
	TEXT("cpuinfo", show_cpuinfo),
	TEXT("meminfo", show_meminfo),
	TEXT("stat", show_stat),
	{.name = "kmsg",
	 .mode = S_IFREG | 0400,
	 .file_operations = &proc_kmsg_operations},
	TEXT("uptime", show_uptime),
	TEXT("loadavg", show_loadavg),
	TEXT("version", show_version),
	TEXT("filesystems", show_filesystems),
	TEXT("interrupts", show_interrupts),
	TEXT("vmstat", show_vmstat),
	TEXT("locks", proc_show_locks),
	TEXT("partitions", show_partitions),
	TEXT("devices", show_devices),
	TEXT("swaps", show_empty),
	TEXT("modules", show_empty),
	TEXT("diskstats", show_empty),
	{.name = "sysvipc", .mode = S_IFDIR | 0555, .children = proc_sysvipc_entries},
	{.name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_entries},
	{.name = "heddle", .mode = S_IFDIR | 0555, .children = proc_heddle_entries},
	{0},
};

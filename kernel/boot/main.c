// SPDX-License-Identifier: MIT
/*
 * The boot order, as two lists: what the boot CPU does before there are threads, and what the boot thread does after.
 */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "boot/self_tests.h"
#include "core/command_line.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/random.h"
#include "drivers/virtio/virtio.h"
#include "fs/9p/9p.h"
#include "fs/nsfs.h"
#include "fs/overlay/overlay.h"
#include "fs/path.h"
#include "fs/virtio_port.h"
#include "ipc/aio/aio.h"
#include "ipc/epoll.h"
#include "ipc/eventfd.h"
#include "ipc/mqueue/mqueue.h"
#include "ipc/pipe.h"
#include "ipc/sysv/sysv.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/generic_netlink.h"
#include "net/netlink.h"
#include "net/route_netlink.h"
#include "net/socket.h"
#include "process/process.h"
#include "process/terminal.h"
#include "procfs/procfs.h"
#include "sched/sched.h"
#include "sync/completion.h"
#include "syscall/file_limits.h"
#include "time/clock.h"
#include "time/timer.h"
#include "tty/tty.h"
#include "vm/vm_space.h"

static void set_log_level(void)
{
	if (command_line_has("quiet")) {
		log_set_console_level(LOG_WARNING);
	}
	log_set_console_level(
		(int)command_line_number("loglevel", (u64)log_console_level()));
}

/* What takes long and needs little of the rest: threads of their own, awaited before the first process. */
static struct completion cpus_started, root_filled, init_there;
static struct path root;

static void start_cpus(void *unused)
{
	sched_start_cpus();
	completion_complete(&cpus_started);
}

static void file_there(const char *name)
{
	if (process_is_init(name)) {
		completion_complete(&init_there);
	}
}

static void fill_root(void *unused)
{
	fs_unpack_initramfs(&root, file_there);
	completion_complete(&init_there);
	completion_complete(&root_filled);
}

static void start_beside(const char *name, void (*run)(void *), struct completion *done)
{
	completion_init(done);
	if (sched_kernel_thread(name, run, NULL, NULL) != 0) {
		panic("boot: no memory for the thread %s", name);
	}
}

/* Thread context; ends when the first process runs. */
static void boot_thread(void *unused)
{
	start_beside("start-cpus", start_cpus, &cpus_started);
	sched_yield_current(); /* it wakes the first of them and sleeps */
	vm_init();
	fs_init();
	nsfs_init();
	if (fs_mount_root(&root) != 0) {
		panic("cannot mount the root file system");
	}
	completion_init(&init_there);
	start_beside("fill-root", fill_root, &root_filled); /* from the initramfs */
	pipe_init();
	epoll_init();
	aio_init();
	timerfd_init();
	sched_realtime_init();
	sysv_init();
	mqueue_init();
	unix_socket_init();
	netlink_init();
	generic_netlink_init();
	route_netlink_init();
	procfs_init();
	overlay_init();
	file_limits_init();
	virtio_ports_init(); /* drivers first, */
	p9_init();
	virtio_init(); /* then the devices they claim */
	process_init();
	completion_wait(&cpus_started);
	self_test_run(); /* a panic names threads from here on */
	terminal_init();
	tty_init_devices();
	arch_kernel_seal(); /* boot code is gone from here on */
	clock_refine();
	completion_wait(&init_there);
	process_prepare_init(&root); /* loads it while the rest of the root is filled */
	completion_wait(&root_filled);
	log_info("boot: done in %lld us", (long long)clock_monotonic() / NSEC_PER_USEC);
	process_start_init(); /* pid 1 */
}

void boot_main(void)
{
	command_line_init(boot_info.command_line);
	set_log_level();
	frame_init(); /* physical memory */
	heap_init();
	arch_boot_late(); /* interrupt chips, clock, list of CPUs */
	clock_init();
	random_init();
	timer_init_system();
	sched_init(); /* this context becomes CPU 0's idle thread */
	if (sched_kernel_thread("boot", boot_thread, NULL, NULL) != 0) {
		panic("boot: no memory for the first thread");
	}
	sched_idle();
}

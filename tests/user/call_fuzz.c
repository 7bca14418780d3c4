// SPDX-License-Identifier: MIT
/*
 * R2, R6, R10: system calls with random arguments, in children of root and of nobody, alone and from two threads at once. The
 * kernel must survive, no child may refuse to die, and the ledger is where it was. Only on Heddle: what root's children do to
 * the machine is not for the host. HEDDLE_SOAK=n: n times as many; HEDDLE_SEED: others.
 * deadline: 40
 */
#include "ledger.h"
#include <dirent.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum { CHILDREN = 120, CALLS = 60, LAST_CALL = 470, PAGE = 4096, DIES_WITHIN_S = 20 };

struct shared {
	volatile long call[2][7]; /* what each thread does now, for the report */
	volatile unsigned char missing[LAST_CALL];
};

static struct shared *shared;
static char *pages; /* read-write; its second page is read-only, the third is not there */
static uint64_t first_seed = 1;
static __thread uint64_t state;

static uint64_t draw(void)
{
	uint64_t mixed = state += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
	return mixed ^ (mixed >> 31);
}

static uint64_t below(uint64_t limit)
{
	return draw() % limit;
}

/* What would end or bend the machine on purpose, whoever asks. */
static const short never[] = {
	SYS_reboot,        SYS_kexec_load,     SYS_settimeofday, SYS_clock_settime,
	SYS_adjtimex,      SYS_clock_adjtime,  SYS_vhangup,      SYS_swapon,
	SYS_swapoff,       SYS_init_module,    SYS_finit_module, SYS_delete_module,
	SYS_sched_setattr, SYS_sched_setparam, SYS_setpriority,  SYS_sched_setscheduler,
	SYS_syslog,        SYS_exit_group,     SYS_exit,         SYS_rt_sigreturn,
	SYS_acct,
#ifdef SYS_pause
	SYS_pause,
#endif
#ifdef SYS_iopl
	SYS_iopl,          SYS_ioperm,
#endif
};

static const short making_children[] = {
	SYS_clone,
	SYS_clone3,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
};

/* Everybody sees what these do to the tree of mounts; children with a tree of their own may. */
static const short mounting[] = {
	SYS_mount,   SYS_umount2,   SYS_pivot_root,    SYS_chroot, SYS_move_mount,
	SYS_fsmount, SYS_open_tree, SYS_mount_setattr, SYS_setns,
};

/* The first argument says whom it hits: only oneself. */
static const short at_processes[] = {
	SYS_kill,       SYS_tkill,
	SYS_tgkill,     SYS_rt_sigqueueinfo,
	SYS_ptrace,     SYS_rt_tgsigqueueinfo,
	SYS_prlimit64,  SYS_process_vm_writev,
	SYS_setpgid,    SYS_migrate_pages,
	SYS_move_pages, SYS_sched_setaffinity,
	SYS_pidfd_open,
};

static bool is_among(const short *list, size_t count, long number)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == number) {
			return true;
		}
	}
	return false;
}
#define AMONG(list, number) is_among(list, sizeof(list) / sizeof((list)[0]), number)

static const char *const names[] = {
	"",
	"/",
	".",
	"..",
	"a",
	"a/b",
	"d",
	"d/e",
	"//d//./e",
	"link",
	"loop",
	"d/../a",
	"fifo",
	"/dev/null",
	"/dev/zero",
	"/proc/self/maps",
	"/proc/self/fd",
	"/proc/self/status",
	"/proc/self/mem",
	"/proc/self/exe",
	"/proc/self/task",
	"/proc/self/root/tmp",
	"/dev/ptmx",
	"/tmp",
	"/sys",
	"a/",
	"nothing/at/all",
	"socket",
};

static uint64_t odd_number(void)
{
	switch (below(6)) {
	case 0:
		return below(16);
	case 1:
		return -below(200);
	case 2:
		return (1ull << below(64)) - below(3);
	case 3:
		return draw() & draw() & 0xffffffff;
	case 4:
		return below(70000);
	default:
		return draw() >> below(64);
	}
}

static uint64_t odd_pointer(void)
{
	switch (below(12)) {
	case 0:
		return 0;
	case 1:
		return (uintptr_t)UNMAPPED_ADDRESS;
	case 2:
		return (uintptr_t)KERNEL_ADDRESS + below(16);
	case 3:
		return (uintptr_t)NON_CANONICAL;
	case 4:
		return (uintptr_t)pages + 2 * PAGE - below(40); // ends in nothing
	case 5:
		return (uintptr_t)pages + PAGE - below(40); // ends read-only
	case 6:
		return 0x7ffffffff000ull - below(32);
	case 7:
		return (uintptr_t)odd_pointer;
	default:
		return (uintptr_t)pages + below(PAGE - 512) / 8 * 8;
	}
}

static uint64_t odd_argument(void)
{
	switch (below(8)) {
	case 0:
	case 1:
		return below(24); // a descriptor, most likely
	case 2:
	case 3:
		return odd_number();
	case 4:
		return (uintptr_t)names[below(sizeof(names) / sizeof(names[0]))];
	default:
		return odd_pointer();
	}
}

/* Structures of numbers, of pointers to more of them, of names. */
static void fill_page(void)
{
	uint64_t *words = (uint64_t *)pages;

	for (size_t i = 0; i < PAGE / 8; i++) {
		words[i] = below(3) ? below(3) ? odd_number() : 0 : odd_pointer();
	}
	if (below(4) == 0) {
		memset(pages + 1024, 'x', 1024);
	}
}

static void again(int signal)
{
	(void)signal;
}

/* Waits end: the last call may have changed any of it. */
static void rearm(void)
{
	struct itimerval soon = {{0, 3000}, {0, 3000}};
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	signal(SIGALRM, again);
	siginterrupt(SIGALRM, 1);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static bool own_mounts;

static long choose_call(void)
{
	for (;;) {
		long number = (long)below(LAST_CALL);

		if (AMONG(never, number) || (!own_mounts && AMONG(mounting, number)) ||
		    (shared->missing[number] && below(50))) {
			continue;
		}
		return number;
	}
}

static void one_call(int who)
{
	long number = choose_call(), result;
	uint64_t a[6];

	for (int i = 0; i < 6; i++) {
		a[i] = odd_argument();
	}
	if (AMONG(at_processes, number)) {
		a[0] = below(2) ? (uint64_t)getpid() : 4000000;
	}
	if (below(8) == 0) {
		fill_page();
	}
	rearm();
	shared->call[who][0] = number;
	for (int i = 0; i < 6; i++) {
		shared->call[who][i + 1] = (long)a[i];
	}
	errno = 0;
	result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result == 0 && AMONG(making_children, number)) {
		syscall(SYS_exit, 0);
	}
	if (result == -1 && errno == ENOSYS) {
		shared->missing[number] = 1;
	}
}

static void *second_thread(void *seed)
{
	state = (uintptr_t)seed;
	for (int i = 0; i < CALLS; i++) {
		one_call(1);
	}
	return NULL;
}

static void limit(int which, rlim_t most)
{
	struct rlimit value = {most, most};

	CHECK_EQ(setrlimit(which, &value), 0);
}

static void open_things(void)
{
	int pair[2];

	(void)!pipe(pair);
	(void)!pipe2(pair, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	epoll_create1(0);
	eventfd(1, 0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	open("a", O_RDWR | O_CREAT, 0666);
	open(".", O_RDONLY | O_DIRECTORY);
	open("/proc/self/mem", O_RDWR);
	memfd_create("memory", 3);
	open("/dev/ptmx", O_RDWR | O_NOCTTY);
	socket(AF_UNIX, SOCK_STREAM, 0);
	open("/proc/self/task", O_RDONLY);
	open("a", O_PATH);
}

static void make_folder(void)
{
	mkdir("d", 0777);
	mkdir("d/e", 0777);
	(void)!symlink("d/e", "link");
	(void)!symlink("loop", "loop");
	mkfifo("fifo", 0666);
}

/* A root of its own: the next test needs the guest's as it was, and root may change the mode of `/`. */
static bool move_house(void)
{
	static const struct {
		const char *path;
		unsigned minor;
	} devices[] = {{"dev/null", 3}, {"dev/zero", 5}};

	if (unshare(CLONE_NEWNS) != 0) {
		return false;
	}
	CHECK_EQ(mount("root", ".", "tmpfs", 0, "mode=0755"), 0);
	CHECK_EQ(chdir(getcwd((char[PAGE]){0}, PAGE)), 0); // what lies over it now
	CHECK_EQ(mkdir("proc", 0755) | mkdir("dev", 0755) | mkdir("tmp", 01777) |
			 mkdir("sys", 0755),
		 0);
	CHECK_EQ(mount("proc", "proc", "proc", 0, NULL), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(mknod(devices[i].path, S_IFCHR | 0666,
			       makedev(1, devices[i].minor)),
			 0);
	}
	CHECK_EQ(mknod("dev/ptmx", S_IFCHR | 0666, makedev(5, 2)), 0);
	CHECK_EQ(chroot("."), 0);
	CHECK_EQ(chdir("/tmp"), 0);
	return true;
}

static void become_child(uint64_t seed, bool nobody)
{
	pthread_t thread;
	int null;

	state = seed;
	for (int number = 1; number < NSIG; number++) {
		signal(number, SIG_DFL);
	}
	setsid();
	limit(RLIMIT_AS, 300ul << 20);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_CPU, 10);
	CHECK_EQ(unshare(CLONE_NEWIPC), 0); // what is made there goes with us
	own_mounts = !nobody && move_house();
	null = open("/dev/null", O_RDWR); // of its own root: fchmod may find it
	for (int fd = 0; fd < 3; fd++) {
		dup2(null, fd);
	}
	make_folder();
	if (nobody) {
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setresgid(65534, 65534, 65534), 0);
		CHECK_EQ(setresuid(65534, 65534, 65534), 0);
	}
	limit(RLIMIT_NPROC, 60);
	open_things();
	fill_page();
	if (seed % 4 == 0 &&
	    pthread_create(&thread, NULL, second_thread, (void *)(seed + 77)) == 0) {
		pthread_detach(thread);
	}
	for (int i = 0; i < CALLS; i++) {
		one_call(0);
	}
	_exit(0);
}

static void show_file(const char *folder, const char *thread, const char *name)
{
	char path[400], text[1500];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, thread, name);
	fd = open(path, O_RDONLY);
	length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = 0;
	close(fd);
	say("# %s:\n", path);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		say("#   %s\n", line);
	}
}

static void show_threads(pid_t process)
{
	char path[64];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.') {
			show_file(path, entry->d_name, "stat");
			show_file(path, entry->d_name, "wchan");
			show_file(path, entry->d_name, "status");
		}
	}
}

static void report(pid_t child, uint64_t seed)
{
	show_threads(child);
	say("# seed %llu, process %d does not die\n", (unsigned long long)seed, child);
	for (int who = 0; who < 2; who++) {
		say("# call %ld(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n",
		    shared->call[who][0], shared->call[who][1], shared->call[who][2],
		    shared->call[who][3], shared->call[who][4], shared->call[who][5],
		    shared->call[who][6]);
	}
}

/* Reap until `child` (or, with 0, everybody) is gone or the time is over. */
static bool gone_within(pid_t child, long long limit_ns)
{
	struct timespec pause = {0, 500000};
	long long start = now_ns();

	while (now_ns() - start < limit_ns) {
		pid_t ended = waitpid(child ? child : -1, NULL, WNOHANG | __WALL);

		if ((ended == -1 && errno == ECHILD) || (child && ended == child)) {
			return true;
		}
		if (ended == 0) {
			nanosleep(&pause, NULL);
		}
	}
	return false;
}

static void one_child(uint64_t seed, bool nobody)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		become_child(seed, nobody);
	}
	if (!gone_within(child, 1500000000ll)) {
		kill(child, SIGKILL);
		if (!gone_within(child, DIES_WITHIN_S * 1000000000ll)) {
			report(child, seed);
			CHECK(!"every child dies");
		}
	}
	// Whatever it left behind is ours now, and in our guest there is nobody else.
	for (int i = 0; i < DIES_WITHIN_S * 10; i++) {
		kill(-1, SIGKILL);
		if (gone_within(0, 100000000ll)) {
			return;
		}
	}
	report(0, seed);
	CHECK(!"what it left behind dies");
}

static void run(const char *name, bool nobody, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		one_child(first_seed + (uint64_t)i * 2 + nobody, nobody);
		if (i % 1000 == 999) {
			say("# %s: %d\n", name, i + 1);
		}
	}
	ok(name);
}

/* Kinds that a child can leave nothing of. */
static void expect_counts(const struct ledger *before)
{
	static const char *const kinds[] = {
		"thread",  "process", "vm_space",      "vm_area",        "file_table",
		"fs_info", "pid",     "kernel_stacks", "signal_handlers"};
	struct ledger now;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		long long start = now_ns();

		do {
			ledger_read(&now);
			if (now_ns() - start > WAIT_LIMIT_NS) {
				ledger_same(before, &now, true);
				CHECK_EQ(ledger_live(&now, kinds[i]),
					 ledger_live(before, kinds[i]));
			}
		} while (ledger_live(&now, kinds[i]) != ledger_live(before, kinds[i]));
	}
}

/* Nobody has a reason to send us anything: say who did, and what they did last. */
static void unexpected(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	say("# signal %d, code %d, from %d, address %p\n", signal_number, info->si_code,
	    info->si_pid, info->si_addr);
	show_file("/proc", "self", "maps");
	report(0, 0);
	_exit(1);
}

static void expect_no_signals(void)
{
	static const int signals[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGUSR1, SIGTERM};
	struct sigaction action = {.sa_sigaction = unexpected, .sa_flags = SA_SIGINFO};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
	}
}

int main(void)
{
	const char *soak = getenv("HEDDLE_SOAK"), *seed = getenv("HEDDLE_SEED");
	int rounds = CHILDREN * (soak ? atoi(soak) : 1);
	struct ledger before;

	ledger_required();
	if (!getenv("HEDDLE_TEST_GUEST")) {
		skip("it kills everybody else");
	}
	expect_no_signals();
	first_seed = seed ? strtoull(seed, NULL, 0) : 1;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	CHECK_EQ(chmod(".", 0777), 0);
	shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED);
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_EQ(mprotect(pages + PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(munmap(pages + 2 * PAGE, PAGE), 0);
	one_child(first_seed, true);
	ledger_begin(&before);
	run("nobody", true, rounds);
	expect_counts(&before);
	run("root", false, rounds);
	expect_counts(&before);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * C7, T4, T7, R3: what /proc/PID says, held against what the program knows of itself: status, stat, statm, maps, smaps, pagemap,
 * mem, fdinfo, comm, limits, io, children, oom_score_adj, timerslack_ns; and who may not look.
 */
#include "raw.h"
#include <dirent.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

enum { PAGE = 4096 };

static char text[1 << 18];

static const char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t size = 0;
	ssize_t got;

	CHECK(fd >= 0);
	while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0) {
		size += (size_t)got;
	}
	CHECK_EQ(got, 0);
	close(fd);
	text[size] = 0;
	return text;
}

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), result, error;

	CHECK(fd >= 0);
	result = (int)write(fd, value, strlen(value));
	error = errno;
	close(fd);
	errno = error;
	return result < 0 ? -1 : 0;
}

/* The text behind "NAME:" at a line's start. */
static const char *field(const char *path, const char *name)
{
	const char *at = read_file(path);
	size_t length = strlen(name);

	while (at && !(strncmp(at, name, length) == 0 && at[length] == ':')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at) {
		say("# %s has no %s\n", path, name);
	}
	CHECK(at);
	return at + length + 1;
}

static long status(const char *name)
{
	return strtol(field("/proc/self/status", name), NULL, 10);
}

static unsigned long status_hex(const char *name)
{
	return strtoul(field("/proc/self/status", name), NULL, 16);
}

static void *wait_for_end(void *pipe_end)
{
	char byte;

	CHECK_EQ(read(*(int *)pipe_end, &byte, 1), 0);
	return NULL;
}

/* ---- status ---- */

static void check_status_names(void)
{
	static const char *const names[] = {
		"Name",         "Umask",
		"State",        "Tgid",
		"Ngid",         "Pid",
		"PPid",         "TracerPid",
		"Uid",          "Gid",
		"FDSize",       "Groups",
		"NStgid",       "NSpid",
		"NSpgid",       "NSsid",
		"VmPeak",       "VmSize",
		"VmLck",        "VmPin",
		"VmHWM",        "VmRSS",
		"RssAnon",      "RssFile",
		"RssShmem",     "VmData",
		"VmStk",        "VmExe",
		"VmLib",        "VmPTE",
		"VmSwap",       "HugetlbPages",
		"CoreDumping",  "THP_enabled",
		"Threads",      "SigQ",
		"SigPnd",       "ShdPnd",
		"SigBlk",       "SigIgn",
		"SigCgt",       "CapInh",
		"CapPrm",       "CapEff",
		"CapBnd",       "CapAmb",
		"NoNewPrivs",   "Seccomp",
		"Cpus_allowed", "Cpus_allowed_list",
		"Mems_allowed",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		field("/proc/self/status", names[i]);
	}
	CHECK(status("VmPeak") >= status("VmSize"));
	CHECK(status("VmHWM") >= status("VmRSS"));
	CHECK(status("VmExe") > 0 && status("VmStk") > 0 && status("VmPTE") > 0);
	CHECK(status("voluntary_ctxt_switches") >= 0);
	ok("status names");
}

static void check_signals(void)
{
	sigset_t set;
	long queued;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	queued = status("SigQ");
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR2), 0);
	CHECK(status("SigQ") >= queued + 2);
	CHECK(status_hex("ShdPnd") >> (SIGRTMIN - 1) & 1);
	CHECK(status_hex("SigPnd") >> (SIGUSR2 - 1) & 1);
	CHECK(status_hex("SigBlk") >> (SIGUSR2 - 1) & 1);
	signal(SIGHUP, SIG_IGN);
	CHECK(status_hex("SigIgn") >> (SIGHUP - 1) & 1);
	ok("signals");
}

static void check_status(void)
{
	size_t size = 64 * PAGE;
	long data = status("VmData"), resident = status("RssAnon"), code;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ends[2], high;
	pthread_t thread;

	CHECK_EQ(status("VmData"), data + 256);
	memset(memory, 1, size);
	CHECK(status("RssAnon") >= resident + 200);
	CHECK_EQ(mlock(memory, 8 * PAGE), 0);
	CHECK_EQ(status("VmLck"), 32);
	CHECK_EQ(munmap(memory, size), 0);
	code = status("VmLib");
	memory = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	CHECK_EQ(status("VmLib"), code + 256);
	CHECK_EQ(munmap(memory, size), 0);
	umask(027);
	CHECK_EQ(strtol(field("/proc/self/status", "Umask"), NULL, 8), 027);
	CHECK_EQ(pipe(ends), 0);
	thread = start_thread(wait_for_end, &ends[0]);
	CHECK_EQ(status("Threads"), 2);
	high = fcntl(0, F_DUPFD, 300);
	CHECK(high >= 300 && status("FDSize") > high);
	close(high);
	close(ends[1]);
	join_thread(thread);
	close(ends[0]);
	CHECK_EQ(prctl(PR_SET_NAME, "field tester"), 0);
	CHECK(strncmp(field("/proc/self/status", "Name"), "\tfield tester\n", 14) == 0);
	ok("status");
}

/* ---- stat, statm ---- */

static void check_stat(void)
{
	long long value[53] = {0};
	unsigned long pages, data;
	char *at, *next, path[64];
	int count = 2, local;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread_id());
	at = strrchr(read_file("/proc/self/stat"), ')') + 2;
	CHECK(*at == 'R');
	for (at++; *at == ' '; at = next) {
		value[++count + 1] = (long long)strtoull(at + 1, &next, 10);
	}
	CHECK_EQ(count + 1, 52);
	CHECK_EQ(value[4], getppid());
	CHECK_EQ(value[5], getpgrp());
	CHECK_EQ(value[6], getsid(0));
	CHECK_EQ(value[18], 20 + getpriority(PRIO_PROCESS, 0));
	CHECK_EQ(value[19], getpriority(PRIO_PROCESS, 0));
	CHECK_EQ(value[20], 1);
	CHECK_EQ(value[38], SIGCHLD);
	CHECK(value[26] <= (long long)(uintptr_t)check_stat &&
	      value[27] > (long long)(uintptr_t)check_stat);
	CHECK(value[28] > (long long)(uintptr_t)&local);
	CHECK(value[45] && value[47] && value[48] > value[28] && value[49] > value[48]);
	CHECK(value[51] > value[50]);
	CHECK_EQ(sscanf(read_file("/proc/self/statm"), "%lu %*u %*u %*u %*u %lu", &pages,
			&data),
		 2);
	CHECK_EQ(pages * 4, status("VmSize"));
	CHECK_EQ(data * 4, status("VmData") + status("VmStk"));
	CHECK(strrchr(read_file(path), ')') != NULL);
	ok("stat");
}

/* ---- maps and what belongs to them ---- */

/* The line of maps that holds the address, cut off at its end. */
static char *line_of(const void *address)
{
	char *line = strtok((char *)read_file("/proc/self/maps"), "\n");
	unsigned long start, end;

	for (; line; line = strtok(NULL, "\n")) {
		CHECK_EQ(sscanf(line, "%lx-%lx", &start, &end), 2);
		if (start <= (unsigned long)address && (unsigned long)address < end) {
			return line;
		}
	}
	CHECK(!"a line of maps holds it");
	return NULL;
}

static bool ends_with(const char *line, const char *end)
{
	size_t all = strlen(line), length = strlen(end);

	return all >= length && strcmp(line + all - length, end) == 0;
}

static void check_maps(void)
{
	int local, file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int memory_file = (int)syscall(SYS_memfd_create, "in memory", 0);
	char *memory, wanted[128], *heap = sbrk(PAGE);
	struct stat info;

	CHECK(strstr(line_of(&local), "rw-p 00000000 00:00 0 ") &&
	      ends_with(line_of(&local), " [stack]"));
	CHECK(ends_with(line_of(heap), " [heap]"));
	CHECK(strstr(read_file("/proc/self/maps"), " r-xp 00000000 00:00 0 ") &&
	      strstr(text, " [vdso]\n"));
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_EQ(ftruncate(file, 2 * PAGE), 0);
	CHECK_EQ(fstat(file, &info), 0);
	memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, PAGE);
	snprintf(wanted, sizeof(wanted), "r--p 00001000 %02x:%02x %lu ",
		 (unsigned)(info.st_dev >> 8 & 0xfff), (unsigned)(info.st_dev & 0xff),
		 (unsigned long)info.st_ino);
	CHECK(strstr(line_of(memory), wanted) && ends_with(line_of(memory), "/mapped"));
	CHECK_EQ(unlink("mapped"), 0);
	CHECK(ends_with(line_of(memory), "/mapped (deleted)"));
	memory = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, file, 0);
	CHECK(strstr(line_of(memory), "---s 00000000 "));
	memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(strstr(line_of(memory), "r--s 00000000 00:") &&
	      ends_with(line_of(memory), " /dev/zero (deleted)"));
	CHECK_EQ(ftruncate(memory_file, PAGE), 0);
	memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory_file, 0);
	CHECK(ends_with(line_of(memory), " /memfd:in memory (deleted)"));
	close(file);
	close(memory_file);
	ok("maps");
}

/* A field of the area that begins at `memory`, in smaps. */
static long area_field(const void *memory, const char *name)
{
	char start[32], *at;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)memory);
	at = strstr(read_file("/proc/self/smaps"), start);
	CHECK(at && (at = strstr(at, name)));
	return strtol(strchr(at, ':') + 1, NULL, 10);
}

static void check_pages(void)
{
	char *memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[4];
	off_t at;

	CHECK_EQ(mprotect(memory, PAGE, PROT_NONE), 0); // an area of its own behind
	CHECK_EQ(mprotect(memory + 15 * PAGE, PAGE, PROT_NONE), 0);
	memory += PAGE;
	memory[0] = memory[2 * PAGE] = 1;
	CHECK_EQ(area_field(memory, "\nSize"), 14 * 4);
	CHECK_EQ(area_field(memory, "\nRss"), 8);
	CHECK_EQ(area_field(memory, "\nPss"), 8);
	CHECK_EQ(area_field(memory, "\nPrivate_Dirty"), 8);
	CHECK_EQ(area_field(memory, "\nAnonymous"), 8);
	CHECK_EQ(area_field(memory, "\nLocked"), 0);
	CHECK_EQ(mlock(memory, 14 * PAGE), 0);
	CHECK_EQ(area_field(memory, "\nLocked"), 14 * 4);
	CHECK(strstr(strstr(text, "VmFlags"), "rd wr "));
	CHECK_EQ(munlock(memory, 14 * PAGE), 0);
	CHECK(strstr(read_file("/proc/self/smaps_rollup"), " ---p 00000000 00:00 0 "));
	CHECK(strstr(text, " [rollup]\n") || strstr(text, "[rollup]\n"));
	CHECK(strtol(field("/proc/self/smaps_rollup", "Rss"), NULL, 10) >=
	      strtol(field("/proc/self/smaps_rollup", "Anonymous"), NULL, 10));
	CHECK(strtol(field("/proc/self/smaps_rollup", "Anonymous"), NULL, 10) >= 14 * 4);
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	memory[PAGE] = 1;
	at = (off_t)((uintptr_t)memory / PAGE * 8);
	CHECK_EQ(pread(pagemap, entries, sizeof(entries), at), sizeof(entries));
	CHECK(entries[0] >> 63 == 0 && entries[1] >> 63 == 1 && entries[2] >> 63 == 0);
	CHECK(!(entries[1] >> 61 & 1));
	CHECK_ERRNO(pread(pagemap, entries, 8, at + 1), EINVAL);
	CHECK_ERRNO(pread(pagemap, entries, 7, at), EINVAL);
	CHECK_EQ(pread(pagemap, entries, 0, at), 0);
	close(pagemap);
	ok("pages");
}

static void check_mem(void)
{
	static const char constant[] = "constant";
	char *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char read_back[9];
	int fd = open("/proc/self/mem", O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, read_back, 9, (off_t)(uintptr_t)constant), 9);
	CHECK(strcmp(read_back, "constant") == 0);
	CHECK_EQ(pwrite(fd, "force", 6, (off_t)(uintptr_t)memory), 6);
	CHECK(strcmp(memory, "force") == 0);
	CHECK_ERRNO(pread(fd, read_back, 9, 16), EIO);
	CHECK_ERRNO(pwrite(fd, "x", 1, 16), EIO);
	CHECK_EQ(munmap(memory, PAGE), 0);
	CHECK_ERRNO(pread(fd, read_back, 9, (off_t)(uintptr_t)memory), EIO);
	close(fd);
	ok("mem");
}

/* ---- descriptors ---- */

static void check_fdinfo(void)
{
	int file = open("opened", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int event = eventfd(77, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int watch = epoll_create1(0);
	struct epoll_event watched = {.events = EPOLLIN, .data.u64 = 0x1234abcd};
	struct itimerspec setting = {{5, 6}, {1000, 0}};
	char path[64], target[256];
	struct stat info;
	ssize_t length;

	CHECK_EQ(fstat(file, &info), 0);
	CHECK_EQ(lseek(file, 1234, SEEK_SET), 1234);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
	CHECK_EQ(strtol(field(path, "pos"), NULL, 10), 1234);
	CHECK_EQ(strtol(field(path, "flags"), NULL, 8),
		 O_RDWR | O_APPEND | O_CLOEXEC | LARGE_FILE);
	CHECK_EQ(strtoul(field(path, "ino"), NULL, 10), info.st_ino);
	CHECK(strtol(field(path, "mnt_id"), NULL, 10) > 0);
	CHECK_EQ(fcntl(file, F_SETFD, 0), 0);
	CHECK_EQ(strtol(field(path, "flags"), NULL, 8), O_RDWR | O_APPEND | LARGE_FILE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	length = readlink(path, target, sizeof(target) - 1);
	CHECK(length > 0);
	target[length] = 0;
	CHECK(ends_with(target, "/opened"));
	CHECK_EQ(lstat(path, &info), 0);
	CHECK(S_ISLNK(info.st_mode) && (info.st_mode & 0777) == 0700);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", event);
	CHECK_EQ(strtol(field(path, "eventfd-count"), NULL, 16), 77);
	CHECK_EQ(epoll_ctl(watch, EPOLL_CTL_ADD, event, &watched), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", watch);
	snprintf(target, sizeof(target), " %8d events: %8x data: %16x  pos:0 ino:", event,
		 EPOLLIN | EPOLLERR | EPOLLHUP, 0x1234abcd);
	CHECK(strncmp(field(path, "tfd"), target, strlen(target)) == 0);
	CHECK_EQ(timerfd_settime(timer, 0, &setting, NULL), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", timer);
	CHECK(strncmp(field(path, "clockid"), " 1\nticks: 0\nsettime flags: 00\n", 30) ==
	      0);
	CHECK(strncmp(field(path, "it_value"), " (999, ", 7) == 0);
	CHECK(strncmp(field(path, "it_interval"), " (5, 6)\n", 8) == 0);
	close(timer);
	close(watch);
	close(file);
	close(event);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
	ok("fdinfo");
}

/* ---- small files ---- */

static void see_inherited_score(void)
{
	CHECK_EQ(atoi(read_file("/proc/self/oom_score_adj")), 300);
}

static void check_scores(void)
{
	CHECK_EQ(write_file("/proc/self/oom_score_adj", "300\n"), 0);
	must_pass_in_child(see_inherited_score);
	CHECK_ERRNO(write_file("/proc/self/oom_score_adj", "1001"), EINVAL);
	CHECK_ERRNO(write_file("/proc/self/oom_score_adj", "-1001"), EINVAL);
	CHECK_ERRNO(write_file("/proc/self/oom_score_adj", "many"), EINVAL);
	CHECK_EQ(atoi(read_file("/proc/self/oom_score_adj")), 300);
	CHECK_EQ(write_file("/proc/self/timerslack_ns", "70000"), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 70000);
	CHECK_EQ(atoi(read_file("/proc/self/timerslack_ns")), 70000);
	CHECK_ERRNO(write_file("/proc/self/timerslack_ns", "x"), EINVAL);
	ok("scores");
}

static void check_names(void)
{
	char path[64];
	pid_t child;
	int ends[2];

	CHECK_EQ(write_file("/proc/self/comm", "a name too long for it\n"), 0);
	CHECK(strcmp(read_file("/proc/self/comm"), "a name too long\n") == 0);
	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], path, 1) != 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	CHECK_ERRNO(write_file(path, "other"), EINVAL);
	CHECK(strcmp(read_file(path), "a name too long\n") == 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)thread_id());
	CHECK_EQ(atoi(read_file(path)), child);
	close(ends[1]);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK(strcmp(read_file(path), "") == 0);
	close(ends[0]);
	ok("names");
}

static void check_counts(void)
{
	char block[1000];
	long before = strtol(field("/proc/self/io", "rchar"), NULL, 10), calls;
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);

	calls = strtol(field("/proc/self/io", "syscw"), NULL, 10);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(read(zero, block, 1000), 1000);
		CHECK_EQ(write(null, block, 1000), 1000);
	}
	CHECK(strtol(field("/proc/self/io", "rchar"), NULL, 10) >= before + 10000);
	CHECK(strtol(field("/proc/self/io", "syscw"), NULL, 10) >= calls + 10);
	CHECK(strtol(field("/proc/self/io", "wchar"), NULL, 10) >= 10000);
	close(zero);
	close(null);
	CHECK(strstr(read_file("/proc/self/limits"), "Max open files "));
	CHECK_EQ(strtoul(read_file("/proc/self/personality"), NULL, 16), 0);
	ok("counts");
}

/* ---- who may not look ---- */

static char target_pid[32];

static const char *of_target(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/proc/%s/%s", target_pid, name);
	return path;
}

static void become(uid_t uid)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static void look_from_outside(void)
{
	static const char *const closed[] = {"maps", "smaps",   "environ",     "mem",
					     "auxv", "pagemap", "smaps_rollup"};
	static const char *const links[] = {"cwd", "root", "exe"};
	unsigned long code, stack;
	char target[64];

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		CHECK_ERRNO(open(of_target(closed[i]), O_RDONLY), EACCES);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		CHECK_ERRNO(readlink(of_target(links[i]), target, sizeof(target)),
			    EACCES);
		CHECK_ERRNO(open(of_target(links[i]), O_RDONLY), EACCES);
	}
	CHECK(opendir(of_target("fd")) == NULL && errno == EACCES);
	CHECK(opendir(of_target("task")) != NULL);
	CHECK_ERRNO(open(of_target("fd/0"), O_RDONLY), EACCES);
	field(of_target("status"), "VmSize"); // anybody may read these
	read_file(of_target("cmdline"));
	read_file(of_target("limits"));
	CHECK_EQ(sscanf(strrchr(read_file(of_target("stat")), ')') + 2,
			"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d "
			"%*d %*d %*d %*u %*u %*u %*u %lu %*u %lu",
			&code, &stack),
		 2);
	CHECK(code <= 1 && stack == 0);
}

static void look_as_other(void)
{
	become(1001);
	look_from_outside();
}

static void look_as_same(void)
{
	become(1000);
	look_from_outside();
}

static void check_permission(void)
{
	struct stat info;
	int ready[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(ready), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		become(1000);
		CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
		CHECK_EQ(write(ready[1], "r", 1), 1);
		pause();
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	snprintf(target_pid, sizeof(target_pid), "%d", (int)child);
	must_pass_in_child(look_as_other);
	must_pass_in_child(look_as_same); // it is not dumpable
	CHECK_EQ(stat(of_target("maps"), &info), 0);
	CHECK_EQ(info.st_uid, 0);
	CHECK_EQ(stat(of_target(""), &info), 0);
	CHECK_EQ(info.st_uid, 1000);
	CHECK(strstr(read_file(of_target("maps")), "[stack]")); // root may
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT), 0);
	CHECK(strcmp(read_file(of_target("maps")), "") == 0); // a zombie has nothing
	CHECK(strcmp(read_file(of_target("cmdline")), "") == 0);
	CHECK_ERRNO(readlink(of_target("cwd"), &byte, 1), ENOENT);
	CHECK_ERRNO(readlink(of_target("exe"), &byte, 1), ENOENT);
	CHECK(*(field(of_target("status"), "State") + 1) == 'Z');
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERRNO(open(of_target("status"), O_RDONLY), ENOENT);
	ok("permission");
}

int main(void)
{
	if (getuid()) {
		skip("not root");
	}
	check_status_names();
	check_stat();
	check_signals();
	check_status();
	check_maps();
	check_pages();
	check_mem();
	check_fdinfo();
	check_scores();
	check_names();
	check_counts();
	check_permission();
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * memfd_create, getrandom, uname, sysinfo, limits, devices, /proc/self, priority of small calls
 * every libc makes at its start.
 * libc: musl
 */
#include "raw.h"
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#ifndef PR_SET_IO_FLUSHER
#	define PR_SET_IO_FLUSHER 57
#	define PR_GET_IO_FLUSHER 58
#endif
#ifndef PR_SPEC_L1D_FLUSH
#	define PR_SPEC_L1D_FLUSH 2
#endif

enum { GET_AUXV = 0x41555856 };

static void check_memfd(void)
{
	char text[8] = "";
	int fd = (int)syscall(SYS_memfd_create, "name", 1u /* close on exec */);
	struct stat status;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(pread(fd, text, 8, 0), 5);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK(S_ISREG(status.st_mode) && status.st_size == 5);
	CHECK_ERRNO(syscall(SYS_memfd_create, "x", 0x7000u), EINVAL);
	CHECK_ERRNO(syscall(SYS_memfd_create, UNMAPPED_ADDRESS, 0), EFAULT);
	close(fd);
	ok("memfd");
}

static void check_random(void)
{
	unsigned char a[64] = {0}, b[64] = {0};
	int zeros = 0;

	CHECK_EQ(syscall(SYS_getrandom, a, 64, 0), 64);
	CHECK_EQ(syscall(SYS_getrandom, b, 64, 1), 64);
	CHECK(memcmp(a, b, 64) != 0);
	for (int i = 0; i < 64; i++) {
		zeros += a[i] == 0;
	}
	CHECK(zeros < 16);
	CHECK_ERRNO(syscall(SYS_getrandom, a, 64, 0x77), EINVAL);
	int fd = open("/dev/urandom", O_RDONLY);
	CHECK_EQ(read(fd, b, 64), 64);
	close(fd);
	ok("random");
}

/* The peak stays when the memory has gone (VmHWM, ru_maxrss). */
static void check_peak(void)
{
	size_t size = 32 << 20;
	struct rusage usage;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	memset(memory, 1, size);
	CHECK_EQ(munmap(memory, size), 0);
	CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
	CHECK(usage.ru_maxrss >= 32 << 10);
	CHECK(usage.ru_maxrss < 64 << 10);
	ok("peak");
}

static void check_system(void)
{
	struct utsname name;
	struct sysinfo info;
	struct rlimit limit, old;

	CHECK_EQ(uname(&name), 0);
	CHECK_EQ(strcmp(name.sysname, "Linux"), 0);
	CHECK_EQ(strcmp(name.machine, MACHINE_NAME), 0);
	CHECK(name.release[0] >= '4' && name.release[0] <= '9');
	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.totalram > 0 && info.freeram > 0 && info.mem_unit > 0 &&
	      info.procs > 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
	old = limit;
	limit.rlim_cur = 20;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_ERRNO(dup2(0, 20), EBADF);
	CHECK_ERRNO(fcntl(0, F_DUPFD, 20), EINVAL);
	int last = -1, fd;
	while ((fd = dup(1)) >= 0) {
		last = fd;
	}
	CHECK(errno == EMFILE && last == 19);
	for (fd = 3; fd < 20; fd++) {
		close(fd);
	}
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	limit.rlim_cur = 10;
	limit.rlim_max = 5;
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);
	CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
	ok("system");
}

static void check_devices(void)
{
	char block[64];
	int fd = open("/dev/null", O_RDWR);

	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(read(fd, block, 64), 0);
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	memset(block, 1, sizeof(block));
	CHECK_EQ(read(fd, block, 64), 64);
	CHECK(block[0] == 0 && block[63] == 0);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(memory != MAP_FAILED && memory[5] == 0);
	close(fd);
	fd = open("/dev/full", O_RDWR);
	CHECK_ERRNO(write(fd, "x", 1), ENOSPC);
	close(fd);
	ok("devices");
}

static size_t slurp(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t total = 0;
	ssize_t length;

	CHECK(fd >= 0);
	while ((length = read(fd, into + total, size - 1 - total)) > 0) {
		total += (size_t)length;
	}
	close(fd);
	CHECK(length == 0);
	into[total] = 0;
	return total;
}

static void check_proc(void)
{
	static char text[65536];
	char link[256] = "", number[32];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	CHECK(readlink("/proc/self", link, sizeof(link) - 1) > 0);
	CHECK_EQ(strcmp(link, number), 0);
	slurp("/proc/self/maps", text, sizeof(text));
	CHECK(strstr(text, "[stack]") && strstr(text, "[vdso]") && strstr(text, "r-xp"));
	slurp("/proc/self/status", text, sizeof(text));
	CHECK(strstr(text, "Threads:\t1") && strstr(text, "Pid:\t"));
	slurp("/proc/self/stat", text, sizeof(text));
	CHECK_EQ(atoi(text), getpid());
	CHECK(slurp("/proc/self/cmdline", text, sizeof(text)) > 0);
	slurp("/proc/meminfo", text, sizeof(text));
	CHECK(strstr(text, "MemTotal:") && strstr(text, "MemAvailable:"));
	slurp("/proc/stat", text, sizeof(text));
	CHECK(strncmp(text, "cpu ", 4) == 0 && strstr(text, "btime "));
	slurp("/proc/uptime", text, sizeof(text));
	CHECK(atof(text) > 0);
	CHECK(readlink("/proc/self/fd/1", link, sizeof(link) - 1) > 0);
	CHECK_ERRNO(open("/proc/99999999", O_RDONLY), ENOENT);
	ok("proc");
}

/* A line of /proc/meminfo, in kB. */
static long memory_line(const char *name)
{
	static char text[4096];
	const char *line;

	slurp("/proc/meminfo", text, sizeof(text));
	line = strstr(text, name);
	CHECK(line != NULL);
	return atol(line + strlen(name));
}

/* A file in memory is shared memory, and that is in the page cache; neither once it is gone. */
static void check_memory(void)
{
	enum { SIZE = 16 << 20, MOST = (SIZE >> 10) / 4 * 3 };
	long shared = memory_line("Shmem:"), cached = memory_line("\nCached:");
	int fd = (int)syscall(SYS_memfd_create, "shared", 0);
	struct sysinfo info;

	CHECK_EQ(ftruncate(fd, SIZE), 0);
	for (int at = 0; at < SIZE; at += 4096) {
		CHECK_EQ(pwrite(fd, "x", 1, at), 1);
	}
	CHECK(memory_line("Shmem:") - shared >= MOST);
	CHECK(memory_line("\nCached:") - cached >= MOST);
	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.sharedram * info.mem_unit / 1024 >= (unsigned long)MOST);
	CHECK_EQ(memory_line("Buffers:") < 0, 0);
	close(fd);
	CHECK(memory_line("Shmem:") - shared < (SIZE >> 10) - MOST);
	ok("memory");
}

static void check_identity(void)
{
	CHECK(getpid() > 0 && getppid() >= 0);
	CHECK_EQ(getuid(), geteuid());
	CHECK_EQ(getgid(), getegid());
	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK(getsid(0) > 0 && getpgrp() > 0);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	ok("identity");
}

/* A descriptor's fdinfo, read through that descriptor itself. */
static void check_fdinfo_of_itself(void)
{
	char name[64], text[256] = "";
	int first = open("/proc/self/fdinfo/1", O_RDONLY);
	int second;

	CHECK(first >= 0);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", first);
	second = open(name, O_RDONLY);
	CHECK(second >= 0);
	CHECK(read(second, text, sizeof(text) - 1) > 0);
	CHECK_EQ(strncmp(text, "pos:\t0\n", 7), 0);
	CHECK_EQ(lseek(second, 0, SEEK_SET), 0);
	CHECK_EQ(dup2(second, first), first);
	CHECK(read(first, text, sizeof(text) - 1) > 0);
	CHECK_EQ(strncmp(text, "pos:\t", 5), 0);
	close(first);
	close(second);
	ok("fdinfo_of_itself");
}

/* Options of prctl that have one value nearly everywhere. */
static void check_fixed_options(void)
{
	int value = 0;

	CHECK_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
	CHECK_EQ(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL), 0);
	CHECK_ERRNO(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP), EINVAL);
	CHECK_EQ(prctl(PR_GET_TSC, &value), 0);
	CHECK_EQ(value, PR_TSC_ENABLE);
	CHECK_ERRNO(prctl(PR_GET_TSC, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE), 0);
	CHECK_ERRNO(prctl(PR_SET_TSC, 77), EINVAL);
	ok("fixed_options");
}

static void check_memory_options(void)
{
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
	CHECK_ERRNO(prctl(PR_MCE_KILL_GET, 0, 0, 0, 1), EINVAL);
	for (unsigned long how = 0; how < 3; how++) {
		CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, how, 0, 0), 0);
		CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), (int)how);
	}
	CHECK_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 1, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_MCE_KILL, 2, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 1, 0, 0), 0);
	CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_THP_DISABLE, 7, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_SET_THP_DISABLE, 0, 0, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	ok("memory_options");
}

static void check_flusher(void)
{
	int now = prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0);

	if (now < 0) { // asked before the arguments are looked at
		CHECK_EQ(errno, EPERM);
		CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 2, 1, 0, 0), EPERM);
		return;
	}
	CHECK_EQ(now, 0);
	CHECK_EQ(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 2, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 0, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_IO_FLUSHER, 1, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), 0);
	ok("flusher");
}

static int get_speculation(unsigned long which)
{
	return prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);
}

static int set_speculation(unsigned long which, unsigned long how)
{
	return prctl(PR_SET_SPECULATION_CTRL, which, how, 0, 0);
}

/* What the CPU has, and what may be chosen, is the machine's; where nothing may, there is one refusal for each. */
static void check_speculation(void)
{
	int bypass = get_speculation(PR_SPEC_STORE_BYPASS);
	int branch = get_speculation(PR_SPEC_INDIRECT_BRANCH);

	CHECK(bypass >= 0 && branch >= 0 && get_speculation(PR_SPEC_L1D_FLUSH) >= 0);
	CHECK_ERRNO(get_speculation(3), ENODEV);
	CHECK_ERRNO(set_speculation(3, PR_SPEC_ENABLE), ENODEV);
	CHECK_ERRNO(prctl(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SPECULATION_CTRL, 0, PR_SPEC_ENABLE, 1, 0), EINVAL);
	if (!(bypass & PR_SPEC_PRCTL)) {
		CHECK_ERRNO(set_speculation(PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE),
			    ENXIO);
	}
	if (branch == PR_SPEC_ENABLE) {
		CHECK_EQ(set_speculation(PR_SPEC_INDIRECT_BRANCH, PR_SPEC_ENABLE), 0);
		CHECK_ERRNO(set_speculation(PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE),
			    EPERM);
		CHECK_ERRNO(set_speculation(PR_SPEC_INDIRECT_BRANCH, 99), ERANGE);
	}
	ok("speculation");
}

/* The auxiliary vector again, and its whole size, whatever part is taken. */
static void check_auxiliary_vector(void)
{
	unsigned long vector[128] = {0}, part[3] = {0};
	int size = prctl(GET_AUXV, vector, sizeof(vector), 0, 0);
	unsigned i = 0;

	if (size < 0) {
		CHECK_EQ(errno, EINVAL); // since Linux 6.4
		return;
	}
	while (vector[i] && vector[i] != AT_PAGESZ) {
		i += 2;
	}
	CHECK(vector[i] == AT_PAGESZ && vector[i + 1] == 4096);
	CHECK_EQ(prctl(GET_AUXV, part, 2 * sizeof(long), 0, 0), size);
	CHECK(part[0] == vector[0] && part[1] == vector[1] && part[2] == 0);
	CHECK_ERRNO(prctl(GET_AUXV, part, sizeof(part), 1, 0), EINVAL);
	CHECK_ERRNO(prctl(GET_AUXV, UNMAPPED_ADDRESS, 8, 0, 0), EFAULT);
	ok("auxiliary_vector");
}

int main(void)
{
	check_memfd();
	check_random();
	check_system();
	check_peak();
	check_devices();
	check_proc();
	check_memory();
	check_identity();
	check_fdinfo_of_itself();
	check_fixed_options();
	check_memory_options();
	check_flusher();
	check_speculation();
	check_auxiliary_vector();
	return 0;
}

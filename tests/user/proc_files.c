// SPDX-License-Identifier: MIT
/*
 * P1, C7: files of /proc/PID that tell or change what few programs ask for: syscall, stack, sched, coredump_filter, clear_refs, map_files; and who
 * may not look.
 */
#include "raw.h"
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char text[1 << 16];

static ssize_t read_name(const char *name)
{
	int file = open(name, O_RDONLY), error;
	ssize_t size = 0, got = 0;

	if (file < 0) {
		return -1;
	}
	while (size < (ssize_t)sizeof(text) - 1 &&
	       (got = read(file, text + size, sizeof(text) - 1 - (size_t)size)) > 0) {
		size += got;
	}
	error = errno;
	text[size] = '\0';
	close(file);
	errno = error;
	return got < 0 ? -1 : size;
}

static ssize_t read_of(pid_t process, const char *file)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/%s", process, file);
	return read_name(name);
}

static ssize_t write_of(pid_t process, const char *file_name, const char *value)
{
	char name[64];
	int file, error;
	ssize_t result;

	snprintf(name, sizeof(name), "/proc/%d/%s", process, file_name);
	file = open(name, O_WRONLY);
	if (file < 0) {
		return -1;
	}
	result = write(file, value, strlen(value));
	error = errno;
	close(file);
	errno = error;
	return result;
}

/* ---- a child that sleeps in a system call ---- */

static int pipe_ends[2];

struct sleeper {
	pid_t process;
	int end; /* closing it ends the sleep */
};

static struct sleeper start_sleeper(void (*before)(void))
{
	struct sleeper sleeper;
	int ready[2];
	char byte;

	CHECK_EQ(pipe(pipe_ends), 0);
	CHECK_EQ(pipe(ready), 0);
	sleeper.process = fork();
	if (sleeper.process == 0) {
		close(pipe_ends[1]);
		if (before) {
			before();
		}
		close(ready[1]);
		syscall(SYS_read, pipe_ends[0], &byte, 1ul, 0x1111ul, 0x2222ul, 0x3333ul);
		_exit(0);
	}
	close(pipe_ends[0]);
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	sleeper.end = pipe_ends[1];
	return sleeper;
}

static void end_sleeper(struct sleeper *sleeper)
{
	int status;

	close(sleeper->end);
	CHECK_EQ(waitpid(sleeper->process, &status, 0), sleeper->process);
	CHECK_EQ(status, 0);
}

static bool sleeps_in(pid_t process, long number)
{
	char *end;

	CHECK(read_of(process, "syscall") > 0);
	return strtol(text, &end, 10) == number && end > text && *end == ' ';
}

/* ---- syscall ---- */

static void spin_until_killed(atomic_bool *spins)
{
	for (;;) {
		atomic_store(spins, true);
	}
}

static void running_and_stopped(void)
{
	atomic_bool *spins = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long long sp, ip;
	int status;
	pid_t child = fork();

	if (child == 0) {
		spin_until_killed(spins);
	}
	WAIT_UNTIL(atomic_load(spins));
	CHECK(read_of(child, "syscall") > 0);
	CHECK_EQ(strcmp(text, "running\n"), 0);
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	do { // told before it sleeps
		CHECK(read_of(child, "syscall") > 0);
	} while (!strcmp(text, "running\n"));
	CHECK_EQ(sscanf(text, "-1 0x%llx 0x%llx\n", &sp, &ip), 2);
	CHECK(sp > 0x1000 && ip > 0x1000);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
}

static void see_syscall(void)
{
	unsigned long long a[6], sp, ip;
	struct sleeper sleeper = start_sleeper(NULL);
	long number;
	int file = open("/proc/self/syscall", O_RDONLY);

	while (!sleeps_in(sleeper.process, SYS_read)) {
		sched_yield();
	}
	CHECK_EQ(sscanf(text,
			"%ld 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n",
			&number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], &sp, &ip),
		 9);
	CHECK_EQ(a[0], pipe_ends[0]);
	CHECK_EQ(a[2], 1);
	CHECK_EQ(a[3], 0x1111);
	CHECK_EQ(a[4], 0x2222);
	CHECK_EQ(a[5], 0x3333);
	CHECK(a[1] > sp && sp > 0x1000 && ip > 0x1000);
	end_sleeper(&sleeper);
	memset(text, 0, sizeof(text));
	CHECK(read(file, text, 1000) > 0); // one's own: this very call
	CHECK_EQ(sscanf(text, "%ld 0x%llx 0x%llx 0x%llx", &number, &a[0], &a[1], &a[2]),
		 4);
	CHECK(number == SYS_read && a[0] == (unsigned)file && a[2] == 1000);
	CHECK_EQ(a[1], (uintptr_t)text);
	close(file);
	running_and_stopped();
}

/* ---- stack ---- */

static void see_stack(void)
{
	struct sleeper sleeper = start_sleeper(NULL);
	int lines = 0;

	while (!sleeps_in(sleeper.process, SYS_read)) {
		sched_yield();
	}
	CHECK(read_of(sleeper.process, "stack") > 0);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		CHECK_EQ(strncmp(line, "[<0>] ", 6), 0);
		lines++;
	}
	CHECK(lines >= 3);
	end_sleeper(&sleeper);
	CHECK(read_of(getpid(), "stack") > 0);
}

/* ---- sched ---- */

static double sched_value(const char *name)
{
	double value = -1;
	char *line = strstr(text, name);

	CHECK(line && line[-1] == '\n' && strchr(line, ':') == line + 45);
	CHECK_EQ(sscanf(line + 46, "%lf", &value), 1);
	return value;
}

static void see_sched(void)
{
	static const char *const names[] = {
		"se.exec_start",
		"se.vruntime",
		"se.sum_exec_runtime",
		"nr_switches",
		"nr_voluntary_switches",
		"nr_involuntary_switches",
		"se.load.weight",
		"policy",
		"prio",
	};
	struct sleeper sleeper;
	char name[17] = "";
	int number = 0, threads = 0;

	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_NAME, "scheduled"), 0);
	CHECK(read_of(getpid(), "sched") > 0);
	CHECK_EQ(sscanf(text, "%16s (%d, #threads: %d)\n-----", name, &number, &threads),
		 3);
	CHECK(!strcmp(name, "scheduled") && number == getpid() && threads == 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		sched_value(names[i]);
	}
	CHECK_EQ(sched_value("policy"), SCHED_OTHER);
	CHECK_EQ(sched_value("prio"), 120);
	CHECK_EQ(sched_value("se.load.weight"), 1 << 20);
	CHECK_EQ(nice(5), 5);
	CHECK(read_of(getpid(), "sched") > 0);
	CHECK_EQ(sched_value("prio"), 125);
	CHECK(sched_value("se.load.weight") < 1 << 20);
	sleeper = start_sleeper(NULL);
	while (!sleeps_in(sleeper.process, SYS_read)) {
		sched_yield();
	}
	CHECK(read_of(sleeper.process, "sched") > 0);
	CHECK(sched_value("nr_voluntary_switches") >= 1);
	CHECK_EQ(sched_value("nr_switches"),
		 sched_value("nr_voluntary_switches") + sched_value("nr_involuntary_"
								    "switches"));
	end_sleeper(&sleeper);
}

/* ---- coredump_filter ---- */

static unsigned long filter_of(pid_t process)
{
	char *end;
	unsigned long filter;

	CHECK_EQ(read_of(process, "coredump_filter"), 9);
	filter = strtoul(text, &end, 16);
	CHECK(end == text + 8 && *end == '\n');
	return filter;
}

static void expect_filter(void)
{
	CHECK_EQ(filter_of(getpid()), 0x155);
}

static void expect_filter_behind_exec(void)
{
	execl("/proc/self/exe", "proc_files", "filter", (char *)NULL);
	_exit(3);
}

static void dump_filter(void)
{
	static const struct {
		const char *written;
		unsigned long filter;
	} cases[] = {{"0x33\n", 0x33}, {"16", 16}, {"017\n", 15}, {"0xffffffff", 511},
		     {"+1", 1},        {"0", 0},   {"0X1f", 31},  {"0x155", 0x155}};
	static const char *const wrong[] = {"",   "x",  "-1", "12 ",
					    "0x", " 1", "08", "1\n\n"};
	pid_t child;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_EQ(write_of(getpid(), "coredump_filter", cases[i].written),
			 (ssize_t)strlen(cases[i].written));
		CHECK_EQ(filter_of(getpid()), cases[i].filter);
	}
	for (size_t i = 1; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_ERRNO(write_of(getpid(), "coredump_filter", wrong[i]), EINVAL);
	}
	CHECK_ERRNO(write_of(getpid(), "coredump_filter", "0x100000000"), ERANGE);
	must_pass_in_child(expect_filter);
	must_pass_in_child(expect_filter_behind_exec);
	child = fork();
	if (child == 0) {
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT), 0);
	CHECK_EQ(read_of(child, "coredump_filter"), 0); // a zombie has no memory
	CHECK_ERRNO(write_of(child, "coredump_filter", "1"), ESRCH);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* ---- clear_refs ---- */

enum { PAGE = 4096 };

static void clear(const char *kind)
{
	CHECK_EQ(write_of(getpid(), "clear_refs", kind), (ssize_t)strlen(kind));
}

/* A number of the area of smaps that begins at `memory`, in pages. */
static long pages_of(const void *memory, const char *what)
{
	char start[32], *line;
	long size = -1;

	CHECK(read_of(getpid(), "smaps") > 0);
	snprintf(start, sizeof(start), "\n%08lx-", (unsigned long)memory);
	line = strstr(text, start);
	CHECK(line);
	line = strstr(line, what);
	CHECK(line && sscanf(line + strlen(what), "%ld kB", &size) == 1);
	return size / 4;
}

static long referenced(const void *memory)
{
	return pages_of(memory, "\nReferenced:");
}

/* An area of its own among others: pages without rights on both sides. */
static char *map_alone(size_t pages, int flags, int file)
{
	char *memory = mmap(NULL, (pages + 2) * PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(madvise(memory, (pages + 2) * PAGE, MADV_NOHUGEPAGE), 0);
	memory = mmap(memory + PAGE, pages * PAGE, PROT_READ | PROT_WRITE,
		      flags | MAP_FIXED, file, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static void use(char *memory, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		memory[i * PAGE] = 1;
	}
}

/* A CPU that knows a page does not mark it again: Linux lets it be, so make it forget. */
static void forget_translations(char *memory, size_t pages)
{
	CHECK_EQ(mprotect(memory, pages * PAGE, PROT_NONE), 0);
	CHECK_EQ(mprotect(memory, pages * PAGE, PROT_READ | PROT_WRITE), 0);
}

static long peak_pages(void)
{
	long size = -1;

	CHECK(read_of(getpid(), "status") > 0);
	CHECK_EQ(sscanf(strstr(text, "\nVmHWM:"), "\nVmHWM: %ld", &size), 1);
	return size / 4;
}

static void clear_references(void)
{
	static const char *const wrong[] = {"0", "6", "-1", "x", "1x", "1 1"};
	int file = memfd_create("mapped", 0);
	char *own = map_alone(8, MAP_PRIVATE | MAP_ANONYMOUS, -1), *mapped, *large;
	long peak;

	CHECK_EQ(ftruncate(file, 8 * PAGE), 0);
	mapped = map_alone(8, MAP_SHARED, file);
	use(own, 8);
	use(mapped, 8);
	CHECK(referenced(own) == 8 && referenced(mapped) == 8);
	clear("1\n");
	CHECK(referenced(own) == 0 && referenced(mapped) == 0);
	CHECK_EQ(pages_of(own, "\nRss:"), 8);
	forget_translations(own, 8);
	forget_translations(mapped, 8);
	CHECK(referenced(own) == 0 && referenced(mapped) == 0);
	use(own, 2);
	use(mapped, 3);
	CHECK(referenced(own) == 2 && referenced(mapped) == 3);
	clear("2");
	CHECK(referenced(own) == 0 && referenced(mapped) == 3);
	forget_translations(own, 8);
	use(own, 8);
	clear(" 3 \n");
	CHECK(referenced(own) == 8 && referenced(mapped) == 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CHECK_ERRNO(write_of(getpid(), "clear_refs", wrong[i]), EINVAL);
	}
	CHECK_ERRNO(read_of(getpid(), "clear_refs"),
		    EINVAL); // the mode does not stop root
	large = map_alone(2000, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	use(large, 2000);
	CHECK_EQ(munmap(large, 2000 * PAGE), 0);
	peak = peak_pages();
	clear("5");
	CHECK(peak_pages() < peak - 1000);
	close(file);
}

/* ---- map_files ---- */

static bool link_is(const char *name, const char *target)
{
	char found[256];
	ssize_t size = readlink(name, found, sizeof(found));

	return size == (ssize_t)strlen(target) && !memcmp(found, target, (size_t)size);
}

/* How many names there are, each with its line in maps; and whether `name` is one of them. */
static int list_areas(const char *name, bool *listed)
{
	DIR *directory = opendir("/proc/self/map_files");
	struct dirent *entry;
	int count = 0;

	CHECK(directory);
	CHECK(read_of(getpid(), "maps") > 0);
	*listed = false;
	while ((entry = readdir(directory))) {
		unsigned long start, end;
		char line[64];

		if (entry->d_name[0] == '.') {
			continue;
		}
		CHECK_EQ(entry->d_type, DT_LNK);
		CHECK_EQ(sscanf(entry->d_name, "%lx-%lx", &start, &end), 2);
		snprintf(line, sizeof(line), "%08lx-%08lx ", start, end);
		CHECK(strstr(text, line));
		*listed = *listed || !strcmp(entry->d_name, name);
		count++;
	}
	closedir(directory);
	return count;
}

static void map_files(void)
{
	char directory[200], target[256], link[96], wrong[96], *memory;
	int file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), other, count;
	struct stat status;
	bool listed;

	CHECK(getcwd(directory, sizeof(directory)));
	snprintf(target, sizeof(target), "%s%smapped", directory,
		 directory[1] ? "/" : "");
	CHECK_EQ(write(file, "content", 7), 7);
	CHECK_EQ(ftruncate(file, 4 * PAGE), 0);
	memory = map_alone(4, MAP_SHARED, file);
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx", (long)memory,
		 (long)memory + 4 * PAGE);
	CHECK(link_is(link, target));
	CHECK_EQ(lstat(link, &status), 0);
	CHECK_EQ(status.st_mode, S_IFLNK | 0600);
	count = list_areas(strrchr(link, '/') + 1, &listed);
	CHECK(listed && count >= 2);
	CHECK_EQ(unlink("mapped"), 0);
	other = open(link, O_RDONLY); // it is reached all the same
	CHECK(other >= 0);
	CHECK_EQ(read(other, text, 7), 7);
	CHECK_EQ(memcmp(text, "content", 7), 0);
	close(other);
	strcat(target, " (deleted)");
	CHECK(link_is(link, target));
	snprintf(wrong, sizeof(wrong), "/proc/self/map_files/0%lx-%lx", (long)memory,
		 (long)memory + 4 * PAGE);
	CHECK_ERRNO(lstat(wrong, &status), ENOENT);
	snprintf(wrong, sizeof(wrong), "/proc/self/map_files/%lx-%lx", (long)memory,
		 (long)memory + 3 * PAGE);
	CHECK_ERRNO(lstat(wrong, &status), ENOENT);
	snprintf(wrong, sizeof(wrong), "/proc/self/map_files/%lx-%lx",
		 (long)memory - PAGE, (long)memory); // no file
	CHECK_ERRNO(lstat(wrong, &status), ENOENT);
	CHECK_EQ(munmap(memory, PAGE), 0);
	CHECK_ERRNO(lstat(link, &status), ENOENT);
	CHECK_EQ(list_areas(strrchr(link, '/') + 1, &listed), count);
	CHECK(!listed);
	close(file);
}

/* ---- who may ---- */

static void become_nobody_with_power(void)
{
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(5000, 5000, 5000), 0);
	CHECK_EQ(setresuid(5000, 5000, 5000), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

static struct sleeper watched;

/* Whose memory one may not read, their files one does not see; and a link is followed by who has the power only. */
static void see_map_files(void)
{
	DIR *own = opendir("/proc/self/map_files"), *other;
	struct dirent *entry;
	char name[300], target[256];

	snprintf(name, sizeof(name), "/proc/%d/map_files", watched.process);
	other = opendir(name);
	CHECK(other);
	errno = 0;
	while ((entry = readdir(other)) && entry->d_name[0] == '.') {
	}
	CHECK(!entry);
	CHECK_EQ(errno, EACCES);
	closedir(other);
	CHECK_ERRNO(open("/proc/1/map_files", O_RDONLY), EACCES);
	CHECK(own);
	while ((entry = readdir(own)) && entry->d_name[0] == '.') {
	}
	CHECK(entry);
	snprintf(name, sizeof(name), "/proc/self/map_files/%s", entry->d_name);
	CHECK(readlink(name, target, sizeof(target)) > 0);
	CHECK_ERRNO(open(name, O_RDONLY), EPERM);
	closedir(own);
}

static void watch_without_power(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	become_nobody_with_power();
	CHECK_EQ(syscall(SYS_capset, &header, none), 0);
	CHECK_ERRNO(read_of(watched.process, "syscall"), EPERM);
	CHECK_ERRNO(read_of(watched.process, "stack"), EACCES);
	CHECK_ERRNO(read_of(getpid(), "stack"), EACCES); // not even one's own
	CHECK(read_of(getpid(), "syscall") > 0);
	CHECK(read_of(watched.process, "sched") > 0);
	CHECK_EQ(read_of(watched.process, "coredump_filter"), 9);
	CHECK_EQ(write_of(watched.process, "coredump_filter", "1"),
		 1); // the file's mode decides
	CHECK_EQ(write_of(watched.process, "clear_refs", "1"), 1);
	see_map_files();
	CHECK_ERRNO(write_of(1, "clear_refs", "1"), EACCES);
	CHECK_ERRNO(read_of(getpid(), "clear_refs"), EACCES);
	CHECK_ERRNO(write_of(1, "coredump_filter", "1"), EACCES);
	CHECK_ERRNO(read_of(1, "syscall"), EACCES);
	CHECK_ERRNO(read_of(1, "stack"), EACCES);
}

static void permissions(void)
{
	watched = start_sleeper(become_nobody_with_power);
	must_pass_in_child(watch_without_power);
	end_sleeper(&watched);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "filter")) {
		expect_filter();
		return 0;
	}
	if (getuid()) {
		skip("not root");
	}
	must_pass_in_child(see_syscall);
	ok("syscall");
	must_pass_in_child(see_stack);
	ok("stack");
	must_pass_in_child(see_sched);
	ok("sched");
	must_pass_in_child(dump_filter);
	ok("coredump_filter");
	must_pass_in_child(clear_references);
	ok("clear_refs");
	must_pass_in_child(map_files);
	ok("map_files");
	must_pass_in_child(permissions);
	ok("permissions");
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * C2, R7, T4: execve: arguments, environment, auxiliary vector, scripts, ELF of bad shape,
 * limits, descriptors, signals, threads; execveat and fexecve; exec by a thread that is not the
 * leader.
 * libc: musl
 */
#include "raw.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>

extern char **environ;
static char self[512];

static int run(const char *path, char *const arguments[], char *const environment[])
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		execve(path, arguments, environment);
		_exit(errno == ENOEXEC  ? 200
		      : errno == EACCES ? 201
		      : errno == E2BIG  ? 202
					: 203);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

static int run_self(const char *what)
{
	char *arguments[] = {"exec-test", (char *)what, "a b", "", NULL};
	char *environment[] = {"ONE=1", "EMPTY=", NULL};

	return run(self, arguments, environment);
}

/* ---- what the new program looks at ---- */

static int see_arguments(int argc, char **argv)
{
	CHECK_EQ(argc, 4);
	CHECK(strcmp(argv[0], "exec-test") == 0 && strcmp(argv[2], "a b") == 0 &&
	      !*argv[3]);
	CHECK(strcmp(environ[0], "ONE=1") == 0 && strcmp(environ[1], "EMPTY=") == 0);
	CHECK(!environ[2]);
	return 0;
}

/* What Linux gives every program. */
static void see_auxv_entries(void)
{
	static const uint64_t wanted[] = {AT_SYSINFO_EHDR,
					  AT_HWCAP,
					  AT_PAGESZ,
					  AT_CLKTCK,
					  AT_PHDR,
					  AT_PHENT,
					  AT_PHNUM,
					  AT_BASE,
					  AT_FLAGS,
					  AT_ENTRY,
					  AT_UID,
					  AT_EUID,
					  AT_GID,
					  AT_EGID,
					  AT_SECURE,
					  AT_RANDOM,
					  AT_HWCAP2,
					  AT_EXECFN,
					  AT_PLATFORM,
					  AT_MINSIGSTKSZ,
					  27,
					  28}; // what rseq wants
	static Elf64_auxv_t entries[64];
	int fd = open("/proc/self/auxv", O_RDONLY), count, found;
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);

	CHECK(fd >= 0);
	count = (int)(read(fd, entries, sizeof(entries)) / (ssize_t)sizeof(entries[0]));
	close(fd);
	CHECK(count > 20 && entries[count - 1].a_type == AT_NULL);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		found = 0;
		for (int j = 0; j < count; j++) {
			found += entries[j].a_type == wanted[i];
			if (entries[j].a_type == AT_HWCAP) { // libc changes its own
				CHECK(entries[j].a_un.a_val & HWCAP_ALWAYS);
			}
		}
		if (found != 1) {
			say("# type %d: %d\n", (int)wanted[i], found);
		}
		CHECK_EQ(found, 1);
	}
	CHECK_EQ(getauxval(AT_EUID), geteuid());
	CHECK_EQ(getauxval(AT_GID), getgid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK_EQ(getauxval(AT_FLAGS), 0);
	CHECK(random[0] | random[1] | random[2] | random[3] | random[4] | random[5]);
}

static int see_auxv(void)
{
	char name[16];
	const char *file = (const char *)getauxval(AT_EXECFN);

	CHECK_EQ(getauxval(AT_PAGESZ), 4096);
	CHECK(getauxval(AT_PHDR) && getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
	CHECK(getauxval(AT_PHNUM) > 0 && getauxval(AT_ENTRY));
	CHECK(getauxval(AT_RANDOM));
	CHECK(file && strcmp(file, self) == 0);
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
	CHECK(getauxval(AT_SYSINFO_EHDR));
	CHECK(getauxval(AT_MINSIGSTKSZ) > 500);
	CHECK(strcmp((const char *)getauxval(AT_PLATFORM), MACHINE_NAME) == 0);
	see_auxv_entries();
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK_EQ(strncmp(name, strrchr(self, '/') + 1, 15), 0);
	return 0;
}

static int see_inherited(void)
{
	struct sigaction action;
	sigset_t mask;

	CHECK_EQ(fcntl(50, F_GETFD), 0);
	CHECK_ERRNO(fcntl(51, F_GETFD), EBADF);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_IGN);
	CHECK_EQ(sigaction(SIGUSR2, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(sigismember(&mask, SIGHUP));
	CHECK_EQ(thread_id(), getpid());
	return 0;
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void set_up_inheritance(void)
{
	sigset_t mask;

	CHECK_EQ(dup2(1, 50), 50);
	CHECK_EQ(dup3(1, 51, O_CLOEXEC), 51);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, do_nothing);
	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

/* ---- bad files ---- */

static void write_file(const char *name, const void *data, size_t size, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, size), (ssize_t)size);
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static int run_file(const char *name)
{
	char *arguments[] = {(char *)name, NULL};
	int status = run(name, arguments, environ);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static size_t read_self(char *into, size_t size)
{
	int fd = open(self, O_RDONLY);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, into, size);
	close(fd);
	CHECK(length > 64);
	return (size_t)length;
}

static void check_bad_elf(void)
{
	static char image[65536];
	size_t size = read_self(image, sizeof(image));
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Half own;

	write_file("empty", image, 0, 0755);
	CHECK_EQ(run_file("./empty"), 200);
	write_file("cut", image, 32, 0755);
	CHECK_EQ(run_file("./cut"), 200);
	own = header->e_machine;
	header->e_machine = EM_S390;
	write_file("foreign", image, size, 0755);
	CHECK_EQ(run_file("./foreign"), 200);
	header->e_machine = own;
	header->e_phnum = 0;
	write_file("segmentless", image, size, 0755);
	CHECK_EQ(run_file("./segmentless"), 200);
	header->e_phnum = 60000;
	write_file("too-many", image, size, 0755);
	CHECK_EQ(run_file("./too-many"), 200);
	header->e_phnum = 4;
	header->e_phoff = 1ull << 40;
	write_file("far-table", image, size, 0755);
	CHECK(run_file("./far-table") >= 200);
	header->e_phoff = sizeof(*header);
	header->e_type = ET_REL;
	write_file("object", image, size, 0755);
	CHECK_EQ(run_file("./object"), 200);
	write_file("text", "hello\n", 6, 0755);
	CHECK_EQ(run_file("./text"), 200);
	write_file("closed", "hello\n", 6, 0644);
	CHECK_EQ(run_file("./closed"), 201);
	CHECK_EQ(run_file("/"), 201);
	ok("bad_elf");
}

/* Should such a program run after all, it finds an argument it does not know and ends with 1. */
static void must_not_run(const char *name)
{
	char *arguments[] = {(char *)name, "unknown", NULL};

	CHECK(run(name, arguments, environ) != 0);
}

/* Segments with wild addresses: refused, or the new program dies; never the kernel. */
static void check_wild_segments(void)
{
	static char image[65536];
	size_t size = read_self(image, sizeof(image));
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Phdr *segments = (Elf64_Phdr *)(image + header->e_phoff);
	uint64_t wild[] = {0xffff800000000000, USER_TOP, USER_HALF, UINT64_MAX - 4095, 0};

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		Elf64_Phdr saved = segments[0];

		segments[0].p_type = PT_LOAD;
		segments[0].p_vaddr = wild[i];
		write_file("wild", image, size, 0755);
		must_not_run("./wild");
		segments[0] = saved;
		segments[0].p_type = PT_LOAD;
		segments[0].p_memsz = wild[i];
		segments[0].p_filesz = wild[i];
		write_file("wild", image, size, 0755);
		must_not_run("./wild");
		segments[0] = saved;
	}
	ok("wild_segments");
}

static void check_scripts(void)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s script\n", self);
	write_file("script", text, strlen(text), 0755);
	CHECK_EQ(run_file("./script"), 0);
	snprintf(text, sizeof(text), "#! \t%s   two words  \n", self);
	write_file("words", text, strlen(text), 0755);
	CHECK_EQ(run_file("./words"), 0);
	write_file("nowhere", "#!/no/such/interpreter\n", 23, 0755);
	CHECK_EQ(run_file("./nowhere"), 203);
	write_file("nothing", "#!\n", 3, 0755);
	CHECK_EQ(run_file("./nothing"), 200);
	write_file("circle", "#!./circle\n", 11, 0755);
	CHECK(run_file("./circle") >= 200);
	ok("scripts");
}

/* An interpreter that is a script is named to its own as it was named to be found. */
static void check_script_chain(void)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s chain\n", self);
	write_file("inner", text, strlen(text), 0755);
	write_file("outer", "#!./inner word\n", 15, 0755);
	CHECK_EQ(run_file("./outer"), 0);
	ok("script_chain");
}

/* A line of `size` bytes, its newline the last. */
static void write_longest(const char *name, size_t size)
{
	char text[600];

	memset(text, '/', sizeof(text));
	memcpy(text, "#!", 2);
	memcpy(text + size - 1 - strlen(self), self, strlen(self));
	text[size - 1] = '\n';
	write_file(name, text, size, 0755);
}

/* What a file's first line is where it has no end, or one beyond a NUL, or just within what is read of it. */
static void check_script_lines(void)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s ", self);
	write_file("blank", text, strlen(text), 0755);
	CHECK_EQ(run_file("./blank"), 0);
	write_file("hidden", "#!\0/no/such\n", 13, 0755);
	CHECK_EQ(run_file("./hidden"), 201);
	write_longest("longest", 256);
	CHECK_EQ(run_file("./longest"), 1); // by "./longest", which is no mode of ours
	write_longest("longer", 257);
	CHECK_EQ(run_file("./longer"), 200);
	ok("script_lines");
}

static void check_limits(void)
{
	size_t big = 131072;
	char *long_word = malloc(big + 1);
	char *arguments[] = {"x", "quiet", long_word, NULL};
	char **many = calloc(120, sizeof(*many));

	memset(long_word, 'x', big);
	long_word[big] = 0;
	CHECK_EQ(WEXITSTATUS(run(self, arguments, environ)), 202);
	long_word[big - 1] = 0;
	CHECK_EQ(run(self, arguments, environ), 0);
	for (int i = 0; i < 100; i++) {
		many[i] = i == 1 ? "quiet" : long_word;
	}
	CHECK_EQ(WEXITSTATUS(run(self, many, environ)), 202);
	CHECK_ERRNO(execve(self, (char **)KERNEL_ADDRESS, environ), EFAULT);
	CHECK_ERRNO(execve(KERNEL_ADDRESS, arguments, environ), EFAULT);
	arguments[1] = UNMAPPED_ADDRESS;
	CHECK_ERRNO(execve(self, arguments, environ), EFAULT);
	arguments[1] = "quiet";
	CHECK_ERRNO(execve("", arguments, environ), ENOENT);
	CHECK_ERRNO(execve("no/such", arguments, environ), ENOENT);
	free(long_word);
	free(many);
	ok("limits");
}

static void exec_by_descriptor(void)
{
	char *arguments[] = {"x", "quiet", NULL};
	int fd = open(self, O_RDONLY);

	syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
	_exit(1);
}

static void exec_memfd(void)
{
	static char block[65536];
	char *arguments[] = {"x", "quiet", NULL};
	int to = (int)syscall(SYS_memfd_create, "program", 0);
	int from = open(self, O_RDONLY);
	ssize_t length;

	while ((length = read(from, block, sizeof(block))) > 0) {
		CHECK_EQ(write(to, block, (size_t)length), length);
	}
	syscall(SYS_execveat, to, "", arguments, environ, AT_EMPTY_PATH);
	_exit(1);
}

static void *exec_from_thread(void *unused)
{
	char *arguments[] = {"x", "leader", NULL};
	char number[32];
	char *environment[] = {number, NULL};

	(void)unused;
	snprintf(number, sizeof(number), "LEADER=%d", (int)getpid());
	execve(self, arguments, environment);
	_exit(1);
}

static void *stay(void *unused)
{
	(void)unused;
	for (;;) {
		pause();
	}
}

static void exec_among_threads(void)
{
	for (int i = 0; i < 4; i++) {
		start_thread(stay, NULL);
	}
	start_thread(exec_from_thread, NULL);
	stay(NULL);
}

static void vfork_and_exec(void)
{
	char *arguments[] = {"x", "quiet", NULL};
	int status;

	for (int i = 0; i < 5; i++) {
		pid_t child = vfork();

		CHECK(child >= 0);
		if (child == 0) {
			execve(self, arguments, environ);
			_exit(1);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
}

static int act_as(int argc, char **argv)
{
	if (strcmp(argv[1], "arguments") == 0) {
		return see_arguments(argc, argv);
	} else if (strcmp(argv[1], "auxv") == 0) {
		return see_auxv();
	} else if (strcmp(argv[1], "inherited") == 0) {
		return see_inherited();
	} else if (strcmp(argv[1], "script") == 0) {
		return argc == 3 && strcmp(argv[2], "./script") == 0 ? 0 : 1;
	} else if (strcmp(argv[1], "") == 0) {
		return argc == 3 && strcmp(argv[2], "./blank") == 0 ? 0 : 1;
	} else if (strcmp(argv[1], "chain") == 0) {
		return argc == 5 && strcmp(argv[2], "./inner") == 0 &&
				       strcmp(argv[3], "word") == 0 &&
				       strcmp(argv[4], "./outer") == 0
			       ? 0
			       : 1;
	} else if (strcmp(argv[1], "two words") == 0) {
		return argc == 3 && strcmp(argv[2], "./words") == 0 ? 0 : 1;
	} else if (strcmp(argv[1], "leader") == 0) {
		CHECK_EQ(atoi(getenv("LEADER")), getpid());
		CHECK_EQ(thread_id(), getpid());
		return 23;
	}
	return strcmp(argv[1], "quiet") == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(length > 0);
	if (argc > 1) {
		return act_as(argc, argv);
	}
	CHECK_EQ(run_self("arguments"), 0);
	ok("arguments");
	CHECK_EQ(run_self("auxv"), 0);
	ok("auxv");
	set_up_inheritance();
	CHECK_EQ(run_self("inherited"), 0);
	ok("inherited");
	check_bad_elf();
	check_wild_segments();
	check_scripts();
	check_script_chain();
	check_script_lines();
	check_limits();
	must_pass_in_child(exec_by_descriptor);
	must_pass_in_child(exec_memfd);
	ok("by_descriptor");
	CHECK_EQ(in_child(exec_among_threads), 23 << 8);
	ok("among_threads");
	vfork_and_exec();
	ok("vfork_and_exec");
	return 0;
}

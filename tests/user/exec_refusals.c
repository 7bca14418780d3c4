// SPDX-License-Identifier: MIT
/*
 * C2, R6: what execve and execveat refuse, with Linux's errno, and that a program that was refused another is what it was:
 * bad files, interpreters and scripts, files that are written to, wild pointers, arguments beyond the limit, flags.
 * libc: musl
 */
#include "ledger.h"
#include "raw.h"
#include <elf.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

extern char **environ;
static char self[512];

static void write_file(const char *name, const void *data, size_t size, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, size), (ssize_t)size);
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text), 0755);
}

__attribute__((noinline)) static int try_with(const char *name, const void *arguments,
					      const void *environment)
{
	syscall(SYS_execve, (long)name, (long)arguments, (long)environment);
	return errno;
}

static int try(const char *name)
{
	char *arguments[] = {"refused", "quiet", NULL};

	return try_with(name, arguments, environ);
}

static int try_at(int fd, const char *name, int flags)
{
	char *arguments[] = {"refused", "quiet", NULL};

	syscall(SYS_execveat, fd, name, arguments, environ, flags);
	return errno;
}

/* ---- files ---- */

static void check_files(void)
{
	char name[5000];
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), writer;

	CHECK_EQ(try("/"), EACCES);
	CHECK_EQ(mkfifo("fifo", 0777), 0);
	CHECK_EQ(try("fifo"), EACCES); // and nobody waits for its other end
	CHECK_EQ(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(chmod("socket", 0777), 0);
	CHECK_EQ(try("socket"), EACCES);
	CHECK_EQ(try("/dev/null"), EACCES);
	write_file("closed", "#!/bin/sh\n", 10, 0644);
	CHECK_EQ(try("closed"), EACCES);
	CHECK_EQ(try("closed/inside"), ENOTDIR);
	CHECK_EQ(try(""), ENOENT);
	CHECK_EQ(try("nowhere"), ENOENT);
	CHECK_EQ(symlink("ring", "ring"), 0);
	CHECK_EQ(try("ring"), ELOOP);
	memset(name, 'n', sizeof(name));
	name[300] = 0;
	CHECK_EQ(try(name), ENAMETOOLONG);
	name[300] = 'n';
	name[4999] = 0;
	CHECK_EQ(try(name), ENAMETOOLONG);
	write_text("busy", "#!/bin/sh\n");
	writer = open("busy", O_RDWR);
	CHECK_EQ(try("busy"), ETXTBSY);
	CHECK_EQ(try_at(writer, "", AT_EMPTY_PATH), ETXTBSY);
	close(writer);
	CHECK_ERRNO(open(self, O_WRONLY), ETXTBSY); // nor the other way round
	CHECK_ERRNO(truncate(self, 0), ETXTBSY);
	close(listener);
	ok("files");
}

/* ---- pointers ---- */

static void check_pointers(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char **last = (char **)(page + 4096 - 2 * sizeof(char *));
	char *arguments[] = {"a", "b", NULL};

	CHECK_EQ(munmap(page + 4096, 4096), 0);
	CHECK_EQ(try_with(UNMAPPED_ADDRESS, arguments, environ), EFAULT);
	CHECK_EQ(try_with(KERNEL_ADDRESS, arguments, environ), EFAULT);
	CHECK_EQ(try_with(self, UNMAPPED_ADDRESS, environ), EFAULT);
	CHECK_EQ(try_with(self, KERNEL_ADDRESS, environ), EFAULT);
	CHECK_EQ(try_with(self, NON_CANONICAL, environ), EFAULT);
	CHECK_EQ(try_with(self, arguments, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(try_with(self, arguments, KERNEL_ADDRESS), EFAULT);
	last[0] = last[1] = "x"; // no end of the list before the page's
	CHECK_EQ(try_with(self, last, environ), EFAULT);
	CHECK_EQ(try_with(self, arguments, last), EFAULT);
	memset(page + 4000, 'y', 96); // no end of the text
	arguments[1] = page + 4000;
	CHECK_EQ(try_with(self, arguments, environ), EFAULT);
	arguments[1] = KERNEL_ADDRESS;
	CHECK_EQ(try_with(self, arguments, environ), EFAULT);
	CHECK_EQ(try_with(self, environ, arguments), EFAULT);
	arguments[0] = NON_CANONICAL;
	CHECK_EQ(try_with(self, arguments, environ), EFAULT);
	CHECK_EQ(munmap(page, 4096), 0);
	ok("pointers");
}

/* ---- scripts ---- */

static void check_scripts(void)
{
	char line[400];

	write_text("circle", "#!./circle\n");
	CHECK_EQ(try("circle"), ELOOP);
	write_text("ping", "#!./pong\n");
	write_text("pong", "#!./ping\n");
	CHECK_EQ(try("./ping"), ELOOP);
	write_text("script", "#!./nowhere\n");
	CHECK_EQ(try("./script"), ENOENT);
	write_text("script", "#!/\n");
	CHECK_EQ(try("./script"), EACCES);
	write_text("script", "#!./fifo\n");
	CHECK_EQ(try("./script"), EACCES);
	write_text("script", "#!./closed argument\n");
	CHECK_EQ(try("./script"), EACCES);
	write_text("script", "#!\n");
	CHECK_EQ(try("./script"), ENOEXEC);
	write_text("script", "#!");
	CHECK_EQ(try("./script"), EACCES);
	write_text("script", "#!  \t \n");
	CHECK_EQ(try("./script"), ENOEXEC);
	memset(line, 'l', sizeof(line));
	memcpy(line, "#!/", 3);
	line[399] = 0;
	write_text("script", line); // the interpreter's name is cut off
	CHECK_EQ(try("./script"), ENOEXEC);
	write_text("plain", "echo\n");
	write_text("script", "#!./plain\n");
	CHECK_EQ(try("./script"), ENOEXEC);
	ok("scripts");
}

/* ---- ELF ---- */

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	char interpreter[64];
};

static struct program good_program(const char *interpreter)
{
	struct program p = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			   .e_type = ET_DYN,
			   .e_machine = MACHINE_ELF,
			   .e_version = 1,
			   .e_phoff = offsetof(struct program, segments),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 2},
		.segments = {{.p_type = PT_INTERP,
			      .p_flags = PF_R,
			      .p_offset = offsetof(struct program, interpreter),
			      .p_filesz = strlen(interpreter) + 1,
			      .p_memsz = strlen(interpreter) + 1},
			     {.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_filesz = sizeof(struct program),
			      .p_memsz = sizeof(struct program),
			      .p_align = 4096}},
	};

	strcpy(p.interpreter, interpreter);
	return p;
}

static int try_program(const struct program *program, size_t size)
{
	write_file("program", program, size, 0755);
	return try("./program");
}

static int try_interpreter(const char *name)
{
	struct program program = good_program(name);

	return try_program(&program, sizeof(program));
}

static void check_interpreters(void)
{
	struct program program = good_program("./x");

	CHECK_EQ(try_interpreter("./nowhere"), ENOENT);
	CHECK_EQ(try_interpreter("/"), EACCES);
	CHECK_EQ(try_interpreter("./fifo"), EACCES);
	CHECK_EQ(try_interpreter("./closed"), EACCES);
	CHECK_EQ(try_interpreter("./ring"), ELOOP);
	write_file("x", "", 0, 0755);
	CHECK_EQ(try_interpreter("./x"), EIO); // shorter than a header
	write_file("x", &program, 40, 0755);
	CHECK_EQ(try_interpreter("./x"), EIO);
	write_file("x", self, sizeof(self), 0755);
	CHECK_EQ(try_interpreter("./x"), ELIBBAD);
	write_file("x", &program, 70, 0755); // without its segments
	CHECK_EQ(try_interpreter("./x"), ELIBBAD);
	program.header.e_machine = EM_S390;
	write_file("x", &program, sizeof(program), 0755);
	CHECK_EQ(try_interpreter("./x"), ELIBBAD);
	program = good_program("./x");
	program.segments[0].p_filesz = 1;
	CHECK_EQ(try_program(&program, sizeof(program)), ENOEXEC);
	program.segments[0].p_filesz = 5000;
	CHECK_EQ(try_program(&program, sizeof(program)), ENOEXEC);
	program.segments[0].p_filesz = 3; // no end
	CHECK_EQ(try_program(&program, sizeof(program)), ENOEXEC);
	program.segments[0].p_filesz = 4;
	program.segments[0].p_offset = 1 << 20; // behind the file
	CHECK_EQ(try_program(&program, sizeof(program)), EIO);
	program.segments[0].p_offset = -5ul; // behind any file
	CHECK_EQ(try_program(&program, sizeof(program)), EINVAL);
	program = good_program(""); // the working folder, as it were
	program.segments[0].p_filesz = 2;
	CHECK_EQ(try_program(&program, sizeof(program)), EACCES);
	ok("interpreters");
}

static void check_headers(void)
{
	struct program good = good_program("./nowhere"), bad;

	for (size_t size = 0; size < offsetof(struct program, interpreter); size++) {
		CHECK_EQ(try_program(&good, size), ENOEXEC);
	}
	for (size_t i = 0; i < 4; i++) {
		bad = good;
		bad.header.e_ident[i] ^= 1;
		CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	}
	bad = good;
	bad.header.e_type = ET_CORE;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	bad = good;
	bad.header.e_phentsize = 32;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	bad = good;
	bad.header.e_phnum = 0;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	bad = good;
	bad.header.e_phnum = 0xffff;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	bad = good;
	bad.header.e_phoff = 1ull << 40;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	bad.header.e_phoff = UINT64_MAX;
	CHECK_EQ(try_program(&bad, sizeof(bad)), ENOEXEC);
	ok("headers");
}

/* ---- sizes ---- */

/* As many arguments of `size` bytes; 0 if the program runs. */
static int run_long(unsigned count, size_t size)
{
	char **arguments = calloc(count + 3, sizeof(*arguments));
	char *word = malloc(size);
	int status;
	pid_t child;

	memset(word, 'w', size);
	word[size - 1] = 0;
	arguments[0] = "long";
	arguments[1] = "quiet";
	for (unsigned i = 0; i < count; i++) {
		arguments[2 + i] = word;
	}
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *nothing[] = {NULL};

		_exit(try_with(self, arguments, nothing));
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	free(arguments);
	free(word);
	return status >> 8;
}

/* Everything that comes to the new stack counts: the name of the program, texts, pointers to arguments. */
static int run_exact(size_t total)
{
	static char first[100001], second[100001];
	char *arguments[] = {"long", "quiet", first, second, NULL}, *nothing[] = {NULL};
	size_t others = strlen(self) + 1 + sizeof("long") + sizeof("quiet") + 4 * 8;
	int status;
	pid_t child;

	memset(first, 'w', 100000);
	memset(second, 'w', total - others - sizeof(first) - 1);
	second[total - others - sizeof(first) - 1] = 0;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		_exit(try_with(self, arguments, nothing));
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status >> 8;
}

static void sizes_by_stack(void)
{
	struct rlimit limit = {2 << 20, RLIM_INFINITY};

	CHECK_EQ(run_long(1, 131072), 0);
	CHECK_EQ(run_long(1, 131073), E2BIG); // one alone: 32 pages
	CHECK_EQ(run_long(19, 100000), 0);    // 2 MiB of them: a quarter of 8
	CHECK_EQ(run_long(21, 100000), E2BIG);
	CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_EQ(run_long(5, 100000), 0);
	CHECK_EQ(run_long(6, 100000), E2BIG);
	CHECK_EQ(run_long(57000, 1), 0); // pointers count
	CHECK_EQ(run_long(59000, 1), E2BIG);
	limit.rlim_cur = 400 << 10;
	CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_EQ(run_long(12, 10000), 0); // 128 KiB are always there
	CHECK_EQ(run_long(14, 10000), E2BIG);
	CHECK_EQ(run_exact(131072), 0);
	CHECK_EQ(run_exact(131073), E2BIG);
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_STACK, &limit) == 0) {
		CHECK_EQ(run_long(62, 100000), 0); // and 6 MiB the most
		CHECK_EQ(run_long(64, 100000), E2BIG);
	}
}

/* ---- execveat ---- */

static void check_flags(void)
{
	int root = open("/", O_RDONLY), here = open(".", O_RDONLY | O_DIRECTORY);
	int file = open("closed", O_RDONLY), script, path;
	char line[600];

	CHECK_EQ(try_at(AT_FDCWD, self, 1), EINVAL);
	CHECK_EQ(try_at(AT_FDCWD, self, AT_SYMLINK_FOLLOW), EINVAL);
	CHECK_EQ(try_at(999, "x", 0), EBADF);
	CHECK_EQ(try_at(999, "", AT_EMPTY_PATH), EBADF);
	CHECK_EQ(try_at(999, "", 0), ENOENT);
	CHECK_EQ(try_at(here, "", 0), ENOENT);
	CHECK_EQ(try_at(here, "nowhere", 0), ENOENT);
	CHECK_EQ(try_at(file, "x", 0), ENOTDIR);
	CHECK_EQ(try_at(root, "", AT_EMPTY_PATH), EACCES);
	CHECK_EQ(try_at(AT_FDCWD, "", AT_EMPTY_PATH), EACCES);
	CHECK_EQ(try_at(file, "", AT_EMPTY_PATH), EACCES);
	CHECK_EQ(try_at(here, UNMAPPED_ADDRESS, 0), EFAULT);
	CHECK_EQ(symlink(self, "link"), 0);
	CHECK_EQ(try_at(here, "link", AT_SYMLINK_NOFOLLOW), ELOOP);
	path = open("link", O_PATH | O_NOFOLLOW);
	CHECK_EQ(try_at(path, "", AT_EMPTY_PATH), ELOOP);
	snprintf(line, sizeof(line), "#!%s quiet\n", self);
	write_text("script", line);
	script = open("script", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(try_at(script, "", AT_EMPTY_PATH), ENOENT); // gone when it is to be read
	CHECK_EQ(fcntl(here, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(try_at(here, "script", 0), ENOENT);
	close(script);
	close(path);
	close(file);
	close(here);
	close(root);
	ok("flags");
}

static void exec_link(void)
{
	_exit(try_at(open(".", O_RDONLY), "link", 0));
}

static void exec_path_only(void)
{
	_exit(try_at(open(self, O_PATH | O_CLOEXEC), "", AT_EMPTY_PATH));
}

/* ---- unchanged ---- */

static void handle(int signal)
{
	(void)signal;
}

static void expect_unchanged(int marked)
{
	struct sigaction action;
	char name[16];

	CHECK_EQ(sigaction(SIGUSR2, NULL, &action), 0);
	CHECK(action.sa_handler == handle);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "unchanged") == 0);
	CHECK_EQ(fcntl(marked, F_GETFD), FD_CLOEXEC);
}

static void refuse_all(void)
{
	static const char *const made[] = {"fifo", "socket", "ring", "link"};
	int marked = open("/", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		unlink(made[i]);
	}
	signal(SIGUSR2, handle);
	CHECK_EQ(prctl(PR_SET_NAME, "unchanged"), 0);
	check_files();
	check_pointers();
	check_scripts();
	check_interpreters();
	check_headers();
	check_flags();
	expect_unchanged(marked);
	ok("unchanged");
}

static void sizes_in_child(void)
{
	must_pass_in_child(sizes_by_stack);
	ok("sizes");
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct ledger before;

	CHECK(length > 0);
	if (argc > 1) {
		return strcmp(argv[1], "quiet");
	}
	must_pass_in_child(refuse_all);
	must_pass_in_child(exec_link);
	must_pass_in_child(exec_path_only);
	ok("allowed");
	must_pass_in_child(sizes_in_child);
	if (access("/proc/heddle/ledger", F_OK) == 0) {
		for (int i = 0; i < 2; i++) { // first, files and pages of our own come
			if (i == 1) {
				ledger_begin(&before);
			}
			must_pass_in_child(refuse_all);
			must_pass_in_child(sizes_in_child);
		}
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}

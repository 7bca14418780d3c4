// SPDX-License-Identifier: MIT
/*
 * C2, R6: programs whose headers are good and whose segments are not, or that are larger than the limits allow: Linux has given
 * up the old program when it finds out, so execve ends the process with SIGSEGV. And odd ones that run.
 * libc: musl
 */
#include "ledger.h"
#include "raw.h"
#include <elf.h>
#include <sys/resource.h>

enum { CODE = 0x200, SIZE = 0x1000, RUNS = 7, REFUSED = 200, DIES = -SIGSEGV };
#define BASE 0x400000ul
#define DATA 0x402000ul
#define HALF USER_HALF

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr text, data, other;
	unsigned char rest[SIZE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
};

static struct program good, p;
static size_t file_size;

/* exit_group(7), in text, data with zeros behind it, and a third part. */
static void build_good(void)
{
	static const unsigned char code[] = {MACHINE_EXIT_GROUP(RUNS)};

	good = (struct program){
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			   .e_type = ET_EXEC,
			   .e_machine = MACHINE_ELF,
			   .e_version = 1,
			   .e_entry = BASE + CODE,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 3},
		.text = {.p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_vaddr = BASE,
			 .p_filesz = SIZE,
			 .p_memsz = SIZE,
			 .p_align = 4096},
		.data = {.p_type = PT_LOAD,
			 .p_flags = PF_R | PF_W,
			 .p_vaddr = DATA,
			 .p_filesz = 0x100,
			 .p_memsz = 0x3000,
			 .p_align = 4096},
		.other = {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
	};
	memcpy((char *)&good + CODE, code, sizeof(code));
}

static void begin(void)
{
	p = good;
	file_size = SIZE;
}

static void write_program(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, &p, file_size), (ssize_t)file_size);
	close(fd);
}

__attribute__((noinline)) static void run_program(const char *name)
{
	char *nothing[] = {NULL};

	execve(name, nothing, nothing);
	_exit(REFUSED);
}

static int result_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What becomes of `p`, with a limit if `resource` is not -1. */
static int outcome(int resource, rlim_t limit)
{
	struct rlimit set = {limit, limit}, none = {0, 0};
	int status;
	pid_t child;

	write_program("doomed");
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_IGN); // of no use
		CHECK_EQ(setrlimit(RLIMIT_CORE, &none), 0);
		if (resource >= 0) {
			CHECK_EQ(prlimit(0, resource, &set, NULL), 0);
		}
		run_program("./doomed");
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	begin();
	return result_of(status);
}

static int becomes(void)
{
	return outcome(-1, 0);
}

/* ---- segments ---- */

static void expect_at(Elf64_Phdr *segment, uint64_t address, int wanted)
{
	segment->p_vaddr = address;
	CHECK_EQ(becomes(), wanted);
}

static void expect_memory(Elf64_Phdr *segment, uint64_t size, int wanted)
{
	segment->p_memsz = size;
	CHECK_EQ(becomes(), wanted);
}

static void expect_file(Elf64_Phdr *segment, uint64_t size, int wanted)
{
	segment->p_filesz = segment->p_memsz = size;
	CHECK_EQ(becomes(), wanted);
}

static void expect_offset(Elf64_Phdr *segment, uint64_t offset, int wanted)
{
	segment->p_offset = offset;
	CHECK_EQ(becomes(), wanted);
}

static void check_places(void)
{
	CHECK_EQ(becomes(), RUNS);
	expect_at(&p.data, 0x300000, RUNS);      // in any order
	expect_at(&p.data, BASE, DIES);          // the data lies over the text
	expect_at(&p.data, BASE - 0x1000, DIES); // its zeros do
	expect_memory(&p.text, 0x4000, RUNS);    // the text's zeros are covered
	expect_at(&p.text, USER_TOP, DIES);
	expect_at(&p.data, USER_TOP, DIES);
	expect_at(&p.data, HALF, DIES);
	expect_at(&p.data, 0xffff800000000000, DIES);
	expect_at(&p.text, 0xffff800000000000, DIES);
	expect_at(&p.data, -0x1000ul, DIES);
	p.data.p_memsz = p.data.p_filesz = 0;
	expect_at(&p.data, 0xffff800000000000, DIES); // also where it is empty
	p.header.e_entry = 0xffff800000000000;
	CHECK_EQ(becomes(), DIES);
	p.header.e_entry = USER_TOP;
	CHECK_EQ(becomes(), DIES);
	p.text.p_type = p.data.p_type = PT_NULL;
	CHECK_EQ(becomes(), DIES);
	ok("places");
}

static void check_sizes(void)
{
	expect_memory(&p.data, UINT64_MAX, DIES);
	expect_memory(&p.data, 2 * HALF, DIES);
	expect_memory(&p.data, USER_TOP + 0x1000 - DATA, DIES);
	expect_memory(&p.data, 0x80, DIES); // less than from the file
	expect_memory(&p.text, 0x80, DIES);
	expect_memory(&p.data, 0, DIES);
	expect_file(&p.data, 0, RUNS);
	expect_file(&p.text, 0, DIES); // nothing where it begins
	expect_file(&p.text, 2 * HALF, DIES);
	expect_file(&p.data, 2 * HALF, DIES);
	expect_file(&p.data, UINT64_MAX, DIES);
	p.data.p_filesz = 0;
	CHECK_EQ(becomes(), RUNS);
	ok("sizes");
}

static void check_offsets(void)
{
	expect_offset(&p.data, 0x10, DIES);
	expect_offset(&p.text, 0x10, DIES);
	expect_at(&p.data, DATA + 0x10, DIES);
	expect_offset(&p.data, 1ul << 63, DIES);
	expect_offset(&p.data, 0x7ffffffffffff000, DIES);
	expect_offset(&p.data, -0x1000ul, DIES);
	expect_offset(&p.data, 0x100000, DIES); // its last page is not to be had
	p.data.p_memsz = p.data.p_filesz;
	expect_offset(&p.data, 0x100000, RUNS); // nobody looks
	file_size = 0x300;
	CHECK_EQ(becomes(), RUNS);
	ok("offsets");
}

static void check_movable(void)
{
	p.header.e_type = ET_DYN; // wherever it thinks it is
	p.text.p_vaddr += HALF / 2;
	p.data.p_vaddr += HALF / 2;
	p.header.e_entry += HALF / 2;
	CHECK_EQ(becomes(), RUNS);
	good.header.e_type = ET_DYN;
	begin();
	CHECK_EQ(becomes(), RUNS);
	expect_at(&p.data, 0x300000, RUNS);
	expect_at(&p.data, BASE, DIES);
	expect_at(&p.data, HALF, DIES);
	expect_memory(&p.data, UINT64_MAX, DIES);
	build_good();
	begin();
	ok("movable");
}

/* ---- interpreters ---- */

/* `p` as the interpreter of a good program. */
static int as_interpreter(void)
{
	static const char name[] = "./interpreter";

	write_program("interpreter");
	begin();
	p.other = (Elf64_Phdr){.p_type = PT_INTERP,
			       .p_offset = 0x800,
			       .p_filesz = sizeof(name),
			       .p_memsz = sizeof(name)};
	memcpy((char *)&p + 0x800, name, sizeof(name));
	return becomes();
}

static void check_interpreters(void)
{
	p.header.e_type = ET_DYN;
	p.text.p_vaddr = 0;
	p.header.e_entry = CODE;
	p.data.p_vaddr = 0x2000;
	CHECK_EQ(as_interpreter(), RUNS);
	p.header.e_type = ET_DYN;
	p.data.p_vaddr = HALF;
	CHECK_EQ(as_interpreter(), DIES);
	p.header.e_type = ET_DYN;
	p.data.p_memsz = 1;
	CHECK_EQ(as_interpreter(), DIES);
	p.header.e_machine = EM_S390; // seen before
	CHECK_EQ(as_interpreter(), REFUSED);
	ok("interpreters");
}

/* ---- limits ---- */

static int with_bss(uint64_t size, int resource, rlim_t limit)
{
	p.data.p_memsz = size;
	return outcome(resource, limit);
}

static void check_limits(void)
{
	CHECK_EQ(outcome(RLIMIT_AS, 0), DIES);
	CHECK_EQ(outcome(RLIMIT_AS, 64 << 10), DIES);
	CHECK_EQ(outcome(RLIMIT_AS, 4 << 20), RUNS);
	CHECK_EQ(with_bss(8 << 20, RLIMIT_AS, 4 << 20), DIES);
	CHECK_EQ(with_bss(8 << 20, RLIMIT_AS, 16 << 20), RUNS);
	CHECK_EQ(outcome(RLIMIT_DATA, 0), DIES);
	CHECK_EQ(outcome(RLIMIT_DATA, 8192), DIES);
	CHECK_EQ(outcome(RLIMIT_DATA, 16384), RUNS);
	CHECK_EQ(with_bss(2 << 20, RLIMIT_DATA, 1 << 20), DIES);
	CHECK_EQ(with_bss(2 << 20, RLIMIT_DATA, 4 << 20), RUNS);
	ok("limits");
}

/* All of a movable program, with its holes, is placed at once, as its first segment is; one that says where it goes is not. */
static void check_holes(void)
{
	p.data.p_vaddr = DATA + (32 << 20);
	CHECK_EQ(outcome(RLIMIT_AS, 16 << 20), RUNS);
	p.data.p_vaddr = DATA + (32 << 20);
	p.header.e_type = ET_DYN;
	CHECK_EQ(outcome(RLIMIT_AS, 16 << 20), DIES);
	p.data.p_vaddr = DATA + (32 << 20);
	p.header.e_type = ET_DYN;
	CHECK_EQ(outcome(RLIMIT_DATA, 1 << 20), RUNS);
	p.data.p_vaddr = DATA + (32 << 20);
	p.text.p_flags |= PF_W;
	p.header.e_type = ET_DYN;
	CHECK_EQ(outcome(RLIMIT_DATA, 1 << 20), DIES);
	ok("holes");
}

/* How execve with an argument of `size` bytes ends; what it says is 100 + errno. */
static int with_text(const char *name, size_t size, int resource, rlim_t limit)
{
	struct rlimit set = {limit, limit};
	char *arguments[] = {(char *)name, NULL, NULL}, *nothing[] = {NULL};
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		arguments[1] = calloc(1, size + 1);
		memset(arguments[1], 'a', size);
		CHECK_EQ(prlimit(0, resource, &set, NULL), 0);
		execve(name, arguments, nothing);
		_exit(100 + errno);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return result_of(status);
}

/* The texts are laid down first, and are refused; all that comes later is fatal. The first page of texts is for nothing. */
static void check_texts(void)
{
	write_program("doomed");
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_AS, 64 << 10), 100 + E2BIG);
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_AS, 100 << 10), DIES);
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_AS, 4 << 20), RUNS);
	CHECK_EQ(with_text("./doomed", 5000, RLIMIT_AS, 0), 100 + E2BIG);
	CHECK_EQ(with_text("./doomed", 100, RLIMIT_AS, 0), DIES);
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_STACK, 64 << 10), 100 + E2BIG);
	CHECK_EQ(with_text("./doomed", 50000, RLIMIT_STACK, 64 << 10), RUNS);
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_DATA, 0), DIES);
	p.header.e_machine = EM_S390;
	write_program("doomed");
	CHECK_EQ(with_text("./doomed", 80000, RLIMIT_AS, 64 << 10), 100 + E2BIG);
	CHECK_EQ(with_text("./doomed", 100, RLIMIT_AS, 0), 100 + ENOEXEC);
	begin();
	ok("texts");
}

/* ---- who ends ---- */

static void *run_doomed(void *unused)
{
	run_program("./doomed");
	return unused;
}

static void *stay(void *unused)
{
	for (;;) {
		pause();
	}
	return unused;
}

static void check_threads(void)
{
	sigset_t set;
	int status;
	pid_t child;

	p.data.p_vaddr = HALF;
	write_program("doomed");
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sigfillset(&set);
		CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
		start_thread(stay, NULL);
		start_thread(run_doomed, NULL);
		stay(NULL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(result_of(status), DIES);
	child = vfork();
	if (child == 0) {
		run_program("./doomed");
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(result_of(status), DIES);
	begin();
	ok("threads");
}

static void check_all(void)
{
	build_good();
	begin();
	check_places();
	check_sizes();
	check_offsets();
	check_movable();
	check_interpreters();
	check_limits();
	check_holes();
	check_texts();
	check_threads();
}

int main(void)
{
	struct ledger before;
	bool heddle = access("/proc/heddle/ledger", F_OK) == 0;

	must_pass_in_child(check_all);
	if (heddle) {
		ledger_begin(&before);
		must_pass_in_child(check_all);
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}

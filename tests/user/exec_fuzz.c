// SPDX-License-Identifier: MIT
/*
 * C2, R6: 2000 variants of a small program, each with some bytes of its headers changed by a seeded generator, are run: each is
 * refused, ends or dies; the machine goes on, and on Heddle nothing is left of any.
 * deadline: 90
 * libc: musl
 */
#include "ledger.h"
#include "raw.h"
#include <elf.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { VARIANTS = 2000, CODE = 0x200, SIZE = 0x1000 };

static unsigned char good[SIZE];
static unsigned long seed = 20240607;

static unsigned draw(unsigned below)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % below;
}

/* exit_group(7), in a file with an interpreter's name that is not asked for, text, data and bss. */
static void build_program(void)
{
	static const unsigned char code[] = {MACHINE_EXIT_GROUP(7)};
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			     .e_type = ET_EXEC,
			     .e_machine = MACHINE_ELF,
			     .e_version = 1,
			     .e_entry = 0x400000 + CODE,
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_ehsize = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 4};
	Elf64_Phdr segments[4] = {
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_vaddr = 0x400000,
		 .p_filesz = SIZE,
		 .p_memsz = SIZE,
		 .p_align = 4096},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_W,
		 .p_vaddr = 0x402000,
		 .p_filesz = 0x100,
		 .p_memsz = 0x3000,
		 .p_align = 4096},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16},
		{.p_type = PT_NOTE,
		 .p_flags = PF_R,
		 .p_offset = 0x300,
		 .p_vaddr = 0x400300,
		 .p_filesz = 16,
		 .p_memsz = 16},
	};

	memcpy(good, &header, sizeof(header));
	memcpy(good + sizeof(header), segments, sizeof(segments));
	memcpy(good + CODE, code, sizeof(code));
}

static void mutate(unsigned char *program)
{
	static const unsigned char edges[] = {0, 1, 3, 0x7f, 0x80, 0xff, 0x10, 0x40};
	unsigned changes = 1 + draw(4), end = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);

	while (changes--) {
		unsigned at = draw(4) ? 16 + draw(end - 16) : draw(end);

		if (draw(4) == 0) { // a whole word
			uint64_t word = 1ull << draw(64);

			memcpy(program + (at & ~7u), &word, sizeof(word));
		} else if (draw(2)) {
			program[at] = edges[draw(sizeof(edges))];
		} else {
			program[at] ^= (unsigned char)(1u << draw(8));
		}
	}
}

static void write_program(const unsigned char *program, size_t size)
{
	int fd = open("variant", O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, program, size), (ssize_t)size);
	close(fd);
}

/* The exit status; 200: refused; negative: the signal. */
static int run_program(void)
{
	struct itimerval soon = {.it_value = {.tv_sec = 3}};
	struct rlimit space = {1 << 30, 1 << 30}, none = {0, 0};
	char *nothing[] = {NULL};
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_AS, &space);
		setitimer(ITIMER_REAL, &soon, NULL); // goes on in the new program
		execve("./variant", nothing, nothing);
		_exit(200);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void run_variants(unsigned count)
{
	unsigned ran = 0, refused = 0, died = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned char program[SIZE];
		int result;

		memcpy(program, good, sizeof(good));
		mutate(program);
		write_program(program, draw(8) ? SIZE : draw(SIZE));
		result = run_program();
		ran += result == 7;
		refused += result == 200;
		died += result < 0;
	}
	say("# %u ran, %u refused, %u died\n", ran, refused, died);
	CHECK(ran && refused);
}

int main(void)
{
	struct ledger before;
	bool heddle = access("/proc/heddle/ledger", F_OK) == 0;

	build_program();
	write_program(good, SIZE);
	CHECK_EQ(run_program(), 7);
	run_variants(20);
	write_program(good, SIZE);
	if (heddle) {
		ledger_begin(&before);
	}
	run_variants(VARIANTS);
	write_program(good, SIZE);
	CHECK_EQ(run_program(), 7);
	ok("variants");
	if (heddle) {
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}

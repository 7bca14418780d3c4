// SPDX-License-Identifier: MIT
/*
 * T5: the length of vectors: PR_SVE_SET_VL and PR_SVE_GET_VL, for threads, children and over exec; /proc/sys/abi; what AT_HWCAP and
 * AT_HWCAP2 offer works; a CPU without SVE has none of it, and nobody has SME. As in Linux's Documentation/arch/arm64/sve.rst.
 */
#include "sve.h"

#define DEFAULT_FILE "/proc/sys/abi/sve_default_vector_length"

enum { PRCTL_SME_SET = 63, PRCTL_SME_GET = 64, ASKED_MOST = 8192 };

static unsigned lengths[SVE_LENGTHS];
static int lengths_count;

static int longest(void)
{
	return (int)lengths[lengths_count - 1];
}

/* The longest there is that is not longer. */
static int fitting(int asked)
{
	int fit = (int)lengths[0];

	for (int i = 0; i < lengths_count && (int)lengths[i] <= asked; i++) {
		fit = (int)lengths[i];
	}
	return fit;
}

static void use_sve(void)
{
	(void)sve_length();
}

static void check_absent(void)
{
	int status = in_child(use_sve);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
	CHECK_ERRNO(prctl(PR_SVE_GET_VL), EINVAL);
	CHECK_ERRNO(prctl(PR_SVE_SET_VL, 16), EINVAL);
	CHECK_ERRNO(open(DEFAULT_FILE, O_RDONLY), ENOENT);
	CHECK_EQ(getauxval(AT_HWCAP2) & 0x1e7e, 0); // SVE2 and its kin
	ok("absent");
}

static void use_sme(void)
{
	__asm__ volatile(".inst 0x04bf5820" ::: "x0"); // rdsvl x0, #1
}

static void check_no_sme(void)
{
	int status = in_child(use_sme);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
	CHECK_EQ(getauxval(AT_HWCAP2) & 1ul << 23, 0);
	CHECK_ERRNO(prctl(PRCTL_SME_GET), EINVAL);
	CHECK_ERRNO(prctl(PRCTL_SME_SET, 16), EINVAL);
	ok("no_sme");
}

/* One instruction of each kind that is offered. */
static void check_offered(void)
{
	static const struct {
		const char *name;
		unsigned long bit;
		uint32_t instruction;
	} kinds[] = {
		{"sve2", 1ul << 1, 0x04203800},       // eor3 z0.d, z0.d, z0.d, z0.d
		{"sveaes", 1ul << 2, 0x4522e000},     // aese z0.b, z0.b, z0.b
		{"svepmull", 1ul << 3, 0x45006800},   // pmullb z0.q, z0.d, z0.d
		{"svebitperm", 1ul << 4, 0x4500b000}, // bext z0.b, z0.b, z0.b
		{"svesha3", 1ul << 5, 0x4520f400},    // rax1 z0.d, z0.d, z0.d
		{"svesm4", 1ul << 6, 0x4523e000},     // sm4e z0.s, z0.s, z0.s
		{"svei8mm", 1ul << 9, 0x45009800},    // smmla z0.s, z0.b, z0.b
		{"svef32mm", 1ul << 10, 0x64a0e400},  // fmmla z0.s, z0.s, z0.s
		{"svef64mm", 1ul << 11, 0x64e0e400},  // fmmla z0.d, z0.d, z0.d
		{"svebf16", 1ul << 12, 0x64608000},   // bfdot z0.s, z0.h, z0.h
	};
	unsigned long offered = getauxval(AT_HWCAP2);
	uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(code != MAP_FAILED);
	CHECK_EQ(prctl(PR_SVE_SET_VL, longest()),
		 longest()); // fmmla wants more than 128 bits
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (offered & kinds[i].bit &&
		    (kinds[i].bit != 1ul << 11 || longest() >= 32)) {
			code[0] = kinds[i].instruction;
			code[1] = 0xd65f03c0;
			__builtin___clear_cache((char *)code, (char *)(code + 2));
			must_pass_in_child((void (*)(void))(void *)code);
			say("# %s\n", kinds[i].name);
		}
	}
	ok("offered");
}

static void check_arguments(void)
{
	static const long bad[] = {0,
				   8,
				   15,
				   17,
				   ASKED_MOST + 16,
				   65535,
				   16 | 1 << 16,
				   16 | 1 << 19,
				   16 | 1l << 32,
				   -1};
	int own = prctl(PR_SVE_GET_VL);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_ERRNO(prctl(PR_SVE_SET_VL, bad[i]), EINVAL);
		CHECK_EQ(prctl(PR_SVE_GET_VL), own);
	}
	for (int asked = 16; asked <= 512; asked += 16) {
		CHECK_EQ(prctl(PR_SVE_SET_VL, asked), fitting(asked));
		CHECK_EQ(prctl(PR_SVE_GET_VL), fitting(asked));
		CHECK_EQ(sve_length(), fitting(asked));
	}
	CHECK_EQ(prctl(PR_SVE_SET_VL, ASKED_MOST), longest());
	CHECK_EQ(prctl(PR_SVE_SET_VL, own), own);
	ok("arguments");
}

/* Another length leaves the low 128 bits, as Linux promises. (Debian's 6.12 clears them.) */
static void check_change(void)
{
	struct sve mine, seen, wanted;

	for (int i = 0; i + 1 < lengths_count; i++) {
		unsigned from = lengths[i], to = lengths[lengths_count - 1 - i];

		CHECK_EQ(prctl(PR_SVE_SET_VL, from), (int)from);
		sve_make(&mine, from, 4);
		CHECK_EQ(sve_through_call(&mine, &seen, SYS_prctl, PR_SVE_SET_VL, to, 0),
			 to);
		CHECK_EQ(sve_length(), to);
		memset(&wanted, 0, sizeof(wanted));
		for (unsigned n = 0; n < 32; n++) {
			memcpy(wanted.byte + n * to, mine.byte + n * from, 16);
		}
		CHECK(sve_same(&wanted, &seen, to));
	}
	ok("change");
}

static void *tell(void *unused)
{
	(void)unused;
	return (void *)(uintptr_t)prctl(PR_SVE_GET_VL);
}

static void *choose(void *asked)
{
	CHECK_EQ(prctl(PR_SVE_SET_VL, (uintptr_t)asked), (int)(uintptr_t)asked);
	return NULL;
}

static int inherited;

static void tell_in_child(void)
{
	CHECK_EQ(prctl(PR_SVE_GET_VL), inherited);
	CHECK_EQ(sve_length(), inherited & PR_SVE_VL_LEN_MASK);
}

/* Its maker's for a thread and a process; a thread's own from then on. */
static void check_threads(void)
{
	void *seen;

	CHECK_EQ(prctl(PR_SVE_SET_VL, longest()), longest());
	CHECK_EQ(pthread_join(start_thread(tell, NULL), &seen), 0);
	CHECK_EQ((uintptr_t)seen, longest());
	join_thread(start_thread(choose, (void *)16ul));
	CHECK_EQ(prctl(PR_SVE_GET_VL), longest());
	inherited = longest() | PR_SVE_VL_INHERIT;
	CHECK_EQ(prctl(PR_SVE_SET_VL, inherited), inherited);
	must_pass_in_child(tell_in_child);
	inherited = 16;
	CHECK_EQ(prctl(PR_SVE_SET_VL, 16), 16);
	must_pass_in_child(tell_in_child);
	ok("threads");
}

static char expected[16];

/* The next program's first look, and after its own exec, as many as `expected` has words. */
static void become_other(void)
{
	char *arguments[] = {"x", expected, NULL}, *environment[] = {NULL};

	execve("/proc/self/exe", arguments, environment);
	_exit(3);
}

static int look(const char *words)
{
	char *rest;
	long length = strtol(words, &rest, 10);

	if (prctl(PR_SVE_GET_VL) != length ||
	    sve_length() != (length & PR_SVE_VL_LEN_MASK)) {
		say("after exec: %#x, not %#lx\n", (unsigned)prctl(PR_SVE_GET_VL),
		    (unsigned long)length);
		return 1;
	}
	if (*rest) {
		snprintf(expected, sizeof(expected), "%s", rest);
		become_other();
	}
	return 0;
}

static long asked;

static void ask_and_become(void)
{
	int now = prctl(PR_SVE_GET_VL), answer = prctl(PR_SVE_SET_VL, asked);

	CHECK_EQ(answer, asked & ~(long)PR_SVE_SET_VL_ONEXEC);
	if (asked & PR_SVE_SET_VL_ONEXEC) {
		CHECK_EQ(prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK, now);
	}
	become_other();
}

static void must_see(long argument, long first, long second)
{
	asked = argument;
	snprintf(expected, sizeof(expected), "%ld %ld", first, second);
	must_pass_in_child(ask_and_become);
}

static int read_default(void)
{
	char text[32] = "";
	int fd = open(DEFAULT_FILE, O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(strchr(text, '\n'));
	return atoi(text);
}

static int write_default(const char *text)
{
	int fd = open(DEFAULT_FILE, O_WRONLY);
	int result;

	CHECK(fd >= 0);
	result = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return result;
}

static void check_exec(void)
{
	int usual = read_default(), other = longest();

	CHECK_EQ(prctl(PR_SVE_SET_VL, 16), 16);
	must_see(16, usual, usual);
	must_see(other, usual, usual);
	must_see(16 | PR_SVE_VL_INHERIT, 16 | PR_SVE_VL_INHERIT, 16 | PR_SVE_VL_INHERIT);
	must_see(other | PR_SVE_SET_VL_ONEXEC, other, usual);
	must_see(other | PR_SVE_SET_VL_ONEXEC | PR_SVE_VL_INHERIT,
		 other | PR_SVE_VL_INHERIT, other | PR_SVE_VL_INHERIT);
	// What was to come is called off.
	CHECK_EQ(prctl(PR_SVE_SET_VL, other | PR_SVE_SET_VL_ONEXEC), other);
	CHECK_EQ(prctl(PR_SVE_GET_VL), 16);
	must_see(16, usual, usual);
	ok("exec");
}

static void as_nobody(void)
{
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(open(DEFAULT_FILE, O_WRONLY), EACCES);
	CHECK_EQ(read_default(), fitting(64));
}

static void check_default(void)
{
	CHECK_EQ(read_default(), fitting(64));
	CHECK_EQ(write_default("16"), 0);
	CHECK_EQ(read_default(), 16);
	must_see(longest(), 16, 16);
	CHECK_EQ(write_default("-1\n"), 0);
	CHECK_EQ(read_default(), longest());
	must_see(16, longest(), longest());
	CHECK_EQ(write_default("17"), EINVAL);
	CHECK_EQ(write_default("0"), EINVAL);
	CHECK_EQ(write_default("8208"), EINVAL);
	CHECK_EQ(write_default("-2"), EINVAL);
	CHECK_EQ(write_default("x"), EINVAL);
	CHECK_EQ(read_default(), longest());
	CHECK_EQ(write_default("64"), 0);
	must_pass_in_child(as_nobody);
	ok("default");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		return look(argv[1]);
	}
	check_no_sme();
	if (!have_sve()) {
		check_absent();
		return 0;
	}
	lengths_count = sve_lengths(lengths);
	CHECK(lengths[0] == 16);
	check_offered();
	check_arguments();
	check_change();
	check_threads();
	check_exec();
	check_default();
	return 0;
}

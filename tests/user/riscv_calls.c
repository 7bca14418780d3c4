// SPDX-License-Identifier: MIT
/* The calls that RISC-V alone has: riscv_flush_icache(2), after which new instructions are executed, on another thread too; riscv_hwprobe(2). */
#include "blocks.h"
#include "vector.h"
#include <stdint.h>
#include <sys/mman.h>

/* Not every C library's headers have these. */
enum {
	CALL_HWPROBE = 258,
	KEY_BASE_BEHAVIOR = 3,
	BASE_IMA = 1,
	KEY_EXTENSIONS = 4,
	EXTENSION_FD = 1,
	KEY_HIGHEST = 7,
	WHICH_CPUS = 1
};

struct riscv_hwprobe {
	int64_t key;
	uint64_t value;
};

static uint32_t *code;

/* li a0, value; ret */
static void write_function(unsigned value)
{
	code[0] = 0x00000513 | value << 20;
	code[1] = 0x00008067;
	CHECK_EQ(syscall(SYS_riscv_flush_icache, code, code + 2, 0), 0);
}

static void *call_it(void *unused)
{
	(void)unused;
	return (void *)(uintptr_t)((unsigned (*)(void))(void *)code)();
}

static void check_new_code(void)
{
	void *seen;

	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(code != MAP_FAILED);
	for (unsigned i = 0; i < 500; i++) {
		write_function(i);
		CHECK_EQ((uintptr_t)call_it(NULL), i);
		if (i % 50 == 0) {
			CHECK_EQ(pthread_join(start_thread(call_it, NULL), &seen), 0);
			CHECK_EQ((uintptr_t)seen, i);
		}
	}
	CHECK_EQ(syscall(SYS_riscv_flush_icache, 0, 0, 1), 0);
	CHECK_ERRNO(syscall(SYS_riscv_flush_icache, 0, 0, 2), EINVAL);
	ok("new_code");
}

static long probe(struct riscv_hwprobe *pairs, size_t count, size_t size, void *cpus,
		  unsigned flags)
{
	return syscall(CALL_HWPROBE, pairs, count, size, cpus, flags);
}

static void check_probe(void)
{
	struct riscv_hwprobe pairs[] = {
		{KEY_BASE_BEHAVIOR, 99},
		{KEY_EXTENSIONS, 0},
		{1 << 20, 99},
	};
	uint64_t cpus = 1, nobody = 0;

	CHECK_EQ(probe(pairs, 3, 0, NULL, 0), 0);
	CHECK_EQ(pairs[0].value, BASE_IMA);
	CHECK(pairs[1].value & EXTENSION_FD);
	CHECK_EQ(pairs[2].key, -1);
	CHECK_EQ(pairs[2].value, 0);
	CHECK_EQ(probe(pairs, 1, sizeof(cpus), &cpus, 0), 0);
	CHECK_ERRNO(probe(pairs, 1, sizeof(nobody), &nobody, 0), EINVAL);
	CHECK_ERRNO(probe(pairs, 1, 0, NULL, 1u << 31), EINVAL);
	CHECK_ERRNO(probe((void *)8, 1, 0, NULL, 0), EFAULT);
	CHECK_EQ(probe((void *)8, 0, 0, NULL, 0), 0);
	ok("probe");
}

static long which(struct riscv_hwprobe *pairs, size_t count, size_t size, void *cpus)
{
	return probe(pairs, count, size, cpus, WHICH_CPUS);
}

static void check_which_refusals(void)
{
	struct riscv_hwprobe pair = {KEY_BASE_BEHAVIOR, BASE_IMA};
	uint64_t cpus = 0;

	CHECK_ERRNO(which(&pair, 1, 0, NULL), EINVAL);
	CHECK_ERRNO(which(&pair, 1, 0, &cpus), EINVAL);
	CHECK_ERRNO(which(&pair, 1, sizeof(cpus), NULL), EINVAL);
	CHECK_ERRNO(which(&pair, 1, sizeof(cpus), UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(which(UNMAPPED_ADDRESS, 1, sizeof(cpus), &cpus), EFAULT);
	CHECK_ERRNO(probe(&pair, 1, sizeof(cpus), &cpus, WHICH_CPUS | 2), EINVAL);
	CHECK_ERRNO(probe(&pair, 1, sizeof(cpus), &cpus, 2), EINVAL);
	CHECK_ERRNO(probe(&pair, 1, sizeof(cpus), NULL, 0), EFAULT);
	CHECK_EQ(cpus, 0);
	ok("which_refusals");
}

/* Those of the set that have what the pairs say; an empty set is all. */
static void check_which(void)
{
	struct riscv_hwprobe all[] = {{KEY_BASE_BEHAVIOR, BASE_IMA},
				      {KEY_EXTENSIONS, EXTENSION_FD}};
	struct riscv_hwprobe none[] = {{KEY_EXTENSIONS, 1ull << 63}};
	struct riscv_hwprobe other[] = {{KEY_HIGHEST, 4096}};
	struct riscv_hwprobe unknown[] = {
		{1 << 20, 99}, {KEY_BASE_BEHAVIOR, BASE_IMA}, {-7, 1}};
	uint64_t everyone = sysconf(_SC_NPROCESSORS_ONLN) == 64
				    ? ~0ull
				    : (1ull << sysconf(_SC_NPROCESSORS_ONLN)) - 1;
	uint64_t cpus = 0, wide[2] = {1, 0};
	unsigned char byte = 0;

	CHECK_EQ(which(all, 2, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, everyone);
	CHECK(all[0].value == BASE_IMA && all[1].value == EXTENSION_FD);
	CHECK_EQ(which(all, 0, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, everyone);
	CHECK_EQ(which(all, 2, sizeof(byte), &byte), 0);
	CHECK_EQ(byte, everyone & 0xff);
	CHECK_EQ(which(all, 2, sizeof(wide), wide), 0);
	CHECK(wide[0] == 1 && wide[1] == 0);
	cpus = 1ull << 63 | 1;
	CHECK_EQ(which(all, 2, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, 1 | (everyone & 1ull << 63));
	CHECK_EQ(which(none, 1, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, 0);
	cpus = everyone;
	CHECK_EQ(which(other, 1, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, 0);
	CHECK_EQ(probe(other, 1, 0, NULL, 0), 0);
	CHECK_EQ(which(other, 1, sizeof(cpus), &cpus), 0);
	CHECK_EQ(cpus, everyone);
	CHECK_EQ(which(unknown, 3, sizeof(cpus), &cpus), 0);
	CHECK(cpus == 0 && unknown[0].key == -1 && unknown[0].value == 0);
	CHECK(unknown[1].key == KEY_BASE_BEHAVIOR && unknown[1].value == BASE_IMA);
	CHECK(unknown[2].key == -1 && unknown[2].value == 0);
	ok("which");
}

enum { KEYS_TRIED = 24 };

/* The vDSO says what the system call says; about all CPUs without one: a system call would have taken our vectors. */
static void check_by_vdso(void)
{
	int (*ask)(struct riscv_hwprobe *, size_t, size_t, uint64_t *, unsigned) =
		vdso_function("__vdso_riscv_hwprobe");
	struct riscv_hwprobe asked[KEYS_TRIED], told[KEYS_TRIED];
	struct vectors mine = {0}, seen = {0};
	uint64_t cpus = 0, nobody = 1ull << 63;

	CHECK(ask != NULL);
	for (int i = 0; i < KEYS_TRIED; i++) {
		asked[i] = told[i] = (struct riscv_hwprobe){i - 2, 77};
	}
	CHECK_EQ(probe(asked, KEYS_TRIED, 0, NULL, 0), 0);
	if (has_vectors()) {
		mine = vectors_new();
		seen = vectors_new();
		vectors_make(&mine, 1);
		vectors_put(&mine);
	}
	CHECK_EQ(ask(told, KEYS_TRIED, 0, NULL, 0), 0);
	if (has_vectors()) {
		vectors_get(&seen);
		CHECK(vectors_same(&mine, &seen));
	}
	CHECK(memcmp(asked, told, sizeof(told)) == 0);
	CHECK_EQ(ask(told, 1, sizeof(nobody), &nobody, 0), -EINVAL);
	CHECK_EQ(ask(told, 1, 0, NULL, 2), -EINVAL);
	told[0] = (struct riscv_hwprobe){KEY_BASE_BEHAVIOR, BASE_IMA};
	CHECK_EQ(ask(told, 1, sizeof(cpus), &cpus, WHICH_CPUS), 0);
	CHECK(cpus & 1);
	ok("by_vdso");
}

int main(void)
{
	check_new_code();
	check_probe();
	check_which_refusals();
	check_which();
	check_by_vdso();
	return 0;
}

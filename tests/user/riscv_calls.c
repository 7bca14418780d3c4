// SPDX-License-Identifier: MIT
/* The calls that RISC-V alone has: riscv_flush_icache(2), after which new instructions are executed, on another thread too; riscv_hwprobe(2). */
#include "raw.h"
#include <stdint.h>
#include <sys/mman.h>

/* Not every C library's headers have these. */
enum {
	CALL_HWPROBE = 258,
	KEY_BASE_BEHAVIOR = 3,
	BASE_IMA = 1,
	KEY_EXTENSIONS = 4,
	EXTENSION_FD = 1
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

int main(void)
{
	check_new_code();
	check_probe();
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Physical memory: one memory file, mapped whole at host_physical_base, and again
 * page by page where the kernel maps its stacks.
 */
#include "arch/boot.h"
#include "arch/mmu.h"
#include "host/machine.h"
#include "lib/errno.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM_START = 1 << 20 };
#define KERNEL_MAP_PAGES ((KERNEL_MAP_END - KERNEL_MAP_BASE) / PAGE_SIZE)

u8 *host_physical_base;
struct boot_info boot_info = {.command_line = ""};
static int memory_file = -1;
static paddr_t kernel_map[KERNEL_MAP_PAGES];

static void *must_map(void *at, size_t size, int protect, int flags, int file,
		      off_t offset)
{
	void *mapped = mmap(at, size, protect, flags, file, offset);

	if (mapped == MAP_FAILED) {
		perror("host: mmap");
		abort();
	}
	return mapped;
}

void host_memory_init(size_t size)
{
	size_t whole = RAM_START + ALIGN_UP(size, PAGE_SIZE);

	memory_file = memfd_create("heddle-memory", MFD_CLOEXEC);
	if (memory_file < 0 || ftruncate(memory_file, (off_t)whole)) {
		perror("host: memory");
		abort();
	}
	host_physical_base =
		must_map(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file, 0);
	must_map((void *)KERNEL_MAP_BASE, KERNEL_MAP_END - KERNEL_MAP_BASE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	boot_info.ram_count = 1;
	boot_info.reserved_count = 0;
	boot_info.ram[0].start = RAM_START;
	boot_info.ram[0].end = whole;
}

u64 arch_kernel_table_frames(void)
{
	return 0;
}

int arch_kernel_map(vaddr_t address, paddr_t physical, u32 protect)
{
	int flags = PROT_READ | (protect & PROTECT_WRITE ? PROT_WRITE : 0);
	void *mapped = mmap((void *)address, PAGE_SIZE, flags, MAP_SHARED | MAP_FIXED,
			    memory_file, (off_t)physical);

	if (mapped == MAP_FAILED) {
		return -ENOMEM;
	}
	kernel_map[(address - KERNEL_MAP_BASE) / PAGE_SIZE] = physical;
	return 0;
}

paddr_t arch_kernel_unmap(vaddr_t address)
{
	must_map((void *)address, PAGE_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return kernel_map[(address - KERNEL_MAP_BASE) / PAGE_SIZE];
}

void arch_kernel_flush(vaddr_t start, vaddr_t end)
{
}

bool arch_kernel_written(vaddr_t address)
{
	return true;
}

void arch_kernel_seal(void)
{
}

void arch_sync_instruction_cache(vaddr_t start, vaddr_t end)
{
}

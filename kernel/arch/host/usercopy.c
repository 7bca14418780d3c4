// SPDX-License-Identifier: MIT
/*
 * User copies: page by page through the active address space, faulting through
 * entry_page_fault() like a CPU. Where no address space is active (most unit tests),
 * user addresses are the test's own.
 */
#include "arch/usercopy.h"
#include "arch/entry.h"
#include "arch/mmu.h"
#include "arch/trap.h"
#include "host.h"
#include "host_page.h"
#include "lib/errno.h"
#include <string.h>

#pragma weak entry_page_fault

static bool may_access(const struct host_page *page, unsigned access)
{
	u32 need = PROTECT_USER | (access & FAULT_WRITE ? PROTECT_WRITE : PROTECT_READ);

	return page && (page->protect & need) == need;
}

/* The memory behind `address`; NULL if it cannot be had. */
static void *translate(vaddr_t address, unsigned access, bool may_fault)
{
	for (;;) {
		struct arch_vm *vm = host_cpu_now->active_vm;
		struct trap_frame frame = {.number = -1};
		struct host_page *page;

		if (!vm) {
			return (void *)address;
		}
		page = host_page_find(vm, address);
		if (may_access(page, access)) {
			page->accessed = true;
			page->dirty |= (access & FAULT_WRITE) != 0;
			return (u8 *)physical_to_virtual(page->physical) +
			       address % PAGE_SIZE;
		}
		if (!may_fault || !entry_page_fault ||
		    entry_page_fault(&frame, address,
				     access | (page ? FAULT_PRESENT : 0))) {
			return NULL;
		}
	}
}

/* Bytes from `address` on that lie in its page. */
static size_t chunk(vaddr_t address, size_t size)
{
	size_t rest = PAGE_SIZE - address % PAGE_SIZE;

	return MIN(rest, size);
}

size_t arch_copy_from_user(void *to, const void __user *from, size_t size)
{
	vaddr_t address = (vaddr_t)from;
	u8 *target = to;

	if (!user_range_ok(address, size)) {
		return size;
	}
	while (size) {
		size_t part = chunk(address, size);
		void *source = translate(address, FAULT_READ, true);

		if (!source) {
			break;
		}
		memcpy(target, source, part);
		target += part;
		address += part;
		size -= part;
	}
	return size;
}

/* from NULL: zeros. */
static size_t write_user(vaddr_t address, const u8 *from, size_t size)
{
	if (!user_range_ok(address, size)) {
		return size;
	}
	while (size) {
		size_t part = chunk(address, size);
		void *target = translate(address, FAULT_WRITE, true);

		if (!target) {
			break;
		}
		if (from) {
			memcpy(target, from, part);
			from += part;
		} else {
			memset(target, 0, part);
		}
		address += part;
		size -= part;
	}
	return size;
}

size_t arch_copy_to_user(void __user *to, const void *from, size_t size)
{
	return write_user((vaddr_t)to, from, size);
}

size_t arch_clear_user(void __user *to, size_t size)
{
	return write_user((vaddr_t)to, NULL, size);
}

s64 arch_copy_string_from_user(char *to, const char __user *from, size_t max)
{
	for (size_t length = 0; length < max; length++) {
		if (arch_copy_from_user(&to[length], from + length, 1)) {
			return -EFAULT;
		}
		if (to[length] == '\0') {
			return (s64)length;
		}
	}
	return (s64)max;
}

static u32 *word(const u32 *at, unsigned access)
{
	if (!user_range_ok((vaddr_t)at, sizeof(*at))) {
		return NULL;
	}
	return translate((vaddr_t)at, access, false);
}

int arch_user_load_u32_nofault(u32 *value, const u32 __user *from)
{
	u32 *memory = word(from, FAULT_READ);

	if (!memory) {
		return -EFAULT;
	}
	*value = *memory;
	return 0;
}

int arch_user_cmpxchg_u32_nofault(u32 __user *at, u32 expected, u32 desired, u32 *seen)
{
	u32 *memory = word(at, FAULT_WRITE);

	if (!memory) {
		return -EFAULT;
	}
	*seen = *memory;
	if (*memory == expected) {
		*memory = desired;
	}
	return 0;
}

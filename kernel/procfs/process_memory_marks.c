// SPDX-License-Identifier: MIT
/* proc(5): what is written about a process's memory: coredump_filter, clear_refs. */
#include "procfs/procfs_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vm/vm_space.h"

/* ---- coredump_filter: kept and inherited; no cores are dumped ---- */

enum { FILTER_BITS = 9 };

static int digit_of(char c, unsigned base)
{
	int digit = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : -1;

	return digit < (int)base ? digit : -1;
}

/* As C writes it: 0x…, 0…, or decimal. -EINVAL, -ERANGE */
static int parse_number(const char *from, u32 *out)
{
	unsigned base = 10;
	u64 number = 0;

	from += *from == '+';
	if (from[0] == '0' && (from[1] == 'x' || from[1] == 'X')) {
		base = 16;
		from += 2;
	} else if (from[0] == '0') {
		base = 8;
	}
	if (!*from) {
		return -EINVAL;
	}
	for (; *from; from++) {
		int digit = digit_of(*from, base);

		if (digit < 0) {
			return -EINVAL;
		}
		number = MIN(number * base + (unsigned)digit, (u64)UINT32_MAX + 1);
	}
	if (number > UINT32_MAX) {
		return -ERANGE;
	}
	*out = (u32)number;
	return 0;
}

int proc_show_dump_filter(struct proc_text *text, const struct proc_node *node)
{
	struct vm_space *vm = proc_any_vm(node);

	if (vm) {
		proc_print(text, "%08x\n", atomic_load(&vm->dump_filter));
		vm_put(vm);
	}
	return 0;
}

int proc_write_dump_filter(const struct proc_node *node, char *value)
{
	struct vm_space *vm;
	u32 filter;
	int error = parse_number(value, &filter);

	if (error) {
		return error;
	}
	vm = proc_any_vm(node);
	if (!vm) {
		return -ESRCH;
	}
	atomic_store(&vm->dump_filter, filter & ((1u << FILTER_BITS) - 1));
	vm_put(vm);
	return 0;
}

/* ---- clear_refs: which pages were used, and the largest number there were ---- */

enum { CLEAR_ALL = 1, CLEAR_ANONYMOUS, CLEAR_MAPPED, CLEAR_SOFT_DIRTY, CLEAR_PEAK };

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One of the five, with space around. Who writes to a page is not kept: CLEAR_SOFT_DIRTY could not do what it says. */
static int parse_clear(char *value, u64 *which)
{
	size_t size = strlen(value);

	while (size > 0 && is_space(value[size - 1])) {
		value[--size] = '\0';
	}
	while (is_space(*value)) {
		value++;
	}
	value += *value == '+';
	if (string_to_u64(value, which) || *which < CLEAR_ALL || *which > CLEAR_PEAK ||
	    *which == CLEAR_SOFT_DIRTY) {
		return -EINVAL;
	}
	return 0;
}

int proc_write_clear_refs(const struct proc_node *node, char *value)
{
	struct vm_space *vm;
	u64 which;
	int error = parse_clear(value, &which);

	vm = error ? NULL : proc_any_vm(node);
	if (!vm) {
		return error; /* no memory: nothing to clear */
	}
	switch (which) {
	case CLEAR_ALL:
		vm_forget_referenced(vm, VM_PAGES_ALL);
		break;
	case CLEAR_ANONYMOUS:
		vm_forget_referenced(vm, VM_PAGES_ANONYMOUS);
		break;
	case CLEAR_MAPPED:
		vm_forget_referenced(vm, VM_PAGES_MAPPED);
		break;
	case CLEAR_PEAK:
		vm_reset_peak_resident(vm);
		break;
	}
	vm_put(vm);
	return 0;
}

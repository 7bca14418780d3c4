// SPDX-License-Identifier: MIT
/*
 * The first page of a program's life: its stack with arguments, environment and auxiliary vector.
 *
 * From the top down: a zero word, the program's name, environment, arguments, platform name, 16 random bytes; then, 16-byte
 * aligned: argc, argv[], NULL, envp[], NULL, auxv[].
 */
#include "process/exec/exec_internal.h"

#include "arch/elf.h"
#include "arch/signal.h"
#include "arch/vdso.h"
#include "core/random.h"
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "process/rseq.h"
#include "time/clock.h"
#include "vm/vm_space.h"
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>

enum {
	STACK_INITIAL = 128 * 1024,
	STACK_GAP_MIN = 128 << 20, /* kept free below the stack, whatever its limit */
	POINTER_BATCH = 32,
	AUXV_MAX = 24,
};

u64 exec_random_offset(u64 range)
{
	return (random_u64() % range) & PAGE_MASK;
}

/* The text that is in front of everything: arguments of scripts. */
static u64 prefix_size(const struct exec_image *image)
{
	u64 size = 0;

	for (unsigned i = 0; i < image->prefix_count; i++) {
		size += strlen(image->prefix[i]) + 1;
	}
	return size;
}

static u64 argument_count(const struct exec_image *image)
{
	return image->prefix_count + image->arguments.count - image->skip_arguments;
}

static u64 argument_bytes(const struct exec_image *image)
{
	return prefix_size(image) + image->arguments.size -
	       exec_strings_prefix_size(&image->arguments, image->skip_arguments);
}

u64 exec_text_size(const struct exec_image *image)
{
	return argument_bytes(image) + image->environment.size + strlen(image->name) + 1 +
	       8;
}

int exec_stack_map(struct exec_image *image)
{
	struct vm_space *vm = image->vm;
	vaddr_t top = USER_END - exec_random_offset(16UL << 30);
	u64 pointers =
		(argument_count(image) + image->environment.count + 2 + 2 * AUXV_MAX) * 8;
	u64 size = ALIGN_UP(image->arguments.size + image->environment.size +
				    prefix_size(image) + pointers + STACK_INITIAL,
			    PAGE_SIZE);
	u64 gap = MAX(image->stack_limit, (u64)STACK_GAP_MIN);
	struct vm_map_request request = {
		.address = top - size,
		.size = size,
		.protect = PROTECT_READ | PROTECT_WRITE |
			   (image->executable_stack ? PROTECT_EXECUTE : 0),
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.area_flags = AREA_STACK,
		.name = "[stack]",
	};
	vaddr_t at;

	gap = MIN(gap, USER_END / 6 * 5);
	vm->mmap_top = ALIGN_DOWN(top - gap - exec_random_offset(1UL << 30), PAGE_SIZE);
	image->start_sp = top;
	return vm_map(vm, &request, &at);
}

/* Pointers on their way to the new stack, a batch at a time. */
struct pointer_writer {
	struct vm_space *vm;
	vaddr_t at;
	unsigned count;
	u64 batch[POINTER_BATCH];
};

static int flush_pointers(struct pointer_writer *writer)
{
	u64 size = writer->count * sizeof(u64);

	if (size &&
	    vm_write(writer->vm, writer->at, writer->batch, size, true) != (s64)size) {
		return -ENOMEM;
	}
	writer->at += size;
	writer->count = 0;
	return 0;
}

static int write_pointer(void *context, u64 value)
{
	struct pointer_writer *writer = context;

	writer->batch[writer->count++] = value;
	return writer->count == POINTER_BATCH ? flush_pointers(writer) : 0;
}

static int write_text(struct vm_space *vm, vaddr_t address, const char *text)
{
	u64 size = strlen(text) + 1;

	return vm_write(vm, address, text, size, true) == (s64)size ? 0 : -ENOMEM;
}

static int write_arguments(struct exec_image *image, struct pointer_writer *writer,
			   vaddr_t texts)
{
	int err = write_pointer(writer, argument_count(image));

	image->vm->arguments_start = texts;
	for (unsigned i = 0; i < image->prefix_count && !err; i++) {
		err = write_pointer(writer, texts);
		if (!err) {
			err = write_text(image->vm, texts, image->prefix[i]);
		}
		texts += strlen(image->prefix[i]) + 1;
	}
	if (!err) {
		err = exec_strings_write(&image->arguments, image->skip_arguments,
					 image->vm, texts, write_pointer, writer);
	}
	return err ? err : write_pointer(writer, 0);
}

struct auxv {
	unsigned count;
	u64 words[2 * AUXV_MAX];
};

static void add_auxv(struct auxv *auxv, u64 type, u64 value)
{
	auxv->words[auxv->count++] = type;
	auxv->words[auxv->count++] = value;
}

static void make_auxv(struct exec_image *image, const struct credentials *credentials,
		      vaddr_t random, vaddr_t platform, vaddr_t name, struct auxv *auxv)
{
	if (image->vm->vdso) {
		add_auxv(auxv, AT_SYSINFO_EHDR, image->vm->vdso);
	}
	add_auxv(auxv, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	add_auxv(auxv, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	add_auxv(auxv, AT_MINSIGSTKSZ, arch_signal_frame_size());
	add_auxv(auxv, AT_HWCAP, arch_hwcap());
	add_auxv(auxv, AT_PAGESZ, PAGE_SIZE);
	add_auxv(auxv, AT_CLKTCK, 100);
	add_auxv(auxv, AT_PHDR, image->headers_address);
	add_auxv(auxv, AT_PHENT, sizeof(struct elf64_phdr));
	add_auxv(auxv, AT_PHNUM, image->header_count);
	add_auxv(auxv, AT_BASE, image->interpreter_base);
	add_auxv(auxv, AT_FLAGS, 0);
	add_auxv(auxv, AT_ENTRY, image->entry);
	add_auxv(auxv, AT_UID,
		 id_from_kernel_or_overflow(credentials->user_namespace, ID_USER,
					    credentials->uid));
	add_auxv(auxv, AT_EUID,
		 id_from_kernel_or_overflow(credentials->user_namespace, ID_USER,
					    credentials->euid));
	add_auxv(auxv, AT_GID,
		 id_from_kernel_or_overflow(credentials->user_namespace, ID_GROUP,
					    credentials->gid));
	add_auxv(auxv, AT_EGID,
		 id_from_kernel_or_overflow(credentials->user_namespace, ID_GROUP,
					    credentials->egid));
	add_auxv(auxv, AT_SECURE, image->secure);
	add_auxv(auxv, AT_RANDOM, random);
	add_auxv(auxv, AT_HWCAP2, arch_hwcap2());
	add_auxv(auxv, AT_EXECFN, name);
	add_auxv(auxv, AT_PLATFORM, platform);
	add_auxv(auxv, AT_NULL, 0);
}

static int write_tables(struct exec_image *image, const struct auxv *auxv, vaddr_t at,
			vaddr_t arguments, vaddr_t environment)
{
	struct pointer_writer writer = {.vm = image->vm, .at = at};
	int err = write_arguments(image, &writer, arguments);

	if (!err) {
		err = exec_strings_write(&image->environment, 0, image->vm, environment,
					 write_pointer, &writer);
	}
	if (!err) {
		err = write_pointer(&writer, 0);
	}
	for (unsigned i = 0; i < auxv->count && !err; i++) {
		err = write_pointer(&writer, auxv->words[i]);
	}
	return err ? err : flush_pointers(&writer);
}

int exec_stack_fill(struct exec_image *image, const struct credentials *credentials)
{
	struct vm_space *vm = image->vm;
	vaddr_t name = image->start_sp - 8 - (strlen(image->name) + 1);
	vaddr_t environment = name - image->environment.size;
	vaddr_t arguments = environment - argument_bytes(image);
	vaddr_t platform = arguments - sizeof(ARCH_PLATFORM);
	vaddr_t random = ALIGN_DOWN(platform - 16, 16) - (random_u64() & 0x1ff0);
	struct auxv auxv = {0};
	u8 bytes[16];
	u64 words;
	int err;

	random_bytes(bytes, sizeof(bytes));
	make_auxv(image, credentials, random, platform, name, &auxv);
	words = 3 + argument_count(image) + image->environment.count + auxv.count;
	image->start_sp = ALIGN_DOWN(random - words * 8, 16);

	vm->arguments_end = vm->environment_start = environment;
	vm->environment_end = name;
	vm->stack_start = image->start_sp;
	vm->auxv_count = auxv.count;
	memcpy(vm->auxv, auxv.words, auxv.count * sizeof(u64));

	err = write_text(vm, name, image->name);
	if (!err) {
		err = write_text(vm, platform, ARCH_PLATFORM);
	}
	if (!err && vm_write(vm, random, bytes, sizeof(bytes), true) != sizeof(bytes)) {
		err = -ENOMEM;
	}
	if (!err) {
		err = write_tables(image, &auxv, image->start_sp, arguments, environment);
	}
	return err;
}

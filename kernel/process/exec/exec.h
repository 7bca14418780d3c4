// SPDX-License-Identifier: MIT
/*
 * execve (C2): a new program in an old process.
 *
 * Loading fills a new address space that nobody uses yet; all that can fail happens there. Then the siblings are ended, and
 * from the commit on nothing can fail: that is the point of no return. A program whose headers are good and whose segments are
 * not, or that outgrows RLIMIT_AS or RLIMIT_DATA on the way, ends its process with SIGSEGV, as on Linux, which looks later.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "process/limits.h"

struct credentials;
struct file;
struct vm_space;
struct walk_context;

/* Texts with their NULs, one behind the other, in the kernel's memory. */
struct exec_strings {
	struct list chunks; /* struct string_chunk */
	u64 size;           /* bytes in all */
	u64 count;          /* texts */
};
void exec_strings_init(struct exec_strings *strings);
void exec_strings_fini(struct exec_strings *strings);
/* The array of pointers at `pointers` in user memory (0: empty). -EFAULT, -E2BIG, -ENOMEM. `limit`: bytes that texts and pointers may take. */
int exec_strings_from_user(struct exec_strings *strings, vaddr_t pointers,
			   u64 *limit) must_check;
int exec_strings_add(struct exec_strings *strings, const char *text) must_check;
/* All of it but the first `skip` texts to `address`; the addresses of the texts are handed to `visit`. */
int exec_strings_write(const struct exec_strings *strings, u64 skip, struct vm_space *vm,
		       vaddr_t address, int (*visit)(void *context, vaddr_t text),
		       void *context) must_check;
/* Bytes of the first `count` texts. */
u64 exec_strings_prefix_size(const struct exec_strings *strings, u64 count);

enum {
	EXEC_HEADER_SIZE = 256, /* what of the file decides who loads it */
	EXEC_DEPTH_MAX = 5,     /* scripts that name scripts */
	EXEC_PREFIX_MAX =
		12, /* arguments scripts put in front: two each, and the names */
	EXEC_NAME_SIZE = 16,
	SECURE_STACK_LIMIT = 8 << 20,
};

/* One attempt to run a program: made by exec_prepare(), on the heap. */
struct exec_image {
	const struct walk_context *context;
	struct file *file;      /* the program (or, of a script, its interpreter) */
	char *name;             /* AT_EXECFN: as it was called */
	char *interpreter_name; /* of a script; NULL: none */
	char comm[EXEC_NAME_SIZE];
	struct exec_strings arguments, environment;
	u64 skip_arguments;            /* of `arguments`: replaced by the prefix */
	char *prefix[EXEC_PREFIX_MAX]; /* arguments in front, first to last */
	unsigned prefix_count;
	u8 header[EXEC_HEADER_SIZE];
	u64 stack_limit;
	bool name_ends; /* no interpreter could open it: the descriptor in it is closed on exec */

	/* loaded */
	bool accepted; /* the headers are good: see exec_image_load() */
	struct vm_space *vm;
	vaddr_t entry;              /* of the program: AT_ENTRY */
	vaddr_t start_ip, start_sp; /* where it begins: the interpreter's entry */
	vaddr_t headers_address;    /* AT_PHDR */
	u32 header_count;
	vaddr_t interpreter_base; /* AT_BASE */
	bool executable_stack;

	struct credentials *credentials; /* of the new program; NULL: as they are */
	bool secure;                     /* AT_SECURE */
	bool unreadable;                 /* the caller may run it but not read it */
	bool refuse_set_id; /* the fs is shared outside the process, or who traces it may not see that (R7) */
};

/* Everything but the vm: arguments are filled in by the caller. `file` is taken over. */
int exec_image_create(const struct walk_context *context, struct file *file,
		      const char *name, struct exec_image **out) must_check;
void exec_image_destroy(struct exec_image *image);
/*
 * Load: vm, entry, stack. `credentials`: of who will run it, within `limits`. Where it fails with image->accepted set, and not for
 * want of memory (-ENOMEM, and not image->vm->over_limit), Linux has given up the old program by then.
 */
int exec_image_load(struct exec_image *image, const struct credentials *credentials,
		    const struct limit limits[LIMIT_COUNT]) must_check;

/* execve(2) of the running thread. Does not come back to the old program if 0. */
struct trap_frame;
long exec_program(struct exec_image *image, struct trap_frame *frame);
/* execveat: what a program opened relative to a descriptor is called; and the opening, `name` "" being context->start itself. */
void exec_describe_descriptor(char *to, size_t size, int fd, const char *name);
int exec_open_at(const struct walk_context *context, const char *name,
		 unsigned walk_flags, struct file **out) must_check;
/* An address space whose vDSO asks the kernel for the time from now on, wherever it is mapped. -ENOMEM: some of it may not. */
int exec_use_kernel_clock(struct vm_space *vm) must_check;
/* Boot: the vDSO's pages. */
void exec_init(void);

// SPDX-License-Identifier: MIT
/*
 * Loading a program into an address space nobody uses yet. Works for the running thread and for the first process alike.
 *
 * Owns      struct exec_image's life.
 */
#include "process/exec/exec_internal.h"

#include "cred/credentials.h"
#include "fs/file.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vm/vm_space.h"

int exec_image_create(const struct walk_context *context, struct file *file,
		      const char *name, struct exec_image **out)
{
	struct exec_image *image = heap_allocate(sizeof(*image));
	const char *base = strrchr(name, '/');

	if (image) {
		image->name = heap_duplicate_string(name);
	}
	if (!image || !image->name) {
		heap_free(image);
		file_put(file);
		return -ENOMEM;
	}
	image->context = context;
	image->file = file;
	string_copy(image->comm, base ? base + 1 : name, sizeof(image->comm));
	exec_strings_init(&image->arguments);
	exec_strings_init(&image->environment);
	*out = image;
	return 0;
}

void exec_image_destroy(struct exec_image *image)
{
	exec_strings_fini(&image->arguments);
	exec_strings_fini(&image->environment);
	for (unsigned i = 0; i < image->prefix_count; i++) {
		heap_free(image->prefix[i]);
	}
	if (image->vm) {
		vm_leave(image->vm);
	}
	if (image->file) {
		file_put(image->file);
	}
	if (image->credentials) {
		credentials_put(image->credentials);
	}
	heap_free(image->interpreter_name);
	heap_free(image->name);
	heap_free(image);
}

/* The first bytes of the file; scripts lead on to their interpreter. */
static int resolve_scripts(struct exec_image *image,
			   const struct credentials *credentials)
{
	for (unsigned depth = 0; depth <= EXEC_DEPTH_MAX; depth++) {
		s64 got;
		int err;

		exec_note_readable(image, image->file, credentials);
		memset(image->header, 0, sizeof(image->header));
		got = file_read_kernel(image->file, image->header, sizeof(image->header),
				       0);
		if (got < 0) {
			return (int)got;
		}
		if (!script_recognize(image)) {
			return 0;
		}
		if (depth == EXEC_DEPTH_MAX) {
			break;
		}
		err = script_load(image);
		if (err) {
			return err;
		}
	}
	return -ELOOP;
}

/* Texts are on the new stack before anybody looks at the file: the first page of them is always to be had. */
static int check_texts(const struct exec_image *image,
		       const struct limit limits[LIMIT_COUNT])
{
	u64 size = ALIGN_UP(exec_text_size(image), PAGE_SIZE);

	return size > PAGE_SIZE && (size > limits[RLIMIT_STACK].soft ||
				    size > ALIGN_DOWN(limits[RLIMIT_AS].soft, PAGE_SIZE))
		       ? -E2BIG
		       : 0;
}

static void set_limits(struct exec_image *image, const struct limit limits[LIMIT_COUNT])
{
	u64 stack_limit = limits[RLIMIT_STACK].soft;

	if (image->secure) { // its layout is not the caller's to choose
		stack_limit = MIN(stack_limit, (u64)SECURE_STACK_LIMIT);
	}
	image->stack_limit = image->vm->limit_stack = stack_limit;
	image->vm->limit_address_space = limits[RLIMIT_AS].soft;
	image->vm->limit_data = limits[RLIMIT_DATA].soft;
}

int exec_image_load(struct exec_image *image, const struct credentials *credentials,
		    const struct limit limits[LIMIT_COUNT])
{
	int err = check_texts(image, limits);

	if (!err) {
		err = resolve_scripts(image, credentials);
	}
	if (!err) {
		err = check_texts(image, limits);
	}
	if (!err && !elf_recognize(image)) {
		err = -ENOEXEC;
	}
	if (!err) {
		err = exec_prepare_credentials(image, credentials);
	}
	if (!err) {
		err = vm_create(&image->vm);
	}
	if (err) {
		return err;
	}
	exec_own_memory(image);
	set_limits(image, limits);
	err = elf_load(image);
	image->vm->limit_address_space = UINT64_MAX; // what is the kernel's own is given
	if (!err) {
		err = exec_map_vdso(image);
	}
	if (!err) {
		err = exec_stack_fill(image, image->credentials);
	}
	return err;
}

void exec_describe_descriptor(char *to, size_t size, int fd, const char *name)
{
	if (name[0]) {
		format_string(to, size, "/dev/fd/%d/%s", fd, name);
	} else {
		format_string(to, size, "/dev/fd/%d", fd);
	}
}

int exec_open_at(const struct walk_context *context, const char *name,
		 unsigned walk_flags, struct file **out)
{
	if (name[0]) {
		return fs_open_executable(context, name, walk_flags, out);
	}
	return context->start ? fs_open_executable_path(context->start,
							context->credentials, out)
			      : -EACCES;
}

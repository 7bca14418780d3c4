// SPDX-License-Identifier: MIT
/* Between the files of exec/. */
#pragma once

#include "process/exec/exec.h"

/* "#!": names the interpreter in image->file and its arguments in image->prefix. */
bool script_recognize(const struct exec_image *image);
int script_load(struct exec_image *image) must_check;
/* ELF: maps program and interpreter into image->vm. */
bool elf_recognize(const struct exec_image *image);
int elf_load(struct exec_image *image) must_check;
/* Stack, arguments, environment, auxiliary vector. */
u64 exec_text_size(const struct exec_image *image); /* bytes at the stack's top */
int exec_stack_map(struct exec_image *image) must_check;
int exec_stack_fill(struct exec_image *image,
		    const struct credentials *credentials) must_check;
int exec_map_vdso(struct exec_image *image) must_check;
/* Sets image->credentials and image->secure for the file that is loaded. */
int exec_prepare_credentials(struct exec_image *image,
			     const struct credentials *old) must_check;
/* A program that its caller may not read must not be read from its memory either. */
void exec_note_readable(struct exec_image *image, const struct file *file,
			const struct credentials *credentials);
/* Sets image->vm->user_namespace. */
void exec_own_memory(const struct exec_image *image);
/* End every other thread of the process and take over the leader's number. -EAGAIN, -ERESTART if we must die instead. */
int exec_end_siblings(void) must_check;
/* A random page-aligned offset below `range`. */
u64 exec_random_offset(u64 range);

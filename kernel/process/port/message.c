// SPDX-License-Identifier: MIT
/*
 * Messages of ports: out of one thread block into another, with descriptors and with who sent them.
 *
 * Blocks are read and written in the kernel's own view: nothing here follows an address that a program gave. A program may write
 * to its block while the kernel reads it, so a number is read once and checked after that.
 */
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/current.h"
#include "process/pid.h"
#include "process/port/port_internal.h"
#include "process/process.h"
#include "vm/thread_blocks.h"

STATIC_ASSERT(sizeof(((struct heddle_thread_block *)0)->message) ==
	      HEDDLE_THREAD_BLOCK_MESSAGE_SIZE);

int message_prepare_empty(struct port_message *message)
{
	message->size = message->file_count = 0;
	return thread_block_memory(current_vm(), &current_thread()->block,
				   &message->block);
}

void message_drop(struct port_message *message)
{
	while (message->file_count) {
		file_put(message->files[--message->file_count]);
	}
}

static int take_files(struct port_message *message, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		int fd = READ_ONCE(message->block->descriptors[i]);

		message->files[i] = file_table_get(current_files(), fd);
		if (!message->files[i]) {
			message_drop(message);
			return -EBADF;
		}
		message->file_count++;
	}
	return 0;
}

int message_prepare(struct port_message *message, u64 size, u64 count)
{
	int err;

	if (size > HEDDLE_THREAD_BLOCK_MESSAGE_SIZE) {
		return -EMSGSIZE;
	}
	if (count > HEDDLE_THREAD_BLOCK_DESCRIPTORS) {
		return -EINVAL;
	}
	err = message_prepare_empty(message);
	message->size = (u32)size;
	return err ? err : take_files(message, (u32)count);
}

void message_move(struct port_message *from, struct port_message *to)
{
	memcpy(to->block->message, from->block->message, from->size);
	WRITE_ONCE(to->block->message_size, from->size);
	to->size = from->size;
	for (u32 i = 0; i < from->file_count; i++) {
		to->files[i] = from->files[i];
	}
	to->file_count = from->file_count;
	from->file_count = 0;
}

void message_identify(struct port_message *to, const struct thread *caller,
		      const struct thread *server)
{
	const struct pid_namespace *namespace = pid_own_namespace(server->process->pid);
	const struct user_namespace *ids = server->credentials->user_namespace;
	struct heddle_thread_block *block = to->block;

	WRITE_ONCE(block->caller_pid,
		   (u32)pid_number_in(caller->process->pid, namespace));
	WRITE_ONCE(block->caller_tid, (u32)pid_number_in(caller->pid, namespace));
	WRITE_ONCE(block->caller_uid,
		   id_from_kernel_or_overflow(ids, ID_USER, caller->credentials->euid));
	WRITE_ONCE(block->caller_gid,
		   id_from_kernel_or_overflow(ids, ID_GROUP, caller->credentials->egid));
}

/* What gets no descriptor (RLIMIT_NOFILE, no memory) is closed, and shows as -1. */
void message_install(struct port_message *message)
{
	WRITE_ONCE(message->block->descriptor_count, message->file_count);
	for (u32 i = 0; i < message->file_count; i++) {
		long fd = current_install_file(message->files[i], true);

		WRITE_ONCE(message->block->descriptors[i], fd < 0 ? -1 : (s32)fd);
	}
	message->file_count = 0;
}

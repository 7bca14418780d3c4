// SPDX-License-Identifier: MIT
/*
 * sendto(2), recvfrom(2), sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2), with control messages: SCM_RIGHTS, SCM_CREDENTIALS.
 */
#include "syscall/socket.h"

#include "cred/user_namespace.h"
#include "fs/file_table.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "syscall/syscall.h"
#include "time/clock.h"
#include <asm/resource.h>
#include <asm/signal.h>
#include <asm/socket.h>
#include <linux/uio.h>

enum { CONTROL_MAX = 20480, MESSAGES_MAX = 1024 };
#define TRANSFER_MAX 0x7ffff000UL

static long finish_send(s64 result, u32 flags)
{
	if (result == -EPIPE && !(flags & MSG_NOSIGNAL)) {
		signal_send_current(SIGPIPE);
	}
	return result;
}

/* ---- control messages in ---- */

static int read_rights(const u8 *data, u64 size, struct socket_message *message)
{
	u32 count = (u32)(size / sizeof(int));

	if (count > SCM_MAX_FD || message->file_count) {
		return -EINVAL;
	}
	if (count == 0) {
		return 0;
	}
	message->files = heap_allocate_array(count, sizeof(*message->files));
	if (!message->files) {
		return -ENOMEM;
	}
	message->account = current_thread()->account;
	message->files_limit =
		current_capable(CAP_SYS_RESOURCE) || current_capable(CAP_SYS_ADMIN)
			? ~0ULL
			: current_limit(RLIMIT_NOFILE);
	for (u32 i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		message->files[i] = file_table_get(current_files(), fd);
		if (!message->files[i]) {
			return -EBADF;
		}
		message->file_count++;
	}
	return 0;
}

static int read_credentials(const u8 *data, u64 size, struct socket_message *message)
{
	const struct credentials *own = current_credentials();
	struct user_ucred identity;

	if (size < sizeof(identity)) {
		return -EINVAL;
	}
	memcpy(&identity, data, sizeof(identity));
	identity.uid = current_uid_to_kernel(identity.uid);
	identity.gid = current_gid_to_kernel(identity.gid);
	if (identity.uid == ID_INVALID || identity.gid == ID_INVALID) {
		return -EINVAL;
	}
	if ((identity.pid != process_number(current_process()) &&
	     !credentials_capable(own, CAP_SYS_ADMIN)) ||
	    (identity.uid != own->uid && identity.uid != own->euid &&
	     identity.uid != own->suid && !current_capable_inside(CAP_SETUID)) ||
	    (identity.gid != own->gid && identity.gid != own->egid &&
	     identity.gid != own->sgid && !current_capable_inside(CAP_SETGID))) {
		return -EPERM;
	}
	identity.pid = pid_number_to_global(identity.pid);
	if (!identity.pid) {
		return -ESRCH;
	}
	message->credentials = identity;
	message->has_credentials = true;
	return 0;
}

static int parse_control(const u8 *control, u64 length, struct socket_message *message)
{
	u64 at = 0;

	while (at + sizeof(struct user_cmsghdr) <= length) {
		struct user_cmsghdr header;
		int error = -EINVAL;

		memcpy(&header, control + at, sizeof(header));
		if (header.length < sizeof(header) || header.length > length - at) {
			return -EINVAL;
		}
		if (header.level == SOL_SOCKET && header.type == SCM_RIGHTS) {
			error = read_rights(control + at + sizeof(header),
					    header.length - sizeof(header), message);
		} else if (header.level == SOL_SOCKET && header.type == SCM_CREDENTIALS) {
			error = read_credentials(control + at + sizeof(header),
						 header.length - sizeof(header), message);
		}
		if (error) {
			return error;
		}
		at += ALIGN_UP(header.length, sizeof(u64));
	}
	return 0;
}

static int read_control(const struct user_msghdr *header, struct socket_message *message)
{
	u8 *control;
	int error;

	if (header->control_length == 0) {
		return 0;
	}
	if (header->control_length > CONTROL_MAX) {
		return -ENOBUFS;
	}
	control = heap_allocate(header->control_length);
	if (!control) {
		return -ENOMEM;
	}
	error = user_read(control, header->control, header->control_length);
	if (!error) {
		error = parse_control(control, header->control_length, message);
	}
	heap_free(control);
	return error;
}

/* ---- ranges ---- */

static int read_vector(const struct user_msghdr *header, struct io_range **out)
{
	u64 total = 0;

	if (header->vector_count > UIO_MAXIOV) {
		return -EMSGSIZE;
	}
	*out = NULL;
	if (header->vector_count == 0) {
		return 0;
	}
	*out = heap_allocate_array(header->vector_count, sizeof(**out));
	if (!*out) {
		return -ENOMEM;
	}
	if (user_read(*out, header->vector, header->vector_count * sizeof(**out))) {
		return -EFAULT;
	}
	for (u64 i = 0; i < header->vector_count; i++) {
		struct io_range *range = &(*out)[i];

		if ((s64)range->size < 0) {
			return -EINVAL;
		}
		range->size = MIN(range->size, TRANSFER_MAX - total);
		total += range->size;
		if (!user_range_ok(range->base, range->size)) {
			return -EFAULT;
		}
	}
	return 0;
}

/* ---- sending ---- */

static long send_header(struct socket *socket, const struct file *file,
			const struct user_msghdr *header, u32 flags)
{
	struct socket_message message = {.flags = flags};
	struct io_range *ranges = NULL;
	struct socket_caller caller;
	struct walk_context walk;
	struct io_buffer io;
	s64 result;

	message.io = &io;
	result = header->name ? socket_read_address(message.address, header->name,
						    (u64)header->name_length)
			      : 0;
	message.address_length = header->name ? (u32)header->name_length : 0;
	if (!result) {
		result = read_vector(header, &ranges);
	}
	if (!result) {
		result = read_control(header, &message);
	}
	if (!result) {
		io_buffer_init_user_vector(&io, ranges, header->vector_count);
		socket_caller_init(&caller, &walk, file);
		result = socket->operations->send(socket, &message, &caller);
	}
	socket_put_files(message.files, message.file_count);
	heap_free(ranges);
	return finish_send(result, flags);
}

long sys_sendmsg(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct user_msghdr header;
	struct socket *socket;
	long result;

	result = socket_begin((int)a->arg[0], &reference, &socket);
	if (result) {
		return result;
	}
	result = user_read(&header, a->arg[1], sizeof(header));
	if (!result) {
		result = send_header(socket, reference.file, &header, (u32)a->arg[2]);
	}
	fd_end(&reference);
	return result;
}

long sys_sendto(const struct syscall_arguments *a)
{
	struct socket_message message = {.flags = (u32)a->arg[3]};
	struct fd_reference reference;
	struct socket_caller caller;
	struct walk_context walk;
	struct socket *socket;
	struct io_buffer io;
	s64 result;

	if ((s64)a->arg[2] < 0 ||
	    !user_range_ok(a->arg[1], MIN(a->arg[2], TRANSFER_MAX))) {
		return (s64)a->arg[2] < 0 ? -EINVAL : -EFAULT;
	}
	result = socket_begin((int)a->arg[0], &reference, &socket);
	if (result) {
		return result;
	}
	if (a->arg[4]) {
		result = socket_read_address(message.address, a->arg[4], a->arg[5]);
		message.address_length = (u32)a->arg[5];
	}
	if (!result) {
		io_buffer_init_user(&io, a->arg[1], MIN(a->arg[2], TRANSFER_MAX));
		message.io = &io;
		socket_caller_init(&caller, &walk, reference.file);
		result = socket->operations->send(socket, &message, &caller);
	}
	fd_end(&reference);
	return finish_send(result, message.flags);
}

/* ---- control messages out ---- */

struct control_out {
	vaddr_t at;
	u64 room, used;
	bool truncated;
};

static int put_control(struct control_out *out, s32 level, s32 type, const void *data,
		       u64 size)
{
	struct user_cmsghdr header = {
		.length = sizeof(header) + size, .level = level, .type = type};
	u64 space = ALIGN_UP(header.length, sizeof(u64));

	if (out->room - out->used < header.length) {
		out->truncated = true;
		return 0;
	}
	if (user_write(out->at + out->used, &header, sizeof(header)) ||
	    user_write(out->at + out->used + sizeof(header), data, size)) {
		return -EFAULT;
	}
	out->used = MIN(out->used + space, out->room);
	return 0;
}

/* Give the received files descriptors, as many as fit; the others are dropped and MSG_CTRUNC says so. */
static int put_rights(struct control_out *out, struct socket_message *message,
		      bool close_on_exec)
{
	u64 room = out->room - out->used, count = 0;
	u64 fitting = room > sizeof(struct user_cmsghdr)
			      ? (room - sizeof(struct user_cmsghdr)) / sizeof(int)
			      : 0;
	int *fds;
	int error;

	if (message->file_count == 0) {
		return 0;
	}
	fds = heap_allocate_array(message->file_count, sizeof(*fds));
	if (!fds) {
		out->truncated = true;
		return 0;
	}
	while (count < MIN(fitting, (u64)message->file_count)) {
		int fd = current_reserve_fd(close_on_exec);

		if (fd < 0) {
			break;
		}
		file_get(message->files[count]);
		fd_install(current_files(), fd, message->files[count]);
		fds[count++] = fd;
	}
	out->truncated |= count < message->file_count;
	error = count ? put_control(out, SOL_SOCKET, SCM_RIGHTS, fds,
				    count * sizeof(*fds))
		      : 0;
	heap_free(fds);
	return error;
}

static int write_control(struct socket *socket, struct user_msghdr *header,
			 struct socket_message *message)
{
	struct control_out out = {.at = header->control,
				  .room = header->control ? header->control_length : 0};
	int error = 0;

	if (message->more_control.size) {
		error = put_control(
			&out, message->more_control.level, message->more_control.type,
			message->more_control.data, message->more_control.size);
	}
	if (!error && socket->pass_credentials && message->has_credentials) {
		struct user_ucred shown = message->credentials;

		shown.pid = pid_number_from_global(shown.pid);

		shown.uid = current_uid_shown(shown.uid);
		shown.gid = current_gid_shown(shown.gid);
		error = put_control(&out, SOL_SOCKET, SCM_CREDENTIALS, &shown,
				    sizeof(shown));
	}
	if (!error) {
		error = put_rights(&out, message, message->flags & MSG_CMSG_CLOEXEC);
	}
	header->control_length = out.used;
	message->result_flags |= out.truncated ? MSG_CTRUNC : 0;
	return error;
}

/* ---- receiving ---- */

static int write_name(struct user_msghdr *header, const struct socket_message *message)
{
	u32 room = (u32)header->name_length;

	if (!header->name) {
		return 0;
	}
	if (header->name_length < 0) {
		return -EINVAL;
	}
	header->name_length = (s32)message->address_length;
	return user_write(header->name, message->address,
			  MIN(room, message->address_length));
}

static long receive_header(struct socket *socket, const struct file *file,
			   struct user_msghdr *header, u32 flags)
{
	struct socket_message message = {.flags = flags};
	struct io_range *ranges = NULL;
	struct socket_caller caller;
	struct walk_context walk;
	struct io_buffer io;
	s64 result = read_vector(header, &ranges);
	int error = 0;

	if (!result) {
		io_buffer_init_user_vector(&io, ranges, header->vector_count);
		message.io = &io;
		socket_caller_init(&caller, &walk, file);
		result = socket->operations->receive(socket, &message, &caller);
	}
	if (result >= 0) {
		error = write_name(header, &message);
		if (!error) {
			error = write_control(socket, header, &message);
		}
		header->flags = message.result_flags | (flags & MSG_CMSG_CLOEXEC);
	}
	socket_put_files(message.files, message.file_count);
	heap_free(ranges);
	return error ? error : result;
}

long sys_recvmsg(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct user_msghdr header;
	struct socket *socket;
	long result;

	result = socket_begin((int)a->arg[0], &reference, &socket);
	if (result) {
		return result;
	}
	result = user_read(&header, a->arg[1], sizeof(header));
	if (!result) {
		result = receive_header(socket, reference.file, &header, (u32)a->arg[2]);
	}
	fd_end(&reference);
	if (result >= 0 && user_write(a->arg[1], &header, sizeof(header))) {
		return -EFAULT;
	}
	return result;
}

long sys_recvfrom(const struct syscall_arguments *a)
{
	struct socket_message message = {.flags = (u32)a->arg[3]};
	struct fd_reference reference;
	struct socket_caller caller;
	struct walk_context walk;
	struct socket *socket;
	struct io_buffer io;
	s64 result;
	int error = 0;

	if ((s64)a->arg[2] < 0 ||
	    !user_range_ok(a->arg[1], MIN(a->arg[2], TRANSFER_MAX))) {
		return (s64)a->arg[2] < 0 ? -EINVAL : -EFAULT;
	}
	result = socket_begin((int)a->arg[0], &reference, &socket);
	if (result) {
		return result;
	}
	io_buffer_init_user(&io, a->arg[1], MIN(a->arg[2], TRANSFER_MAX));
	message.io = &io;
	socket_caller_init(&caller, &walk, reference.file);
	result = socket->operations->receive(socket, &message, &caller);
	socket_put_files(message.files, message.file_count);
	fd_end(&reference);
	if (result >= 0 && a->arg[4]) {
		error = socket_write_address(a->arg[4], a->arg[5], message.address,
					     message.address_length);
	}
	return error ? error : result;
}

/* ---- several at once ---- */

static long message_one(struct socket *socket, const struct file *file, vaddr_t at,
			u32 flags, bool send)
{
	struct user_mmsghdr header;
	long result;

	if (user_read(&header, at, sizeof(header))) {
		return -EFAULT;
	}
	result = send ? send_header(socket, file, &header.header, flags)
		      : receive_header(socket, file, &header.header, flags);
	if (result < 0) {
		return result;
	}
	header.length = (u32)result;
	return user_write(at, &header, sizeof(header));
}

static long messages(const struct syscall_arguments *a, nsec_t deadline, bool send)
{
	u32 count = MIN((u32)a->arg[2], (u32)MESSAGES_MAX),
	    flags = (u32)a->arg[3] & ~(u32)MSG_WAITFORONE;
	struct fd_reference reference;
	struct socket *socket;
	long done = 0, result = socket_begin((int)a->arg[0], &reference, &socket);

	if (result) {
		return result;
	}
	while (done < (long)count && clock_monotonic() < deadline) {
		result = message_one(socket, reference.file,
				     a->arg[1] + (u64)done * sizeof(struct user_mmsghdr),
				     flags, send);
		if (result) {
			break;
		}
		done++;
		flags |= (u32)a->arg[3] & MSG_WAITFORONE ? MSG_DONTWAIT : 0;
	}
	fd_end(&reference);
	return done ? done : result;
}

long sys_sendmmsg(const struct syscall_arguments *a)
{
	return messages(a, NSEC_NEVER, true);
}

long sys_recvmmsg(const struct syscall_arguments *a)
{
	struct __kernel_timespec timeout;
	nsec_t length, deadline = NSEC_NEVER;

	if (a->arg[4]) {
		if (user_read(&timeout, a->arg[4], sizeof(timeout))) {
			return -EFAULT;
		}
		if (timespec_to_nsec(&timeout, &length)) {
			return -EINVAL;
		}
		deadline = nsec_add(clock_monotonic(), length);
	}
	return messages(a, deadline, false);
}

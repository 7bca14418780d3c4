// SPDX-License-Identifier: MIT
/*
 * socket(2) and the calls on sockets, except messages with headers (socket_message.c).
 */
#include "syscall/socket.h"

#include "cred/user_namespace.h"
#include "fs/file_table.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/namespace/namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "syscall/file_support.h"
#include "syscall/syscall.h"
#include <asm/socket.h>
#include <linux/fcntl.h>

enum { OPTION_MAX = 256 };

void socket_caller_init(struct socket_caller *caller, struct walk_context *walk,
			const struct file *file)
{
	const struct credentials *credentials = current_credentials();

	*walk = (struct walk_context){.fs = current_fs(), .credentials = credentials};
	caller->walk = walk;
	caller->network = current_network();
	caller->identity =
		(struct user_ucred){.pid = pid_number_global(current_process()->pid),
				    .uid = credentials->euid,
				    .gid = credentials->egid};
	caller->nonblocking = file && file_nonblocking(file);
}

int socket_begin(int fd, struct fd_reference *reference, struct socket **out)
{
	int error = fd_begin(current_files(), fd, reference);

	if (error) {
		return error;
	}
	*out = socket_from_file(reference->file);
	if (!*out) {
		fd_end(reference);
		return -ENOTSOCK;
	}
	return 0;
}

static int check_flags(int type)
{
	return type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
}

static u32 file_flags(int type)
{
	return type & SOCK_NONBLOCK ? O_NONBLOCK : 0;
}

/* A descriptor for a fresh socket, which is taken over. */
static long install_socket(struct socket *socket, int flags)
{
	struct file *file;
	int error = socket_file(socket, file_flags(flags), &file);

	return error ? error : current_install_file(file, flags & SOCK_CLOEXEC);
}

long sys_socket(const struct syscall_arguments *a)
{
	int type = (int)a->arg[1];
	struct socket_caller caller;
	struct walk_context walk;
	struct socket *socket;
	int error = check_flags(type);

	socket_caller_init(&caller, &walk, NULL);
	if (!error) {
		error = socket_create((int)a->arg[0], type & SOCK_TYPE_MASK,
				      (int)a->arg[2], &caller, &socket);
	}
	return error ? error : install_socket(socket, type);
}

/* Two descriptors, told to the user before anything else: so has Linux it, whatever comes then. */
static int tell_pair(int type, vaddr_t user_fds, int fds[2])
{
	int error = reserve_pair(fds, type & SOCK_CLOEXEC);

	if (error) {
		return error;
	}
	if (user_write(user_fds, fds, 2 * sizeof(fds[0]))) {
		cancel_pair(fds);
		return -EFAULT;
	}
	return 0;
}

/* Takes the sockets over. */
static int make_files(struct socket *sockets[2], int type, struct file *files[2])
{
	int error = socket_file(sockets[0], file_flags(type), &files[0]);

	if (error) {
		socket_release(sockets[1]);
		return error;
	}
	error = socket_file(sockets[1], file_flags(type), &files[1]);
	if (error) {
		file_put(files[0]);
	}
	return error;
}

static int create_pair(const struct syscall_arguments *a, struct file *files[2])
{
	int type = (int)a->arg[1];
	struct socket *sockets[2];
	struct socket_caller caller;
	struct walk_context walk;
	int error;

	socket_caller_init(&caller, &walk, NULL);
	error = socket_create_pair((int)a->arg[0], type & SOCK_TYPE_MASK, (int)a->arg[2],
				   &caller, sockets);
	return error ? error : make_files(sockets, type, files);
}

long sys_socketpair(const struct syscall_arguments *a)
{
	int type = (int)a->arg[1], fds[2];
	struct file *files[2];
	int error = check_flags(type);

	if (!error) {
		error = tell_pair(type, a->arg[3], fds);
	}
	if (error) {
		return error;
	}
	error = create_pair(a, files);
	if (error) {
		cancel_pair(fds);
		return error;
	}
	fd_install(current_files(), fds[0], files[0]);
	fd_install(current_files(), fds[1], files[1]);
	return 0;
}

int socket_read_address(u8 *address, vaddr_t from, u64 length)
{
	if ((s32)length < 0 || length > SOCKET_ADDRESS_MAX) {
		return -EINVAL;
	}
	return length ? user_read(address, from, length) : 0;
}

int socket_write_address(vaddr_t to, vaddr_t to_length, const u8 *address, u32 length)
{
	s32 room;

	if (user_read(&room, to_length, sizeof(room))) {
		return -EFAULT;
	}
	if (room < 0) {
		return -EINVAL;
	}
	if (user_write(to, address, MIN((u32)room, length))) {
		return -EFAULT;
	}
	return user_write(to_length, &length, sizeof(length));
}

static long with_address(const struct syscall_arguments *a, bool connect)
{
	u8 address[SOCKET_ADDRESS_MAX] = {0};
	struct fd_reference reference;
	struct socket_caller caller;
	struct walk_context walk;
	struct socket *socket;
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	error = socket_read_address(address, a->arg[1], a->arg[2]);
	if (!error) {
		socket_caller_init(&caller, &walk, reference.file);
		error = connect ? socket->operations->connect(socket, address,
							      (u32)a->arg[2], &caller)
				: socket->operations->bind(socket, address,
							   (u32)a->arg[2], &caller);
	}
	fd_end(&reference);
	return error;
}

long sys_bind(const struct syscall_arguments *a)
{
	return with_address(a, false);
}

long sys_connect(const struct syscall_arguments *a)
{
	return with_address(a, true);
}

long sys_listen(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct socket_caller caller;
	struct walk_context walk;
	struct socket *socket;
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	socket_caller_init(&caller, &walk, reference.file);
	error = socket->operations->listen(socket, (int)a->arg[1], &caller);
	fd_end(&reference);
	return error;
}

static long report_peer(struct socket *accepted, const struct syscall_arguments *a)
{
	u8 address[SOCKET_ADDRESS_MAX];
	u32 length;

	if (!a->arg[1]) {
		return 0;
	}
	if (accepted->operations->name(accepted, true, address, &length)) {
		return -ECONNABORTED;
	}
	return socket_write_address(a->arg[1], a->arg[2], address, length);
}

static long do_accept(const struct syscall_arguments *a, int flags)
{
	struct socket *listener, *accepted;
	struct fd_reference reference;
	struct socket_caller caller;
	struct walk_context walk;
	long result;

	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result) {
		return result;
	}
	listener = socket_from_file(reference.file);
	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) {
		result = -EINVAL;
	} else if (!listener) {
		result = -ENOTSOCK;
	} else {
		socket_caller_init(&caller, &walk, reference.file);
		result = listener->operations->accept(listener, &caller, &accepted);
	}
	fd_end(&reference);
	if (result) {
		return result;
	}
	result = report_peer(accepted, a);
	if (result) {
		socket_release(accepted);
		return result;
	}
	return install_socket(accepted, flags);
}

long sys_accept(const struct syscall_arguments *a)
{
	return do_accept(a, 0);
}

long sys_accept4(const struct syscall_arguments *a)
{
	return do_accept(a, (int)a->arg[3]);
}

long sys_shutdown(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct socket *socket;
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	error = socket->operations->shutdown(socket, (int)a->arg[1]);
	fd_end(&reference);
	return error;
}

static long get_name(const struct syscall_arguments *a, bool peer)
{
	u8 address[SOCKET_ADDRESS_MAX];
	struct fd_reference reference;
	struct socket *socket;
	u32 length;
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	error = socket->operations->name(socket, peer, address, &length);
	fd_end(&reference);
	return error ? error
		     : socket_write_address(a->arg[1], a->arg[2], address, length);
}

long sys_getsockname(const struct syscall_arguments *a)
{
	return get_name(a, false);
}

long sys_getpeername(const struct syscall_arguments *a)
{
	return get_name(a, true);
}

long sys_setsockopt(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct socket *socket;
	u8 value[OPTION_MAX];
	s32 length = (s32)a->arg[4];
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	if (length < 0 || length > OPTION_MAX) {
		error = -EINVAL;
	} else {
		error = user_read(value, a->arg[3], (size_t)length);
	}
	if (!error) {
		error = socket_set_option(socket, (int)a->arg[1], (int)a->arg[2], value,
					  (u32)length);
	}
	fd_end(&reference);
	return error;
}

/* Who is at the other end, in the caller's words. */
static int get_peer(struct socket *socket, void *value, u32 *length)
{
	u32 whole = sizeof(struct user_ucred);
	struct user_ucred peer;
	int error = socket_get_option(socket, SOL_SOCKET, SO_PEERCRED, &peer, &whole);

	if (!error) {
		if (peer.uid != ID_INVALID) {
			peer.uid = current_uid_shown(peer.uid);
			peer.gid = current_gid_shown(peer.gid);
		}
		peer.pid = pid_number_from_global(peer.pid);
		*length = MIN(*length, whole);
		memcpy(value, &peer, *length);
	}
	return error;
}

long sys_getsockopt(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct socket *socket;
	u8 value[OPTION_MAX] = {0};
	s32 room;
	u32 length;
	int error = socket_begin((int)a->arg[0], &reference, &socket);

	if (error) {
		return error;
	}
	error = user_read(&room, a->arg[4], sizeof(room));
	if (!error && room < 0) {
		error = -EINVAL;
	}
	if (!error) {
		length = MIN((u32)room, (u32)OPTION_MAX);
		error = (int)a->arg[1] == SOL_SOCKET && (int)a->arg[2] == SO_PEERCRED
				? get_peer(socket, value, &length)
				: socket_get_option(socket, (int)a->arg[1],
						    (int)a->arg[2], value, &length);
	}
	fd_end(&reference);
	/* Some tell the length of more than there was room for. */
	if (error || user_write(a->arg[3], value, MIN(length, (u32)room))) {
		return error ? error : -EFAULT;
	}
	return user_write(a->arg[4], &length, sizeof(length));
}

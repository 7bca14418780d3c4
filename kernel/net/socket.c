// SPDX-License-Identifier: MIT
/*
 * Sockets as files, the families, and the options every socket has.
 *
 * Owns      the list of families (written at boot only), socket_file_operations.
 */
#include "net/socket.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "net/net_namespace.h"
#include "time/clock.h"
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>

enum {
	DEFAULT_BUFFER = 212992,
	BUFFER_MAX =
		212992, /* without CAP_NET_ADMIN; what is set is doubled: half is for what packets cost */
	RECEIVE_BUFFER_MIN = 2304,
	SEND_BUFFER_MIN = 4608,
	BUFFER_FORCED_MAX = 0x3fffffff,
};

static struct socket_family *families;
static const struct file_operations socket_file_operations;

void socket_family_register(struct socket_family *family)
{
	family->next = families;
	families = family;
}

static int find_family(int number, struct socket_family **out)
{
	for (*out = families; *out; *out = (*out)->next) {
		if ((*out)->family == number) {
			return 0;
		}
	}
	return -EAFNOSUPPORT;
}

int socket_create(int number, int type, int protocol, const struct socket_caller *caller,
		  struct socket **out)
{
	struct socket_family *family;
	int error = find_family(number, &family);

	return error ? error : family->create(type, protocol, caller, out);
}

int socket_create_pair(int number, int type, int protocol,
		       const struct socket_caller *caller, struct socket *out[2])
{
	struct socket_family *family;
	int error = find_family(number, &family);

	if (error) {
		return error;
	}
	return family->pair ? family->pair(type, protocol, caller, out) : -EOPNOTSUPP;
}

int socket_file(struct socket *socket, u32 flags, struct file **out)
{
	int error =
		file_create_anonymous("socket", S_IFSOCK | 0777, &socket_file_operations,
				      O_RDWR | (flags & O_NONBLOCK), socket, out);

	if (error) {
		socket_release(socket);
	} else {
		socket->inode_number = (*out)->inode->attributes.inode_number;
	}
	return error;
}

struct socket *socket_from_file(struct file *file)
{
	return file->operations == &socket_file_operations ? file->data : NULL;
}

void socket_release(struct socket *socket)
{
	struct list dead = LIST_INIT(dead);

	socket->operations->release(socket, &dead);
	file_release_dead(&dead);
}

void socket_put_files(struct file **files, u32 count)
{
	struct list dead = LIST_INIT(dead);

	socket_put_files_later(files, count, &dead);
	file_release_dead(&dead);
}

void socket_put_files_later(struct file **files, u32 count, struct list *dead)
{
	for (u32 i = 0; i < count; i++) {
		file_put_later(files[i], dead);
	}
	heap_free(files);
}

static s64 transfer(struct file *file, struct io_buffer *io, bool send)
{
	struct socket *socket = file->data;
	struct socket_caller caller = {.nonblocking = file_nonblocking(file)};
	struct socket_message message = {.io = io};
	s64 result;

	if (send) {
		return socket->operations->send(socket, &message, &caller);
	}
	result = socket->operations->receive(socket, &message, &caller);
	socket_put_files(message.files, message.file_count);
	return result;
}

static s64 socket_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return transfer(file, io, false);
}

static s64 socket_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return transfer(file, io, true);
}

static void socket_closed(void)
{
	for (struct socket_family *family = families; family; family = family->next) {
		if (family->closed) {
			family->closed();
		}
	}
}

static u32 socket_poll(struct file *file, struct poll_table *table)
{
	struct socket *socket = file->data;

	return socket->operations->poll(socket, table);
}

static s64 socket_ioctl(struct file *file, unsigned command, u64 argument)
{
	struct socket *socket = file->data;
	int value;

	if (command != FIONREAD) {
		return net_interface_ioctl(socket->network, command, argument);
	}
	if (!socket->operations->unread) {
		return -ENOTTY;
	}
	value = (int)socket->operations->unread(socket);
	return user_write(argument, &value, sizeof(value));
}

static void release_file(struct file *file)
{
	struct socket *socket = file->data;

	socket->operations->release(socket, file->dead);
}

static const struct file_operations socket_file_operations = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.release = release_file,
	.closed = socket_closed,
	.no_position = true,
};

static int set_timeout(nsec_t *timeout, const void *value, u32 length)
{
	struct __kernel_old_timeval tv;

	if (length < sizeof(tv)) {
		return -EINVAL;
	}
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000) {
		return -EDOM;
	}
	*timeout = tv.tv_sec < 0
			   ? 0
			   : nsec_add(MIN(tv.tv_sec, (s64)9000000000) * NSEC_PER_SEC,
				      tv.tv_usec * NSEC_PER_USEC);
	return 0;
}

u32 socket_receive_buffer(const struct socket *socket)
{
	u32 size = atomic_load_explicit(&socket->receive_buffer, memory_order_relaxed);

	return size ? size : DEFAULT_BUFFER;
}

u32 socket_send_buffer(const struct socket *socket)
{
	u32 size = atomic_load_explicit(&socket->send_buffer, memory_order_relaxed);

	return size ? size : DEFAULT_BUFFER;
}

/* SO_RCVBUF, SO_SNDBUF, and the two that force. */
static int set_buffer(struct socket *socket, int name, u32 size)
{
	bool forced = name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE;

	if (forced && !net_capable(&socket->network->base, CAP_NET_ADMIN)) {
		return -EPERM;
	}
	if (forced) {
		size = (s32)size < 0 ? 0 : MIN(size, (u32)BUFFER_FORCED_MAX);
	} else {
		size = MIN(size, (u32)BUFFER_MAX);
	}
	if (name == SO_RCVBUF || name == SO_RCVBUFFORCE) {
		socket->receive_buffer = MAX(2 * size, (u32)RECEIVE_BUFFER_MIN);
	} else {
		socket->send_buffer = MAX(2 * size, (u32)SEND_BUFFER_MIN);
	}
	return 0;
}

int socket_set_option(struct socket *socket, int level, int name, const void *value,
		      u32 length)
{
	int number = 0;

	if (level != SOL_SOCKET) {
		return socket->operations->set_option
			       ? socket->operations->set_option(socket, level, name,
								value, length)
			       : -ENOPROTOOPT;
	}
	if (name == SO_RCVTIMEO_OLD || name == SO_SNDTIMEO_OLD) {
		return set_timeout(name == SO_RCVTIMEO_OLD ? &socket->receive_timeout
							   : &socket->send_timeout,
				   value, length);
	}
	if (length < sizeof(number)) {
		return -EINVAL;
	}
	memcpy(&number, value, sizeof(number));
	switch (name) {
	case SO_PASSCRED:
		socket->pass_credentials = number != 0;
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return set_buffer(socket, name, (u32)number);
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_PRIORITY:
		return 0; /* accepted: they bound or tune what this room sizes itself */
	}
	return socket->operations->set_option
		       ? socket->operations->set_option(socket, level, name, value,
							length)
		       : -ENOPROTOOPT;
}

static int get_timeout(nsec_t timeout, void *value, u32 *length)
{
	struct __kernel_old_timeval tv = {.tv_sec = timeout / NSEC_PER_SEC,
					  .tv_usec =
						  timeout % NSEC_PER_SEC / NSEC_PER_USEC};

	*length = MIN(*length, (u32)sizeof(tv));
	memcpy(value, &tv, *length);
	return 0;
}

int socket_get_option(struct socket *socket, int level, int name, void *value,
		      u32 *length)
{
	int number;

	if (level != SOL_SOCKET) {
		return socket->operations->get_option
			       ? socket->operations->get_option(socket, level, name,
								value, length)
			       : -ENOPROTOOPT;
	}
	switch (name) {
	case SO_RCVTIMEO_OLD:
	case SO_SNDTIMEO_OLD:
		return get_timeout(name == SO_RCVTIMEO_OLD ? socket->receive_timeout
							   : socket->send_timeout,
				   value, length);
	case SO_TYPE:
		number = socket->type;
		break;
	case SO_DOMAIN:
		number = socket->family;
		break;
	case SO_PROTOCOL:
		number = socket->protocol;
		break;
	case SO_ERROR:
		number = atomic_exchange(&socket->error, 0);
		break;
	case SO_PASSCRED:
		number = (int)socket->pass_credentials;
		break;
	case SO_SNDBUF:
		number = (int)socket_send_buffer(socket);
		break;
	case SO_RCVBUF:
		number = (int)socket_receive_buffer(socket);
		break;
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_PRIORITY:
		number = 0;
		break;
	default:
		return socket->operations->get_option
			       ? socket->operations->get_option(socket, level, name,
								value, length)
			       : -ENOPROTOOPT;
	}
	*length = MIN(*length, (u32)sizeof(number));
	memcpy(value, &number, *length);
	return 0;
}

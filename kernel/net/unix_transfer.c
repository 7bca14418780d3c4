// SPDX-License-Identifier: MIT
/*
 * unix(7): sending and receiving.
 *
 * A packet is built and filled from user memory with no lock held, then queued at the receiver under the receiver's lock. A receiver
 * copies out under its own lock. So no two socket locks are ever held together.
 */
#include "net/unix_socket.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "time/clock.h"
#include <linux/eventpoll.h>

static bool is_stream(const struct unix_socket *socket)
{
	return socket->socket.type == SOCK_STREAM;
}

static nsec_t deadline_of(nsec_t timeout)
{
	return timeout ? nsec_add(clock_monotonic(), timeout) : NSEC_NEVER;
}

/* Who sends: as the message says, the caller, or (a plain write) who made the socket. */
static struct user_ucred sender_of(const struct socket_message *message,
				   const struct unix_socket *from,
				   const struct socket_caller *caller)
{
	if (message->has_credentials) {
		return message->credentials;
	}
	return caller->identity.pid ? caller->identity : from->identity;
}

static int packet_build(struct socket_message *message, u64 size,
			const struct unix_socket *from,
			const struct socket_caller *caller, struct unix_packet **out)
{
	struct unix_packet *packet = heap_allocate(sizeof(*packet) + size);

	if (!packet) {
		return -ENOMEM;
	}
	list_init(&packet->link);
	packet->size = (u32)size;
	packet->sender = sender_of(message, from, caller);
	if (io_copy_from(message->io, packet->data, size) != size) {
		heap_free(packet);
		return -EFAULT;
	}
	packet->from = from->name;
	unix_name_get(packet->from);
	*out = packet;
	return 0;
}

void unix_packet_free(struct unix_packet *packet, struct list *dead)
{
	unix_flight_end(packet);
	socket_put_files_later(packet->files, packet->file_count, dead);
	unix_name_put(packet->from);
	heap_free(packet);
}

void unix_packets_free(struct list *packets, struct list *dead)
{
	while (!list_empty(packets)) {
		struct unix_packet *packet =
			list_first(packets, struct unix_packet, link);

		list_remove(&packet->link);
		unix_packet_free(packet, dead);
	}
}

/* Room for a packet at `to`; waits for it. to->lock held. */
static int wait_for_room(struct unix_socket *to, u64 cost, bool nonblocking,
			 nsec_t deadline) MUST_HOLD(&to->lock)
{
	for (;;) {
		int error;

		if (to->closed || to->no_more_input) {
			return is_stream(to) || to->socket.type == SOCK_SEQPACKET
				       ? -EPIPE
				       : -ECONNREFUSED;
		}
		if (to->queued == 0 || to->queued + cost <= UNIX_QUEUE_MAX) {
			return 0;
		}
		if (nonblocking) {
			return -EAGAIN;
		}
		error = unix_sleep(to, &to->writable, deadline);
		if (error) {
			return error;
		}
	}
}

static int enqueue(struct unix_socket *to, struct unix_packet *packet, bool nonblocking,
		   nsec_t deadline)
{
	int error;

	mutex_lock(&to->lock);
	error = wait_for_room(to, unix_packet_cost(packet), nonblocking, deadline);
	if (!error) {
		unix_flight_begin(packet, to);
		list_push_back(&to->packets, &packet->link);
		to->queued += unix_packet_cost(packet);
		wake_all(&to->readable, EPOLLIN | EPOLLRDNORM);
	}
	mutex_unlock(&to->lock);
	return error;
}

/* Its files are still the message's. */
static void drop_unsent(struct unix_packet *packet)
{
	struct list dead = LIST_INIT(dead); /* stays empty */

	unix_flight_end(packet);
	packet->files = NULL;
	packet->file_count = 0;
	unix_packet_free(packet, &dead);
}

/* Send all of message->io to `to`, in packets. Bytes, or an errno if nothing went. */
static s64 send_packets(struct unix_socket *from, struct unix_socket *to,
			struct socket_message *message,
			const struct socket_caller *caller, bool nonblocking)
{
	u64 total = message->io->remaining;
	nsec_t deadline = deadline_of(from->socket.send_timeout);
	s64 done = 0;

	do {
		u64 size = is_stream(from)
				   ? MIN(message->io->remaining, (u64)UNIX_PACKET_MAX)
				   : message->io->remaining;
		struct unix_packet *packet;
		int error = packet_build(message, size, from, caller, &packet);

		if (error) {
			return done ? done : error;
		}
		error = unix_flight_charge(packet, message);
		if (!error) {
			error = enqueue(to, packet, nonblocking, deadline);
		}
		if (error) {
			drop_unsent(packet);
			return done ? done : error;
		}
		message->files = NULL;
		message->file_count = 0;
		done += (s64)size;
	} while ((u64)done < total);
	return done;
}

/* Where a send goes, with a reference. */
static int find_destination(struct unix_socket *socket,
			    const struct socket_message *message,
			    const struct socket_caller *caller, struct unix_socket **out)
{
	bool stream = socket->socket.type != SOCK_DGRAM;

	if (message->address_length && !stream) {
		int error = unix_find(message->address, message->address_length,
				      socket->socket.network, caller, out);

		if (!error && (*out)->socket.type != SOCK_DGRAM) {
			unix_socket_put(*out);
			return -EPROTOTYPE;
		}
		return error;
	}
	*out = unix_get_peer(socket);
	if (!*out) {
		return -ENOTCONN;
	}
	if (message->address_length) {
		unix_socket_put(*out);
		return stream ? -EISCONN : -EINVAL;
	}
	return 0;
}

s64 unix_send(struct socket *base, struct socket_message *message,
	      const struct socket_caller *caller)
{
	struct unix_socket *socket = unix_from_socket(base), *to;
	bool nonblocking = caller->nonblocking || message->flags & MSG_DONTWAIT;
	s64 result;

	if (message->flags & MSG_OOB) {
		return -EOPNOTSUPP;
	}
	if (!is_stream(socket) && message->io->remaining > UNIX_QUEUE_MAX) {
		return -EMSGSIZE;
	}
	if (READ_ONCE(socket->no_more_output)) {
		return -EPIPE;
	}
	result = find_destination(socket, message, caller, &to);
	if (result) {
		return result;
	}
	if (is_stream(socket) && message->io->remaining == 0) {
		unix_socket_put(to);
		return 0;
	}
	result = send_packets(socket, to, message, caller, nonblocking);
	unix_socket_put(to);
	return result;
}

/* Wait until there is a packet: 0; 1: end of file; or an errno. lock held. */
static int wait_for_packet(struct unix_socket *socket, bool nonblocking, nsec_t deadline)
	MUST_HOLD(&socket->lock)
{
	while (list_empty(&socket->packets)) {
		int error = -atomic_exchange(&socket->socket.error, 0);

		if (error) {
			return error;
		}
		if (socket->no_more_input) {
			return 1;
		}
		if (socket->socket.type != SOCK_DGRAM &&
		    socket->state != UNIX_CONNECTED) {
			return socket->socket.type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
		}
		if (nonblocking) {
			return -EAGAIN;
		}
		error = unix_sleep(socket, &socket->readable, deadline);
		if (error) {
			return error;
		}
	}
	return 0;
}

/* What goes with the data: once, with the first byte. */
static void take_attachments(struct unix_packet *packet, struct socket_message *message,
			     bool peek)
{
	message->credentials = packet->sender;
	message->has_credentials = true;
	if (packet->from) {
		message->address_length = packet->from->length;
		memcpy(message->address, packet->from->address, packet->from->length);
	}
	if (peek) {
		unix_flight_share(packet, message);
	} else if (packet->file_count) {
		unix_flight_end(packet);
		message->files = packet->files;
		message->file_count = packet->file_count;
		packet->files = NULL;
		packet->file_count = 0;
	}
}

static struct unix_packet *first_packet(struct unix_socket *socket)
{
	return list_first(&socket->packets, struct unix_packet, link);
}

static void drop_first(struct unix_socket *socket, struct list *used)
{
	struct unix_packet *packet = first_packet(socket);

	socket->queued -= unix_packet_cost(packet);
	list_remove(&packet->link);
	list_push_back(used, &packet->link);
}

static s64 receive_datagram(struct unix_socket *socket, struct socket_message *message,
			    struct list *used)
{
	struct unix_packet *packet = first_packet(socket);
	u64 size = MIN((u64)packet->size, message->io->remaining);
	bool peek = message->flags & MSG_PEEK;

	if (io_copy_to(message->io, packet->data, size) != size) {
		return -EFAULT;
	}
	take_attachments(packet, message, peek);
	if (size < packet->size) {
		message->result_flags |= MSG_TRUNC;
	}
	if (socket->socket.type == SOCK_SEQPACKET) {
		message->result_flags |= MSG_EOR;
	}
	if (!peek) {
		drop_first(socket, used);
	}
	return message->flags & MSG_TRUNC ? packet->size : (s64)size;
}

static bool same_sender(const struct user_ucred *a, const struct user_ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/*
 * Take from the packets that are there; stops before another packet with files, and between senders when credentials are wanted.
 * What goes with the first is taken once some of it is: where nothing can be written to the reader, it stays.
 */
static s64 receive_available(struct unix_socket *socket, struct socket_message *message,
			     struct list *used)
{
	struct unix_packet *packet = first_packet(socket);
	bool peek = message->flags & MSG_PEEK, with_files = packet->file_count > 0;
	struct user_ucred sender = packet->sender;
	s64 done = 0;

	if (message->io->remaining == 0) {
		take_attachments(packet, message, peek);
	}
	while (message->io->remaining > 0 && &packet->link != &socket->packets) {
		u64 size =
			MIN((u64)(packet->size - packet->offset), message->io->remaining);
		struct unix_packet *following =
			list_entry(packet->link.next, struct unix_packet, link);

		if (done && (packet->file_count || with_files ||
			     (socket->socket.pass_credentials &&
			      !same_sender(&sender, &packet->sender)))) {
			break;
		}
		if (io_copy_to(message->io, packet->data + packet->offset, size) !=
		    size) {
			return done ? done : -EFAULT;
		}
		if (!done) {
			take_attachments(packet, message, peek);
		}
		done += (s64)size;
		if (!peek) {
			packet->offset += (u32)size;
			if (packet->offset == packet->size) {
				drop_first(socket, used);
			}
		}
		packet = following;
	}
	return done;
}

static s64 receive_stream(struct unix_socket *socket, struct socket_message *message,
			  bool nonblocking, nsec_t deadline, struct list *used)
	MUST_HOLD(&socket->lock)
{
	s64 done = receive_available(socket, message, used);

	while (done > 0 && message->flags & MSG_WAITALL && !(message->flags & MSG_PEEK) &&
	       message->io->remaining > 0 && message->file_count == 0) {
		struct socket_message more = {.io = message->io, .flags = message->flags};
		int error = wait_for_packet(socket, nonblocking, deadline);
		s64 got;

		if (error || first_packet(socket)->file_count) {
			break;
		}
		got = receive_available(socket, &more, used);
		if (got <= 0) {
			break;
		}
		done += got;
	}
	return done;
}

s64 unix_receive(struct socket *base, struct socket_message *message,
		 const struct socket_caller *caller)
{
	struct unix_socket *socket = unix_from_socket(base), *peer;
	bool nonblocking = caller->nonblocking || message->flags & MSG_DONTWAIT;
	nsec_t deadline = deadline_of(base->receive_timeout);
	struct list used = LIST_INIT(used), dead = LIST_INIT(dead);
	s64 result;

	if (message->flags & MSG_OOB) {
		return -EOPNOTSUPP;
	}
	mutex_lock(&socket->lock);
	result = wait_for_packet(socket, nonblocking, deadline);
	if (result == 0) {
		result = is_stream(socket) ? receive_stream(socket, message, nonblocking,
							    deadline, &used)
					   : receive_datagram(socket, message, &used);
		wake_all(&socket->writable, EPOLLOUT | EPOLLWRNORM);
	} else if (result == 1) {
		result = 0;
	}
	mutex_unlock(&socket->lock);
	unix_packets_free(&used, &dead);
	file_release_dead(&dead);
	peer = result > 0 ? unix_get_peer(socket) : NULL;
	if (peer) { /* its pollers wait for room at us */
		wake_all(&peer->readable, EPOLLOUT | EPOLLWRNORM);
		unix_socket_put(peer);
	}
	return result;
}

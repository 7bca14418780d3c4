// SPDX-License-Identifier: MIT
/*
 * unix(7): sockets between programs of one machine: stream, datagram, sequenced packets.
 *
 * Owns      struct unix_socket: state, connections, the accept queue.
 * Locks     unix_socket.lock (RANK_SOCKET); never two at once except listener > nothing. Name locks and flight_lock inside.
 *
 * Invariants
 *   X1  A connected pair holds a reference on each other until either is released.
 *   X2  Pollers of a socket register on its own two queues only; who makes room at a socket wakes its peer's queue too.
 */
#include "net/unix_socket.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net_namespace.h"
#include "time/clock.h"
#include <asm/socket.h>
#include <linux/eventpoll.h>

static const struct socket_operations unix_operations;

int unix_socket_allocate(int type, struct net_namespace *network,
			 struct unix_socket **out)
{
	struct unix_socket *socket = heap_allocate(sizeof(*socket));

	if (!socket) {
		return -ENOMEM;
	}
	socket->socket.operations = &unix_operations;
	socket->socket.family = AF_UNIX;
	socket->socket.type = type;
	namespace_get(&network->base);
	socket->socket.network = network;
	refcount_init(&socket->references, 1);
	mutex_init(&socket->lock, RANK_SOCKET, "unix_socket.lock");
	list_init(&socket->packets);
	list_init(&socket->pending);
	list_init(&socket->pending_link);
	list_init(&socket->abstract_link);
	wait_queue_init(&socket->readable);
	wait_queue_init(&socket->writable);
	*out = socket;
	return 0;
}

void unix_socket_get(struct unix_socket *socket)
{
	refcount_get(&socket->references);
}

void unix_socket_put(struct unix_socket *socket)
{
	struct list dead = LIST_INIT(dead);

	unix_socket_put_later(socket, &dead);
	file_release_dead(&dead);
}

void unix_socket_put_later(struct unix_socket *socket, struct list *dead)
{
	if (!refcount_put(&socket->references)) {
		return;
	}
	unix_packets_free(&socket->packets, dead); /* of a connection that failed */
	unix_name_put(socket->name);
	namespace_put(&socket->socket.network->base);
	heap_free(socket);
}

struct unix_socket *unix_get_peer(struct unix_socket *socket)
{
	struct unix_socket *peer;

	mutex_lock(&socket->lock);
	peer = socket->peer;
	if (peer) {
		unix_socket_get(peer);
	}
	mutex_unlock(&socket->lock);
	return peer;
}

int unix_sleep(struct unix_socket *socket, struct wait_queue *queue, nsec_t deadline)
{
	int error = mutex_sleep(&socket->lock, queue, deadline);

	if (error == -ETIMEDOUT) {
		return -EAGAIN;
	}
	return error == -ERESTART && deadline != NSEC_NEVER ? -EINTR : error;
}

static int check_type(int type, int protocol)
{
	if (protocol != 0 && protocol != AF_UNIX) {
		return -EPROTONOSUPPORT;
	}
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET
		       ? 0
		       : -ESOCKTNOSUPPORT;
}

static int unix_create(int type, int protocol, const struct socket_caller *caller,
		       struct socket **out)
{
	struct unix_socket *socket;
	int error = check_type(type == SOCK_RAW ? SOCK_DGRAM : type, protocol);

	if (!error) {
		error = unix_socket_allocate(type == SOCK_RAW ? SOCK_DGRAM : type,
					     caller->network, &socket);
	}
	if (!error) {
		*out = &socket->socket;
	}
	return error;
}

/* Both unpublished, or the caller's own. */
static void join(struct unix_socket *a, struct unix_socket *b)
{
	unix_socket_get(a);
	unix_socket_get(b);
	a->peer = b;
	b->peer = a;
	a->state = b->state = UNIX_CONNECTED;
	a->peer_identity = b->identity;
	b->peer_identity = a->identity;
}

static int unix_pair(int type, int protocol, const struct socket_caller *caller,
		     struct socket *out[2])
{
	struct unix_socket *a, *b;
	int error = check_type(type, protocol);

	if (!error) {
		error = unix_socket_allocate(type, caller->network, &a);
	}
	if (error) {
		return error;
	}
	error = unix_socket_allocate(type, caller->network, &b);
	if (error) {
		unix_socket_put(a);
		return error;
	}
	a->identity = b->identity = caller->identity;
	join(a, b);
	out[0] = &a->socket;
	out[1] = &b->socket;
	return 0;
}

/* ---- connecting ---- */

static int wait_for_backlog(struct unix_socket *listener, bool nonblocking,
			    nsec_t deadline) MUST_HOLD(&listener->lock)
{
	for (;;) {
		int error;

		if (listener->closed || listener->state != UNIX_LISTENING ||
		    listener->no_more_input) {
			return -ECONNREFUSED;
		}
		if ((int)listener->pending_count <= listener->backlog) {
			return 0;
		}
		if (nonblocking) {
			return -EAGAIN;
		}
		error = unix_sleep(listener, &listener->writable, deadline);
		if (error) {
			return error;
		}
	}
}

/* Put a server-side socket, joined with the client, on the listener's queue. */
static int offer(struct unix_socket *listener, struct unix_socket *server,
		 const struct socket_caller *caller, nsec_t deadline)
{
	int error;

	mutex_lock(&listener->lock);
	error = wait_for_backlog(listener, caller->nonblocking, deadline);
	if (!error) {
		server->identity = listener->identity;
		server->name = listener->name;
		unix_name_get(server->name);
		server->socket.pass_credentials = listener->socket.pass_credentials;
		unix_flight_offered(server, listener);
		list_push_back(&listener->pending, &server->pending_link);
		listener->pending_count++;
		wake_all(&listener->readable, EPOLLIN | EPOLLRDNORM);
	}
	mutex_unlock(&listener->lock);
	return error;
}

/* Claim the client for a connection: nobody else may connect it meanwhile. */
static int begin_connect(struct unix_socket *client, struct unix_socket *server,
			 const struct socket_caller *caller)
{
	int error = 0;

	mutex_lock(&client->lock);
	if (client->state == UNIX_CONNECTED) {
		error = -EISCONN;
	} else if (client->state == UNIX_LISTENING) {
		error = -EINVAL;
	} else {
		client->identity = caller->identity;
		join(client, server);
	}
	mutex_unlock(&client->lock);
	return error;
}

static void undo_connect(struct unix_socket *client, struct unix_socket *server)
{
	mutex_lock(&client->lock);
	client->peer = NULL;
	client->state = UNIX_FREE;
	mutex_unlock(&client->lock);
	server->peer = NULL;
	unix_socket_put(client);
	unix_socket_put(server);
}

static int connect_stream(struct unix_socket *client, struct unix_socket *listener,
			  const struct socket_caller *caller)
{
	nsec_t deadline = client->socket.send_timeout
				  ? clock_monotonic() + client->socket.send_timeout
				  : NSEC_NEVER;
	struct unix_socket *server;
	int error;

	if (listener->socket.type != client->socket.type) {
		return -EPROTOTYPE;
	}
	error = unix_socket_allocate(client->socket.type, client->socket.network,
				     &server);
	if (error) {
		return error;
	}
	error = begin_connect(client, server, caller);
	if (!error) {
		error = offer(listener, server, caller, deadline);
		if (error) {
			undo_connect(client, server);
		} else {
			mutex_lock(&client->lock);
			client->peer_identity = listener->identity;
			mutex_unlock(&client->lock);
		}
	}
	if (error) {
		unix_socket_put(server);
	}
	return error;
}

/* Datagrams: the default destination, or none for AF_UNSPEC. */
static void set_peer(struct unix_socket *socket, struct unix_socket *peer)
{
	struct unix_socket *old;

	mutex_lock(&socket->lock);
	old = socket->peer;
	socket->peer = peer;
	socket->state = peer ? UNIX_CONNECTED : UNIX_FREE;
	mutex_unlock(&socket->lock);
	if (old) {
		unix_socket_put(old);
	}
}

static int unix_connect(struct socket *base, const u8 *address, u32 length,
			const struct socket_caller *caller)
{
	struct unix_socket *socket = unix_from_socket(base), *target;
	int error;

	if (length >= 2 && address[0] == AF_UNSPEC && address[1] == 0 &&
	    base->type == SOCK_DGRAM) {
		set_peer(socket, NULL);
		return 0;
	}
	error = unix_find(address, length, base->network, caller, &target);
	if (error) {
		return error;
	}
	if (base->type == SOCK_DGRAM && target->socket.type == SOCK_DGRAM) {
		set_peer(socket, target); /* takes over the reference */
		return 0;
	}
	error = base->type == SOCK_DGRAM ? -EPROTOTYPE
					 : connect_stream(socket, target, caller);
	unix_socket_put(target);
	return error;
}

static int unix_listen(struct socket *base, int backlog,
		       const struct socket_caller *caller)
{
	struct unix_socket *socket = unix_from_socket(base);
	int error = 0;

	if (base->type == SOCK_DGRAM) {
		return -EOPNOTSUPP;
	}
	mutex_lock(&socket->lock);
	if (!socket->name || socket->state == UNIX_CONNECTED) {
		error = -EINVAL;
	} else {
		socket->state = UNIX_LISTENING;
		socket->backlog = backlog < 0 || backlog > UNIX_BACKLOG_MAX
					  ? UNIX_BACKLOG_MAX
					  : backlog;
		socket->identity = caller->identity;
		wake_all(&socket->writable, EPOLLOUT);
	}
	mutex_unlock(&socket->lock);
	return error;
}

static int unix_accept(struct socket *base, const struct socket_caller *caller,
		       struct socket **out)
{
	struct unix_socket *listener = unix_from_socket(base), *server = NULL;
	nsec_t deadline = base->receive_timeout
				  ? clock_monotonic() + base->receive_timeout
				  : NSEC_NEVER;
	int error = 0;

	mutex_lock(&listener->lock);
	if (base->type == SOCK_DGRAM) {
		error = -EOPNOTSUPP;
	}
	while (!error && !server) {
		if (listener->state != UNIX_LISTENING || listener->no_more_input) {
			error = -EINVAL;
		} else if (!list_empty(&listener->pending)) {
			server = list_first(&listener->pending, struct unix_socket,
					    pending_link);
			list_remove(&server->pending_link);
			unix_flight_offered(server, NULL);
			listener->pending_count--;
			wake_all(&listener->writable, EPOLLOUT);
		} else if (caller->nonblocking) {
			error = -EAGAIN;
		} else {
			error = unix_sleep(listener, &listener->readable, deadline);
		}
	}
	mutex_unlock(&listener->lock);
	if (!error) {
		*out = &server->socket;
	}
	return error;
}

/* ---- ending ---- */

/* The other side of `socket` reads (input) or can be written (output) no more. */
static void stop(struct unix_socket *socket, bool input, bool output)
{
	mutex_lock(&socket->lock);
	socket->no_more_input |= input;
	socket->no_more_output |= output;
	wake_all(&socket->readable,
		 EPOLLIN | EPOLLRDHUP | (input && output ? EPOLLHUP : 0));
	wake_all(&socket->writable, EPOLLOUT);
	mutex_unlock(&socket->lock);
}

static int unix_shutdown(struct socket *base, int how)
{
	struct unix_socket *socket = unix_from_socket(base), *peer;
	bool reading = how == SHUT_RD || how == SHUT_RDWR,
	     writing = how == SHUT_WR || how == SHUT_RDWR;

	if (how < SHUT_RD || how > SHUT_RDWR) {
		return -EINVAL;
	}
	peer = unix_get_peer(socket);
	if (!peer && socket->state != UNIX_LISTENING) {
		return -ENOTCONN;
	}
	stop(socket, reading, writing);
	if (peer && base->type != SOCK_DGRAM) {
		stop(peer, writing, reading);
	}
	if (peer) {
		unix_socket_put(peer);
	}
	return 0;
}

static void release_pending(struct unix_socket *listener, struct list *dead)
{
	for (;;) {
		struct unix_socket *server = NULL;

		mutex_lock(&listener->lock);
		if (!list_empty(&listener->pending)) {
			server = list_first(&listener->pending, struct unix_socket,
					    pending_link);
			list_remove(&server->pending_link);
			unix_flight_offered(server, NULL);
			listener->pending_count--;
		}
		mutex_unlock(&listener->lock);
		if (!server) {
			return;
		}
		server->socket.error = 0;
		unix_operations.release(&server->socket, dead);
	}
}

void unix_drop_carriers(struct unix_socket *socket, struct list *dead)
{
	struct list packets = LIST_INIT(packets);
	struct unix_packet *packet, *following;

	mutex_lock(&socket->lock);
	list_for_each_safe(packet, following, &socket->packets, link) {
		if (packet->at) {
			list_remove(&packet->link);
			list_push_back(&packets, &packet->link);
			socket->queued -= unix_packet_cost(packet);
		}
	}
	mutex_unlock(&socket->lock);
	unix_packets_free(&packets, dead);
	release_pending(socket, dead);
}

/* Tell the peer: data that we never read means a reset. */
static void leave_peer(struct unix_socket *peer, bool unread)
{
	if (unread) {
		atomic_store(&peer->socket.error, ECONNRESET);
	}
	stop(peer, true, true);
}

static void unix_release(struct socket *base, struct list *dead)
{
	struct unix_socket *socket = unix_from_socket(base), *peer;
	struct list packets = LIST_INIT(packets);

	mutex_lock(&socket->lock);
	socket->closed = true;
	peer = socket->peer;
	socket->peer = NULL;
	list_splice_back(&packets, &socket->packets);
	wake_all(&socket->readable, EPOLLHUP);
	wake_all(&socket->writable, EPOLLHUP);
	mutex_unlock(&socket->lock);
	unix_unbind(socket);
	release_pending(socket, dead);
	if (peer) {
		if (base->type != SOCK_DGRAM) {
			leave_peer(peer, !list_empty(&packets));
		}
		unix_socket_put_later(peer, dead);
	}
	unix_packets_free(&packets, dead);
	unix_socket_put_later(socket, dead);
}

/* ---- the rest ---- */

static u32 unix_poll(struct socket *base, struct poll_table *table)
{
	struct unix_socket *socket = unix_from_socket(base), *peer;
	bool room = true;
	u32 mask = 0;

	poll_wait(table, &socket->readable);
	poll_wait(table, &socket->writable);
	peer = unix_get_peer(socket);
	if (peer) {
		room = READ_ONCE(peer->queued) < UNIX_QUEUE_MAX / 2 ||
		       READ_ONCE(peer->closed);
		unix_socket_put(peer);
	}
	mutex_lock(&socket->lock);
	mask |= !list_empty(&socket->packets) || !list_empty(&socket->pending)
			? EPOLLIN | EPOLLRDNORM
			: 0;
	mask |= socket->no_more_input ? EPOLLIN | EPOLLRDNORM | EPOLLRDHUP : 0;
	mask |= socket->no_more_input && socket->no_more_output ? EPOLLHUP : 0;
	mask |= base->type != SOCK_DGRAM && socket->state == UNIX_FREE
			? EPOLLHUP | EPOLLOUT
			: 0;
	mask |= room && socket->state != UNIX_LISTENING ? EPOLLOUT | EPOLLWRNORM : 0;
	mask |= atomic_load(&base->error) ? EPOLLERR : 0;
	mutex_unlock(&socket->lock);
	return mask;
}

static s64 unix_unread(struct socket *base)
{
	struct unix_socket *socket = unix_from_socket(base);
	struct unix_packet *packet;
	s64 bytes = 0;

	mutex_lock(&socket->lock);
	list_for_each(packet, &socket->packets, link) {
		bytes += packet->size - packet->offset;
		if (base->type != SOCK_STREAM) {
			break;
		}
	}
	mutex_unlock(&socket->lock);
	return bytes;
}

static int unix_get_option(struct socket *base, int level, int name, void *value,
			   u32 *length)
{
	struct unix_socket *socket = unix_from_socket(base);
	struct user_ucred identity;
	int listening;

	if (level != SOL_SOCKET) {
		return -EOPNOTSUPP;
	}
	mutex_lock(&socket->lock);
	identity = socket->peer_identity;
	listening = socket->state == UNIX_LISTENING;
	if (socket->state != UNIX_CONNECTED) {
		identity = (struct user_ucred){.pid = 0, .uid = ~0u, .gid = ~0u};
	}
	mutex_unlock(&socket->lock);
	switch (name) {
	case SO_PEERCRED:
		*length = MIN(*length, (u32)sizeof(identity));
		memcpy(value, &identity, *length);
		return 0;
	case SO_ACCEPTCONN:
		*length = MIN(*length, (u32)sizeof(listening));
		memcpy(value, &listening, *length);
		return 0;
	}
	return -ENOPROTOOPT;
}

static const struct socket_operations unix_operations = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_send,
	.receive = unix_receive,
	.shutdown = unix_shutdown,
	.name = unix_get_name,
	.get_option = unix_get_option,
	.poll = unix_poll,
	.unread = unix_unread,
	.release = unix_release,
};

static struct socket_family unix_family = {
	.family = AF_UNIX,
	.create = unix_create,
	.pair = unix_pair,
	.closed = unix_collect,
};

void unix_socket_init(void)
{
	unix_flight_init();
	socket_family_register(&unix_family);
}

// SPDX-License-Identifier: MIT
/* unix(7), inside the room: the socket, its queue of packets, and names. */
#pragma once

#include "core/refcount.h"
#include "lib/list.h"
#include "net/socket.h"
#include "sched/wait.h"
#include "sync/mutex.h"

enum {
	UNIX_QUEUE_MAX =
		212992, /* bytes waiting at one receiver, with what each packet costs */
	UNIX_PACKET_OVERHEAD = 768, /* as on Linux: one without data counts too */
	UNIX_PACKET_MAX =
		32768, /* a stream's writes are cut into packets of at most this */
	UNIX_BACKLOG_MAX = 4096,
	UNIX_PATH_MAX = 108,
};

enum unix_state { UNIX_FREE, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_name {
	struct refcount references;
	u32 length; /* of the whole sockaddr_un */
	u8 address[2 + UNIX_PATH_MAX];
};

struct unix_packet {
	struct list link;
	u32 size, offset; /* bytes [offset, size) are unread */
	struct file **files;
	u32 file_count;
	struct user_account *account; /* a reference: charged for the files */
	struct unix_socket *
		at; /* listed as carrying sockets (unix_flight.c): where it waits; flight_lock and at->lock */
	struct list flying_link, held_link; /* flight_lock */
	struct user_ucred sender;
	struct unix_name *from; /* may be NULL */
	u8 data[];
};

struct unix_socket {
	struct socket socket; /* must be first */
	struct refcount references;

	struct mutex
		lock; /* RANK_SOCKET: all below. A peer's is taken only while holding none. */
	enum unix_state state;
	struct list packets; /* oldest first */
	u64 queued;          /* unix_packet_cost() of packets */
	bool no_more_input; /* the peer shut down writing, or is gone; or we shut down reading */
	bool no_more_output; /* shut down writing, or the peer reads no more */
	bool closed;
	struct unix_socket *
		peer; /* a reference. Streams: for life. Datagrams: the default destination */
	struct unix_name *name;
	struct user_ucred identity,
		peer_identity; /* of who made, connected or listened */
	struct inode
		*inode; /* bound in a file system: a reference; inode->socket is us */
	struct list abstract_link; /* bound to an abstract name: name_lock */
	int backlog;
	u32 pending_count;
	struct list
		pending; /* listening: connected sockets not accepted yet, by pending_link */
	struct list pending_link;

	/* unix_flight.c; flight_lock */
	struct unix_socket *listener; /* it is pending there */
	struct file *file;            /* ours, borrowed: valid while in_flight > 0 */
	u32 in_flight;                /* references to our file in listed packets */
	bool reached;
	struct list flying_link, work_link;
	struct list held; /* packets to be received here, or at who is pending here */
	struct list lost_link; /* of who collects us */

	struct wait_queue readable,
		writable; /* writable: room in OUR queue was made, or we can be written no more */
};

static inline struct unix_socket *unix_from_socket(struct socket *socket)
{
	return (struct unix_socket *)socket;
}

int unix_socket_allocate(int type, struct net_namespace *network,
			 struct unix_socket **out) must_check;
void unix_socket_get(struct unix_socket *socket);
void unix_socket_put(struct unix_socket *socket); /* may sleep */
/* The same within a release: files go to `dead` (file_put_later). Does not sleep. */
void unix_socket_put_later(struct unix_socket *socket, struct list *dead);
static inline u64 unix_packet_cost(const struct unix_packet *packet)
{
	return UNIX_PACKET_OVERHEAD + (u64)packet->size;
}

void unix_packet_free(struct unix_packet *packet, struct list *dead);
void unix_packets_free(struct list *packets, struct list *dead);
/* The peer with a reference, or NULL. */
struct unix_socket *unix_get_peer(struct unix_socket *socket);
/* Sleep on `queue` with socket->lock dropped: 0, -ERESTART, -EAGAIN at the deadline. `waiter` is unlocked meanwhile and locked again. */
int unix_sleep(struct unix_socket *locked, struct wait_queue *queue, nsec_t deadline)
	MUST_HOLD(&locked->lock);

/* unix_name.c */
void unix_name_get(struct unix_name *name);
void unix_name_put(struct unix_name *name);
int unix_bind(struct socket *socket, const u8 *address, u32 length,
	      const struct socket_caller *caller);
/* Who is bound there, with a reference; an abstract name is one of `network`'s. -ECONNREFUSED, -EINVAL, path errors. */
int unix_find(const u8 *address, u32 length, const struct net_namespace *network,
	      const struct socket_caller *caller, struct unix_socket **out) must_check;
void unix_unbind(struct unix_socket *socket);
int unix_get_name(struct socket *socket, bool peer, u8 *address, u32 *length);

/* unix_flight.c. Files are in flight from the charge to the end: for who sent them, and what waits where. */
void unix_flight_init(void);
/* message's files become packet's. -ETOOMANYREFS: unix(7) */
int unix_flight_charge(struct unix_packet *packet,
		       const struct socket_message *message) must_check;
/* The packet is about to wait at `at`, whose lock is held. */
void unix_flight_begin(struct unix_packet *packet, struct unix_socket *at);
/* Its files are about to be received or dropped; while it is in a queue the lock of that socket is held. */
void unix_flight_end(struct unix_packet *packet);
/* MSG_PEEK: message gets references of its own to the files, or none for lack of memory. The socket's lock is held. */
void unix_flight_share(const struct unix_packet *packet, struct socket_message *message);
/* `server` is about to be pending at `listener`, or (NULL) no more, as the listener's lock is held. */
void unix_flight_offered(struct unix_socket *server, struct unix_socket *listener);
/* Free what only waits at itself. No lock held; may sleep. */
void unix_collect(void);
/* Free the packets that carry sockets, and what is pending: nobody can receive them. Files go to `dead`. */
void unix_drop_carriers(struct unix_socket *socket, struct list *dead);

/* unix_transfer.c */
s64 unix_send(struct socket *socket, struct socket_message *message,
	      const struct socket_caller *caller);
s64 unix_receive(struct socket *socket, struct socket_message *message,
		 const struct socket_caller *caller);

// SPDX-License-Identifier: MIT
/*
 * unix(7): descriptors in flight, and the collection of sockets that nobody can receive any more.
 *
 * A file is in flight while it is in a packet that waits at a socket. Sockets that wait at each other, or at themselves, keep
 * their own references and would stay for good. So packets that carry Unix sockets are listed here, as the edges of a graph:
 * from the socket where a packet waits (its holder; for a connection that was not accepted, the listener) to each that it carries.
 *
 * Owns      the two lists, flight_size, unix_socket's and unix_packet's fields marked `flight_lock`.
 * Locks     socket.lock > flight_lock. Releasing what was collected: no lock held.
 *
 * Invariants
 *   G1  Under flight_lock, socket.in_flight is how many references to its file are in listed packets. A sender lists a packet before
 *       its references are anybody else's, and a receiver takes it off the list before it hands them out.
 *   G2  So who has as many references as are in flight can be reached through packets only, and as long as flight_lock is held it
 *       stays so: to get at it somebody would have to receive it, or peek. A reference that anybody else holds (a descriptor, a call that
 *       runs, /proc, an earlier collection) makes it reachable.
 *   G3  What is reachable is found from those, along the edges. The others can neither be received nor receive: none of their packets
 *       moves any more, more may come, and emptying their queues frees them all.
 *
 * Only a close can part the last descriptor from a ring, so descriptors' closes have it looked for (close(2), exit, exec); what a
 * call that was under way held on to is found by the next one. Each close pays for CLOSE_PAYS steps and the collection runs when it
 * is paid for: with so few in flight at every close, else every so many, in all no more work than closes can ask for.
 */
#include "cred/user_account.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/unix_socket.h"

enum { CLOSE_PAYS = 1024 };

static struct mutex flight_lock;
static struct list flying_sockets GUARDED_BY(flight_lock) = LIST_INIT(flying_sockets);
static struct list flying_packets GUARDED_BY(flight_lock) = LIST_INIT(flying_packets);
static _Atomic u64 flight_size; /* packets listed, and files in them */
static _Atomic u64 paid;
/* A packet has come to wait at a socket that is in flight itself: there may be rings. */
static _Atomic bool rings_possible;

void unix_flight_init(void)
{
	mutex_init(&flight_lock, RANK_SOCKET_PEER, "unix flight_lock");
}

static struct unix_socket *unix_from_file(struct file *file)
{
	struct socket *socket = socket_from_file(file);

	return socket && socket->family == AF_UNIX ? unix_from_socket(socket) : NULL;
}

static bool carries_sockets(const struct unix_packet *packet)
{
	for (u32 i = 0; i < packet->file_count; i++) {
		if (unix_from_file(packet->files[i])) {
			return true;
		}
	}
	return false;
}

int unix_flight_charge(struct unix_packet *packet, const struct socket_message *message)
{
	struct user_account *account = message->account;

	if (message->file_count == 0) {
		return 0;
	}
	if (account) {
		if (user_account_is_over(account, USER_FILES_IN_FLIGHT,
					 message->files_limit)) {
			return -ETOOMANYREFS;
		}
		user_account_charge_anyway(account, USER_FILES_IN_FLIGHT,
					   message->file_count);
		user_account_get(account);
	}
	packet->account = account;
	packet->files = message->files;
	packet->file_count = message->file_count;
	return 0;
}

/* Where a packet must be received: the socket in flight, or NULL: at one that is not. */
static struct unix_socket *holder_of(const struct unix_packet *packet)
	MUST_HOLD(&flight_lock)
{
	struct unix_socket *at = packet->at->listener ? packet->at->listener : packet->at;

	return at->in_flight ? at : NULL;
}

static void take_off(struct unix_socket *socket, struct file *file)
	MUST_HOLD(&flight_lock)
{
	if (socket->in_flight++ == 0) {
		socket->file = file;
		list_push_back(&flying_sockets, &socket->flying_link);
	}
}

static void come_down(struct unix_socket *socket) MUST_HOLD(&flight_lock)
{
	if (--socket->in_flight == 0) {
		list_remove(&socket->flying_link);
	}
}

void unix_flight_begin(struct unix_packet *packet, struct unix_socket *at)
{
	if (!carries_sockets(packet)) {
		return;
	}
	mutex_lock(&flight_lock);
	for (u32 i = 0; i < packet->file_count; i++) {
		struct unix_socket *socket = unix_from_file(packet->files[i]);

		if (socket) {
			take_off(socket, packet->files[i]);
		}
	}
	packet->at = at;
	list_push_back(&flying_packets, &packet->flying_link);
	atomic_fetch_add(&flight_size, 1 + packet->file_count);
	if (holder_of(packet)) {
		atomic_store(&rings_possible, true);
	}
	mutex_unlock(&flight_lock);
}

static void leave_list(struct unix_packet *packet)
{
	mutex_lock(&flight_lock);
	for (u32 i = 0; i < packet->file_count; i++) {
		struct unix_socket *socket = unix_from_file(packet->files[i]);

		if (socket) {
			come_down(socket);
		}
	}
	list_remove(&packet->flying_link);
	atomic_fetch_sub(&flight_size, 1 + packet->file_count);
	if (list_empty(&flying_packets)) {
		atomic_store(&rings_possible, false);
	}
	mutex_unlock(&flight_lock);
}

void unix_flight_end(struct unix_packet *packet)
{
	if (packet->at) {
		leave_list(packet);
		packet->at = NULL;
	}
	if (packet->account) {
		user_account_give_back(packet->account, USER_FILES_IN_FLIGHT,
				       packet->file_count);
		user_account_put(packet->account);
		packet->account = NULL;
	}
}

void unix_flight_share(const struct unix_packet *packet, struct socket_message *message)
{
	struct file **files =
		packet->file_count
			? heap_allocate_array(packet->file_count, sizeof(struct file *))
			: NULL;

	if (!files) {
		return;
	}
	mutex_lock(
		&flight_lock); // G2: not while somebody looks who is referred to by packets alone
	for (u32 i = 0; i < packet->file_count; i++) {
		files[i] = packet->files[i];
		file_get(files[i]);
	}
	mutex_unlock(&flight_lock);
	message->files = files;
	message->file_count = packet->file_count;
}

void unix_flight_offered(struct unix_socket *server, struct unix_socket *listener)
{
	mutex_lock(&flight_lock);
	server->listener = listener;
	if (listener && listener->in_flight) {
		atomic_store(&rings_possible, true);
	}
	mutex_unlock(&flight_lock);
}

/* ---- collecting ---- */

static void reach(struct unix_socket *socket, struct list *work) MUST_HOLD(&flight_lock)
{
	if (!socket->reached) {
		socket->reached = true;
		list_push_back(work, &socket->work_link);
	}
}

static void reach_carried(const struct unix_packet *packet, struct list *work)
	MUST_HOLD(&flight_lock)
{
	for (u32 i = 0; i < packet->file_count; i++) {
		struct unix_socket *socket = unix_from_file(packet->files[i]);

		if (socket) {
			reach(socket, work);
		}
	}
}

/* Sort the packets by their holders; those that others than packets refer to are reached (G2). */
static void begin_at_roots(struct list *work) MUST_HOLD(&flight_lock)
{
	struct unix_socket *socket;
	struct unix_packet *packet;

	list_for_each(socket, &flying_sockets, flying_link) {
		list_init(&socket->held);
		socket->reached = false;
	}
	list_for_each(socket, &flying_sockets, flying_link) {
		if (refcount_read(&socket->file->references) > socket->in_flight) {
			reach(socket, work);
		}
	}
	list_for_each(packet, &flying_packets, flying_link) {
		struct unix_socket *holder = holder_of(packet);

		if (holder) {
			list_push_back(&holder->held, &packet->held_link);
		} else {
			reach_carried(packet, work);
		}
	}
}

/* Along the edges (G3). What is not reached gets a reference and goes to `lost`, which is the caller's alone. */
static void find_lost(struct list *lost) MUST_HOLD(&flight_lock)
{
	struct list work = LIST_INIT(work);
	struct unix_socket *socket;
	struct unix_packet *packet;

	begin_at_roots(&work);
	while (!list_empty(&work)) {
		socket = list_first(&work, struct unix_socket, work_link);
		list_remove(&socket->work_link);
		list_for_each(packet, &socket->held, held_link) {
			reach_carried(packet, &work);
		}
	}
	list_for_each(socket, &flying_sockets, flying_link) {
		if (!socket->reached) {
			file_get(socket->file);
			list_push_back(lost, &socket->lost_link);
		}
	}
}

/* Empty their queues: their references to each other go, then ours. */
static void end_lost(struct list *lost)
{
	struct list dead = LIST_INIT(dead);
	struct unix_socket *socket;

	list_for_each(socket, lost, lost_link) {
		unix_drop_carriers(socket, &dead);
	}
	while (!list_empty(lost)) {
		socket = list_first(lost, struct unix_socket, lost_link);
		list_remove(&socket->lost_link);
		file_put_later(socket->file, &dead);
	}
	file_release_dead(&dead);
}

void unix_collect(void)
{
	u64 size = atomic_load(&flight_size);
	struct list lost = LIST_INIT(lost);

	if (size == 0 || !atomic_load(&rings_possible)) {
		return;
	}
	if (atomic_fetch_add(&paid, CLOSE_PAYS) + CLOSE_PAYS < size) {
		return;
	}
	atomic_store(&paid, 0);
	mutex_lock(&flight_lock);
	find_lost(&lost);
	mutex_unlock(&flight_lock);
	end_lost(&lost);
}

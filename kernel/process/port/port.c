// SPDX-License-Identifier: MIT
/*
 * Calls of ports: queued, taken, answered, given up.
 *
 * Owns      struct port, struct port_service.
 * Locks     port.lock: see port_internal.h.
 *
 *	QUEUED --take--> TAKEN --answer, port_farewell--> DONE
 *	   |                |
 *	   +--withdraw------+--withdraw--> (the caller has left; the server's `call` is NULL)
 *	   +--closed--> DONE
 *
 *   P1  A call is linked in port.calls iff it is QUEUED; TAKEN iff its server's port_service.call is it. Both change under port.lock.
 *   P2  A call is its caller's, whose stack it is on: it returns when it has seen DONE, or has withdrawn, under port.lock. So whoever
 *	 finds a call under the lock may use it, its caller and the caller's block until he unlocks; whom he wakes after that he
 *	 keeps by a reference.
 *   P3  A receiver is linked until it is given a call (by the caller, under port.lock) or takes itself out. There is no queued call
 *	 while one is linked. So no call waits while a thread waits for it.
 *   P4  A thread serves one call at a time: `serving` is its own. A call it serves is answered by nobody else.
 *
 * A caller waits interruptibly until its call is taken; then it can only be killed: what the server does is done. Model:
 * tests/model/port_model.c.
 */
#include "core/panic.h"
#include "fs/file_table.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/port/port_internal.h"
#include "process/process.h"
#include <heddle/port.h>
#include <linux/eventpoll.h>

static bool is_nonblocking(const struct file *end, u32 flags)
{
	return (flags & HEDDLE_PORT_NONBLOCK) || file_nonblocking(end);
}

/* ---- port.lock held ---- */

/* The call is `server`'s to answer, and its message is there. */
static void take(struct port *port, struct port_call *call, struct thread *server,
		 struct port_message *to) MUST_HOLD(&port->lock)
{
	struct port_service *service = &server->port_service;

	message_move(&call->message, to);
	message_identify(to, call->caller, server);
	call->state = CALL_TAKEN;
	call->server = server;
	service->call = call;
	service->serving = true;
	list_push_back(&port->services, &service->link);
	sched_lend(&server->sched, &call->caller->sched);
}

/* Behind those as urgent as it is; who serves a call before it does so for this one too. */
static void enqueue(struct port *port, struct port_call *call) MUST_HOLD(&port->lock)
{
	struct list *behind = port->calls.previous;
	struct port_service *service;

	call->state = CALL_QUEUED;
	call->priority = call->caller->sched.realtime_priority;
	while (behind != &port->calls &&
	       list_entry(behind, struct port_call, link)->priority < call->priority) {
		behind = behind->previous;
	}
	list_push_front(behind, &call->link);
	list_for_each(service, &port->services, link) {
		struct thread *server =
			container_of(service, struct thread, port_service);

		sched_lend(&server->sched, &call->caller->sched);
		if (service->handed && call->priority) {
			// Not only when its caller goes to sleep.
			sched_wake(&server->sched);
		}
	}
}

static void finish(struct port_call *call, s64 result)
{
	call->result = result;
	call->state = CALL_DONE;
}

/* The caller leaves before its call is done. */
static void withdraw(struct port *port, struct port_call *call) MUST_HOLD(&port->lock)
{
	if (call->state == CALL_TAKEN) {
		call->server->port_service.call = NULL;
	} else {
		list_remove(&call->link);
	}
}

/* `service` is the running thread's. The call, unless its caller has gone. */
static struct port_call *end_service(struct port *port, struct port_service *service)
	MUST_HOLD(&port->lock)
{
	struct port_call *call = service->call;

	service->call = NULL;
	service->serving = false;
	list_remove(&service->link);
	return call;
}

/*
 * `other` is to run while the running thread, whose wait is prepared, sleeps. Among fair threads the CPU is handed over: `other`, with
 * a reference, for sleep_for(). What is urgent is woken here, under the lock: it must not wait until we get to our sleep. NULL.
 */
static struct thread *go_on(struct thread *other)
{
	if (sched_current()->realtime_priority ||
	    READ_ONCE(other->sched.realtime_priority)) {
		sched_wake(&other->sched);
		return NULL;
	}
	thread_get(other);
	return other;
}

/* ---- the caller ---- */

/* A hint, without the lock. */
static bool expects_calls(const struct port *port) NO_THREAD_SAFETY
{
	return READ_ONCE(port->receivers.next) != &port->receivers;
}

/* Is every descriptor of the other end one of the running thread's, and are those its alone? */
static bool holds_all(struct port *port)
{
	struct file_table *files = current_files();
	const struct file *receiving;
	u32 count = 0;

	/* order.alone: pairs with file_table_leave() */
	if (atomic_load_explicit(&files->users, memory_order_acquire) != 1) {
		return false;
	}
	spin_lock(&port->lock);
	receiving = port->receiving;
	count = receiving ? refcount_read(&receiving->references) : 0;
	spin_unlock(&port->lock);
	return count && file_table_count(files, receiving) == count;
}

/* Will nobody but the running thread receive the call? */
static bool is_to_oneself(const struct port *port, bool alone) MUST_HOLD(&port->lock)
{
	const struct port_service *service = &current_thread()->port_service;

	return alone || (service->serving && service->port == port && port->servers == 1);
}

/* Give the call to who waits for one, or queue it, and prepare the wait for its end. *server: whom to sleep for. */
static int submit(struct port *port, struct port_call *call, bool nonblocking,
		  struct thread **server)
{
	bool alone = !expects_calls(port) && holds_all(port);
	struct port_receiver *receiver;
	int err = 0;

	*server = NULL;
	spin_lock(&port->lock);
	if (!port->receiving) {
		err = -EPIPE;
	} else if (!list_empty(&port->receivers)) {
		receiver = list_first(&port->receivers, struct port_receiver, link);
		list_remove(&receiver->link);
		receiver->given = true;
		take(port, call, receiver->thread, &receiver->message);
		sched_prepare_wait(THREAD_KILLABLE);
		*server = go_on(receiver->thread);
		receiver->thread->port_service.handed = *server != NULL;
	} else if (is_to_oneself(port, alone)) {
		err = -EDEADLK;
	} else if (nonblocking) {
		err = -EAGAIN;
	} else {
		enqueue(port, call);
		wake_all(&port->pollers, EPOLLIN | EPOLLRDNORM);
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
	}
	spin_unlock(&port->lock);
	return err;
}

/* Is it over? Else the wait is prepared. */
static bool is_over(struct port *port, struct port_call *call, s64 *result)
{
	enum thread_state wait;
	bool over = true;

	spin_lock(&port->lock);
	wait = call->state == CALL_TAKEN ? THREAD_KILLABLE : THREAD_INTERRUPTIBLE;
	if (call->state == CALL_DONE) {
		*result = call->result;
	} else if (sched_break_pending(wait)) {
		withdraw(port, call);
		*result = -ERESTART;
	} else {
		sched_prepare_wait(wait);
		over = false;
	}
	spin_unlock(&port->lock);
	return over;
}

/* The wait is prepared: go to sleep, and have `other` go on here, whose reference is given back; NULL: nobody. */
static void sleep_for(struct thread *other)
{
	if (other) {
		sched_hand_over(&other->sched);
		thread_put(other);
	} else {
		sched_block(NSEC_NEVER);
	}
	sched_finish_wait();
}

s64 port_call(struct file *end, u64 size, u64 count, u32 flags)
{
	struct port *port = port_called_by(end);
	struct port_call call = {.caller = current_thread()};
	struct thread *server;
	s64 result;

	if (!port) {
		return -EINVAL;
	}
	result = message_prepare(&call.message, size, count);
	if (result) {
		return result;
	}
	result = submit(port, &call, is_nonblocking(end, flags), &server);
	if (result == 0) {
		do {
			sleep_for(server);
			server = NULL;
		} while (!is_over(port, &call, &result));
	}
	if (result < 0) {
		message_drop(&call.message);
		return result;
	}
	message_install(&call.message);
	return result;
}

/* ---- the server ---- */

/* The running thread is no server of its last port any more. */
static void detach(struct port_service *service)
{
	struct port *port = service->port;

	if (port) {
		spin_lock(&port->lock);
		port->servers--;
		spin_unlock(&port->lock);
		service->port = NULL;
		port_put(port);
	}
}

static void attach(struct port_service *service, struct port *port)
{
	if (service->port == port) {
		return;
	}
	detach(service);
	refcount_get(&port->references);
	service->port = port;
	spin_lock(&port->lock);
	port->servers++;
	spin_unlock(&port->lock);
}

/* 0: took a call that is queued; 1: is a receiver, with the wait prepared. -EPIPE, -EAGAIN. */
static int begin_receive(struct port *port, struct port_receiver *receiver,
			 bool nonblocking) MUST_HOLD(&port->lock)
{
	if (!list_empty(&port->calls)) {
		struct port_call *call = list_first(&port->calls, struct port_call, link);

		list_remove(&call->link);
		take(port, call, receiver->thread, &receiver->message);
		receiver->given = true;
		return 0;
	}
	if (!port->calling || nonblocking) {
		return port->calling ? -EAGAIN : -EPIPE;
	}
	list_push_back(&port->receivers, &receiver->link);
	sched_prepare_wait(THREAD_INTERRUPTIBLE);
	return 1;
}

/* Is the wait over? Else it is prepared. */
static bool has_call(struct port *port, struct port_receiver *receiver, int *err)
{
	bool over = true;

	spin_lock(&port->lock);
	if (receiver->given) {
		receiver->thread->port_service.handed = false;
		*err = 0;
	} else if (!port->calling || sched_break_pending(THREAD_INTERRUPTIBLE)) {
		*err = port->calling ? -ERESTART : -EPIPE;
		list_remove(&receiver->link);
	} else {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		over = false;
	}
	spin_unlock(&port->lock);
	return over;
}

/*
 * `begun` is what begin_receive() said. `answered`: who has an answer and sleeps, with a reference; NULL: nobody. A call may have
 * come since the lock was let go of: the sleep is entered all the same, for it is what wakes `answered`.
 */
static s64 finish_receive(struct port *port, struct port_receiver *receiver, int begun,
			  struct thread *answered)
{
	int err = begun < 0 ? begun : 0;

	if (begun == 1) {
		do {
			sleep_for(answered);
			answered = NULL;
		} while (!has_call(port, receiver, &err));
	}
	if (err) {
		return err;
	}
	message_install(&receiver->message);
	return receiver->message.size;
}

/* Receive at `port`; the thread serves nobody. */
static s64 receive(struct port *port, struct port_receiver *receiver, bool nonblocking)
{
	int begun;

	attach(&receiver->thread->port_service, port);
	spin_lock(&port->lock);
	begun = begin_receive(port, receiver, nonblocking);
	spin_unlock(&port->lock);
	return finish_receive(port, receiver, begun, NULL);
}

s64 port_receive(struct file *end, u32 flags)
{
	struct port *port = port_received_by(end);
	struct port_receiver receiver = {.thread = current_thread()};
	int err;

	if (!port) {
		return -EINVAL;
	}
	if (receiver.thread->port_service.serving) {
		return -EBUSY;
	}
	err = message_prepare_empty(&receiver.message);
	return err ? err : receive(port, &receiver, is_nonblocking(end, flags));
}

/* The reply goes to the caller, who is to be woken; NULL: it has gone. */
static struct thread *answer(struct port *port, struct port_message *reply)
	MUST_HOLD(&port->lock)
{
	struct port_call *call = end_service(port, &current_thread()->port_service);

	if (!call) {
		return NULL;
	}
	message_move(reply, &call->message);
	finish(call, reply->size);
	return call->caller;
}

/*
 * Wake who has been answered (NULL: nobody), and then be as urgent as before: the lock keeps us on the CPU between the two, so that
 * nobody of less runs before the caller.
 */
static void let_go(struct port *port, struct thread *caller) MUST_HOLD(&port->lock)
{
	if (caller) {
		sched_wake(&caller->sched);
	}
	sched_return_lent();
}

s64 port_reply(u64 size, u64 count)
{
	struct port_service *service = &current_thread()->port_service;
	struct port_message reply;
	struct thread *caller;
	int err;

	if (!service->serving) {
		return -ESRCH;
	}
	err = message_prepare(&reply, size, count);
	if (err) {
		return err;
	}
	spin_lock(&service->port->lock);
	caller = answer(service->port, &reply);
	let_go(service->port, caller);
	spin_unlock(&service->port->lock);
	message_drop(&reply); // of a caller that has gone
	return caller ? 0 : -ESRCH;
}

/*
 * Answer, and wait at the same port without letting go of its lock between the two. The CPU is handed to the caller where we are
 * going to sleep, and have no priority to give back before.
 */
static s64 reply_receive(struct port *port, struct port_receiver *receiver,
			 bool nonblocking)
{
	struct thread *caller, *next = NULL;
	int begun = -ESRCH;

	spin_lock(&port->lock);
	caller = answer(port, &receiver->message);
	if (!caller || sched_current()->is_lent || !list_empty(&port->calls) ||
	    !port->calling || nonblocking) {
		let_go(port, caller);
	} else {
		next = caller;
	}
	if (caller) {
		begun = begin_receive(port, receiver, nonblocking);
	}
	if (next) {
		next = go_on(next);
	}
	spin_unlock(&port->lock);
	if (!caller) {
		message_drop(&receiver->message);
	}
	return finish_receive(port, receiver, begun, next);
}

s64 port_reply_receive(struct file *end, u64 size, u64 count, u32 flags)
{
	struct port *port = port_received_by(end);
	struct port_receiver receiver = {.thread = current_thread()};
	struct port_service *service = &receiver.thread->port_service;
	int err;

	if (!port ||
	    !service->serving) { // answered already, when a signal interrupted it
		return port_receive(end, flags);
	}
	if (service->port != port) {
		err = (int)port_reply(size, count);
		return err ? err : port_receive(end, flags);
	}
	err = message_prepare(&receiver.message, size, count);
	return err ? err : reply_receive(port, &receiver, is_nonblocking(end, flags));
}

/* ---- the end ---- */

void port_farewell(void)
{
	struct port_service *service = &current_thread()->port_service;
	struct port_call *call;

	if (service->serving) {
		spin_lock(&service->port->lock);
		call = end_service(service->port, service);
		if (call) {
			finish(call, -EOWNERDEAD);
		}
		let_go(service->port, call ? call->caller : NULL);
		spin_unlock(&service->port->lock);
	}
	detach(service);
}

void port_close_receiving(struct port *port)
{
	spin_lock(&port->lock);
	port->receiving = NULL;
	while (!list_empty(&port->calls)) {
		struct port_call *call = list_first(&port->calls, struct port_call, link);

		list_remove(&call->link);
		finish(call, -EPIPE);
		sched_wake(&call->caller->sched);
	}
	wake_all(&port->pollers, EPOLLOUT | EPOLLERR | EPOLLHUP);
	spin_unlock(&port->lock);
}

void port_close_calling(struct port *port)
{
	struct port_receiver *receiver;

	spin_lock(&port->lock);
	port->calling = false;
	list_for_each(receiver, &port->receivers, link) {
		sched_wake(&receiver->thread->sched);
	}
	wake_all(&port->pollers, EPOLLIN | EPOLLHUP);
	spin_unlock(&port->lock);
}

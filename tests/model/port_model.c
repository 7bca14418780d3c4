// SPDX-License-Identifier: MIT
/*
 * Host model of calls that are taken, answered and given up: kernel/process/port/port.c (B6).
 *
 * A call is a struct on its caller's stack. A server takes the call that waits, and answers it; the caller may lose patience
 * (it is killed) at any moment, before or after the call was taken, and then its stack is gone: it is wiped. Callers wait on a
 * semaphore of theirs, which stands for sleeping and being woken; threads stay until their last reference is given back.
 *
 * What must hold: nobody looks at a call whose caller has left (its words, and TSan); each call ends, once; an answer is that of
 * the call it was made for.
 *
 * mutants: 5        MUTANT_n breaks one rule; TSan, an assertion or the watchdog must object.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLERS = 3, SERVERS = 2 };
enum state { QUEUED = 1, TAKEN, DONE };

struct call {
	struct call *next; /* queue */
	int state;
	struct server *server;
	struct caller *caller;
	long message, reply;
};

struct caller {
	sem_t woken;
	_Atomic int references;
	_Atomic long rounds;
};

struct server {
	struct call *call; /* port.lock */
	_Atomic long rounds;
};

static pthread_mutex_t port = PTHREAD_MUTEX_INITIALIZER;
static struct call *queue; /* port.lock */
static sem_t calls;
static struct caller *callers[CALLERS];
static struct server servers[SERVERS];
static _Atomic bool stop;

#define CHECK(condition)                                               \
	do {                                                           \
		if (!(condition)) {                                    \
			fprintf(stderr, "violated: " #condition "\n"); \
			_exit(1);                                      \
		}                                                      \
	} while (0)

static unsigned draw(void)
{
	static _Thread_local unsigned random;

	if (!random) {
		random = (unsigned)(unsigned long)&random >> 4 | 1;
	}
	random = random * 1103515245u + 12345u;
	return random >> 16;
}

static void linger(void)
{
	switch (draw() % 8) {
	case 0:
		usleep(1);
		break;
	case 1:
	case 2:
		sched_yield();
		break;
	default:
		break;
	}
}

static void caller_put(struct caller *caller)
{
	if (atomic_fetch_sub(&caller->references, 1) == 1) {
		memset(&caller->woken, 0x5a, sizeof(caller->woken));
	}
}

static void withdraw(struct call *call)
{
	struct call **link = &queue;

	if (call->state == TAKEN) {
#ifndef MUTANT_1 /* the server is not told that the caller has gone */
		call->server->call = NULL;
#endif
		return;
	}
	while (*link && *link != call) {
		link = &(*link)->next;
	}
	CHECK(*link == call);
	*link = call->next;
}

/* true: it is over, and `call` is the caller's alone. */
static bool is_over(struct call *call, bool impatient)
{
	bool over = true;

#ifdef MUTANT_2 /* the end is looked for without the lock: the server may not be through with the call */
	if (__atomic_load_n(&call->state, __ATOMIC_ACQUIRE) == DONE) {
		CHECK(call->reply == -call->message);
		return true;
	}
#endif
	pthread_mutex_lock(&port);
	if (call->state == DONE) {
		CHECK(call->reply == -call->message);
	} else if (impatient) {
		withdraw(call);
	} else {
		over = false;
	}
	pthread_mutex_unlock(&port);
	return over;
}

static void make_call(struct caller *caller, long message)
{
	struct call call = {.caller = caller, .message = message, .state = QUEUED};
	struct call **link = &queue;

	pthread_mutex_lock(&port);
	while (*link) {
		link = &(*link)->next;
	}
	*link = &call;
	pthread_mutex_unlock(&port);
	sem_post(&calls);
	for (;;) {
		bool impatient = draw() % 2;

		linger();
		if (!impatient) {
			while (sem_wait(&caller->woken)) {
			}
		}
		if (is_over(&call, impatient)) {
			break;
		}
	}
	memset((void *)&call, 0x5a, sizeof(call));
	__asm__ volatile("" ::"r"(&call) : "memory");
}

static void *caller_main(void *argument)
{
	struct caller *caller = argument;

	for (long round = 1; !atomic_load(&stop); round++) {
		make_call(caller, round);
		atomic_fetch_add(&caller->rounds, 1);
	}
	return NULL;
}

static void take(struct server *server)
{
	pthread_mutex_lock(&port);
	if (queue) {
		struct call *call = queue;

		CHECK(call->state == QUEUED);
		queue = call->next;
		call->state = TAKEN;
		call->server = server;
		server->call = call;
	}
	pthread_mutex_unlock(&port);
}

static void answer(struct server *server)
{
	struct caller *caller = NULL;
	struct call *call;
	long message;

#ifdef MUTANT_3 /* which call it is, is read before the lock is taken */
	call = __atomic_load_n(&server->call, __ATOMIC_RELAXED);
	linger();
	pthread_mutex_lock(&port);
#else
	pthread_mutex_lock(&port);
	call = server->call;
#endif
	server->call = NULL;
	if (call) {
		message = call->message;
		CHECK(call->state == TAKEN && call->server == server);
#ifdef MUTANT_4 /* done before the reply is there, and outside the lock */
		call->state = DONE;
		pthread_mutex_unlock(&port);
		linger();
		call->reply = -message;
		pthread_mutex_lock(&port);
#elif defined(MUTANT_2)
		call->reply = -message;
		__atomic_store_n(&call->state, DONE, __ATOMIC_RELEASE);
		linger();
#else
		call->reply = -message;
		call->state = DONE;
#endif
		caller = call->caller;
		atomic_fetch_add(&caller->references, 1);
	}
	pthread_mutex_unlock(&port);
	linger();
	if (caller) {
#ifndef MUTANT_5 /* nobody wakes who was answered */
		sem_post(&caller->woken);
#endif
		caller_put(caller);
		atomic_fetch_add(&server->rounds, 1);
	}
}

static void *server_main(void *argument)
{
	struct server *server = argument;

	while (!atomic_load(&stop)) {
		while (sem_wait(&calls)) {
		}
		take(server);
		linger();
		answer(server);
	}
	return NULL;
}

static void start(void *(*entry)(void *argument), void *argument)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, entry, argument));
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	long before[CALLERS] = {0}, answered = 0;

	sem_init(&calls, 0, 0);
	for (int i = 0; i < SERVERS; i++) {
		start(server_main, &servers[i]);
	}
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = calloc(1, sizeof(*callers[i]));
		CHECK(callers[i]);
		sem_init(&callers[i]->woken, 0, 0);
		atomic_init(&callers[i]->references, 1);
		start(caller_main, callers[i]);
	}
	for (int second = 0; second < (argc > 1 ? atoi(argv[1]) : 3); second++) {
		sleep(1);
		for (int i = 0; i < CALLERS; i++) {
			long now = atomic_load(&callers[i]->rounds);

			CHECK(now > before[i]);
			before[i] = now;
		}
	}
	for (int i = 0; i < SERVERS; i++) {
		answered += atomic_load(&servers[i].rounds);
	}
	CHECK(answered > 0);
	printf("%ld answered\n", answered);
	fflush(stdout);
	_exit(0);
}

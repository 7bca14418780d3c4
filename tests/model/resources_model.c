// SPDX-License-Identifier: MIT
/*
 * Host model of the per-thread resource slots of kernel/process/resources.h.
 *
 * A pthread plays a kernel thread.  Owners read their slots without a lock,
 * replace them with prepare/commit/release, share them by "clone", and drop
 * them at exit.  Inspectors play /proc: they look at any thread's slots under
 * that thread's resource_lock and take references only on leaf files.
 *
 * mutants: 4        MUTANT_n breaks one rule; TSan or an assertion must object.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NFD = 32, NTHREAD = 12, NINSPECTOR = 3 };

static _Thread_local int spin_depth; /* models "may not sleep" */
static _Thread_local bool is_inspector;

struct spinlock {
	pthread_mutex_t m;
};
static void spin_lock(struct spinlock *l)
{
	pthread_mutex_lock(&l->m);
	spin_depth++;
}
static void spin_unlock(struct spinlock *l)
{
	spin_depth--;
	pthread_mutex_unlock(&l->m);
}

/* ---- file: an ordinary reference count ---- */
struct file {
	atomic_int refs;
	int payload;
};
static atomic_long files_live, tables_live, closes_by_inspector, table_close_by_inspector;

static struct file *file_create(int payload)
{
	struct file *f = malloc(sizeof *f);
	atomic_init(&f->refs, 1);
	f->payload = payload;
	atomic_fetch_add(&files_live, 1);
	return f;
}
static void file_get(struct file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}
static void file_put(struct file *f)
{
	assert(spin_depth == 0); /* the last put may sleep */
	if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	if (is_inspector) {
		atomic_fetch_add(&closes_by_inspector, 1);
	}
	f->payload = -1;
	free(f);
	atomic_fetch_sub(&files_live, 1);
}

/* ---- file_table: users == number of thread slots that point here ---- */
struct file_table {
	atomic_int users;
	struct spinlock lock;
	struct file *slot[NFD]; /* [lock] */
};

static struct file_table *files_create(void)
{
	struct file_table *t = calloc(1, sizeof *t);
	atomic_init(&t->users, 1);
	pthread_mutex_init(&t->lock.m, NULL);
	atomic_fetch_add(&tables_live, 1);
	return t;
}
static struct file_table *files_copy(struct file_table *old)
{
	struct file_table *t = files_create();
	spin_lock(&old->lock);
	for (int i = 0; i < NFD; i++) {
		if ((t->slot[i] = old->slot[i])) {
			file_get(t->slot[i]);
		}
	}
	spin_unlock(&old->lock);
	return t;
}
static void files_share(struct file_table *t)
{
	int old = atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
	assert(old >= 1);
}
static void files_leave(struct file_table *t)
{
	assert(spin_depth == 0);
	if (atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) != 1) {
		return;
	}
	if (is_inspector) {
		atomic_fetch_add(&table_close_by_inspector, 1);
	}
	for (int i = 0; i < NFD; i++) {
		if (t->slot[i]) {
			file_put(t->slot[i]);
		}
	}
	pthread_mutex_destroy(&t->lock.m);
	free(t);
	atomic_fetch_sub(&tables_live, 1);
}

/* ---- thread ---- */
struct thread {
	struct spinlock resource_lock;
	struct file_table *files; /* [r] plain pointer, no atomics */
	pthread_t tid;
};
static struct thread threads[NTHREAD];
static _Thread_local struct thread *current;

static struct file_table *current_files(void)
{
	struct file_table *f = current->files; /* the only writer is us */
	assert(f);
	return f;
}

/* prepare / commit / release */
struct resource_change {
	struct file_table *files;
	bool set_files;
};

static void resources_prepare_unshare(struct resource_change *c)
{
	c->set_files = true;
	c->files = files_copy(current_files());
}
static void resources_commit(struct resource_change *c)
{
#ifndef MUTANT_1 /* commit without the lock */
	spin_lock(&current->resource_lock);
#endif
	if (c->set_files) {
		struct file_table *old = current->files;
		current->files = c->files;
		c->files = old; /* c now holds what was displaced */
	}
#ifndef MUTANT_1
	spin_unlock(&current->resource_lock);
#endif
}
static void resources_release(struct resource_change *c)
{
	if (c->files) {
		files_leave(c->files);
	}
	c->files = NULL;
}

static void resources_exit(void)
{
	struct resource_change c = {.files = NULL, .set_files = true};
	resources_commit(&c);
	resources_release(&c);
}

/* foreign access: look, take a leaf reference, leave */
static struct file *thread_next_file(struct thread *t, int *fd)
{
	struct file *f = NULL;
#ifndef MUTANT_2 /* inspect without the lock */
	spin_lock(&t->resource_lock);
#endif
	struct file_table *files = t->files;
	if (files) {
		spin_lock(&files->lock);
		for (; *fd < NFD && !f; ++*fd) {
			if ((f = files->slot[*fd])) {
				file_get(f);
			}
		}
		spin_unlock(&files->lock);
	}
#ifndef MUTANT_2
	spin_unlock(&t->resource_lock);
#endif
	return f;
}
#ifdef MUTANT_3 /* inspector becomes a table user */
static void inspect_by_table_ref(struct thread *t)
{
	spin_lock(&t->resource_lock);
	struct file_table *files = t->files;
	if (files) {
		files_share(files);
	}
	spin_unlock(&t->resource_lock);
	if (files) {
		sched_yield();
		files_leave(files);
	}
}
#endif

/* fd lookup with the unshared fast path: returns a borrowed or counted file */
static struct file *fd_lookup(int fd, bool *counted)
{
	struct file_table *t = current_files();
#ifdef MUTANT_4 /* unshared test without acquire */
	memory_order order = memory_order_relaxed;
#else
	memory_order order =
		memory_order_acquire; /* pairs with the release in files_leave */
#endif
	*counted = atomic_load_explicit(&t->users, order) != 1;
	if (!*counted) {
		return t->slot[fd];
	}
	spin_lock(&t->lock);
	struct file *f = t->slot[fd];
	if (f) {
		file_get(f);
	}
	spin_unlock(&t->lock);
	return f;
}

static void fd_install(int fd, struct file *new)
{
	struct file_table *t = current_files();
	spin_lock(&t->lock);
	struct file *old = t->slot[fd];
	t->slot[fd] = new;
	spin_unlock(&t->lock);
	if (old) {
		file_put(old);
	}
}

static atomic_bool stop;
static atomic_long owner_ops, inspections, unshares, clones, seen_exited;

static unsigned rnd(unsigned *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static void owner_body(unsigned seed, int generation);
struct start {
	struct thread *t;
	unsigned seed;
	int generation;
};

static void *owner_main(void *arg)
{
	struct start s = *(struct start *)arg;
	free(arg);
	current = s.t;
	owner_body(s.seed, s.generation);
	resources_exit();
	assert(current->files == NULL);
	return NULL;
}

/* slot allocator for children */
static pthread_mutex_t table_m = PTHREAD_MUTEX_INITIALIZER;
static bool in_use[NTHREAD], joinable[NTHREAD];

static void spawn(unsigned seed, bool share, int generation)
{
	int i;
	pthread_mutex_lock(&table_m);
	for (i = 0; i < NTHREAD && (in_use[i]); i++)
		;
	if (i == NTHREAD) {
		pthread_mutex_unlock(&table_m);
		return;
	}
	in_use[i] = true;
	pthread_mutex_unlock(&table_m);

	struct thread *t = &threads[i];
	struct file_table *f;
	if (!current) {
		f = files_create();
	} else if (share) {
		f = current_files();
		files_share(f);
	} else {
		f = files_copy(current_files());
	}
	/* The model publishes threads statically, so set the child's slot locked.
     * In the kernel the child is not yet reachable and no lock is needed. */
	spin_lock(&t->resource_lock);
	assert(!t->files);
	t->files = f;
	spin_unlock(&t->resource_lock);

	struct start *s = malloc(sizeof *s);
	*s = (struct start){t, seed, generation};
	int rc = pthread_create(&t->tid, NULL, owner_main, s);
	assert(rc == 0);
	pthread_mutex_lock(&table_m);
	joinable[i] = true;
	pthread_mutex_unlock(&table_m);
	atomic_fetch_add(&clones, 1);
}

static void owner_body(unsigned seed, int generation)
{
	int n = 200 + (int)(seed % 400);
	for (int i = 0; i < n && !atomic_load(&stop); i++) {
		unsigned r = rnd(&seed);
		int fd = (int)(r % NFD);
		switch (r / NFD % 16) {
		case 0:
		case 1:
		case 2:
			fd_install(fd, file_create((int)r & 0xffff));
			break;
		case 3:
			fd_install(fd, NULL);
			break;
		case 4: {
			struct resource_change c = {0};
			resources_prepare_unshare(&c);
			if (r & 0x10000) { /* sometimes fail after prepare */
				resources_commit(&c);
			}
			resources_release(&c); /* same cleanup either way */
			atomic_fetch_add(&unshares, 1);
			break;
		}
		case 5:
			spawn(r, r & 0x20000, generation + 1);
			break;
		default: {
			bool counted;
			struct file *f = fd_lookup(fd, &counted);
			if (f) {
				assert(f->payload >= 0);
				if (counted) {
					file_put(f);
				}
			}
		}
		}
		atomic_fetch_add_explicit(&owner_ops, 1, memory_order_relaxed);
	}
}

static void *inspector_main(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	is_inspector = true;
	while (!atomic_load(&stop)) {
		struct thread *t = &threads[rnd(&seed) % NTHREAD];
#ifdef MUTANT_3
		inspect_by_table_ref(t);
#endif
		int fd = 0;
		struct file *f;
		bool any = false;
		while ((f = thread_next_file(t, &fd))) {
			assert(f->payload >= 0);
			file_put(f);
			any = true;
		}
		if (!any) {
			atomic_fetch_add(&seen_exited, 1);
		}
		atomic_fetch_add(&inspections, 1);
	}
	return NULL;
}

/* reap exited owners so their slots are reused */
static void reap(bool all)
{
	for (int i = 0; i < NTHREAD; i++) {
		pthread_mutex_lock(&table_m);
		bool j = in_use[i] && joinable[i];
		pthread_mutex_unlock(&table_m);
		if (!j) {
			continue;
		}
		if (all) {
			pthread_join(threads[i].tid, NULL);
		} else if (pthread_tryjoin_np(threads[i].tid, NULL) != 0) {
			continue;
		}
		pthread_mutex_lock(&table_m);
		in_use[i] = joinable[i] = false;
		pthread_mutex_unlock(&table_m);
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5;
	for (int i = 0; i < NTHREAD; i++) {
		pthread_mutex_init(&threads[i].resource_lock.m, NULL);
	}
	pthread_t insp[NINSPECTOR];
	for (uintptr_t i = 0; i < NINSPECTOR; i++) {
		pthread_create(&insp[i], NULL, inspector_main, (void *)(i * 7919 + 1));
	}
	time_t end = time(NULL) + seconds;
	for (unsigned s = 1; time(NULL) < end; s++) {
		spawn(s * 2654435761u, false, 0);
		reap(false);
		usleep(200);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < NINSPECTOR; i++) {
		pthread_join(insp[i], NULL);
	}
	for (int k = 0; k < 20; k++) {
		reap(true);
	}
	printf("owner_ops=%ld clones=%ld unshares=%ld inspections=%ld empty=%ld "
	       "file_close_by_inspector=%ld table_close_by_inspector=%ld\n",
	       owner_ops, clones, unshares, inspections, seen_exited, closes_by_inspector,
	       table_close_by_inspector);
	assert(atomic_load(&files_live) == 0);
	assert(atomic_load(&tables_live) == 0);
	assert(atomic_load(&table_close_by_inspector) == 0);
	puts("OK");
	return 0;
}

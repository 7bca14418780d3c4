// SPDX-License-Identifier: MIT
/*
 * R9: what a CPU remembers of an address space, while nobody uses it there, does not outlive a change that is made on another: a page
 * that another has taken the place of, rights taken away by mprotect and by fork; and what CPUs use at the same time.
 * With one CPU the same is done on that one.
 */
#include "cpus.h"
#include "raw.h"

enum { ROUNDS = 40, MOVES = 4, REPLACED = 50, PAGE = 4096 };

static unsigned places[2]; /* CPUs */
static volatile long *page;
static _Atomic long newest, seen;

static void go_to(int place)
{
	pin(0, places[place]);
}

static void choose_places(void)
{
	if (list_cpus(places, 2) == 1) {
		places[1] = places[0];
	}
}

static void map_page(int flags, int file, long offset)
{
	CHECK(mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file,
		   offset) == page);
}

static void check_replaced(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		go_to(0);
		map_page(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*page = 1;
		go_to(1);
		map_page(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*page = 2;
		go_to(0);
		CHECK_EQ(*page, 2);
		*page = 3;
		go_to(1);
		CHECK_EQ(*page, 3);
	}
	ok("replaced");
}

static void check_protected(void)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	CHECK(zero >= 0);
	for (int round = 0; round < ROUNDS; round++) {
		go_to(0);
		*page = 1;
		go_to(1);
		CHECK_EQ(mprotect((void *)page, PAGE, PROT_READ), 0);
		go_to(0);
		CHECK_ERRNO(read(zero, (void *)page, 8), EFAULT);
		CHECK_EQ(*page, 1);
		CHECK_EQ(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE), 0);
	}
	close(zero);
	ok("protected");
}

/* Its parent writes only after the fork. */
static _Noreturn void look_later(const int go[2])
{
	char byte;

	close(go[1]);
	CHECK_EQ(read(go[0], &byte, 1), 0);
	_exit(*page == 1 ? 0 : 1);
}

static void check_forked(void)
{
	for (int round = 0; round < ROUNDS / 2; round++) {
		int go[2], status;
		pid_t child;

		CHECK_EQ(pipe2(go, O_CLOEXEC), 0);
		go_to(0);
		*page = 1;
		go_to(1);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			look_later(go);
		}
		go_to(0);
		*page = 2;
		close(go[0]);
		close(go[1]);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	ok("forked");
}

static void *read_on(void *unused)
{
	long least, value;

	go_to(1);
	do {
		least = atomic_load(&newest);
		value = *page;
		CHECK(value >= least);
		atomic_store(&seen, value);
		if (places[0] == places[1]) {
			sched_yield();
		}
	} while (least < REPLACED);
	return unused;
}

/* A file whose page n says n. */
static int numbers(void)
{
	int file = memfd_create("numbers", MFD_CLOEXEC);

	CHECK(file >= 0);
	for (long i = 0; i <= REPLACED; i++) {
		CHECK_EQ(pwrite(file, &i, sizeof(i), i * PAGE), sizeof(i));
	}
	return file;
}

/* Each page takes the place of the one before it. */
static void check_used_meanwhile(void)
{
	int file = numbers();
	pthread_t reader;

	go_to(0);
	map_page(MAP_SHARED, file, 0);
	reader = start_thread(read_on, NULL);
	for (long i = 1; i <= REPLACED; i++) {
		map_page(MAP_SHARED, file, i * PAGE);
		atomic_store(&newest, i);
		WAIT_UNTIL(atomic_load(&seen) == i);
	}
	join_thread(reader);
	close(file);
	ok("used_meanwhile");
}

/* What the one who is moved does: nothing, use the page, look at it once. */
enum { REST, USE, LOOK, END };
static _Atomic int order, done;
static long looked;

/* No system call, and nothing that the kernel writes for it when it moves (the C library's threads have rseq): of these CPUs forget more. */
static int be_moved(void *unused)
{
	int last = REST, now;

	do {
		now = atomic_load(&order);
		if (now == USE || (now == LOOK && now != last)) {
			looked = *page;
		}
		atomic_store(&done, now);
		last = now;
	} while (now != END);
	return unused != NULL;
}

static void tell(int what)
{
	atomic_store(&order, what);
	WAIT_UNTIL(atomic_load(&done) == what);
}

/* It uses a page, is moved away, another page takes that one's place (not in the same frame, as memory that is freed and taken), it is moved back. */
static void check_moved(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	static pid_t word = -1;
	struct clone_args args = bare_thread(&word, stack, sizeof(stack));
	int file = numbers();
	long moved;

	go_to(1);
	moved = clone3_call(&args, sizeof(args), be_moved, NULL);
	CHECK(moved > 0);
	for (long round = 0; round < MOVES; round++) {
		map_page(MAP_SHARED, file, 2 * round * PAGE);
		pin((pid_t)moved, places[0]);
		tell(USE);
		tell(REST);
		pin((pid_t)moved, places[1]);
		map_page(MAP_SHARED, file, (2 * round + 1) * PAGE);
		pin((pid_t)moved, places[0]);
		tell(LOOK);
		CHECK_EQ(looked, 2 * round + 1);
		tell(REST);
	}
	tell(END);
	WAIT_UNTIL(__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0);
	close(file);
	ok("moved");
}

/* With a neighbour, which stays: the page's table does not become empty. */
static void make_page(void)
{
	volatile char *both = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(both != MAP_FAILED);
	both[PAGE] = 1;
	page = (volatile long *)both;
}

int main(void)
{
	choose_places();
	make_page();
	check_replaced();
	check_protected();
	check_forked();
	check_used_meanwhile();
	check_moved();
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * C7, C8: what counts for a user: processes, queued signals, bytes of message queues. In a user namespace a user has a count of
 * his own, and all of them together are held to what its maker was allowed.
 * libc: musl
 */
#include "raw.h"
#include <mqueue.h>
#include <sys/resource.h>

enum { MAKER = 4321, OTHER = 4000, INSIDE = 1000, DEFAULT_BYTES = 10 * (8192 + 48 + 48) };

static int go[2], ready[2];

static void set_limit(int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	CHECK_EQ(setrlimit(resource, &limit), 0);
}

static void become(uid_t uid)
{
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static pid_t start_as(uid_t uid)
{
	int told[2];
	char byte;
	pid_t child;

	CHECK_EQ(pipe(told), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		become(uid);
		CHECK_EQ(write(told[1], "b", 1), 1);
		for (;;) {
			pause();
		}
	}
	CHECK_EQ(read(told[0], &byte, 1), 1);
	close(told[0]);
	close(told[1]);
	return child;
}

static void end(pid_t child)
{
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* ---- a namespace whose maps somebody outside writes ---- */

static void write_map(pid_t child, const char *name)
{
	char path[64], text[64];
	int fd, length;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, name);
	length = snprintf(text, sizeof(text), "0 %d 1\n%d %d 1\n", MAKER, INSIDE, OTHER);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, (size_t)length), length);
	close(fd);
}

/* Runs `body` in a child in a namespace that MAKER makes, where he is root and INSIDE is OTHER. */
static void run_inside(void (*before)(void), void (*body)(void))
{
	int status;
	char byte;
	pid_t child;

	CHECK_EQ(pipe(go) | pipe(ready), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		before();
		become(MAKER);
		CHECK_EQ(unshare(CLONE_NEWUSER), 0);
		CHECK_EQ(write(ready[1], "b", 1), 1);
		CHECK_EQ(read(go[0], &byte, 1), 1);
		body();
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	write_map(child, "uid_map");
	write_map(child, "gid_map");
	CHECK_EQ(write(go[1], "b", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(ready[i]);
	}
}

/* ---- processes ---- */

/* As many children as there may be, which then end. */
static int count_forks(void)
{
	pid_t children[16];
	int count = 0, failure = 0;

	while (count < 16 && !failure) {
		children[count] = fork();
		if (children[count] == 0) {
			for (;;) {
				pause();
			}
		}
		failure = children[count] < 0 ? errno : 0;
		count += !failure;
	}
	CHECK(!failure || failure == EAGAIN);
	for (int i = 0; i < count; i++) {
		end(children[i]);
	}
	return count;
}

static void five_processes(void)
{
	set_limit(RLIMIT_NPROC, 5);
}

static void as_root_inside(void)
{
	become(0);
	CHECK_EQ(count_forks(), 4);
	CHECK_EQ(count_forks(), 4); // the ends are counted too
	set_limit(RLIMIT_NPROC, 2);
	CHECK_EQ(count_forks(), 1);
}

static void as_user_inside(void)
{
	become(INSIDE);
	CHECK_EQ(count_forks(), 4);
	set_limit(RLIMIT_NPROC, 3);
	CHECK_EQ(count_forks(), 2);
}

/* Two of the maker's are outside: of the five that leaves three. */
static void with_two_outside(void)
{
	become(INSIDE);
	CHECK_EQ(count_forks(), 2);
	set_limit(RLIMIT_NPROC, 2); // his own count is one
	CHECK_EQ(count_forks(), 1);
}

static void nested(void)
{
	become(0);
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	CHECK_EQ(count_forks(), 4);
	CHECK_EQ(unshare(CLONE_NEWUSER), -1); // without maps
}

static int in_new_namespace(void *unused)
{
	(void)unused;
	return count_forks();
}

static void by_clone(void)
{
	static char stack[65536];
	int status;
	pid_t child;

	become(0);
	child = clone(in_new_namespace, stack + sizeof(stack), CLONE_NEWUSER | SIGCHLD,
		      NULL);
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 3 << 8);
	CHECK_EQ(count_forks(), 4);
}

static void check_processes(void)
{
	pid_t first, second;

	run_inside(five_processes, as_root_inside);
	run_inside(five_processes, as_user_inside);
	first = start_as(MAKER);
	second = start_as(MAKER);
	run_inside(five_processes, with_two_outside);
	end(first);
	end(second);
	first = start_as(OTHER); // the same user, but not of the namespace
	run_inside(five_processes, as_user_inside);
	end(first);
	run_inside(five_processes, nested);
	run_inside(five_processes, by_clone);
	ok("processes");
}

/* The machine's root may start as many as he likes inside what he has made. */
static void root_inside(void)
{
	set_limit(RLIMIT_NPROC, 3);
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	CHECK_EQ(count_forks(), 16);
}

static void check_root(void)
{
	must_pass_in_child(root_inside);
	ok("root");
}

/* ---- setuid and execve ---- */

/* 0, or what execve says to who becomes MAKER where `limit` processes are allowed. */
static int execute_as_maker(rlim_t limit)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		char *arguments[] = {"user_counts", "none", NULL};

		set_limit(RLIMIT_NPROC, limit);
		become(MAKER);
		execv("/proc/self/exe", arguments);
		_exit(errno);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status >> 8;
}

static void check_execve(void)
{
	pid_t first = start_as(MAKER), second;

	CHECK_EQ(execute_as_maker(1), 0); // it was not above before
	CHECK_EQ(execute_as_maker(2), 0);
	second = start_as(MAKER);
	CHECK_EQ(execute_as_maker(1), EAGAIN);
	CHECK_EQ(execute_as_maker(2), 0);
	end(first);
	end(second);
	ok("execve");
}

/* ---- queued signals ---- */

static int count_signals(void)
{
	sigset_t set;
	int count = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	while (count < 16 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) {
		count++;
	}
	for (int i = 0; i < count; i++) {
		siginfo_t info;

		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	}
	return count;
}

static void six_signals(void)
{
	set_limit(RLIMIT_SIGPENDING, 6);
}

static void signals_inside(void)
{
	become(INSIDE);
	CHECK_EQ(count_signals(), 6);
	set_limit(RLIMIT_SIGPENDING, 4);
	CHECK_EQ(count_signals(), 4);
}

static sigset_t block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	return set;
}

/* A child of MAKER, who may have two signals waiting, and ignores SIGRTMIN + 1. */
static pid_t start_receiver(int *ready, int *go)
{
	int up[2], down[2];
	pid_t child;
	char byte;

	CHECK(pipe(up) == 0 && pipe(down) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sigset_t set = block_signals();
		siginfo_t info;

		signal(SIGRTMIN + 1, SIG_IGN);
		become(MAKER);
		set_limit(RLIMIT_SIGPENDING, 2);
		CHECK_EQ(write(up[1], "r", 1), 1);
		CHECK_EQ(read(down[0], &byte, 1), 1);
		CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
		CHECK_EQ(info.si_pid, getppid());
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
		CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), EAGAIN);
		_exit(0);
	}
	*ready = up[0];
	*go = down[1];
	return child;
}

/* Waiting signals count for who is to get them, and within that one's limit; what is ignored does not wait. */
static void receiver_pays(void)
{
	int ready, go, status;
	pid_t child = start_receiver(&ready, &go);
	char byte;

	CHECK_EQ(read(ready, &byte, 1), 1);
	set_limit(RLIMIT_SIGPENDING, 0);
	CHECK_EQ(sigqueue(child, SIGRTMIN, (union sigval){0}), 0);
	CHECK_EQ(sigqueue(child, SIGRTMIN, (union sigval){0}), 0);
	CHECK_ERRNO(sigqueue(child, SIGRTMIN, (union sigval){0}), EAGAIN);
	CHECK_EQ(sigqueue(child, SIGRTMIN + 1, (union sigval){0}), 0);
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(write(go, "g", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void check_signals(void)
{
	must_pass_in_child(receiver_pays);
	run_inside(six_signals, signals_inside);
	ok("signals");
}

/* ---- message queues ---- */

static void name_of(char *name, int number)
{
	snprintf(name, 32, "/user_counts%d", number);
}

/* How many queues of the default size there may be; they stay. */
static int make_queues(int from)
{
	char name[32];
	int count = 0;
	mqd_t queue;

	for (; count < 8; count++) {
		name_of(name, from + count);
		queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
		if (queue == (mqd_t)-1) {
			CHECK_EQ(errno, EMFILE);
			break;
		}
		mq_close(queue);
	}
	return count;
}

static void remove_queues(int from, int count)
{
	char name[32];

	for (int i = 0; i < count; i++) {
		name_of(name, from + i);
		CHECK_EQ(mq_unlink(name), 0);
	}
}

static void own_queues(void)
{
	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
}

/*
 * The count is of the user on the whole machine, and Linux empties a namespace some time after its last process: so
 * many fit in the end.
 */
static bool fit(int count)
{
	int made = make_queues(0);

	if (made < count) {
		remove_queues(0, made);
	}
	return made == count;
}

/* Root too is held to it; the count stays until the last descriptor of a removed queue is closed. */
static void queues(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 3, .mq_msgsize = 100};
	const rlim_t bytes = 3 * (100 + 48 + 48);
	char name[32];
	mqd_t kept;

	own_queues();
	set_limit(RLIMIT_MSGQUEUE, 3 * DEFAULT_BYTES);
	WAIT_UNTIL(fit(3));
	name_of(name, 1);
	kept = mq_open(name, O_RDWR);
	CHECK_EQ(mq_unlink(name), 0);
	CHECK_ERRNO(mq_open("/more", O_CREAT | O_RDWR, 0600, NULL), EMFILE);
	mq_close(kept);
	CHECK_EQ(make_queues(3), 1); // in its place
	remove_queues(0, 1);
	remove_queues(2, 2);
	set_limit(RLIMIT_MSGQUEUE, bytes - 1);
	CHECK_ERRNO(mq_open("/exact", O_CREAT | O_RDWR, 0600, &attributes), EMFILE);
	CHECK_ERRNO(mq_open("/exact", O_RDWR), ENOENT);
}

static void exact_size(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 3, .mq_msgsize = 100};
	mqd_t queue;

	own_queues();
	set_limit(RLIMIT_MSGQUEUE, 3 * (100 + 48 + 48));
	WAIT_UNTIL((queue = mq_open("/exact", O_CREAT | O_RDWR, 0600, &attributes)) !=
		   (mqd_t)-1);
	CHECK_ERRNO(mq_open("/exact", O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	CHECK_ERRNO(mq_open("/next", O_CREAT | O_RDWR, 0600, NULL), EMFILE);
	attributes.mq_maxmsg = -1;
	CHECK_ERRNO(mq_open("/next", O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
	mq_close(queue);
}

static void many_namespaces(void)
{
	set_limit(RLIMIT_MSGQUEUE, 2 * DEFAULT_BYTES);
	for (int i = 0; i < 4; i++) {
		own_queues();
		WAIT_UNTIL(fit(2));
	}
}

static void two_queues(void)
{
	own_queues();
	set_limit(RLIMIT_MSGQUEUE, 2 * DEFAULT_BYTES);
}

static void queues_inside(void)
{
	struct mq_attr large = {.mq_maxmsg = 11, .mq_msgsize = 8};

	CHECK_EQ(unshare(CLONE_NEWIPC), 0);
	become(0); // whose power is over this namespace, not over the machine
	CHECK_ERRNO(mq_open("/large", O_CREAT | O_RDWR, 0600, &large), EINVAL);
	become(INSIDE);
	WAIT_UNTIL(fit(2));
	set_limit(RLIMIT_MSGQUEUE, DEFAULT_BYTES);
	CHECK_EQ(make_queues(2), 0);
	remove_queues(0, 2);
	CHECK_EQ(make_queues(0), 1);
}

static void check_queues(void)
{
	must_pass_in_child(queues);
	must_pass_in_child(exact_size);
	must_pass_in_child(many_namespaces);
	run_inside(two_queues, queues_inside);
	ok("queues");
}

int main(int count, char **arguments)
{
	(void)arguments;
	if (count > 1) {
		return 0;
	}
	if (getuid()) {
		skip("not root");
	}
	check_processes();
	check_root();
	check_execve();
	check_signals();
	check_queues();
	return 0;
}

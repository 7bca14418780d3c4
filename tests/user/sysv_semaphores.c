// SPDX-License-Identifier: MIT
/*
 * F4, C8: semget, semop, semtimedop, semctl: all operations of a call or none, who is woken, what is refused.
 * libc: musl
 */
#include "sysv.h"

enum { KEY = 0x5e11a };

static void keys_and_identifiers(void)
{
	int a = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), b;

	CHECK(a >= 0);
	CHECK_EQ(semget(KEY, 0, 0), a);
	CHECK_EQ(semget(KEY, 3, IPC_CREAT | 0600), a);
	CHECK_ERRNO(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERRNO(semget(KEY, 4, 0), EINVAL);
	CHECK_ERRNO(semget(KEY + 1, 1, 0600), ENOENT);
	CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERRNO(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	remove_set(a);
	CHECK_ERRNO(semctl(a, 0, GETVAL), EINVAL);
	CHECK_ERRNO(semget(KEY, 3, 0), ENOENT);
	b = semget(KEY, 1, IPC_CREAT | 0600);
	CHECK(b >= 0 && b % 32768 == a % 32768 + 1); // places are taken in turn
	remove_set(b);
	for (int i = 0; i < 63; i++) {
		b = new_set(1);
		remove_set(b);
	}
	CHECK_EQ(b, a + 32768); // the same place again, another sequence number
	CHECK_ERRNO(semctl(a, 0, GETVAL), EINVAL);
	ok("keys and identifiers");
}

static void bad_input(void)
{
	struct sembuf many[501] = {0};
	struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
	union semctl_argument argument = {.value = 32768};
	int set = new_set(2);

	CHECK_ERRNO(semop(set, many, 0), EINVAL);
	CHECK_ERRNO(semop(set, many, 501), E2BIG);
	CHECK_ERRNO(semop(-1, many, 1), EINVAL);
	CHECK_ERRNO(semop(set + 1, many, 1), EINVAL);
	CHECK_ERRNO(semop(set + 32768, many, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_semop, set, KERNEL_ADDRESS, 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_semop, set, UNMAPPED_ADDRESS, 1), EFAULT);
	CHECK_ERRNO(semtimedop(set, many, 1, &bad), EINVAL);
	CHECK_ERRNO(semtimedop(set, many, 1, &negative), EINVAL);
	CHECK_ERRNO(syscall(SYS_semtimedop, set, many, 1, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(one_op(set, 2, 1, 0), EFBIG);
	CHECK_ERRNO(one_op(set, 0, -1, IPC_NOWAIT), EAGAIN);
	CHECK_ERRNO(semctl(set, 2, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(set, -1, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(-1, 0, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(set, 0, SETVAL, argument), ERANGE);
	argument.value = -1;
	CHECK_ERRNO(semctl(set, 0, SETVAL, argument), ERANGE);
	argument.value = 1;
	CHECK_ERRNO(semctl(set, 2, SETVAL, argument), EINVAL);
	CHECK_ERRNO(syscall(SYS_semctl, set, 0, 99, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_semctl, set, 0, IPC_STAT, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_semctl, set, 0, IPC_SET, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_semctl, set, 0, GETALL, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_semctl, set, 0, SETALL, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_semctl, 0, 0, IPC_INFO, UNMAPPED_ADDRESS), EFAULT);
	CHECK_EQ(value_of(set, 0) + value_of(set, 1), 0);
	remove_set(set);
	ok("bad input");
}

static void all_or_none(void)
{
	unsigned short values[3] = {1, 5, 0};
	struct sembuf three[] = {{0, -1, 0}, {1, 7, 0}, {2, -1, IPC_NOWAIT}};
	struct sembuf twice[] = {{0, -1, 0}, {0, 3, 0}, {0, -3, 0}, {0, 0, IPC_NOWAIT}};
	struct sembuf high[] = {{1, 1, 0}, {2, 32767, 0}, {2, 1, 0}};
	union semctl_argument argument = {.array = values};
	int set = new_set(3);

	CHECK_EQ(semctl(set, 0, SETALL, argument), 0);
	CHECK_ERRNO(semop(set, three, 3), EAGAIN);
	CHECK_ERRNO(semop(set, high, 3), ERANGE);
	memset(values, 0xff, sizeof(values));
	CHECK_EQ(semctl(set, 0, GETALL, argument), 0);
	CHECK(values[0] == 1 && values[1] == 5 && values[2] == 0);
	CHECK_EQ(semop(set, twice, 4),
		 0); // one after the other, on what the one before left
	CHECK_EQ(value_of(set, 0), 0);
	values[1] = 40000;
	CHECK_ERRNO(semctl(set, 0, SETALL, argument), ERANGE);
	CHECK_EQ(value_of(set, 1), 5);
	CHECK_EQ(semctl(set, 0, GETPID), getpid());
	remove_set(set);
	ok("all or none");
}

static int shared_set;
static _Atomic int woken_order;
static _Atomic int orders[4];

static void *take_some(void *argument)
{
	long how_many = (long)argument;

	CHECK_EQ(one_op(shared_set, 0, (int)-how_many, 0), 0);
	orders[how_many] = ++woken_order;
	return NULL;
}

/* Who came first goes first, if he can; who needs more than there is does not hold the others up. */
static void waking_order(void)
{
	pthread_t threads[4];

	shared_set = new_set(1);
	woken_order = 0;
	threads[3] = start_thread(take_some, (void *)3);
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 1);
	threads[2] = start_thread(take_some, (void *)2);
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 2);
	threads[1] = start_thread(take_some, (void *)1);
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 3);
	CHECK_EQ(one_op(shared_set, 0, 1, 0), 0);
	join_thread(threads[1]);
	CHECK_EQ(semctl(shared_set, 0, GETNCNT), 2);
	CHECK_EQ(one_op(shared_set, 0, 3, 0), 0);
	join_thread(threads[3]);
	CHECK_EQ(value_of(shared_set, 0), 0);
	CHECK_EQ(one_op(shared_set, 0, 5, 0), 0);
	join_thread(threads[2]);
	CHECK_EQ(value_of(shared_set, 0), 3);
	CHECK(orders[1] == 1 && orders[3] == 2 && orders[2] == 3);
	remove_set(shared_set);
	ok("waking order");
}

static void *wait_for_zero(void *unused)
{
	CHECK_EQ(one_op(shared_set, 0, 0, 0), 0);
	return unused;
}

static void *take_one(void *unused)
{
	CHECK_EQ(one_op(shared_set, 0, -1, 0), 0);
	return unused;
}

static void zero_and_counts(void)
{
	pthread_t zero, taker;

	shared_set = new_set(2);
	set_value(shared_set, 0, 1);
	zero = start_thread(wait_for_zero, NULL);
	WAIT_UNTIL(semctl(shared_set, 0, GETZCNT) == 1);
	CHECK_EQ(semctl(shared_set, 0, GETNCNT), 0);
	CHECK_EQ(semctl(shared_set, 1, GETZCNT), 0);
	CHECK_EQ(one_op(shared_set, 0, -1, 0), 0);
	join_thread(zero);
	taker = start_thread(take_one, NULL);
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 1);
	set_value(shared_set, 0, 1); // SETVAL lets waiters go on too
	join_thread(taker);
	CHECK_EQ(semctl(shared_set, 0, GETNCNT), 0);
	remove_set(shared_set);
	ok("zero, and counts of waiters");
}

static void *see_removal(void *unused)
{
	CHECK_ERRNO(one_op(shared_set, 0, -1, SEM_UNDO), EIDRM);
	return unused;
}

static void removal_wakes(void)
{
	pthread_t threads[3];

	shared_set = new_set(1);
	for (int i = 0; i < 3; i++) {
		threads[i] = start_thread(see_removal, NULL);
	}
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 3);
	remove_set(shared_set);
	for (int i = 0; i < 3; i++) {
		join_thread(threads[i]);
	}
	ok("removal wakes with EIDRM");
}

static void do_nothing(int signal)
{
	(void)signal;
}

static pthread_t interrupted;

static void *be_interrupted(void *unused)
{
	CHECK_ERRNO(one_op(shared_set, 0, -1, 0), EINTR);
	return unused;
}

static void signals_and_time(void)
{
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	struct timespec none = {0}, short_time = {.tv_nsec = 20000000};
	struct sembuf take = {0, -1, 0};
	long long start;

	shared_set = new_set(1);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	interrupted = start_thread(be_interrupted, NULL);
	WAIT_UNTIL(semctl(shared_set, 0, GETNCNT) == 1);
	CHECK_EQ(pthread_kill(interrupted, SIGUSR1),
		 0); // never started again, SA_RESTART or not
	join_thread(interrupted);
	CHECK_EQ(semctl(shared_set, 0, GETNCNT), 0);
	CHECK_ERRNO(semtimedop(shared_set, &take, 1, &none), EAGAIN);
	start = now_ns();
	CHECK_ERRNO(semtimedop(shared_set, &take, 1, &short_time), EAGAIN);
	CHECK(now_ns() - start >= 20000000);
	CHECK_EQ(semctl(shared_set, 0, GETNCNT), 0);
	set_value(shared_set, 0, 1);
	CHECK_EQ(semtimedop(shared_set, &take, 1, &none), 0);
	remove_set(shared_set);
	ok("signals and time");
}

static void status_and_info(void)
{
	struct semid_ds status;
	struct seminfo info;
	union semctl_argument argument = {.status = &status}, about = {.info = &info};
	int set = semget(KEY, 4, IPC_CREAT | 0640), index;
	time_t now = time(NULL);

	CHECK(set >= 0);
	CHECK_EQ(semctl(set, 0, IPC_STAT, argument), 0);
	CHECK_EQ(status.sem_nsems, 4);
	CHECK_EQ(status.sem_perm.mode, 0640);
	CHECK_EQ(status.sem_perm.__key, KEY);
	CHECK_EQ(status.sem_otime, 0);
	CHECK(status.sem_ctime >= now - 1 && status.sem_ctime <= now + 5);
	CHECK_EQ(one_op(set, 1, 2, 0), 0);
	CHECK_EQ(semctl(set, 0, IPC_STAT, argument), 0);
	CHECK(status.sem_otime >= now - 1);
	status.sem_perm.mode = 0604;
	status.sem_perm.uid = 77;
	CHECK_EQ(semctl(set, 0, IPC_SET, argument), 0);
	CHECK_EQ(semctl(set, 0, IPC_STAT, argument), 0);
	CHECK(status.sem_perm.mode == 0604 && status.sem_perm.uid == 77 &&
	      status.sem_perm.cuid == geteuid());
	index = semctl(0, 0, SEM_INFO, about);
	CHECK(index >= 0 && info.semusz == 1 && info.semaem == 4);
	CHECK_EQ(semctl(index, 0, SEM_STAT, argument), set);
	CHECK_EQ(semctl(index, 0, SEM_STAT_ANY, argument), set);
	CHECK_ERRNO(semctl(index + 1, 0, SEM_STAT, argument), EINVAL);
	CHECK_EQ(semctl(0, 0, IPC_INFO, about), index);
	CHECK(info.semvmx == 32767 && info.semopm == 500 && info.semmsl == 32000);
	remove_set(set);
	ok("status and info");
}

static int denied_set;

static void be_somebody(void)
{
	struct semid_ds status;
	union semctl_argument argument = {.status = &status};

	CHECK_EQ(setresgid(4711, 4711, 4711), 0);
	CHECK_EQ(setresuid(4711, 4711, 4711), 0);
	CHECK_ERRNO(semget(KEY, 0, 0600), EACCES);
	CHECK_EQ(semget(KEY, 0, 0), denied_set);
	CHECK_EQ(semget(KEY, 0, 0004), denied_set);
	CHECK_ERRNO(one_op(denied_set, 0, 1, 0), EACCES);
	CHECK_EQ(one_op(denied_set, 0, 0, IPC_NOWAIT), 0); // for zero: reading is enough
	CHECK_EQ(value_of(denied_set, 0), 0);
	CHECK_ERRNO(semctl(denied_set, 0, SETVAL, 1), EACCES);
	CHECK_ERRNO(semctl(denied_set, 9, SETVAL, 1), EINVAL);
	CHECK_EQ(semctl(denied_set, 0, IPC_STAT, argument), 0);
	CHECK_ERRNO(semctl(denied_set, 0, IPC_SET, argument), EPERM);
	CHECK_ERRNO(semctl(denied_set, 0, IPC_RMID), EPERM);
}

static void permissions(void)
{
	if (geteuid() != 0) {
		return;
	}
	denied_set = semget(KEY, 1, IPC_CREAT | 0604);
	CHECK(denied_set >= 0);
	must_pass_in_child(be_somebody);
	remove_set(denied_set);
	ok("permissions");
}

static void write_limits(const char *text)
{
	int fd = open("/proc/sys/kernel/sem", O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void limits(void)
{
	char text[64] = {0};
	int fd = open("/proc/sys/kernel/sem", O_RDWR), a, b;

	if (fd < 0) {
		return;
	}
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(strcmp(text, "32000\t1024000000\t500\t32000\n") == 0);
	write_limits("10 15 3 2");
	CHECK_ERRNO(semget(IPC_PRIVATE, 11, 0600), EINVAL);
	a = new_set(10);
	CHECK_ERRNO(semget(IPC_PRIVATE, 6, 0600), ENOSPC);
	CHECK_ERRNO(semop(a, (struct sembuf[4]){0}, 4), E2BIG);
	b = new_set(1);
	CHECK_ERRNO(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	remove_set(a);
	remove_set(b);
	write_limits(text);
	ok("limits");
}

int main(void)
{
	own_ipc_namespace();
	keys_and_identifiers();
	bad_input();
	all_or_none();
	waking_order();
	zero_and_counts();
	removal_wakes();
	signals_and_time();
	status_and_info();
	permissions();
	limits();
	return 0;
}

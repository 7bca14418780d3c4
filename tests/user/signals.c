// SPDX-License-Identifier: MIT
/*
 * G1: handlers, masks, pending signals, SA_RESTART, sigaltstack, SIGPIPE, the exceptions of a
 * program, directed signals between threads, the register state a handler leaves, SIGCONT where nothing is stopped.
 * libc: musl
 */
#include "raw.h"
#include <sys/epoll.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last_signal, last_code;
static void *volatile last_address;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last_signal = signal;
	last_code = info->si_code;
	last_address = info->si_addr;
}

static void handle(int signal, int flags)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&action.sa_mask);
	CHECK_EQ(sigaction(signal, &action, NULL), 0);
}

static void check_mask_and_pending(void)
{
	sigset_t set, old;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	count = 0;
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(count, 0);
	CHECK_EQ(sigpending(&set), 0);
	CHECK(sigismember(&set, SIGUSR1));
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQ(count, 1); // a standard signal does not queue twice
	CHECK_EQ(last_code, SI_USER);
	sigfillset(&set);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &set), 0);
	CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP));
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	ok("mask_and_pending");
}

static void check_real_time_queue(void)
{
	sigset_t set, old;
	union sigval value;
	siginfo_t info;
	struct timespec none = {0, 0};

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	for (int i = 0; i < 3; i++) {
		value.sival_int = 100 + i;
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, value), 0);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
		CHECK_EQ(info.si_code, SI_QUEUE);
		CHECK_EQ(info.si_value.sival_int, 100 + i);
	}
	CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	ok("real_time_queue");
}

static int pipe_ends[2];
static pthread_t reader;
static atomic_int reader_tid;
static ssize_t read_result;
static int read_errno;

static void *read_pipe(void *unused)
{
	char byte;

	(void)unused;
	atomic_store(&reader_tid, thread_id());
	read_result = read(pipe_ends[0], &byte, 1);
	read_errno = errno;
	return NULL;
}

static void interrupt_reader(void)
{
	reader = start_thread(read_pipe, NULL);
	WAIT_UNTIL(atomic_load(&reader_tid));
	WAIT_UNTIL(thread_state(atomic_load(&reader_tid)) == 'S');
	count = 0;
	pthread_kill(reader, SIGUSR2);
	WAIT_UNTIL(count == 1);
}

static void check_interrupt_and_restart(void)
{
	CHECK_EQ(pipe(pipe_ends), 0);
	handle(SIGUSR2, 0);
	interrupt_reader();
	join_thread(reader);
	CHECK_EQ(read_result, -1);
	CHECK_EQ(read_errno, EINTR);
	handle(SIGUSR2, SA_RESTART);
	atomic_store(&reader_tid, 0);
	interrupt_reader();
	CHECK_EQ(write(pipe_ends[1], "x", 1), 1);
	join_thread(reader);
	CHECK_EQ(read_result, 1);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	ok("interrupt_and_restart");
}

static void check_broken_pipe(void)
{
	CHECK_EQ(pipe(pipe_ends), 0);
	close(pipe_ends[0]);
	handle(SIGPIPE, 0);
	count = 0;
	CHECK_ERRNO(write(pipe_ends[1], "x", 1), EPIPE);
	CHECK_EQ(count, 1);
	CHECK_EQ(last_signal, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(pipe_ends[1], "x", 1), EPIPE);
	close(pipe_ends[1]);
	ok("broken_pipe");
}

static char alternate[65536];
static volatile uintptr_t handler_stack;

static void note_stack(int signal)
{
	stack_t now;

	(void)signal;
	handler_stack = (uintptr_t)__builtin_frame_address(0);
	sigaltstack(NULL, &now);
	CHECK_EQ(now.ss_flags, SS_ONSTACK);
	now.ss_flags = SS_DISABLE;
	CHECK_ERRNO(sigaltstack(&now, NULL), EPERM);
}

static void check_alternate_stack(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	stack_t small = {.ss_sp = alternate, .ss_size = 100};
	struct sigaction action = {.sa_handler = note_stack, .sa_flags = SA_ONSTACK};

	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	CHECK_ERRNO(sigaltstack(&small, NULL), ENOMEM);
	small.ss_size = sizeof(alternate);
	small.ss_flags = 77;
	CHECK_ERRNO(sigaltstack(&small, NULL), EINVAL);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK(handler_stack > (uintptr_t)alternate &&
	      handler_stack < (uintptr_t)alternate + sizeof(alternate));
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	ok("alternate_stack");
}

/* The handler steps over the faulting instruction by changing the saved registers. */
static void skip_instruction(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	go_on_behind(context);
}

static void check_exceptions(void)
{
	struct sigaction action = {.sa_sigaction = skip_instruction,
				   .sa_flags = SA_SIGINFO};
	void *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	fault_at(UNMAPPED_ADDRESS);
	CHECK(last_code == SEGV_MAPERR && last_address == UNMAPPED_ADDRESS);
	fault_at(readonly);
	CHECK(last_code == SEGV_ACCERR && last_address == readonly);
	fault_at(KERNEL_ADDRESS);
	CHECK(last_code == SEGV_MAPERR || last_code == SEGV_ACCERR);
	fault_at(NON_CANONICAL);
	CHECK_EQ(last_code, CODE_NON_CANONICAL);
	CHECK_EQ(sigaction(SIGFPE, &action, NULL), 0);
	CHECK(!divide_by_zero() || (last_signal == SIGFPE && last_code == FPE_INTDIV));
	CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
	undefined_instruction();
	CHECK(last_signal == SIGILL && last_code == CODE_UNDEFINED);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
	breakpoint();
	CHECK_EQ(last_signal, SIGTRAP);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	ok("exceptions");
}

/* Privileged instructions and kernel addresses as code end in a signal, never worse. */
static void jump_to_kernel(void)
{
	((void (*)(void))KERNEL_ADDRESS)();
}

static void jump_to_data(void)
{
	static char code[16] = {(char)0xc3};

	((void (*)(void))(uintptr_t)code)();
}

static void check_deaths(void)
{
	CHECK_EQ(WTERMSIG(in_child(privileged_instruction)), SIGNAL_PRIVILEGED);
	CHECK_EQ(WTERMSIG(in_child(jump_to_kernel)), SIGSEGV);
	CHECK_EQ(WTERMSIG(in_child(jump_to_data)), SIGSEGV);
	CHECK_EQ(WTERMSIG(in_child(jump_astray)), SIGNAL_ASTRAY);
	ok("deaths");
}

static void check_errors(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};

	CHECK_ERRNO(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERRNO(sigaction(65, &action, NULL), EINVAL);
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(0x3ffffff, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, KERNEL_ADDRESS, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, UNMAPPED_ADDRESS, NULL, 8),
		    EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 77, alternate, NULL, 8), EINVAL);
	ok("errors");
}

static atomic_int handled_by;

static void note_thread(int signal)
{
	(void)signal;
	atomic_store(&handled_by, thread_id());
}

static void *block_all_and_stay(void *tid)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	atomic_store((atomic_int *)tid, thread_id());
	WAIT_UNTIL(atomic_load(&handled_by));
	return NULL;
}

/* A signal for the process goes to a thread that does not block it. */
static void check_delivery_to_willing_thread(void)
{
	static atomic_int other;
	pthread_t thread;

	signal(SIGUSR1, note_thread);
	thread = start_thread(block_all_and_stay, &other);
	WAIT_UNTIL(atomic_load(&other));
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	WAIT_UNTIL(atomic_load(&handled_by));
	CHECK_EQ(atomic_load(&handled_by), thread_id());
	join_thread(thread);
	ok("delivery_to_willing_thread");
}

static void check_interval_timer(void)
{
	struct itimerval soon = {{0, 0}, {0, 2000}};

	handle(SIGALRM, 0);
	count = 0;
	CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
	WAIT_UNTIL(count == 1);
	CHECK_EQ(last_signal, SIGALRM);
	ok("interval_timer");
}

static void check_suspend(void)
{
	sigset_t block, none;

	handle(SIGUSR1, 0);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	count = 0;
	raise(SIGUSR1);
	CHECK_EQ(count, 0);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK_EQ(count, 1);
	sigprocmask(SIG_BLOCK, NULL, &none);
	CHECK(sigismember(&none, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	ok("suspend");
}

/* It comes while we wait for it, and is one that would end us: sigwait takes it. */
static void wait_for_deadly(void)
{
	struct itimerval soon = {{0, 0}, {0, 20000}};
	sigset_t set;
	int number;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
		CHECK_EQ(sigwait(&set, &number), 0);
		CHECK_EQ(number, SIGALRM);
	}
}

static bool is_pending(int signal)
{
	sigset_t set;

	CHECK_EQ(sigpending(&set), 0);
	return sigismember(&set, signal) == 1;
}

/* A call that no handler restarts, and a SIGCONT without one: it sleeps on. */
static void sleep_through_continue(void)
{
	struct epoll_event event;
	pid_t sleeper = fork();
	int status;

	CHECK(sleeper >= 0);
	if (sleeper == 0) {
		int poll = epoll_create1(0);

		CHECK(poll >= 0);
		CHECK_EQ(epoll_wait(poll, &event, 1, 400), 0);
		_exit(0);
	}
	WAIT_UNTIL(process_state(sleeper) == 'S');
	CHECK_EQ(kill(sleeper, SIGCONT), 0);
	CHECK_EQ(waitpid(sleeper, &status, 0), sleeper);
	CHECK_EQ(status, 0);
}

/* What is stopped goes on, and its parent hears of it. */
static void stop_and_continue(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		for (;;) {
			pause();
		}
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(kill(child, SIGSTOP), 0);
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK(WIFSTOPPED(status));
		CHECK_EQ(kill(child, SIGCONT), 0);
		CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
		CHECK(WIFCONTINUED(status));
		WAIT_UNTIL(process_state(child) == 'S');
	}
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
}

/* One that is blocked and pending goes when the action becomes the default. */
static void drop_pending_continue(void)
{
	sigset_t set;

	handle(SIGCONT, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(raise(SIGCONT), 0);
	CHECK(is_pending(SIGCONT));
	signal(SIGCONT, SIG_DFL);
	CHECK(!is_pending(SIGCONT));
	CHECK_EQ(raise(SIGCONT), 0); // blocked: an action may be set before it is taken
	CHECK(is_pending(SIGCONT));
}

static void check_continue(void)
{
	must_pass_in_child(sleep_through_continue);
	must_pass_in_child(stop_and_continue);
	must_pass_in_child(drop_pending_continue);
	ok("continue");
}

int main(void)
{
	check_mask_and_pending();
	check_real_time_queue();
	check_interrupt_and_restart();
	check_broken_pipe();
	check_alternate_stack();
	check_exceptions();
	check_deaths();
	check_errors();
	check_delivery_to_willing_thread();
	check_interval_timer();
	check_suspend();
	check_continue();
	must_pass_in_child(wait_for_deadly);
	ok("wait_for_deadly");
	return 0;
}

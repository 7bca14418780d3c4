// SPDX-License-Identifier: MIT
/*
 * F3: rseq(2): registration with every refusal, what the fields say after moves, who inherits, sections that break the
 * rules end in SIGSEGV.
 * libc: musl
 */
#include "rseq.h"
#include <sys/resource.h>
#include <ucontext.h>

enum { CPUS_MOST = 64 };

static struct area area, other;
static unsigned cpus[CPUS_MOST];
static int cpu_count;

static void check_library(void)
{
	CHECK_EQ(getauxval(AUXV_RSEQ_SIZE), 28);
	CHECK_EQ(getauxval(AUXV_RSEQ_ALIGN), 32);
#if FROM_LIBRARY
	struct area *own = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	CHECK(__rseq_size >= 20);
	for (int i = 0; i < cpu_count; i++) {
		pin(0, cpus[i]);
		CHECK_EQ(own->cpu_id, cpus[i]);
		CHECK_EQ(sched_getcpu(), cpus[i]);
	}
	CHECK_ERRNO(rseq_call(own, AREA_SIZE, 0, SIGNATURE), EBUSY);
#endif
	ok("library");
}

static void check_refusals_unregistered(void)
{
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(NULL, AREA_SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 2, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, UNREGISTER | 8, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, 0, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, 28, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, 31, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call((char *)&area + 16, AREA_SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call((char *)&area + 16, 64, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call((char *)&area + 1, AREA_SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(NULL, AREA_SIZE, 0, SIGNATURE), EFAULT);
	CHECK_ERRNO(rseq_call((void *)0x20ul, AREA_SIZE, 0, SIGNATURE), EFAULT);
	CHECK_ERRNO(rseq_call((void *)0x7fffffffffe0ul, 64, 0, SIGNATURE), EFAULT);
	CHECK_ERRNO(rseq_call((void *)0xffff800000001000ul, AREA_SIZE, 0, SIGNATURE),
		    EFAULT);
	CHECK_ERRNO(rseq_call((void *)0xffffffffffffffe0ul, AREA_SIZE, 0, SIGNATURE),
		    EFAULT);
	ok("refusals_unregistered");
}

static void check_registration(void)
{
	memset((void *)&area, 0xff, sizeof(area));
	CHECK_EQ(rseq_call(&area, AREA_SIZE, 0, SIGNATURE), 0);
	CHECK_EQ(area.cpu_id, area.cpu_id_start);
	CHECK(area.cpu_id < CPU_SETSIZE);
	CHECK_EQ(area.section, 0);
	CHECK_EQ(area.node_id, 0);
	CHECK(area.mm_cid < CPU_SETSIZE);
	CHECK_EQ(area.flags, CPU_UNKNOWN); // the program's own
	CHECK_EQ(area.rest[0], CPU_UNKNOWN);
	area.flags = 0;
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 0, SIGNATURE), EBUSY);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 0, SIGNATURE + 1), EPERM);
	CHECK_ERRNO(rseq_call(&area, 64, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&other, AREA_SIZE, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 4, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&other, AREA_SIZE, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, 64, UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, UNREGISTER, 1), EPERM);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, UNREGISTER | 2, SIGNATURE), EINVAL);
	CHECK_EQ(area.cpu_id, asked_cpu());
	CHECK_EQ(rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE), 0);
	CHECK_EQ(area.cpu_id, CPU_UNKNOWN);
	CHECK_EQ(area.cpu_id_start, 0);
	CHECK_EQ(area.node_id, 0);
	CHECK_EQ(area.mm_cid, 0);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE), EINVAL);
	// Longer than what is known, with a signature of one's own.
	CHECK_EQ(rseq_call(&area, 64, 0, 0), 0);
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 0, 0), EINVAL);
	CHECK_EQ(rseq_call(&area, 64, UNREGISTER, 0), 0);
	ok("registration");
}

static void check_fields_after_moves(void)
{
	use_own_area(&area);
	for (int round = 0; round < 50; round++) {
		unsigned cpu = cpus[round % cpu_count];

		pin(0, cpu);
		CHECK_EQ(area.cpu_id, cpu);
		CHECK_EQ(area.cpu_id_start, cpu);
		CHECK_EQ(asked_cpu(), cpu);
		area.cpu_id = 77; // put right when it has been away
		while (area.cpu_id == 77) {
			usleep(100);
		}
		CHECK_EQ(area.cpu_id, cpu);
	}
	CHECK_EQ(rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE), 0);
	ok("fields_after_moves");
}

static void check_child_has_it(void)
{
	CHECK_EQ(area.cpu_id, asked_cpu());
	CHECK_ERRNO(rseq_call(&area, AREA_SIZE, 0, SIGNATURE), EBUSY);
	pin(0, cpus[cpu_count - 1]);
	CHECK_EQ(area.cpu_id, cpus[cpu_count - 1]);
	CHECK_EQ(area.mm_cid, 0);
}

static int check_sharer_has_none(void *unused)
{
	(void)unused;
	return rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE) == -1 &&
			       errno == EINVAL &&
			       rseq_call(&other, AREA_SIZE, 0, SIGNATURE) == 0 &&
			       other.cpu_id < CPU_SETSIZE
		       ? 0
		       : 1;
}

/* A child that shares the memory, with the parent suspended or not. */
static void run_sharer(uint64_t flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | flags,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int status;
	long child = clone3_call(&args, sizeof(args), check_sharer_has_none, NULL);

	CHECK(child > 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void exec_again(void)
{
	execl("/proc/self/exe", "rseq", "executed", NULL);
	CHECK(false);
}

static void check_inheritance(void)
{
	use_own_area(&area);
	must_pass_in_child(check_child_has_it);
	run_sharer(0);
	run_sharer(CLONE_VFORK);
	must_pass_in_child(exec_again);
	CHECK_EQ(rseq_call(&area, AREA_SIZE, UNREGISTER, SIGNATURE), 0);
	ok("inheritance");
}

/* The program that exec_again() starts: nothing is registered but by its own library. */
static int after_exec(void)
{
	cpu_count = list_cpus(cpus, CPUS_MOST);
	check_library();
	drop_library_registration();
	CHECK_EQ(rseq_call(&area, AREA_SIZE, 0, SIGNATURE), 0);
	return 0;
}

static char code[4096] __attribute__((aligned(4096)));
static struct section bad;
static uint64_t bad_address;
static volatile uint64_t seen_by_handler = 1;

static void note_section(int signal)
{
	(void)signal;
	seen_by_handler = area.section;
}

/* A signal looks at the section whatever the scheduler does. */
static void take_signal_with_bad_section(void)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGUSR1, note_section);
	signal(SIGSEGV, note_section);
	use_own_area(&area);
	area.section = bad_address ? bad_address : (uintptr_t)&bad;
	raise(SIGUSR1);
}

static void must_be_killed(const char *what)
{
	int status = in_child(take_signal_with_bad_section);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) {
		say("%s: status %#x\n", what, status);
		_exit(1);
	}
}

static void make_good(void)
{
	uint32_t signature = SIGNATURE;

	memcpy(code + 60, &signature, sizeof(signature));
	bad = (struct section){
		.start = (uintptr_t)code, .length = 16, .abort = (uintptr_t)code + 64};
	bad_address = 0;
}

/* A good one that the thread is not in is cleared. */
static void take_signal_outside(void)
{
	take_signal_with_bad_section();
	CHECK_EQ(area.section, 0);
	CHECK_EQ(seen_by_handler, 0);
}

static void leave_structure_unmapped(void)
{
	struct area *page = shared_page();

	signal(SIGSEGV, note_section);
	use_own_area(page);
	CHECK_EQ(munmap(page, 4096), 0);
	for (int i = 0; i < 1000; i++) {
		usleep(100);
	}
}

/* With the whole address space as the section, the thread is inside. */
static void surround(void)
{
	make_good();
	bad.start = 0;
	bad.length = (uintptr_t)code;
}

static void check_bad_sections(void)
{
	make_good();
	must_pass_in_child(take_signal_outside);
	bad.flags = 1; // it does not matter outside
	must_pass_in_child(take_signal_outside);
	make_good();
	bad.version = 1;
	must_be_killed("version");
	make_good();
	bad.abort = bad.start + 8;
	must_be_killed("abort inside");
	make_good();
	bad.abort += 4;
	must_be_killed("signature");
	make_good();
	bad.abort = USER_TOP;
	must_be_killed("abort beyond user space");
	make_good();
	bad.start = ~0ul - 8;
	must_be_killed("start beyond user space");
	make_good();
	bad.length = ~0ul - 64;
	must_be_killed("length wraps");
	make_good();
	bad.length = USER_HALF;
	must_be_killed("end beyond user space");
	make_good();
	bad.abort = 0x2000;
	must_be_killed("signature not readable");
	bad_address = 0x20;
	must_be_killed("not readable");
	bad_address = 0xffff800000001000ul;
	must_be_killed("beyond user space");
	bad_address = ~0ul;
	must_be_killed("last byte");
	surround();
	for (unsigned bit = 0; bit < 4; bit++) {
		bad.flags = 1u << bit;
		must_be_killed("flags inside");
	}
	ok("bad_sections");
}

static void check_unmapped_structure(void)
{
	int status = in_child(leave_structure_unmapped);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ok("unmapped_structure");
}

int main(int count, char **arguments)
{
	(void)arguments;
	if (count > 1) {
		return after_exec();
	}
	cpu_count = list_cpus(cpus, CPUS_MOST);
	CHECK(cpu_count > 0);
	check_library();
	drop_library_registration();
	check_refusals_unregistered();
	check_registration();
	check_fields_after_moves();
	check_inheritance();
	check_bad_sections();
	check_unmapped_structure();
	return 0;
}

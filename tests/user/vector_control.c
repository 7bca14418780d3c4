// SPDX-License-Identifier: MIT
/*
 * T5: who may use RISC-V's vectors: PR_RISCV_V_SET_CONTROL and PR_RISCV_V_GET_CONTROL, over clone and exec; /proc/sys/abi/riscv_v_default_allow;
 * AT_HWCAP, riscv_hwprobe(2) and /proc/cpuinfo say the same. Without vectors, or where they are off: SIGILL. No memory at the first use: SIGBUS.
 */
#include "vector.h"
#include <sys/prctl.h>

enum {
	SET_CONTROL = 69,
	GET_CONTROL = 70,
	OFF = 1,
	ON = 2,
	NEXT_OFF = 1 << 2,
	NEXT_ON = 2 << 2,
	INHERIT = 1 << 4,
	CALL_HWPROBE = 258,
	KEY_EXTENSIONS = 4,
	PROBED_V = 1 << 2,
	FAILURES_TRIED = 8
};

#define SETTING "/proc/sys/abi/riscv_v_default_allow"

static bool vectors_work(void)
{
	int status = in_child(vector_instruction);

	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGILL));
	return status == 0;
}

static long control(void)
{
	return prctl(GET_CONTROL, 0, 0, 0, 0);
}

static int set(unsigned long value)
{
	return prctl(SET_CONTROL, value, 0, 0, 0);
}

/* A program that begins now has this control; it looks at itself. */
static void expect_after_exec(long wanted)
{
	char number[24];
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		snprintf(number, sizeof(number), "%ld", wanted);
		execl("/proc/self/exe", "x", number, NULL);
		_exit(99);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static int look_at_self(long wanted)
{
	bool on = (wanted & 3) == ON;

	CHECK_EQ(control(), wanted);
	CHECK_EQ(has_vectors(), on);
	CHECK_EQ(vectors_work(), on);
	return 0;
}

static void check_refusals(void)
{
	CHECK_EQ(control(), ON);
	CHECK_ERRNO(set(OFF), EPERM);
	CHECK_ERRNO(set(3), EINVAL);
	CHECK_ERRNO(set(3 << 2), EINVAL);
	CHECK_ERRNO(set(ON | 3 << 2), EINVAL);
	CHECK_ERRNO(set(OFF | 3 << 2), EPERM);
	CHECK_ERRNO(set(1 << 5), EINVAL);
	CHECK_ERRNO(set(1ul << 32), EINVAL);
	CHECK_EQ(control(), ON);
	ok("refusals");
}

static void once_off(void)
{
	CHECK_EQ(set(NEXT_OFF), 0);
	CHECK_EQ(control(), ON | NEXT_OFF);
	CHECK(vectors_work());
	expect_after_exec(OFF);
	execl("/proc/self/exe", "x", "1", "then-on", NULL);
	_exit(1);
}

static void off_for_good(void)
{
	CHECK_EQ(set(ON | NEXT_OFF | INHERIT), 0);
	expect_after_exec(OFF | NEXT_OFF | INHERIT);
	CHECK_EQ(set(NEXT_ON | INHERIT), 0);
	expect_after_exec(ON | NEXT_ON | INHERIT);
	CHECK_EQ(set(INHERIT), 0);
	expect_after_exec(ON | INHERIT);
}

static void *have_own(void *unused)
{
	CHECK_EQ(control(), ON | NEXT_OFF); // its maker's
	CHECK_EQ(set(NEXT_ON), 0);
	CHECK_EQ(control(), ON | NEXT_ON);
	return unused;
}

static void of_each_thread(void)
{
	CHECK_EQ(set(NEXT_OFF), 0);
	join_thread(start_thread(have_own, NULL));
	CHECK_EQ(control(), ON | NEXT_OFF);
}

static void check_next_program(void)
{
	must_pass_in_child(once_off);
	must_pass_in_child(off_for_good);
	must_pass_in_child(of_each_thread);
	ok("next_program");
}

static void write_setting(const char *value)
{
	int file = open(SETTING, O_WRONLY);

	CHECK(file >= 0);
	CHECK_EQ(write(file, value, strlen(value)), strlen(value));
	close(file);
}

static char setting(void)
{
	char value[8] = "";
	int file = open(SETTING, O_RDONLY);

	CHECK(file >= 0);
	CHECK_EQ(read(file, value, sizeof(value)), 2);
	close(file);
	return value[0];
}

static void programs_without_default(void)
{
	expect_after_exec(OFF);
	CHECK(vectors_work()); // those that are there keep what they have
	CHECK_EQ(set(NEXT_ON), 0);
	expect_after_exec(ON);
}

static void check_setting(void)
{
	int status;

	CHECK_EQ(setting(), '1');
	write_setting("0\n");
	status = setting() == '0' ? in_child(programs_without_default) : -1;
	write_setting("1\n");
	CHECK_EQ(status, 0);
	CHECK_EQ(setting(), '1');
	ok("setting");
}

static void check_told_everywhere(void)
{
	int64_t probe[2] = {KEY_EXTENSIONS, 0};
	char text[8192];
	const char *isa;
	int file = open("/proc/cpuinfo", O_RDONLY);
	ssize_t length = read(file, text, sizeof(text) - 1);

	CHECK(length > 0);
	text[length] = 0;
	isa = strstr(text, "rv64");
	CHECK(isa != NULL);
	CHECK_EQ(memchr(isa + 4, 'v', strcspn(isa + 4, "_\n")) != NULL, has_vectors());
	CHECK_EQ(syscall(CALL_HWPROBE, probe, 1, 0, NULL, 0), 0);
	CHECK_EQ((probe[1] & PROBED_V) != 0, has_vectors());
	ok("told_everywhere");
}

static int fail_nth;

static void use_first_time(void)
{
	char plan[8];
	int file = open("/proc/heddle/fail_nth", O_WRONLY);

	snprintf(plan, sizeof(plan), "%d", fail_nth);
	CHECK_EQ(write(file, plan, strlen(plan)), strlen(plan));
	vector_instruction();
	_exit(0);
}

/* Others of the first allocations are page faults', which end with SIGKILL. */
static void check_no_memory(void)
{
	bool refused = false;
	int status = -1;

	for (fail_nth = 1; fail_nth < FAILURES_TRIED; fail_nth++) {
		status = in_child(use_first_time);
		refused |= WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
	}
	CHECK(refused);
	CHECK_EQ(status, 0);
	ok("no_memory");
}

static void check_machine_without(void)
{
	CHECK_ERRNO(control(), EINVAL);
	CHECK_ERRNO(set(ON), EINVAL);
	CHECK_EQ(access(SETTING, F_OK), -1);
	CHECK_EQ(vectors_work(), false);
	ok("machine_without");
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		CHECK_EQ(control(), OFF);
		CHECK_EQ(set(ON), 0);
		CHECK(vectors_work());
		return 0;
	}
	if (argc > 1) {
		return look_at_self(atol(argv[1]));
	}
	check_told_everywhere();
	if (!has_vectors()) {
		check_machine_without();
		return 0;
	}
	check_refusals();
	check_next_program();
	check_setting();
	if (access("/proc/heddle/fail_nth", W_OK) == 0) {
		check_no_memory();
	}
	return 0;
}

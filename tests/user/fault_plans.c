// SPDX-License-Identifier: MIT
/*
 * R6, R10: plans of failing allocations (docs/faults.md): for oneself, for a thread one names, for those one makes, over
 * exec; what the kernel says of them; bad input. Linux has none of it: skipped there.
 * libc: musl
 */
#include "ledger.h"
#include <sys/eventfd.h>

#define PLANS "/proc/heddle/fail_nth"

struct plan {
	long nth, counted, failed;
	bool children;
};

static int plans_fd;

static int write_plan(const char *text)
{
	return write(plans_fd, text, strlen(text)) < 0 ? errno : 0;
}

static bool read_plan(pid_t tid, struct plan *plan)
{
	char text[4096], *line = text;
	int fd = open(PLANS, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	CHECK(fd >= 0);
	length = read(fd, text, sizeof(text) - 1);
	CHECK(length >= 0);
	close(fd);
	text[length] = 0;
	for (; *line; line = strchr(line, '\n') + 1) {
		char word[16] = "";
		int number;

		CHECK(sscanf(line, "%d %ld %ld %ld %15[a-z]", &number, &plan->nth,
			     &plan->counted, &plan->failed, word) >= 4);
		plan->children = strcmp(word, "children") == 0;
		if (number == tid) {
			return true;
		}
	}
	return false;
}

static void check_bad_input(void)
{
	static const char *const bad[] = {"x",
					  "-1",
					  "1 x",
					  "1 1 x",
					  "1 1 1",
					  "1 children x",
					  "99999999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(write_plan(bad[i]), EINVAL);
	}
	CHECK_EQ(write_plan("1 4194303"), ESRCH);
	CHECK_EQ(write_plan("1 99999999999"), ESRCH);
	ok("bad_input");
}

static void as_nobody(void)
{
	CHECK_EQ(setuid(65534), 0);
	CHECK_EQ(write_plan("1"), EPERM); // through a descriptor of root's
	CHECK_ERRNO(open(PLANS, O_RDWR), EACCES);
}

/* The one that fails says so, those around it do not; then it is over. */
static void fail_my_own(void)
{
	struct plan plan;
	int failures = 0;

	CHECK_EQ(write_plan("1000000"), 0);
	CHECK(read_plan(getpid(), &plan));
	CHECK_EQ(plan.nth, 1000000);
	CHECK_EQ(plan.failed, 0);
	CHECK(plan.counted > 0); // the reading itself
	CHECK_EQ(write_plan("3"), 0);
	for (int i = 0; i < 20; i++) {
		int fd = eventfd(0, 0);

		failures += fd < 0 && errno == ENOMEM;
		if (fd >= 0) {
			close(fd);
		}
	}
	CHECK_EQ(failures, 1);
	CHECK(read_plan(getpid(), &plan));
	CHECK_EQ(plan.failed, 1);
	CHECK_EQ(write_plan("0"), 0);
	CHECK(!read_plan(getpid(), &plan));
}

/* Both have their own count; what they make is not counted, unless it was said. */
static atomic_int told, failed_there, leave;

static void *fail_when_told(void *tid)
{
	atomic_store((atomic_int *)tid, thread_id());
	WAIT_UNTIL(atomic_load(&told));
	for (int i = 0; i < 20; i++) {
		int fd = eventfd(0, 0);

		atomic_fetch_add(&failed_there, fd < 0 && errno == ENOMEM);
		close(fd);
	}
	atomic_store(&told, 0);
	WAIT_UNTIL(atomic_load(&leave));
	return NULL;
}

static void fail_anothers(void)
{
	atomic_int tid = 0;
	struct plan plan;
	char text[32];
	pthread_t thread = start_thread(fail_when_told, &tid);

	WAIT_UNTIL(atomic_load(&tid));
	snprintf(text, sizeof(text), "5 %d", atomic_load(&tid));
	CHECK_EQ(write_plan(text), 0);
	CHECK(!read_plan(getpid(), &plan));
	CHECK(read_plan(atomic_load(&tid), &plan));
	CHECK_EQ(plan.nth, 5);
	CHECK_EQ(plan.failed, 0);
	atomic_store(&told, 1);
	WAIT_UNTIL(!atomic_load(&told));
	CHECK_EQ(atomic_load(&failed_there), 1);
	CHECK(read_plan(atomic_load(&tid), &plan));
	CHECK_EQ(plan.failed, 1);
	CHECK(plan.counted >= 5);
	atomic_store(&leave, 1);
	join_thread(thread);
	WAIT_UNTIL(!read_plan(atomic_load(&tid), &plan)); // it ends with its thread
}

static void expect_no_plan(void)
{
	struct plan plan;

	CHECK(!read_plan(getpid(), &plan));
}

static void expect_plan(void)
{
	struct plan plan;

	CHECK(read_plan(getpid(), &plan));
	CHECK_EQ(plan.nth, 1000000);
	CHECK_EQ(plan.failed, 0);
	CHECK(plan.children);
}

static void check_children(void)
{
	CHECK_EQ(write_plan("1000000"), 0);
	must_pass_in_child(expect_no_plan);
	CHECK_EQ(write_plan("1000000 children"), 0);
	must_pass_in_child(expect_plan);
	CHECK_EQ(write_plan("0"), 0);
	must_pass_in_child(expect_no_plan);
	ok("children");
}

static char self[512];

static void become(void)
{
	char *arguments[] = {self, "planned", NULL};

	CHECK_EQ(write_plan("1000000 children"), 0);
	execv(self, arguments);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "planned") == 0) {
		expect_plan();
		return 0;
	}
	ledger_required();
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	plans_fd = open(PLANS, O_WRONLY | O_CLOEXEC);
	CHECK(plans_fd >= 0);
	check_bad_input();
	must_pass_in_child(as_nobody);
	ok("nobody");
	must_pass_in_child(fail_my_own);
	ok("own");
	must_pass_in_child(fail_anothers);
	ok("anothers");
	check_children();
	must_pass_in_child(become);
	ok("exec");
	return 0;
}

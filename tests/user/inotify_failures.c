// SPDX-License-Identifier: MIT
/*
 * R6, R10: inotify(7): what a user may have of it, and each allocation of making an instance and a watch, of an event and of a watch's
 * end failing once: then nothing has changed, or the queue says that it lost something; and nothing is left.
 */
#include "ledger.h"
#include "settings.h"
#include "watching.h"

enum { USER = 54321, INSTANCES = 3, WATCHES = 5, MOST = 60 };

/* A user of his own, so that nobody else's count. */
static void use_all(void)
{
	char name[16];
	int first, fd;

	CHECK_EQ(setresuid(USER, USER, USER), 0);
	first = watching(0);
	for (int i = 1; i < INSTANCES; i++) {
		watching(0);
	}
	CHECK_ERRNO(inotify_init1(0), EMFILE);
	for (int i = 0; i < WATCHES; i++) {
		snprintf(name, sizeof(name), "few/%d", i);
		watch(first + i % INSTANCES, name, IN_OPEN);
	}
	CHECK_ERRNO(inotify_add_watch(first, "few", IN_OPEN), ENOSPC);
	watch(first, "few/0", IN_CLOSE); // no new one
	close(first);
	fd = watching(0); // what it had may be had again
	watch(fd, "few", IN_OPEN);
	CHECK_EQ(inotify_rm_watch(fd, 1), 0);
	watch(fd, "few/0", IN_OPEN);
	watch(fd, "few/3", IN_OPEN);
	CHECK_ERRNO(inotify_add_watch(fd, "few", IN_OPEN), ENOSPC);
}

static void check_limits(void)
{
	struct setting instances = {.path = "/proc/sys/fs/inotify/max_user_instances"};
	struct setting watches = {.path = "/proc/sys/fs/inotify/max_user_watches"};
	char name[16];

	if (access(instances.path, W_OK)) {
		return; // not for us to set
	}
	CHECK_EQ(mkdir("few", 0755), 0);
	for (int i = 0; i < WATCHES; i++) {
		snprintf(name, sizeof(name), "few/%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	CHECK_EQ(chmod(".", 0755), 0);
	change_setting(&instances, "3");
	change_setting(&watches, "5");
	int status = in_child(use_all);
	restore_setting(&watches);
	restore_setting(&instances);
	CHECK_EQ(status, 0);
	for (int i = 0; i < WATCHES; i++) {
		snprintf(name, sizeof(name), "few/%d", i);
		CHECK_EQ(unlink(name), 0);
	}
	CHECK_EQ(rmdir("few"), 0);
	ok("limits");
}

static int plans;

static int in;

static int make(void)
{
	in = inotify_init1(IN_NONBLOCK);
	return in;
}

static int add(void)
{
	return inotify_add_watch(in, "f", IN_ATTRIB);
}

static int happen(void)
{
	return chmod("f", 0600);
}

static int stop(void)
{
	return inotify_rm_watch(in, 1);
}

/* The step passes whatever fails, and what it tells is `mask`, or that something was lost. true: the former. */
static bool tells(int nth, int (*step)(void), uint32_t mask)
{
	struct inotify_event event;

	fail_nth(plans, nth);
	int result = step(), error = errno;

	fail_nth(plans, 0);
	if (result < 0) {
		CHECK_EQ(error, ENOMEM); // finding the file
		EXPECT_NOTHING(in);
		return false;
	}
	CHECK_EQ(read(in, &event, sizeof(event)), (ssize_t)sizeof(event));
	CHECK(event.mask == mask || (event.mask == IN_Q_OVERFLOW && event.wd == -1));
	EXPECT_NOTHING(in);
	return event.mask == mask;
}

static void check_failures(void)
{
	struct ledger before;
	int nth;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	close(make());
	ledger_begin(&before);
	CHECK(fail_until(plans, make, MOST) >= 3);
	CHECK(fail_until(plans, add, MOST) >= 1);
	for (nth = 1; !tells(nth, happen, IN_ATTRIB); nth++) {
		CHECK(nth < MOST);
	}
	CHECK(nth > 1);
	CHECK(!tells(1, stop, IN_IGNORED));
	CHECK_ERRNO(inotify_rm_watch(in, 1), EINVAL); // it went all the same
	close(in);
	ledger_expect(&before);
	CHECK_EQ(unlink("f"), 0);
	ok("failures");
}

int main(void)
{
	check_limits();
	plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	if (plans >= 0) {
		check_failures();
	}
	return 0;
}

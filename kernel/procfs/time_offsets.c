// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/PID/timens_offsets: the offsets of a process's time namespace for children. See time_namespaces(7).
 */
#include "procfs/procfs_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "process/namespace/namespace.h"
#include "process/namespace/time_namespace.h"
#include "time/clock.h"
#include <linux/stat.h>

static const struct {
	const char *name, *number;
} clocks[TIME_OFFSETS] = {
	[TIME_OFFSET_MONOTONIC] = {"monotonic", "1"},
	[TIME_OFFSET_BOOTTIME] = {"boottime", "7"},
};

static struct time_namespace *get_namespace(const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	struct time_namespace *time = thread ? time_for_children(thread) : NULL;

	thread_put(thread);
	return time;
}

int proc_show_time_offsets(struct proc_text *text, const struct proc_node *node)
{
	struct time_namespace *time = get_namespace(node);
	nsec_t offsets[TIME_OFFSETS];

	if (!time) {
		return -ESRCH;
	}
	time_offsets(time, offsets);
	namespace_put(&time->base);
	for (unsigned i = 0; i < TIME_OFFSETS; i++) {
		struct __kernel_timespec value = nsec_to_timespec(offsets[i]);

		proc_print(text, "%-10s %10ld %9ld\n", clocks[i].name, (long)value.tv_sec,
			   (long)value.tv_nsec);
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of a line, ended with a NUL; "" at the line's end. */
static char *next_word(char **at)
{
	char *word;

	while (is_blank(**at)) {
		(*at)++;
	}
	word = *at;
	while (**at && !is_blank(**at)) {
		(*at)++;
	}
	if (**at) {
		*(*at)++ = '\0';
	}
	return word;
}

/* "CLOCK SECONDS NANOSECONDS", the seconds perhaps negative. What follows is not looked at. */
static int parse_line(char *line, unsigned *which, nsec_t offsets[TIME_OFFSETS])
{
	const char *clock = next_word(&line), *seconds = next_word(&line);
	const char *rest = next_word(&line);
	bool negative = *seconds == '-';
	u64 whole, part;
	unsigned i = 0;

	while (i < TIME_OFFSETS && strcmp(clock, clocks[i].name) != 0 &&
	       strcmp(clock, clocks[i].number) != 0) {
		i++;
	}
	if (i == TIME_OFFSETS || string_to_u64(seconds + negative, &whole) ||
	    string_to_u64(rest, &part) || part >= (u64)NSEC_PER_SEC) {
		return -EINVAL;
	}
	if (whole >= (u64)(NSEC_NEVER / NSEC_PER_SEC)) {
		return -ERANGE;
	}
	offsets[i] = (nsec_t)whole * NSEC_PER_SEC * (negative ? -1 : 1) + (nsec_t)part;
	*which |= 1u << i;
	return 0;
}

/* One line for each clock at most; more are not looked at. */
static int parse(char *text, unsigned *which, nsec_t offsets[TIME_OFFSETS])
{
	int err = 0;

	for (unsigned lines = 0; text && lines < TIME_OFFSETS && !err; lines++) {
		char *end = strchr(text, '\n');

		if (end) {
			*end = '\0';
		}
		err = parse_line(text, which, offsets);
		text = end && end[1] ? end + 1 : NULL;
	}
	return err;
}

int proc_write_time_offsets(const struct proc_node *node,
			    const struct credentials *opener, char *text)
{
	struct time_namespace *time = get_namespace(node);
	nsec_t offsets[TIME_OFFSETS] = {0};
	unsigned which = 0;
	int err;

	if (!time) {
		return -ESRCH;
	}
	err = parse(text, &which, offsets);
	if (!err || err == -ERANGE) {
		err = namespace_capable(opener, time->base.owner, CAP_SYS_TIME) ? err
										: -EPERM;
	}
	if (!err) {
		err = time_set_offsets(time, which, offsets);
	}
	namespace_put(&time->base);
	return err;
}

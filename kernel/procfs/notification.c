// SPDX-License-Identifier: MIT
/* proc(5): /proc/sys/fs/inotify, fanotify and dir-notify-enable, what users may have of notification of changes of files. */
#include "procfs/procfs_internal.h"

#include "fs/notify/dnotify.h"
#include "fs/notify/fanotify.h"
#include "fs/notify/inotify.h"
#include <linux/stat.h>

#define LIMIT(name, get, set)                                                        \
	static int show_##name(struct proc_text *text, const struct proc_node *node) \
	{                                                                            \
		proc_print(text, "%u\n", get);                                       \
		return 0;                                                            \
	}                                                                            \
	static int write_##name(const struct proc_node *node, char *value)           \
	{                                                                            \
		u64 number;                                                          \
		int error = proc_parse_limit(value, INT32_MAX, &number);             \
                                                                                     \
		if (!error) {                                                        \
			set;                                                         \
		}                                                                    \
		return error;                                                        \
	}
#define INOTIFY_LIMIT(name, which) \
	LIMIT(name, inotify_limit(which), inotify_set_limit(which, (u32)number))

INOTIFY_LIMIT(events, INOTIFY_EVENTS)
INOTIFY_LIMIT(instances, INOTIFY_INSTANCES)
INOTIFY_LIMIT(watches, INOTIFY_WATCHES)
#define FANOTIFY_LIMIT(name, which) \
	LIMIT(name, fanotify_limit(which), fanotify_set_limit(which, (u32)number))
FANOTIFY_LIMIT(fanotify_events, FANOTIFY_EVENTS)
FANOTIFY_LIMIT(groups, FANOTIFY_GROUPS)
FANOTIFY_LIMIT(marks, FANOTIFY_MARKS)

#define ROW(n, functions)          \
	{.name = n,                \
	 .mode = S_IFREG | 0644,   \
	 .show = show_##functions, \
	 .write = write_##functions}

const struct proc_entry proc_inotify_entries[] = {
	ROW("max_queued_events", events),
	ROW("max_user_instances", instances),
	ROW("max_user_watches", watches),
	{0},
};

const struct proc_entry proc_fanotify_entries[] = {
	ROW("max_queued_events", fanotify_events),
	ROW("max_user_groups", groups),
	ROW("max_user_marks", marks),
	{0},
};

int proc_show_dnotify(struct proc_text *text, const struct proc_node *node)
{
	proc_print(text, "%u\n", dnotify_enabled());
	return 0;
}

int proc_write_dnotify(const struct proc_node *node, char *value)
{
	u64 number;
	int error = proc_parse_limit(value, INT32_MAX, &number);

	if (!error) {
		dnotify_enable((u32)number);
	}
	return error;
}

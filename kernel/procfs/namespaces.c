// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/PID/ns: a thread's namespaces as links to nsfs. See namespaces(7).
 */
#include "procfs/procfs_internal.h"

#include "fs/nsfs.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "process/namespace/namespace.h"
#include "process/resources.h"
#include <linux/stat.h>

/* With a reference, if the reader may look. -EACCES; -ENOENT: it has ended. */
static int get_namespace(const struct proc_node *node, struct namespace **out)
{
	struct thread *thread = proc_thread(node);
	int err;

	if (!thread) {
		return -ENOENT;
	}
	err = thread_check_access(thread, ACCESS_VM_READ) ? -EACCES : 0;
	if (!err) {
		*out = thread_get_namespace(thread, node->entry->number);
		err = *out ? 0 : -ENOENT;
	}
	thread_put(thread);
	return err;
}

static int link_namespace(const struct proc_node *node, char *to, size_t size)
{
	struct namespace *namespace;
	int length, err = get_namespace(node, &namespace);

	if (err) {
		return err;
	}
	length = format_string(to, size, "%s:[%lu]", namespace->operations->name,
			       namespace->number);
	namespace_put(namespace);
	return MIN(length, (int)size);
}

static int follow_namespace(const struct proc_node *node, struct path *out)
{
	struct namespace *namespace;
	int err = get_namespace(node, &namespace);

	if (!err) {
		err = nsfs_path(namespace, out);
		namespace_put(namespace);
	}
	return err;
}

#define NAMESPACE_LINK(n, link_)            \
	{                                   \
		.name = n,                  \
		.mode = S_IFLNK | 0777,     \
		.link = link_namespace,     \
		.follow = follow_namespace, \
		.number = (link_),          \
	}

const struct proc_entry proc_namespace_entries[] = {
	NAMESPACE_LINK("cgroup", NAMESPACE_SLOT_CGROUP),
	NAMESPACE_LINK("ipc", NAMESPACE_SLOT_IPC),
	NAMESPACE_LINK("mnt", NAMESPACE_SLOT_MOUNTS),
	NAMESPACE_LINK("net", NAMESPACE_SLOT_NETWORK),
	NAMESPACE_LINK("pid", NAMESPACE_LINK_PID),
	NAMESPACE_LINK("pid_for_children", NAMESPACE_SLOT_PID_FOR_CHILDREN),
	NAMESPACE_LINK("time", NAMESPACE_SLOT_TIME),
	NAMESPACE_LINK("time_for_children", NAMESPACE_SLOT_TIME_FOR_CHILDREN),
	NAMESPACE_LINK("user", NAMESPACE_LINK_USER),
	NAMESPACE_LINK("uts", NAMESPACE_SLOT_UTS),
	{0},
};

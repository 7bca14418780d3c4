// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/sysvipc, and the limits of System V IPC in /proc/sys/kernel. Both are of the reader's IPC namespace.
 */
#include "procfs/procfs_internal.h"
#include "procfs/sysv_internal.h"

#include "cred/user_namespace.h"
#include "ipc/sysv/shared_memory.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/namespace/ipc_caller.h"
#include <linux/capability.h>
#include <linux/stat.h>

enum { INDEX_LIMIT = 1 << 15 };

static u32 uid_of(u32 uid)
{
	return id_from_kernel_or_overflow(current_credentials()->user_namespace, ID_USER,
					  uid);
}

static u32 gid_of(u32 gid)
{
	return id_from_kernel_or_overflow(current_credentials()->user_namespace, ID_GROUP,
					  gid);
}

static void print_owners(struct proc_text *text, const struct ipc64_perm *permissions)
{
	proc_print(text, " %5u %5u %5u %5u", uid_of(permissions->uid),
		   gid_of(permissions->gid), uid_of(permissions->cuid),
		   gid_of(permissions->cgid));
}

static int show_semaphores(struct proc_text *text, const struct proc_node *node)
{
	struct ipc_caller caller = current_ipc_caller();
	struct seminfo info;
	int last = semaphore_info(&caller, false, &info);

	proc_print(text, "       key      semid perms      nsems   uid   gid  cuid  cgid"
			 "      otime      ctime\n");
	for (int i = 0; i <= last; i++) {
		struct semid64_ds set;
		int id = semaphore_status(&caller, IPC_BY_INDEX_ANY, i, &set);

		if (id < 0) {
			continue;
		}
		proc_print(text, "%10d %10d  %4o %10lu", set.sem_perm.key, id,
			   set.sem_perm.mode, set.sem_nsems);
		print_owners(text, &set.sem_perm);
		proc_print(text, " %10ld %10ld\n", set.sem_otime, set.sem_ctime);
	}
	return 0;
}

static int show_queues(struct proc_text *text, const struct proc_node *node)
{
	struct ipc_caller caller = current_ipc_caller();
	struct msginfo info;
	int last = message_info(&caller, false, &info);

	proc_print(text, "       key      msqid perms      cbytes       qnum lspid lrpid"
			 "   uid   gid  cuid  cgid      stime      rtime      ctime\n");
	for (int i = 0; i <= last; i++) {
		struct msqid64_ds queue;
		int id = message_queue_status(&caller, IPC_BY_INDEX_ANY, i, &queue);

		if (id < 0) {
			continue;
		}
		proc_print(text, "%10d %10d  %4o  %10lu %10lu %5u %5u",
			   queue.msg_perm.key, id, queue.msg_perm.mode, queue.msg_cbytes,
			   queue.msg_qnum, (u32)queue.msg_lspid, (u32)queue.msg_lrpid);
		print_owners(text, &queue.msg_perm);
		proc_print(text, " %10ld %10ld %10ld\n", queue.msg_stime, queue.msg_rtime,
			   queue.msg_ctime);
	}
	return 0;
}

static void print_segment(struct proc_text *text, int id,
			  const struct shmid64_ds *segment, u64 resident)
{
	proc_print(text, "%10d %10d  %4o %21lu %5u %5u  %5lu", segment->shm_perm.key, id,
		   segment->shm_perm.mode, segment->shm_segsz, (u32)segment->shm_cpid,
		   (u32)segment->shm_lpid, segment->shm_nattch);
	print_owners(text, &segment->shm_perm);
	proc_print(text, " %10ld %10ld %10ld %21lu %21lu\n", segment->shm_atime,
		   segment->shm_dtime, segment->shm_ctime, resident << PAGE_SHIFT, 0ul);
}

static int show_segments(struct proc_text *text, const struct proc_node *node)
{
	struct ipc_caller caller = current_ipc_caller();
	struct shminfo64 info;
	int last = segment_limits(&caller, &info);

	proc_print(text, "       key      shmid perms                  size  cpid  lpid"
			 " nattch   uid   gid  cuid  cgid      atime      dtime"
			 "      ctime                   rss                  swap\n");
	for (int i = 0; i <= last; i++) {
		struct shmid64_ds segment;
		u64 resident;
		int id =
			segment_status(&caller, IPC_BY_INDEX_ANY, i, &segment, &resident);

		if (id >= 0) {
			print_segment(text, id, &segment, resident);
		}
	}
	return 0;
}

const struct proc_entry proc_sysvipc_entries[] = {
	{.name = "msg", .mode = S_IFREG | 0444, .show = show_queues},
	{.name = "sem", .mode = S_IFREG | 0444, .show = show_semaphores},
	{.name = "shm", .mode = S_IFREG | 0444, .show = show_segments},
	{0},
};

/* --- limits --- */

/* The next number of a line; false: there is none, or it is more than `most`. */
static bool next_number(char **text, u64 most, u64 *out)
{
	char *end;

	while (**text == ' ' || **text == '\t') {
		(*text)++;
	}
	for (end = *text; *end && *end != ' ' && *end != '\t'; end++) {
	}
	if (*end) {
		*end++ = 0;
	}
	if (string_to_u64(*text, out) || *out > most) {
		return false;
	}
	*text = end;
	return true;
}

/* Who may: the files' mode is not enough, for a namespace's owner need not be root. */
static int write_one(char *text, u64 most, u64 *out)
{
	struct ipc_caller caller = current_ipc_caller();

	if (!credentials_capable_in(caller.credentials, caller.owner, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	return next_number(&text, most, out) ? 0 : -EINVAL;
}

#define LIMIT(name, member, most)                                                       \
	int proc_show_##name(struct proc_text *text, const struct proc_node *node)      \
	{                                                                               \
		proc_print(text, "%lu\n",                                               \
			   (u64)READ_ONCE(current_ipc_caller().ipc->member));           \
		return 0;                                                               \
	}                                                                               \
	int proc_write_##name(const struct proc_node *node, char *value)                \
	{                                                                               \
		u64 number;                                                             \
		int error = write_one(value, most, &number);                            \
                                                                                        \
		if (!error) {                                                           \
			WRITE_ONCE(current_ipc_caller().ipc->member,                    \
				   (__typeof__(((struct sysv_ipc *)0)->member))number); \
		}                                                                       \
		return error;                                                           \
	}

LIMIT(msgmax, message_size, 0x7fffffff)
LIMIT(msgmnb, queue_size, 0x7fffffff)
LIMIT(msgmni, queues, INDEX_LIMIT)
LIMIT(shmmax, segment_size, UINT64_MAX)
LIMIT(shmall, pages_in_all, UINT64_MAX)
LIMIT(shmmni, segment_limit, INDEX_LIMIT)

LIMIT(queues_max, mq_queues, 0x7fffffff)
LIMIT(msg_max, mq_messages, 65536)
LIMIT(msgsize_max, mq_size, 16 << 20)
LIMIT(msg_default, mq_messages_default, 65536)
LIMIT(msgsize_default, mq_size_default, 16 << 20)

const struct proc_entry proc_mqueue_entries[] = {
	PROC_LIMIT_ROW(msg_default),     PROC_LIMIT_ROW(msg_max),
	PROC_LIMIT_ROW(msgsize_default), PROC_LIMIT_ROW(msgsize_max),
	PROC_LIMIT_ROW(queues_max),      {0},
};

int proc_show_sem(struct proc_text *text, const struct proc_node *node)
{
	const struct sysv_ipc *ipc = current_ipc_caller().ipc;

	proc_print(text, "%d\t%d\t%d\t%d\n", READ_ONCE(ipc->sem_per_set),
		   READ_ONCE(ipc->sem_in_all), READ_ONCE(ipc->sem_operations),
		   READ_ONCE(ipc->sem_sets));
	return 0;
}

/* Up to four numbers; those that are not there stay. */
int proc_write_sem(const struct proc_node *node, char *value)
{
	struct sysv_ipc *ipc = current_ipc_caller().ipc;
	s32 *members[] = {&ipc->sem_per_set, &ipc->sem_in_all, &ipc->sem_operations,
			  &ipc->sem_sets};
	u64 numbers[ARRAY_SIZE(members)], unused;
	unsigned count = 0;
	int error = *value ? write_one((char[]){"0"}, 0, &unused) : -EINVAL;

	if (error) {
		return error;
	}
	while (count < ARRAY_SIZE(members) && *value) {
		if (!next_number(&value, 0x7fffffff, &numbers[count])) {
			return -EINVAL;
		}
		count++;
	}
	if (count == ARRAY_SIZE(members) && numbers[3] > INDEX_LIMIT) {
		return -ERANGE;
	}
	for (unsigned i = 0; i < count; i++) {
		WRITE_ONCE(*members[i], (s32)numbers[i]);
	}
	return 0;
}

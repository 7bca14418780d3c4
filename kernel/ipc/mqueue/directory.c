// SPDX-License-Identifier: MIT
/*
 * POSIX message queues: their file system.
 *
 * Owns      struct mqueue_directory, the file system type "mqueue".
 * Locks     mqueue_directory.create_lock > inode.lock > mqueue_directory.lock (RANK_IPC): the list
 *
 * A queue that is linked has a reference on its inode from the directory, so it is found again when its name is no longer
 * cached. Each namespace has one super block, kept by a mount of its own that is attached nowhere.
 */
#include "ipc/mqueue/mqueue_internal.h"

#include "core/panic.h"
#include "cred/user_account.h"
#include "fs/directory.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#ifndef MQUEUE_MAGIC
#	define MQUEUE_MAGIC 0x19800202
#endif

/* What attributes may never exceed, and the bytes one queue may take. */
enum { HARD_MESSAGES = 65536, HARD_SIZE = 16 << 20 };

OBJECT_CACHE(directories, mqueue_directory);

static struct mutex mounts_lock; /* sysv_ipc.queues_mount is made once */
static const struct mqueue_process_operations *process_operations;

void mqueue_set_process_operations(const struct mqueue_process_operations *operations)
{
	process_operations = operations;
}

void mqueue_signal(const struct mqueue_notice *notice)
{
	if (process_operations && !notice->silent) {
		process_operations->signal(notice);
	}
}

static struct mqueue_directory *directory_of(const struct inode *inode)
{
	return inode->super_block->data;
}

/* directory->lock held. */
static struct mqueue *find(struct mqueue_directory *directory, const char *name)
{
	struct mqueue *queue;

	list_for_each(queue, &directory->queues, link) {
		if (strcmp(queue->name, name) == 0) {
			return queue;
		}
	}
	return NULL;
}

static int mqueue_lookup(struct inode *inode, struct dentry *dentry)
{
	struct mqueue_directory *directory = directory_of(inode);
	struct mqueue *queue;

	mutex_lock(&directory->lock);
	queue = find(directory, dentry->name);
	if (queue) {
		inode_get(queue->inode);
	}
	mutex_unlock(&directory->lock);
	if (queue) {
		dentry_set_inode(dentry, queue->inode);
	}
	return 0;
}

/* --- making --- */

static int check_attributes(const struct sysv_ipc *ipc, const struct mq_attr *wanted,
			    bool privileged)
{
	s64 messages = privileged ? HARD_MESSAGES : READ_ONCE(ipc->mq_messages);
	s64 size = privileged ? HARD_SIZE : READ_ONCE(ipc->mq_size);

	if (wanted->mq_maxmsg <= 0 || wanted->mq_msgsize <= 0) {
		return -EINVAL;
	}
	return wanted->mq_maxmsg > messages || wanted->mq_msgsize > size ? -EINVAL : 0;
}

/* directory->lock held. */
static bool is_full(const struct sysv_ipc *ipc, bool privileged)
{
	return (s64)ipc->mq_count >= READ_ONCE(ipc->mq_queues) && !privileged;
}

/* What the running thread wants its new queue to be like. directory->lock held: the namespace may end. */
static int choose_attributes(struct mqueue_directory *directory, struct mq_attr *out,
			     bool *privileged)
{
	struct sysv_ipc *ipc = directory->ipc;
	bool asked = READ_ONCE(directory->maker) == sched_current();

	*privileged = asked && directory->privileged;
	if (!ipc) {
		return -EACCES;
	}
	if (is_full(ipc, *privileged)) {
		return -ENOSPC;
	}
	out->mq_maxmsg =
		MIN(READ_ONCE(ipc->mq_messages), READ_ONCE(ipc->mq_messages_default));
	out->mq_msgsize = MIN(READ_ONCE(ipc->mq_size), READ_ONCE(ipc->mq_size_default));
	if (!asked || !directory->wanted) {
		return 0;
	}
	*out = *directory->wanted;
	return check_attributes(ipc, out, *privileged);
}

static int link_queue(struct mqueue_directory *directory, struct mqueue *queue,
		      bool privileged)
{
	struct sysv_ipc *ipc;
	int error = 0;

	mutex_lock(&directory->lock);
	ipc = directory->ipc;
	if (!ipc || is_full(ipc, privileged)) {
		error = -ENOSPC;
	} else {
		ipc->mq_count++;
		inode_get(queue->inode);
		list_push_back(&directory->queues, &queue->link);
	}
	mutex_unlock(&directory->lock);
	return error;
}

/* To the running thread's user, until the queue is gone. */
static int charge(struct mqueue *queue)
{
	u64 limit;
	struct user_account *account =
		process_operations ? process_operations->account(&limit) : NULL;

	if (account) {
		if (!user_account_charge(account, USER_QUEUE_BYTES, mqueue_charge(queue),
					 limit)) {
			return -EMFILE;
		}
		user_account_get(account);
		queue->account = account;
	}
	return 0;
}

static int make_queue(struct inode *inode, const char *name, u32 mode,
		      const struct credentials *credentials,
		      const struct mq_attr *attributes, struct mqueue **out)
{
	struct mqueue *queue;
	int error = mqueue_allocate(name, attributes->mq_maxmsg, attributes->mq_msgsize,
				    &queue);

	if (error) {
		return error;
	}
	error = charge(queue);
	if (!error) {
		error = inode_create(inode->super_block, &queue->inode);
	}
	if (error) {
		mqueue_free(queue);
		return error;
	}
	inode_init_owner(queue->inode, inode, S_IFREG | (mode & 07777), credentials);
	queue->inode->attributes.size = 80;
	queue->inode->file_operations = &mqueue_file_operations;
	queue->inode->data = queue;
	*out = queue;
	return 0;
}

static int mqueue_make(struct inode *inode, struct dentry *dentry, u32 mode,
		       const struct credentials *credentials)
{
	struct mqueue_directory *directory = directory_of(inode);
	struct mq_attr attributes = {0};
	struct mqueue *queue;
	bool privileged;
	int error;

	mutex_lock(&directory->lock);
	error = choose_attributes(directory, &attributes, &privileged);
	mutex_unlock(&directory->lock);
	if (!error) {
		error = make_queue(inode, dentry->name, mode, credentials, &attributes,
				   &queue);
	}
	if (error) {
		return error;
	}
	error = link_queue(directory, queue, privileged);
	if (error) {
		inode_put(queue->inode);
		return error;
	}
	dentry_set_inode(dentry, queue->inode);
	inode_touch(inode, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	return 0;
}

int mqueue_create(const struct ipc_caller *caller, const struct path *root,
		  const char *name, u32 mode, const struct mq_attr *attributes,
		  struct path *out)
{
	struct mqueue_directory *directory = directory_of(dentry_inode(root->dentry));
	struct make_request request = {
		.mode = S_IFREG | (mode & 07777),
		.owner = caller->credentials,
	};
	struct dentry *dentry;
	int error;

	mutex_lock(&directory->create_lock);
	WRITE_ONCE(directory->maker, sched_current());
	directory->wanted = attributes;
	directory->privileged =
		credentials_capable(caller->credentials, CAP_SYS_RESOURCE);
	error = directory_make(root->dentry, name, &request, caller->credentials,
			       &dentry);
	WRITE_ONCE(directory->maker, NULL);
	mutex_unlock(&directory->create_lock);
	if (!error) {
		mount_get(root->mount);
		*out = (struct path){root->mount, dentry};
	}
	return error;
}

/* --- the end of a name, and of a queue --- */

/* directory->lock held. true: the directory's reference is the caller's now; false: it was unlinked before. */
static bool unlink_queue(struct mqueue_directory *directory, struct mqueue *queue)
{
	if (list_empty(&queue->link)) {
		return false;
	}
	list_remove(&queue->link);
	if (directory->ipc) {
		directory->ipc->mq_count--;
	}
	return true;
}

static int mqueue_unlink(struct inode *inode, struct dentry *dentry)
{
	struct mqueue_directory *directory = directory_of(inode);
	struct inode *victim = dentry_inode(dentry);
	bool mine;

	mutex_lock(&directory->lock);
	mine = unlink_queue(directory, victim->data);
	mutex_unlock(&directory->lock);
	victim->attributes.link_count = 0;
	inode_touch(inode, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	if (mine) {
		inode_put(victim);
	}
	return 0;
}

static void destroy_inode(struct inode *inode)
{
	if (inode->data) {
		mqueue_free(inode->data);
	}
}

static int mqueue_iterate(struct file *file, struct directory_context *context)
{
	struct mqueue_directory *directory = directory_of(file->inode);
	struct mqueue *queue;
	u64 at = 2;

	for (; context->position < 2; context->position++) {
		if (!context->emit(context, "..", context->position + 1,
				   context->position + 1,
				   file->inode->attributes.inode_number, 4)) {
			return 0;
		}
	}
	mutex_lock(&directory->lock);
	list_for_each(queue, &directory->queues, link) {
		if (at++ < context->position) {
			continue;
		}
		if (!context->emit(context, queue->name, strlen(queue->name), at,
				   queue->inode->attributes.inode_number, 8)) {
			break;
		}
		context->position = at;
	}
	mutex_unlock(&directory->lock);
	return 0;
}

/* --- super blocks and mounts --- */

static int mqueue_statfs(struct super_block *super_block, struct statfs *out)
{
	out->f_type = MQUEUE_MAGIC;
	return 0;
}

static void mqueue_unmount(struct super_block *super_block)
{
	object_free(&directories, super_block->data);
}

static const struct inode_operations root_operations = {
	.lookup = mqueue_lookup,
	.create = mqueue_make,
	.unlink = mqueue_unlink,
};
static const struct file_operations root_file_operations = {.iterate = mqueue_iterate};
static const struct super_block_operations super_operations = {
	.destroy_inode = destroy_inode,
	.unmount = mqueue_unmount,
	.statfs = mqueue_statfs,
};

static int mqueue_mount(const struct file_system_type *type, const char *source,
			unsigned long flags, const char *data, struct super_block **out);

static struct namespace *queues_shown(void)
{
	return process_operations ? process_operations->current_namespace() : NULL;
}

static struct file_system_type mqueue_type = {
	.name = "mqueue",
	.mount = mqueue_mount,
	.shown_namespace = queues_shown,
	.flags = FILE_SYSTEM_NODEV | FILE_SYSTEM_FOR_ALL,
};

static int fill_super_block(struct super_block *super_block)
{
	struct inode *root;
	int error = inode_create(super_block, &root);

	if (error) {
		return error;
	}
	root->attributes.mode = S_IFDIR | 01777;
	root->attributes.link_count = 2;
	root->operations = &root_operations;
	root->file_operations = &root_file_operations;
	return dentry_create_root(super_block, root, &super_block->root);
}

static int create_super_block(struct sysv_ipc *ipc, struct super_block **out)
{
	struct mqueue_directory *directory = object_allocate(&directories);
	int error = directory ? super_block_create(&mqueue_type, &super_operations, out)
			      : -ENOMEM;

	if (error) {
		object_free(&directories, directory);
		return error;
	}
	mutex_init(&directory->lock, RANK_IPC, "mqueue_directory.lock");
	mutex_init(&directory->create_lock, RANK_MQUEUE_CREATE,
		   "mqueue_directory.create_lock");
	list_init(&directory->queues);
	directory->ipc = ipc;
	(*out)->data = directory;
	error = fill_super_block(*out);
	if (error) {
		super_block_put(*out);
	}
	return error;
}

static int make_mount(struct sysv_ipc *ipc)
{
	struct super_block *super_block;
	int error = create_super_block(ipc, &super_block);

	if (error) {
		return error;
	}
	error = mount_create(super_block->root, "mqueue", 0, &ipc->queues_mount);
	if (error) {
		super_block_shutdown(super_block);
	}
	return error;
}

int mqueue_root(struct sysv_ipc *ipc, struct path *out)
{
	int error = 0;

	mutex_lock(&mounts_lock);
	if (!ipc->queues_mount) {
		error = make_mount(ipc);
	}
	mutex_unlock(&mounts_lock);
	if (!error) {
		*out = (struct path){ipc->queues_mount, ipc->queues_mount->root};
		path_get(out);
	}
	return error;
}

/* One super block a namespace, however often it is mounted. */
static int mqueue_mount(const struct file_system_type *type, const char *source,
			unsigned long flags, const char *data, struct super_block **out)
{
	struct sysv_ipc *ipc =
		process_operations ? process_operations->current_ipc() : NULL;
	struct path root;
	int error = ipc ? mqueue_root(ipc, &root) : -EINVAL;

	if (!error) {
		*out = ipc->queues_mount->super_block;
		path_put(&root); // the namespace keeps it
	}
	return error;
}

void mqueue_end(struct sysv_ipc *ipc)
{
	struct mqueue_directory *directory;
	struct mqueue *queue;
	struct inode *inode;

	if (!ipc->queues_mount) {
		return;
	}
	directory = ipc->queues_mount->super_block->data;
	for (;;) {
		mutex_lock(&directory->lock);
		directory->ipc = NULL;
		inode = NULL;
		if (!list_empty(&directory->queues)) {
			queue = list_first(&directory->queues, struct mqueue, link);
			inode = queue->inode;
			(void)unlink_queue(directory, queue);
		}
		mutex_unlock(&directory->lock);
		if (!inode) {
			break;
		}
		inode_put(inode);
	}
	mount_put(ipc->queues_mount);
}

void mqueue_init(void)
{
	mutex_init(&mounts_lock, RANK_MQUEUE_CREATE, "mounts_lock");
	file_system_register(&mqueue_type);
}

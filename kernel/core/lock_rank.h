// SPDX-License-Identifier: MIT
/*
 * The order of locks, written once: a thread may take a lock only if its rank is greater than
 * that of every lock it holds (outer locks first in this list). Debug builds panic otherwise.
 * Two locks of one rank: lock_pair(), ordered by address, or the _nested form where a tree orders them.
 */
#pragma once

enum lock_rank {
	RANK_NONE = 0, /* not checked; the lock's owner says why */

	/* locks that sleep, from the outermost */
	RANK_FILE_POSITION, /* file.position_lock: around a whole read or write, of /proc too */
	RANK_EXEC,          /* process.exec_lock */
	RANK_CGROUP,
	RANK_MOUNT,      /* mount tree changes */
	RANK_AIO,        /* aio_context.lock, and which contexts there are */
	RANK_EPOLL_TREE, /* which epoll watches what */
	RANK_EPOLL,      /* epoll.lock */
	RANK_NOTIFY,     /* notify_group.lock */
	RANK_TTY,        /* tty.lock, pty pair */
	RANK_TASKSTATS,  /* who hears of the ends of threads */
	RANK_NETLINK,    /* netlink_lock: who is bound where */
	RANK_SOCKET,     /* socket.lock */
	RANK_SOCKET_PEER,
	RANK_MQUEUE_CREATE, /* mqueue: a queue, or the file system of a namespace, is made */
	/*
	 * File systems, those stacked on others outside what they stand on: the number is super_block.stack_depth, which is
	 * less in each layer, so an overlay that went up into its own or a higher one would be seen.
	 */
	RANK_RENAME_STACKED_2, /* super_block.rename_lock */
	RANK_INODE_STACKED_2,  /* inode.lock */
	RANK_OVERLAY_COPY_2,   /* overlay.copy_lock */
	RANK_RENAME_STACKED_1,
	RANK_INODE_STACKED_1,
	RANK_OVERLAY_COPY_1,
	RANK_RENAME, /* of those that stand on no other */
	RANK_INODE,
	RANK_PIPE, /* pipe.lock */
	RANK_VM,   /* vm_space.lock */
	RANK_IPC,  /* System V IPC: ipc_table.lock, segments_lock */
	RANK_FUTEX_SLEEP,
	RANK_VM_OBJECT, /* vm_object.lock */
	RANK_9P_CLIENT,
	RANK_DRIVER_SLEEP,

	/* spinlocks, from the outermost; holding one, nothing that sleeps may be taken */
	RANK_SPIN,         /* not a lock: the border */
	RANK_PROCESS_TREE, /* parent, children, groups, sessions, zombies */
	RANK_PID_TABLE,
	RANK_RESOURCES, /* thread.resource_lock */
	RANK_FILE_TABLE,
	RANK_FS_INFO,
	RANK_FILE_LOCKS,
	RANK_DENTRY_TREE,
	RANK_DENTRY,
	RANK_INODE_CACHE,
	RANK_NOTIFY_WISHES, /* dnotify_lock, fanotify.queue.lock */
	RANK_NOTIFY_MARKS,  /* notify_lock */
	RANK_NOTIFY_QUEUE,  /* inotify.queue.lock */
	RANK_FILE_OWNER,    /* file.c: who is signalled */
	RANK_SIGNAL,        /* process.signal_lock */
	RANK_SIGNAL_HANDLERS,
	RANK_FUTEX_BUCKET,
	RANK_PORT, /* port.lock */
	RANK_ITIMER,
	RANK_TIMERFD,
	RANK_DRIVER,
	RANK_TTY_BUFFER,
	RANK_OBJECT_MAPPINGS, /* vm_object.mappings_lock: the areas that map it */
	RANK_THREAD_BLOCKS,   /* thread_blocks.lock: who has which, what is in them */
	RANK_PAGE_TABLE,      /* arch_vm.lock: one address space's page tables */
	RANK_WAIT_QUEUE,      /* wait_queue.lock */
	RANK_DEBT,            /* sched_debt.lock */
	RANK_LENDING,         /* sched_entity.lending_lock */
	RANK_RUN_QUEUE,
	RANK_BANDWIDTH, /* what deadline threads have reserved, and the limits */
	RANK_CLOCK,     /* clock.lock */
	RANK_TIMER_QUEUE,
	RANK_KERNEL_MAP, /* kernel address space, stacks */
	RANK_HEAP,
	RANK_FRAMES,
	RANK_RANDOM, /* the random pool */
	RANK_IPI,
	RANK_LOG,
	RANK_CONSOLE,
	RANK_COUNT
};

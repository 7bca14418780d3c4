// SPDX-License-Identifier: MIT
/*
 * Who hears of whose mounts: rings of peers, their masters and slaves (mount_namespaces(7)).
 *
 * Locks     Changes with mount_lock and fs_tree_lock held.
 *
 * Invariants
 *   G1  Mounts of one ring have one group number, and one master or none.
 *   G2  shared is true for each of a ring; it may be false for one alone whose tree is about to be attached.
 *   G3  A slave is in the list of one mount of its master's ring, which is shared.
 */
#include "fs/mount_internal.h"
#include <linux/mount.h>

static _Atomic u32 next_group = 1;

u32 mount_new_group(void)
{
	return atomic_fetch_add(&next_group, 1);
}

void mount_join_master_locked(struct mount *mount, struct mount *master)
{
	list_push_back(&master->slaves, &mount->slave_link);
	mount->master = master;
}

void mount_join_peer_locked(struct mount *mount, struct mount *peer)
{
	mount->group = peer->group;
	list_push_back(&peer->peers, &mount->peers);
	if (peer->master) {
		mount_join_master_locked(mount, peer->master);
	}
}

static void leave_master(struct mount *mount) MUST_HOLD(&fs_tree_lock)
{
	list_remove(&mount->slave_link);
	mount->master = NULL;
}

/* One that shows the same tree, else any. NULL: it is alone. */
static struct mount *best_peer(struct mount *mount) MUST_HOLD(&fs_tree_lock)
{
	struct mount *peer;

	list_for_each(peer, &mount->peers, peers) {
		if (peer->root == mount->root) {
			return peer;
		}
	}
	return list_empty(&mount->peers) ? NULL
					 : list_first(&mount->peers, struct mount, peers);
}

static void hand_over_slaves(struct mount *mount, struct mount *master)
	MUST_HOLD(&fs_tree_lock)
{
	struct mount *slave, *next;

	list_for_each_safe(slave, next, &mount->slaves, slave_link) {
		leave_master(slave);
		if (master) {
			mount_join_master_locked(slave, master);
		}
	}
}

/* Out of its ring, into the slaves of those it leaves; alone, it stays slave of the master it has. */
static void become_slave(struct mount *mount) MUST_HOLD(&fs_tree_lock)
{
	struct mount *peer = best_peer(mount);

	hand_over_slaves(mount, peer ? peer : mount->master);
	if (peer && mount->shared) {
		if (mount->master) {
			leave_master(mount);
		}
		mount_join_master_locked(mount, peer);
	}
	list_remove(&mount->peers);
	mount->group = 0;
	mount->shared = false;
}

void mount_change_type_locked(struct mount *mount, unsigned long type)
{
	if (type == MS_SHARED) {
		if (!mount->group) {
			mount->group = mount_new_group();
		}
		mount->shared = true;
		mount->unbindable = false;
		return;
	}
	become_slave(mount);
	if (type == MS_SLAVE) {
		return;
	}
	if (mount->master) {
		leave_master(mount);
	}
	mount->unbindable = type == MS_UNBINDABLE;
}

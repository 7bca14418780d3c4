// SPDX-License-Identifier: MIT
/*
 * What others hear of a change: the mounts that listen to one, and the copies they get (mount_namespaces(7)).
 *
 * Locks     mount_lock for all of it; nothing here changes what others see.
 *
 * The listeners of a mount are its peers, their slaves, the peers of these, and so on: an event goes
 * from a mount to its peers and slaves, never up to a master. They are visited nearest first, in a
 * list, not by recursion: chains of slaves can be as long as somebody likes.
 */
#include "fs/mount_internal.h"
#include "lib/errno.h"

static void hear(struct mount *mount, struct list *listeners)
{
	if (!mount->marked) {
		mount->marked = true;
		list_push_back(listeners, &mount->heard);
	}
}

void mount_listeners(struct mount *origin, struct list *listeners)
{
	struct mount *mount, *other;

	hear(origin, listeners);
	list_for_each(mount, listeners, heard) {
		list_for_each(other, &mount->peers, peers) {
			hear(other, listeners);
		}
		list_for_each(other, &mount->slaves, slave_link) {
			hear(other, listeners);
		}
	}
}

void mount_listeners_end(struct list *listeners)
{
	while (!list_empty(listeners)) {
		struct mount *mount = list_first(listeners, struct mount, heard);

		mount->marked = false;
		list_remove(&mount->heard);
	}
}

/* A copy made for one of this ring, which the others' can be peers of. */
static struct mount *copy_in_ring(struct mount *mount)
{
	struct mount *peer;

	if (mount->template && mount->template_is_peer) {
		return mount->template;
	}
	list_for_each(peer, &mount->peers, peers) {
		if (peer->template && peer->template_is_peer) {
			return peer->template;
		}
	}
	return NULL;
}

/*
 * What a copy for `mount` is made from, and how they relate: the copy of one of its ring, as a peer,
 * or else that of its master's ring, as a slave. All of these come before it in the list.
 */
static void choose_template(struct mount *mount)
{
	struct mount *master = mount->master;

	mount->template = copy_in_ring(mount);
	mount->template_is_peer = mount->template != NULL;
	if (!mount->template && master) {
		mount->template = copy_in_ring(master);
		mount->template = mount->template ? mount->template : master->template;
	}
}

/* Does the place exist in what this mount shows? And is it a mount that anybody sees? */
static bool shows(struct mount *mount, const struct dentry *dentry)
{
	bool below;

	spin_lock(&fs_tree_lock);
	below = mount->namespace && dentry_is_below(dentry, mount->root);
	spin_unlock(&fs_tree_lock);
	return below;
}

static int copy_for(struct mount *mount, const struct path *at, struct list *copies)
{
	unsigned how = 0;
	struct mount *copy;
	int result;

	choose_template(mount);
	if (!mount->template || !shows(mount, at->dentry)) {
		return 0;
	}
	if (mount->template_is_peer) {
		how = COPY_MAKE_SHARED;
	} else {
		how = COPY_MAKE_SLAVE | (mount->shared ? COPY_MAKE_SHARED : 0);
	}
	if (mount->namespace->base.owner != at->mount->namespace->base.owner) {
		how |= COPY_FOR_LESS_POWER;
	}
	result = mount_copy_tree(mount->template, mount->template->root, how, &copy);
	if (result < 0) {
		return result;
	}
	copy->locked = false; // what is below it is locked together with it
	copy->left = (struct path){mount, at->dentry};
	list_push_back(copies, &copy->work);
	mount->template = copy;
	mount->template_is_peer = true;
	return 0;
}

int mount_propagate_prepare(struct mount *top, const struct path *at, struct list *copies)
{
	struct list listeners = LIST_INIT(listeners);
	struct mount *mount;
	int result = 0;

	mount_listeners(at->mount, &listeners);
	list_for_each(mount, &listeners, heard) {
		mount->template = NULL;
	}
	at->mount->template = top;
	at->mount->template_is_peer = true;
	list_for_each(mount, &listeners, heard) {
		if (mount != at->mount && result == 0) {
			result = copy_for(mount, at, copies);
		}
	}
	mount_listeners_end(&listeners);
	return result;
}

// SPDX-License-Identifier: MIT
/*
 * Copies of trees of mounts, and the namespaces they make.
 *
 * Owns      struct mount_namespace.
 * Locks     mount_lock for a whole copy; fs_tree_lock for each link.
 *
 * A copy is peer or slave from the moment it is made, and so is known to others before its tree is
 * attached; that changes nothing for them, as it is in no namespace, and discarding it undoes it.
 */
#include "core/panic.h"
#include "cred/user_namespace.h"
#include "fs/fs_info.h"
#include "fs/mount_internal.h"
#include "fs/nsfs.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/mount.h>
#include <linux/sched.h>

OBJECT_CACHE(mount_namespace_cache, mount_namespace);

struct list mount_namespaces = LIST_INIT(mount_namespaces);

static void copy_relations(struct mount *from, struct mount *to, unsigned how)
{
	spin_lock(&fs_tree_lock);
	to->unbindable = from->unbindable;
	if ((how & COPY_MAKE_SLAVE) || (from->shared && (how & COPY_FOR_LESS_POWER))) {
		mount_join_master_locked(to, from);
	} else if (from->shared || (how & COPY_MAKE_SHARED)) {
		mount_join_peer_locked(to, from);
		to->shared = true;
	} else if (from->master) {
		mount_join_master_locked(to, from->master);
	}
	if (how & COPY_MAKE_SHARED) {
		mount_change_type_locked(to, MS_SHARED);
	}
	spin_unlock(&fs_tree_lock);
}

/* What the original is protected from stays so in a copy; in a namespace of less power all that is set is. */
static void copy_locks(struct mount *from, struct mount *to, unsigned how)
{
	to->locked_flags = from->locked_flags;
	to->locked = from->locked;
	if (how & COPY_FOR_LESS_POWER) {
		to->locked_flags =
			MS_NOATIME | (atomic_load(&from->flags) &
				      (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
	}
}

static int copy_one(struct mount *from, struct dentry *root, unsigned how,
		    struct mount **out)
{
	int result = mount_create(root, from->source, atomic_load(&from->flags), out);

	if (result == 0) {
		(*out)->copied_from = from->id;
		copy_relations(from, *out, how);
		copy_locks(from, *out, how);
	}
	return result;
}

/* Is this child left out, with what is below it? */
static bool left_out(struct mount *child, struct mount *top, struct dentry *root,
		     unsigned how)
{
	struct namespace *shown = nsfs_namespace_at(child->root);
	bool out = (child->unbindable && !(how & COPY_WITH_UNBINDABLE)) ||
		   (shown && shown->operations->kind == NAMESPACE_MOUNT &&
		    !(how & COPY_NAMESPACE_FILES));

	if (child->parent == top && !out) {
		spin_lock(&fs_tree_lock);
		out = !dentry_is_below(child->mountpoint, root);
		spin_unlock(&fs_tree_lock);
	}
	return out;
}

static int copy_below(struct mount *top, struct dentry *root, unsigned how)
{
	struct mount *from = mount_next(top, top), *copy;

	while (from) {
		int result;

		if (left_out(from, top, root, how)) {
			from = mount_next_skip(from, top);
			continue;
		}
		result = copy_one(from, from->root, how, &copy);
		if (result < 0) {
			return result;
		}
		from->copy = copy;
		copy->locked = copy->locked || (how & COPY_FOR_LESS_POWER);
		spin_lock(&fs_tree_lock);
		mount_place_locked(copy, from->parent->copy, from->mountpoint);
		spin_unlock(&fs_tree_lock);
		from = mount_next(from, top);
	}
	return 0;
}

int mount_copy_tree(struct mount *top, struct dentry *root, unsigned how,
		    struct mount **out)
{
	struct list gone = LIST_INIT(gone);
	int result = copy_one(top, root, how, out);

	if (result == 0 && !(how & COPY_TOP_ONLY)) {
		top->copy = *out;
		result = copy_below(top, root, how);
		if (result < 0) {
			mount_discard_tree(*out, &gone);
			mount_release_gone(&gone);
		}
	}
	return result;
}

void mount_discard_tree(struct mount *top, struct list *gone)
{
	ASSERT(!top->namespace);
	top->left = (struct path){0}; // of a place it has not been at
	mount_remove_tree(top, false, gone);
}

/*
 * A mount of nsfs may be all that is left of another namespace, and that hold a third: what is mounted
 * there joins the list, so that a chain of them takes no stack.
 */
static struct namespace *take_down_last(struct mount *mount, struct list *gone)
{
	struct namespace *shown = nsfs_namespace_at(mount->root);
	struct mount_namespace *namespace;

	if (!shown || shown->operations->kind != NAMESPACE_MOUNT) {
		return NULL;
	}
	namespace = mount_namespace_of(shown);
	namespace_get(shown);
	path_put(&mount->left);
	mount_put(mount);
	if (refcount_alone(&shown->references)) {
		mutex_lock(&mount_lock);
		if (namespace->root) {
			mount_remove_tree(namespace->root, false, gone);
		}
		mutex_unlock(&mount_lock);
	}
	return shown;
}

void mount_release_gone(struct list *gone)
{
	while (!list_empty(gone)) {
		struct mount *mount = list_first(gone, struct mount, work);
		struct namespace *shown;

		list_remove(&mount->work);
		shown = take_down_last(mount, gone);
		if (shown) {
			namespace_put(shown);
		} else {
			path_put(&mount->left);
			mount_put(mount);
		}
	}
}

/* ---- namespaces ---- */

static int namespace_copy(struct namespace *from, struct namespace *owner,
			  struct namespace **out);
static void namespace_destroy(struct namespace *namespace);

static const struct namespace_operations mount_operations = {
	.kind = NAMESPACE_MOUNT,
	.name = "mnt",
	.clone_flag = CLONE_NEWNS,
	.copy = namespace_copy,
	.destroy = namespace_destroy,
};

struct mount_namespace first_mount_namespace = {
	.base = NAMESPACE_FIRST(&mount_operations, NAMESPACE_NUMBER_MOUNT),
	.mounts = LIST_INIT(first_mount_namespace.mounts),
	.link = LIST_INIT(first_mount_namespace.link),
};

void mount_namespaces_init(void)
{
	spin_lock(&fs_tree_lock);
	list_push_back(&mount_namespaces, &first_mount_namespace.link);
	spin_unlock(&fs_tree_lock);
}

static void fill(struct mount_namespace *namespace, struct mount *root)
{
	spin_lock(&fs_tree_lock);
	namespace->root = root;
	for (struct mount *mount = root; mount; mount = mount_next(mount, root)) {
		mount_enter_locked(mount, namespace);
	}
	list_push_back(&mount_namespaces, &namespace->link);
	spin_unlock(&fs_tree_lock);
}

static int namespace_copy(struct namespace *base, struct namespace *owner,
			  struct namespace **out)
{
	struct mount_namespace *from = mount_namespace_of(base), *namespace;
	unsigned how = COPY_WITH_UNBINDABLE;
	struct mount *root;
	int result;

	if (user_namespace_of(owner) != user_namespace_of(base->owner)) {
		how |= COPY_FOR_LESS_POWER;
	}
	namespace = object_allocate(&mount_namespace_cache);
	if (!namespace) {
		return -ENOMEM;
	}
	list_init(&namespace->mounts);
	list_init(&namespace->link);
	mutex_lock(&mount_lock);
	result = from->root ? mount_copy_tree(from->root, from->root->root, how, &root)
			    : -EINVAL;
	if (result == 0) {
		fill(namespace, root);
	}
	mutex_unlock(&mount_lock);
	if (result < 0) {
		object_free(&mount_namespace_cache, namespace);
		return result;
	}
	namespace_init(&namespace->base, &mount_operations, owner);
	*out = &namespace->base;
	return 0;
}

static void namespace_destroy(struct namespace *base)
{
	struct mount_namespace *namespace = mount_namespace_of(base);
	struct list gone = LIST_INIT(gone);

	ASSERT(namespace != &first_mount_namespace);
	mutex_lock(&mount_lock);
	if (namespace->root) {
		mount_remove_tree(namespace->root, false, &gone);
	}
	spin_lock(&fs_tree_lock);
	list_remove(&namespace->link);
	spin_unlock(&fs_tree_lock);
	mutex_unlock(&mount_lock);
	mount_release_gone(&gone);
	ASSERT(list_empty(&namespace->mounts));
	object_free(&mount_namespace_cache, namespace);
}

static struct mount *find_copy(struct mount_namespace *namespace,
			       const struct mount *original) MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount;

	list_for_each(mount, &namespace->mounts, link) {
		if (original && mount->copied_from == original->id) {
			return mount;
		}
	}
	return NULL;
}

/* *place becomes the one in the copy, with references of its own; false: it is in none. */
static bool translate(struct mount_namespace *namespace, struct path *place)
{
	struct mount *copy;

	spin_lock(&fs_tree_lock);
	copy = find_copy(namespace, place->mount);
	if (copy) {
		place->mount = copy;
		path_get(place);
	}
	spin_unlock(&fs_tree_lock);
	return copy != NULL;
}

void mount_namespace_move_places(struct mount_namespace *namespace, struct fs_info *fs)
{
	struct path root, cwd, new_root, new_cwd;

	fs_info_get_places(fs, &root, &cwd);
	new_root = root;
	new_cwd = cwd;
	if (translate(namespace, &new_root)) {
		fs_info_set_root(fs, &new_root);
		path_put(&new_root);
	}
	if (translate(namespace, &new_cwd)) {
		fs_info_set_cwd(fs, &new_cwd);
		path_put(&new_cwd);
	}
	path_put(&root);
	path_put(&cwd);
}

int mount_namespace_root(struct mount_namespace *namespace, struct path *out)
{
	spin_lock(&fs_tree_lock);
	*out = (struct path){0};
	if (namespace->root) {
		*out = (struct path){namespace->root, namespace->root->root};
		path_get(out);
	}
	spin_unlock(&fs_tree_lock);
	if (!out->mount) {
		return -ENOENT;
	}
	path_cross_mounts(out);
	return 0;
}

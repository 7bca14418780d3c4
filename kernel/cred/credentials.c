// SPDX-License-Identifier: MIT
/*
 * Credentials.
 *
 * Owns      struct credentials and its own copy of the supplementary groups.
 * Locks     none: one is changed only by who made it, before it is published; afterwards it is immutable.
 *
 * A kernel id is compared as such; only capabilities over files ask whether the holder's namespace has a name for it.
 *
 * A reference stands for a slot that holds it, or for somebody who looks at it. The last put frees and does not sleep.
 */
#include "cred/credentials.h"

#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

OBJECT_CACHE(credentials_cache, credentials);

#define ALL_CAPABILITIES ((1ULL << (CAP_LAST_CAP + 1)) - 1)

int credentials_create_root(struct credentials **out)
{
	struct credentials *credentials = object_allocate(&credentials_cache);

	if (!credentials) {
		return -ENOMEM;
	}
	refcount_init(&credentials->references, 1);
	credentials->user_namespace = user_namespace_get(&first_user_namespace);
	credentials->capability_effective = ALL_CAPABILITIES;
	credentials->capability_permitted = ALL_CAPABILITIES;
	credentials->capability_bounding = ALL_CAPABILITIES;
	*out = credentials;
	return 0;
}

static int copy_groups(const u32 *groups, u32 count, u32 **out)
{
	*out = NULL;
	if (count == 0) {
		return 0;
	}
	*out = heap_allocate_array(count, sizeof(**out));
	if (!*out) {
		return -ENOMEM;
	}
	memcpy(*out, groups, count * sizeof(**out));
	return 0;
}

int credentials_copy(const struct credentials *from, struct credentials **out)
{
	struct credentials *copy = object_allocate(&credentials_cache);

	if (!copy) {
		return -ENOMEM;
	}
	*copy = *from;
	refcount_init(&copy->references, 1);
	int err = copy_groups(from->groups, from->group_count, &copy->groups);

	if (err) {
		object_free(&credentials_cache, copy);
		return err;
	}
	user_namespace_get(copy->user_namespace);
	*out = copy;
	return 0;
}

/* Let groups[at] sink to its place in the heap of `count`. */
static void sift(u32 *groups, u32 at, u32 count)
{
	for (;;) {
		u32 child = 2 * at + 1;

		if (child >= count) {
			return;
		}
		if (child + 1 < count && groups[child + 1] > groups[child]) {
			child++;
		}
		if (groups[at] >= groups[child]) {
			return;
		}
		u32 moved = groups[at];

		groups[at] = groups[child];
		groups[child] = moved;
		at = child;
	}
}

/* Heap sort: the list is a user's and may be 65536 long. */
static void sort(u32 *groups, u32 count)
{
	for (u32 at = count / 2; at-- > 0;) {
		sift(groups, at, count);
	}
	for (u32 end = count; end-- > 1;) {
		u32 largest = groups[0];

		groups[0] = groups[end];
		groups[end] = largest;
		sift(groups, 0, end);
	}
}

int credentials_set_groups(struct credentials *credentials, const u32 *groups, u32 count)
{
	u32 *copy;
	int err = copy_groups(groups, count, &copy);

	if (err) {
		return err;
	}
	sort(copy, count);
	heap_free(credentials->groups);
	credentials->groups = copy;
	credentials->group_count = count;
	return 0;
}

struct credentials *credentials_get(const struct credentials *credentials)
{
	struct credentials *shared =
		(struct credentials *)credentials; /* all but the count is constant */

	refcount_get(&shared->references);
	return shared;
}

void credentials_put(struct credentials *credentials)
{
	if (credentials && refcount_put(&credentials->references)) {
		heap_free(credentials->groups);
		user_namespace_put(credentials->user_namespace);
		object_free(&credentials_cache, credentials);
	}
}

static bool effective(const struct credentials *credentials, int capability)
{
	return capability >= 0 && capability <= CAP_LAST_CAP &&
	       (credentials->capability_effective >> capability & 1);
}

bool credentials_capable_in(const struct credentials *credentials,
			    const struct user_namespace *target, int capability)
{
	const struct user_namespace *own = credentials->user_namespace;

	while (target->level > own->level) {
		const struct user_namespace *parent = user_namespace_parent(target);

		if (parent == own && target->owner_uid == credentials->euid) {
			return capability >= 0 && capability <= CAP_LAST_CAP;
		}
		target = parent;
	}
	return target == own && effective(credentials, capability);
}

bool credentials_capable(const struct credentials *credentials, int capability)
{
	return credentials_capable_in(credentials, &first_user_namespace, capability);
}

bool credentials_capable_over(const struct credentials *credentials, u32 uid, u32 gid,
			      int capability)
{
	const struct user_namespace *own = credentials->user_namespace;

	return effective(credentials, capability) &&
	       id_from_kernel(own, ID_USER, uid) != ID_INVALID &&
	       id_from_kernel(own, ID_GROUP, gid) != ID_INVALID;
}

void credentials_enter(struct credentials *fresh, struct user_namespace *target)
{
	struct user_namespace *left = fresh->user_namespace;

	fresh->user_namespace = user_namespace_get(target);
	user_namespace_put(left);
	fresh->securebits = 0;
	fresh->capability_inheritable = fresh->capability_ambient = 0;
	fresh->capability_permitted = fresh->capability_effective = ALL_CAPABILITIES;
	fresh->capability_bounding = ALL_CAPABILITIES;
}

int credentials_copy_into_new(const struct credentials *from, struct credentials **out)
{
	struct user_namespace *made;
	int err = user_namespace_create(from, &made);

	if (err) {
		return err;
	}
	err = credentials_copy(from, out);
	if (!err) {
		credentials_enter(*out, made);
	}
	user_namespace_put(made);
	return err;
}

bool credentials_may_schedule(const struct credentials *mine,
			      const struct credentials *theirs)
{
	return !(theirs->capability_permitted & ~mine->capability_permitted) ||
	       credentials_capable_in(mine, theirs->user_namespace, CAP_SYS_NICE);
}

bool credentials_within(const struct credentials *fresh, const struct credentials *old)
{
	const struct user_namespace *inner = fresh->user_namespace;

	if (inner == old->user_namespace) {
		return (fresh->capability_permitted & ~old->capability_permitted) == 0;
	}
	// What is done in a namespace that `old` made, or one below such, gives nothing it did not have.
	for (; inner->level > old->user_namespace->level;
	     inner = user_namespace_parent(inner)) {
		if (user_namespace_parent(inner) == old->user_namespace &&
		    inner->owner_uid == old->euid) {
			return true;
		}
	}
	return false;
}

bool credentials_in_group(const struct credentials *credentials, u32 gid)
{
	u32 low = 0, high = credentials->group_count;

	if (gid == credentials->fsgid) {
		return true;
	}
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (credentials->groups[middle] == gid) {
			return true;
		}
		if (credentials->groups[middle] < gid) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return false;
}

/* stat.h's file type bits, as far as they matter here. */
enum { MODE_TYPE = 0170000, MODE_DIRECTORY = 0040000, MODE_ANY_EXECUTE = 0111 };

static bool overridden(const struct credentials *credentials, u32 mode, u32 uid, u32 gid,
		       int wanted)
{
	bool directory = (mode & MODE_TYPE) == MODE_DIRECTORY;

	if (directory || !(wanted & ACCESS_EXECUTE) || (mode & MODE_ANY_EXECUTE)) {
		if (credentials_capable_over(credentials, uid, gid, CAP_DAC_OVERRIDE)) {
			return true;
		}
	}
	if (wanted == ACCESS_READ || (directory && !(wanted & ACCESS_WRITE))) {
		return credentials_capable_over(credentials, uid, gid,
						CAP_DAC_READ_SEARCH);
	}
	return false;
}

int credentials_may_access(const struct credentials *credentials, u32 mode, u32 uid,
			   u32 gid, int wanted)
{
	u32 bits = mode;

	if (credentials->fsuid == uid) {
		bits >>= 6;
	} else if (credentials_in_group(credentials, gid)) {
		bits >>= 3;
	}
	if (((int)bits & wanted) == wanted ||
	    overridden(credentials, mode, uid, gid, wanted)) {
		return 0;
	}
	return -EACCES;
}

bool credentials_owns(const struct credentials *credentials, u32 uid)
{
	return credentials->fsuid == uid ||
	       (effective(credentials, CAP_FOWNER) &&
		id_from_kernel(credentials->user_namespace, ID_USER, uid) != ID_INVALID);
}

// SPDX-License-Identifier: MIT
/*
 * Credentials.
 *
 * Owns      struct credentials and its own copy of the supplementary groups.
 * Locks     none: one is changed only by who made it, before it is published; afterwards it is immutable.
 *
 * A reference stands for a slot that holds it, or for somebody who looks at it. The last put frees and does not sleep.
 */
#include "cred/credentials.h"
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
		object_free(&credentials_cache, credentials);
	}
}

bool credentials_capable(const struct credentials *credentials, int capability)
{
	return capability >= 0 && capability <= CAP_LAST_CAP &&
	       (credentials->capability_effective >> capability & 1);
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

static bool overridden(const struct credentials *credentials, u32 mode, int wanted)
{
	bool directory = (mode & MODE_TYPE) == MODE_DIRECTORY;

	if (directory || !(wanted & ACCESS_EXECUTE) || (mode & MODE_ANY_EXECUTE)) {
		if (credentials_capable(credentials, CAP_DAC_OVERRIDE)) {
			return true;
		}
	}
	if (wanted == ACCESS_READ || (directory && !(wanted & ACCESS_WRITE))) {
		return credentials_capable(credentials, CAP_DAC_READ_SEARCH);
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
	if (((int)bits & wanted) == wanted || overridden(credentials, mode, wanted)) {
		return 0;
	}
	return -EACCES;
}

bool credentials_owns(const struct credentials *credentials, u32 uid)
{
	return credentials->fsuid == uid || credentials_capable(credentials, CAP_FOWNER);
}

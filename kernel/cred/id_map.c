// SPDX-License-Identifier: MIT
/*
 * uid_map, gid_map, projid_map and setgroups: looking ids up, and the rules for who may write what
 * (user_namespaces(7), "Defining user and group ID mappings").
 *
 * Owns      struct id_map.
 * Locks     map_lock: a leaf. A map is built without it and published under it, so that of two writers one is refused.
 */
#include "cred/id_map.h"

#include "cred/credentials.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

static struct spinlock map_lock = SPINLOCK_INIT(RANK_ITIMER, "map_lock");

static bool extent_has(u32 start, u32 length, u32 id, u32 count)
{
	return id >= start && id - start < length && count <= length - (id - start);
}

/* The extent that begins last of those not behind `id`; `by_lower` chooses what it is sorted by. */
static const struct id_extent *last_not_after(const struct id_extent *sorted, u32 count,
					      u32 id, bool by_lower)
{
	u32 low = 0, high = count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if ((by_lower ? sorted[middle].lower : sorted[middle].first) <= id) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low ? &sorted[low - 1] : NULL;
}

static const struct id_extent *find(const struct id_map *map, u32 id, u32 count,
				    bool by_lower)
{
	const struct id_extent *at = map->extents, *end = at + map->count;

	if (map->count > ID_MAP_LINEAR) {
		at = last_not_after(by_lower ? end : at, map->count, id, by_lower);
		end = at ? at + 1 : NULL;
	}
	for (; at && at < end; at++) {
		if (extent_has(by_lower ? at->lower : at->first, at->count, id, count)) {
			return at;
		}
	}
	return NULL;
}

u32 id_map_to_kernel(const struct id_map *map, u32 id, u32 count)
{
	const struct id_extent *extent = map ? find(map, id, count, false) : NULL;

	return extent ? extent->lower + (id - extent->first) : ID_INVALID;
}

u32 id_map_from_kernel(const struct id_map *map, u32 id)
{
	const struct id_extent *extent = map ? find(map, id, 1, true) : NULL;

	return extent ? extent->first + (id - extent->lower) : ID_INVALID;
}

bool id_map_line(const struct user_namespace *namespace, enum id_kind kind, u32 index,
		 const struct user_namespace *reader, struct id_map_line *out)
{
	const struct id_map *map;
	struct id_extent line = {0, 0, ID_INVALID};

	if (namespace == &first_user_namespace) {
		*out = (struct id_map_line){0, 0, ID_INVALID};
		return index == 0;
	}
	// order.id_map: pairs with publish()
	map = atomic_load_explicit(&namespace->maps[kind], memory_order_acquire);
	if (!map || index >= map->count) {
		return false;
	}
	line = map->extents[index];
	if (reader == namespace) {
		reader = user_namespace_parent(namespace);
	}
	*out = (struct id_map_line){line.first, id_from_kernel(reader, kind, line.lower),
				    line.count};
	return true;
}

/* ---- writing ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number and what ends it: as many digits as there are, cut to 32 bits as in Linux. */
static u32 parse_number(const char **at)
{
	u64 value = 0;

	while (is_space(**at) && **at != '\n') {
		(*at)++;
	}
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		value = value * 10 + (u64)(**at - '0');
	}
	return (u32)value;
}

/* One line: exactly three numbers. *at is left at the next line, or at the end. */
static bool parse_line(const char **at, struct id_extent *out)
{
	u32 numbers[3];

	for (int i = 0; i < 3; i++) {
		numbers[i] = parse_number(at);
		if (**at && !is_space(**at)) {
			return false;
		}
	}
	while (**at && **at != '\n') {
		if (!is_space(**at)) {
			return false;
		}
		(*at)++;
	}
	if (**at) {
		(*at)++;
	}
	*out = (struct id_extent){numbers[0], numbers[1], numbers[2]};
	// Nothing may be empty, wrap around, or name the id that is none.
	return out->first != ID_INVALID && out->lower != ID_INVALID &&
	       out->first + out->count > out->first &&
	       out->lower + out->count > out->lower;
}

static bool ranges_overlap(u32 a, u32 a_count, u32 b, u32 b_count)
{
	return a <= b ? b - a < a_count : a - b < b_count;
}

static bool overlaps(const struct id_map *map, const struct id_extent *extent)
{
	for (u32 i = 0; i < map->count; i++) {
		const struct id_extent *other = &map->extents[i];

		if (ranges_overlap(other->first, other->count, extent->first,
				   extent->count) ||
		    ranges_overlap(other->lower, other->count, extent->lower,
				   extent->count)) {
			return true;
		}
	}
	return false;
}

static int parse(const char *text, struct id_map *map)
{
	while (*text) {
		struct id_extent extent;

		if (map->count == ID_MAP_EXTENTS_MAX || !parse_line(&text, &extent) ||
		    overlaps(map, &extent)) {
			return -EINVAL;
		}
		map->extents[map->count++] = extent;
	}
	return map->count ? 0 : -EINVAL;
}

/* Does nothing map the parent's root, whose files could then be given capabilities, or may they who map it? */
static bool root_map_allowed(const struct user_namespace *namespace,
			     const struct id_map *map, const struct credentials *opener)
{
	bool maps_root = false;

	for (u32 i = 0; i < map->count; i++) {
		maps_root |= map->extents[i].lower == 0;
	}
	if (!maps_root) {
		return true;
	}
	return opener->user_namespace == namespace
		       ? namespace->creator_could_setfcap
		       : credentials_capable_in(opener, user_namespace_parent(namespace),
						CAP_SETFCAP);
}

/* One id, the creator's own: that needs no privilege. For groups only once nobody in there can drop one. */
static bool maps_only_own_id(const struct user_namespace *namespace, enum id_kind kind,
			     const struct id_map *map, const struct credentials *opener)
{
	u32 id;

	if (map->count != 1 || map->extents[0].count != 1 ||
	    namespace->owner_uid != opener->euid) {
		return false;
	}
	id = id_to_kernel(user_namespace_parent(namespace), kind, map->extents[0].lower);
	if (kind == ID_USER) {
		return id == opener->euid;
	}
	return atomic_load(&namespace->setgroups_denied) && id == opener->egid;
}

static bool map_allowed(const struct user_namespace *namespace, enum id_kind kind,
			const struct id_map *map, const struct credentials *opener,
			const struct credentials *writer)
{
	const struct user_namespace *parent = user_namespace_parent(namespace);
	int capability = kind == ID_USER ? CAP_SETUID : CAP_SETGID;

	if (kind == ID_PROJECT) {
		return true;
	}
	if (kind == ID_USER && !root_map_allowed(namespace, map, opener)) {
		return false;
	}
	return maps_only_own_id(namespace, kind, map, opener) ||
	       (credentials_capable_in(writer, parent, capability) &&
		credentials_capable_in(opener, parent, capability));
}

/* The parent's ids become kernel ids; the parent must map each range whole. */
static int translate(const struct user_namespace *parent, enum id_kind kind,
		     struct id_map *map)
{
	// order.id_map: pairs with publish()
	const struct id_map *outer =
		atomic_load_explicit(&parent->maps[kind], memory_order_acquire);

	for (u32 i = 0; i < map->count && parent != &first_user_namespace; i++) {
		struct id_extent *extent = &map->extents[i];

		extent->lower = id_map_to_kernel(outer, extent->lower, extent->count);
		if (extent->lower == ID_INVALID) {
			return -EPERM;
		}
	}
	return 0;
}

static void sort(struct id_extent *extents, u32 count, bool by_lower)
{
	for (u32 i = 1; i < count; i++) {
		struct id_extent moved = extents[i];
		u32 at = i;

		for (; at && (by_lower ? extents[at - 1].lower > moved.lower
				       : extents[at - 1].first > moved.first);
		     at--) {
			extents[at] = extents[at - 1];
		}
		extents[at] = moved;
	}
}

static int publish(struct user_namespace *namespace, enum id_kind kind,
		   struct id_map *map)
{
	bool first;
	u64 flags;

	if (map->count > ID_MAP_LINEAR) {
		memcpy(map->extents + map->count, map->extents,
		       map->count * sizeof(map->extents[0]));
		sort(map->extents, map->count, false);
		sort(map->extents + map->count, map->count, true);
	}
	flags = spin_lock_irq(&map_lock);
	first = !atomic_load(&namespace->maps[kind]);
	if (first) {
		// order.id_map: pairs with map_of(), id_map_line() and translate()
		atomic_store_explicit(&namespace->maps[kind], map, memory_order_release);
	}
	spin_unlock_irq(&map_lock, flags);
	return first ? 0 : -EPERM;
}

static int check_writer(const struct user_namespace *namespace, enum id_kind kind,
			const struct credentials *opener)
{
	const struct user_namespace *parent = user_namespace_parent(namespace);

	if (!parent ||
	    (opener->user_namespace != namespace && opener->user_namespace != parent)) {
		return -EPERM;
	}
	if (atomic_load(&namespace->maps[kind])) {
		return -EPERM;
	}
	if (kind != ID_PROJECT &&
	    !credentials_capable_in(opener, namespace, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	return 0;
}

int id_map_write(struct user_namespace *namespace, enum id_kind kind, const char *text,
		 const struct credentials *opener, const struct credentials *writer)
{
	struct id_map *map;
	int err = check_writer(namespace, kind, opener);

	if (err) {
		return err;
	}
	map = heap_allocate(sizeof(*map) +
			    (size_t)2 * ID_MAP_EXTENTS_MAX * sizeof(map->extents[0]));
	if (!map) {
		return -ENOMEM;
	}
	err = parse(text, map);
	if (!err && !map_allowed(namespace, kind, map, opener, writer)) {
		err = -EPERM;
	}
	if (!err) {
		err = translate(user_namespace_parent(namespace), kind, map);
	}
	if (!err) {
		err = publish(namespace, kind, map);
	}
	if (err) {
		heap_free(map);
	}
	return err;
}

/* ---- setgroups ---- */

bool user_namespace_setgroups_allowed(const struct user_namespace *namespace)
{
	return namespace == &first_user_namespace ||
	       (atomic_load(&namespace->maps[ID_GROUP]) &&
		!atomic_load(&namespace->setgroups_denied));
}

int user_namespace_write_setgroups(struct user_namespace *namespace, const char *text)
{
	bool deny = strncmp(text, "deny", 4) == 0;
	int err = 0;
	u64 flags;

	if (!deny && strncmp(text, "allow", 5) != 0) {
		return -EINVAL;
	}
	for (text += deny ? 4 : 5; *text; text++) {
		if (!is_space(*text)) {
			return -EINVAL;
		}
	}
	flags = spin_lock_irq(&map_lock);
	if (!deny) {
		err = atomic_load(&namespace->setgroups_denied) ? -EPERM : 0;
	} else if (atomic_load(&namespace->maps[ID_GROUP]) ||
		   namespace == &first_user_namespace) {
		err = -EPERM;
	} else {
		atomic_store(&namespace->setgroups_denied, true);
	}
	spin_unlock_irq(&map_lock, flags);
	return err;
}

// SPDX-License-Identifier: MIT
/* The maps of user namespaces, inside the room: immutable once published. */
#pragma once

#include "cred/user_namespace.h"

struct id_extent {
	u32 first, lower,
		count; /* inside, kernel id (while parsed: parent's id), how many */
};

/* Up to ID_MAP_LINEAR extents in the order they were written; more: twice, sorted by `first`, then by `lower`. */
enum { ID_MAP_LINEAR = 5 };
struct id_map {
	u32 count;
	struct id_extent extents[];
};

/* The kernel id of `id`, where id…id+count-1 lie in one extent. NULL is the empty map. */
u32 id_map_to_kernel(const struct id_map *map, u32 id, u32 count);
u32 id_map_from_kernel(const struct id_map *map, u32 id);

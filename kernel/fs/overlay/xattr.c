// SPDX-License-Identifier: MIT
/*
 * Overlay: extended attributes.
 *
 * Those called trusted.overlay.NAME in a layer are the overlay's own and not to be seen through it. What a user calls so, another
 * overlay above for one, is trusted.overlay.overlay.NAME in the layer.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/limits.h>

#define OWN     "trusted.overlay."
#define ESCAPED OWN "overlay."

enum { OWN_LENGTH = sizeof(OWN) - 1, ESCAPED_LENGTH = sizeof(ESCAPED) - 1 };

struct layer_name {
	char text[XATTR_NAME_MAX + 1];
};

bool overlay_xattr_is_own(const char *name)
{
	return strncmp(name, OWN, OWN_LENGTH) == 0 &&
	       strncmp(name, ESCAPED, ESCAPED_LENGTH) != 0;
}

/* What the layer calls it. -EOPNOTSUPP: too long for that. */
static int name_in_layer(const char *name, struct layer_name *out)
{
	bool escape = strncmp(name, OWN, OWN_LENGTH) == 0;
	size_t more = escape ? ESCAPED_LENGTH - OWN_LENGTH : 0;

	if (strlen(name) + more >= sizeof(out->text)) {
		return -EOPNOTSUPP;
	}
	(void)format_string(out->text, sizeof(out->text), "%s%s", escape ? ESCAPED : "",
			    name + (escape ? OWN_LENGTH : 0));
	return 0;
}

s64 overlay_get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct inode *real = overlay_real_inode(inode);
	struct layer_name in_layer;
	int error;

	if (!real->operations->get_xattr) {
		return -EOPNOTSUPP;
	}
	error = name_in_layer(name, &in_layer);
	return error ? error
		     : real->operations->get_xattr(real, in_layer.text, value, size);
}

/* Move the names that are to be seen, as they are to be seen, to the front: bytes left. */
static size_t show_names(char *list, size_t size)
{
	size_t kept = 0, length;

	for (size_t at = 0; at < size; at += length) {
		length = strlen(list + at) + 1;
		if (overlay_xattr_is_own(list + at)) {
			continue;
		}
		if (strncmp(list + at, ESCAPED, ESCAPED_LENGTH) == 0) {
			memmove(list + kept, OWN, OWN_LENGTH);
			kept += OWN_LENGTH;
			memmove(list + kept, list + at + ESCAPED_LENGTH,
				length - ESCAPED_LENGTH);
			kept += length - ESCAPED_LENGTH;
		} else {
			memmove(list + kept, list + at, length);
			kept += length;
		}
	}
	return kept;
}

s64 overlay_list_xattr(struct inode *inode, char *list, size_t size)
{
	struct inode *real = overlay_real_inode(inode);
	s64 length;
	char *all;

	if (!real->operations->list_xattr) {
		return 0;
	}
	length = real->operations->list_xattr(real, NULL, 0);
	if (length <= 0) {
		return length;
	}
	all = heap_allocate((size_t)length);
	if (!all) {
		return -ENOMEM;
	}
	length = real->operations->list_xattr(real, all, (size_t)length);
	if (length > 0) {
		length = (s64)show_names(all, (size_t)length);
	}
	if (length > 0 && size) {
		if ((size_t)length > size) {
			length = -ERANGE;
		} else {
			memcpy(list, all, (size_t)length);
		}
	}
	heap_free(all);
	return length;
}

int overlay_set_xattr(struct inode *inode, const char *name, const void *value,
		      size_t size, int flags)
{
	struct layer_name in_layer;
	struct inode *real;
	int error = name_in_layer(name, &in_layer);

	if (!error) {
		error = overlay_copy_up(inode);
	}
	if (error) {
		return error;
	}
	real = dentry_inode(overlay_upper(inode));
	if (!real->operations->set_xattr) {
		return -EOPNOTSUPP;
	}
	inode_lock(real);
	error = real->operations->set_xattr(real, in_layer.text, value, size, flags);
	inode_unlock(real);
	return error;
}

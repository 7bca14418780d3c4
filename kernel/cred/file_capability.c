// SPDX-License-Identifier: MIT
/* Capabilities of files: reading the attribute, and its translation between user namespaces. */
#include "cred/file_capability.h"

#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"

#define VALID ((1ULL << (CAP_LAST_CAP + 1)) - 1)

_Static_assert(sizeof(struct vfs_ns_cap_data) == FILE_CAPABILITY_SIZE_MAX, "version 3");

/* How many words of each set, by the version in `magic`, if the size is right for it; 0: it is not. */
static unsigned words_of(u32 magic, size_t size)
{
	switch (magic & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		return size == XATTR_CAPS_SZ_1 ? VFS_CAP_U32_1 : 0;
	case VFS_CAP_REVISION_2:
		return size == XATTR_CAPS_SZ_2 ? VFS_CAP_U32_2 : 0;
	case VFS_CAP_REVISION_3:
		return size == XATTR_CAPS_SZ_3 ? VFS_CAP_U32_3 : 0;
	}
	return 0;
}

int file_capability_read(const void *value, size_t size, struct file_capability *out)
{
	struct vfs_ns_cap_data data = {0};
	unsigned words;

	if (size < sizeof(data.magic_etc) || size > sizeof(data)) {
		return -EINVAL;
	}
	memcpy(&data, value, size);
	words = words_of(data.magic_etc, size);
	if (!words) {
		return -EINVAL;
	}
	*out = (struct file_capability){
		.effective = data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE,
		.root_uid = size == sizeof(data) ? data.rootid : 0,
	};
	for (unsigned i = 0; i < words; i++) {
		out->permitted |= (u64)data.data[i].permitted << (32 * i);
		out->inheritable |= (u64)data.data[i].inheritable << (32 * i);
	}
	out->permitted &= VALID;
	out->inheritable &= VALID;
	return 0;
}

int file_capability_import(const struct credentials *writer, bool over_system,
			   u8 value[FILE_CAPABILITY_SIZE_MAX], size_t *size)
{
	struct vfs_ns_cap_data data = {0};
	struct file_capability parsed;

	if (*size < XATTR_CAPS_SZ_2 || file_capability_read(value, *size, &parsed)) {
		return -EINVAL;
	}
	if (*size == XATTR_CAPS_SZ_2 && over_system) {
		return 0;
	}
	memcpy(&data, value, *size);
	data.magic_etc = VFS_CAP_REVISION_3 | (data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE);
	data.rootid = id_to_kernel(writer->user_namespace, ID_USER, parsed.root_uid);
	if (data.rootid == ID_INVALID) {
		return -EINVAL;
	}
	*size = sizeof(data);
	memcpy(value, &data, sizeof(data));
	return 0;
}

int file_capability_export(const struct credentials *reader,
			   u8 value[FILE_CAPABILITY_SIZE_MAX], size_t *size)
{
	struct vfs_ns_cap_data data = {0};
	struct file_capability parsed;
	u32 shown;

	if (*size < XATTR_CAPS_SZ_2 || file_capability_read(value, *size, &parsed)) {
		return -EINVAL;
	}
	memcpy(&data, value, *size);
	shown = id_from_kernel(reader->user_namespace, ID_USER, parsed.root_uid);
	data.magic_etc &= VFS_CAP_FLAGS_EFFECTIVE;
	if (shown != ID_INVALID && shown != 0) {
		data.magic_etc |= VFS_CAP_REVISION_3;
		data.rootid = shown;
		*size = sizeof(data);
	} else if (!user_namespace_is_root(reader->user_namespace, parsed.root_uid)) {
		return -EOVERFLOW;
	} else {
		data.magic_etc |= VFS_CAP_REVISION_2;
		*size = XATTR_CAPS_SZ_2;
	}
	memcpy(value, &data, *size);
	return 0;
}

// SPDX-License-Identifier: MIT
/* The option text of a tmpfs mount: "size=64m,mode=1777,…". */
#include "fs/tmpfs/tmpfs.h"

#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "fs/tmpfs/tmpfs_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

static u64 memory_pages(void)
{
	struct frame_statistics statistics;

	frame_statistics(&statistics);
	return statistics.total;
}

/* Digits in `base`, at least one; *text moves behind them. */
static bool parse_number(const char **text, unsigned base, u64 *out)
{
	const char *start = *text;
	u64 value = 0;

	for (; **text >= '0' && **text < (char)('0' + base); (*text)++) {
		if (value > UINT64_MAX / 1024) {
			return false;
		}
		value = value * base + (u64)(**text - '0');
	}
	*out = value;
	return *text > start;
}

/* A number of bytes with k, m, g, or % of memory, as pages. */
static bool parse_size(const char **text, u64 unit, u64 *pages)
{
	unsigned shift = 0;
	u64 value;

	if (!parse_number(text, 10, &value)) {
		return false;
	}
	switch (**text) {
	case '%':
		(*text)++;
		*pages = memory_pages() / 100 * value;
		return true;
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	default:
		break;
	}
	*text += shift > 0;
	if (value > UINT64_MAX >> 32) {
		return false;
	}
	*pages = ((value << shift) * unit + PAGE_SIZE - 1) / PAGE_SIZE;
	return true;
}

/* Words of Linux that change nothing here. */
static bool pass_over(const char **text)
{
	static const char *const words[] = {"huge=",  "mpol=", "inode32", "inode64",
					    "noswap", "rw",    "ro",      "source="};
	bool known = false;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		known = known || strncmp(*text, words[i], strlen(words[i])) == 0;
	}
	while (**text && **text != ',') {
		(*text)++;
	}
	return known;
}

/* An owner, as `namespace` writes it; it must be somebody there. */
static bool parse_owner(const char **text, const struct user_namespace *namespace,
			enum id_kind kind, u32 *out)
{
	u64 value;

	if (!parse_number(text, 10, &value) || value > UINT32_MAX) {
		return false;
	}
	*out = id_to_kernel(namespace, kind, (u32)value);
	return *out != ID_INVALID;
}

static bool parse_one(struct tmpfs *tmpfs, const struct user_namespace *namespace,
		      const char **text)
{
	static const char *const names[] = {
		"size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid="};
	u64 value;
	unsigned which;

	for (which = 0; which < ARRAY_SIZE(names); which++) {
		if (strncmp(*text, names[which], strlen(names[which])) == 0) {
			break;
		}
	}
	if (which == ARRAY_SIZE(names)) {
		return pass_over(text);
	}
	*text += strlen(names[which]);
	switch (which) {
	case 0:
		return parse_size(text, 1, &tmpfs->page_limit);
	case 1:
		return parse_size(text, PAGE_SIZE, &tmpfs->page_limit);
	case 2:
		if (!parse_size(text, PAGE_SIZE, &tmpfs->inode_limit)) {
			return false;
		}
		return true;
	case 3:
		if (!parse_number(text, 8, &value)) {
			return false;
		}
		tmpfs->root_mode = (u32)value & 07777;
		return true;
	case 4:
		return parse_owner(text, namespace, ID_USER, &tmpfs->root_uid);
	case 5:
		return parse_owner(text, namespace, ID_GROUP, &tmpfs->root_gid);
	default:
		return false;
	}
}

static int parse(struct tmpfs *tmpfs, const struct user_namespace *namespace,
		 const char *options)
{
	while (options && *options) {
		if (!parse_one(tmpfs, namespace, &options)) {
			return -EINVAL;
		}
		if (*options && *options != ',') {
			return -EINVAL;
		}
		options += *options == ',';
	}
	return 0;
}

int tmpfs_parse_options(struct tmpfs *tmpfs, const struct credentials *credentials,
			const char *options)
{
	const struct user_namespace *namespace = &first_user_namespace;

	if (credentials) {
		namespace = credentials->user_namespace;
		tmpfs->root_uid = credentials->fsuid;
		tmpfs->root_gid = credentials->fsgid;
	}
	tmpfs->root_mode = 01777;
	tmpfs->page_limit = memory_pages() / 2;
	tmpfs->inode_limit = MAX(memory_pages() / 2, (u64)1024);
	return parse(tmpfs, namespace, options);
}

/* The limits can change, but not to less than is in use; the root's owner and mode are its inode's by now. */
int tmpfs_remount(struct super_block *super_block, const char *options)
{
	struct tmpfs *tmpfs = tmpfs_of(super_block);
	struct tmpfs fresh = {.page_limit = tmpfs->page_limit,
			      .inode_limit = tmpfs->inode_limit};
	int result = parse(
		&fresh, super_block->owner ? super_block->owner : &first_user_namespace,
		options);

	if (result < 0) {
		return result;
	}
	if ((fresh.page_limit && atomic_load(&tmpfs->pages) > (s64)fresh.page_limit) ||
	    (fresh.inode_limit && atomic_load(&tmpfs->inodes) > (s64)fresh.inode_limit)) {
		return -EINVAL;
	}
	WRITE_ONCE(tmpfs->page_limit, fresh.page_limit);
	WRITE_ONCE(tmpfs->inode_limit, fresh.inode_limit);
	return 0;
}

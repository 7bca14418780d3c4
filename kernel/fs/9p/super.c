// SPDX-License-Identifier: MIT
/*
 * Mounting 9p.
 *
 * Options   trans=virtio, version=9p2000.L, msize=BYTES, aname=TREE, uname=USER, cache=WORD. A read-only mount is a snapshot, cached for
 *	     good, unless cache=none or cache=mmap asks otherwise; a writable one keeps nothing beyond an open file. Other words are
 *	     passed over, as by Linux.
 */
#include "fs/9p/9p.h"
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/heap.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/stat.h>

enum { WORD_MAX = 128 };

struct options {
	u32 message_size;
	bool no_cache;
	char user[WORD_MAX], tree[WORD_MAX];
};

/* Copy the option at *text (up to a comma) into `word`; false: there is none. */
static bool next_word(const char **text, char *word)
{
	size_t length = 0;

	if (!*text || !**text) {
		return false;
	}
	while (**text && **text != ',') {
		if (length < WORD_MAX - 1) {
			word[length++] = **text;
		}
		++*text;
	}
	word[length] = 0;
	*text += **text == ',';
	return true;
}

/* The value of `word` if it is `name=value`. */
static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1
								       : NULL;
}

static int parse_word(struct options *options, const char *word)
{
	const char *value;
	u64 number;

	if ((value = value_of(word, "trans")) != NULL) {
		return strcmp(value, "virtio") == 0 ? 0 : -EINVAL;
	}
	if ((value = value_of(word, "version")) != NULL) {
		return strcmp(value, "9p2000.L") == 0 ? 0 : -EINVAL;
	}
	if ((value = value_of(word, "msize")) != NULL) {
		if (string_to_u64(value, &number) || number < 2 * PAGE_SIZE) {
			return -EINVAL;
		}
		options->message_size = (u32)MIN(number, (u64)P9_DEFAULT_SIZE);
	} else if ((value = value_of(word, "cache")) != NULL) {
		options->no_cache =
			strcmp(value, "none") == 0 || strcmp(value, "mmap") == 0;
	} else if ((value = value_of(word, "uname")) != NULL) {
		string_copy(options->user, value, WORD_MAX);
	} else if ((value = value_of(word, "aname")) != NULL) {
		string_copy(options->tree, value, WORD_MAX);
	}
	return 0;
}

static int parse_options(struct options *options, const char *text)
{
	char word[WORD_MAX];
	int error = 0;

	*options = (struct options){.message_size = P9_DEFAULT_SIZE};
	string_copy(options->user, "nobody", WORD_MAX);
	while (!error && next_word(&text, word)) {
		error = parse_word(options, word);
	}
	return error;
}

/* --- super block --- */

static void unmount(struct super_block *super_block)
{
	struct p9_mount *mount = super_block->data;

	if (!mount) {
		return;
	}
	p9_channel_close(mount->channel);
	heap_free(mount);
}

static int unpack_statistics(struct p9_cursor *cursor, struct statfs *out)
{
	out->f_type = (long)p9_get(cursor, 4);
	out->f_bsize = (long)p9_get(cursor, 4);
	out->f_blocks = p9_get(cursor, 8);
	out->f_bfree = p9_get(cursor, 8);
	out->f_bavail = p9_get(cursor, 8);
	out->f_files = p9_get(cursor, 8);
	out->f_ffree = p9_get(cursor, 8);
	(void)p9_get(cursor, 8);
	out->f_namelen = (long)p9_get(cursor, 4);
	out->f_frsize = out->f_bsize;
	return cursor->broken ? -EIO : 0;
}

static int statistics(struct super_block *super_block, struct statfs *out)
{
	struct p9_mount *mount = super_block->data;
	struct p9_request *request;
	int error = p9_begin(mount->channel, P9_TSTATFS, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, mount->root_fid);
	error = p9_call(request);
	if (!error) {
		error = unpack_statistics(&request->cursor, out);
	}
	p9_end(request);
	return error;
}

static int show_options(struct super_block *super_block, char *to, size_t size)
{
	struct p9_mount *mount = super_block->data;

	return format_string(to, size, ",trans=virtio,version=9p2000.L,msize=%u,cache=%s",
			     mount->message_size, mount->snapshot ? "loose" : "none");
}

static const struct super_block_operations operations = {
	.destroy_inode = p9_destroy_inode,
	.unmount = unmount,
	.statfs = statistics,
	.show_options = show_options,
};

/* --- mount --- */

static struct p9_mount *mount_create(struct p9_channel *channel,
				     const struct options *options)
{
	struct p9_mount *mount = heap_allocate(sizeof *mount);

	if (!mount) {
		return NULL;
	}
	mount->channel = channel;
	mount->message_size = options->message_size;
	spin_init(&mount->table_lock, RANK_INODE_CACHE, "p9_mount.table_lock");
	spin_init(&mount->open_lock, RANK_INODE_CACHE, "p9_mount.open_lock");
	list_init(&mount->open_files);
	for (unsigned i = 0; i < P9_TABLE_SIZE; i++) {
		list_init(&mount->table[i]);
	}
	return mount;
}

static int attach_root(struct super_block *super_block, const struct options *options)
{
	struct p9_mount *mount = super_block->data;
	struct p9_channel *channel = mount->channel;
	struct inode *root;
	struct p9_qid qid;
	u32 fid;
	int error = p9_version(channel, &mount->message_size);

	if (!error) {
		error = p9_fid_allocate(channel, &fid);
	}
	if (error) {
		return error;
	}
	error = p9_attach(channel, fid, options->user, options->tree, &qid);
	if (error) {
		p9_fid_free(channel, fid);
		return error;
	}
	mount->root_fid = fid; /* the root inode's; it goes last */
	error = p9_node_find(super_block, fid, &qid, &root);
	if (!error) {
		error = dentry_create_root(super_block, root, &super_block->root);
	}
	return error;
}

static int p9_mount(const struct file_system_type *type, const char *source,
		    unsigned long flags, const char *data, struct super_block **out)
{
	struct super_block *super_block;
	struct p9_channel *channel;
	struct p9_mount *mount;
	struct options options;
	int error = parse_options(&options, data);

	if (!error) {
		error = source ? p9_channel_open(source, &channel) : -EINVAL;
	}
	if (error) {
		return error;
	}
	mount = mount_create(channel, &options);
	error = mount ? super_block_create(type, &operations, &super_block) : -ENOMEM;
	if (error) {
		heap_free(mount);
		p9_channel_close(channel);
		return error;
	}
	mount->snapshot = flags & MS_RDONLY && !options.no_cache;
	super_block->data = mount;
	super_block->read_only = mount->snapshot;
	error = attach_root(super_block, &options);
	if (error) {
		super_block_put(super_block);
		return error;
	}
	*out = super_block;
	return 0;
}

static struct file_system_type p9_type = {
	.name = "9p",
	.mount = p9_mount,
	.flags = FILE_SYSTEM_NODEV,
};

void p9_init(void)
{
	p9_transport_init();
	file_system_register(&p9_type);
}

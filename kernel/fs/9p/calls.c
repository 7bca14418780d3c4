// SPDX-License-Identifier: MIT
/* The messages of 9P2000.L that are used, one function each. */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

/* Call, look at nothing in the reply, end. */
static int finish(struct p9_request *request)
{
	int error = p9_call(request);

	p9_end(request);
	return error;
}

int p9_version(struct p9_channel *channel, u32 *message_size)
{
	static const char name[] = "9P2000.L";
	struct p9_request *request;
	const u8 *text;
	u32 size = 0;
	int error = p9_begin(channel, P9_TVERSION, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, *message_size);
	p9_put_string(&request->cursor, name, sizeof name - 1);
	error = p9_call(request);
	if (!error) {
		size = (u32)p9_get(&request->cursor, 4);
		if (p9_get(&request->cursor, 2) != sizeof name - 1) {
			error = -EPROTONOSUPPORT;
		}
		text = p9_field(&request->cursor, sizeof name - 1);
		if (!error && (!text || memcmp(text, name, sizeof name - 1) != 0)) {
			error = -EPROTONOSUPPORT;
		}
	}
	p9_end(request);
	if (!error && size < 2 * PAGE_SIZE) {
		error = -EINVAL;
	}
	*message_size = MIN(*message_size, size);
	return error;
}

int p9_attach(struct p9_channel *channel, u32 fid, const char *user, const char *tree,
	      struct p9_qid *qid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TATTACH, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u32(&request->cursor, P9_NO_FID);
	p9_put_string(&request->cursor, user, strlen(user));
	p9_put_string(&request->cursor, tree, strlen(tree));
	p9_put_u32(&request->cursor, 0);
	error = p9_call(request);
	if (!error) {
		*qid = p9_get_qid(&request->cursor);
		error = request->cursor.broken ? -EIO : 0;
	}
	p9_end(request);
	return error;
}

static int walk_to(struct p9_channel *channel, u32 fid, const char *name, size_t length,
		   u32 to, struct p9_qid *qid)
{
	struct p9_request *request;
	u16 count = name ? 1 : 0;
	int error = p9_begin(channel, P9_TWALK, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u32(&request->cursor, to);
	p9_put_u16(&request->cursor, count);
	if (name) {
		p9_put_string(&request->cursor, name, length);
	}
	error = p9_call(request);
	if (!error && p9_get(&request->cursor, 2) != count) {
		error = -ENOENT;
	}
	if (!error && name) {
		*qid = p9_get_qid(&request->cursor);
		error = request->cursor.broken ? -EIO : 0;
	}
	p9_end(request);
	return error;
}

int p9_walk(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	    u32 *out, struct p9_qid *qid)
{
	int error = p9_fid_allocate(channel, out);

	if (error) {
		return error;
	}
	error = walk_to(channel, fid, name, length, *out, qid);
	if (error) {
		p9_fid_free(channel, *out);
	}
	return error;
}

static nsec_t get_time(struct p9_cursor *cursor)
{
	s64 seconds = (s64)p9_get(cursor, 8);
	s64 rest = (s64)p9_get(cursor, 8);

	return seconds * NSEC_PER_SEC + rest;
}

static void unpack_attributes(struct p9_cursor *cursor, struct p9_attributes *out)
{
	struct inode_attributes *to = &out->attributes;

	(void)p9_get(cursor, 8); /* which fields are valid: the basic ones always are */
	out->qid = p9_get_qid(cursor);
	to->inode_number = out->qid.path;
	to->mode = (u32)p9_get(cursor, 4);
	to->uid = (u32)p9_get(cursor, 4);
	to->gid = (u32)p9_get(cursor, 4);
	to->link_count = (u32)p9_get(cursor, 8);
	to->special_device = p9_get(cursor, 8);
	to->size = p9_get(cursor, 8);
	(void)p9_get(cursor, 8); /* the server's buffer; programs read in ours, pages */
	to->block_size = PAGE_SIZE;
	to->blocks = p9_get(cursor, 8);
	to->accessed = get_time(cursor);
	to->modified = get_time(cursor);
	to->changed = get_time(cursor);
	to->born = get_time(cursor);
}

int p9_get_attributes(struct p9_channel *channel, u32 fid, struct p9_attributes *out)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TGETATTR, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u64(&request->cursor, P9_GETATTR_BASIC);
	error = p9_call(request);
	if (!error) {
		*out = (struct p9_attributes){0};
		unpack_attributes(&request->cursor, out);
		error = request->cursor.broken ? -EIO : 0;
	}
	p9_end(request);
	return error;
}

static void put_time(struct p9_cursor *cursor, nsec_t time)
{
	s64 seconds = time / NSEC_PER_SEC;
	s64 rest = time % NSEC_PER_SEC;

	if (rest < 0) {
		seconds--;
		rest += NSEC_PER_SEC;
	}
	p9_put_u64(cursor, (u64)seconds);
	p9_put_u64(cursor, (u64)rest);
}

int p9_set_attributes(struct p9_channel *channel, u32 fid,
		      const struct inode_attributes *attributes, u32 valid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TSETATTR, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u32(&request->cursor, valid);
	p9_put_u32(&request->cursor, attributes->mode & 07777);
	p9_put_u32(&request->cursor, attributes->uid);
	p9_put_u32(&request->cursor, attributes->gid);
	p9_put_u64(&request->cursor, attributes->size);
	put_time(&request->cursor, attributes->accessed);
	put_time(&request->cursor, attributes->modified);
	return finish(request);
}

int p9_open_fid(struct p9_channel *channel, u32 fid, u32 flags)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TLOPEN, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u32(&request->cursor, flags);
	return finish(request);
}

int p9_create(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	      u32 flags, u32 mode, u32 gid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TLCREATE, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	p9_put_u32(&request->cursor, flags);
	p9_put_u32(&request->cursor, mode);
	p9_put_u32(&request->cursor, gid);
	return finish(request);
}

/* --- data --- */

static s64 transfer(struct p9_channel *channel, enum p9_type type, u32 fid, u64 offset,
		    const struct virtio_segment *segments, unsigned count)
{
	bool reads = type == P9_TREAD;
	struct p9_request *request;
	u32 size = 0;
	s64 moved;
	int error = p9_begin(channel, type, &request);

	if (error) {
		return error;
	}
	for (unsigned i = 0; i < count; i++) {
		size += segments[i].size;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u64(&request->cursor, offset);
	p9_put_u32(&request->cursor, size);
	error = p9_call_data(request, segments, reads ? 0 : count, reads ? count : 0);
	moved = (s64)p9_get(&request->cursor, 4);
	if (!error && (request->cursor.broken || moved > size)) {
		error = -EIO;
	}
	p9_end(request);
	return error ? error : moved;
}

s64 p9_read(struct p9_channel *channel, u32 fid, u64 offset,
	    const struct virtio_segment *segments, unsigned count)
{
	return transfer(channel, P9_TREAD, fid, offset, segments, count);
}

s64 p9_write(struct p9_channel *channel, u32 fid, u64 offset,
	     const struct virtio_segment *segments, unsigned count)
{
	return transfer(channel, P9_TWRITE, fid, offset, segments, count);
}

s64 p9_read_link(struct p9_channel *channel, u32 fid, char *to, size_t size)
{
	struct p9_request *request;
	size_t length = 0;
	u8 *text;
	int error = p9_begin(channel, P9_TREADLINK, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	error = p9_call(request);
	if (!error) {
		length = p9_get(&request->cursor, 2);
		text = p9_field(&request->cursor, length);
		length = MIN(length, size);
		if (text) {
			memcpy(to, text, length);
		} else {
			error = -EIO;
		}
	}
	p9_end(request);
	return error ? error : (s64)length;
}

/* --- names --- */

int p9_make_directory(struct p9_channel *channel, u32 fid, const char *name,
		      size_t length, u32 mode, u32 gid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TMKDIR, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	p9_put_u32(&request->cursor, mode);
	p9_put_u32(&request->cursor, gid);
	return finish(request);
}

int p9_make_link(struct p9_channel *channel, u32 fid, const char *name, size_t length,
		 const char *target, u32 gid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TSYMLINK, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	p9_put_string(&request->cursor, target, strlen(target));
	p9_put_u32(&request->cursor, gid);
	return finish(request);
}

int p9_make_node(struct p9_channel *channel, u32 fid, const char *name, size_t length,
		 u32 mode, u64 device, u32 gid)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TMKNOD, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	p9_put_u32(&request->cursor, mode);
	p9_put_u32(&request->cursor, (u32)(device >> 8 & 0xfff));
	p9_put_u32(&request->cursor, (u32)((device & 0xff) | (device >> 12 & 0xfff00)));
	p9_put_u32(&request->cursor, gid);
	return finish(request);
}

int p9_link(struct p9_channel *channel, u32 directory, u32 fid, const char *name,
	    size_t length)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TLINK, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, directory);
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	return finish(request);
}

int p9_unlink(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	      bool directory)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TUNLINKAT, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_string(&request->cursor, name, length);
	p9_put_u32(&request->cursor, directory ? AT_REMOVEDIR : 0);
	return finish(request);
}

int p9_rename(struct p9_channel *channel, u32 old_fid, const char *old_name,
	      size_t old_length, u32 new_fid, const char *new_name, size_t new_length)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TRENAMEAT, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, old_fid);
	p9_put_string(&request->cursor, old_name, old_length);
	p9_put_u32(&request->cursor, new_fid);
	p9_put_string(&request->cursor, new_name, new_length);
	return finish(request);
}

int p9_sync(struct p9_channel *channel, u32 fid, bool data_only)
{
	struct p9_request *request;
	int error = p9_begin(channel, P9_TFSYNC, &request);

	if (error) {
		return error;
	}
	p9_put_u32(&request->cursor, fid);
	p9_put_u32(&request->cursor, data_only);
	return finish(request);
}

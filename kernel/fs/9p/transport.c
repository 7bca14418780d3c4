// SPDX-License-Identifier: MIT
/*
 * 9P over virtio.
 *
 * Owns      struct p9_channel: a device, its requests (the tag is a request's index) and its fids.
 * Locks     p9_channel.lock (spin, irq-safe): queue, requests' in_use, fids. channels_lock: the list of channels.
 *
 * Invariants
 *   P1  A tag is in use from p9_begin() until the reply is here and was looked at; so no reply meets another's request.
 *   P2  A fid is free again only after the server has answered to its Tclunk.
 */
#include "fs/9p/transport.h"
#include "arch/mmu.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/wait.h"
#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>

enum {
	TAG_MAX = 64,
	QUEUE_SIZE = 256,
	BUFFER_ORDER = 2,
	BUFFER_HALF = 2 * PAGE_SIZE,
	READY_REQUESTS = 4
};

struct p9_channel {
	struct list link;
	char tag[TAG_MAX];
	bool opened; /* channels_lock */
	struct virtqueue *queue;

	struct spinlock lock;
	struct wait_queue released; /* a request or descriptors became free */
	struct p9_request requests[P9_REQUESTS_MAX];
	u64 *fids; /* bits */
	size_t next_fid;
};

static struct spinlock channels_lock =
	SPINLOCK_INIT(RANK_INODE_CACHE, "9p.channels_lock");
static struct list channels = LIST_INIT(channels);

/* --- fids --- */

int p9_fid_allocate(struct p9_channel *channel, u32 *out)
{
	u64 flags = spin_lock_irq(&channel->lock);
	size_t fid = bitmap_next_clear(channel->fids, P9_FIDS_MAX, channel->next_fid);

	if (fid == P9_FIDS_MAX) {
		fid = bitmap_next_clear(channel->fids, P9_FIDS_MAX, 0);
	}
	if (fid < P9_FIDS_MAX) {
		bitmap_set(channel->fids, fid);
		channel->next_fid = fid + 1;
		*out = (u32)fid;
	}
	spin_unlock_irq(&channel->lock, flags);
	return fid < P9_FIDS_MAX ? 0 : -ENFILE;
}

void p9_fid_free(struct p9_channel *channel, u32 fid)
{
	u64 flags = spin_lock_irq(&channel->lock);

	bitmap_clear(channel->fids, fid);
	spin_unlock_irq(&channel->lock, flags);
}

/* --- requests --- */

/* `ready`: one that has its buffers. */
static struct p9_request *take_request(struct p9_channel *channel, bool ready)
{
	struct p9_request *found = NULL;
	u64 flags = spin_lock_irq(&channel->lock);

	for (unsigned i = 0; i < P9_REQUESTS_MAX && !found; i++) {
		struct p9_request *request = &channel->requests[i];

		if (!request->in_use && (request->out || !ready)) {
			request->in_use = true;
			request->tag = (u16)i;
			found = request;
		}
	}
	spin_unlock_irq(&channel->lock, flags);
	return found;
}

static int make_buffers(struct p9_request *request)
{
	struct frame *frame;
	int error;

	if (request->out) {
		return 0;
	}
	error = frame_allocate_contiguous(BUFFER_ORDER, 0, &frame);
	if (!error) {
		request->in = (u8 *)frame_address(frame) + BUFFER_HALF;
		request->out = frame_address(frame);
	}
	return error;
}

/* The first few have their buffers from the start, so there is always one to wait for. */
static struct p9_request *get_request(struct p9_channel *channel)
{
	struct p9_request *request = take_request(channel, false);

	if (request && make_buffers(request)) {
		p9_end(request);
		request = NULL;
	}
	if (!request) {
		(void)wait_until(&channel->released,
				 (request = take_request(channel, true)) != NULL,
				 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
	}
	return request;
}

int p9_begin(struct p9_channel *channel, enum p9_type type, struct p9_request **out)
{
	struct p9_request *request = get_request(channel);

	request->type = (u8)type;
	request->detached = false;
	atomic_store(&request->done, false);
	request->cursor =
		(struct p9_cursor){request->out, request->out + BUFFER_HALF, false};
	p9_put_u32(&request->cursor, 0);
	p9_put_u8(&request->cursor, (u8)type);
	p9_put_u16(&request->cursor, type == P9_TVERSION ? P9_NO_TAG : request->tag);
	*out = request;
	return 0;
}

static void release_locked(struct p9_request *request)
{
	request->in_use = false;
}

void p9_end(struct p9_request *request)
{
	struct p9_channel *channel = request->channel;
	u64 flags = spin_lock_irq(&channel->lock);

	release_locked(request);
	spin_unlock_irq(&channel->lock, flags);
	wake_one(&channel->released, 0);
}

static bool try_send(struct p9_request *request, const struct virtio_segment *segments,
		     unsigned outs, unsigned ins)
{
	struct p9_channel *channel = request->channel;
	u64 flags = spin_lock_irq(&channel->lock);
	bool sent = !virtqueue_add(channel->queue, segments, outs, ins, request);

	if (sent) {
		virtqueue_kick(channel->queue);
	}
	spin_unlock_irq(&channel->lock, flags);
	return sent;
}

/* Finish the message and offer it; waits for descriptors. */
static void send(struct p9_request *request, const struct virtio_segment *data,
		 unsigned outs, unsigned ins)
{
	struct virtio_segment segments[P9_SEGMENTS_MAX + 2]
		__attribute__((uninitialized));
	u32 size = (u32)(request->cursor.at - request->out);
	u32 message = size;
	unsigned count = 0;

	ASSERT(outs + ins <= P9_SEGMENTS_MAX);
	segments[count++] =
		(struct virtio_segment){virtual_to_physical(request->out), size};
	for (unsigned i = 0; i < outs; i++) {
		message += data[i].size;
		segments[count++] = data[i];
	}
	memcpy(request->out, &message, sizeof message);
	segments[count++] = (struct virtio_segment){virtual_to_physical(request->in),
						    ins ? P9_READ_HEADER : BUFFER_HALF};
	for (unsigned i = 0; i < ins; i++) {
		segments[count++] = data[outs + i];
	}
	if (!try_send(request, segments, outs + 1, ins + 1)) {
		(void)wait_until(&request->channel->released,
				 try_send(request, segments, outs + 1, ins + 1),
				 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
	}
}

/* The reply's header; the cursor is left at its first field. */
static int check_reply(struct p9_request *request, bool direct)
{
	u32 held = MIN(request->length, direct ? (u32)P9_READ_HEADER : (u32)BUFFER_HALF);
	struct p9_cursor *cursor = &request->cursor;
	u32 size, code;
	u8 type;

	*cursor = (struct p9_cursor){request->in, request->in + held, false};
	size = (u32)p9_get(cursor, 4);
	type = (u8)p9_get(cursor, 1);
	(void)p9_get(cursor, 2);
	if (cursor->broken || size > request->length) {
		return -EIO;
	}
	if (type == P9_RLERROR) {
		code = (u32)p9_get(cursor, 4);
		return cursor->broken || code == 0 || code > 4095 ? -EIO : -(int)code;
	}
	return type == request->type + 1 ? 0 : -EIO;
}

int p9_call_data(struct p9_request *request, const struct virtio_segment *data,
		 unsigned outs, unsigned ins)
{
	if (request->cursor.broken) {
		return -ENAMETOOLONG;
	}
	send(request, data, outs, ins);
	(void)wait_until(&request->reply, atomic_load(&request->done),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
	return check_reply(request, ins > 0);
}

int p9_call(struct p9_request *request)
{
	return p9_call_data(request, NULL, 0, 0);
}

void p9_clunk(struct p9_channel *channel, u32 fid)
{
	struct p9_request *request;

	if (p9_begin(channel, P9_TCLUNK, &request)) {
		return; /* without memory the number stays in use on both sides */
	}
	p9_put_u32(&request->cursor, fid);
	request->fid_to_free = fid;
	request->detached = true;
	send(request, NULL, 0, 0);
}

static void completed(struct virtqueue *queue)
{
	struct p9_channel *channel = virtqueue_argument(queue);
	u64 flags = spin_lock_irq(&channel->lock);
	struct p9_request *request;
	u32 length;

	while ((request = virtqueue_take(queue, &length)) != NULL) {
		request->length = length;
		if (request->detached) {
			bitmap_clear(channel->fids, request->fid_to_free);
			release_locked(request);
		} else {
			atomic_store(&request->done, true);
			wake_all(&request->reply, 0);
		}
	}
	spin_unlock_irq(&channel->lock, flags);
	wake_all(&channel->released, 0);
}

/* --- channels --- */

static void read_tag(struct virtio_device *device, struct p9_channel *channel)
{
	u16 length = 0;

	if (!(device->features & 1UL << VIRTIO_9P_MOUNT_TAG)) {
		return;
	}
	virtio_read_configuration(device, 0, &length, sizeof length);
	length = MIN(length, (u16)(TAG_MAX - 1));
	for (u16 i = 0; i < length; i++) {
		virtio_read_configuration(device, 2 + i, &channel->tag[i], 1);
	}
}

static int probe(struct virtio_device *device)
{
	struct p9_channel *channel;
	int error = virtio_accept_features(device, 1UL << VIRTIO_9P_MOUNT_TAG);

	if (error) {
		return error;
	}
	channel = heap_allocate(sizeof *channel);
	if (!channel) {
		return -ENOMEM;
	}
	channel->fids = heap_allocate(P9_FIDS_MAX / 8);
	if (!channel->fids) {
		heap_free(channel);
		return -ENOMEM;
	}
	spin_init(&channel->lock, RANK_DRIVER, "p9_channel.lock");
	for (unsigned i = 0; i < P9_REQUESTS_MAX; i++) {
		channel->requests[i].channel = channel;
		wait_queue_init(&channel->requests[i].reply);
	}
	wait_queue_init(&channel->released);
	read_tag(device, channel);
	for (unsigned i = 0; i < READY_REQUESTS && !error; i++) {
		error = make_buffers(&channel->requests[i]);
	}
	if (!error) {
		error = virtqueue_create(device, 0, QUEUE_SIZE, completed, channel,
					 &channel->queue);
	}
	if (error) { /* at boot: the machine has no memory at all */
		heap_free(channel->fids);
		heap_free(channel);
		return error;
	}
	virtio_set_ready(device);
	spin_lock(&channels_lock);
	list_push_back(&channels, &channel->link);
	spin_unlock(&channels_lock);
	return 0;
}

int p9_channel_open(const char *tag, struct p9_channel **out)
{
	struct p9_channel *channel;
	int error = -ENOENT;

	spin_lock(&channels_lock);
	list_for_each(channel, &channels, link) {
		if (strcmp(channel->tag, tag) != 0) {
			continue;
		}
		error = channel->opened ? -EBUSY : 0;
		if (!error) {
			channel->opened = true;
			*out = channel;
		}
		break;
	}
	spin_unlock(&channels_lock);
	return error;
}

void p9_channel_close(struct p9_channel *channel)
{
	spin_lock(&channels_lock);
	channel->opened = false;
	spin_unlock(&channels_lock);
}

static struct virtio_driver driver = {
	.name = "virtio-9p",
	.kind = VIRTIO_ID_9P,
	.probe = probe,
};

void p9_transport_init(void)
{
	virtio_driver_register(&driver);
}

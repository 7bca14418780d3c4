// SPDX-License-Identifier: MIT
/*
 * 9P over a virtio queue: requests in flight from many threads.
 *
 * p9_begin() gives a request to pack fields into, p9_call() sends it and waits, p9_end() gives it back. Waits are short (the server
 * is on the same machine) and are not broken by signals.
 */
#pragma once

#include "drivers/virtio/virtio.h"
#include "fs/9p/protocol.h"
#include "lib/compiler.h"
#include "sched/wait.h"

enum { P9_SEGMENTS_MAX = 40, P9_REQUESTS_MAX = 48, P9_FIDS_MAX = 1 << 18 };

struct p9_channel;

struct p9_request {
	struct p9_channel *channel;
	u16 tag;
	u8 type;
	bool in_use, detached;
	_Atomic bool done;
	struct wait_queue reply;
	u32 fid_to_free; /* detached: given back when the reply is here */
	u32 length;      /* of the reply */
	u8 *out, *in;
	struct p9_cursor cursor; /* of the message, then of the reply */
};

void p9_transport_init(void); /* boot: registers the virtio driver */
/* The channel with this tag, nobody else's from now on. -ENOENT, -EBUSY. */
int p9_channel_open(const char *tag, struct p9_channel **out) must_check;
void p9_channel_close(struct p9_channel *channel);

/* A request of `type`; its header is packed. May sleep, until one is free. */
int p9_begin(struct p9_channel *channel, enum p9_type type,
	     struct p9_request **out) must_check;
/* Send and wait; then request->cursor is at the reply's first field. The server's error, -EIO. The request stays the caller's. */
int p9_call(struct p9_request *request) must_check;
/* With data behind the message (`outs` segments), or read directly behind the reply's header of P9_READ_HEADER bytes (`ins`). */
int p9_call_data(struct p9_request *request, const struct virtio_segment *data,
		 unsigned outs, unsigned ins) must_check;
void p9_end(struct p9_request *request);

int p9_fid_allocate(struct p9_channel *channel, u32 *out) must_check; /* -ENFILE */
/* One the server does not know. */
void p9_fid_free(struct p9_channel *channel, u32 fid);
/* Tell the server that `fid` is no longer used; does not wait for the reply. May sleep. */
void p9_clunk(struct p9_channel *channel, u32 fid);

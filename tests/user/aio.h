// SPDX-License-Identifier: MIT
/* Asynchronous I/O by the bare calls, and its ring as libraries read it. */
#pragma once

#include "raw.h"
#include <linux/aio_abi.h>
#include <poll.h>

enum { AIO_MAGIC = (int)0xa10a10a1, AIO_PAGE = 4096 };

struct aio_ring {
	unsigned id, nr;
	_Atomic unsigned head, tail;
	unsigned magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

static inline struct aio_ring *ring_of(aio_context_t context)
{
	return (struct aio_ring *)context;
}

static inline long aio_setup(unsigned events, aio_context_t *context)
{
	return syscall(SYS_io_setup, events, context);
}

static inline aio_context_t aio_new(unsigned events)
{
	aio_context_t context = 0;

	CHECK_EQ(aio_setup(events, &context), 0);
	return context;
}

static inline long aio_destroy(aio_context_t context)
{
	return syscall(SYS_io_destroy, context);
}

static inline long aio_submit(aio_context_t context, long count, struct iocb **iocbs)
{
	return syscall(SYS_io_submit, context, count, iocbs);
}

static inline long aio_submit_one(aio_context_t context, struct iocb *iocb)
{
	return aio_submit(context, 1, &iocb);
}

static inline long aio_cancel(aio_context_t context, struct iocb *iocb)
{
	struct io_event unused;

	return syscall(SYS_io_cancel, context, iocb, &unused);
}

static inline long aio_get(aio_context_t context, long least, long most,
			   struct io_event *events, struct timespec *timeout)
{
	return syscall(SYS_io_getevents, context, least, most, events, timeout);
}

static inline struct iocb aio_request(int operation, int file, const void *data,
				      size_t size, long long offset)
{
	return (struct iocb){.aio_lio_opcode = (unsigned short)operation,
			     .aio_fildes = (unsigned)file,
			     .aio_buf = (unsigned long)data,
			     .aio_nbytes = size,
			     .aio_offset = offset,
			     .aio_data = 0x1234567800000000ull + (unsigned)operation,
			     .aio_key = 77};
}

/* The one result there is, or will be, is this request's. */
static inline void aio_expect(aio_context_t context, const struct iocb *iocb,
			      long long result)
{
	struct io_event event = {0};

	CHECK_EQ(aio_get(context, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.data, iocb->aio_data);
	CHECK_EQ(event.obj, (unsigned long)iocb);
	CHECK_EQ(event.res, result);
	CHECK_EQ(event.res2, 0);
}

static inline void aio_run(aio_context_t context, struct iocb *iocb, long long result)
{
	CHECK_EQ(aio_submit_one(context, iocb), 1);
	CHECK_EQ(iocb->aio_key, 0);
	aio_expect(context, iocb, result);
}

/* There is none, and nobody is waited for. */
static inline void aio_expect_none(aio_context_t context)
{
	struct timespec now = {0};
	struct io_event event;

	CHECK_EQ(aio_get(context, 1, 1, &event, &now), 0);
}

static inline long aio_setting(const char *name)
{
	char path[64], text[32] = "";
	int file;

	snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
	file = open(path, O_RDONLY);
	CHECK(file >= 0);
	CHECK(read(file, text, sizeof(text) - 1) > 0);
	close(file);
	return atol(text);
}

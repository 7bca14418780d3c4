// SPDX-License-Identifier: MIT
/* 9P2000.L: message types, and packing and unpacking fields. Numbers are little-endian, unaligned. */
#pragma once

#include "lib/string.h"
#include "lib/types.h"

enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_TLOPEN = 12,
	P9_TLCREATE = 14,
	P9_TSYMLINK = 16,
	P9_TMKNOD = 18,
	P9_TREADLINK = 22,
	P9_TGETATTR = 24,
	P9_TSETATTR = 26,
	P9_TREADDIR = 40,
	P9_TFSYNC = 50,
	P9_TLINK = 70,
	P9_TMKDIR = 72,
	P9_TRENAMEAT = 74,
	P9_TUNLINKAT = 76,
	P9_TVERSION = 100,
	P9_TATTACH = 104,
	P9_TWALK = 110,
	P9_TREAD = 116,
	P9_TWRITE = 118,
	P9_TCLUNK = 120, /* the reply to a T is T + 1 */
};

#define P9_NO_TAG 0xffffU
#define P9_NO_FID 0xffffffffU

enum { P9_HEADER = 7, P9_READ_HEADER = 11, P9_WRITE_HEADER = 23, P9_QID_SIZE = 13 };

enum { P9_QID_DIRECTORY = 0x80, P9_QID_LINK = 0x02 };

struct p9_qid {
	u8 type;
	u32 version;
	u64 path;
};

#define P9_GETATTR_BASIC 0x7ffUL
#define P9_GETATTR_BORN  0x800UL

enum {
	P9_SET_MODE = 1,
	P9_SET_UID = 2,
	P9_SET_GID = 4,
	P9_SET_SIZE = 8,
	P9_SET_ATIME = 0x10,
	P9_SET_MTIME = 0x20,
	P9_SET_CTIME = 0x40,
	P9_SET_ATIME_VALUE = 0x80,
	P9_SET_MTIME_VALUE = 0x100,
};

/* Where fields are packed to or unpacked from. `broken`: something did not fit; reads give zeros then. */
struct p9_cursor {
	u8 *at, *end;
	bool broken;
};

static inline u8 *p9_field(struct p9_cursor *cursor, size_t size)
{
	u8 *field = cursor->at;

	if (cursor->broken || (size_t)(cursor->end - field) < size) {
		cursor->broken = true;
		return NULL;
	}
	cursor->at += size;
	return field;
}

static inline void p9_put(struct p9_cursor *cursor, u64 value, size_t size)
{
	u8 *field = p9_field(cursor, size);

	if (field) {
		memcpy(field, &value, size);
	}
}

static inline void p9_put_u8(struct p9_cursor *cursor, u8 value)
{
	p9_put(cursor, value, 1);
}

static inline void p9_put_u16(struct p9_cursor *cursor, u16 value)
{
	p9_put(cursor, value, 2);
}

static inline void p9_put_u32(struct p9_cursor *cursor, u32 value)
{
	p9_put(cursor, value, 4);
}

static inline void p9_put_u64(struct p9_cursor *cursor, u64 value)
{
	p9_put(cursor, value, 8);
}

static inline void p9_put_string(struct p9_cursor *cursor, const char *text,
				 size_t length)
{
	u8 *field;

	if (length > 0xffff) {
		cursor->broken = true;
		return;
	}
	p9_put_u16(cursor, (u16)length);
	field = p9_field(cursor, length);
	if (field) {
		memcpy(field, text, length);
	}
}

static inline u64 p9_get(struct p9_cursor *cursor, size_t size)
{
	u8 *field = p9_field(cursor, size);
	u64 value = 0;

	if (field) {
		memcpy(&value, field, size);
	}
	return value;
}

static inline struct p9_qid p9_get_qid(struct p9_cursor *cursor)
{
	struct p9_qid qid;

	qid.type = (u8)p9_get(cursor, 1);
	qid.version = (u32)p9_get(cursor, 4);
	qid.path = p9_get(cursor, 8);
	return qid;
}

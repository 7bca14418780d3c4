// SPDX-License-Identifier: MIT
/* fanotify(7), below descriptors; and the limits in /proc/sys/fs/fanotify. All may sleep. */
#pragma once

#include "fs/file.h"
#include "lib/compiler.h"

struct user_account;

/* What an instance is to be; the caller has checked rights. flags: FAN_CLASS_…, FAN_NONBLOCK, FAN_UNLIMITED_…, FAN_REPORT_TID. */
struct fanotify_options {
	u32 flags;
	u32 event_flags; /* O_…: how the files of events are opened */
	struct user_account *account;
};
/* -EMFILE: the user has as many as he may, -ENOMEM. */
int fanotify_create(const struct fanotify_options *options, struct file **out) must_check;
/* Is it one? Else the calls below must not be made. */
bool file_is_fanotify(const struct file *file);

/*
 * fanotify_mark(2) of a place, by FAN_MARK_ADD or FAN_MARK_REMOVE and the kind and flags in `flags`, which the caller has checked.
 * -ENOENT: there is none to remove from; -ENOSPC: the user has as many as he may, -ENOMEM, -EEXIST (two ways to ignore).
 */
int fanotify_mark_place(struct file *file, u32 flags, u32 mask,
			const struct path *path) must_check;
/* FAN_MARK_FLUSH: all of one kind. */
void fanotify_flush(struct file *file, u32 flags);

enum fanotify_limit { FANOTIFY_EVENTS, FANOTIFY_GROUPS, FANOTIFY_MARKS, FANOTIFY_LIMITS };
u32 fanotify_limit(enum fanotify_limit which);
void fanotify_set_limit(enum fanotify_limit which, u32 value);
/* Boot, once the memory is known. */
void fanotify_init(void);

/* What only who knows the running thread can do: installed by syscall/. */
struct fanotify_reader {
	/* Its number, as the first pid namespace has it, of the thread or its process; and as the running thread's has it. */
	s32 (*number)(bool thread);
	s32 (*translate)(s32 number);
	/* A descriptor for the place, opened with `flags` (OPEN_UNNOTIFIED among them) but not installed yet. -EMFILE and what open(2) says. */
	int (*open)(const struct path *path, u32 flags, struct file **out);
	void (*install)(int fd, struct file *file);
	void (*cancel)(int fd, struct file *file);
};
void fanotify_set_reader(const struct fanotify_reader *reader);

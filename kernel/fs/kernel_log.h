// SPDX-License-Identifier: MIT
/*
 * The log as syslog(2) and /proc/kmsg read it: one reader's place for the machine, which all who call share; what was
 * cleared; and who may look. Who asks is checked by the caller.
 * Context: thread; all may sleep.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include "mm/io_buffer.h"

void kernel_log_init(void);

/* SYSLOG_ACTION_READ: wait for a record, then take as many as fit, of the first a part if need be. Bytes; EFAULT, ENOMEM, ERESTART. */
s64 kernel_log_read(struct io_buffer *io) must_check;
/* Would that wait? If so (false), log_news_queue() is woken once after the next record. */
bool kernel_log_expect(void);
/* SYSLOG_ACTION_READ_ALL: the newest records behind what was cleared that fit; with `clear` they are cleared. Bytes; EFAULT, ENOMEM. */
enum kernel_log_after { KERNEL_LOG_KEEP, KERNEL_LOG_CLEAR };
s64 kernel_log_read_all(struct io_buffer *io, enum kernel_log_after after) must_check;
void kernel_log_clear(void);
u64 kernel_log_cleared(void); /* a place of core/log.h */
/* How many bytes kernel_log_read() has yet to give; ENOMEM. */
s64 kernel_log_unread(void) must_check;

/* kernel.dmesg_restrict: reading needs CAP_SYSLOG. */
bool kernel_log_restricted(void);
void kernel_log_restrict(bool restricted);

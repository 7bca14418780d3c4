// SPDX-License-Identifier: MIT
/* Who waits for the kernel's log to grow. */
#pragma once

#include "sched/wait.h"

/*
 * The queue that is woken (EPOLLIN) after a record was added. A waiter's condition, and a poll, ask log_expect(): without
 * that nobody is told.
 */
struct wait_queue *log_news_queue(void);

/* Inside the room: boot, before there are readers; and from the reschedule interrupt. */
void log_news_init(void);
void log_news_deliver(void);

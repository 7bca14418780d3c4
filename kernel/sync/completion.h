// SPDX-License-Identifier: MIT
/* One-time events: wait until somebody says done. complete() in any context. */
#pragma once

#include "sched/wait.h"

struct completion {
	struct wait_queue queue;
	_Atomic bool done;
};

void completion_init(struct completion *completion);
void completion_wait(struct completion *completion);
int completion_wait_killable(struct completion *completion) must_check; /* -ERESTART */
int completion_wait_until(struct completion *completion,
			  nsec_t deadline) must_check; /* -ETIMEDOUT */
void completion_complete(struct completion *completion);

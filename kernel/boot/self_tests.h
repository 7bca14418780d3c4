// SPDX-License-Identifier: MIT
/* Tests of the kernel in itself, chosen by heddle.test=NAME on the command line; each ends the machine. */
#pragma once

/* Context: thread, all CPUs running, before the first process. Returns if no test was asked for. */
void self_test_run(void);

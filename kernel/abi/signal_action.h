// SPDX-License-Identifier: MIT
/*
 * rt_sigaction(2)'s structure, which Linux's headers have with C types: words for the handler, the flags, the address a handler returns to,
 * and the mask. Architectures whose vDSO has always had such an address leave it out.
 */
#pragma once

#include <linux/signal.h>

#ifdef SA_RESTORER
enum { SIGNAL_ACTION_WORDS = 4 };
#else
#	define SA_RESTORER 0
enum { SIGNAL_ACTION_WORDS = 3 };
#endif

enum { SIGNAL_ACTION_HANDLER, SIGNAL_ACTION_FLAGS, SIGNAL_ACTION_RESTORER };
enum { SIGNAL_ACTION_MASK = SIGNAL_ACTION_WORDS - 1 };

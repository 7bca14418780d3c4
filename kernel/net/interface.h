// SPDX-License-Identifier: MIT
/* The one interface a network namespace has: its loopback, as ioctl(2) and rtnetlink(7) tell of it. */
#pragma once

#include "lib/types.h"

struct net_namespace;

enum { LOOPBACK_INDEX = 1, LOOPBACK_QUEUE_LENGTH = 1000 };

/* INTERFACE_*: up or not, and what goes with it. */
u32 interface_flags(struct net_namespace *network);

// SPDX-License-Identifier: MIT
/* The kernel's random numbers: ChaCha20, seeded by the port's entropy and reseeded; getrandom, AT_RANDOM, /dev/urandom. Context: any. */
#pragma once

#include "lib/types.h"

void random_init(void);
void random_add_entropy(const void *data, size_t size);
void random_bytes(void *to, size_t size);
u64 random_u64(void);

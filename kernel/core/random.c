// SPDX-License-Identifier: MIT
/*
 * Random numbers: ChaCha20 with fast key erasure.
 *
 * Owns      one pool key, and a generator a CPU that takes its key from the pool.
 * Locks     pool.lock. A CPU's generator is used with its interrupts off.
 *
 * Invariants
 *   N1  A key is overwritten by its own first output before any other output leaves: what was
 *       handed out can not be computed from memory seen later.
 *   N2  A generator whose epoch is not the pool's takes a new key before its next output.
 */
#include "core/random.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/string.h"

enum { KEY_WORDS = 8, BLOCK_SIZE = 64, STOCK_BLOCKS = 4, LARGE = 128 };

struct generator {
	u32 key[KEY_WORDS];
	u32 epoch; /* the pool's, when the key was taken */
	u32 left;  /* bytes at the end of stock not handed out */
	u8 stock[STOCK_BLOCKS * BLOCK_SIZE];
};

DEFINE_PER_CPU(struct generator, generators);

static struct {
	struct spinlock lock;
	u32 key[KEY_WORDS] GUARDED_BY(lock);
	_Atomic u32 epoch; /* changed under lock */
} pool = {.lock = SPINLOCK_INIT(RANK_RANDOM, "random.pool.lock"), .epoch = 1};

static u32 rotate(u32 x, unsigned count)
{
	return x << count | x >> (32 - count);
}

#define QUARTER(a, b, c, d)            \
	do {                           \
		a += b;                \
		d = rotate(d ^ a, 16); \
		c += d;                \
		b = rotate(b ^ c, 12); \
		a += b;                \
		d = rotate(d ^ a, 8);  \
		c += d;                \
		b = rotate(b ^ c, 7);  \
	} while (0)

/* One block of key stream (RFC 8439, with a nonce of zero: no key is used twice). */
static void chacha20_block(const u32 key[KEY_WORDS], u64 counter, u32 out[16])
{
	u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	u32 x[16];

	memcpy(start + 4, key, KEY_WORDS * sizeof(u32));
	start[12] = (u32)counter;
	start[13] = (u32)(counter >> 32);
	memcpy(x, start, sizeof(x));
	for (int round = 0; round < 10; round++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (int i = 0; i < 16; i++) {
		out[i] = x[i] + start[i];
	}
}

/* Mix into the pool's key, a key's length at a time. */
static void absorb(const u8 *data, size_t size) MUST_HOLD(&pool.lock)
{
	u32 chunk[KEY_WORDS], block[16];

	while (size > 0) {
		size_t step = MIN(size, sizeof(chunk));

		memset(chunk, 0, sizeof(chunk));
		memcpy(chunk, data, step);
		for (int i = 0; i < KEY_WORDS; i++) {
			pool.key[i] ^= chunk[i];
		}
		chacha20_block(pool.key, step, block);
		memcpy(pool.key, block, sizeof(pool.key));
		data += step;
		size -= step;
	}
}

void random_add_entropy(const void *data, size_t size)
{
	u64 flags = spin_lock_irq(&pool.lock);

	absorb(data, size);
	atomic_fetch_add_explicit(&pool.epoch, 1, memory_order_release);
	spin_unlock_irq(&pool.lock, flags);
}

void random_init(void)
{
	struct {
		u8 bytes[64];
		nsec_t now, realtime;
		size_t usable;
	} seed;

	memset(&seed, 0, sizeof(seed));
	seed.usable = arch_entropy(seed.bytes, sizeof(seed.bytes));
	seed.now = arch_clock_read();
	seed.realtime = arch_clock_realtime_at_boot();
	random_add_entropy(&seed, sizeof(seed));
}

/* A new key for a generator; the pool moves on (N1). */
static void take_key(struct generator *generator)
{
	u32 block[16];
	u64 now = (u64)arch_clock_read();

	u64 flags = spin_lock_irq(&pool.lock);

	absorb((const u8 *)&now, sizeof(now));
	chacha20_block(pool.key, ~0ULL, block);
	memcpy(pool.key, block, sizeof(pool.key));
	memcpy(generator->key, block + KEY_WORDS, sizeof(generator->key));
	generator->epoch = atomic_load_explicit(&pool.epoch, memory_order_relaxed);
	spin_unlock_irq(&pool.lock, flags);
	generator->left = 0;
}

static void refill(struct generator *generator)
{
	u32 block[16];

	for (unsigned i = 0; i < STOCK_BLOCKS; i++) {
		chacha20_block(generator->key, i, block);
		memcpy(generator->stock + i * BLOCK_SIZE, block, BLOCK_SIZE);
	}
	memcpy(generator->key, generator->stock, sizeof(generator->key));
	memset(generator->stock, 0, sizeof(generator->key));
	generator->left = sizeof(generator->stock) - sizeof(generator->key);
}

/* At most LARGE bytes from this CPU's generator. */
static void draw(u8 *to, size_t size)
{
	u64 flags = arch_irq_save();
	struct generator *generator = this_cpu(generators);

	if (generator->epoch != atomic_load_explicit(&pool.epoch, memory_order_acquire)) {
		take_key(generator);
	}
	if (generator->left < size) {
		refill(generator);
	}
	u8 *from = generator->stock + sizeof(generator->stock) - generator->left;

	memcpy(to, from, size);
	memset(from, 0, size);
	generator->left -= (u32)size;
	arch_irq_restore(flags);
}

void random_bytes(void *to, size_t size)
{
	u32 key[KEY_WORDS], block[16];
	u8 *at = to;

	if (size <= LARGE) {
		draw(at, size);
		return;
	}
	/* Much at once: a key of its own, used up here with interrupts on. */
	draw((u8 *)key, sizeof(key));
	for (u64 counter = 0; size > 0; counter++) {
		size_t step = MIN(size, sizeof(block));

		chacha20_block(key, counter, block);
		memcpy(at, block, step);
		at += step;
		size -= step;
	}
	memset(key, 0, sizeof(key));
	__asm__ volatile("" ::"r"(key) : "memory"); /* the clearing is wanted */
}

u64 random_u64(void)
{
	u64 value;

	draw((u8 *)&value, sizeof(value));
	return value;
}

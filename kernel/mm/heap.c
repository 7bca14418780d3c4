// SPDX-License-Identifier: MIT
/*
 * The kernel heap.
 *
 * Up to CLASS_LARGEST bytes an object comes from a slab: one or four frames cut into objects of one size class.
 * Each CPU keeps a few free objects of each class. Above, an object is a block of whole frames.
 *
 * Owns      the classes, their slabs, each CPU's caches; bits 8-31 of frame.flags of its frames.
 * Locks     class.lock (irq-safe). A CPU's caches are used with its interrupts off.
 *
 * Invariants
 *   H1  frame.slab of every frame of a slab is the slab's first frame; of a large block's first frame, itself.
 *   H2  In a slab's first frame: index is its first free object (0: none), chained through the objects' first
 *       words; the flags hold kind, class (or order) and the number of objects taken out.
 *   H3  A slab is in class.partial iff it has a free object of its own (objects in CPUs' caches are taken out).
 *   H4  Debug: every free object is POISON but for its link.
 */
#include "mm/heap.h"
#include "arch/irq.h"
#include "core/fault_injection.h"
#include "core/lock_check.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/radix.h"
#include "lib/string.h"
#include "mm/frame.h"

enum {
	CLASS_COUNT = 26,
	CLASS_LARGEST = 4096,
	LARGE_MAX = 4 << 20,
	SLAB_BIG_ORDER = 2,
	SLAB_WASTE = PAGE_SIZE / 8, /* so much left over of a frame is too much */

	KIND_SHIFT = 8,
	KIND_SLAB = 1 << KIND_SHIFT,
	KIND_LARGE = 2 << KIND_SHIFT,
	KIND_MASK = 3 << KIND_SHIFT,
	CLASS_SHIFT = 10, /* or the order of a large block */
	CLASS_MASK = 31 << CLASS_SHIFT,
	TAKEN_SHIFT = 16,
	TAKEN_ONE = 1 << TAKEN_SHIFT,
};

#define POISON \
	0xf4eed0b1ec7f4eedULL /* no byte repeats: nobody fills memory with it by accident */

/* Where a free object keeps its link. Debug: behind the first word, where most objects keep their
 * reference count: a put of what was freed then meets poison, which no count can be. */
enum { LINK_WORD = HEDDLE_DEBUG ? 1 : 0 };

static const u16 class_size[CLASS_COUNT] = {
	16,  32,  48,  64,  80,  96,  112,  128,  160,  192,  224,  256,  320,
	384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2688, 4096,
};

struct heap_class {
	struct spinlock lock;
	struct list partial GUARDED_BY(lock); /* of frame.link of first frames */
	u32 size, slab_order, objects;        /* immutable after heap_init() */
	u32 cache_max, batch;
};

struct object_stack {
	void **top;
	u32 count;
};

struct heap_cpu {
	struct object_stack stack[CLASS_COUNT];
	s64 bytes; /* handed out minus taken back here; the sum over CPUs counts */
};

static struct heap_class classes[CLASS_COUNT];
static u8 class_by_size[CLASS_LARGEST / 16 + 1];
DEFINE_PER_CPU(struct heap_cpu, heap_cpus);
static _Atomic(struct object_cache *) object_caches;
static _Atomic s64 frames_held;

static const struct radix_allocator radix_nodes = {heap_allocate, heap_free};

static u32 slab_order(u32 size)
{
	return size > 1024 || PAGE_SIZE % size >= SLAB_WASTE ? SLAB_BIG_ORDER : 0;
}

void heap_init(void)
{
	unsigned class = 0;

	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		struct heap_class *c = &classes[i];

		spin_init(&c->lock, RANK_HEAP, "heap_class.lock");
		list_init(&c->partial);
		c->size = class_size[i];
		c->slab_order = slab_order(c->size);
		c->objects = (u32)((PAGE_SIZE << c->slab_order) / c->size);
		c->cache_max = c->size <= 256 ? 64 : c->size <= 1024 ? 24 : 12;
		c->batch = c->cache_max / 2;
	}
	for (unsigned i = 1; i <= CLASS_LARGEST / 16; i++) {
		while (class_size[class] < i * 16) {
			class ++;
		}
		class_by_size[i] = (u8) class;
	}
	radix_set_allocator(&radix_nodes);
}

/* --- poison ---------------------------------------------------------------------------------- */

#if HEDDLE_DEBUG
static void poison(void *object, u32 size)
{
	u64 *words = object;

	for (u32 i = 0; i < size / 8; i++) {
		if (i != LINK_WORD) {
			words[i] = POISON;
		}
	}
}

static void check_poison(const void *object, u32 size)
{
	const u64 *words = object;

	for (u32 i = 0; i < size / 8; i++) {
		if (i != LINK_WORD && words[i] != POISON) {
			panic("heap: object %p of %u bytes written after it was freed: "
			      "word %u is %#llx",
			      object, size, i, (unsigned long long)words[i]);
		}
	}
}

/* An object that is poison all through was freed already, or its owner wrote nothing else. */
static void check_not_free(const void *object, u32 size)
{
	const u64 *words = object;
	u32 i = 0;

	while (i < size / 8 && (i == LINK_WORD || words[i] == POISON)) {
		i++;
	}
	if (i == size / 8) {
		panic("heap: object %p of %u bytes freed twice", object, size);
	}
}
#else
static inline void poison(void *object, u32 size)
{
}

static inline void check_poison(const void *object, u32 size)
{
}

static inline void check_not_free(const void *object, u32 size)
{
}
#endif

/* --- slabs ----------------------------------------------------------------------------------- */

static struct frame *frame_of(const void *memory)
{
	struct frame *frame = frame_from_physical(virtual_to_physical(memory));

	if (unlikely(!frame || !(frame->flags & KIND_MASK))) {
		panic("heap: %p is not the heap's", memory);
	}
	return frame->slab;
}

static unsigned class_of(const struct frame *slab)
{
	return (slab->flags & CLASS_MASK) >> CLASS_SHIFT;
}

/* A new slab, all its objects free, in no list. */
static struct frame *make_slab(unsigned class)
{
	struct heap_class *c = &classes[class];
	struct frame *slab;

	if (c->slab_order == 0 ? frame_allocate(0, &slab)
			       : frame_allocate_contiguous(c->slab_order, 0, &slab)) {
		return NULL;
	}
	atomic_fetch_add_explicit(&frames_held, 1L << c->slab_order,
				  memory_order_relaxed);
	for (unsigned i = 0; i < 1U << c->slab_order; i++) {
		slab[i].slab = slab;
		slab[i].flags |= KIND_SLAB | class << CLASS_SHIFT;
	}
	char *memory = frame_address(slab);

	slab->index = 0;
	for (unsigned i = c->objects; i-- > 0;) {
		u64 *object = (u64 *)(memory + i * c->size);

		object[LINK_WORD] = slab->index;
		slab->index = (u64)object;
		poison(object, c->size);
	}
	return slab;
}

static void free_slab(struct frame *slab)
{
	unsigned order = classes[class_of(slab)].slab_order;

	atomic_fetch_sub_explicit(&frames_held, 1L << order, memory_order_relaxed);
	if (order > 0) {
		frame_free_contiguous(slab, order);
	} else {
		frame_put(slab);
	}
}

/* Move up to a batch of objects from slabs into this CPU's stack. */
static void fill_from_slabs(struct heap_class *c, struct object_stack *stack)
	MUST_HOLD(&c->lock)
{
	while (stack->count < c->batch && !list_empty(&c->partial)) {
		struct frame *slab = list_first(&c->partial, struct frame, link);

		while (slab->index && stack->count < c->batch) {
			void **object = (void **)slab->index;

			slab->index = (u64)object[LINK_WORD];
			slab->flags += TAKEN_ONE;
			object[LINK_WORD] = stack->top;
			stack->top = object;
			stack->count++;
		}
		if (!slab->index) {
			list_remove(&slab->link);
		}
	}
}

/* Back to its slab. true: the slab is all free now, unlinked, and the caller's to free. */
static bool give_to_slab(struct heap_class *c, struct frame *slab, void *memory)
	MUST_HOLD(&c->lock)
{
	u64 *object = memory;

	if (!slab->index) {
		list_push_front(&c->partial, &slab->link);
	}
	object[LINK_WORD] = slab->index;
	slab->index = (u64)object;
	slab->flags -= TAKEN_ONE;
	if (slab->flags >> TAKEN_SHIFT > 0) {
		return false;
	}
	list_remove(&slab->link);
	return true;
}

/* Interrupts off. Take the stack down to `keep`; slabs that become free are chained through frame.link. */
static struct frame *drain(struct heap_class *c, struct object_stack *stack, u32 keep)
{
	struct frame *empty = NULL;

	spin_lock(&c->lock);
	while (stack->count > keep) {
		void **object = stack->top;
		struct frame *slab = frame_of(object);

		stack->top = object[LINK_WORD];
		stack->count--;
		if (give_to_slab(c, slab, object)) {
			slab->link.next = empty ? &empty->link : NULL;
			empty = slab;
		}
	}
	spin_unlock(&c->lock);
	return empty;
}

static void free_slabs(struct frame *slab)
{
	while (slab) {
		struct list *next = slab->link.next;

		free_slab(slab);
		slab = next ? list_entry(next, struct frame, link) : NULL;
	}
}

static noinline_ void *allocate_slowly(unsigned class)
{
	struct heap_class *c = &classes[class];
	struct frame *slab = NULL;

	for (;;) {
		u64 irq = arch_irq_save();
		struct heap_cpu *cpu = this_cpu(heap_cpus);
		struct object_stack *stack = &cpu->stack[class];

		spin_lock(&c->lock);
		if (slab) {
			list_push_back(&c->partial, &slab->link);
		}
		fill_from_slabs(c, stack);
		spin_unlock(&c->lock);
		void **object = stack->top;

		if (object) {
			stack->top = object[LINK_WORD];
			stack->count--;
			cpu->bytes += c->size;
		}
		arch_irq_restore(irq);
		if (object) {
			return object;
		}
		slab = make_slab(class);
		if (!slab) {
			return NULL;
		}
	}
}

static void *allocate_small(size_t size)
{
	unsigned class = class_by_size[(size + 15) / 16];
	u64 irq = arch_irq_save();
	struct heap_cpu *cpu = this_cpu(heap_cpus);
	struct object_stack *stack = &cpu->stack[class];
	void **object = stack->top;

	if (likely(object)) {
		stack->top = object[LINK_WORD];
		stack->count--;
		cpu->bytes += class_size[class];
	}
	arch_irq_restore(irq);
	if (unlikely(!object)) {
		object = allocate_slowly(class);
		if (!object) {
			return NULL;
		}
	}
	check_poison(object, class_size[class]);
	if (HEDDLE_DEBUG) {
		memset(object, 0,
		       class_size[class]); /* or its poisoned rest would look freed */
	} else {
		memset(object, 0, size);
	}
	return object;
}

static void free_small(struct frame *slab, void *memory)
{
	unsigned class = class_of(slab);
	struct heap_class *c = &classes[class];
	struct frame *empty = NULL;
	void **object = memory;

	check_not_free(object, c->size);
	poison(object, c->size);
	u64 irq = arch_irq_save();
	struct heap_cpu *cpu = this_cpu(heap_cpus);
	struct object_stack *stack = &cpu->stack[class];

	object[LINK_WORD] = stack->top;
	stack->top = object;
	stack->count++;
	cpu->bytes -= c->size;
	if (unlikely(stack->count > c->cache_max)) {
		empty = drain(c, stack, c->cache_max - c->batch);
	}
	arch_irq_restore(irq);
	if (unlikely(empty)) {
		free_slabs(empty);
	}
}

/* --- large blocks ---------------------------------------------------------------------------- */

static void account(s64 bytes)
{
	u64 irq = arch_irq_save();

	atomic_fetch_add_explicit(&frames_held, bytes / (s64)PAGE_SIZE,
				  memory_order_relaxed);
	this_cpu(heap_cpus)->bytes += bytes;
	arch_irq_restore(irq);
}

static void *allocate_large(size_t size)
{
	struct frame *first;
	unsigned order = 0;

	while (PAGE_SIZE << order < size) {
		order++;
	}
	if (frame_allocate_contiguous(order, FRAME_ZERO, &first)) {
		return NULL;
	}
	first->slab = first;
	first->flags |= KIND_LARGE | order << CLASS_SHIFT;
	account((s64)(PAGE_SIZE << order));
	return frame_address(first);
}

static void free_large(struct frame *first)
{
	unsigned order = class_of(first);

	account(-(s64)(PAGE_SIZE << order));
	first->flags &= ~(u32)(KIND_MASK | CLASS_MASK);
	frame_free_contiguous(first, order);
}

/* --- what everybody calls -------------------------------------------------------------------- */

void *heap_allocate(size_t size)
{
	lock_check_may_sleep("heap_allocate()");
	if (size == 0 || size > LARGE_MAX || unlikely(fault_injection_should_fail())) {
		return NULL;
	}
	return size <= CLASS_LARGEST ? allocate_small(size) : allocate_large(size);
}

void heap_free(void *memory)
{
	if (!memory) {
		return;
	}
	struct frame *slab = frame_of(memory);

	if ((slab->flags & KIND_MASK) == KIND_LARGE) {
		free_large(slab);
	} else {
		free_small(slab, memory);
	}
}

void *heap_allocate_array(size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? NULL : heap_allocate(bytes);
}

void *heap_duplicate(const void *data, size_t size)
{
	void *copy = heap_allocate(size);

	if (copy) {
		memcpy(copy, data, size);
	}
	return copy;
}

char *heap_duplicate_string(const char *s)
{
	return heap_duplicate(s, strlen(s) + 1);
}

void heap_drain_cpu(void)
{
	for (unsigned class = 0; class < CLASS_COUNT; class ++) {
		u64 irq = arch_irq_save();
		struct frame *empty =
			drain(&classes[class], &this_cpu(heap_cpus)->stack[class], 0);

		arch_irq_restore(irq);
		free_slabs(empty);
	}
}

u64 heap_frames(void)
{
	return (u64)atomic_load_explicit(&frames_held, memory_order_relaxed);
}

u64 heap_bytes_in_use(void)
{
	s64 bytes = 0;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		bytes += READ_ONCE(per_cpu(heap_cpus, cpu)->bytes);
	}
	return (u64)MAX(bytes, 0);
}

/* --- object caches --------------------------------------------------------------------------- */

static void list_cache(struct object_cache *cache)
{
	if (atomic_exchange(&cache->listed, true)) {
		return;
	}
	struct object_cache *first = atomic_load(&object_caches);

	do {
		cache->next = first;
	} while (!atomic_compare_exchange_weak(&object_caches, &first, cache));
}

void object_count(struct object_cache *cache, s64 change)
{
	atomic_fetch_add_explicit(&cache->live, change, memory_order_relaxed);
	if (unlikely(!atomic_load_explicit(&cache->listed, memory_order_relaxed))) {
		list_cache(cache);
	}
}

void *object_allocate(struct object_cache *cache)
{
	void *object = heap_allocate(cache->size);

	if (object) {
		object_count(cache, 1);
	}
	return object;
}

void object_free(struct object_cache *cache, void *object)
{
	if (object) {
		atomic_fetch_sub_explicit(&cache->live, 1, memory_order_relaxed);
		heap_free(object);
	}
}

struct object_cache *object_cache_first(void)
{
	return atomic_load(&object_caches);
}

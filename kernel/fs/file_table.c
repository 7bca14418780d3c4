// SPDX-License-Identifier: MIT
/*
 * Descriptor tables.
 *
 * Owns      struct file_table.
 * Locks     file_table.lock (spin). Files are closed after it was dropped.
 *
 * Invariants
 *   T1  users is the number of thread slots that point here; inspectors never change it (I4).
 *   T2  A descriptor is reserved when its open bit is set and its file is NULL.
 *   T3  Only a thread whose slot points here changes entries. So when users is 1 (load-acquire: pairs
 *       with the release of a sharer that left), the owner may read entries without the lock, and an
 *       entry stays until the owner itself changes it: fd_begin() borrows.
 */
#include "fs/file_table.h"

#include "core/panic.h"
#include "fs/file_lock.h"
#include "fs/notify/dnotify.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
	FIRST_CAPACITY = 64,
	/* nr_open; heap blocks end at 4 MiB, which is half a million pointers */
	CAPACITY_MAX = 512 * 1024,
};

OBJECT_CACHE(file_table_cache, file_table);

struct arrays {
	u32 capacity;
	struct file **files;
	u64 *open_bits, *close_on_exec;
};

static int arrays_allocate(struct arrays *arrays, u32 capacity)
{
	arrays->capacity = capacity;
	arrays->files = heap_allocate_array(capacity, sizeof(*arrays->files));
	arrays->open_bits = heap_allocate(capacity / 8);
	arrays->close_on_exec = heap_allocate(capacity / 8);
	if (arrays->files && arrays->open_bits && arrays->close_on_exec) {
		return 0;
	}
	heap_free(arrays->files);
	heap_free(arrays->open_bits);
	heap_free(arrays->close_on_exec);
	return -ENOMEM;
}

static void arrays_free(struct arrays *arrays)
{
	heap_free(arrays->files);
	heap_free(arrays->open_bits);
	heap_free(arrays->close_on_exec);
}

/* Put other arrays into the table; *arrays gets the old ones. */
static void swap_arrays(struct file_table *table, struct arrays *arrays)
	MUST_HOLD(&table->lock)
{
	struct arrays old = {table->capacity, table->files, table->open_bits,
			     table->close_on_exec};

	table->capacity = arrays->capacity;
	table->files = arrays->files;
	table->open_bits = arrays->open_bits;
	table->close_on_exec = arrays->close_on_exec;
	*arrays = old;
}

static int create(u32 capacity, struct file_table **out)
{
	struct file_table *table = object_allocate(&file_table_cache);
	struct arrays arrays;

	if (!table) {
		return -ENOMEM;
	}
	if (arrays_allocate(&arrays, capacity) < 0) {
		object_free(&file_table_cache, table);
		return -ENOMEM;
	}
	spin_init(&table->lock, RANK_FILE_TABLE, "file_table.lock");
	atomic_store(&table->users, 1);
	spin_lock(&table->lock);
	swap_arrays(table, &arrays);
	spin_unlock(&table->lock);
	*out = table;
	return 0;
}

int file_table_create(struct file_table **out)
{
	return create(FIRST_CAPACITY, out);
}

static void table_free(struct file_table *table)
{
	struct arrays arrays = {0};

	spin_lock(&table->lock);
	swap_arrays(table, &arrays);
	spin_unlock(&table->lock);
	arrays_free(&arrays);
	object_free(&file_table_cache, table);
}

/* The arrays of `from` into the new `to`, if they fit. Reserved descriptors are not copied. */
static bool copy_entries(struct file_table *from, struct file_table *to,
			 u32 limit) NO_THREAD_SAFETY
{
	bool fits;
	u32 end;

	spin_lock(&from->lock);
	end = MIN(from->capacity, limit);
	fits = bitmap_next_set(from->open_bits, end, to->capacity) >= end;
	for (size_t fd = 0; fits && fd < end; fd++) {
		fd = bitmap_next_set(from->open_bits, end, fd);
		if (fd >= end || !from->files[fd]) {
			continue;
		}
		file_get(from->files[fd]);
		to->files[fd] = from->files[fd];
		bitmap_set(to->open_bits, fd);
		if (bitmap_test(from->close_on_exec, end, fd)) {
			bitmap_set(to->close_on_exec, fd);
		}
	}
	spin_unlock(&from->lock);
	return fits;
}

static u32 capacity_in_use(struct file_table *table)
{
	u32 capacity;

	spin_lock(&table->lock);
	capacity = table->capacity;
	while (capacity > FIRST_CAPACITY &&
	       bitmap_next_set(table->open_bits, capacity, capacity / 2) == capacity) {
		capacity /= 2;
	}
	spin_unlock(&table->lock);
	return MAX(capacity, (u32)FIRST_CAPACITY);
}

int file_table_copy(struct file_table *from, u32 limit, struct file_table **out)
{
	for (;;) {
		struct file_table *table;
		int result = create(capacity_in_use(from), &table);

		if (result < 0) {
			return result;
		}
		if (copy_entries(from, table, limit)) {
			*out = table;
			return 0;
		}
		table_free(table); // grown by another user meanwhile
	}
}

void file_table_share(struct file_table *table)
{
	u32 before = atomic_fetch_add(&table->users, 1);

	ASSERT(before > 0);
}

static int close_file(struct file_table *table, struct file *file)
{
	const struct file_operations *operations = file->operations;
	int result = 0;

	if (inode_marked(file->inode)) {
		dnotify_forget(file, table);
	}
	if (operations->flush) {
		result = operations->flush(file);
	}
	file_lock_release_owner(file, table);
	file_put(file);
	if (operations->closed) {
		operations->closed();
	}
	return result;
}

/* Take an entry out. NULL: not open, or only reserved. */
static struct file *take(struct file_table *table, u32 fd) MUST_HOLD(&table->lock)
{
	struct file *file = fd < table->capacity ? table->files[fd] : NULL;

	if (file) {
		table->files[fd] = NULL;
		bitmap_clear(table->open_bits, fd);
		bitmap_clear(table->close_on_exec, fd);
		table->next_free = MIN(table->next_free, fd);
	}
	return file;
}

/* The next open descriptor at or after *fd that `only_marked` admits is taken out. */
static struct file *take_next(struct file_table *table, u32 *fd, u32 last,
			      bool only_marked)
{
	struct file *file = NULL;

	spin_lock(&table->lock);
	while (!file) {
		u32 end = MIN(table->capacity, last == ~0u ? last : last + 1);

		*fd = (u32)bitmap_next_set(
			only_marked ? table->close_on_exec : table->open_bits, end, *fd);
		if (*fd >= end) {
			break;
		}
		file = take(table, (*fd)++);
	}
	spin_unlock(&table->lock);
	return file;
}

static void close_all(struct file_table *table, u32 first, u32 last, bool only_marked)
{
	struct file *file;
	u32 fd = first;

	while ((file = take_next(table, &fd, last, only_marked))) {
		(void)close_file(table, file);
	}
}

void file_table_leave(struct file_table *table)
{
	/* order.alone: pairs with begin(), settle_files() and holds_all() */
	if (!table ||
	    atomic_fetch_sub_explicit(&table->users, 1, memory_order_acq_rel) != 1) {
		return;
	}
	close_all(table, 0, ~0u, false);
	table_free(table);
}

static int begin(struct file_table *table, int fd,
		 struct fd_reference *out) NO_THREAD_SAFETY
{
	struct file *file;

	if (fd < 0) {
		return -EBADF;
	}
	/* order.alone: pairs with file_table_leave() */
	if (atomic_load_explicit(&table->users, memory_order_acquire) == 1) {
		file = (u32)fd < table->capacity ? table->files[fd] : NULL; // T3
		*out = (struct fd_reference){file, false};
	} else {
		file = file_table_get(table, fd);
		*out = (struct fd_reference){file, true};
	}
	return file ? 0 : -EBADF;
}

int fd_begin_any(struct file_table *table, int fd, struct fd_reference *out)
{
	return begin(table, fd, out);
}

int fd_begin(struct file_table *table, int fd, struct fd_reference *out)
{
	int result = begin(table, fd, out);

	if (result == 0 && (out->file->mode & FILE_PATH_ONLY)) {
		fd_end(out);
		return -EBADF;
	}
	return result;
}

void fd_end(struct fd_reference *reference)
{
	if (reference->counted) {
		file_put(reference->file);
	}
	reference->file = NULL;
}

struct file *file_table_get(struct file_table *table, int fd)
{
	struct file *file = NULL;

	if (fd < 0) {
		return NULL;
	}
	spin_lock(&table->lock);
	if ((u32)fd < table->capacity && table->files[fd]) {
		file = table->files[fd];
		file_get(file);
	}
	spin_unlock(&table->lock);
	return file;
}

struct file *file_table_next(struct file_table *table, int *fd, bool *close_on_exec)
{
	struct file *file = NULL;

	if (*fd < 0) {
		return NULL;
	}
	spin_lock(&table->lock);
	for (size_t at = (size_t)*fd; !file; at++) {
		at = bitmap_next_set(table->open_bits, table->capacity, at);
		if (at >= table->capacity) {
			break;
		}
		file = table->files[at];
		if (file) {
			file_get(file);
			*fd = (int)at;
			*close_on_exec =
				bitmap_test(table->close_on_exec, table->capacity, at);
		}
	}
	spin_unlock(&table->lock);
	return file;
}

u32 file_table_count(struct file_table *table, const struct file *file)
{
	u32 count = 0;

	spin_lock(&table->lock);
	for (u32 fd = 0; fd < table->capacity; fd++) {
		count += table->files[fd] == file;
	}
	spin_unlock(&table->lock);
	return count;
}

u32 file_table_capacity(struct file_table *table)
{
	u32 capacity;

	spin_lock(&table->lock);
	capacity = table->capacity;
	spin_unlock(&table->lock);
	return capacity;
}

/* Make room for descriptor `fd`. */
static int grow(struct file_table *table, u64 fd)
{
	struct arrays arrays;
	u32 capacity = FIRST_CAPACITY;

	if (fd >= CAPACITY_MAX) {
		return -EMFILE;
	}
	while (capacity <= fd) {
		capacity *= 2;
	}
	if (arrays_allocate(&arrays, capacity) < 0) {
		return -ENOMEM;
	}
	spin_lock(&table->lock);
	if (table->capacity < capacity) {
		u32 old = table->capacity;

		memcpy(arrays.files, table->files, old * sizeof(*arrays.files));
		memcpy(arrays.open_bits, table->open_bits, old / 8);
		memcpy(arrays.close_on_exec, table->close_on_exec, old / 8);
		swap_arrays(table, &arrays);
	}
	spin_unlock(&table->lock);
	arrays_free(&arrays);
	return 0;
}

static void mark(struct file_table *table, u32 fd, bool close_on_exec)
	MUST_HOLD(&table->lock)
{
	if (close_on_exec) {
		bitmap_set(table->close_on_exec, fd);
	} else {
		bitmap_clear(table->close_on_exec, fd);
	}
}

int fd_reserve(struct file_table *table, u32 from, u64 limit, bool close_on_exec)
{
	for (;;) {
		u64 fd;
		bool done;
		int result;

		spin_lock(&table->lock);
		fd = MAX(from, table->next_free);
		if (fd < table->capacity) {
			fd = bitmap_next_clear(table->open_bits, table->capacity, fd);
		}
		done = fd < table->capacity && fd < limit;
		if (done) {
			bitmap_set(table->open_bits, fd);
			mark(table, (u32)fd, close_on_exec);
			if (from <= table->next_free) {
				table->next_free = (u32)fd + 1;
			}
		}
		spin_unlock(&table->lock);
		if (done) {
			return (int)fd;
		}
		if (fd >= limit) {
			return -EMFILE;
		}
		result = grow(table, fd);
		if (result < 0) {
			return result;
		}
	}
}

void fd_install(struct file_table *table, int fd, struct file *file)
{
	spin_lock(&table->lock);
	ASSERT((u32)fd < table->capacity && !table->files[fd]);
	table->files[fd] = file;
	spin_unlock(&table->lock);
}

void fd_cancel(struct file_table *table, int fd)
{
	spin_lock(&table->lock);
	ASSERT((u32)fd < table->capacity && !table->files[fd]);
	bitmap_clear(table->open_bits, (size_t)fd);
	bitmap_clear(table->close_on_exec, (size_t)fd);
	table->next_free = MIN(table->next_free, (u32)fd);
	spin_unlock(&table->lock);
}

int fd_close(struct file_table *table, int fd)
{
	struct file *file = NULL;

	if (fd >= 0) {
		spin_lock(&table->lock);
		file = take(table, (u32)fd);
		spin_unlock(&table->lock);
	}
	return file ? close_file(table, file) : -EBADF;
}

int fd_close_range(struct file_table *table, u32 first, u32 last,
		   bool only_mark_close_on_exec)
{
	if (!only_mark_close_on_exec) {
		close_all(table, first, last, false);
		return 0;
	}
	spin_lock(&table->lock);
	for (size_t fd = first; fd <= last; fd++) {
		fd = bitmap_next_set(table->open_bits, table->capacity, fd);
		if (fd >= table->capacity || fd > last) {
			break;
		}
		bitmap_set(table->close_on_exec, fd);
	}
	spin_unlock(&table->lock);
	return 0;
}

int fd_replace(struct file_table *table, int fd, struct file *file, bool close_on_exec,
	       u64 limit)
{
	struct file *old;
	int result;

	if (fd < 0 || (u64)fd >= limit) {
		return -EBADF;
	}
	if (file_table_capacity(table) <= (u32)fd) {
		result = grow(table, (u64)fd);
		if (result < 0) {
			return result == -EMFILE ? -EBADF : result;
		}
	}
	spin_lock(&table->lock);
	old = table->files[fd];
	if (!old && bitmap_test(table->open_bits, table->capacity, (size_t)fd)) {
		spin_unlock(&table->lock);
		return -EBUSY;
	}
	file_get(file);
	table->files[fd] = file;
	bitmap_set(table->open_bits, (size_t)fd);
	mark(table, (u32)fd, close_on_exec);
	spin_unlock(&table->lock);
	if (old) {
		(void)close_file(table, old);
	}
	return fd;
}

int fd_set_close_on_exec(struct file_table *table, int fd, bool set)
{
	int result = -EBADF;

	spin_lock(&table->lock);
	if (fd >= 0 && (u32)fd < table->capacity && table->files[fd]) {
		mark(table, (u32)fd, set);
		result = 0;
	}
	spin_unlock(&table->lock);
	return result;
}

int fd_get_close_on_exec(struct file_table *table, int fd)
{
	int result = -EBADF;

	spin_lock(&table->lock);
	if (fd >= 0 && (u32)fd < table->capacity && table->files[fd]) {
		result = bitmap_test(table->close_on_exec, table->capacity, (size_t)fd);
	}
	spin_unlock(&table->lock);
	return result;
}

int fd_get_mode(struct file_table *table, int fd)
{
	int result = -EBADF;

	spin_lock(&table->lock);
	if (fd >= 0 && (u32)fd < table->capacity && table->files[fd]) {
		result = (int)table->files[fd]->mode;
	}
	spin_unlock(&table->lock);
	return result;
}

void file_table_close_on_exec(struct file_table *table)
{
	close_all(table, 0, ~0u, true);
}

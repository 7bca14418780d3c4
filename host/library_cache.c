// SPDX-License-Identifier: MIT
/*
 * The current format only: a header, entries, strings; offsets count from the header. Entries
 * for particular processors (hwcap) are left out: the plain library runs on every one.
 */
#include "library_cache.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "glibc-ld.so.cache1.1"

struct cache_header {
	char magic[20];
	uint32_t entries;
	uint32_t strings_size;
	uint8_t flags, padding[3];
	uint32_t extension;
	uint32_t unused[3];
};

struct cache_entry {
	int32_t flags;
	uint32_t name, path;
	uint32_t system_version;
	uint64_t hwcap;
};

void library_cache_open(struct library_cache *cache, const char *host_path, int flags)
{
	struct stat status;
	int fd = open(host_path, O_RDONLY | O_CLOEXEC);

	cache->flags = flags;
	cache->data = NULL;
	cache->size = 0;
	if (fd < 0) {
		return;
	}
	if (fstat(fd, &status) == 0 &&
	    status.st_size > (off_t)sizeof(struct cache_header)) {
		void *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			cache->data = data;
			cache->size = status.st_size;
		}
	}
	close(fd);
}

void library_cache_close(struct library_cache *cache)
{
	if (cache->data) {
		munmap((void *)cache->data, cache->size);
	}
	cache->data = NULL;
}

static const char *text_at(const struct library_cache *cache, uint32_t offset)
{
	if (offset >= cache->size ||
	    !memchr(cache->data + offset, 0, cache->size - offset)) {
		return "";
	}
	return cache->data + offset;
}

const char *library_cache_find(const struct library_cache *cache, const char *name)
{
	const struct cache_header *header = (const void *)cache->data;

	if (!header || memcmp(header->magic, MAGIC, sizeof header->magic)) {
		return NULL;
	}
	const struct cache_entry *entries = (const void *)(header + 1);
	size_t room = (cache->size - sizeof *header) / sizeof *entries;
	for (uint32_t i = 0; i < header->entries && i < room; i++) {
		if (entries[i].flags == cache->flags && !entries[i].hwcap &&
		    !strcmp(text_at(cache, entries[i].name), name)) {
			return text_at(cache, entries[i].path);
		}
	}
	return NULL;
}

// SPDX-License-Identifier: MIT
/* Thread blocks as programs find them: in maps, by the vDSO. */
#pragma once

#include "test.h"
#include <elf.h>
#include <heddle/thread_block.h>
#include <sys/auxv.h>

struct block_area {
	unsigned long start, end;
	char rights[8];
};

static inline void *block_page(const struct heddle_thread_block *block)
{
	return (void *)((uintptr_t)block & ~4095ul);
}

/* The lines of maps that say so, the first `most` of them; returns how many there are. */
static inline int block_areas(struct block_area *areas, int most)
{
	static char text[1 << 20];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t length = 0, got;

	CHECK(fd >= 0);
	while ((got = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0) {
		length += got;
	}
	close(fd);
	text[length] = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		struct block_area area;

		if (!strstr(line, "[thread_blocks]")) {
			continue;
		}
		CHECK_EQ(sscanf(line, "%lx-%lx %7s", &area.start, &area.end, area.rights),
			 3);
		CHECK_EQ(area.end - area.start, 4096);
		if (count < most) {
			areas[count] = area;
		}
		count++;
	}
	return count;
}

/* A function of the vDSO; NULL: none of that name. */
static inline void *vdso_function(const char *name)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Phdr *part = (const void *)(base + header->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const char *names = NULL;
	const uint32_t *hash = NULL;

	for (int i = 0; i < header->e_phnum; i++) {
		const Elf64_Dyn *entry = (const void *)(base + part[i].p_offset);

		for (; part[i].p_type == PT_DYNAMIC && entry->d_tag; entry++) {
			const void *at = base + entry->d_un.d_ptr;

			symbols = entry->d_tag == DT_SYMTAB ? at : symbols;
			names = entry->d_tag == DT_STRTAB ? at : names;
			hash = entry->d_tag == DT_HASH ? at : hash;
		}
	}
	CHECK(symbols && names && hash);
	for (uint32_t i = 0; i < hash[1]; i++) {
		if (strcmp(names + symbols[i].st_name, name) == 0) {
			return (void *)(base + symbols[i].st_value);
		}
	}
	return NULL;
}

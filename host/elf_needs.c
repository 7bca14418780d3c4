// SPDX-License-Identifier: MIT
/*
 * Walks program headers and the dynamic section by file offsets, every one of them checked
 * against the file's size before use.
 */
#include "elf_needs.h"

#include "../guest/elf_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file in memory. */
struct image {
	const unsigned char *data;
	size_t size;
	const Elf64_Phdr *segments;
	unsigned count;
};

static bool inside(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

/* Where an address of the loaded program lies in the file; 0 if nowhere. */
static uint64_t file_offset(const struct image *image, uint64_t address)
{
	for (unsigned i = 0; i < image->count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz) {
			return segment->p_offset + (address - segment->p_vaddr);
		}
	}
	return 0;
}

static const char *text_at(const struct elf_needs *needs, size_t size, uint64_t offset)
{
	return offset < size ? needs->strings + offset : "";
}

static int copy_strings(const struct image *image, const Elf64_Dyn *dynamic, size_t count,
			struct elf_needs *needs, size_t *size)
{
	uint64_t table = 0;

	*size = 0;
	for (size_t i = 0; i < count && dynamic[i].d_tag != DT_NULL; i++) {
		if (dynamic[i].d_tag == DT_STRTAB) {
			table = file_offset(image, dynamic[i].d_un.d_ptr);
		} else if (dynamic[i].d_tag == DT_STRSZ) {
			*size = dynamic[i].d_un.d_val;
		}
	}
	if (!table || !*size || !inside(image, table, *size)) {
		return -ENOEXEC;
	}
	needs->strings = malloc(*size + 1);
	if (!needs->strings) {
		return -ENOMEM;
	}
	memcpy(needs->strings, image->data + table, *size);
	needs->strings[*size] = 0;
	return 0;
}

static int read_dynamic(const struct image *image, const Elf64_Phdr *segment,
			struct elf_needs *needs)
{
	size_t strings, count = segment->p_filesz / sizeof(Elf64_Dyn);

	if (!inside(image, segment->p_offset, segment->p_filesz) ||
	    segment->p_offset % 8) {
		return -ENOEXEC;
	}
	const Elf64_Dyn *dynamic = (const void *)(image->data + segment->p_offset);
	int result = copy_strings(image, dynamic, count, needs, &strings);
	for (size_t i = 0; !result && i < count && dynamic[i].d_tag != DT_NULL; i++) {
		const char *text = text_at(needs, strings, dynamic[i].d_un.d_val);
		if (dynamic[i].d_tag == DT_NEEDED && needs->count < MAX_NEEDED) {
			needs->needed[needs->count++] = text;
		} else if (dynamic[i].d_tag == DT_RPATH) {
			needs->rpath = text;
		} else if (dynamic[i].d_tag == DT_RUNPATH) {
			needs->runpath = text;
		}
	}
	return result;
}

static int read_image(const struct image *whole, struct elf_needs *needs)
{
	struct image image = *whole;
	const Elf64_Ehdr *header = (const void *)image.data;

	if (!inside(&image, header->e_phoff,
		    (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)) ||
	    header->e_phoff % 8) {
		return -ENOEXEC;
	}
	image.segments = (const void *)(image.data + header->e_phoff);
	image.count = header->e_phnum;
	for (unsigned i = 0; i < image.count; i++) {
		if (image.segments[i].p_type == PT_DYNAMIC) {
			return read_dynamic(&image, &image.segments[i], needs);
		}
	}
	return 0; // static: needs nothing
}

int elf_needs_read(const char *host_path, unsigned machine, struct elf_needs *needs)
{
	static struct program_check check;
	struct stat status;
	struct image image = {0};
	int result = -ENOEXEC, fd = open(host_path, O_RDONLY | O_CLOEXEC);

	memset(needs, 0, sizeof *needs);
	if (fd < 0) {
		return -errno;
	}
	program_check_file(fd, machine, &check);
	if (check.kind == PROGRAM_ELF && fstat(fd, &status) == 0) {
		image.size = status.st_size;
		image.data = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (image.data != MAP_FAILED) {
			strcpy(needs->interpreter, check.interpreter);
			result = read_image(&image, needs);
			munmap((void *)image.data, image.size);
		}
	}
	close(fd);
	return result;
}

void elf_needs_free(struct elf_needs *needs)
{
	free(needs->strings);
	needs->strings = NULL;
}

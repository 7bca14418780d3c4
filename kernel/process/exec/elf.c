// SPDX-License-Identifier: MIT
/*
 * ELF programs: static, position-independent, with an interpreter.
 *
 * Every number in the file is a claim: sizes are checked before they are added, and segments must lie in user space. They
 * may come in any order and lie over each other: the later one covers the earlier.
 *
 * Headers that are no program's are refused. What is wrong with the segments Linux finds only when the old program is gone,
 * and ends the process: so image->accepted is set when the headers of program and interpreter are read, and exec.c goes by it.
 */
#include "process/exec/exec_internal.h"

#include "arch/elf.h"
#include "arch/mmu.h"
#include "fs/file.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "vm/vm_space.h"
#include <linux/elf.h>
#include <linux/limits.h>
#include <linux/mman.h>

enum {
	HEADERS_MAX = 65536 / sizeof(struct elf64_phdr),
};
#define PIE_BASE (USER_END / 3 * 2)

/* One ELF file being mapped: the program or its interpreter. */
struct elf_file {
	struct file *file;
	struct elf64_hdr header;
	struct elf64_phdr *segments; /* header.e_phnum of them, on the heap */
	u64 bias;                    /* added to every address in the file */
	u64 lowest, highest;         /* of PT_LOAD, page aligned, without the bias */
	vaddr_t data_end;            /* end of the highest segment, with the bias */
};

bool elf_recognize(const struct exec_image *image)
{
	return memcmp(image->header, ELFMAG, SELFMAG) == 0;
}

static int check_header(const struct elf64_hdr *header)
{
	// Class and byte order follow from the machine; nobody looks at them.
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
		return -ENOEXEC;
	}
	if (header->e_machine != ARCH_ELF_MACHINE ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN)) {
		return -ENOEXEC;
	}
	if (header->e_phentsize != sizeof(struct elf64_phdr) || header->e_phnum == 0 ||
	    header->e_phnum > HEADERS_MAX) {
		return -ENOEXEC;
	}
	return 0;
}

/* One PT_LOAD: plausible by itself? */
static int check_segment(const struct elf64_phdr *segment)
{
	if (segment->p_filesz > segment->p_memsz || segment->p_memsz > USER_END ||
	    segment->p_vaddr >= USER_END ||
	    segment->p_vaddr > USER_END - segment->p_memsz) {
		return -EINVAL;
	}
	if (segment->p_filesz &&
	    (((segment->p_vaddr ^ segment->p_offset) & (PAGE_SIZE - 1)) ||
	     segment->p_offset > INT64_MAX - segment->p_filesz - PAGE_SIZE)) {
		return -EINVAL;
	}
	return 0;
}

/* Where the file's segments begin and end, in whatever order they come. */
static int measure(struct elf_file *elf)
{
	elf->lowest = USER_END;
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct elf64_phdr *segment = &elf->segments[i];
		int err;

		if (segment->p_type != PT_LOAD) {
			continue;
		}
		err = check_segment(segment);
		if (err) {
			return err;
		}
		if (segment->p_memsz == 0) {
			continue;
		}
		elf->lowest = MIN(elf->lowest, segment->p_vaddr & PAGE_MASK);
		elf->highest =
			MAX(elf->highest,
			    ALIGN_UP(segment->p_vaddr + segment->p_memsz, PAGE_SIZE));
	}
	return elf->highest > elf->lowest ? 0 : -EINVAL;
}

static int elf_open(struct elf_file *elf, struct file *file)
{
	u64 size;
	s64 got = file_read_kernel(file, &elf->header, sizeof(elf->header), 0);
	int err;

	elf->file = file;
	if (got != (s64)sizeof(elf->header)) {
		return got < 0 ? (int)got : -ENOEXEC;
	}
	err = check_header(&elf->header);
	if (err) {
		return err;
	}
	size = (u64)elf->header.e_phnum * sizeof(struct elf64_phdr);
	if (elf->header.e_phoff > INT64_MAX - size) {
		return -ENOEXEC;
	}
	elf->segments = heap_allocate(size);
	if (!elf->segments) {
		return -ENOMEM;
	}
	got = file_read_kernel(file, elf->segments, size, elf->header.e_phoff);
	if (got != (s64)size) {
		return got < 0 ? (int)got : -ENOEXEC;
	}
	return 0;
}

static u32 segment_protection(const struct elf64_phdr *segment)
{
	u32 protect = 0;

	protect |= segment->p_flags & PF_R ? PROTECT_READ : 0;
	protect |= segment->p_flags & PF_W ? PROTECT_READ | PROTECT_WRITE : 0;
	protect |= segment->p_flags & PF_X ? PROTECT_READ | PROTECT_EXECUTE : 0;
	return protect;
}

static int map_file_part(struct vm_space *vm, struct file *file, vaddr_t address,
			 u64 size, u64 offset, u32 protect)
{
	struct vm_map_request request = {
		.address = address,
		.size = size,
		.protect = protect,
		.map_flags = MAP_PRIVATE | MAP_FIXED,
		.file = file,
		.offset = offset,
	};
	vaddr_t at;
	int err;

	if (!file->operations->map) {
		return -ENODEV;
	}
	err = file->operations->map(file, &request);
	if (err) {
		return err;
	}
	err = vm_map(vm, &request, &at);
	if (request.object) {
		vm_object_put(request.object);
	}
	return err;
}

static int map_zeros(struct vm_space *vm, vaddr_t address, u64 size, u32 protect)
{
	struct vm_map_request request = {
		.address = address,
		.size = size,
		.protect = protect,
		.map_flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
	};
	vaddr_t at;

	return vm_map(vm, &request, &at);
}

/*
 * The rest of the last page that came from the file: zeros to the page's end, not only to the
 * segment's; glibc's loader takes its first memory from there and expects it clean.
 */
static int clear_tail(struct vm_space *vm, vaddr_t from, vaddr_t to)
{
	static const char zeros[512];

	while (from < to) {
		u64 size = MIN(to - from, sizeof(zeros));
		s64 moved = vm_write(vm, from, zeros, size, true);

		if (moved != (s64)size) {
			return moved < 0 && moved != -EFAULT ? (int)moved : -ENOMEM;
		}
		from += size;
	}
	return 0;
}

static int map_segment(struct exec_image *image, struct elf_file *elf,
		       const struct elf64_phdr *segment)
{
	u32 protect = segment_protection(segment);
	vaddr_t start = elf->bias + segment->p_vaddr;
	vaddr_t file_end = start + segment->p_filesz;
	vaddr_t memory_end = start + segment->p_memsz;
	vaddr_t page_end = ALIGN_UP(file_end, PAGE_SIZE);
	int err = 0;

	if (start < USER_LOWEST) {
		return -EPERM;
	}
	if (segment->p_filesz) {
		err = map_file_part(image->vm, elf->file, start & PAGE_MASK,
				    page_end - (start & PAGE_MASK),
				    segment->p_offset & PAGE_MASK, protect);
	} else {
		page_end = start & PAGE_MASK;
	}
	if (!err && segment->p_filesz && segment->p_memsz > segment->p_filesz &&
	    (protect & PROTECT_WRITE)) {
		err = clear_tail(image->vm, file_end, page_end);
	}
	if (!err && memory_end > page_end) {
		err = map_zeros(image->vm, page_end,
				ALIGN_UP(memory_end, PAGE_SIZE) - page_end, protect);
	}
	return err;
}

static void note_layout(struct vm_space *vm, const struct elf_file *elf,
			const struct elf64_phdr *segment)
{
	vaddr_t start = elf->bias + segment->p_vaddr;

	if (segment->p_flags & PF_X) {
		if (!vm->code_start || start < vm->code_start) {
			vm->code_start = start;
		}
		vm->code_end = MAX(vm->code_end, start + segment->p_filesz);
	} else {
		if (!vm->data_start || start < vm->data_start) {
			vm->data_start = start;
		}
		vm->data_end = MAX(vm->data_end, start + segment->p_filesz);
	}
}

static int map_segments(struct exec_image *image, struct elf_file *elf, bool program)
{
	int err = 0;

	for (unsigned i = 0; i < elf->header.e_phnum && !err; i++) {
		const struct elf64_phdr *segment = &elf->segments[i];

		if (segment->p_type != PT_LOAD || segment->p_memsz == 0) {
			continue;
		}
		err = map_segment(image, elf, segment);
		elf->data_end = MAX(elf->data_end,
				    elf->bias + segment->p_vaddr + segment->p_memsz);
		if (program) {
			note_layout(image->vm, elf, segment);
		}
	}
	return err;
}

/* Largest alignment the segments ask for, as a sane power of two. */
static u64 wanted_alignment(const struct elf_file *elf)
{
	u64 alignment = PAGE_SIZE;

	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		u64 wanted = elf->segments[i].p_align;

		if (elf->segments[i].p_type == PT_LOAD && wanted > alignment &&
		    wanted <= (1UL << 30) && (wanted & (wanted - 1)) == 0) {
			alignment = wanted;
		}
	}
	return alignment;
}

/* The first segment in the file decides what the whole counts as while it is placed. */
static u32 first_protection(const struct elf_file *elf)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		if (elf->segments[i].p_type == PT_LOAD) {
			return segment_protection(&elf->segments[i]);
		}
	}
	return 0;
}

/* Choose where a position-independent file goes; 0 bias for others. From the first to the last segment it must be within the limits. */
static int place(struct exec_image *image, struct elf_file *elf, bool program)
{
	struct vm_map_request request = {.protect = first_protection(elf),
					 .map_flags = MAP_PRIVATE | MAP_ANONYMOUS};
	u64 alignment = wanted_alignment(elf);
	vaddr_t at;
	int err;

	if (elf->header.e_type == ET_EXEC) {
		return 0;
	}
	if (program) {
		at = ALIGN_DOWN(PIE_BASE + exec_random_offset(1UL << 34), alignment);
		elf->bias = at - ALIGN_DOWN(elf->lowest, alignment);
		if (elf->highest - elf->lowest >= (USER_END - PIE_BASE) / 2) {
			return -EINVAL;
		}
		return vm_check_size(image->vm, elf->highest - elf->lowest,
				     request.protect);
	}
	// An interpreter goes where mmap would put it: reserve, then map over.
	request.size = elf->highest - elf->lowest + alignment;
	err = vm_map(image->vm, &request, &at);
	if (!err) {
		err = vm_unmap(image->vm, at, request.size);
	}
	elf->bias = ALIGN_UP(at, alignment) - elf->lowest;
	return err;
}

static void elf_close(struct elf_file *elf)
{
	heap_free(elf->segments);
}

/* The name in PT_INTERP, on the heap; *name NULL: none. */
static int read_interpreter_name(const struct elf_file *elf, char **name)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct elf64_phdr *segment = &elf->segments[i];
		s64 got;

		if (segment->p_type != PT_INTERP) {
			continue;
		}
		if (segment->p_filesz < 2 || segment->p_filesz > PATH_MAX) {
			return -ENOEXEC;
		}
		if (segment->p_offset > INT64_MAX - PATH_MAX) {
			return -EINVAL; // no place in any file
		}
		*name = heap_allocate(segment->p_filesz);
		if (!*name) {
			return -ENOMEM;
		}
		got = file_read_kernel(elf->file, *name, segment->p_filesz,
				       segment->p_offset);
		if (got == (s64)segment->p_filesz &&
		    (*name)[segment->p_filesz - 1] == 0) {
			return 0;
		}
		heap_free(*name);
		*name = NULL;
		return got == (s64)segment->p_filesz ? -ENOEXEC : -EIO;
	}
	return 0;
}

static int open_interpreter(const struct exec_image *image, const char *name,
			    struct elf_file *elf)
{
	struct file *file;
	// As in Linux, "" is the working folder here, which is no program.
	int err = name[0] ? fs_open_executable(image->context, name, WALK_FOLLOW, &file)
			  : -EACCES;

	if (err) {
		return err;
	}
	err = elf_open(elf, file);
	if (err == -ENOEXEC) {
		err = inode_size(file->inode) < sizeof(elf->header) ? -EIO : -ELIBBAD;
	}
	return err;
}

static int load_interpreter(struct exec_image *image, struct elf_file *elf)
{
	int err = measure(elf);

	if (!err) {
		err = place(image, elf, false);
	}
	if (!err) {
		err = map_segments(image, elf, false);
	}
	image->interpreter_base = elf->bias;
	image->start_ip = elf->bias + elf->header.e_entry;
	return err;
}

/* Where the program headers are in memory: PT_PHDR, or the segment that holds them. */
static vaddr_t find_headers(const struct elf_file *elf)
{
	u64 offset = elf->header.e_phoff;

	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const struct elf64_phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_PHDR) {
			return elf->bias + segment->p_vaddr;
		}
		if (segment->p_type == PT_LOAD && offset >= segment->p_offset &&
		    offset - segment->p_offset < segment->p_filesz) {
			return elf->bias + segment->p_vaddr +
			       (offset - segment->p_offset);
		}
	}
	return 0;
}

static void note_stack_wish(struct exec_image *image, const struct elf_file *elf)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		if (elf->segments[i].p_type == PT_GNU_STACK) {
			image->executable_stack = (elf->segments[i].p_flags & PF_X) != 0;
		}
	}
}

static int load_program(struct exec_image *image, struct elf_file *elf)
{
	vaddr_t break_start;
	int err;

	note_stack_wish(image, elf);
	err = exec_stack_map(image);
	if (!err) {
		err = measure(elf);
	}
	if (!err) {
		err = place(image, elf, true);
	}
	if (!err) {
		err = map_segments(image, elf, true);
	}
	if (err) {
		return err;
	}
	image->entry = image->start_ip = elf->bias + elf->header.e_entry;
	image->headers_address = find_headers(elf);
	image->header_count = elf->header.e_phnum;
	break_start = ALIGN_UP(elf->data_end, PAGE_SIZE) + exec_random_offset(32UL << 20);
	image->vm->break_start = image->vm->break_now = break_start;
	return 0;
}

static int load_files(struct exec_image *image, struct elf_file *program,
		      struct elf_file *interpreter)
{
	int err = load_program(image, program);

	if (!err && interpreter->file) {
		err = load_interpreter(image, interpreter);
	}
	return !err && image->start_ip >= USER_END ? -EINVAL : err;
}

int elf_load(struct exec_image *image)
{
	struct elf_file program = {0}, interpreter = {0};
	char *name = NULL;
	int err = elf_open(&program, image->file);

	if (!err) {
		err = read_interpreter_name(&program, &name);
	}
	if (!err && name) {
		err = open_interpreter(image, name, &interpreter);
	}
	if (!err) {
		image->accepted = true;
		err = load_files(image, &program, &interpreter);
	}
	heap_free(name);
	elf_close(&program);
	elf_close(&interpreter);
	if (interpreter.file) {
		file_put(interpreter.file);
	}
	return err;
}

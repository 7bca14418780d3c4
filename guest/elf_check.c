// SPDX-License-Identifier: MIT
/*
 * Reads just enough of a program to say why it will not run: too short, another architecture,
 * tables or segments past the end of the file, neither ELF nor script.
 */
#include "elf_check.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	unsigned number;
	const char *name;
} machines[] = {
	{EM_386, "i386"},        {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},
	{EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64"},
	{EM_S390, "s390"},       {EM_MIPS, "mips"},     {EM_PPC, "ppc"},
	{EM_SPARCV9, "sparc64"},
};

__attribute__((format(printf, 2, 3))) static void bad(struct program_check *check,
						      const char *format, ...)
{
	va_list arguments;

	check->kind = PROGRAM_BAD;
	va_start(arguments, format);
	vsnprintf(check->why, sizeof check->why, format, arguments);
	va_end(arguments);
}

static const char *machine_name(unsigned machine)
{
	static char other[40];

	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
		if (machines[i].number == machine) {
			return machines[i].name;
		}
	}
	snprintf(other, sizeof other, "machine number %u", machine);
	return other;
}

static void check_script(const char *head, size_t size, struct program_check *check)
{
	const char *start = head + 2;
	const char *end = memchr(head, '\n', size);

	end = end ? end : head + size;
	while (start < end && (*start == ' ' || *start == '\t')) {
		start++;
	}
	const char *stop = start;
	while (stop < end && *stop != ' ' && *stop != '\t' && *stop != '\r' && *stop) {
		stop++;
	}
	if (stop == start) {
		bad(check, "its #! line names no interpreter");
		return;
	}
	check->kind = PROGRAM_SCRIPT;
	memcpy(check->interpreter, start, stop - start);
	check->interpreter[stop - start] = 0;
}

static bool read_interpreter(int fd, const Elf64_Phdr *segment,
			     struct program_check *check)
{
	size_t size = segment->p_filesz;

	if (size < 2 || size >= sizeof check->interpreter ||
	    pread(fd, check->interpreter, size, segment->p_offset) != (ssize_t)size) {
		return false;
	}
	check->interpreter[size] = 0;
	return true;
}

static void check_segments(int fd, const Elf64_Ehdr *header, off_t file_size,
			   struct program_check *check)
{
	unsigned loads = 0;

	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;
		off_t place = header->e_phoff + (off_t)i * sizeof segment;
		if (pread(fd, &segment, sizeof segment, place) != sizeof segment) {
			bad(check,
			    "truncated ELF file (its program headers are cut off)");
			return;
		}
		if (segment.p_type == PT_LOAD && segment.p_filesz > 0) {
			loads++;
			if (segment.p_offset > (Elf64_Off)file_size ||
			    segment.p_filesz > (Elf64_Off)file_size - segment.p_offset) {
				bad(check, "truncated ELF file (a segment is cut off)");
				return;
			}
		}
		if (segment.p_type == PT_INTERP &&
		    !read_interpreter(fd, &segment, check)) {
			bad(check, "corrupt ELF file (bad interpreter name)");
			return;
		}
	}
	if (!loads) {
		bad(check, "ELF file with nothing to load");
	}
}

/* Is it for `machine`, or where that is EM_NONE for any of 64 bits and little-endian? */
static bool check_machine(const Elf64_Ehdr *header, unsigned machine,
			  struct program_check *check)
{
	const char *wanted = machine_name(machine); // of one that has a name

	check->machine = header->e_machine;
	if (header->e_ident[EI_DATA] != ELFDATA2LSB) {
		bad(check, "big-endian ELF file, not %s", wanted);
	} else if (machine != EM_NONE && header->e_machine != machine) {
		bad(check, "ELF for %s, not %s", machine_name(header->e_machine), wanted);
	} else if (header->e_ident[EI_CLASS] != ELFCLASS64) {
		bad(check, "32-bit ELF file, not %s", wanted);
	} else {
		return true;
	}
	return false;
}

static void check_elf(int fd, const Elf64_Ehdr *header, size_t size, off_t file_size,
		      unsigned machine, struct program_check *check)
{
	if (size < 20) {
		bad(check, "truncated ELF file");
	} else if (!check_machine(header, machine, check)) {
		return;
	} else if (size < sizeof *header) {
		bad(check, "truncated ELF file");
	} else if (header->e_type != ET_EXEC && header->e_type != ET_DYN) {
		bad(check, "ELF file, but not a program (%s)",
		    header->e_type == ET_REL ? "an object file" : "another type");
	} else if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum) {
		bad(check, "corrupt ELF file (bad program headers)");
	} else if (header->e_phoff > (Elf64_Off)file_size) {
		bad(check, "truncated ELF file (its program headers are cut off)");
	} else {
		check_segments(fd, header, file_size, check);
	}
}

void program_check_file(int fd, unsigned machine, struct program_check *check)
{
	union {
		Elf64_Ehdr header;
		char bytes[256];
	} head;
	struct stat status;

	memset(check, 0, sizeof *check);
	memset(&head, 0, sizeof head);
	ssize_t size = pread(fd, head.bytes, sizeof head.bytes, 0);
	if (size < 0 || fstat(fd, &status) < 0) {
		bad(check, "cannot be read");
	} else if (size == 0) {
		bad(check, "empty file");
	} else if (size >= 2 && head.bytes[0] == '#' && head.bytes[1] == '!') {
		check_script(head.bytes, size, check);
	} else if (size >= 4 && !memcmp(head.bytes, ELFMAG, SELFMAG)) {
		check_elf(fd, &head.header, size, status.st_size, machine, check);
	} else {
		bad(check, "neither an ELF program nor a script");
	}
}

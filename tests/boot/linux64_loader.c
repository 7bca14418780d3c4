// SPDX-License-Identifier: MIT
/*
 * Starts a kernel as Firecracker does: Linux's 64-bit entry, the ELF file's entry point in long mode, identity mapped, rsi = boot_params.
 * QEMU starts this loader by PVH; its only module is a 16-byte header (sizes of the two), the kernel file, and the initramfs.
 */
#include <asm/bootparam.h>
#include <linux/elf.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

struct start_info {
	u32 magic, version, flags, module_count;
	u64 modules, command_line, rsdp, memory_map;
	u32 memory_map_count, reserved;
};

struct module {
	u64 address, size, command_line, reserved;
};

struct memory {
	u64 address, size;
	u32 type, reserved;
};

struct bundle {
	u64 kernel_size, initramfs_size;
	u8 data[];
};

static struct boot_params params;
static u64 tables[6][512] __attribute__((aligned(4096)));
u32 entry_point, parameters, page_tables;
void load(const struct start_info *info);

static void copy(u8 *to, const u8 *from, u32 size)
{
	while (size-- > 0) {
		*to++ = *from++;
	}
}

static void build_tables(void)
{
	tables[0][0] = (u32)tables[1] | 3;
	for (u32 i = 0; i < 4; i++) {
		tables[1][i] = (u32)tables[2 + i] | 3;
		for (u32 j = 0; j < 512; j++) {
			tables[2 + i][j] = (u64)(i * 512 + j) << 21 | 0x83;
		}
	}
}

void load(const struct start_info *info)
{
	const struct module *module = (void *)(u32)info->modules;
	const struct memory *memory = (void *)(u32)info->memory_map;
	const struct bundle *bundle = (void *)(u32)module->address;
	const Elf64_Ehdr *header = (const void *)bundle->data;
	const Elf64_Phdr *segment = (const void *)(bundle->data + header->e_phoff);

	for (u32 i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_LOAD) {
			copy((u8 *)(u32)segment[i].p_paddr,
			     bundle->data + segment[i].p_offset,
			     (u32)segment[i].p_filesz);
		}
	}
	for (u32 i = 0; i < info->memory_map_count && i < E820_MAX_ENTRIES_ZEROPAGE;
	     i++) {
		params.e820_table[i].addr = memory[i].address;
		params.e820_table[i].size = memory[i].size;
		params.e820_table[i].type = memory[i].type;
		params.e820_entries = (u8)(i + 1);
	}
	params.hdr.cmd_line_ptr = (u32)info->command_line;
	params.hdr.ramdisk_image = (u32)(bundle->data + bundle->kernel_size);
	params.hdr.ramdisk_size = (u32)bundle->initramfs_size;
	params.acpi_rsdp_addr = info->rsdp;
	build_tables();
	entry_point = (u32)header->e_entry;
	parameters = (u32)&params;
	page_tables = (u32)tables;
}

__asm__(".pushsection .note.pvh, \"a\", @note\n"
	".long 4, 4, 18\n"
	".asciz \"Xen\"\n"
	".long start\n"
	".popsection\n"
	".globl start\n"
	"start:	mov $stack_top, %esp\n"
	"	push %ebx\n"
	"	call load\n"
	"	mov $0x20, %eax\n"
	"	mov %eax, %cr4\n"
	"	mov page_tables, %eax\n"
	"	mov %eax, %cr3\n"
	"	mov $0xc0000080, %ecx\n"
	"	mov $0x100, %eax\n"
	"	xor %edx, %edx\n"
	"	wrmsr\n"
	"	mov $0x80000011, %eax\n"
	"	mov %eax, %cr0\n"
	"	mov parameters, %esi\n"
	"	mov entry_point, %edi\n"
	"	lgdt gdt_pointer\n"
	"	ljmp $8, $1f\n"
	"	.code64\n"
	"1:	mov $16, %eax\n"
	"	mov %eax, %ds\n"
	"	mov %eax, %ss\n"
	"	mov %esi, %esi\n"
	"	mov %edi, %eax\n"
	"	jmp *%rax\n"
	"	.code32\n"
	"	.balign 8\n"
	"gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
	"gdt_pointer: .word 23\n"
	"	.long gdt\n"
	"	.bss\n"
	"	.skip 8192\n"
	"stack_top:\n"
	"	.text\n");

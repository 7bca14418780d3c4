// SPDX-License-Identifier: MIT
/* boot_info, filled by a port's boot code from what the firmware or the loader tells. CPU 0, interrupts off. */
#pragma once

#include "arch/boot.h"

#define init_ section_(".init.text") /* given back after the boot */

/* Room for boot_info.command_line. */
extern char boot_command_line[4096];

/* Bytes of RAM: whole pages of it, as far as the map of all RAM reaches. */
void boot_add_ram(u64 address, u64 size);
/* Not to be handed out: outward to whole pages. */
void boot_reserve(paddr_t start, paddr_t end);
/* In bytes; 0: none. Reserves it. */
void boot_set_initramfs(paddr_t start, u64 size);
/* Zeroed pages of RAM in [lowest, limit), which the boot tables map, reserved; panics when there are none. */
void *boot_pages(size_t count, paddr_t lowest, paddr_t limit);
/* To the log, once its level is known. */
void boot_tell_memory(void);

/* boot_tree.c: RAM, what is reserved, initramfs and command line of the opened device_tree. */
void boot_read_tree(void);
/* Is this word on the command line that the device tree has? Before command_line_init(). */
bool boot_tree_has_word(const char *word);

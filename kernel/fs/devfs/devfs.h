// SPDX-License-Identifier: MIT
/* /dev for those who fill it; devfs_add() and device_register() are in fs/file.h. */
#pragma once

#include "fs/file.h"

void devfs_init(void);
void memory_devices_init(void);
extern const struct file_operations kmsg_operations; /* /dev/kmsg */
int devfs_add_link(const char *name, const char *target) must_check;
int devfs_add_directory(const char *name, u32 mode) must_check;

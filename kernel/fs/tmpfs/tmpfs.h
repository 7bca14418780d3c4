// SPDX-License-Identifier: MIT
/* tmpfs for those who build on it: devfs, memfd. */
#pragma once

#include "fs/file.h"
#include "fs/inode.h"

struct tmpfs;

void tmpfs_init(void);
void memfd_init(void);
/* `credentials`: of who mounts it: whose the root is if the options do not say, and whose ids they mean. NULL: the machine's. */
int tmpfs_create_super_block(const struct file_system_type *type,
			     const struct credentials *credentials, const char *options,
			     struct super_block **out) must_check;
/* Option text into limits and the root's owner: -EINVAL. */
int tmpfs_parse_options(struct tmpfs *tmpfs, const struct credentials *credentials,
			const char *options) must_check;

/* memfd_create(2): an unnamed file "/memfd:NAME"; seals: F_SEAL_* it starts with. */
int memfd_create_file(const char *name, u32 seals, u32 mode,
		      const struct credentials *credentials,
		      struct file **out) must_check;
/* F_GET_SEALS, F_ADD_SEALS: -EINVAL for files that have none. */
int file_get_seals(struct file *file);
int file_add_seals(struct file *file, u32 seals);

// SPDX-License-Identifier: MIT
/*
 * Capabilities of files: the value of the attribute security.capability (capabilities(7), "File capabilities").
 *
 * On disk are versions 1 to 3; root_uid (version 3) is a kernel id there: the root of the user namespace it is for.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct credentials;

enum { FILE_CAPABILITY_SIZE_MAX = 24 };

struct file_capability {
	bool effective;
	u64 permitted, inheritable;
	u32 root_uid; /* 0 in versions 1 and 2 */
};

/* -EINVAL: not a value of any version. */
int file_capability_read(const void *value, size_t size,
			 struct file_capability *out) must_check;
/*
 * What setxattr(2) gives, as it is to be stored: version 3 for a namespace, the root uid a kernel id. `over_system`: the
 * caller has CAP_SETFCAP where the file system belongs, so version 2 stays that. -EINVAL
 */
int file_capability_import(const struct credentials *writer, bool over_system,
			   u8 value[FILE_CAPABILITY_SIZE_MAX], size_t *size) must_check;
/* The other way, for getxattr(2). -EOVERFLOW: it is for a namespace the reader has no name for. */
int file_capability_export(const struct credentials *reader,
			   u8 value[FILE_CAPABILITY_SIZE_MAX], size_t *size) must_check;

// SPDX-License-Identifier: MIT
/* Text files of proc and sysfs. */
#pragma once

#include "fs/file.h"

extern const struct file_operations proc_text_operations;
s64 proc_text_seek(struct file *file, s64 offset, int whence);

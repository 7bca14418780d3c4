// SPDX-License-Identifier: MIT
/*
 * Regular files whose contents are in a page cache (inode->object): operations that file systems put into their file_operations.
 *
 * Reads take no lock; writes take inode.lock exclusively and move attributes.size forward.
 */
#pragma once

#include "fs/file.h"

s64 page_file_read(struct file *file, struct io_buffer *io, u64 *position);
s64 page_file_write(struct file *file, struct io_buffer *io, u64 *position);
s64 page_file_seek(struct file *file, s64 offset,
		   int whence); /* with SEEK_DATA and SEEK_HOLE by cached pages */
int page_file_map(struct file *file, struct vm_map_request *request);
int page_file_sync(struct file *file, bool data_only);
/* SEEK_SET, SEEK_CUR, SEEK_END in a file of inode_size() bytes; directories and devices too. */
s64 generic_seek(struct file *file, s64 offset, int whence);
/* A vm_object_operations.size for objects whose owner is the inode. */
u64 page_file_object_size(struct vm_object *object);
void page_file_object_written(struct vm_object *object); /* the file's times move */

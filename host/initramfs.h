// SPDX-License-Identifier: MIT
/*
 * The archive the guest starts from (cpio newc).
 *
 * Paths are absolute in the guest. Errors are kept and come out of initramfs_finish, so that
 * the callers need not look each time.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct initramfs;

/* It is written to `fd`, which stays the caller's. */
int initramfs_create(int fd, struct initramfs **out);
void initramfs_destroy(struct initramfs *archive);

void initramfs_add_directory(struct initramfs *archive, const char *path, mode_t mode);
void initramfs_add_device(struct initramfs *archive, const char *path, mode_t mode,
			  dev_t device);
void initramfs_add_link(struct initramfs *archive, const char *path, const char *target);
void initramfs_add_text(struct initramfs *archive, const char *path, mode_t mode,
			const void *data, size_t size);

/* Add a file of the host. Returns 0, or a negative errno if it cannot be read. */
int initramfs_add_file(struct initramfs *archive, const char *path, const char *host_path,
		       mode_t mode);

/* End the archive. Returns 0, or the first error of all calls since it was made, as a negative errno. */
int initramfs_finish(struct initramfs *archive);

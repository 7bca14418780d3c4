// SPDX-License-Identifier: MIT
/*
 * Written by libarchive.
 */
#include "initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct initramfs {
	struct archive *writer;
	int error; // the first negative errno
	long long next_inode;
};

static void note(struct initramfs *archive, int status)
{
	if (status < ARCHIVE_WARN && !archive->error) {
		int number = archive_errno(archive->writer);
		archive->error = number > 0 ? -number : -EIO;
	}
}

int initramfs_create(int fd, struct initramfs **out)
{
	struct initramfs *archive = calloc(1, sizeof *archive);

	if (!archive) {
		return -ENOMEM;
	}
	archive->writer = archive_write_new();
	if (!archive->writer) {
		initramfs_destroy(archive);
		return -ENOMEM;
	}
	note(archive, archive_write_set_format_cpio_newc(archive->writer));
	note(archive, archive_write_add_filter_none(archive->writer));
	note(archive, archive_write_set_bytes_per_block(archive->writer, 1 << 20));
	note(archive, archive_write_set_bytes_in_last_block(archive->writer, 512));
	note(archive, archive_write_open_fd(archive->writer, fd));
	*out = archive;
	return 0;
}

void initramfs_destroy(struct initramfs *archive)
{
	if (archive->writer) {
		archive_write_free(archive->writer);
	}
	free(archive);
}

static void add(struct initramfs *archive, const char *path, mode_t mode, dev_t device,
		const char *target, const void *data, size_t size)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry) {
		archive->error = archive->error ? archive->error : -ENOMEM;
		return;
	}
	while (*path == '/') {
		path++;
	}
	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_ino64(entry, ++archive->next_inode);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_size(entry, size);
	if (target) {
		archive_entry_set_symlink(entry, target);
	}
	if (S_ISCHR(mode)) {
		archive_entry_set_rdev(entry, device);
	}
	note(archive, archive_write_header(archive->writer, entry));
	if (size && archive_write_data(archive->writer, data, size) != (la_ssize_t)size) {
		note(archive, ARCHIVE_FATAL);
	}
	archive_entry_free(entry);
}

void initramfs_add_directory(struct initramfs *archive, const char *path, mode_t mode)
{
	add(archive, path, S_IFDIR | (mode & 07777), 0, NULL, NULL, 0);
}

void initramfs_add_device(struct initramfs *archive, const char *path, mode_t mode,
			  dev_t device)
{
	add(archive, path, mode, device, NULL, NULL, 0);
}

void initramfs_add_link(struct initramfs *archive, const char *path, const char *target)
{
	add(archive, path, S_IFLNK | 0777, 0, target, NULL, 0);
}

void initramfs_add_text(struct initramfs *archive, const char *path, mode_t mode,
			const void *data, size_t size)
{
	add(archive, path, S_IFREG | (mode & 07777), 0, NULL, data, size);
}

int initramfs_add_file(struct initramfs *archive, const char *path, const char *host_path,
		       mode_t mode)
{
	struct stat status;
	void *data = NULL;
	int fd = open(host_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	if (status.st_size) {
		data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
			    fd, 0);
		if (data == MAP_FAILED) {
			int error = errno;
			close(fd);
			return -error;
		}
	}
	initramfs_add_text(archive, path, mode, data, status.st_size);
	if (data) {
		munmap(data, status.st_size);
	}
	close(fd);
	return 0;
}

int initramfs_finish(struct initramfs *archive)
{
	note(archive, archive_write_close(archive->writer));
	int result = archive->error;
	initramfs_destroy(archive);
	return result;
}

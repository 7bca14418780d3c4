// SPDX-License-Identifier: MIT
/* Paths, tmpfs, descriptor tables and mounts, on the simulated machine. */
#include "core/fault_injection.h"
#include "cred/credentials.h"
#include "fs/file_table.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "unit.h"
#include <asm/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

static struct walk_context context;
static struct path root;

static void set_up(void)
{
	struct credentials *credentials;

	fs_init();
	EXPECT_EQ(fs_mount_root(&root), 0);
	EXPECT_EQ(credentials_create_root(&credentials), 0);
	EXPECT_EQ(fs_info_create(&root, &context.fs), 0);
	context.credentials = credentials;
}

static void put_file(const char *name, const char *text)
{
	struct io_buffer io;
	struct file *file;

	REQUIRE(fs_open(&context, name, O_CREAT | O_WRONLY | O_TRUNC, 0644, 0, &file) ==
		0);
	io_buffer_init_kernel(&io, (void *)(uintptr_t)text, strlen(text));
	EXPECT_EQ(file_write(file, &io, NULL), strlen(text));
	file_put(file);
}

static bool file_is(const char *name, const char *text)
{
	char buffer[64] = {0};
	struct file *file;
	s64 length;

	if (fs_open(&context, name, O_RDONLY, 0, 0, &file) < 0) {
		return false;
	}
	length = file_read_kernel(file, buffer, sizeof(buffer) - 1, 0);
	file_put(file);
	return length == (s64)strlen(text) && memcmp(buffer, text, (size_t)length) == 0;
}

static int walk(const char *name, unsigned flags)
{
	struct path path;
	int result = path_walk(&context, name, flags, &path);

	if (result == 0) {
		path_put(&path);
	}
	return result;
}

static void names(void)
{
	set_up();
	EXPECT_EQ(fs_make_directory(&context, "/a", 0755), 0);
	EXPECT_EQ(fs_make_directory(&context, "/a/b/", 0755), 0);
	EXPECT_EQ(fs_make_directory(&context, "/a", 0755), -EEXIST);
	EXPECT_EQ(fs_make_directory(&context, "/x/y", 0755), -ENOENT);
	EXPECT_EQ(fs_make_directory(&context, "/", 0755), -EEXIST);
	put_file("/a/b/f", "hello");
	EXPECT(file_is("/a/./b/../b//f", "hello"));
	EXPECT_EQ(walk("/a/b/f/", WALK_FOLLOW), -ENOTDIR);
	EXPECT_EQ(walk("/a/b/f/x", WALK_FOLLOW), -ENOTDIR);
	EXPECT_EQ(walk("/../../a", WALK_FOLLOW), 0);
	EXPECT_EQ(walk("", WALK_FOLLOW), -ENOENT);
	EXPECT_EQ(fs_unlink(&context, "/a/b"), -EISDIR);
	EXPECT_EQ(fs_unlink(&context, "/a/b/f/"), -ENOTDIR);
	EXPECT_EQ(fs_remove_directory(&context, "/a"), -ENOTEMPTY);
	EXPECT_EQ(fs_remove_directory(&context, "/a/b/."), -EINVAL);
	EXPECT_EQ(fs_remove_directory(&context, "/a/b/.."), -ENOTEMPTY);
	EXPECT_EQ(fs_remove_directory(&context, "/"), -EBUSY);
	EXPECT_EQ(fs_remove_directory(&context, "/a/b/f"), -ENOTDIR);
}

TEST(names)
{
	EXPECT_EQ(host_machine_run(1, 1, names), 0);
}

static void links(void)
{
	set_up();
	put_file("/f", "one");
	EXPECT_EQ(fs_symbolic_link(&context, "f", "/l"), 0);
	EXPECT_EQ(fs_symbolic_link(&context, "/l", "/m"), 0);
	EXPECT_EQ(fs_symbolic_link(&context, "loop", "/loop"), 0);
	EXPECT_EQ(fs_symbolic_link(&context, "nowhere", "/dangling"), 0);
	EXPECT(file_is("/m", "one"));
	EXPECT_EQ(walk("/loop", WALK_FOLLOW), -ELOOP);
	EXPECT_EQ(walk("/loop", 0), 0);
	EXPECT_EQ(walk("/dangling", WALK_FOLLOW), -ENOENT);
	put_file("/dangling", "made"); // O_CREAT follows to where it points
	EXPECT(file_is("/nowhere", "made"));

	struct path path;
	struct inode_attributes attributes;

	REQUIRE(path_walk(&context, "/f", 0, &path) == 0);
	EXPECT_EQ(fs_link(&path, &context, "/g"), 0);
	EXPECT_EQ(fs_link(&path, &context, "/g"), -EEXIST);
	EXPECT_EQ(fs_get_attributes(&path, &attributes), 0);
	EXPECT_EQ(attributes.link_count, 2);
	path_put(&path);
	EXPECT_EQ(fs_unlink(&context, "/f"), 0);
	EXPECT(file_is("/g", "one"));
	EXPECT_EQ(walk("/l", WALK_FOLLOW), -ENOENT);
}

TEST(links)
{
	EXPECT_EQ(host_machine_run(1, 1, links), 0);
}

static bool name_is(const struct path *path, const char *wanted)
{
	char buffer[256], *start;
	int length = path_to_name(path, &root, buffer, sizeof(buffer), NAME_FOR_GETCWD,
				  &start);

	return length == (int)strlen(wanted) && strcmp(start, wanted) == 0;
}

static void renames(void)
{
	struct path inner;
	char buffer[64], *start;

	set_up();
	EXPECT_EQ(fs_make_directory(&context, "/d", 0755), 0);
	EXPECT_EQ(fs_make_directory(&context, "/d/in", 0755), 0);
	REQUIRE(path_walk(&context, "/d/in", 0, &inner) == 0);
	EXPECT(name_is(&inner, "/d/in"));
	EXPECT_EQ(fs_rename(&context, "/d", &context,
			    "/a rather long name that needs memory", 0),
		  0);
	EXPECT(name_is(&inner, "/a rather long name that needs memory/in"));
	EXPECT_EQ(fs_rename(&context, "/a rather long name that needs memory", &context,
			    "/e", 0),
		  0);
	EXPECT(name_is(&inner, "/e/in"));
	EXPECT_EQ(fs_rename(&context, "/e", &context, "/e/in/x", 0), -EINVAL);
	EXPECT_EQ(walk("/d", 0), -ENOENT);

	put_file("/1", "one");
	put_file("/2", "two");
	EXPECT_EQ(fs_rename(&context, "/1", &context, "/2", RENAME_NOREPLACE), -EEXIST);
	EXPECT_EQ(fs_rename(&context, "/1", &context, "/2", RENAME_EXCHANGE), 0);
	EXPECT(file_is("/1", "two"));
	EXPECT(file_is("/2", "one"));
	EXPECT_EQ(fs_rename(&context, "/1", &context, "/2", 0), 0);
	EXPECT(file_is("/2", "two"));
	EXPECT_EQ(walk("/1", 0), -ENOENT);
	EXPECT_EQ(fs_rename(&context, "/2", &context, "/e", 0), -EISDIR);
	EXPECT_EQ(fs_rename(&context, "/e", &context, "/2", 0), -ENOTDIR);
	EXPECT_EQ(fs_rename(&context, "/2", &context, "/e/in/2", 0), 0);
	EXPECT(file_is("/e/in/2", "two"));
	EXPECT_EQ(fs_unlink(&context, "/e/in/2"), 0);
	EXPECT_EQ(fs_remove_directory(&context, "/e/in"), 0);
	EXPECT_EQ(path_to_name(&inner, &root, buffer, sizeof(buffer), NAME_FOR_GETCWD,
			       &start),
		  -ENOENT);
	path_put(&inner);
}

TEST(renames)
{
	EXPECT_EQ(host_machine_run(2, 3, renames), 0);
}

static void opens(void)
{
	struct file *file, *other;

	set_up();
	put_file("/f", "text");
	EXPECT_EQ(fs_open(&context, "/f", O_CREAT | O_EXCL | O_RDWR, 0600, 0, &file),
		  -EEXIST);
	EXPECT_EQ(fs_open(&context, "/f", O_DIRECTORY | O_RDONLY, 0, 0, &file), -ENOTDIR);
	EXPECT_EQ(fs_open(&context, "/", O_WRONLY, 0, 0, &file), -EISDIR);
	EXPECT_EQ(fs_open(&context, "/new/", O_CREAT | O_WRONLY, 0600, 0, &file),
		  -EISDIR);
	EXPECT_EQ(fs_symbolic_link(&context, "f", "/l"), 0);
	EXPECT_EQ(fs_open(&context, "/l", O_RDONLY | O_NOFOLLOW, 0, 0, &file), -ELOOP);
	REQUIRE(fs_open(&context, "/l", O_PATH | O_NOFOLLOW, 0, 0, &file) == 0);
	file_put(file);

	REQUIRE(fs_open_executable(&context, "/f", WALK_FOLLOW, &file) == -EACCES);
	REQUIRE(fs_open(&context, "/x", O_CREAT | O_WRONLY, 0755, 0, &file) == 0);
	EXPECT_EQ(fs_open_executable(&context, "/x", WALK_FOLLOW, &other), -ETXTBSY);
	file_put(file);
	REQUIRE(fs_open_executable(&context, "/x", WALK_FOLLOW, &other) == 0);
	EXPECT_EQ(fs_open(&context, "/x", O_WRONLY, 0, 0, &file), -ETXTBSY);
	file_put(other);
	REQUIRE(fs_open(&context, "/", O_TMPFILE | O_RDWR, 0600, 0, &file) == 0);
	EXPECT_EQ(fs_link(&file->path, &context, "/named"), 0);
	file_put(file);
	EXPECT_EQ(walk("/named", 0), 0);
	EXPECT_EQ(walk("/dev/null", 0), -ENOENT);
	EXPECT_EQ(fs_mount(&context, "dev", "/dev", "devtmpfs", 0, ""), 0);
	EXPECT_EQ(walk("/dev/null", 0), 0);
	EXPECT(file_is("/dev/null", ""));
	EXPECT_EQ(fs_unmount(&context, "/dev", 0), 0);
	EXPECT_EQ(walk("/dev/null", 0), -ENOENT);
}

TEST(opens)
{
	EXPECT_EQ(host_machine_run(1, 1, opens), 0);
}

static void mounts(void)
{
	struct path place;

	set_up();
	EXPECT_EQ(fs_make_directory(&context, "/mnt", 0755), 0);
	EXPECT_EQ(fs_mount(&context, "tmp", "/mnt", "tmpfs", 0, "size=64k,mode=700"), 0);
	put_file("/mnt/f", "inside");
	REQUIRE(path_walk(&context, "/mnt/f", 0, &place) == 0);
	EXPECT(name_is(&place, "/mnt/f"));
	EXPECT_EQ(fs_unmount(&context, "/mnt", 0), -EBUSY);
	path_put(&place);
	EXPECT_EQ(fs_rename(&context, "/mnt/f", &context, "/f", 0), -EXDEV);
	EXPECT_EQ(fs_remove_directory(&context, "/mnt"), -EBUSY);
	EXPECT_EQ(fs_make_directory(&context, "/b", 0755), 0);
	EXPECT_EQ(fs_mount(&context, "/mnt", "/b", NULL, MS_BIND, NULL), 0);
	EXPECT(file_is("/b/f", "inside"));
	EXPECT_EQ(walk("/b/../mnt/f", 0), 0);
	EXPECT_EQ(fs_mount(&context, NULL, "/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			   NULL),
		  0);
	EXPECT_EQ(fs_make_directory(&context, "/b/d", 0755), -EROFS);
	EXPECT_EQ(fs_make_directory(&context, "/mnt/d", 0755), 0);
	EXPECT_EQ(fs_unmount(&context, "/b", 0), 0);
	EXPECT_EQ(walk("/b/f", 0), -ENOENT);
	EXPECT_EQ(fs_unmount(&context, "/mnt", 0), 0);
	EXPECT_EQ(walk("/mnt/f", 0), -ENOENT);
}

TEST(mounts)
{
	EXPECT_EQ(host_machine_run(1, 1, mounts), 0);
}

static void tables(void)
{
	struct file_table *table, *copy;
	struct fd_reference reference;
	struct file *file;
	int fd, last;

	set_up();
	REQUIRE(file_table_create(&table) == 0);
	put_file("/f", "text");
	REQUIRE(fs_open(&context, "/f", O_RDONLY, 0, 0, &file) == 0);
	for (int i = 0; i < 200; i++) {
		fd = fd_reserve(table, 0, 1024, i % 2);
		EXPECT_EQ(fd, i);
		file_get(file);
		fd_install(table, fd, file);
	}
	EXPECT_EQ(fd_reserve(table, 0, 200, false), -EMFILE);
	EXPECT_EQ(fd_close(table, 7), 0);
	EXPECT_EQ(fd_close(table, 7), -EBADF);
	EXPECT_EQ(fd_reserve(table, 0, 200, false), 7);
	EXPECT_EQ(fd_begin(table, 7, &reference), -EBADF); // reserved is not open
	EXPECT_EQ(fd_replace(table, 7, file, false, 1024), -EBUSY);
	fd_cancel(table, 7);
	EXPECT_EQ(fd_begin(table, -1, &reference), -EBADF);
	EXPECT_EQ(fd_begin(table, 100000, &reference), -EBADF);
	REQUIRE(fd_begin(table, 8, &reference) == 0);
	EXPECT(!reference.counted);
	fd_end(&reference);
	file_table_share(table);
	REQUIRE(fd_begin(table, 8, &reference) == 0);
	EXPECT(reference.counted);
	fd_end(&reference);
	file_table_leave(table);
	REQUIRE(file_table_copy(table, ~0u, &copy) == 0);
	file_table_close_on_exec(copy);
	last = 0;
	for (fd = 0; fd < 200; fd++) {
		last += fd_begin(copy, fd, &reference) == 0;
	}
	EXPECT_EQ(last, 100);
	EXPECT_EQ(refcount_read(&file->references), 1 + 199 + 100);
	EXPECT_EQ(fd_close_range(table, 10, ~0u, false), 0);
	EXPECT_EQ(refcount_read(&file->references), 1 + 9 + 100);
	file_table_leave(table);
	file_table_leave(copy);
	EXPECT_EQ(refcount_read(&file->references), 1);
	file_put(file);
}

TEST(tables)
{
	EXPECT_EQ(host_machine_run(1, 1, tables), 0);
}

static s64 live_objects(void)
{
	s64 total = 0;

	for (struct object_cache *cache = object_cache_first(); cache;
	     cache = cache->next) {
		total += cache->live;
	}
	return total;
}

/* A bit of everything; any step may fail, what it made is removed at the end. */
static void everything_once(void)
{
	struct file_table *table, *copy;
	struct path path;
	struct file *file;
	int fd;

	(void)!fs_make_directory(&context, "/t", 0755);
	(void)!fs_mount(&context, "t", "/t", "tmpfs", 0, "mode=755");
	(void)!fs_make_directory(&context,
				 "/t/a name that is longer than thirty-two bytes", 0755);
	(void)!fs_symbolic_link(&context, "/t/f", "/t/l");
	if (fs_open(&context, "/t/l", O_CREAT | O_RDWR, 0644, 0, &file) == 0) {
		char data[8] = "text";
		struct io_buffer io;

		io_buffer_init_kernel(&io, data, sizeof(data));
		(void)!file_write(file, &io, NULL);
		file_put(file);
	}
	if (path_walk(&context, "/t/l", WALK_FOLLOW, &path) == 0) {
		(void)!fs_link(&path, &context, "/t/g");
		(void)!fs_set_xattr(&path, "user.name", "value", 5, 0,
				    context.credentials);
		path_put(&path);
	}
	(void)!fs_rename(&context, "/t/g", &context,
			 "/t/another name that is longer than that", 0);
	if (file_table_create(&table) == 0) {
		fd = fd_reserve(table, 100, 1024, false);
		if (fd >= 0 && fs_open(&context, "/", O_RDONLY, 0, 0, &file) == 0) {
			fd_install(table, fd, file);
		} else if (fd >= 0) {
			fd_cancel(table, fd);
		}
		if (file_table_copy(table, ~0u, &copy) == 0) {
			file_table_leave(copy);
		}
		file_table_leave(table);
	}
}

static void failures(void)
{
	s64 before = 0;
	u64 counted = 0;

	set_up();
	for (u64 n = 0; n < 120; n++) {
		(void)fault_injection_arm(n);
		everything_once();
		counted = fault_injection_arm(0);
		(void)!fs_unmount(&context, "/t", 2 /* MNT_DETACH */);
		// Where the mount failed the names are in the root itself.
		(void)!fs_unlink(&context, "/t/l");
		(void)!fs_unlink(&context, "/t/f");
		(void)!fs_unlink(&context, "/t/g");
		(void)!fs_unlink(&context, "/t/another name that is longer than that");
		(void)!fs_remove_directory(
			&context, "/t/a name that is longer than thirty-two bytes");
		(void)!fs_remove_directory(&context, "/t");
		(void)walk("/t", 0);
		if (n == 0) {
			before = live_objects();
		}
		EXPECT_EQ(live_objects(), before);
	}
	EXPECT(counted <
	       119); // the last rounds went to the end: every allocation has failed once
}

TEST(failures)
{
	EXPECT_EQ(host_machine_run(1, 1, failures), 0);
}

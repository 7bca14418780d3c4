// SPDX-License-Identifier: MIT
/*
 * S1: overlays over overlays end after the second, whoever mounts them; the second works as the first does, and so does one
 * over the whole tree; an overlay has up to 500 lower layers.
 * libc: musl
 */
#include "mounts.h"
#include "userns.h"
#include <sys/xattr.h>

enum { DEEPEST = 2, MANY = 500 };

static int overlay_on(const char *lower, int number, bool writable)
{
	char at[16], upper[16], work[16], options[256];

	snprintf(at, sizeof(at), "l%d", number);
	snprintf(upper, sizeof(upper), "u%d", number);
	snprintf(work, sizeof(work), "w%d", number);
	make_folder(at);
	make_folder(upper);
	make_folder(work);
	if (writable) {
		snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s",
			 lower, upper, work);
	} else {
		snprintf(options, sizeof(options), "lowerdir=%s:%s", upper, lower);
	}
	return mount("o", at, "overlay", 0, options);
}

static void make_layer(void)
{
	mount_tmpfs("layers");
	CHECK_EQ(chdir("layers"), 0);
	make_folder("l0");
	make_folder("l0/folder");
	put("l0/folder/file", "lowest");
	put("l0/gone", "x");
	put("l0/old", "x");
}

/* Every one that mounts works; those too deep are refused, with layers to write in or without. */
static void stack(void)
{
	char lower[16];

	make_layer();
	for (int i = 1; i <= DEEPEST; i++) {
		snprintf(lower, sizeof(lower), "l%d", i - 1);
		CHECK_EQ(overlay_on(lower, i, true), 0);
	}
	CHECK_ERRNO(overlay_on("l2", 3, true), EINVAL);
	CHECK_ERRNO(overlay_on("l2", 4, false), EINVAL);
	CHECK_EQ(overlay_on("l1", 5, false), 0);
	CHECK(contains("l5/folder/file", "lowest") &&
	      contains("l2/folder/file", "lowest"));
}

static void write_in_the_second(void)
{
	stack();
	put("l2/folder/file", "highest");
	CHECK(contains("l2/folder/file", "highest") &&
	      contains("u2/folder/file", "highest"));
	CHECK(contains("l1/folder/file", "lowest") &&
	      contains("l0/folder/file", "lowest"));
	CHECK(!exists("u1/folder/file"));
	CHECK_EQ(unlink("l2/gone"), 0);
	CHECK(!exists("l2/gone") && exists("l1/gone"));
	CHECK_EQ(rename("l2/old", "l2/folder/new"), 0);
	CHECK(entries("l2") == 1 && entries("l2/folder") == 2 && entries("l1") == 3);
	CHECK_EQ(unlink("l2/folder/new"), 0);
	CHECK_EQ(unlink("l2/folder/file"), 0);
	CHECK_EQ(rmdir("l2/folder"), 0);
	CHECK(entries("l2") == 0 && exists("l1/folder/file"));
	for (int i = 5; i > 0; i--) {
		char name[16];

		snprintf(name, sizeof(name), "l%d", i);
		CHECK_EQ(umount2(name, 0), i == 3 || i == 4 ? -1 : 0);
	}
}

static void by_anybody(void)
{
	somebody();
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); // else its maps are not its own
	CHECK_EQ(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
	become_root_of_own();
	stack();
}

/* The first name in the root that is a regular file or a folder, seen through an overlay over all. */
static void over_the_root(void)
{
	struct stat direct, through;
	DIR *folder;
	struct dirent *entry;
	char name[PATH_MAX];

	make_layer();
	CHECK_EQ(overlay_on("/", 1, true), 0);
	folder = opendir("l1");
	CHECK(folder);
	while ((entry = readdir(folder))) {
		snprintf(name, sizeof(name), "/%s", entry->d_name);
		if (entry->d_name[0] == '.' || lstat(name, &direct) != 0) {
			continue;
		}
		snprintf(name, sizeof(name), "l1/%s", entry->d_name);
		CHECK_EQ(lstat(name, &through), 0);
		CHECK((through.st_mode & S_IFMT) == (direct.st_mode & S_IFMT));
	}
	closedir(folder);
	make_folder("l1/made-by-the-test");
	put("l1/made-by-the-test/file", "here");
	CHECK(contains("u1/made-by-the-test/file", "here") &&
	      !exists("/made-by-the-test"));
}

static void name_layers(char *text, size_t size, int count)
{
	size_t length = (size_t)snprintf(text, size, "lowerdir=");

	for (int i = 0; i < count; i++) {
		length += (size_t)snprintf(text + length, size - length, "%s%d",
					   i ? ":" : "", i);
	}
	CHECK(length < size);
}

static void many_layers(void)
{
	static char options[4096];
	char name[32];

	make_layer();
	for (int i = 0; i <= MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_folder(name);
		snprintf(name, sizeof(name), "%d/all", i);
		make_folder(name);
		snprintf(name, sizeof(name), "%d/all/%d", i, i);
		put(name, "x");
	}
	put("499/last", "last");
	make_folder("m");
	name_layers(options, sizeof(options), MANY + 1);
	CHECK_ERRNO(mount("o", "m", "overlay", 0, options), EINVAL);
	name_layers(options, sizeof(options), MANY);
	CHECK_EQ(mount("o", "m", "overlay", 0, options), 0);
	CHECK(contains("m/last", "last") && entries("m/all") == MANY);
	CHECK(exists("m/all/0") && exists("m/all/499") && !exists("m/all/500"));
	CHECK(!exists("m/nothing"));
	CHECK_EQ(umount2("m", 0), 0);
}

/* An overlay writes where nothing is another's. */
static void upper_on_overlay(void)
{
	make_layer();
	make_folder("other");
	CHECK_EQ(overlay_on("l0", 1, true), 0);
	make_folder("l1/u");
	make_folder("l1/w");
	make_folder("plain");
	make_folder("plain/w");
	CHECK_ERRNO(mount("o", "other", "overlay", 0,
			  "lowerdir=l0,upperdir=l1/u,workdir=l1/w"),
		    EINVAL);
	CHECK_ERRNO(mount("o", "other", "overlay", 0,
			  "lowerdir=l0,upperdir=plain,workdir=l1/w"),
		    EINVAL);
}

static bool has_attribute(const char *name, const char *attribute)
{
	return getxattr(name, attribute, NULL, 0) >= 0;
}

/* The overlay's own marks are nothing to its users, who may have some of the same names. */
static void own_attributes(void)
{
	static const char opaque[] = "trusted.overlay.opaque";
	char list[256];

	make_layer();
	CHECK_EQ(overlay_on("l0", 1, true), 0);
	CHECK_EQ(unlink("l1/folder/file"), 0);
	CHECK_EQ(rmdir("l1/folder"), 0);
	make_folder("l1/folder");
	CHECK(has_attribute("u1/folder", opaque));
	CHECK_ERRNO(getxattr("l1/folder", opaque, list, sizeof(list)), ENODATA);
	CHECK_EQ(listxattr("l1/folder", list, sizeof(list)), 0);
	CHECK_ERRNO(removexattr("l1/folder", opaque), ENODATA);
	CHECK_EQ(setxattr("l1/folder", opaque, "n", 1, 0), 0);
	CHECK_EQ(getxattr("l1/folder", opaque, list, sizeof(list)), 1);
	CHECK_EQ(list[0], 'n');
	CHECK(listxattr("l1/folder", NULL, 0) >= (ssize_t)sizeof(opaque));
	CHECK_EQ(listxattr("l1/folder", list, sizeof(list)), (ssize_t)sizeof(opaque));
	CHECK_EQ(strcmp(list, opaque), 0);
	CHECK_ERRNO(listxattr("l1/folder", list, 3), ERANGE);
	CHECK_EQ(getxattr("u1/folder", opaque, list, sizeof(list)), 1);
	CHECK_EQ(list[0], 'y');
	CHECK(has_attribute("u1/folder", "trusted.overlay.overlay.opaque"));
	CHECK_EQ(removexattr("l1/folder", opaque), 0);
	CHECK(has_attribute("u1/folder", opaque));
	CHECK_EQ(setxattr("l1/folder", "trusted.plain", "p", 1, 0), 0);
	CHECK(has_attribute("u1/folder", "trusted.plain"));
}

int main(void)
{
	enter_world();
	make_folder("layers");
	must_pass_in_child(write_in_the_second);
	ok("two overlays");
	must_pass_in_child(over_the_root);
	ok("over the root");
	must_pass_in_child(many_layers);
	ok("many layers");
	CHECK_EQ(chmod(".", 0755), 0);
	require_user_namespaces();
	must_pass_in_child(by_anybody);
	ok("two overlays of anybody");
	must_pass_in_child(upper_on_overlay);
	ok("upper on overlay");
	must_pass_in_child(own_attributes);
	ok("own attributes");
	return 0;
}

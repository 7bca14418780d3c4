// SPDX-License-Identifier: MIT
/*
 * C8: shared, slave, private and unbindable mounts: who hears of a mount, an unmount and a move, and
 * what mountinfo says of it.
 * libc: musl
 */
#include "mounts.h"

static void share(const char *name)
{
	CHECK_EQ(mount(NULL, name, NULL, MS_SHARED, NULL), 0);
}

static void bind(const char *from, const char *to)
{
	CHECK_EQ(mount(from, to, NULL, MS_BIND, NULL), 0);
}

/* a, shared, with a folder `sub`; more folders for others. */
static void make_shared(void)
{
	const char *names[] = {"a", "b", "c", "d"};

	for (int i = 0; i < 4; i++) {
		make_folder(names[i]);
	}
	mount_tmpfs("a");
	make_folder("a/sub");
	make_folder("a/sub/deep");
	share("a");
}

static void clean(void)
{
	const char *names[] = {"d", "c", "b", "a"};

	for (int i = 0; i < 4; i++) {
		while (umount2(names[i], MNT_DETACH) == 0) {
		}
		CHECK_EQ(rmdir(names[i]), 0);
	}
}

static void check_peers(void)
{
	struct mount_line a, b, sub_a, sub_b;

	make_shared();
	bind("a", "b");
	a = line_of("a");
	b = line_of("b");
	CHECK(relation(&a, "shared:") > 0);
	CHECK_EQ(relation(&a, "shared:"), relation(&b, "shared:"));
	CHECK_EQ(relation(&b, "master:"), 0);
	mount_tmpfs("b/sub");
	CHECK(is_mounted("a/sub"));
	sub_a = line_of("a/sub");
	sub_b = line_of("b/sub");
	CHECK(relation(&sub_a, "shared:") == relation(&sub_b, "shared:"));
	CHECK(relation(&sub_a, "shared:") != relation(&a, "shared:"));
	CHECK_EQ(sub_a.parent, a.id);
	CHECK_EQ(sub_b.parent, b.id);
	put("a/sub/x", "x");
	CHECK(exists("b/sub/x"));
	CHECK_EQ(umount2("a/sub", 0), 0);
	CHECK(!is_mounted("a/sub") && !is_mounted("b/sub"));
	clean();
	ok("peers");
}

static void check_slave(void)
{
	struct mount_line a, b, sub;

	make_shared();
	bind("a", "b");
	CHECK_EQ(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0);
	a = line_of("a");
	b = line_of("b");
	CHECK_EQ(relation(&b, "master:"), relation(&a, "shared:"));
	CHECK_EQ(relation(&b, "shared:"), 0);
	mount_tmpfs("a/sub");
	sub = line_of("b/sub");
	CHECK(relation(&sub, "master:") > 0 && relation(&sub, "shared:") == 0);
	CHECK_EQ(umount2("b/sub", 0), 0); // its own: the master does not hear
	CHECK(is_mounted("a/sub"));
	CHECK_EQ(umount2("a/sub", 0), 0);
	mount_tmpfs("b/sub");
	CHECK(!is_mounted("a/sub"));
	CHECK_EQ(umount2("b/sub", 0), 0);
	clean();
	ok("slave");
}

/* a -> b (slave and shared) = c -> d (slave): what is mounted in a arrives everywhere, in c only below it. */
static void check_chain(void)
{
	struct mount_line b, c, d;

	make_shared();
	bind("a", "b");
	CHECK_EQ(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0);
	share("b");
	bind("b", "c");
	bind("c", "d");
	CHECK_EQ(mount(NULL, "d", NULL, MS_SLAVE, NULL), 0);
	b = line_of("b");
	c = line_of("c");
	d = line_of("d");
	CHECK(relation(&b, "shared:") && relation(&b, "master:"));
	CHECK_EQ(relation(&b, "shared:"), relation(&c, "shared:"));
	CHECK_EQ(relation(&b, "master:"), relation(&c, "master:"));
	CHECK_EQ(relation(&d, "master:"), relation(&c, "shared:"));
	mount_tmpfs("a/sub");
	CHECK(is_mounted("b/sub") && is_mounted("c/sub") && is_mounted("d/sub"));
	b = line_of("b/sub");
	c = line_of("c/sub");
	d = line_of("d/sub");
	CHECK(relation(&b, "shared:") && relation(&b, "master:"));
	CHECK_EQ(relation(&b, "shared:"), relation(&c, "shared:"));
	CHECK_EQ(relation(&d, "master:"), relation(&c, "shared:"));
	CHECK_EQ(umount2("c/sub", 0), 0);
	CHECK(is_mounted("a/sub") && !is_mounted("b/sub") && !is_mounted("d/sub"));
	clean();
	ok("chain");
}

/* Without the peer it was shared with, a slave passes its slaves on to its master. */
static void check_handed_over(void)
{
	struct mount_line a, c;

	make_shared();
	bind("a", "b");
	bind("b", "c");
	CHECK_EQ(mount(NULL, "c", NULL, MS_SLAVE, NULL), 0);
	CHECK_EQ(umount2("b", 0), 0);
	a = line_of("a");
	c = line_of("c");
	CHECK_EQ(relation(&c, "master:"), relation(&a, "shared:"));
	mount_tmpfs("a/sub");
	CHECK(is_mounted("c/sub"));
	CHECK_EQ(umount2("a/sub", 0), 0);
	CHECK_EQ(mount(NULL, "a", NULL, MS_PRIVATE, NULL), 0);
	c = line_of("c");
	CHECK_EQ(relation(&c, "master:"), 0);
	clean();
	ok("handed_over");
}

static void check_private(void)
{
	struct mount_line b;

	make_shared();
	bind("a", "b");
	CHECK_EQ(mount(NULL, "b", NULL, MS_PRIVATE, NULL), 0);
	b = line_of("b");
	CHECK_EQ(strcmp(b.relations, ""), 0);
	mount_tmpfs("a/sub");
	CHECK(!is_mounted("b/sub"));
	mount_tmpfs("b/sub");
	CHECK_EQ(umount2("a/sub", 0), 0);
	CHECK(is_mounted("b/sub"));
	CHECK_EQ(umount2("b/sub", 0), 0);
	clean();
	ok("private");
}

static void check_unbindable(void)
{
	struct mount_line a;

	make_shared();
	mount_tmpfs("a/sub");
	CHECK_EQ(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL), 0);
	a = line_of("a");
	CHECK(strstr(a.relations, "unbindable"));
	CHECK_ERRNO(mount("a", "b", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), EINVAL);
	share("a");
	CHECK_EQ(mount(NULL, "a/sub", NULL, MS_UNBINDABLE, NULL), 0);
	CHECK_EQ(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK(is_mounted("b") && !is_mounted("b/sub"));
	// A shared place takes no tree with an unbindable mount in it.
	CHECK_EQ(umount2("b", 0), 0);
	CHECK_EQ(umount2("a/sub", 0), 0);
	mount_tmpfs("c");
	CHECK_EQ(mount(NULL, "c", NULL, MS_UNBINDABLE, NULL), 0);
	CHECK_ERRNO(mount("c", "a/sub", NULL, MS_MOVE, NULL), EINVAL);
	clean();
	ok("unbindable");
}

/* The whole tree at once, and a tree that is bound into a place that is heard of. */
static void check_recursive(void)
{
	struct mount_line line;

	make_shared();
	bind("a", "b");
	mount_tmpfs("c");
	make_folder("c/in");
	mount_tmpfs("c/in");
	put("c/in/file", "x");
	CHECK_EQ(mount("c", "a/sub", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK(exists("b/sub/in/file") && is_mounted("b/sub") && is_mounted("b/sub/in"));
	line = line_of("c"); // it became shared: its copies are its peers
	CHECK_EQ(relation(&line, "shared:"), 0);
	line = line_of("a/sub");
	CHECK(relation(&line, "shared:") > 0);
	CHECK_ERRNO(umount2("a/sub", 0), EBUSY);
	CHECK_EQ(umount2("a/sub", MNT_DETACH), 0);
	CHECK(!is_mounted("b/sub") && !is_mounted("b/sub/in"));
	CHECK_EQ(mount(NULL, ".", NULL, MS_SHARED | MS_REC, NULL), 0);
	line = line_of("c/in");
	CHECK(relation(&line, "shared:") > 0);
	CHECK_EQ(mount(NULL, ".", NULL, MS_PRIVATE | MS_REC, NULL), 0);
	line = line_of("c/in");
	CHECK_EQ(relation(&line, "shared:"), 0);
	clean();
	ok("recursive");
}

/* What a slave has mounted itself covers what comes from the master later. */
static void check_tucked(void)
{
	struct mount_line mine, below;

	make_shared();
	bind("a", "b");
	CHECK_EQ(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0);
	mount_tmpfs("b/sub");
	put("b/sub/mine", "x");
	mine = line_of("b/sub");
	mount_tmpfs("a/sub");
	put("a/sub/masters", "x");
	CHECK(exists("b/sub/mine") && !exists("b/sub/masters"));
	CHECK_EQ(umount2("b/sub", 0), 0);
	CHECK(exists("b/sub/masters"));
	below = line_of("b/sub");
	CHECK(below.id != mine.id);
	mount_tmpfs("b/sub");
	put("b/sub/mine", "x");
	CHECK_EQ(umount2("a/sub", 0), 0); // from under it
	CHECK(exists("b/sub/mine"));
	CHECK_EQ(umount2("b/sub", 0), 0);
	CHECK(!is_mounted("b/sub"));
	clean();
	ok("tucked");
}

static void check_moves(void)
{
	make_shared();
	bind("a", "b");
	mount_tmpfs("c");
	put("c/file", "x");
	CHECK_EQ(mount("c", "a/sub", NULL, MS_MOVE, NULL), 0);
	CHECK(!is_mounted("c") && exists("a/sub/file") && exists("b/sub/file"));
	CHECK_ERRNO(mount("a/sub", "c", NULL, MS_MOVE, NULL),
		    EINVAL); // out of a shared one
	CHECK_EQ(umount2("b/sub", 0), 0);
	CHECK(!is_mounted("a/sub"));
	clean();
	ok("moves");
}

/* A part of a tree hears only of what happens in that part. */
static void check_parts(void)
{
	struct mount_line b;

	make_shared();
	bind("a/sub", "b");
	b = line_of("b");
	CHECK_EQ(strcmp(b.root, "/sub"), 0);
	mount_tmpfs("a/sub/deep");
	CHECK(is_mounted("b/deep"));
	CHECK_EQ(umount2("b/deep", 0), 0);
	CHECK(!is_mounted("a/sub/deep"));
	make_folder("a/other");
	mount_tmpfs("a/other");
	CHECK_EQ(umount2("a/other", 0), 0);
	clean();
	ok("parts");
}

/* Somebody in the copy keeps the original. */
static void check_busy(void)
{
	int fd;

	make_shared();
	bind("a", "b");
	mount_tmpfs("a/sub");
	fd = open("b/sub", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_ERRNO(umount2("a/sub", 0), EBUSY);
	CHECK(is_mounted("a/sub") && is_mounted("b/sub"));
	close(fd);
	CHECK_EQ(umount2("a/sub", 0), 0);
	clean();
	ok("busy");
}

static void check_bad_types(void)
{
	make_shared();
	CHECK_ERRNO(mount(NULL, "a/sub", NULL, MS_SHARED, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "a", NULL, MS_SHARED | MS_NOSUID, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "no-such", NULL, MS_SHARED, NULL), ENOENT);
	CHECK_EQ(mount(NULL, "a", NULL, MS_SHARED | MS_REC | MS_SILENT, NULL), 0);
	clean();
	ok("bad_types");
}

/* Namespaces: a copy is the original's peer; made a slave, it hears and is not heard. */
static void in_copy(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	mount_tmpfs("a/sub");
	CHECK_EQ(mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL), 0);
	CHECK_EQ(umount2("a/sub", 0), 0);
	mount_tmpfs("a/sub/deep");
}

static void check_namespaces(void)
{
	make_shared();
	must_pass_in_child(in_copy);
	CHECK(is_mounted("a/sub") && !is_mounted("a/sub/deep"));
	CHECK_EQ(umount2("a/sub", 0), 0);
	clean();
	ok("namespaces");
}

int main(void)
{
	enter_world();
	check_peers();
	check_slave();
	check_chain();
	check_handed_over();
	check_private();
	check_unbindable();
	check_recursive();
	check_tucked();
	check_moves();
	check_parts();
	check_busy();
	check_bad_types();
	check_namespaces();
	return 0;
}

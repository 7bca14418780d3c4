// SPDX-License-Identifier: MIT
/* User namespaces: maps, who may write them, capabilities up and down the tree; all of it fails without a trace. */
#include "core/fault_injection.h"
#include "cred/credentials.h"
#include "cred/user_namespace.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "unit.h"

static struct credentials *create(u32 id)
{
	static bool done;
	struct credentials *c;

	if (!done) {
		host_memory_init(16 << 20);
		frame_init();
		heap_init();
		done = true;
	}
	if (credentials_create_root(&c)) {
		return NULL;
	}
	c->uid = c->euid = c->suid = c->fsuid = id;
	c->gid = c->egid = c->sgid = c->fsgid = id;
	if (id) {
		c->capability_effective = c->capability_permitted = 0;
	}
	return c;
}

/* A namespace the user `id` made, and its credentials in there. */
static struct credentials *enter_new(const struct credentials *creator)
{
	struct user_namespace *made;
	struct credentials *inside;

	if (user_namespace_create(creator, &made)) {
		return NULL;
	}
	if (credentials_copy(creator, &inside) == 0) {
		credentials_enter(inside, made);
	}
	user_namespace_put(made);
	return inside;
}

static int map(struct credentials *inside, enum id_kind kind, const char *text,
	       const struct credentials *by)
{
	return id_map_write(inside->user_namespace, kind, text, by, by);
}

TEST(C8_malformed_maps_are_refused)
{
	static const char *const bad[] = {
		"",
		"\n",
		"0",
		"0 0",
		"0 0 0",
		"a 0 1",
		"0 0 1 1",
		"0 0 1x",
		"4294967295 0 1",
		"0 4294967295 1",
		"1 0 4294967295",
		"0 1 4294967295",
		"0 0 2\n1 5 1",
		"0 0 2\n5 1 1",
		"0 0 1\n\n",
		"0,0,1",
		"-1 0 1",
		"0 0 1\n0 0",
		"0 0 0x1",
	};
	struct credentials *root = create(0), *inside = enter_new(root);

	REQUIRE(inside);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(map(inside, ID_USER, bad[i], root), -EINVAL);
	}
	EXPECT_EQ(id_to_kernel(inside->user_namespace, ID_USER, 0), ID_INVALID);
	EXPECT_EQ(id_from_kernel_or_overflow(inside->user_namespace, ID_USER, 0),
		  ID_OVERFLOW);
	EXPECT_EQ(map(inside, ID_USER, " 0 1000 1 \n1\t2000 \v 5\n", root), 0);
	EXPECT_EQ(map(inside, ID_USER, "0 0 1", root), -EPERM);
	EXPECT_EQ(id_to_kernel(inside->user_namespace, ID_USER, 3), 2002);
	EXPECT_EQ(id_from_kernel(inside->user_namespace, ID_USER, 2004), 5);
	EXPECT_EQ(id_from_kernel(inside->user_namespace, ID_USER, 2005), ID_INVALID);
	EXPECT_EQ(id_to_kernel(inside->user_namespace, ID_USER, 6), ID_INVALID);
	EXPECT_EQ(id_to_kernel(inside->user_namespace, ID_GROUP, 0), ID_INVALID);
	credentials_put(inside);
	credentials_put(root);
}

TEST(C8_long_maps_are_searched)
{
	static char text[ID_MAP_EXTENTS_MAX * 32 + 64];
	struct credentials *root = create(0), *inside = enter_new(root);
	int at = 0;

	REQUIRE(inside);
	for (int i = 0; i < ID_MAP_EXTENTS_MAX; i++) {
		int shuffled =
			i * 101 % ID_MAP_EXTENTS_MAX; // 101 and 340 have no common factor

		at += format_string(text + at, sizeof(text) - (size_t)at, "%d %d 3\n",
				    shuffled * 10, 1000000 - shuffled * 7);
	}
	format_string(text + at, sizeof(text) - (size_t)at, "900000 1 1\n");
	EXPECT_EQ(map(inside, ID_USER, text, root), -EINVAL); // one line too many
	text[at] = 0;
	EXPECT_EQ(map(inside, ID_USER, text, root), 0);
	for (u32 i = 0; i < ID_MAP_EXTENTS_MAX; i++) {
		for (u32 j = 0; j < 3; j++) {
			u32 kernel = 1000000 - i * 7 + j;

			EXPECT_EQ(
				id_to_kernel(inside->user_namespace, ID_USER, i * 10 + j),
				kernel);
			EXPECT_EQ(id_from_kernel(inside->user_namespace, ID_USER, kernel),
				  i * 10 + j);
		}
		EXPECT_EQ(id_to_kernel(inside->user_namespace, ID_USER, i * 10 + 3),
			  ID_INVALID);
	}
	credentials_put(inside);
	credentials_put(root);
}

TEST(C8_what_an_unprivileged_creator_may_map)
{
	struct credentials *user = create(1000), *other = create(1001);
	struct credentials *inside = enter_new(user);

	REQUIRE(inside);
	EXPECT_EQ(map(inside, ID_USER, "0 1000 1", other), -EPERM);
	EXPECT_EQ(map(inside, ID_USER, "0 1001 1", inside), -EPERM);
	EXPECT_EQ(map(inside, ID_USER, "0 1000 2", inside), -EPERM);
	EXPECT_EQ(map(inside, ID_USER, "0 0 1", inside), -EPERM);
	EXPECT_EQ(map(inside, ID_USER, "0 1000 1", inside), 0);
	EXPECT_EQ(map(inside, ID_GROUP, "0 1000 1", inside), -EPERM);
	EXPECT(!user_namespace_setgroups_allowed(inside->user_namespace));
	EXPECT_EQ(user_namespace_write_setgroups(inside->user_namespace, "allow"), 0);
	EXPECT_EQ(user_namespace_write_setgroups(inside->user_namespace, "denyx"),
		  -EINVAL);
	EXPECT_EQ(user_namespace_write_setgroups(inside->user_namespace, "deny \n"), 0);
	EXPECT_EQ(user_namespace_write_setgroups(inside->user_namespace, "allow"),
		  -EPERM);
	EXPECT_EQ(map(inside, ID_GROUP, "7 1000 1", inside), 0);
	EXPECT(!user_namespace_setgroups_allowed(inside->user_namespace));
	EXPECT_EQ(map(inside, ID_PROJECT, "0 5 9", user), 0);
	credentials_put(inside);
	credentials_put(other);
	credentials_put(user);
}

TEST(C8_capabilities_reach_down_only)
{
	struct credentials *user = create(1000), *root = create(0);
	struct credentials *middle = enter_new(user), *inner;

	REQUIRE(middle);
	EXPECT_EQ(map(middle, ID_USER, "0 1000 1", middle), 0);
	EXPECT(credentials_capable_in(user, middle->user_namespace, CAP_KILL));
	EXPECT(credentials_capable_in(root, middle->user_namespace, CAP_KILL));
	EXPECT(credentials_capable_in(middle, middle->user_namespace, CAP_KILL));
	EXPECT(!credentials_capable(middle, CAP_KILL));
	EXPECT(!credentials_capable_in(user, middle->user_namespace, 64));
	EXPECT(!enter_new(middle)); // its group has no name in there
	EXPECT_EQ(user_namespace_write_setgroups(middle->user_namespace, "deny"), 0);
	EXPECT_EQ(map(middle, ID_GROUP, "0 1000 1", middle), 0);
	inner = enter_new(middle);
	REQUIRE(inner);
	EXPECT_EQ(map(inner, ID_USER, "5 7 1", middle), -EPERM); // the parent has no 7
	EXPECT_EQ(map(inner, ID_USER, "5 0 1", middle), 0);
	EXPECT_EQ(id_to_kernel(inner->user_namespace, ID_USER, 5), 1000);
	EXPECT_EQ(id_from_kernel(inner->user_namespace, ID_USER, 1000), 5);
	EXPECT(credentials_capable_in(user, inner->user_namespace, CAP_KILL));
	EXPECT(credentials_capable_in(middle, inner->user_namespace, CAP_KILL));
	EXPECT(!credentials_capable_in(inner, middle->user_namespace, CAP_KILL));
	EXPECT(user_namespace_within(inner->user_namespace, user->user_namespace));
	EXPECT(!user_namespace_within(middle->user_namespace, inner->user_namespace));
	EXPECT(credentials_within(middle, user) && credentials_within(inner, user));
	EXPECT(!credentials_within(user, middle) && !credentials_within(inner, root));
	EXPECT(credentials_capable_over(middle, 1000, 1000, CAP_FOWNER));
	EXPECT(!credentials_capable_over(middle, 1000, 5, CAP_FOWNER));
	EXPECT_EQ(credentials_may_access(middle, 0100000, 1000, 1000, ACCESS_READ), 0);
	EXPECT_EQ(credentials_may_access(middle, 0100000, 0, 0, ACCESS_READ), -EACCES);
	credentials_put(inner);
	credentials_put(middle);
	credentials_put(root);
	credentials_put(user);
}

TEST(C8_nesting_ends_and_failures_leave_nothing)
{
	struct credentials *root = create(0), *at;
	u64 before = heap_bytes_in_use();
	unsigned level = 0;

	REQUIRE(root);
	at = credentials_get(root);
	for (;; level++) {
		struct credentials *next = enter_new(at);

		if (!next) {
			break;
		}
		EXPECT_EQ(map(next, ID_USER, "0 0 10", root), level ? -EPERM : 0);
		if (level) {
			EXPECT_EQ(map(next, ID_USER, "0 0 10", at), 0);
		}
		EXPECT_EQ(map(next, ID_GROUP, "0 0 10", at), 0);
		credentials_put(at);
		at = next;
	}
	EXPECT_EQ(level, USER_NAMESPACE_LEVELS);
	credentials_put(at); // takes the whole chain down
	EXPECT_EQ(heap_bytes_in_use(), before);
	for (u64 nth = 1;; nth++) {
		struct user_namespace *made = NULL;
		int err;

		fault_injection_arm(nth);
		err = user_namespace_create(root, &made);
		if (!err) {
			err = id_map_write(made, ID_USER, "0 0 1", root, root);
		}
		bool failed = fault_injection_arm(0) >= nth;

		EXPECT_EQ(err, failed ? -ENOMEM : 0);
		user_namespace_put(made);
		EXPECT_EQ(heap_bytes_in_use(), before);
		if (!failed) {
			break;
		}
	}
	credentials_put(root);
}

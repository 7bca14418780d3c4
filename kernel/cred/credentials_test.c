// SPDX-License-Identifier: MIT
/* Credentials: permission bits, groups, capabilities, and copies that fail without a trace. */
#include "core/fault_injection.h"
#include "cred/credentials.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "unit.h"

static struct credentials *user_credentials(void)
{
	static const u32 groups[] = {900, 100, 500, 100, 7};
	static bool done;
	struct credentials *user;

	if (!done) {
		host_memory_init(16 << 20);
		frame_init();
		heap_init();
		done = true;
	}
	if (credentials_create_root(&user) || credentials_set_groups(user, groups, 5)) {
		return NULL;
	}
	user->uid = user->euid = user->suid = user->fsuid = 1000;
	user->gid = user->egid = user->sgid = user->fsgid = 1000;
	user->capability_effective = 0;
	return user;
}

TEST(groups_are_found)
{
	struct credentials *user = user_credentials();

	REQUIRE(user);
	for (u32 i = 1; i < user->group_count; i++) {
		EXPECT(user->groups[i - 1] <= user->groups[i]);
	}
	EXPECT(credentials_in_group(user, 7) && credentials_in_group(user, 900));
	EXPECT(credentials_in_group(user, 100) && credentials_in_group(user, 500));
	EXPECT(credentials_in_group(user, 1000));
	EXPECT(!credentials_in_group(user, 0) && !credentials_in_group(user, 8));
	EXPECT(!credentials_in_group(user, 901));
	EXPECT_EQ(credentials_set_groups(user, NULL, 0), 0);
	EXPECT(!credentials_in_group(user, 100));
	credentials_put(user);
}

TEST(many_groups_are_sorted)
{
	static u32 groups[2000];
	struct credentials *user = user_credentials();

	REQUIRE(user);
	for (u32 i = 0; i < 2000; i++) {
		groups[i] = (u32)unit_random() % 5000;
	}
	EXPECT_EQ(credentials_set_groups(user, groups, 2000), 0);
	for (u32 i = 1; i < 2000; i++) {
		EXPECT(user->groups[i - 1] <= user->groups[i]);
	}
	for (u32 i = 0; i < 2000; i++) {
		EXPECT(credentials_in_group(user, groups[i]));
	}
	credentials_put(user);
}

TEST(permission_bits)
{
	struct credentials *user = user_credentials();
	const int rw = ACCESS_READ | ACCESS_WRITE;

	REQUIRE(user);
	EXPECT_EQ(credentials_may_access(user, 0100600, 1000, 0, rw), 0);
	EXPECT_EQ(credentials_may_access(user, 0100066, 1000, 1000, ACCESS_READ),
		  -EACCES);
	EXPECT_EQ(credentials_may_access(user, 0100060, 0, 500, rw), 0);
	EXPECT_EQ(credentials_may_access(user, 0100606, 0, 500, ACCESS_READ), -EACCES);
	EXPECT_EQ(credentials_may_access(user, 0100004, 0, 0, ACCESS_READ), 0);
	EXPECT_EQ(credentials_may_access(user, 0100004, 0, 0, rw), -EACCES);
	EXPECT(credentials_owns(user, 1000) && !credentials_owns(user, 0));
	credentials_put(user);
}

TEST(capabilities_override)
{
	struct credentials *user = user_credentials();

	REQUIRE(user);
	user->capability_effective = 1ULL << CAP_DAC_OVERRIDE;
	EXPECT_EQ(credentials_may_access(user, 0100000, 0, 0, ACCESS_READ | ACCESS_WRITE),
		  0);
	EXPECT_EQ(credentials_may_access(user, 0100000, 0, 0, ACCESS_EXECUTE), -EACCES);
	EXPECT_EQ(
		credentials_may_access(user, 0100001, 0, 0, ACCESS_EXECUTE | ACCESS_READ),
		0);
	EXPECT_EQ(credentials_may_access(user, 0040000, 0, 0, ACCESS_EXECUTE), 0);
	user->capability_effective = 1ULL << CAP_DAC_READ_SEARCH;
	EXPECT_EQ(credentials_may_access(user, 0100000, 0, 0, ACCESS_READ), 0);
	EXPECT_EQ(credentials_may_access(user, 0100000, 0, 0, ACCESS_WRITE), -EACCES);
	EXPECT_EQ(
		credentials_may_access(user, 0040000, 0, 0, ACCESS_EXECUTE | ACCESS_READ),
		0);
	EXPECT_EQ(credentials_may_access(user, 0040000, 0, 0, ACCESS_WRITE), -EACCES);
	user->capability_effective = 1ULL << CAP_FOWNER;
	EXPECT(credentials_owns(user, 0) && credentials_capable(user, CAP_FOWNER));
	EXPECT(!credentials_capable(user, -1) && !credentials_capable(user, 64));
	credentials_put(user);
}

TEST(C7_copies_are_whole_or_nothing)
{
	struct credentials *user = user_credentials();
	u64 before = heap_bytes_in_use();

	REQUIRE(user);
	for (u64 nth = 1;; nth++) {
		struct credentials *copy = NULL;

		fault_injection_arm(nth);
		int err = credentials_copy(user, &copy);
		bool failed = fault_injection_arm(0) >= nth;

		EXPECT_EQ(err, failed ? -ENOMEM : 0);
		if (!err) {
			EXPECT(copy->groups != user->groups && copy->groups[0] == 7);
			EXPECT(credentials_get(copy) == copy);
			credentials_put(copy);
			credentials_put(copy);
		}
		EXPECT_EQ(heap_bytes_in_use(), before);
		if (!failed) {
			break;
		}
	}
	credentials_put(NULL);
	credentials_put(user);
}

// SPDX-License-Identifier: MIT
/* capabilities(7): the formulas of execve against their wording, over random sets; set*uid; values of files. */
#include "cred/credentials.h"
#include "cred/file_capability.h"
#include "cred/user_namespace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "unit.h"
#include <linux/securebits.h>

#define VALID ((1ULL << (CAP_LAST_CAP + 1)) - 1)

static u64 random_set(void)
{
	u64 set = unit_random() ^ ((u64)unit_random() << 32);

	return set & (unit_random() % 3 ? VALID : unit_random());
}

static u32 random_uid(void)
{
	static const u32 ids[] = {0, 0, 1000, 1001};

	return ids[unit_random() % ARRAY_SIZE(ids)];
}

/* Credentials as they can be: effective within permitted, ambient within permitted and inheritable. */
static struct credentials random_credentials(void)
{
	struct credentials c = {.user_namespace = &first_user_namespace};

	c.uid = random_uid();
	c.euid = c.fsuid = random_uid();
	c.suid = random_uid();
	c.capability_bounding = unit_random() % 2 ? VALID : random_set() & VALID;
	c.capability_permitted = random_set() & VALID;
	c.capability_effective = c.capability_permitted & random_set();
	c.capability_inheritable = random_set() & VALID;
	c.capability_ambient =
		c.capability_permitted & c.capability_inheritable & random_set();
	c.no_new_privileges = unit_random() % 4 == 0;
	c.securebits = unit_random() % 4 ? 0 : SECBIT_NOROOT;
	return c;
}

static struct exec_facts random_facts(void)
{
	struct exec_facts facts = {.shared = unit_random() % 4 == 0,
				   .has_capabilities = unit_random() % 2};

	if (facts.has_capabilities) {
		facts.effective = unit_random() % 2;
		facts.permitted = random_set() & VALID;
		facts.inheritable = random_set() & VALID;
	}
	return facts;
}

TEST(C7_execve_gives_no_more_than_the_rules)
{
	for (int round = 0; round < 200000; round++) {
		struct credentials old = random_credentials(), fresh = old;
		struct exec_facts facts = random_facts();
		bool secure = false;

		if (unit_random() % 3 == 0 && !fresh.no_new_privileges) {
			fresh.euid = random_uid(); // a set-uid file
		}
		bool set_id = fresh.euid != old.euid;

		if (credentials_follow_exec(&fresh, &old, &facts, &secure)) {
			EXPECT(facts.effective);
			continue;
		}
		EXPECT((fresh.capability_effective & ~fresh.capability_permitted) == 0);
		EXPECT((fresh.capability_ambient & ~(fresh.capability_permitted &
						     fresh.capability_inheritable)) == 0);
		EXPECT((fresh.capability_ambient & ~old.capability_ambient) == 0);
		EXPECT_EQ(fresh.capability_inheritable, old.capability_inheritable);
		EXPECT_EQ(fresh.capability_bounding, old.capability_bounding);
		EXPECT(fresh.suid == fresh.euid && fresh.fsuid == fresh.euid);
		// Nothing beyond what bounding, inheritable and ambient sets allow.
		EXPECT((fresh.capability_permitted &
			~(old.capability_bounding | old.capability_inheritable |
			  old.capability_ambient)) == 0);
		if (old.no_new_privileges || facts.shared) {
			EXPECT((fresh.capability_permitted & ~old.capability_permitted) ==
			       0);
		}
		if (facts.has_capabilities || set_id) {
			EXPECT_EQ(fresh.capability_ambient, 0);
		}
		if (fresh.euid != old.uid ||
		    (old.uid != 0 &&
		     (fresh.capability_permitted & ~fresh.capability_ambient))) {
			EXPECT(secure);
		}
	}
}

TEST(C7_an_ordinary_program_has_ambient_only)
{
	struct credentials old = {.user_namespace = &first_user_namespace,
				  .uid = 1000,
				  .euid = 1000,
				  .suid = 1000,
				  .fsuid = 1000,
				  .capability_bounding = VALID,
				  .capability_permitted = 0xff,
				  .capability_effective = 0xff,
				  .capability_inheritable = 0xf0,
				  .capability_ambient = 0x30};
	struct credentials fresh = old;
	struct exec_facts facts = {0};
	bool secure = true;

	EXPECT_EQ(credentials_follow_exec(&fresh, &old, &facts, &secure), 0);
	EXPECT(!secure && fresh.capability_permitted == 0x30);
	EXPECT_EQ(fresh.capability_effective, 0x30);
	fresh = old;
	facts = (struct exec_facts){
		.has_capabilities = true, .inheritable = 0x10, .permitted = 0x300};
	EXPECT_EQ(credentials_follow_exec(&fresh, &old, &facts, &secure), 0);
	EXPECT(secure && fresh.capability_permitted == 0x310);
	EXPECT_EQ(fresh.capability_effective, 0);
	fresh = old;
	fresh.capability_bounding = 0x100;
	facts.effective = true;
	EXPECT_EQ(credentials_follow_exec(&fresh, &old, &facts, &secure), -EPERM);
}

TEST(C7_root_comes_and_goes_with_the_ids)
{
	struct credentials old = {.user_namespace = &first_user_namespace,
				  .capability_permitted = VALID,
				  .capability_effective = VALID};
	struct credentials fresh = old;

	fresh.euid = 5;
	credentials_follow_user(&fresh, &old);
	EXPECT(fresh.capability_effective == 0 && fresh.capability_permitted == VALID);
	old = fresh;
	fresh.uid = fresh.suid = 5;
	credentials_follow_user(&fresh, &old);
	EXPECT_EQ(fresh.capability_permitted, 0);
	fresh = old;
	fresh.securebits = SECBIT_KEEP_CAPS;
	fresh.uid = fresh.suid = 5;
	credentials_follow_user(&fresh, &old);
	EXPECT_EQ(fresh.capability_permitted, VALID);
	old = fresh;
	fresh.euid = 0;
	credentials_follow_user(&fresh, &old);
	EXPECT_EQ(fresh.capability_effective, VALID);
}

TEST(C7_values_of_files)
{
	struct vfs_ns_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 |
						    VFS_CAP_FLAGS_EFFECTIVE,
				       .data = {{1, 2}, {4, 8}},
				       .rootid = 7};
	struct credentials root = {.user_namespace = &first_user_namespace};
	struct file_capability read;
	u8 value[FILE_CAPABILITY_SIZE_MAX];
	size_t size;

	for (size = 0; size <= sizeof(data); size++) {
		EXPECT_EQ(file_capability_read(&data, size, &read),
			  size == XATTR_CAPS_SZ_2 ? 0 : -EINVAL);
	}
	EXPECT(read.effective && read.permitted == (1 | 4ULL << 32));
	EXPECT(read.inheritable == (2 | 8ULL << 32) && read.root_uid == 0);
	data.magic_etc = VFS_CAP_REVISION_1;
	EXPECT_EQ(file_capability_read(&data, XATTR_CAPS_SZ_1, &read), 0);
	EXPECT(read.permitted == 1 && !read.effective);
	data.magic_etc = 0x04000000;
	EXPECT_EQ(file_capability_read(&data, sizeof(data), &read), -EINVAL);
	data.magic_etc = VFS_CAP_REVISION_3;
	EXPECT_EQ(file_capability_read(&data, sizeof(data), &read), 0);
	EXPECT_EQ(read.root_uid, 7);
	memcpy(value, &data, sizeof(data));
	size = sizeof(data);
	EXPECT_EQ(file_capability_import(&root, true, value, &size), 0);
	EXPECT(size == sizeof(data) && memcmp(value, &data, size) == 0);
	EXPECT_EQ(file_capability_export(&root, value, &size), 0);
	EXPECT(size == sizeof(data) && memcmp(value, &data, size) == 0);
	data.magic_etc = VFS_CAP_REVISION_2;
	memcpy(value, &data, XATTR_CAPS_SZ_2);
	size = XATTR_CAPS_SZ_2;
	EXPECT_EQ(file_capability_import(&root, false, value, &size), 0);
	EXPECT_EQ(size, XATTR_CAPS_SZ_3);
	EXPECT_EQ(file_capability_export(&root, value, &size), 0);
	EXPECT_EQ(size, XATTR_CAPS_SZ_2);
}

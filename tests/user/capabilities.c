// SPDX-License-Identifier: MIT
/*
 * C7, issue part 5: capabilities(7): capget and capset in three versions, bounding and ambient sets, securebits and
 * their locks, what set*uid do to the sets, setfsuid; refused calls change nothing. Needs root.
 * libc: musl
 */
#include "raw.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

enum { SOMEBODY = 12345, OTHER = 12346 };

struct sets {
	uint64_t effective, permitted, inheritable;
};

static uint64_t all; // what we start with; a container may lack some

static long capability_get(uint32_t version, int pid, struct sets *out)
{
	struct __user_cap_header_struct header = {version, pid};
	struct __user_cap_data_struct data[2] = {{0}, {0}};
	long result = syscall(SYS_capget, &header, data);

	out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return result;
}

static long capability_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		 (uint32_t)(inheritable >> 32)},
	};

	return syscall(SYS_capset, &header, data);
}

static void expect(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct sets now;

	CHECK_EQ(capability_get(_LINUX_CAPABILITY_VERSION_3, 0, &now), 0);
	CHECK_EQ(now.effective, effective);
	CHECK_EQ(now.permitted, permitted);
	CHECK_EQ(now.inheritable, inheritable);
}

static uint64_t bit(int capability)
{
	return 1ull << capability;
}

static void versions(void)
{
	struct __user_cap_header_struct header = {0x12345678, 0};
	struct __user_cap_data_struct data[3];
	struct sets one, two;

	CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
	CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
	header.version = 0;
	CHECK_EQ(syscall(SYS_capget, &header, NULL), 0); // the way to ask for it
	CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
	header.version = 1;
	CHECK_ERRNO(syscall(SYS_capset, &header, data), EINVAL);
	CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK_EQ(capability_get(_LINUX_CAPABILITY_VERSION_1, 0, &one), 0);
	CHECK_EQ(capability_get(_LINUX_CAPABILITY_VERSION_2, 0, &two), 0);
	CHECK_EQ(one.permitted, (uint32_t)all);
	CHECK_EQ(two.permitted, all);
	CHECK_ERRNO(capability_get(_LINUX_CAPABILITY_VERSION_3, -1, &one), EINVAL);
	CHECK_ERRNO(capability_get(_LINUX_CAPABILITY_VERSION_3, 0x3ffffff, &one), ESRCH);
	CHECK_EQ(capability_get(_LINUX_CAPABILITY_VERSION_3, getppid(), &one), 0);
	header =
		(struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, getppid()};
	CHECK_ERRNO(syscall(SYS_capset, &header, data), EPERM);
	header.pid = 0;
	CHECK_ERRNO(syscall(SYS_capget, UNMAPPED_ADDRESS, data), EFAULT);
	CHECK_ERRNO(syscall(SYS_capget, &header, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_capget, &header, KERNEL_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_capset, &header, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_capset, KERNEL_ADDRESS, data), EFAULT);
	// Version 1 says nothing about the upper half: it is given up.
	header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_1,
						   thread_id()};
	data[0] = (struct __user_cap_data_struct){(uint32_t)all, (uint32_t)all, 0};
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
	expect((uint32_t)all, (uint32_t)all, 0);
}

static void set_rules(void)
{
	const uint64_t some = bit(CAP_CHOWN) | bit(CAP_KILL) | bit(CAP_SETPCAP);

	CHECK_EQ(capability_set(all, all, all), 0);
	expect(all, all, all);
	CHECK_ERRNO(capability_set(all, all & ~bit(CAP_KILL), 0), EPERM);
	expect(all, all, all);
	CHECK_EQ(capability_set(bit(CAP_KILL), some, 0), 0);
	expect(bit(CAP_KILL), some, 0);
	CHECK_ERRNO(capability_set(some, some | bit(CAP_FOWNER), 0), EPERM);
	CHECK_ERRNO(capability_set(bit(CAP_FOWNER), some, 0), EPERM);
	// Without CAP_SETPCAP in effect: no more inheritable than permitted.
	CHECK_ERRNO(capability_set(0, some, bit(CAP_FOWNER)), EPERM);
	CHECK_EQ(capability_set(bit(CAP_SETPCAP), some, bit(CAP_CHOWN)), 0);
	CHECK_EQ(capability_set(bit(CAP_SETPCAP), some, bit(CAP_FOWNER)), 0);
	// A bit that names no capability is not seen at all.
	CHECK_EQ(capability_set(bit(63), some, bit(62)), 0);
	expect(0, some, 0);
	CHECK_EQ(capability_set(0, 0, 0), 0);
	CHECK_ERRNO(capability_set(bit(CAP_CHOWN), bit(CAP_CHOWN), 0), EPERM);
}

static void bounding(void)
{
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, CAP_LAST_CAP + 23, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, -1, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 64, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 0);
	expect(all, all, 0); // what one has, one keeps
	CHECK_ERRNO(capability_set(all, all, bit(CAP_CHOWN)), EPERM);
	CHECK_EQ(capability_set(all & ~bit(CAP_SETPCAP), all, 0), 0);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0), EPERM);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 64, 0, 0, 0), EPERM);
}

static long ambient(long what, long capability)
{
	return prctl(PR_CAP_AMBIENT, what, capability, 0, 0);
}

static void ambient_set(void)
{
	CHECK_ERRNO(ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL), EPERM); // not inheritable
	CHECK_EQ(capability_set(all, all, bit(CAP_KILL) | bit(CAP_CHOWN)), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_RAISE, CAP_CHOWN), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL), 1);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_FOWNER), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_LOWER, CAP_KILL), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_LOWER, CAP_KILL), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_CHOWN), 1);
	CHECK_EQ(capability_set(all, all, bit(CAP_KILL)), 0); // follows inheritable
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_CHOWN), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL), 0);
	CHECK_EQ(
		capability_set(all & ~bit(CAP_KILL), all & ~bit(CAP_KILL), bit(CAP_KILL)),
		0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL), 0); // and permitted
	CHECK_EQ(ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0), 0);
	CHECK_ERRNO(ambient(PR_CAP_AMBIENT_CLEAR_ALL, 1), EINVAL);
	CHECK_ERRNO(ambient(PR_CAP_AMBIENT_IS_SET, 64), EINVAL);
	CHECK_ERRNO(ambient(77, CAP_KILL), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 1), EINVAL);
	CHECK_EQ(capability_set(all & ~bit(CAP_KILL), all & ~bit(CAP_KILL),
				bit(CAP_CHOWN)),
		 0);
	CHECK_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE), 0);
	CHECK_ERRNO(ambient(PR_CAP_AMBIENT_RAISE, CAP_CHOWN), EPERM);
}

static void securebits(void)
{
	const int bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS;

	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 1 << 30), EPERM);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), SECBIT_KEEP_CAPS);
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_EQ(prctl(PR_SET_SECUREBITS, bits), 0);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, bits & ~SECBIT_NOROOT), EPERM);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, bits & ~SECBIT_NOROOT_LOCKED), EPERM);
	CHECK_EQ(prctl(PR_SET_SECUREBITS, bits & ~SECBIT_KEEP_CAPS), 0);
	CHECK_EQ(prctl(PR_SET_SECUREBITS,
		       SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED),
		 0);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 1), EPERM);
	CHECK_EQ(capability_set(all & ~bit(CAP_SETPCAP), all, 0), 0);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
						     SECBIT_KEEP_CAPS_LOCKED |
						     SECBIT_NO_SETUID_FIXUP),
		    EPERM);
}

/* ---- set*uid ---- */

static void user_changes(void)
{
	CHECK_EQ(capability_set(all, all, bit(CAP_KILL)), 0);
	CHECK_EQ(ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL), 0);
	CHECK_EQ(seteuid(SOMEBODY), 0); // some id is still 0
	expect(0, all, bit(CAP_KILL));
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL), 1);
	CHECK_EQ(seteuid(0), 0);
	expect(all, all, bit(CAP_KILL));
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	expect(0, 0, bit(CAP_KILL)); // the inheritable ones stay
	CHECK_EQ(ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL), 0);
	CHECK_ERRNO(setresuid(0, -1, -1), EPERM);
	CHECK_ERRNO(setresuid(-1, OTHER, -1), EPERM);
	CHECK_EQ(setresuid(-1, -1, -1), 0);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
}

static void keep_capabilities(void)
{
	CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	expect(0, all, 0);
	CHECK_EQ(capability_set(bit(CAP_SETUID), all, 0), 0);
	CHECK_EQ(setresuid(OTHER, SOMEBODY, OTHER), 0);
	expect(bit(CAP_SETUID), all, 0);
	CHECK_EQ(setresuid(-1, 0, -1), 0); // root again: all that is permitted
	expect(all, all, 0);
}

static void no_fixup(void)
{
	CHECK_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), 0);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
	expect(all, all, 0);
	CHECK_EQ(setfsuid(OTHER), SOMEBODY);
	expect(all, all, 0);
}

static void file_user(void)
{
	const uint64_t files = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) |
			       bit(CAP_DAC_READ_SEARCH) | bit(CAP_FOWNER) |
			       bit(CAP_FSETID) | bit(CAP_LINUX_IMMUTABLE) |
			       bit(CAP_MKNOD) | bit(CAP_MAC_OVERRIDE);

	CHECK_EQ(setfsuid(SOMEBODY), 0);
	expect(all & ~files, all, 0);
	CHECK_EQ(setfsuid(-1), SOMEBODY);
	CHECK_EQ(setfsuid(-1), SOMEBODY);
	CHECK_EQ(setfsuid(0), SOMEBODY);
	expect(all, all, 0);
	CHECK_EQ(setfsgid(SOMEBODY), 0);
	CHECK_EQ(setfsgid(-1), SOMEBODY);
	CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, OTHER), 0);
	CHECK_EQ(setfsuid(0), SOMEBODY); // refused: the answer does not tell
	CHECK_EQ(setfsuid(OTHER), SOMEBODY);
	CHECK_EQ(setfsuid(SOMEBODY), OTHER);
}

static void group_limits(void)
{
	static gid_t many[65537], back[65536];
	int count = 65536;

	for (int i = 0; i <= count; i++) {
		many[i] = (gid_t)(100000 - i);
	}
	CHECK_ERRNO(syscall(SYS_setgroups, count + 1, many), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgroups, -1, many), EINVAL);
	CHECK_EQ(syscall(SYS_setgroups, count, many), 0);
	CHECK_EQ(getgroups(0, NULL), count);
	CHECK_EQ(getgroups(count, back), count);
	for (int i = 1; i < count; i++) {
		CHECK(back[i - 1] < back[i]); // kept sorted
	}
	CHECK_ERRNO(getgroups(count - 1, back), EINVAL);
	CHECK_ERRNO(getgroups(-1, back), EINVAL);
	CHECK_ERRNO(syscall(SYS_getgroups, count, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_setgroups, 1, UNMAPPED_ADDRESS), EFAULT);
	many[1] = (gid_t)-1;
	CHECK_ERRNO(syscall(SYS_setgroups, 2, many), EINVAL);
	CHECK_EQ(getgroups(0, NULL), count);
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(getgroups(0, NULL), 0);
	CHECK_ERRNO(syscall(SYS_setuid, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgid, -1), EINVAL);
}

static void privileges(void)
{
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	expect(all, all, 0);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*body)(void);
	} cases[] = {
		{"versions", versions},
		{"set_rules", set_rules},
		{"bounding", bounding},
		{"ambient_set", ambient_set},
		{"securebits", securebits},
		{"user_changes", user_changes},
		{"keep_capabilities", keep_capabilities},
		{"no_fixup", no_fixup},
		{"file_user", file_user},
		{"group_limits", group_limits},
		{"privileges", privileges},
	};
	struct sets now;

	if (geteuid() != 0) {
		skip("needs root to lose it");
	}
	CHECK_EQ(capability_get(_LINUX_CAPABILITY_VERSION_3, 0, &now), 0);
	all = now.permitted;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		must_pass_in_child(cases[i].body);
		ok(cases[i].name);
	}
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * credentials(7), capabilities(7): user and group ids, groups, capability sets. All through resources_prepare_credentials() and one commit.
 */
#include "syscall/syscall.h"

#include "cred/credentials.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/process.h"
#include "process/resources.h"
#include "vm/vm_space.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#define KEEP ((u32) - 1) /* an argument of -1: leave it */

enum { GROUPS_MAX = 65536 };

long sys_getuid(const struct syscall_arguments *a)
{
	return current_credentials()->uid;
}

long sys_geteuid(const struct syscall_arguments *a)
{
	return current_credentials()->euid;
}

long sys_getgid(const struct syscall_arguments *a)
{
	return current_credentials()->gid;
}

long sys_getegid(const struct syscall_arguments *a)
{
	return current_credentials()->egid;
}

static long write_three(const struct syscall_arguments *a, const u32 values[3])
{
	for (int i = 0; i < 3; i++) {
		if (user_write(a->arg[i], &values[i], sizeof(values[i]))) {
			return -EFAULT;
		}
	}
	return 0;
}

long sys_getresuid(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();

	return write_three(a, (u32[]){c->uid, c->euid, c->suid});
}

long sys_getresgid(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();

	return write_three(a, (u32[]){c->gid, c->egid, c->sgid});
}

/* What happens to capabilities when user ids change (capabilities(7), "Effect of user ID changes"). */
static void adjust_capabilities(struct credentials *fresh, const struct credentials *old)
{
	bool had_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool has_root = fresh->uid == 0 || fresh->euid == 0 || fresh->suid == 0;

	if (fresh->securebits & SECBIT_NO_SETUID_FIXUP) {
		return;
	}
	if (had_root && !has_root) {
		if (!(fresh->securebits & SECBIT_KEEP_CAPS)) {
			fresh->capability_permitted = fresh->capability_effective = 0;
		}
		fresh->capability_ambient = 0;
	}
	if (old->euid == 0 && fresh->euid != 0) {
		fresh->capability_effective = 0;
	} else if (old->euid != 0 && fresh->euid == 0) {
		fresh->capability_effective = fresh->capability_permitted;
	}
}

/* Commit what `change` holds, with the account of its real uid, and forget core dumps of others. */
static long commit(struct resource_change *change, bool new_uid)
{
	const struct credentials *old = current_credentials();
	int error = 0;

	if (new_uid) {
		adjust_capabilities(change->credentials, old);
		if (change->credentials->uid != old->uid) {
			error = resources_prepare_account(change);
		}
	}
	if (!error) {
		if (change->credentials->euid != old->euid ||
		    change->credentials->egid != old->egid ||
		    change->credentials->fsuid != old->fsuid ||
		    change->credentials->fsgid != old->fsgid) {
			atomic_store(&current_process()->dumpable, false);
		}
		resources_commit(change);
	}
	resources_release(change);
	return error;
}

static bool is_one_of(u32 value, u32 a, u32 b, u32 c)
{
	return value == KEEP || value == a || value == b || value == c;
}

static long set_user_ids(u32 uid, u32 euid, u32 suid)
{
	const struct credentials *old = current_credentials();
	struct resource_change change = {0};
	struct credentials *fresh;
	int error;

	if (!current_capable(CAP_SETUID) &&
	    !(is_one_of(uid, old->uid, old->euid, old->suid) &&
	      is_one_of(euid, old->uid, old->euid, old->suid) &&
	      is_one_of(suid, old->uid, old->euid, old->suid))) {
		return -EPERM;
	}
	error = resources_prepare_credentials(&change);
	if (error) {
		return error;
	}
	fresh = change.credentials;
	fresh->uid = uid == KEEP ? fresh->uid : uid;
	fresh->euid = euid == KEEP ? fresh->euid : euid;
	fresh->suid = suid == KEEP ? fresh->suid : suid;
	fresh->fsuid = fresh->euid;
	return commit(&change, true);
}

static long set_group_ids(u32 gid, u32 egid, u32 sgid)
{
	const struct credentials *old = current_credentials();
	struct resource_change change = {0};
	struct credentials *fresh;
	int error;

	if (!current_capable(CAP_SETGID) &&
	    !(is_one_of(gid, old->gid, old->egid, old->sgid) &&
	      is_one_of(egid, old->gid, old->egid, old->sgid) &&
	      is_one_of(sgid, old->gid, old->egid, old->sgid))) {
		return -EPERM;
	}
	error = resources_prepare_credentials(&change);
	if (error) {
		return error;
	}
	fresh = change.credentials;
	fresh->gid = gid == KEEP ? fresh->gid : gid;
	fresh->egid = egid == KEEP ? fresh->egid : egid;
	fresh->sgid = sgid == KEEP ? fresh->sgid : sgid;
	fresh->fsgid = fresh->egid;
	return commit(&change, false);
}

long sys_setresuid(const struct syscall_arguments *a)
{
	return set_user_ids((u32)a->arg[0], (u32)a->arg[1], (u32)a->arg[2]);
}

long sys_setresgid(const struct syscall_arguments *a)
{
	return set_group_ids((u32)a->arg[0], (u32)a->arg[1], (u32)a->arg[2]);
}

long sys_setuid(const struct syscall_arguments *a)
{
	u32 uid = (u32)a->arg[0];
	const struct credentials *c = current_credentials();

	if (uid == KEEP) {
		return -EINVAL;
	}
	if (current_capable(CAP_SETUID)) {
		return set_user_ids(uid, uid, uid);
	}
	return uid == c->uid || uid == c->suid ? set_user_ids(KEEP, uid, KEEP) : -EPERM;
}

long sys_setgid(const struct syscall_arguments *a)
{
	u32 gid = (u32)a->arg[0];
	const struct credentials *c = current_credentials();

	if (gid == KEEP) {
		return -EINVAL;
	}
	if (current_capable(CAP_SETGID)) {
		return set_group_ids(gid, gid, gid);
	}
	return gid == c->gid || gid == c->sgid ? set_group_ids(KEEP, gid, KEEP) : -EPERM;
}

long sys_setreuid(const struct syscall_arguments *a)
{
	u32 uid = (u32)a->arg[0], euid = (u32)a->arg[1], suid = KEEP;
	const struct credentials *c = current_credentials();

	if (!current_capable(CAP_SETUID) && !is_one_of(uid, c->uid, c->euid, c->uid)) {
		return -EPERM;
	}
	if (uid != KEEP || (euid != KEEP && euid != c->uid)) {
		suid = euid == KEEP ? c->euid : euid;
	}
	return set_user_ids(uid, euid, suid);
}

long sys_setregid(const struct syscall_arguments *a)
{
	u32 gid = (u32)a->arg[0], egid = (u32)a->arg[1], sgid = KEEP;
	const struct credentials *c = current_credentials();

	if (!current_capable(CAP_SETGID) && !is_one_of(gid, c->gid, c->egid, c->gid)) {
		return -EPERM;
	}
	if (gid != KEEP || (egid != KEEP && egid != c->gid)) {
		sgid = egid == KEEP ? c->egid : egid;
	}
	return set_group_ids(gid, egid, sgid);
}

/* These two answer the old value whether they worked or not. */
static long set_file_id(u32 id, bool user)
{
	const struct credentials *c = current_credentials();
	u32 old = user ? c->fsuid : c->fsgid;
	bool allowed = user ? id == c->uid || id == c->euid || id == c->suid ||
				       id == c->fsuid || current_capable(CAP_SETUID)
			    : id == c->gid || id == c->egid || id == c->sgid ||
				       id == c->fsgid || current_capable(CAP_SETGID);
	struct resource_change change = {0};

	if (id == KEEP || !allowed || resources_prepare_credentials(&change)) {
		return old;
	}
	if (user) {
		const u64 file_capabilities =
			(1ULL << CAP_CHOWN) | (1ULL << CAP_DAC_OVERRIDE) |
			(1ULL << CAP_DAC_READ_SEARCH) | (1ULL << CAP_FOWNER) |
			(1ULL << CAP_FSETID) | (1ULL << CAP_MKNOD);

		change.credentials->fsuid = id;
		if (old == 0 && id != 0) {
			change.credentials->capability_effective &= ~file_capabilities;
		} else if (old != 0 && id == 0) {
			change.credentials->capability_effective |=
				change.credentials->capability_permitted &
				file_capabilities;
		}
	} else {
		change.credentials->fsgid = id;
	}
	(void)commit(&change, false);
	return old;
}

long sys_setfsuid(const struct syscall_arguments *a)
{
	return set_file_id((u32)a->arg[0], true);
}

long sys_setfsgid(const struct syscall_arguments *a)
{
	return set_file_id((u32)a->arg[0], false);
}

long sys_getgroups(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();
	int room = (int)a->arg[0];

	if (room < 0) {
		return -EINVAL;
	}
	if (room == 0) {
		return c->group_count;
	}
	if ((u32)room < c->group_count) {
		return -EINVAL;
	}
	return user_write(a->arg[1], c->groups, c->group_count * sizeof(*c->groups))
		       ? -EFAULT
		       : (long)c->group_count;
}

long sys_setgroups(const struct syscall_arguments *a)
{
	struct resource_change change = {0};
	u32 count = (u32)a->arg[0];
	u32 *groups = NULL;
	int error = 0;

	if (!current_capable(CAP_SETGID)) {
		return -EPERM;
	}
	if (count > GROUPS_MAX) {
		return -EINVAL;
	}
	if (count) {
		groups = heap_allocate_array(count, sizeof(*groups));
		error = !groups ? -ENOMEM
				: user_read(groups, a->arg[1], count * sizeof(*groups));
	}
	if (!error) {
		error = resources_prepare_credentials(&change);
	}
	if (!error) {
		error = credentials_set_groups(change.credentials, groups, count);
		if (error) {
			resources_release(&change);
		}
	}
	heap_free(groups);
	return error ? error : commit(&change, false);
}

/* ---- capabilities ---- */

static int read_capability_header(vaddr_t at, struct __user_cap_header_struct *header)
{
	u32 newest = _LINUX_CAPABILITY_VERSION_3;

	if (user_read(header, at, sizeof(*header))) {
		return -EFAULT;
	}
	if (header->version == _LINUX_CAPABILITY_VERSION_3 ||
	    header->version == _LINUX_CAPABILITY_VERSION_2) {
		return 2;
	}
	if (header->version == _LINUX_CAPABILITY_VERSION_1) {
		return 1;
	}
	return user_write(at, &newest, sizeof(newest)) ? -EFAULT : -EINVAL;
}

long sys_capget(const struct syscall_arguments *a)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
	struct credentials *c;
	struct thread *thread;
	int words = read_capability_header(a->arg[0], &header);

	if (words < 0) {
		return words == -EINVAL && !a->arg[1] ? 0 : words;
	}
	if (header.pid < 0) {
		return -EINVAL;
	}
	thread = header.pid ? thread_find(header.pid) : current_thread();
	if (!thread) {
		return -ESRCH;
	}
	c = thread_get_credentials(thread);
	if (header.pid) {
		thread_put(thread);
	}
	for (int i = 0; i < 2; i++) {
		data[i].effective = (u32)(c->capability_effective >> (32 * i));
		data[i].permitted = (u32)(c->capability_permitted >> (32 * i));
		data[i].inheritable = (u32)(c->capability_inheritable >> (32 * i));
	}
	credentials_put(c);
	return a->arg[1] ? user_write(a->arg[1], data, (size_t)words * sizeof(data[0]))
			 : 0;
}

static long set_capabilities(u64 effective, u64 permitted, u64 inheritable)
{
	const struct credentials *old = current_credentials();
	struct resource_change change = {0};
	int error;

	if ((permitted & ~old->capability_permitted) || (effective & ~permitted) ||
	    (inheritable & ~(old->capability_inheritable | old->capability_bounding)) ||
	    (!current_capable(CAP_SETPCAP) &&
	     (inheritable &
	      ~(old->capability_inheritable | old->capability_permitted)))) {
		return -EPERM;
	}
	error = resources_prepare_credentials(&change);
	if (error) {
		return error;
	}
	change.credentials->capability_effective = effective;
	change.credentials->capability_permitted = permitted;
	change.credentials->capability_inheritable = inheritable;
	change.credentials->capability_ambient &= permitted & inheritable;
	return commit(&change, false);
}

long sys_capset(const struct syscall_arguments *a)
{
	const u64 valid = (1ULL << (CAP_LAST_CAP + 1)) - 1;
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2] = {0};
	int words = read_capability_header(a->arg[0], &header);

	if (words < 0) {
		return words;
	}
	if (header.pid && header.pid != thread_number(current_thread())) {
		return -EPERM;
	}
	if (user_read(data, a->arg[1], (size_t)words * sizeof(data[0]))) {
		return -EFAULT;
	}
	return set_capabilities(
		(data[0].effective | (u64)data[1].effective << 32) & valid,
		(data[0].permitted | (u64)data[1].permitted << 32) & valid,
		(data[0].inheritable | (u64)data[1].inheritable << 32) & valid);
}

// SPDX-License-Identifier: MIT
/*
 * credentials(7): user and group ids, supplementary groups. All through resources_prepare_credentials() and one commit.
 *
 * Ids come in and go out as the caller's user namespace writes them; between are kernel ids.
 */
#include "syscall/syscall.h"

#include "cred/credentials.h"
#include "cred/user_account.h"
#include "cred/user_namespace.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/resources.h"
#include <asm/resource.h>
#include <linux/capability.h>

#define KEEP ID_INVALID /* an argument of -1: leave it */

enum { GROUPS_MAX = 65536 };

long sys_getuid(const struct syscall_arguments *a)
{
	return current_uid_shown(current_credentials()->uid);
}

long sys_geteuid(const struct syscall_arguments *a)
{
	return current_uid_shown(current_credentials()->euid);
}

long sys_getgid(const struct syscall_arguments *a)
{
	return current_gid_shown(current_credentials()->gid);
}

long sys_getegid(const struct syscall_arguments *a)
{
	return current_gid_shown(current_credentials()->egid);
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

	return write_three(a,
			   (u32[]){current_uid_shown(c->uid), current_uid_shown(c->euid),
				   current_uid_shown(c->suid)});
}

long sys_getresgid(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();

	return write_three(a,
			   (u32[]){current_gid_shown(c->gid), current_gid_shown(c->egid),
				   current_gid_shown(c->sgid)});
}

/* Commit what `change` holds, with the account of its real uid. */
static long commit(struct resource_change *change, bool new_uid)
{
	const struct credentials *old = current_credentials();
	int error = 0;

	if (new_uid) {
		credentials_follow_user(change->credentials, old);
		if (change->credentials->uid != old->uid) {
			error = resources_prepare_account(change);
		}
	}
	if (!error) {
		if (change->account) {
			current_thread()->over_process_limit =
				change->account->uid != 0 &&
				user_account_is_over(change->account, USER_THREADS,
						     current_limit(RLIMIT_NPROC));
		}
		resources_commit(change);
	}
	resources_release(change);
	return error;
}

/* An argument of the setres…() calls: a kernel id, or KEEP. -EINVAL: it has no mapping. */
static int user_argument(u64 argument, u32 *out)
{
	u32 id = (u32)argument;

	*out = id == KEEP ? KEEP : current_uid_to_kernel(id);
	return id != KEEP && *out == ID_INVALID ? -EINVAL : 0;
}

static int group_argument(u64 argument, u32 *out)
{
	u32 id = (u32)argument;

	*out = id == KEEP ? KEEP : current_gid_to_kernel(id);
	return id != KEEP && *out == ID_INVALID ? -EINVAL : 0;
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

	if (!current_capable_inside(CAP_SETUID) &&
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

	if (!current_capable_inside(CAP_SETGID) &&
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
	u32 uid, euid, suid;

	if (user_argument(a->arg[0], &uid) || user_argument(a->arg[1], &euid) ||
	    user_argument(a->arg[2], &suid)) {
		return -EINVAL;
	}
	return set_user_ids(uid, euid, suid);
}

long sys_setresgid(const struct syscall_arguments *a)
{
	u32 gid, egid, sgid;

	if (group_argument(a->arg[0], &gid) || group_argument(a->arg[1], &egid) ||
	    group_argument(a->arg[2], &sgid)) {
		return -EINVAL;
	}
	return set_group_ids(gid, egid, sgid);
}

long sys_setuid(const struct syscall_arguments *a)
{
	u32 uid = current_uid_to_kernel((u32)a->arg[0]);
	const struct credentials *c = current_credentials();

	if (uid == KEEP) {
		return -EINVAL;
	}
	if (current_capable_inside(CAP_SETUID)) {
		return set_user_ids(uid, uid, uid);
	}
	return uid == c->uid || uid == c->suid ? set_user_ids(KEEP, uid, KEEP) : -EPERM;
}

long sys_setgid(const struct syscall_arguments *a)
{
	u32 gid = current_gid_to_kernel((u32)a->arg[0]);
	const struct credentials *c = current_credentials();

	if (gid == KEEP) {
		return -EINVAL;
	}
	if (current_capable_inside(CAP_SETGID)) {
		return set_group_ids(gid, gid, gid);
	}
	return gid == c->gid || gid == c->sgid ? set_group_ids(KEEP, gid, KEEP) : -EPERM;
}

long sys_setreuid(const struct syscall_arguments *a)
{
	u32 uid, euid, suid = KEEP;
	const struct credentials *c = current_credentials();

	if (user_argument(a->arg[0], &uid) || user_argument(a->arg[1], &euid)) {
		return -EINVAL;
	}
	if (!current_capable_inside(CAP_SETUID) &&
	    !is_one_of(uid, c->uid, c->euid, c->uid)) {
		return -EPERM;
	}
	if (uid != KEEP || (euid != KEEP && euid != c->uid)) {
		suid = euid == KEEP ? c->euid : euid;
	}
	return set_user_ids(uid, euid, suid);
}

long sys_setregid(const struct syscall_arguments *a)
{
	u32 gid, egid, sgid = KEEP;
	const struct credentials *c = current_credentials();

	if (group_argument(a->arg[0], &gid) || group_argument(a->arg[1], &egid)) {
		return -EINVAL;
	}
	if (!current_capable_inside(CAP_SETGID) &&
	    !is_one_of(gid, c->gid, c->egid, c->gid)) {
		return -EPERM;
	}
	if (gid != KEEP || (egid != KEEP && egid != c->gid)) {
		sgid = egid == KEEP ? c->egid : egid;
	}
	return set_group_ids(gid, egid, sgid);
}

/* These two answer the old value whether they worked or not. */
long sys_setfsuid(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();
	u32 id = current_uid_to_kernel((u32)a->arg[0]), old = c->fsuid;
	bool allowed = id == c->uid || id == c->euid || id == c->suid || id == c->fsuid ||
		       current_capable_inside(CAP_SETUID);
	struct resource_change change = {0};

	if (id != ID_INVALID && id != old && allowed &&
	    resources_prepare_credentials(&change) == 0) {
		change.credentials->fsuid = id;
		credentials_follow_file_user(change.credentials, c);
		(void)commit(&change, false);
	}
	return current_uid_shown(old);
}

long sys_setfsgid(const struct syscall_arguments *a)
{
	const struct credentials *c = current_credentials();
	u32 id = current_gid_to_kernel((u32)a->arg[0]), old = c->fsgid;
	bool allowed = id == c->gid || id == c->egid || id == c->sgid || id == c->fsgid ||
		       current_capable_inside(CAP_SETGID);
	struct resource_change change = {0};

	if (id != ID_INVALID && id != old && allowed &&
	    resources_prepare_credentials(&change) == 0) {
		change.credentials->fsgid = id;
		(void)commit(&change, false);
	}
	return current_gid_shown(old);
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
	for (u32 i = 0; i < c->group_count; i++) {
		u32 shown = current_gid_shown(c->groups[i]);

		if (user_write(a->arg[1] + i * sizeof(shown), &shown, sizeof(shown))) {
			return -EFAULT;
		}
	}
	return c->group_count;
}

/* The list a user gives, as kernel ids. */
static int read_groups(vaddr_t from, u32 count, u32 **out)
{
	u32 *groups = heap_allocate_array(count, sizeof(*groups));
	int error;

	if (!groups) {
		return -ENOMEM;
	}
	error = user_read(groups, from, count * sizeof(*groups));
	for (u32 i = 0; i < count && !error; i++) {
		groups[i] = current_gid_to_kernel(groups[i]);
		error = groups[i] == ID_INVALID ? -EINVAL : 0;
	}
	if (error) {
		heap_free(groups);
		return error;
	}
	*out = groups;
	return 0;
}

long sys_setgroups(const struct syscall_arguments *a)
{
	struct resource_change change = {0};
	u32 count = (u32)a->arg[0];
	u32 *groups = NULL;
	int error = 0;

	if (!current_capable_inside(CAP_SETGID) ||
	    !user_namespace_setgroups_allowed(current_credentials()->user_namespace)) {
		return -EPERM;
	}
	if (count > GROUPS_MAX) {
		return -EINVAL;
	}
	if (count) {
		error = read_groups(a->arg[1], count, &groups);
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

// SPDX-License-Identifier: MIT
/*
 * capget(2), capset(2), in their three versions: one word of each set, or two.
 */
#include "syscall/syscall.h"

#include "cred/credentials.h"
#include "mm/usercopy.h"
#include "process/process.h"
#include "process/resources.h"
#include <linux/capability.h>

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
	if (!a->arg[1]) {
		return 0; // only the version was asked
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
	return user_write(a->arg[1], data, (size_t)words * sizeof(data[0]));
}

static long set_capabilities(u64 effective, u64 permitted, u64 inheritable)
{
	const struct credentials *old = current_credentials();
	struct resource_change change = {0};
	int error;

	if ((permitted & ~old->capability_permitted) || (effective & ~permitted) ||
	    (inheritable & ~(old->capability_inheritable | old->capability_bounding)) ||
	    (!current_capable_inside(CAP_SETPCAP) &&
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
	resources_commit(&change);
	resources_release(&change);
	return 0;
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

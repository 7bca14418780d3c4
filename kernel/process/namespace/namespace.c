// SPDX-License-Identifier: MIT
/*
 * Namespace sets, and the UTS namespace (uname's names).
 *
 * Owns      struct namespace_set, struct uts_namespace.
 * Locks     uts_namespace.lock: a leaf.
 */
#include "process/namespace/namespace.h"

#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/sched.h>

OBJECT_CACHE(set_cache, namespace_set);
OBJECT_CACHE(uts_cache, uts_namespace);

static int uts_create(const struct new_utsname *names, struct uts_namespace **out)
{
	struct uts_namespace *uts = object_allocate(&uts_cache);

	if (!uts) {
		return -ENOMEM;
	}
	refcount_init(&uts->references, 1);
	spin_init(&uts->lock, RANK_FS_INFO, "uts_namespace.lock");
	uts->names = *names;
	*out = uts;
	return 0;
}

static void uts_put(struct uts_namespace *uts)
{
	if (refcount_put(&uts->references)) {
		object_free(&uts_cache, uts);
	}
}

static int create_first_uts(struct uts_namespace **out)
{
	struct new_utsname names = {0};

	string_copy(names.sysname, "Linux", sizeof(names.sysname));
	string_copy(names.nodename, "heddle", sizeof(names.nodename));
	string_copy(names.release, "6.12.0-heddle", sizeof(names.release));
	string_copy(names.version, "#1 SMP PREEMPT", sizeof(names.version));
	string_copy(names.machine, arch_machine_name(), sizeof(names.machine));
	string_copy(names.domainname, "(none)", sizeof(names.domainname));
	return uts_create(&names, out);
}

int namespace_set_create(struct namespace_set **out)
{
	struct namespace_set *set = object_allocate(&set_cache);
	int err = set ? create_first_uts(&set->uts) : -ENOMEM;

	if (err) {
		if (set) {
			object_free(&set_cache, set);
		}
		return err;
	}
	set->users = 1;
	*out = set;
	return 0;
}

int namespace_set_copy(struct namespace_set *from, u64 flags, struct namespace_set **out)
{
	struct namespace_set *set = object_allocate(&set_cache);
	struct new_utsname names;
	int err = 0;

	if (!set) {
		return -ENOMEM;
	}
	if (flags & CLONE_NEWUTS) {
		uts_names(from->uts, &names);
		err = uts_create(&names, &set->uts);
	} else {
		refcount_get(&from->uts->references);
		set->uts = from->uts;
	}
	if (err) {
		object_free(&set_cache, set);
		return err;
	}
	set->users = 1;
	*out = set;
	return 0;
}

void namespace_set_share(struct namespace_set *set)
{
	atomic_fetch_add_explicit(&set->users, 1, memory_order_relaxed);
}

void namespace_set_leave(struct namespace_set *set)
{
	if (atomic_fetch_sub_explicit(&set->users, 1, memory_order_acq_rel) == 1) {
		uts_put(set->uts);
		object_free(&set_cache, set);
	}
}

void uts_names(struct uts_namespace *uts, struct new_utsname *out)
{
	spin_lock(&uts->lock);
	*out = uts->names;
	spin_unlock(&uts->lock);
}

void uts_set_name(struct uts_namespace *uts, size_t member, const char *name,
		  size_t length)
{
	char *to = (char *)&uts->names + member;

	spin_lock(&uts->lock);
	memset(to, 0, sizeof(uts->names.nodename));
	memcpy(to, name, MIN(length, sizeof(uts->names.nodename) - 1));
	spin_unlock(&uts->lock);
}

// SPDX-License-Identifier: MIT
/*
 * The UTS namespace (uname's names). See uts_namespaces(7).
 *
 * Owns      struct uts_namespace.
 */
#include "process/namespace/uts_namespace.h"

#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include <linux/sched.h>

OBJECT_CACHE(uts_cache, uts_namespace);

static struct uts_namespace *uts_of(struct namespace *namespace)
{
	return container_of(namespace, struct uts_namespace, base);
}

static int uts_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out);

static void uts_destroy(struct namespace *namespace)
{
	object_free(&uts_cache, uts_of(namespace));
}

static const struct namespace_operations uts_operations = {
	.kind = NAMESPACE_UTS,
	.name = "uts",
	.clone_flag = CLONE_NEWUTS,
	.copy = uts_copy,
	.destroy = uts_destroy,
};

struct uts_namespace first_uts_namespace = {
	.base = NAMESPACE_FIRST(&uts_operations, NAMESPACE_NUMBER_UTS),
	.lock = SPINLOCK_INIT(RANK_FS_INFO, "uts_namespace.lock"),
};

static int uts_copy(struct namespace *from, struct namespace *owner,
		    struct namespace **out)
{
	struct uts_namespace *uts = object_allocate(&uts_cache);
	struct new_utsname names;

	if (!uts) {
		return -ENOMEM;
	}
	namespace_init(&uts->base, &uts_operations, owner);
	spin_init(&uts->lock, RANK_FS_INFO, "uts_namespace.lock");
	uts_names(uts_of(from), &names);
	spin_lock(&uts->lock);
	uts->names = names;
	spin_unlock(&uts->lock);
	*out = &uts->base;
	return 0;
}

void uts_init(void)
{
	struct uts_namespace *uts = &first_uts_namespace;

	spin_lock(&uts->lock);
	string_copy(uts->names.sysname, "Linux", sizeof(uts->names.sysname));
	string_copy(uts->names.nodename, "heddle", sizeof(uts->names.nodename));
	string_copy(uts->names.release, "6.12.0-heddle", sizeof(uts->names.release));
	string_copy(uts->names.version, "#1 SMP PREEMPT", sizeof(uts->names.version));
	string_copy(uts->names.machine, arch_machine_name(), sizeof(uts->names.machine));
	string_copy(uts->names.domainname, "(none)", sizeof(uts->names.domainname));
	spin_unlock(&uts->lock);
}

struct uts_namespace *current_uts(void)
{
	return uts_of(current_namespaces()->slot[NAMESPACE_SLOT_UTS]);
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
	spin_lock(&uts->lock);
	char *to = (char *)&uts->names + member;

	memset(to, 0, sizeof(uts->names.nodename));
	memcpy(to, name, MIN(length, sizeof(uts->names.nodename) - 1));
	spin_unlock(&uts->lock);
}

// SPDX-License-Identifier: MIT
/*
 * Names asked for in vain.
 *
 * Owns      the two lists.
 * Locks     missing_lock, a leaf taken with interrupts as they are: thread context records, /proc reads.
 */
#include "core/missing.h"

#include "core/command_line.h"
#include "core/spinlock.h"
#include "lib/string.h"

struct missing {
	u64 count;
	char name[MISSING_NAME_MAX];
};

static struct spinlock missing_lock = SPINLOCK_INIT(RANK_LOG, "missing_lock");
static struct missing lists[MISSING_KINDS][MISSING_MAX];

static bool wanted(enum missing_kind kind)
{
	static _Atomic int files = -1; /* -1: not asked yet */

	if (kind != MISSING_FILE) {
		return true;
	}
	if (atomic_load_explicit(&files, memory_order_relaxed) < 0) {
		atomic_store(&files, command_line_has("heddle.missing"));
	}
	return atomic_load_explicit(&files, memory_order_relaxed) > 0;
}

void missing_record(enum missing_kind kind, const char *name)
{
	struct missing *list = lists[kind];

	if (!wanted(kind) || strnlen(name, MISSING_NAME_MAX) == MISSING_NAME_MAX) {
		return;
	}
	spin_lock(&missing_lock);
	for (unsigned i = 0; i < MISSING_MAX; i++) {
		if (list[i].count == 0) {
			string_copy(list[i].name, name, sizeof(list[i].name));
		}
		if (strcmp(list[i].name, name) == 0) {
			list[i].count++;
			break;
		}
	}
	spin_unlock(&missing_lock);
}

bool missing_get(enum missing_kind kind, unsigned index, char *name, u64 *count)
{
	bool found = false;

	if (index < MISSING_MAX) {
		spin_lock(&missing_lock);
		*count = lists[kind][index].count;
		string_copy(name, lists[kind][index].name, MISSING_NAME_MAX);
		found = *count > 0;
		spin_unlock(&missing_lock);
	}
	return found;
}

// SPDX-License-Identifier: MIT
/* Plans of allocations that fail: counted by the thread that owns them, armed by anybody. */
#include "core/fault_injection.h"

#include "arch/cpu.h"
#include "core/command_line.h"
#include "lib/compiler.h"
#include "lib/string.h"

static _Atomic bool ever_armed; /* stays set: then each allocation looks for a plan */
static struct fault_plan *(*_Atomic lookup_hook)(void);

/* Before there are user threads, and in unit tests. */
static struct fault_plan early_plan;
static struct arch_thread *_Atomic early_owner; /* compared only */

static struct fault_plan *running_plan(void)
{
	struct fault_plan *(*lookup)(void) = atomic_load(&lookup_hook);

	if (lookup) {
		return lookup();
	}
	return atomic_load(&early_owner) == arch_current() ? &early_plan : NULL;
}

static noinline_ bool count_and_compare(void)
{
	struct fault_plan *plan = running_plan();
	u64 nth = plan ? atomic_load_explicit(&plan->nth, memory_order_relaxed) : 0;

	if (!nth || atomic_fetch_add(&plan->counted, 1) + 1 != nth) {
		return false;
	}
	atomic_fetch_add(&plan->failed, 1);
	return true;
}

bool fault_injection_should_fail(void)
{
	return unlikely(atomic_load_explicit(&ever_armed, memory_order_relaxed)) &&
	       count_and_compare();
}

u64 fault_plan_arm(struct fault_plan *plan, u64 nth, bool children)
{
	u64 before = atomic_exchange(&plan->counted, 0);

	atomic_store(&plan->failed, 0);
	atomic_store(&plan->children, children && nth);
	atomic_store(&plan->nth, nth);
	if (nth) {
		atomic_store(&ever_armed, true);
	}
	return before;
}

void fault_plan_inherit(struct fault_plan *child, const struct fault_plan *parent)
{
	if (atomic_load(&parent->children)) {
		(void)fault_plan_arm(child, atomic_load(&parent->nth), true);
	}
}

u64 fault_injection_arm(u64 nth)
{
	struct fault_plan *plan;

	if (!atomic_load(&lookup_hook)) {
		atomic_store(&early_owner, arch_current());
	}
	plan = running_plan();
	return plan ? fault_plan_arm(plan, nth, false) : 0;
}

void fault_injection_set_lookup(struct fault_plan *(*lookup)(void))
{
	atomic_store(&lookup_hook, lookup);
}

/* `value` is `NAME:n`, or `n` for no name. */
static bool matches(const char *value, const char *name, u64 *nth)
{
	const char *colon = strrchr(value, ':');

	if (!name) {
		return !colon && string_to_u64(value, nth) == 0;
	}
	return colon && (size_t)(colon - value) == strlen(name) &&
	       strncmp(value, name, strlen(name)) == 0 &&
	       string_to_u64(colon + 1, nth) == 0;
}

u64 fault_injection_wanted(const char *name)
{
	const char *value;
	u64 nth;

	for (unsigned i = 0; (value = command_line_nth("heddle.fail", i)); i++) {
		if (matches(value, name, &nth)) {
			return nth;
		}
	}
	return 0;
}

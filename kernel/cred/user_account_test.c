// SPDX-License-Identifier: MIT
/* What users have in use: one account a user and namespace, charges in every level or none, nothing left. */
#include "cred/user_account.h"

#include "core/fault_injection.h"
#include "cred/credentials.h"
#include "host/machine.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "unit.h"

enum { MAKER = 1000, INNER = 2000, DEPTH = 4 };

static struct credentials *maker;
static struct user_namespace *levels[DEPTH]; // each made by MAKER in the one before

static void prepare(void)
{
	static bool done;

	if (!done) {
		host_memory_init(16 << 20);
		frame_init();
		heap_init();
		user_account_init();
		done = true;
	}
	EXPECT_EQ(credentials_create_root(&maker), 0);
	maker->uid = maker->euid = MAKER;
	maker->egid = MAKER;
	levels[0] = user_namespace_get(&first_user_namespace);
	for (unsigned i = 1; i < DEPTH; i++) {
		struct credentials *inside;

		EXPECT_EQ(user_namespace_create(maker, &levels[i]), 0);
		EXPECT_EQ(credentials_copy(maker, &inside), 0);
		credentials_enter(inside, levels[i]);
		EXPECT_EQ(
			id_map_write(levels[i], ID_USER, "1000 1000 2000", maker, maker),
			0);
		EXPECT_EQ(
			id_map_write(levels[i], ID_GROUP, "1000 1000 2000", maker, maker),
			0);
		credentials_put(maker);
		maker = inside;
	}
}

static void finish(void)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		user_namespace_put(levels[i]);
	}
	credentials_put(maker);
}

static u64 used(const struct user_account *account)
{
	return atomic_load(&account->used[USER_THREADS]);
}

TEST(C8_an_account_is_of_a_user_in_a_namespace)
{
	struct user_account *first, *again, *inner, *outer;

	prepare();
	EXPECT_EQ(user_account_find(levels[2], INNER, &first), 0);
	EXPECT_EQ(user_account_find(levels[2], INNER, &again), 0);
	EXPECT(first == again);
	user_account_put(again);
	EXPECT_EQ(user_account_find(levels[1], INNER, &inner), 0);
	EXPECT(inner != first);
	EXPECT_EQ(user_account_find(levels[1], MAKER, &outer), 0);
	EXPECT(first->outer == outer);
	EXPECT(first->outer->outer->user_namespace == &first_user_namespace);
	EXPECT(first->outer->outer->outer == NULL);
	user_account_put(first);
	user_account_put(inner);
	user_account_put(outer);
	finish();
}

TEST(C7_a_charge_is_in_every_level_or_in_none)
{
	struct user_account *account;

	prepare();
	EXPECT_EQ(user_account_find(levels[3], INNER, &account), 0);
	levels[2]->allowed[USER_THREADS] =
		5; // to all of level 2, on MAKER's account in 1
	EXPECT(user_account_charge(account, USER_THREADS, 5, 10));
	EXPECT(!user_account_charge(account, USER_THREADS, 1, 10));
	for (const struct user_account *each = account; each; each = each->outer) {
		EXPECT_EQ(used(each), 5);
	}
	EXPECT(!user_account_is_over(account, USER_THREADS, 5));
	EXPECT(user_account_is_over(account, USER_THREADS, 4));
	user_account_charge_anyway(account, USER_THREADS, 1);
	EXPECT(user_account_is_over(account, USER_THREADS, 10));
	user_account_give_back(account, USER_THREADS, 6);
	for (const struct user_account *each = account; each; each = each->outer) {
		EXPECT_EQ(used(each), 0);
	}
	user_account_put(account);
	finish();
}

TEST(R6_finding_fails_without_a_trace)
{
	u64 before;

	prepare();
	before = heap_bytes_in_use();
	for (u64 nth = 1;; nth++) {
		struct user_account *account = NULL;
		int err;

		fault_injection_arm(nth);
		err = user_account_find(levels[3], INNER, &account);
		bool failed = fault_injection_arm(0) >= nth;

		EXPECT_EQ(err, failed ? -ENOMEM : 0);
		user_account_put(account);
		EXPECT_EQ(heap_bytes_in_use(), before);
		if (!failed) {
			break;
		}
	}
	finish();
}

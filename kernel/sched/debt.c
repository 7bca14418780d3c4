// SPDX-License-Identifier: MIT
/*
 * Debts and loans: see debt.h.
 *
 * Locks     debt.lock > entity.lending_lock > run_queue.lock; never two debts' or two threads' at once.
 *
 *   L1  A loan is in its debt's trees iff loan.debt is that debt iff lender.loan is that loan. All change under both locks: so
 *	 either lock keeps the loan, its debt, and who they belong to.
 *   L2  A debt is in its debtor's tree; both change under both locks: who has debt.lock may use the debtor.
 *   L3  debt.lent is the standing of its first loan, and entity.owed that of its first debt, whenever the locks are free.
 *   L4  Who changes a standing carries it on behind its change: it looks at entity.loan after it, as who gives the loan looks at the
 *	 standing after it has set entity.loan (run_queue.lock orders them). So none is missed, and who finds that nothing
 *	 is to be changed may stop: whoever changed it goes on.
 *
 * From a thread to what it waits for is against the order: its debt's lock is tried, and the thread's let go of before the next try.
 * Model: tests/model/debt_model.c.
 */
#include "sched/debt.h"

#include "arch/cpu.h"
#include "core/panic.h"
#include "lib/hash.h"
#include "sched/run_queue.h"
#include <linux/sched.h>

/* Less urgent than any thread. */
static const struct sched_standing nothing = {.policy = SCHED_IDLE};

static void (*get_hook)(struct sched_entity *entity);
static void (*put_hook)(struct sched_entity *entity);

void sched_set_reference_hooks(void (*get)(struct sched_entity *entity),
			       void (*put)(struct sched_entity *entity))
{
	get_hook = get;
	put_hook = put;
}

static struct sched_entity *keep(struct sched_entity *entity)
{
	if (get_hook && !entity->kernel_owned) {
		get_hook(entity);
	}
	return entity;
}

static void let_go(struct sched_entity *entity)
{
	if (put_hook && !entity->kernel_owned) {
		put_hook(entity);
	}
}

static bool is_same(const struct sched_standing *a, const struct sched_standing *b)
{
	return a->policy == b->policy && a->nice == b->nice &&
	       a->realtime_priority == b->realtime_priority && a->deadline == b->deadline;
}

static bool loan_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return standing_is_before(
		&rbtree_entry(a, const struct sched_loan, node)->standing,
		&rbtree_entry(b, const struct sched_loan, node)->standing);
}

/* Nice values do not count, nor does who of two fair threads is which. */
static bool is_more_urgent(const struct sched_standing *a, const struct sched_standing *b)
{
	bool urgent = a->policy == SCHED_DEADLINE || a->realtime_priority;

	return urgent && standing_is_before(a, b);
}

static bool turn_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	const struct sched_loan *left = rbtree_entry(a, const struct sched_loan, turn);
	const struct sched_loan *right = rbtree_entry(b, const struct sched_loan, turn);

	if (is_more_urgent(&left->standing, &right->standing)) {
		return true;
	}
	return !is_more_urgent(&right->standing, &left->standing) &&
	       left->order < right->order;
}

static bool debt_before(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return standing_is_before(&rbtree_entry(a, const struct sched_debt, node)->lent,
				  &rbtree_entry(b, const struct sched_debt, node)->lent);
}

static void link_loan(struct sched_debt *debt, struct sched_loan *loan)
{
	rbtree_add(&debt->loans, &loan->node, loan_before);
	rbtree_add(&debt->turns, &loan->turn, turn_before);
}

static void unlink_loan(struct sched_debt *debt, struct sched_loan *loan)
{
	rbtree_remove(&debt->loans, &loan->node);
	rbtree_remove(&debt->turns, &loan->turn);
}

/* Its debts have changed. lending_lock is held. true: it acts by another standing now, and waits for somebody. */
static bool settle_debtor(struct sched_entity *entity)
{
	struct rbtree_node *first = rbtree_first(&entity->debts);
	struct sched_standing owed =
		first ? rbtree_entry(first, struct sched_debt, node)->lent : nothing;

	spin_assert_held(&entity->lending_lock);
	return sched_set_owed(entity, &owed) && entity->loan;
}

/* Its loans have changed. debt.lock is held. The debtor, with a reference, if that is to be carried on. */
static struct sched_entity *settle(struct sched_debt *debt)
{
	struct rbtree_node *first = rbtree_first(&debt->loans);
	struct sched_standing lent =
		first ? rbtree_entry(first, struct sched_loan, node)->standing : nothing;
	struct sched_entity *debtor = debt->debtor;
	bool carry_on = false;

	if (!debtor || is_same(&lent, &debt->lent)) {
		debt->lent = lent;
		return NULL;
	}
	spin_lock(&debtor->lending_lock);
	rbtree_remove(&debtor->debts, &debt->node);
	debt->lent = lent;
	rbtree_add(&debtor->debts, &debt->node, debt_before);
	if (settle_debtor(debtor)) {
		keep(debtor);
		carry_on = true;
	}
	spin_unlock(&debtor->lending_lock);
	return carry_on ? debtor : NULL;
}

/* ---- debts ---- */

void sched_debt_init(struct sched_debt *debt)
{
	*debt = (struct sched_debt){.lent = nothing};
	spin_init(&debt->lock, RANK_DEBT, "sched_debt.lock");
	rbtree_node_init(&debt->node);
}

/* debt.lock is held. */
static bool set_debtor(struct sched_debt *debt, struct sched_entity *debtor)
{
	bool taken;

	spin_lock(&debtor->lending_lock);
	taken = !debtor->takes_no_debts;
	if (taken) {
		debt->debtor = debtor;
		debt->changes++;
		rbtree_add(&debtor->debts, &debt->node, debt_before);
		(void)settle_debtor(debtor);
	}
	spin_unlock(&debtor->lending_lock);
	return taken;
}

static void clear_debtor(struct sched_debt *debt)
{
	struct sched_entity *debtor = debt->debtor;

	spin_lock(&debtor->lending_lock);
	rbtree_remove(&debtor->debts, &debt->node);
	debt->debtor = NULL;
	(void)settle_debtor(debtor);
	spin_unlock(&debtor->lending_lock);
}

bool sched_debt_begin(struct sched_debt *debt, struct sched_entity *debtor)
{
	bool begun;

	spin_lock(&debt->lock);
	ASSERT(!debt->debtor && !rbtree_first(&debt->loans));
	begun = set_debtor(debt, debtor);
	spin_unlock(&debt->lock);
	return begun;
}

void sched_debt_end(struct sched_debt *debt)
{
	spin_lock(&debt->lock);
	ASSERT(!rbtree_first(&debt->loans));
	if (debt->debtor) {
		clear_debtor(debt);
	}
	spin_unlock(&debt->lock);
}

/* ---- loans ---- */

/* The lender's: debt.lock is held. */
static void end_loan(struct sched_debt *debt, struct sched_loan *loan)
{
	struct sched_entity *lender = loan->lender;

	spin_lock(&lender->lending_lock);
	unlink_loan(debt, loan);
	loan->debt = NULL;
	lender->loan = NULL;
	lender->waits++;
	spin_unlock(&lender->lending_lock);
}

struct sched_entity *sched_loan_give(struct sched_debt *debt, struct sched_loan *loan)
{
	struct sched_entity *lender = loan->lender, *affected;

	spin_lock(&debt->lock);
	spin_lock(&lender->lending_lock);
	ASSERT(!lender->loan);
	lender->loan = loan;
	lender->waits++;
	loan->debt = debt;
	sched_get_standing(lender, &loan->standing); // L4: behind lender->loan
	loan->order = ++debt->last_order;
	link_loan(debt, loan);
	spin_unlock(&lender->lending_lock);
	affected = settle(debt);
	spin_unlock(&debt->lock);
	return affected;
}

struct sched_entity *sched_loan_take_back(struct sched_loan *loan)
{
	struct sched_debt *debt = loan->debt;
	struct sched_entity *affected;

	spin_lock(&debt->lock);
	end_loan(debt, loan);
	affected = settle(debt);
	spin_unlock(&debt->lock);
	return affected;
}

struct sched_loan *sched_debt_next(struct sched_debt *debt)
{
	struct rbtree_node *first;

	spin_lock(&debt->lock);
	first = rbtree_first(&debt->turns);
	spin_unlock(&debt->lock);
	return first ? rbtree_entry(first, struct sched_loan, turn) : NULL;
}

void sched_debt_pass(struct sched_debt *debt, struct sched_loan *loan)
{
	bool taken;

	spin_lock(&debt->lock);
	ASSERT(loan->debt == debt && debt->debtor);
	clear_debtor(debt);
	end_loan(debt, loan);
	(void)settle(debt); // nobody's: only what is lent
	taken = set_debtor(debt, loan->lender);
	ASSERT(taken); // who waits has not begun to end
	spin_unlock(&debt->lock);
}

/* ---- chains ---- */

/* What it waits for, with both locks held; NULL: nothing, with none. */
static struct sched_debt *lock_wait(struct sched_entity *entity) NO_THREAD_SAFETY
{
	for (;;) {
		struct sched_loan *loan;

		spin_lock(&entity->lending_lock);
		loan = entity->loan;
		if (!loan) {
			spin_unlock(&entity->lending_lock);
			return NULL;
		}
		if (spin_try_lock(&loan->debt->lock)) {
			return loan->debt;
		}
		spin_unlock(&entity->lending_lock);
		arch_cpu_relax();
	}
}

/* What it lends is what it has. The next to be looked at, with a reference. */
static struct sched_entity *follow_one(struct sched_entity *entity) NO_THREAD_SAFETY
{
	struct sched_debt *debt = lock_wait(entity);
	struct sched_entity *affected = NULL;
	struct sched_standing now;
	struct sched_loan *loan;

	if (!debt) {
		return NULL;
	}
	loan = entity->loan;
	sched_get_standing(entity, &now);
	if (is_same(&now, &loan->standing)) {
		spin_unlock(&entity->lending_lock);
	} else {
		unlink_loan(debt, loan);
		if (now.realtime_priority != loan->standing.realtime_priority) {
			loan->order = ++debt->last_order;
		}
		loan->standing = now;
		link_loan(debt, loan);
		spin_unlock(&entity->lending_lock);
		affected = settle(debt);
	}
	spin_unlock(&debt->lock);
	return affected;
}

void sched_follow(struct sched_entity *entity)
{
	while (entity) {
		struct sched_entity *next = follow_one(entity);

		let_go(entity);
		entity = next;
	}
}

void sched_follow_from(struct sched_entity *entity)
{
	sched_follow(keep(entity));
}

/* Whom `entity` waits for, with a reference; NULL: nobody. *trace: what would differ if it were another wait. */
static struct sched_entity *waits_for(struct sched_entity *entity,
				      u64 *trace) NO_THREAD_SAFETY
{
	struct sched_debt *debt = lock_wait(entity);
	struct sched_entity *debtor;

	if (!debt) {
		return NULL;
	}
	*trace = hash_u64(*trace ^ (u64)(uintptr_t)entity) ^
		 ((u64)entity->waits << 32 | debt->changes);
	debtor = debt->debtor ? keep(debt->debtor) : NULL;
	spin_unlock(&entity->lending_lock);
	spin_unlock(&debt->lock);
	return debtor;
}

/*
 * From `start` along the chain. true: back to it. false: to its end, or round a ring of others, which is for one of them to find:
 * a mark is left behind at each power of two steps (Brent), so that going round comes by it.
 */
static bool leads_back(struct sched_entity *start, u64 *trace)
{
	struct sched_entity *mark = keep(start), *now = keep(start), *next;
	u64 steps = 0, limit = 1;
	bool back = false;

	*trace = 0;
	while ((next = waits_for(now, trace)) != NULL) {
		let_go(now);
		now = next;
		if (now == start || now == mark) {
			back = now == start;
			break;
		}
		if (++steps == limit) {
			let_go(mark);
			mark = keep(now);
			limit *= 2;
			steps = 0;
		}
	}
	let_go(now);
	let_go(mark);
	return back;
}

/* The steps of one walk are not of one moment. Two that found the same waits, none of them ended between: all were there after the first. */
bool sched_is_deadlocked(struct sched_entity *entity)
{
	u64 before, trace;

	if (!leads_back(entity, &trace)) {
		return false;
	}
	do {
		before = trace;
		if (!leads_back(entity, &trace)) {
			return false;
		}
	} while (trace != before);
	return true;
}

bool sched_has_debts(struct sched_entity *entity)
{
	bool any;

	spin_lock(&entity->lending_lock);
	any = rbtree_first(&entity->debts) != NULL;
	spin_unlock(&entity->lending_lock);
	return any;
}

/* ---- the end ---- */

static void set_closed(bool closed)
{
	struct sched_entity *self = sched_current();

	spin_lock(&self->lending_lock);
	self->takes_no_debts = closed;
	spin_unlock(&self->lending_lock);
}

void sched_debts_close(void)
{
	set_closed(true);
}

void sched_debts_open(void)
{
	set_closed(false);
}

struct sched_debt *sched_debts_first(void (*keep_debt)(struct sched_debt *debt))
{
	struct sched_entity *self = sched_current();
	struct sched_debt *debt = NULL;
	struct rbtree_node *first;

	spin_lock(&self->lending_lock);
	first = rbtree_first(&self->debts);
	if (first) {
		debt = rbtree_entry(first, struct sched_debt, node);
		keep_debt(debt);
	}
	spin_unlock(&self->lending_lock);
	return debt;
}

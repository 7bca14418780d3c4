// SPDX-License-Identifier: MIT
/*
 * Priority inheritance (F1): what a thread owes to those who wait for something it holds.
 *
 * A debt is one thing held, a loan is one thread that waits for it. Who waits lends its standing (policy, priority, nice value) to the
 * debtor, who acts by the most urgent of its own, that of its debts, and that lent by sched_lend(). A debtor that waits in turn
 * lends on what it has: threads and debts form chains, of any length.
 *
 * Every call that may change how urgent somebody is returns whom sched_follow() is due for: with a reference, NULL for nobody.
 * It takes a step of the chain at a time, and belongs where no lock is held.
 *
 * All of it: thread context; no lock of rank RANK_DEBT or behind it is held.
 */
#pragma once

#include "core/spinlock.h"
#include "sched/entity.h"

/* Something held and waited for. Part of its owner's object, which stays while there is a loan or a debtor. */
struct sched_debt {
	struct spinlock lock;        /* RANK_DEBT */
	struct sched_entity *debtor; /* lock; NULL: nobody */
	u32 changes;                 /* lock: how often the debtor changed */
	u64 last_order;              /* lock */
	struct rbtree loans;         /* lock: by how urgent they are */
	struct rbtree
		turns; /* lock: by deadline, real-time priority, then as they came */
	struct rbtree_node node;    /* debtor's lending_lock: in its debts */
	struct sched_standing lent; /* both locks: of the first loan */
};

/* A thread that waits, on its stack or wherever it stays until the loan is taken back or honoured. */
struct sched_loan {
	struct sched_entity *lender; /* I */
	struct sched_debt *debt;     /* debt.lock and lender's lending_lock; NULL: none */
	struct rbtree_node node, turn;
	struct sched_standing standing; /* debt.lock */
	u64 order;                      /* debt.lock */
};

/* With no debtor and no loan. */
void sched_debt_init(struct sched_debt *debt);
/* `debtor` holds it from now on; there is no loan. false: it takes no debts any more. */
bool sched_debt_begin(struct sched_debt *debt, struct sched_entity *debtor) must_check;
/* Nobody holds it; there is no loan. */
void sched_debt_end(struct sched_debt *debt);

/* `loan->lender`, which waits for nothing else, waits for `debt`. */
struct sched_entity *sched_loan_give(struct sched_debt *debt,
				     struct sched_loan *loan) must_check;
/* It does not wait any more. */
struct sched_entity *sched_loan_take_back(struct sched_loan *loan) must_check;
/* Whose turn it is; NULL: nobody waits. It stays as long as the caller sees to that. */
struct sched_loan *sched_debt_next(struct sched_debt *debt);
/* The lender of `loan` holds the debt's thing now, and the debtor owes nothing for it. Neither waits. */
void sched_debt_pass(struct sched_debt *debt, struct sched_loan *loan);

/* Consumes the reference: carry on what has changed to whom `entity` waits for, and so on. No lock held. */
void sched_follow(struct sched_entity *entity);
/* The same from a thread that the caller keeps. Who waits for a debt does so for itself whenever it has been woken: see sched_lend(). */
void sched_follow_from(struct sched_entity *entity);
/*
 * Does `entity` wait for a thread that waits … for `entity`? Exact: there was a moment at which all of the ring was there. Of the
 * threads that close one together at least one sees it. A reference keeps `entity`. No lock held.
 */
bool sched_is_deadlocked(struct sched_entity *entity);
/* Does anybody wait for it? A hint, unless nobody can begin to. */
bool sched_has_debts(struct sched_entity *entity);

/*
 * The running thread takes no debts any more (its end); debts it has stay. Or again. Between the two sched_debts_first() finds
 * them, until they have been passed on: keep(debt) takes a reference of the debt's owner, under the lock.
 */
void sched_debts_close(void);
void sched_debts_open(void);
struct sched_debt *sched_debts_first(void (*keep)(struct sched_debt *debt));

/* Installed by process/: what keeps a thread while its chain is followed. Kernel threads are never asked for. */
void sched_set_reference_hooks(void (*get)(struct sched_entity *entity),
			       void (*put)(struct sched_entity *entity));

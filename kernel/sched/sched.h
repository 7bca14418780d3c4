// SPDX-License-Identifier: MIT
/*
 * Scheduling: run queues, switch, sleep and wake-up (T2, D1, D3).
 */
#pragma once

#include "arch/cpu.h"
#include "sched/entity.h"

void sched_init(
	void); /* boot CPU: the running context becomes its idle thread; interrupts off */
void sched_start_cpus(
	void); /* start the others, sleeping while they come; boot, thread context (not the idle thread) */
/*
 * The boot context's last act, after it has started a kernel thread that goes on with
 * the boot: it idles.
 */
noreturn_ void sched_idle(void);

static inline struct sched_entity *sched_current(void)
{
	return (struct sched_entity *)arch_current();
}

/*
 * All defaults in one place: SCHED_OTHER, nice 0, every CPU. The state is
 * THREAD_CREATING.
 */
void sched_entity_init(struct sched_entity *entity, vaddr_t stack_top);
/* Inherit policy, nice, affinity, … (T10); SCHED_RESET_ON_FORK honoured. -EAGAIN: SCHED_DEADLINE is not inherited (sched(7)). */
int sched_entity_inherit(struct sched_entity *child,
			 const struct sched_entity *parent) must_check;
/* CREATING -> READY on a chosen CPU. */
void sched_start(struct sched_entity *entity);
/* The same, by a caller that sleeps next (vfork(2)): it takes the caller's place if nobody else waits for this CPU. */
void sched_start_and_sleep(struct sched_entity *entity);

/*
 * Going to sleep: sched_prepare_wait(state) first, then look at the condition, then
 * sched_block(), which returns at once if a wake-up came in between;
 * sched_finish_wait() ends it in any case. Wakers make the condition true, then
 * sched_wake(). sched_block() may also return for no reason (a preemption before the
 * sleep): always loop and look again. deadline: CLOCK_MONOTONIC, NSEC_NEVER for none; the thread's
 * timer slack may pass before the sleep ends.
 */
void sched_prepare_wait(enum thread_state state);
void sched_block(nsec_t deadline);
void sched_finish_wait(void);
/*
 * sched_block() until CLOCK_REALTIME says `when`, NSEC_NEVER: for ever. It also returns when that clock is set: the caller looks
 * again whether the moment has come.
 */
void sched_block_realtime(nsec_t when);
void sched_realtime_init(void); /* boot */
/*
 * sched_wake(to) and sched_block(NSEC_NEVER) in one: `to` takes over the caller's CPU if it sleeps and may run here, and nobody
 * who waits for this CPU comes before it. A reference keeps `to`.
 */
void sched_hand_over(struct sched_entity *to);
/* Does a pending break end a wait in `state`? Of the running thread. */
bool sched_break_pending(enum thread_state state);
/*
 * Wake it if it sleeps (or is about to) in one of these states; mask of (1u << enum
 * thread_state). true: it was woken. Any context.
 */
bool sched_wake_mask(struct sched_entity *entity, u32 state_mask);
#define WAKE_NORMAL                                               \
	((1u << THREAD_INTERRUPTIBLE) | (1u << THREAD_KILLABLE) | \
	 (1u << THREAD_UNINTERRUPTIBLE))
static inline bool sched_wake(struct sched_entity *entity)
{
	return sched_wake_mask(entity, WAKE_NORMAL);
}
/*
 * Set bits of `breaks`, wake it if its sleep can be broken by them, and make it come by
 * entry_user_return() if it runs in user mode on another CPU. Any context.
 */
void sched_break(struct sched_entity *entity, u32 breaks);
/* If it runs on another CPU: it passes the way back to user mode soon. Any context. */
void sched_nudge(struct sched_entity *entity);
void sched_clear_break(struct sched_entity *entity, u32 breaks);

void sched_yield_current(void);
void sched_reschedule(void); /* if due; preemption on */
/* Sleep till then; 0, -EINTR if a signal broke it. */
int sched_sleep_until(nsec_t deadline, enum thread_state state);

/*
 * The end of the running thread: state becomes `final` (ZOMBIE or DEAD) and never runs
 * again. The next thread on this CPU calls the hook with it once its stack is no longer
 * in use (T1): preemption off, interrupts on.
 */
noreturn_ void sched_exit(enum thread_state final);
void sched_set_exit_hook(void (*reap)(struct sched_entity *dead));

/*
 * The running thread uses another address space from now on (exec, exit): sets
 * entity.vm and loads it.
 */
void sched_use_vm(struct arch_vm *vm);

/*
 * On which of the CPUs `among` (a bit each) does a program run for which wanted() says
 * true? It is asked with the CPU's run queue locked, so `running` stays there and keeps
 * its address space that long. What a thread did before it left a CPU where it was
 * looked for is visible now; one that comes later sees what the caller did before.
 */
u64 sched_running_on(u64 among, bool (*wanted)(struct sched_entity *running, void *with),
		     void *with);

/* A kernel thread; never ends by itself unless entry returns. 0, -ENOMEM. */
int sched_kernel_thread(const char *name, void (*entry)(void *), void *argument,
			struct sched_entity **out);

/*
 * Policies (sched(7)). -EINVAL; -EPERM is the caller's business. SCHED_DEADLINE is
 * -EINVAL for sched_set_policy(). sched_set_affinity() returns when the thread no longer runs on a CPU outside
 * the mask (if called preemptible); -EINVAL if no CPU that runs is in it, -EBUSY if it is to keep a deadline thread from one.
 */
int sched_set_affinity(struct sched_entity *entity, const struct cpumask *mask);
void sched_get_affinity(struct sched_entity *entity, struct cpumask *mask);
int sched_set_policy(struct sched_entity *entity, unsigned policy, unsigned priority,
		     int nice, bool reset_on_fork);

/*
 * SCHED_DEADLINE, sched_setattr(2); a period of 0 is the deadline. -EINVAL: no such parameters. -EPERM: it may not run on every CPU.
 * -EBUSY: there is not so much CPU time left to promise. -ESRCH: it has ended.
 */
int sched_set_deadline(struct sched_entity *entity, const struct sched_deadline *asked,
		       int nice, bool reset_on_fork);
/* Could that be asked for, by who may? 0, -EINVAL. */
int sched_check_deadline(const struct sched_deadline *asked);
/* sched_rr_get_interval(2): how long one of this policy runs before its equals have their turn; 0: until it stops. */
nsec_t sched_slice(unsigned policy);
/* What it has asked for; meaningful if its own policy is SCHED_DEADLINE. */
void sched_get_deadline(struct sched_entity *entity, struct sched_deadline *out);
/* The nice value, whatever the policy; it counts when that is a fair one. -20 … 19. */
void sched_set_nice(struct sched_entity *entity, int nice);

/* sched(7), /proc/sys/kernel/sched_*: what deadline and real-time threads may use of a CPU, and which periods may be asked for. */
struct sched_limits {
	s64 period_us, runtime_us; /* -1: no limit, and nobody is refused */
	s64 deadline_period_min_us, deadline_period_max_us;
};
void sched_get_limits(struct sched_limits *out);
/* -EINVAL: makes no sense. -EBUSY: more has been promised already. Any context. */
int sched_set_limits(const struct sched_limits *limits);

/*
 * `to` works for `from`: until the running thread `to` calls sched_return_lent() it has from's policy and priority (or nice value) if
 * that is more urgent than what it has. sched_describe() and fork know only its own. Any context; references keep both.
 */
void sched_lend(struct sched_entity *to, const struct sched_entity *from);
void sched_return_lent(void);

/*
 * For RLIMIT_RTTIME: the CPU time since it last slept that it has been real-time for; -1: it is not. Any context; a reference keeps the entity.
 */
s64 sched_realtime_since_sleep(struct sched_entity *entity);
/* CPU time so far, ns, including the running stretch. */
void sched_cpu_time(struct sched_entity *entity, u64 *user_ns, u64 *system_ns);
/* What the scheduler knows of a thread, at one moment. Any context; a reference keeps the entity. */
struct sched_description {
	nsec_t started;         /* when it was last charged, CLOCK_MONOTONIC */
	u64 virtual_runtime_ns; /* in its run queue's clock */
	u64 runtime_ns;
	u64 switches_voluntary, switches_involuntary;
	u32 weight; /* 1024 at nice 0 */
	u8 policy;
	s8 nice;
	u8 realtime_priority;          /* 0: none */
	struct sched_standing acts_by; /* these three, or what it has inherited */
};
/* As proc(5) has it: -101 with a deadline, -2 … -100 real-time, 0 … 39 by nice value. */
int sched_priority_shown(const struct sched_standing *standing);
void sched_describe(struct sched_entity *entity, struct sched_description *out);
/*
 * Call visit(entity, context) if the thread sleeps, and keep it asleep meanwhile: its saved registers and its stack stay as they are.
 * false: it does not sleep. Any context; visit() runs with interrupts off and run_queue.lock held.
 */
bool sched_visit_sleeper(struct sched_entity *entity,
			 void (*visit)(struct sched_entity *entity, void *context),
			 void *context);
/*
 * Marks for the user/system split, of the running thread: sched_account_user(): it
 * returns to user mode now (interrupts off); sched_account_system(): it has entered the
 * kernel from user mode.
 */
void sched_account_user(void);
void sched_account_system(void);
/* For /proc/stat and loadavg. */
void sched_cpu_statistics(unsigned cpu, u64 *user_ns, u64 *system_ns, u64 *idle_ns);
void sched_load_average(u64 out[3]); /* fixed point, 11 bits */
unsigned sched_running_count(void);
u64 sched_switch_count(void);
/* How often another CPU has interrupted this one to have it look again; a moment ago. */
u64 sched_interrupt_count(unsigned cpu);

// SPDX-License-Identifier: MIT
/*
 * Time: the time stamp counter as the clock, the local APIC's timer as the alarm, the battery-backed clock for the date.
 *
 * Both frequencies are measured against the PIT's second channel, while the boot goes on, but for half a millisecond at least; at its
 * end the counter's again, over the boot's whole length. Each end of a measurement is the sample whose neighbouring counter readings
 * lie closest together, so that a virtual CPU that the host took away does not matter.
 *
 * A rate is never changed while somebody may read it: the refined one is written beside the first, and then pointed to.
 */
#include "arch/irq.h"
#include "arch/timer.h"
#include "arch/vdso.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "core/log.h"
#include "core/panic.h"

#define PIT_HZ        1193182UL
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61

#define MEASURE_TICKS 597 /* of the PIT: 0.5 ms */
#define REFINE_MAX \
	(5 * NSEC_PER_SEC) /* the first rate tells how often the PIT went round */
#define HYPERVISOR_APIC_HZ (1000000000UL / 16) /* we divide by 16 */

/* ns = (counter - base) * multiplier >> 32 */
struct rate {
	u64 base, multiplier;
};

static struct rate first_rate, refined_rate;
static _Atomic(const struct rate *) rate = &first_rate;
static u64 tsc_hz;
static u64 apic_multiplier; /* APIC ticks = ns * multiplier >> 32 */

struct sample {
	u64 tsc;
	u32 pit, apic;
};

static struct sample measure_start; /* of the PIT; its tsc is 0 without one */

static u32 pit_read(void)
{
	u32 low;

	port_write_8(PIT_COMMAND, 0x80); /* latch channel 2 */
	low = port_read_8(PIT_CHANNEL_2);
	return low | (u32)port_read_8(PIT_CHANNEL_2) << 8;
}

/* Has channel 2 counted to its end, and begun again? By the read-back command: not every machine has the gate's port. */
static bool pit_is_over(void)
{
	port_write_8(PIT_COMMAND, 0xe8);
	return port_read_8(PIT_CHANNEL_2) & 0x80;
}

static void pit_start(void)
{
	/* Gate on, speaker off; channel 2, mode 0, counting down from 65535. */
	port_write_8(PIT_GATE, (port_read_8(PIT_GATE) & ~3) | 1);
	port_write_8(PIT_COMMAND, 0xb0);
	port_write_8(PIT_CHANNEL_2, 0xff);
	port_write_8(PIT_CHANNEL_2, 0xff);
}

static struct sample take_sample(void)
{
	struct sample best = {0};
	u64 best_width = ~0UL;

	for (unsigned i = 0; i < 8; i++) {
		u64 before = read_tsc();
		struct sample now = {.pit = pit_read(), .apic = local_apic_timer_count()};
		u64 width = read_tsc() - before;

		if (width < best_width) {
			best_width = width;
			best = now;
			best.tsc = before + width / 2;
		}
	}
	return best;
}

/* a * b / c without overflow on the way. */
static u64 scale(u64 a, u64 b, u64 c)
{
	u64 whole = a / c, rest = a % c;

	return whole * b + rest * b / c;
}

void clock_begin(void)
{
	local_apic_timer_run_silent(~0u);
	pit_start();
	measure_start = take_sample();
}

/* From the beginning until now, or until enough time has gone by. */
static bool measure(u64 *apic_hz)
{
	struct sample first = measure_start, last;
	u64 patience = read_tsc() + (1UL << 28);
	u32 elapsed = 0;

	while (elapsed < MEASURE_TICKS && read_tsc() < patience) {
		elapsed = first.pit - pit_read();
	}
	last = take_sample();
	elapsed = first.pit - last.pit;
	if (elapsed < MEASURE_TICKS / 2 || pit_is_over()) {
		if (elapsed == 0) {
			measure_start.tsc = 0; /* there is none */
		}
		return false;
	}
	tsc_hz = scale(last.tsc - first.tsc, PIT_HZ, elapsed);
	*apic_hz = scale(first.apic - last.apic, PIT_HZ, elapsed);
	return true;
}

/* Again if a virtual machine stood still for as long as the PIT counts. */
static bool measure_patiently(u64 *apic_hz)
{
	if (measure(apic_hz)) {
		return true;
	}
	if (measure_start.tsc != 0) {
		clock_begin();
		if (measure(apic_hz)) {
			return true;
		}
	}
	measure_start.tsc = 0;
	return false;
}

/* Without a PIT (microvm,pit=off): hypervisors run the APIC's timer at 1 GHz. */
static void measure_by_apic(u64 apic_hz)
{
	struct sample first = take_sample(), last;
	u32 enough = (u32)(apic_hz * MEASURE_TICKS / PIT_HZ);

	while (first.apic - local_apic_timer_count() < enough) {
		__asm__ volatile("pause");
	}
	last = take_sample();
	tsc_hz = scale(last.tsc - first.tsc, apic_hz, first.apic - last.apic);
}

/* A frequency so close to a round one is that one: emulators like 1 GHz. */
static u64 round_frequency(u64 hz)
{
	u64 step = HYPERVISOR_APIC_HZ, near = (hz + step / 2) / step * step;
	u64 off = hz > near ? hz - near : near - hz;

	return near != 0 && off * 200 < near ? near : hz;
}

static u64 multiplier_of(u64 hz)
{
	return (1000000000UL << 32) / hz;
}

void clock_calibrate(void)
{
	u64 apic_hz = HYPERVISOR_APIC_HZ;

	if (!measure_patiently(&apic_hz)) {
		if (!cpu_features.hypervisor) {
			panic("clock: no PIT to measure the counter against");
		}
		measure_by_apic(apic_hz);
	}
	if (cpu_features.tsc_khz != 0) {
		tsc_hz = cpu_features.tsc_khz * 1000UL;
	}
	apic_hz = cpu_features.hypervisor ? round_frequency(apic_hz) : apic_hz;
	first_rate.multiplier = multiplier_of(tsc_hz);
	apic_multiplier = (apic_hz << 32) / 1000000000UL;
	log_info("clock: counter %llu kHz, timer %llu kHz",
		 (unsigned long long)tsc_hz / 1000, (unsigned long long)apic_hz / 1000);
}

void clock_start(void)
{
	first_rate.base = read_tsc();
}

static nsec_t rate_time(const struct rate *of, u64 tsc)
{
	return (nsec_t)(((unsigned __int128)(tsc - of->base) * of->multiplier) >> 32);
}

u64 arch_counter_read(void)
{
	return read_tsc();
}

nsec_t arch_counter_time(u64 units)
{
	const struct rate *of = atomic_load_explicit(&rate, memory_order_acquire);

	return (nsec_t)(((unsigned __int128)units * of->multiplier) >> 32);
}

nsec_t arch_clock_read(void)
{
	/* order.once: pairs with arch_clock_refine() */
	return rate_time(atomic_load_explicit(&rate, memory_order_acquire), read_tsc());
}

/* PIT ticks since the first sample: the counter shows their last 16 bits, the first rate the rest. */
static u64 pit_elapsed(const struct sample *now)
{
	u64 ticks = scale(now->tsc - measure_start.tsc, PIT_HZ, tsc_hz);
	u16 shown = (u16)(measure_start.pit - now->pit);

	return ticks + (u64)(s64)(s16)(shown - (u16)ticks);
}

void arch_clock_refine(void)
{
	struct sample now;
	u64 ticks;
	nsec_t time;

	if (measure_start.tsc == 0 || cpu_features.tsc_khz != 0 ||
	    arch_clock_read() > REFINE_MAX) {
		return;
	}
	now = take_sample();
	ticks = pit_elapsed(&now);
	if (ticks < MEASURE_TICKS) {
		return;
	}
	tsc_hz = scale(now.tsc - measure_start.tsc, PIT_HZ, ticks);
	/* Both rates show the same time now. */
	time = rate_time(&first_rate, now.tsc);
	refined_rate.multiplier = multiplier_of(tsc_hz);
	refined_rate.base = now.tsc - scale((u64)time, tsc_hz, 1000000000UL);
	/* order.once: pairs with arch_clock_read() and arch_vdso_fill() */
	atomic_store_explicit(&rate, &refined_rate, memory_order_release);
	log_info("clock: counter %llu kHz after %llu us",
		 (unsigned long long)tsc_hz / 1000,
		 (unsigned long long)time / NSEC_PER_USEC);
}

void arch_timer_set(nsec_t deadline)
{
	nsec_t now, length;
	u64 ticks;

	if (deadline == NSEC_NEVER) {
		local_apic_timer_start(0);
		return;
	}
	now = arch_clock_read();
	length = deadline > now ? deadline - now : 0;
	/* An early interrupt is no harm: it finds nothing due and sets the rest. */
	length = MIN(length, 60 * NSEC_PER_SEC);
	ticks = ((u64)length * apic_multiplier >> 32) + 1;
	local_apic_timer_start((u32)MIN(ticks, 0xffffffffUL));
}

void arch_delay(nsec_t length)
{
	nsec_t end = arch_clock_read() + length;

	while (arch_clock_read() < end) {
		__asm__ volatile("pause");
	}
}

void arch_vdso_fill(struct vdso_data *data)
{
	/* order.once: pairs with arch_clock_refine() */
	const struct rate *now = atomic_load_explicit(&rate, memory_order_acquire);

	data->counter_base = now->base;
	data->multiplier = now->multiplier;
	data->shift = 32;
	data->clock_usable = 1;
}

enum {
	RTC_SECONDS = 0,
	RTC_MINUTES = 2,
	RTC_HOURS = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11
};
enum { RTC_UPDATING = 0x80, RTC_BINARY = 4, RTC_24_HOURS = 2, RTC_AFTERNOON = 0x80 };

struct rtc_date {
	u8 second, minute, hour, day, month, year;
};

static u8 rtc_read(u8 at)
{
	port_write_8(0x70, at);
	return port_read_8(0x71);
}

static struct rtc_date rtc_date(void)
{
	for (unsigned spins = 0; spins < 100000 && rtc_read(RTC_A) & RTC_UPDATING;
	     spins++) {
	}
	return (struct rtc_date){rtc_read(RTC_SECONDS), rtc_read(RTC_MINUTES),
				 rtc_read(RTC_HOURS),   rtc_read(RTC_DAY),
				 rtc_read(RTC_MONTH),   rtc_read(RTC_YEAR)};
}

static u8 from_bcd(u8 value)
{
	return (u8)((value >> 4) * 10 + (value & 15));
}

/* Days from 1970-01-01 to the first of March of `year`, counting years from March. */
static s64 days_to(s64 year, s64 month, s64 day)
{
	year -= month <= 2;
	month = month <= 2 ? month + 9 : month - 3;
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 +
	       day - 1 - 719468;
}

nsec_t arch_clock_realtime_at_boot(void)
{
	struct rtc_date date = rtc_date(), again = rtc_date();
	u8 mode = rtc_read(RTC_B);
	bool afternoon;
	s64 seconds;

	if (again.second != date.second || again.minute != date.minute) {
		date = rtc_date(); /* it moved in between */
	}
	afternoon = (mode & RTC_24_HOURS) == 0 && date.hour & RTC_AFTERNOON;
	date.hour &= 0x7f;
	if ((mode & RTC_BINARY) == 0) {
		date = (struct rtc_date){from_bcd(date.second), from_bcd(date.minute),
					 from_bcd(date.hour),   from_bcd(date.day),
					 from_bcd(date.month),  from_bcd(date.year)};
	}
	if ((mode & RTC_24_HOURS) == 0) {
		date.hour = (u8)(date.hour % 12 + (afternoon ? 12 : 0));
	}
	if (date.month < 1 || date.month > 12) {
		return 0; /* there is no such clock */
	}
	seconds = days_to(2000 + date.year, date.month, date.day) * 86400;
	seconds += date.hour * 3600 + date.minute * 60 + date.second;
	return seconds * NSEC_PER_SEC - arch_clock_read();
}

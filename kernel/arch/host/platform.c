// SPDX-License-Identifier: MIT
/*
 * The rest of the contract: the end of the machine, random bytes, the log's sink, a
 * vDSO that is never used.
 */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "arch/vdso.h"
#include "core/log.h"
#include "host.h"
#include "host/machine.h"
#include "lib/errno.h"
#include <execinfo.h>
#include <stdio.h>

enum { BACKTRACE_MAX = 64 };

static void write_log(const char *text, size_t size)
{
	fwrite(text, 1, size, stderr);
}

__attribute__((constructor)) static void install_sink(void)
{
	log_set_sink(write_log);
	log_set_console_level(LOG_WARNING + 1);
}

noreturn_ void arch_machine_exit(unsigned status)
{
	if (status && host_machine.running) {
		printf("host: machine ends with status %u: seed %llu, %u CPUs\n", status,
		       (unsigned long long)host_machine.seed, host_machine.cpus);
	}
	host_end((int)status);
}

noreturn_ void arch_machine_reboot(void)
{
	host_end(HOST_FAILED);
}

size_t arch_entropy(void *to, size_t size)
{
	u8 *bytes = to;

	for (size_t i = 0; i < size; i++) {
		bytes[i] = (u8)host_random();
	}
	return size;
}

void arch_backtrace(u64 frame_pointer, void (*visit)(void *context, u64 address),
		    void *context)
{
	void *addresses[BACKTRACE_MAX];
	int count = backtrace(addresses, BACKTRACE_MAX);

	for (int i = 1; i < count; i++) {
		visit(context, (u64)addresses[i]);
	}
	backtrace_symbols_fd(addresses, count, 2);
}

const char *arch_machine_name(void)
{
	return "x86_64";
}

int arch_cpu_describe(unsigned cpu, char *to, size_t size)
{
	return snprintf(to, size, "model name\t: Heddle host port\n");
}

void arch_boot_late(void)
{
}

unsigned arch_platform_devices(struct platform_device *to, unsigned max)
{
	return 0;
}

int arch_irq_line_enable(unsigned line, bool level_triggered)
{
	return -EINVAL;
}

void arch_irq_line_disable(unsigned line)
{
}

nsec_t arch_clock_realtime_at_boot(void)
{
	return 1700000000ll * NSEC_PER_SEC;
}

const void *arch_vdso_image(size_t *size)
{
	static _Alignas(4096) const char image[4096];

	*size = sizeof(image);
	return image;
}

u64 arch_vdso_sigreturn_offset(void)
{
	return 0;
}

void arch_vdso_fill(struct vdso_data *data)
{
	data->clock_usable = 0;
}

u64 arch_hwcap(void)
{
	return 0;
}

u64 arch_hwcap2(void)
{
	return 0;
}

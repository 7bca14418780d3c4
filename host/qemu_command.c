// SPDX-License-Identifier: MIT
/*
 * Machine `microvm` with ACPI: the CPUs are in the MADT. The virtio-mmio slots are at fixed
 * places; which of them are in use is told to the kernel by virtio_mmio.device= words, since
 * QEMU does so only without ACPI (docs/decisions/0010-the-machine.md). The device tree of the
 * other architectures' machines has them all.
 */
#include "qemu_command.h"

#include "guest_files.h"
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_COUNT 24
#define SLOT_BASE  0xfeb00000u
#define SLOT_SIZE  0x200u
#define SLOT_IRQ \
	24 // first line of the second I/O APIC; QEMU raises its third instead, so slot 0 stays empty

static const char *const port_names[PORT_END] = {"serial", "control", "stdin",
						 "stdout", "stderr",  "terminal"};

static void add(struct qemu_command *command, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct qemu_command *command, const char *format, ...)
{
	va_list arguments;
	char *word = NULL;

	va_start(arguments, format);
	if (vasprintf(&word, format, arguments) < 0) {
		abort();
	}
	va_end(arguments);
	if (command->count == QEMU_WORDS_MAX) {
		abort(); // options.c bounds the number of shares
	}
	command->words[command->count++] = word;
	command->words[command->count] = NULL;
}

void qemu_command_free(struct qemu_command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		free(command->words[i]);
	}
}

/* A value inside a QEMU option: a comma is written twice. */
static void quote_commas(const char *path, char *out, size_t size)
{
	size_t length = 0;

	for (; *path && length + 3 < size; path++) {
		if (*path == ',') {
			out[length++] = ',';
		}
		out[length++] = *path;
	}
	out[length] = 0;
}

static void add_share(struct qemu_command *command, const char *tag, const char *path,
		      bool writable)
{
	char quoted[2 * PATH_MAX];

	quote_commas(path, quoted, sizeof quoted);
	add(command, "-fsdev");
	add(command, "local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag,
	    quoted, writable ? "" : ",readonly=on");
	add(command, "-device");
	add(command, "virtio-9p-device,fsdev=%s,mount_tag=%s", tag, tag);
	command->devices++;
}

static void add_ports(struct qemu_command *command, const int *sockets)
{
	add(command, "-chardev");
	add(command, "socket,id=serial,fd=%d", sockets[PORT_SERIAL]);
	add(command, "-serial");
	add(command, "chardev:serial");
	add(command, "-device");
	add(command, "virtio-serial-device,max_ports=8");
	command->devices++;
	for (int port = PORT_CONTROL; port < PORT_END; port++) {
		add(command, "-chardev");
		add(command, "socket,id=%s,fd=%d", port_names[port], sockets[port]);
		add(command, "-device");
		add(command, "virtserialport,nr=%d,chardev=%s,name=heddle.%s", port,
		    port_names[port], port_names[port]);
	}
}

/* QEMU fills the slots from the last one down. */
static void add_slots(const struct qemu_command *command, char *words, size_t size)
{
	size_t length = 0;

	for (unsigned i = 1; i <= command->devices; i++) {
		unsigned slot = SLOT_COUNT - i;
		length += snprintf(words + length, size - length,
				   " virtio_mmio.device=%u@0x%x:%u", SLOT_SIZE,
				   SLOT_BASE + slot * SLOT_SIZE, SLOT_IRQ + slot);
	}
}

static void add_kernel(struct qemu_command *command, const struct options *options,
		       const char *kernel, int initramfs)
{
	char words[4096];
	int length = snprintf(words, sizeof words, "console=ttyS0 panic=-1%s%s",
			      message_loudness() == VERBOSE ? "" : " quiet",
			      options->pack ? " heddle.missing" : "");

	if (options->architecture->tell_slots) {
		add_slots(command, words + length, sizeof words - length);
	}
	add(command, "-kernel");
	add(command, "%s", kernel);
	add(command, "-initrd");
	add(command, "/proc/self/fd/%d", initramfs);
	add(command, "-append");
	add(command, "%s%s%s", words, options->append ? " " : "",
	    options->append ? options->append : "");
}

static void add_machine(struct qemu_command *command, const struct options *options,
			const char *accel)
{
	static const char *const fixed[] = {
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-display",
		"none",
		"-global",
		"virtio-mmio.force-legacy=false",
	};
	const struct architecture *architecture = options->architecture;

	for (const char *const *word = architecture->machine; *word; word++) {
		add(command, "%s", *word);
	}
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		add(command, "%s", fixed[i]);
	}
	add(command, "-accel");
	add(command, "%s", accel);
	add(command, "-cpu");
	add(command, "%s", strcmp(accel, "kvm") ? architecture->cpu : "host");
	add(command, "-smp");
	add(command, "%u", options->cpus);
	add(command, "-m");
	add(command, "%uM", options->memory_mib);
}

void qemu_command_build(struct qemu_command *command, const struct options *options,
			const struct machine_files *files, const char *accel,
			const int *sockets, int initramfs, int gate)
{
	add(command, "%s", files->qemu);
	add_machine(command, options, accel);
	if (gate >= 0) { // a pipe: its end is an empty file of settings
		add(command, "-readconfig");
		add(command, "/proc/self/fd/%d", gate);
	}
	add_ports(command, sockets);
	if (!options->pack) {
		add_share(command, ROOT_TAG, options->root, false);
	}
	for (size_t i = 0; i < options->share_count; i++) {
		char tag[32];
		snprintf(tag, sizeof tag, SHARE_TAG_FORMAT, i);
		add_share(command, tag, options->shares[i].source,
			  options->shares[i].writable);
	}
	add_kernel(command, options, files->kernel, initramfs);
}

static void print_quoted(const char *word)
{
	if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-+=./:,@%") == strlen(word)) {
		printf("%s", word);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'') {
			printf("'\\''");
		} else {
			putchar(*word);
		}
	}
	putchar('\'');
}

void qemu_command_print(const struct qemu_command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		printf("%s", i ? " " : "");
		print_quoted(command->words[i]);
	}
	putchar('\n');
}

// SPDX-License-Identifier: MIT
/*
 * heddle: run a Linux program on the Heddle kernel in a virtual machine.
 */
#include "accel.h"
#include "checkout.h"
#include "doctor.h"
#include "guest_files.h"
#include "machine.h"
#include "message.h"
#include "program_file.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VERSION "0.1"

/*
 * 0, 1 and 2 are always open, so that no descriptor of ours is taken for a stream. What was closed fails
 * as it would: the input cannot be read, the outputs cannot be written.
 */
static void open_streams(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0) {
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
		}
	}
}

static char **all_arguments;

/* The checkout is built first, and then all begins anew. */
static void build_and_run(const struct options *options, struct outcome *outcome)
{
	int error = checkout_build_and_run(options->architecture, all_arguments);

	outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
		    "cannot run the checkout's script: %s", strerror(-error));
}

static void rebuild_if_stale(const struct options *options, struct machine *machine,
			     struct outcome *outcome)
{
	if (checkout_is_stale(options->architecture)) {
		machine_stop(machine);
		build_and_run(options, outcome);
	}
}

static void start_and_serve(const struct options *options,
			    const struct machine_files *files,
			    struct terminal_use *terminal, struct outcome *outcome)
{
	struct machine machine = {0};

	int initramfs = memfd_create("heddle-initramfs", MFD_CLOEXEC);
	if (initramfs < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "initramfs: %s",
			    strerror(errno));
		return;
	}
	if (options->dry_run) {
		rebuild_if_stale(options, &machine, outcome);
		if (guest_files_build(options, terminal, files->init, initramfs,
				      outcome) == 0) {
			machine_print(options, files, outcome->accel);
			outcome_set(outcome, OUTCOME_EXITED, 0, NULL);
		}
		return;
	}
	int result = machine_start(&machine, options, files, outcome->accel, initramfs);
	if (result < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "cannot start QEMU: %s", strerror(-result));
		return;
	}
	rebuild_if_stale(options, &machine, outcome); // QEMU starts meanwhile
	result = guest_files_build(options, terminal, files->init, initramfs, outcome);
	if (result < 0) {
		machine_stop(&machine);
		return;
	}
	machine_release(&machine);
	session_run(&machine, options, terminal, outcome);
}

/* Without --arch it is the program's, else this machine's. Returns false with the outcome set if it has no room for all shares. */
static bool choose_architecture(struct options *options, struct outcome *outcome)
{
	size_t devices = options->share_count + (options->pack ? 1 : 2);

	if (!options->architecture) {
		options->architecture = program_architecture(options);
	}
	if (!options->architecture) {
		options->architecture = architecture_of_host();
	}
	if (devices > options->architecture->devices) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "too many shares: the %s machine has room for %zu",
			    options->architecture->name,
			    options->architecture->devices -
				    (devices - options->share_count));
		return false;
	}
	return true;
}

static void find_and_run(const struct options *options, struct outcome *outcome)
{
	static struct machine_files files;
	struct terminal_use terminal;
	char missing[PATH_MAX + 64];

	terminal_look(&terminal);
	if (machine_find_files(options, &files, missing, sizeof missing) < 0) {
		if (checkout_can_build(options->architecture)) {
			build_and_run(options, outcome);
		}
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "%s", missing);
		return;
	}
	outcome->accel =
		accel_choose(options->accel, options->architecture, files.qemu,
			     outcome->accel_reason, sizeof outcome->accel_reason);
	if (!outcome->accel) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "%s",
			    outcome->accel_reason);
		return;
	}
	say_detail("acceleration %s: %s", outcome->accel, outcome->accel_reason);
	start_and_serve(options, &files, &terminal, outcome);
}

static int run(int count, char **arguments)
{
	static struct options options;
	static struct outcome outcome;

	outcome.start_seconds = now_seconds();
	if (options_parse(&options, count, arguments) < 0) {
		return STATUS_FAILED;
	}
	if (outcome_can_report(&outcome, &options) &&
	    choose_architecture(&options, &outcome) &&
	    program_check(&options, &outcome) == 0) {
		find_and_run(&options, &outcome);
	}
	outcome_report(&outcome, &options);
	return outcome.status;
}

/* Words behind a command that takes none. */
static int surplus(const char *command, const char *word)
{
	static const char *const commands[] = {"doctor", "version", "--version",
					       "help",   "--help",  "-h"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!strcmp(command, commands[i])) {
			say_error("%s takes nothing more: %s (see: heddle help)", command,
				  word);
			return STATUS_FAILED;
		}
	}
	say_error("unknown command %s (see: heddle help)", command);
	return STATUS_FAILED;
}

int main(int count, char **arguments)
{
	const char *command = count > 1 ? arguments[1] : "help";

	all_arguments = arguments;
	open_streams();
	if (!strcmp(command, "run") || !strcmp(command, "shell")) {
		return run(count - 1, arguments + 1);
	}
	if (count > 2) {
		return surplus(command, arguments[2]);
	}
	if (!strcmp(command, "doctor")) {
		return doctor_run();
	}
	if (!strcmp(command, "version") || !strcmp(command, "--version")) {
		puts("heddle " VERSION);
		return 0;
	}
	if (!strcmp(command, "help") || !strcmp(command, "--help") ||
	    !strcmp(command, "-h")) {
		options_print_help();
		return count > 1 ? 0 : STATUS_FAILED;
	}
	say_error("unknown command %s (see: heddle help)", command);
	return STATUS_FAILED;
}

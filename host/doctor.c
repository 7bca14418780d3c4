// SPDX-License-Identifier: MIT
#include "doctor.h"

#include "accel.h"
#include "machine.h"
#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Something that must or may be on the host. */
struct item {
	const char *name;
	const char *path;    // absolute, or a command along PATH
	const char *package; // of Debian
	bool needed;         // else only developers want it
	const char *purpose;
};

static const struct item items[] = {
	{"gcc", "gcc", "gcc", true, "builds the kernel and the command"},
	{"make", "make", "make", true, "builds"},
	{"C library headers", "/usr/include/stdio.h", "libc6-dev", true,
	 "builds the command"},
	{"libarchive headers", "/usr/include/archive.h", "libarchive-dev", true,
	 "builds the command"},
	{"json-c headers", "/usr/include/json-c/json.h", "libjson-c-dev", true,
	 "builds the command"},
	{"musl-gcc", "musl-gcc", "musl-tools", false, "makes guest/init smaller"},
	{"clang 22", "clang-22", "clang-22", false, "make check"},
	{"clang-format 22", "clang-format-22", "clang-format-22", false, "make check"},
	{"gdb", "gdb", "gdb", false, "debugging the kernel"},
};

static bool on_path(const char *name)
{
	const char *search = getenv("PATH");
	char path[PATH_MAX];

	for (search = search ? search : "/usr/bin:/bin"; *search;) {
		int length = strcspn(search, ":");
		snprintf(path, sizeof path, "%.*s/%s", length, search, name);
		if (access(path, X_OK) == 0) {
			return true;
		}
		search += length + (search[length] == ':');
	}
	return false;
}

static void show(bool there, bool needed, const char *name, const char *text)
{
	printf("%-8s %-20s %s\n",
	       there    ? "ok"
	       : needed ? "MISSING"
			: "absent",
	       name, text);
}

static bool check_items(char *needed, char *wanted, size_t size)
{
	bool all = true;

	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		const struct item *item = &items[i];
		bool there = item->path[0] == '/' ? access(item->path, R_OK) == 0
						  : on_path(item->path);
		show(there, item->needed, item->name, item->purpose);
		if (!there) {
			char *list = item->needed ? needed : wanted;
			snprintf(list + strlen(list), size - strlen(list), " %s",
				 item->package);
			all = all && !item->needed;
		}
	}
	return all;
}

/* Lists of packages, each with a blank in front. */
struct packages {
	char needed[1024];
	char wanted[1024];
};

static void add_package(char *list, const char *packages)
{
	size_t length = strlen(list);

	snprintf(list + length, sizeof((struct packages *)0)->needed - length, " %s",
		 packages);
}

/* The compiler for it, and the C library that goes with that. */
static bool can_build(const struct architecture *architecture)
{
	char header[128];

	snprintf(header, sizeof header, "/usr/%s-linux-gnu/include/stdio.h",
		 architecture->name);
	return on_path(architecture->compiler) && access(header, R_OK) == 0;
}

/* Can guests of another architecture be built and run here? It is no fault if not. */
static void check_foreign(const struct architecture *architecture,
			  struct packages *packages)
{
	char text[PATH_MAX + 300], qemu[PATH_MAX], reason[200];
	bool emulator = machine_find_qemu(architecture, qemu) == 0;
	bool compiler = can_build(architecture);

	if (!emulator) {
		add_package(packages->wanted, architecture->qemu_package);
	}
	if (!compiler) {
		add_package(packages->wanted, architecture->compiler_packages);
	}
	if (emulator && compiler) {
		const char *accel = accel_choose(ACCEL_AUTO, architecture, qemu, reason,
						 sizeof reason);
		snprintf(text, sizeof text, "guests run on %s, by %s",
			 accel ? accel : reason, qemu);
	} else {
		snprintf(text, sizeof text, "no guests: no %s%s%s",
			 emulator ? "" : architecture->qemu,
			 emulator || compiler ? "" : ", no ",
			 compiler ? "" : architecture->compiler_packages);
	}
	show(emulator && compiler, false, architecture->name, text);
}

static void check_acceleration(const struct architecture *architecture, const char *qemu)
{
	char reason[200];
	const char *accel =
		accel_choose(ACCEL_AUTO, architecture, qemu, reason, sizeof reason);

	printf("%-8s %-20s %s: %s\n", accel ? "ok" : "MISSING", "acceleration",
	       accel ? accel : "none", reason);
}

/* What programs of this machine's own architecture need. */
static bool check_native(struct packages *packages)
{
	struct options options = {.architecture = architecture_of_host()};
	char missing[PATH_MAX + 64] = "";
	struct machine_files files;

	bool qemu = machine_find_qemu(options.architecture, files.qemu) == 0;
	show(qemu, true, "QEMU", qemu ? files.qemu : "the virtual machine");
	if (!qemu) {
		add_package(packages->needed, options.architecture->qemu_package);
	}
	bool all = check_items(packages->needed, packages->wanted,
			       sizeof packages->needed) &&
		   qemu;
	if (qemu) {
		check_acceleration(options.architecture, files.qemu);
		bool built = machine_find_files(&options, &files, missing,
						sizeof missing) == 0;
		show(built, true, "kernel and init", built ? files.kernel : missing);
		all = all && built;
	}
	return all;
}

int doctor_run(void)
{
	static struct packages packages;
	bool all = check_native(&packages);

	for (unsigned i = 0; architecture_at(i); i++) {
		if (!architecture_is_native(architecture_at(i))) {
			check_foreign(architecture_at(i), &packages);
		}
	}
	if (*packages.needed) {
		printf("\ninstall what is missing:   %sapt-get install -y%s\n",
		       geteuid() ? "sudo " : "", packages.needed);
	}
	if (*packages.wanted) {
		printf("\nfor developers:            %sapt-get install -y%s\n",
		       geteuid() ? "sudo " : "", packages.wanted);
	}
	return all ? 0 : STATUS_FAILED;
}

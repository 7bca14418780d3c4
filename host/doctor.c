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

static void check_acceleration(const char *qemu)
{
	char reason[200];
	const char *accel = accel_choose(ACCEL_AUTO, qemu, reason, sizeof reason);

	printf("%-8s %-20s %s: %s\n", "ok", "acceleration", accel, reason);
}

int doctor_run(void)
{
	char needed[1024] = "", wanted[1024] = "", missing[PATH_MAX + 64] = "";
	struct options options = {0};
	struct machine_files files;

	bool qemu = machine_find_qemu(files.qemu) == 0;
	show(qemu, true, "QEMU", qemu ? files.qemu : "the virtual machine");
	if (!qemu) {
		strcat(needed, " qemu-system-x86");
	}
	bool all = check_items(needed, wanted, sizeof needed) && qemu;
	if (qemu) {
		check_acceleration(files.qemu);
		bool built = machine_find_files(&options, &files, missing,
						sizeof missing) == 0;
		show(built, true, "kernel and init", built ? files.kernel : missing);
		all = all && built;
	}
	if (*needed) {
		printf("\ninstall what is missing:   %sapt-get install -y%s\n",
		       geteuid() ? "sudo " : "", needed);
	}
	if (*wanted) {
		printf("\nfor developers:            %sapt-get install -y%s\n",
		       geteuid() ? "sudo " : "", wanted);
	}
	return all ? 0 : STATUS_FAILED;
}

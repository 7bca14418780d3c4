// SPDX-License-Identifier: MIT
/*
 * Below a share's place the guest sees the share, elsewhere its root. A name without a slash may be in a share
 * that stands in the program's PATH: that is left to the guest.
 */
#include "program_file.h"

#include "../guest/elf_check.h"
#include "tree.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define MAX_SCRIPT_DEPTH 4

/* The share whose place `path` is below: of several the last that is shown there. */
static const struct share_option *share_of(const struct options *options,
					   const char *path)
{
	const struct share_option *found = NULL;

	for (size_t i = 0; i < options->share_count; i++) {
		const char *place = options->shares[i].place;
		size_t length = strlen(place);
		if (!strncmp(path, place, length) &&
		    (!path[length] || path[length] == '/')) {
			found = &options->shares[i];
		}
	}
	return found;
}

const char *program_search_path(const struct options *options)
{
	const char *path = options_variable(options, "PATH");

	return path && *path ? path : DEFAULT_PATH;
}

int program_find(const struct options *options, char path[PATH_MAX],
		 struct outcome *outcome)
{
	const char *name = options->arguments[0];
	int result = tree_find_program(options->root, options->directory,
				       program_search_path(options), name, path);

	if (result == -ENOENT) {
		outcome_set(outcome, OUTCOME_NOT_FOUND, STATUS_NOT_FOUND, "%s: not found",
			    name);
	} else if (result < 0) {
		outcome_set(outcome, OUTCOME_NOT_EXECUTABLE, STATUS_NOT_EXECUTABLE,
			    "%s: not an executable file", name);
	}
	return result;
}

/* Look at the file that is at `path` in the guest. Returns false if it is not there or may not be read. */
static bool look_at(const struct options *options, const char *path, unsigned machine,
		    struct program_check *check)
{
	const struct share_option *share = options->pack ? NULL : share_of(options, path);
	const char *root = share ? share->source : options->root;
	char resolved[PATH_MAX], host[PATH_MAX];

	path += share ? strlen(share->place) : 0;
	if (tree_walk(root, path, resolved, NULL, NULL) < 0) {
		return false;
	}
	tree_host_path(root, resolved, host);
	int fd = open(host, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	program_check_file(fd, machine, check);
	close(fd);
	return true;
}

const struct architecture *program_architecture(const struct options *options)
{
	static struct program_check check;
	const char *name = options->arguments[0];
	char path[PATH_MAX];

	if (strchr(name, '/')) {
		snprintf(path, sizeof path, "%s%s%s",
			 *name == '/' ? "" : options->directory, *name == '/' ? "" : "/",
			 name);
	} else if (tree_find_program(options->root, options->directory,
				     program_search_path(options), name, path) < 0) {
		return NULL;
	}
	for (int depth = 0; depth <= MAX_SCRIPT_DEPTH; depth++) {
		if (!look_at(options, path, EM_NONE, &check) ||
		    check.kind == PROGRAM_BAD) {
			return NULL;
		}
		if (check.kind == PROGRAM_ELF) {
			return architecture_of_machine(check.machine);
		}
		snprintf(path, sizeof path, "%s", check.interpreter);
	}
	return NULL;
}

int program_check(const struct options *options, struct outcome *outcome)
{
	static struct program_check check;
	char path[PATH_MAX];

	if (options->share_count && !options->pack) {
		if (!strchr(options->arguments[0], '/') ||
		    share_of(options, options->directory) ||
		    share_of(options, options->arguments[0])) {
			return 0; // a share may cover it: init finds out
		}
	}
	int result = program_find(options, path, outcome);
	if (result < 0) {
		return result;
	}
	if (look_at(options, path, options->architecture->elf_machine, &check) &&
	    check.kind == PROGRAM_BAD) {
		outcome_set(outcome, OUTCOME_NOT_EXECUTABLE, STATUS_NOT_EXECUTABLE,
			    "%s: %s", options->arguments[0], check.why);
		return -ENOEXEC;
	}
	return 0;
}

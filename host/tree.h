// SPDX-License-Identifier: MIT
/*
 * Paths as the guest will see them: under a root directory, links followed inside it.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

/* Called for each component once resolved: directories, links (target set) and the end. */
typedef void tree_visit(void *context, const char *path, const struct stat *status,
			const char *target);

/*
 * Resolve absolute `path` under `root`. `resolved` gets the path without links, as seen in the
 * guest. visit may be NULL. Returns 0 or a negative errno.
 */
int tree_walk(const char *root, const char *path, char resolved[PATH_MAX],
	      tree_visit *visit, void *context);

/* The same place as a path on the host. */
void tree_host_path(const char *root, const char *path, char out[PATH_MAX]);

/*
 * Find a program as the guest would: a name with a slash from `directory`, others along
 * `search`. Returns 0 with its absolute path, -ENOENT, or -EACCES if only files that cannot be
 * executed were found.
 */
int tree_find_program(const char *root, const char *directory, const char *search,
		      const char *name, char out[PATH_MAX]);

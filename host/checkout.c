// SPDX-License-Identifier: MIT
/*
 * The look at some five hundred files takes a millisecond, in which QEMU starts.
 */
#include "checkout.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sources[] = {"kernel", "host", "guest", "tools/make",
				      "Makefile"};

enum { SOURCE_COUNT = sizeof sources / sizeof sources[0] };

static bool is_newer(const struct timespec *time, const struct timespec *than)
{
	return time->tv_sec > than->tv_sec ||
	       (time->tv_sec == than->tv_sec && time->tv_nsec > than->tv_nsec);
}

static bool counts(const FTSENT *entry)
{
	return entry->fts_info != FTS_D && entry->fts_info != FTS_DP &&
	       entry->fts_name[0] != '.' && entry->fts_namelen > 0 &&
	       entry->fts_name[entry->fts_namelen - 1] != '~';
}

static bool any_newer(char *const *paths, const struct timespec *built)
{
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	bool found = !tree;

	while (!found && (entry = fts_read(tree))) {
		found = counts(entry) &&
			(entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR ||
			 is_newer(&entry->fts_statp->st_mtim, built));
	}
	if (tree) {
		fts_close(tree);
	}
	return found;
}

bool checkout_can_build(const struct architecture *architecture)
{
	const char *built = getenv("HEDDLE_BUILT");
	char word[32];

	snprintf(word, sizeof word, " %s ", architecture->name);
	return getenv("HEDDLE_CHECKOUT") && !(built && strstr(built, word));
}

bool checkout_is_stale(const struct architecture *architecture)
{
	const char *top = getenv("HEDDLE_CHECKOUT");
	char paths[SOURCE_COUNT][PATH_MAX], stamp[PATH_MAX];
	char *list[SOURCE_COUNT + 1] = {0};
	struct stat built;

	if (!checkout_can_build(architecture)) {
		return false;
	}
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%s", top, sources[i]);
		list[i] = paths[i];
	}
	snprintf(stamp, sizeof stamp, "%s/build/%s/.up-to-date", top, architecture->name);
	return stat(stamp, &built) < 0 || any_newer(list, &built.st_mtim);
}

int checkout_build_and_run(const struct architecture *architecture, char **arguments)
{
	char script[PATH_MAX];

	snprintf(script, sizeof script, "%s/heddle", getenv("HEDDLE_CHECKOUT"));
	setenv("HEDDLE_STALE", architecture->name, 1);
	execv(script, arguments);
	return -errno;
}

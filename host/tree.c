// SPDX-License-Identifier: MIT
/*
 * The walk keeps two texts: what is resolved, and what is still to walk. A link's target is
 * put in front of the rest, so links never lead out of the root.
 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40

void tree_host_path(const char *root, const char *path, char out[PATH_MAX])
{
	if (snprintf(out, PATH_MAX, "%s%s", strcmp(root, "/") ? root : "", path) >=
	    PATH_MAX) {
		out[0] = 0; // no such path: open says ENOENT
	}
}

static void go_up(char *resolved)
{
	char *slash = strrchr(resolved, '/');

	if (slash) {
		*slash = 0;
	}
}

/* Put a link's target before the rest of the path. */
static int splice(char *rest, const char *target)
{
	char longer[PATH_MAX];

	if (snprintf(longer, sizeof longer, "%s%s%s", target, *rest ? "/" : "", rest) >=
	    (int)sizeof longer) {
		return -ENAMETOOLONG;
	}
	strcpy(rest, longer);
	return 0;
}

static int step(const char *root, char *resolved, char *rest, int *links,
		tree_visit *visit, void *context)
{
	char host[PATH_MAX], target[PATH_MAX];
	struct stat status;

	tree_host_path(root, resolved, host);
	if (lstat(host, &status) < 0) {
		return -errno;
	}
	if (!S_ISLNK(status.st_mode)) {
		if (*rest && !S_ISDIR(status.st_mode)) {
			return -ENOTDIR;
		}
		if (visit) {
			visit(context, resolved, &status, NULL);
		}
		return 0;
	}
	ssize_t length = readlink(host, target, sizeof target - 1);
	if (length < 0) {
		return -errno;
	}
	target[length] = 0;
	if (++*links > MAX_LINKS) {
		return -ELOOP;
	}
	if (visit) {
		visit(context, resolved, &status, target);
	}
	go_up(resolved);
	if (target[0] == '/') {
		resolved[0] = 0;
	}
	return splice(rest, target);
}

int tree_walk(const char *root, const char *path, char resolved[PATH_MAX],
	      tree_visit *visit, void *context)
{
	char rest[PATH_MAX], name[NAME_MAX + 1];
	int links = 0;

	if (snprintf(rest, sizeof rest, "%s", path) >= (int)sizeof rest) {
		return -ENAMETOOLONG;
	}
	resolved[0] = 0;
	for (;;) {
		size_t skip = strspn(rest, "/");
		size_t length = strcspn(rest + skip, "/");
		if (!length) {
			break;
		}
		if (length > NAME_MAX) {
			return -ENAMETOOLONG;
		}
		memcpy(name, rest + skip, length);
		name[length] = 0;
		memmove(rest, rest + skip + length, strlen(rest + skip + length) + 1);
		if (!strcmp(name, ".")) {
			continue;
		}
		if (!strcmp(name, "..")) {
			go_up(resolved);
			continue;
		}
		if (strlen(resolved) + length + 2 > PATH_MAX) {
			return -ENAMETOOLONG;
		}
		strcat(strcat(resolved, "/"), name);
		int result = step(root, resolved, rest, &links, visit, context);
		if (result < 0) {
			return result;
		}
	}
	if (!*resolved) {
		strcpy(resolved, "/");
	}
	return 0;
}

static int try_program(const char *root, const char *path)
{
	char resolved[PATH_MAX], host[PATH_MAX];
	struct stat status;

	int result = tree_walk(root, path, resolved, NULL, NULL);
	if (result < 0) {
		return result == -EACCES ? -EACCES : -ENOENT;
	}
	tree_host_path(root, resolved, host);
	if (stat(host, &status) < 0) {
		return -ENOENT;
	}
	return S_ISREG(status.st_mode) && (status.st_mode & 0111) ? 0 : -EACCES;
}

int tree_find_program(const char *root, const char *directory, const char *search,
		      const char *name, char out[PATH_MAX])
{
	int result = -ENOENT;

	if (strchr(name, '/')) {
		snprintf(out, PATH_MAX, "%s%s%s", *name == '/' ? "" : directory,
			 *name == '/' ? "" : "/", name);
		return try_program(root, out);
	}
	for (;; search++) {
		int length = strcspn(search, ":");
		const char *base = *search == '/' ? "" : directory;
		snprintf(out, PATH_MAX, "%s%s%.*s/%s", base, *base ? "/" : "", length,
			 search, name);
		int tried = try_program(root, out);
		if (!tried) {
			return 0;
		}
		result = tried == -EACCES ? tried : result;
		search += length;
		if (!*search) {
			return result;
		}
	}
}

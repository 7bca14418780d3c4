// SPDX-License-Identifier: MIT
/*
 * Libraries are looked for as the loaders do it: DT_RPATH of the file (and of the program)
 * unless it has DT_RUNPATH, LD_LIBRARY_PATH is ignored, DT_RUNPATH, glibc's cache, the usual
 * directories. Each path is added with the directories and links that lead to it.
 */
#include "pack.h"

#include "../guest/elf_check.h"
#include "elf_needs.h"
#include "library_cache.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SCRIPT_DEPTH 4
#define MAX_DEPTH        32

static const char usual_directories[] =
	"/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu:"
	"/usr/lib/aarch64-linux-gnu:/lib/riscv64-linux-gnu:/usr/lib/riscv64-linux-gnu:"
	"/lib64:/usr/lib64:/lib:/usr/local/lib:/usr/lib";

/* State of one pack_program. */
struct search {
	struct pack *pack;
	struct library_cache cache;
	const char *program_rpath; // DT_RPATH of the program: its libraries inherit it
	const char *program_path;
	int depth;
};

static bool remember(struct pack *pack, const char *path)
{
	for (size_t i = 0; i < pack->added_count; i++) {
		if (!strcmp(pack->added[i], path)) {
			return false;
		}
	}
	if (pack->added_count == pack->added_room) {
		size_t room = pack->added_room ? 2 * pack->added_room : 64;
		char **longer = realloc(pack->added, room * sizeof *longer);
		if (!longer) {
			return true; // twice in the archive is harmless
		}
		pack->added = longer;
		pack->added_room = room;
	}
	pack->added[pack->added_count++] = strdup(path);
	return true;
}

static void add_visited(void *context, const char *path, const struct stat *status,
			const char *target)
{
	struct pack *pack = context;
	char host[PATH_MAX];

	if (!remember(pack, path)) {
		return;
	}
	if (target) {
		initramfs_add_link(pack->archive, path, target);
	} else if (S_ISDIR(status->st_mode)) {
		initramfs_add_directory(pack->archive, path, status->st_mode);
	} else if (S_ISREG(status->st_mode)) {
		tree_host_path(pack->root, path, host);
		if (initramfs_add_file(pack->archive, path, host, status->st_mode) == 0) {
			pack->bytes += status->st_size;
		}
	}
}

static bool is_added(const struct pack *pack, const char *path)
{
	for (size_t i = 0; i < pack->added_count; i++) {
		if (!strcmp(pack->added[i], path)) {
			return true;
		}
	}
	return false;
}

/* $ORIGIN and ${ORIGIN} are the directory of the file that asks. */
static void expand(const char *directory, int length, const char *origin,
		   char out[PATH_MAX])
{
	const char *slash = strrchr(origin, '/');
	int origin_length = slash ? (int)(slash - origin) : 0;
	size_t skip = 0;

	if (length >= 7 && !strncmp(directory, "$ORIGIN", 7)) {
		skip = 7;
	} else if (length >= 9 && !strncmp(directory, "${ORIGIN}", 9)) {
		skip = 9;
	}
	snprintf(out, PATH_MAX, "%.*s%.*s", skip ? origin_length : 0, origin,
		 length - (int)skip, directory + skip);
}

static bool usable(struct search *search, const char *path, char resolved[PATH_MAX])
{
	struct program_check check;
	char host[PATH_MAX];

	if (tree_walk(search->pack->root, path, resolved, NULL, NULL) < 0) {
		return false;
	}
	tree_host_path(search->pack->root, resolved, host);
	int fd = open(host, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	program_check_file(fd, search->pack->architecture->elf_machine, &check);
	close(fd);
	return check.kind == PROGRAM_ELF;
}

static bool look_in(struct search *search, const char *directories, const char *origin,
		    const char *name, char path[PATH_MAX])
{
	char resolved[PATH_MAX], directory[PATH_MAX - NAME_MAX - 2];

	while (directories && *directories) {
		int length = strcspn(directories, ":");
		char expanded[PATH_MAX];
		expand(directories, length, origin, expanded);
		if (snprintf(directory, sizeof directory, "%s", expanded) <
		    (int)sizeof directory) {
			snprintf(path, PATH_MAX, "%s/%.*s", directory, NAME_MAX, name);
			if (length && usable(search, path, resolved)) {
				return true;
			}
		}
		directories += length + (directories[length] == ':');
	}
	return false;
}

static bool find_library(struct search *search, const struct elf_needs *needs,
			 const char *origin, const char *name, char path[PATH_MAX])
{
	char resolved[PATH_MAX];

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return usable(search, path, resolved);
	}
	if (!needs->runpath &&
	    (look_in(search, needs->rpath, origin, name, path) ||
	     look_in(search, search->program_rpath, search->program_path, name, path))) {
		return true;
	}
	if (look_in(search, needs->runpath, origin, name, path)) {
		return true;
	}
	const char *cached = library_cache_find(&search->cache, name);
	if (cached && usable(search, cached, resolved)) {
		snprintf(path, PATH_MAX, "%s", cached);
		return true;
	}
	return look_in(search, usual_directories, origin, name, path);
}

static void note_lacking(struct pack *pack, const char *name)
{
	char **longer =
		realloc(pack->lacking, (pack->lacking_count + 1) * sizeof *longer);

	if (longer) {
		pack->lacking = longer;
		pack->lacking[pack->lacking_count++] = strdup(name);
	}
}

static int add_elf(struct search *search, const char *path);

static void add_library(struct search *search, const struct elf_needs *needs,
			const char *origin, const char *name)
{
	char path[PATH_MAX];

	if (!find_library(search, needs, origin, name, path)) {
		note_lacking(search->pack, name);
	} else {
		add_elf(search, path);
	}
}

/* Add an ELF file and all it needs. */
static int add_elf(struct search *search, const char *path)
{
	char resolved[PATH_MAX], host[PATH_MAX];
	struct elf_needs *needs;

	int result = tree_walk(search->pack->root, path, resolved, NULL, NULL);
	bool known = !result && is_added(search->pack, resolved);
	if (!result) {
		// again, for the links on the way: another name may lead to a known file
		result = tree_walk(search->pack->root, path, resolved, add_visited,
				   search->pack);
	}
	if (result < 0 || search->depth == MAX_DEPTH || (known && search->depth)) {
		return result < 0 || known ? result : -ELOOP;
	}
	needs = malloc(sizeof *needs);
	if (!needs) {
		return -ENOMEM;
	}
	tree_host_path(search->pack->root, resolved, host);
	result = elf_needs_read(host, search->pack->architecture->elf_machine, needs);
	if (result == 0) {
		search->depth++;
		if (search->depth == 1) {
			search->program_rpath = needs->runpath ? NULL : needs->rpath;
			search->program_path = path;
		}
		if (needs->interpreter[0]) {
			add_elf(search, needs->interpreter);
		}
		for (size_t i = 0; i < needs->count; i++) {
			add_library(search, needs, resolved, needs->needed[i]);
		}
		// glibc loads this one by name when a thread is cancelled
		if (search->depth == 1 && strstr(needs->interpreter, "ld-linux")) {
			size_t lacking = search->pack->lacking_count;
			add_library(search, needs, resolved, "libgcc_s.so.1");
			search->pack->lacking_count = lacking;
		}
		search->depth--;
	}
	elf_needs_free(needs);
	free(needs);
	return result;
}

static void add_if_there(struct pack *pack, const char *path)
{
	char resolved[PATH_MAX];

	if (tree_walk(pack->root, path, resolved, NULL, NULL) == 0) {
		tree_walk(pack->root, path, resolved, add_visited, pack);
	}
}

static void add_name_files(struct pack *pack)
{
	static const char *const files[] = {
		"/etc/passwd",      "/etc/group",     "/etc/nsswitch.conf",
		"/etc/ld.so.cache", "/etc/localtime", "/etc/hosts",
	};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		add_if_there(pack, files[i]);
	}
}

/* `#!/usr/bin/env NAME`: NAME is part of the program too. */
static void env_argument(const char *host, char *name, size_t size)
{
	char line[256];
	FILE *file = fopen(host, "re");

	*name = 0;
	if (!file) {
		return;
	}
	if (fgets(line, sizeof line, file)) {
		char *word = strstr(line, "env ");
		if (word) {
			word += 4 + strspn(word + 4, " ");
			word += strncmp(word, "-S ", 3) ? 0 : 3;
			snprintf(name, size, "%.*s", (int)strcspn(word, " \t\n"), word);
		}
	}
	fclose(file);
}

static int add_any(struct search *search, const char *path, int script_depth)
{
	char resolved[PATH_MAX], host[PATH_MAX], name[256], found[PATH_MAX];
	static struct program_check check;
	struct pack *pack = search->pack;

	int result = tree_walk(pack->root, path, resolved, add_visited, pack);
	if (result < 0) {
		return result;
	}
	tree_host_path(pack->root, resolved, host);
	int fd = open(host, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	program_check_file(fd, pack->architecture->elf_machine, &check);
	close(fd);
	if (check.kind == PROGRAM_BAD) {
		return -ENOEXEC;
	}
	if (check.kind == PROGRAM_ELF) {
		return add_elf(search, path);
	}
	if (script_depth == MAX_SCRIPT_DEPTH) {
		return -ELOOP;
	}
	env_argument(host, name, sizeof name);
	char *interpreter = strdup(check.interpreter);
	result = interpreter ? add_any(search, interpreter, script_depth + 1) : -ENOMEM;
	free(interpreter);
	if (!result && *name &&
	    tree_find_program(pack->root, pack->directory, pack->search, name, found) ==
		    0) {
		result = add_any(search, found, script_depth + 1);
	}
	return result;
}

int pack_program(struct pack *pack, const char *path)
{
	struct search search = {.pack = pack};
	char host[PATH_MAX], cache[PATH_MAX];

	if (tree_walk(pack->root, "/etc/ld.so.cache", cache, NULL, NULL) < 0) {
		strcpy(cache, "/etc/ld.so.cache");
	}
	tree_host_path(pack->root, cache, host);
	library_cache_open(&search.cache, host, pack->architecture->library_flags);
	int result = add_any(&search, path, 0);
	library_cache_close(&search.cache);
	if (!result) {
		add_name_files(pack);
	}
	return result;
}

static void free_list(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i]);
	}
	free(list);
}

void pack_free(struct pack *pack)
{
	free_list(pack->added, pack->added_count);
	free_list(pack->lacking, pack->lacking_count);
}

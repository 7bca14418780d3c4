// SPDX-License-Identifier: MIT
/* For tests of mounts: a namespace of one's own with a tmpfs as the current folder, and mountinfo's lines. */
#pragma once

#include "raw.h"
#include <dirent.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

struct mount_line {
	int id, parent;
	char root[256], place[256], options[128], relations[128], type[32], source[64];
};

/* A number behind a word of the relations, "shared:" and the like; 0: it is not there. */
static inline int relation(const struct mount_line *line, const char *word)
{
	const char *found = strstr(line->relations, word);

	return found ? atoi(found + strlen(word)) : 0;
}

static inline void parse_line(char *text, struct mount_line *line)
{
	char *dash = strstr(text, " - ");
	int at = 0;

	CHECK(dash);
	*dash = 0;
	CHECK_EQ(sscanf(text, "%d %d %*d:%*d %255s %255s %127s%n", &line->id,
			&line->parent, line->root, line->place, line->options, &at),
		 5);
	snprintf(line->relations, sizeof(line->relations), "%s", text + at);
	CHECK_EQ(sscanf(dash + 3, "%31s %63s", line->type, line->source), 2);
}

/* The last line of a mountinfo whose place is `name`, an absolute path; false: there is none. */
static inline bool find_line(const char *file, const char *name, struct mount_line *out)
{
	static char text[8192];
	FILE *lines = fopen(file, "r");
	struct mount_line line;
	bool found = false;

	CHECK(lines);
	while (fgets(text, sizeof(text), lines)) {
		parse_line(text, &line);
		if (strcmp(line.place, name) == 0) {
			*out = line;
			found = true;
		}
	}
	fclose(lines);
	return found;
}

/* The same by a name below the current folder. */
static inline bool find_here(const char *name, struct mount_line *out)
{
	char full[PATH_MAX], here[PATH_MAX / 2];

	CHECK(getcwd(here, sizeof(here)));
	snprintf(full, sizeof(full), "%s%s%s", here,
		 *name && strcmp(here, "/") ? "/" : "", name);
	return find_line("/proc/self/mountinfo", full, out);
}

static inline struct mount_line line_of(const char *name)
{
	struct mount_line line = {0};

	if (!find_here(name, &line)) {
		say("not mounted: %s\n", name);
		CHECK(!"is mounted");
	}
	return line;
}

static inline bool is_mounted(const char *name)
{
	struct mount_line line;

	return find_here(name, &line);
}

static inline void mount_tmpfs(const char *name)
{
	CHECK_EQ(mount("none", name, "tmpfs", 0, NULL), 0);
}

static inline void make_folder(const char *name)
{
	CHECK_EQ(mkdir(name, 0755), 0);
}

static inline void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline bool exists(const char *name)
{
	return access(name, F_OK) == 0;
}

/* A namespace in which nothing is heard of elsewhere, and in it an empty private tmpfs as the current folder. */
static inline void enter_world(void)
{
	if (unshare(CLONE_NEWNS) != 0) {
		skip("no mount namespaces here");
	}
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (mkdir("world", 0755) != 0) {
		CHECK_EQ(errno, EEXIST);
	}
	mount_tmpfs("world");
	CHECK_EQ(chdir("world"), 0);
}

/* Is `text` all there is in the file? */
static inline bool contains(const char *name, const char *text)
{
	char found[256] = "";
	int fd = open(name, O_RDONLY);

	if (fd < 0) {
		return false;
	}
	CHECK(read(fd, found, sizeof(found) - 1) >= 0);
	close(fd);
	return strcmp(found, text) == 0;
}

/* Names in a directory. */
static inline int entries(const char *name)
{
	DIR *folder = opendir(name);
	int count = 0;

	CHECK(folder);
	while (readdir(folder)) {
		count++;
	}
	closedir(folder);
	return count - 2;
}

// SPDX-License-Identifier: MIT
/*
 * The configuration is text: "key=value" with a NUL after each, in one growing buffer.
 */
#include "guest_files.h"

#include "../guest/protocol.h"
#include "initramfs.h"
#include "message.h"
#include "pack.h"
#include "program_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct text {
	char *data;
	size_t size;
	bool failed;
};

static void put(struct text *text, const char *key, const char *format, ...)
	PRINTF_LIKE(3, 4);

static void put(struct text *text, const char *key, const char *format, ...)
{
	va_list arguments;
	char *value;

	va_start(arguments, format);
	int length = vasprintf(&value, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->failed = true;
		return;
	}
	size_t more = strlen(key) + 1 + length + 1;
	char *longer = realloc(text->data, text->size + more);
	if (longer) {
		text->data = longer;
		sprintf(text->data + text->size, "%s=", key);
		memcpy(text->data + text->size + strlen(key) + 1, value, length + 1);
		text->size += more;
	}
	text->failed = text->failed || !longer;
	free(value);
}

static void put_config(struct text *text, const struct options *options,
		       const struct terminal_use *terminal)
{
	for (char **at = options->arguments; *at; at++) {
		put(text, "arg", "%s", *at);
	}
	for (char **at = options->environment; *at; at++) {
		if (strncmp(*at, "HEDDLE_CHECKOUT=", 16) && // the script's words to us
		    strncmp(*at, "HEDDLE_BUILT=", 13)) {
			put(text, "env", "%s", *at);
		}
	}
	put(text, "cwd", "%s", options->directory);
	put(text, "hostname", "%s", "heddle");
	put(text, "uid", "%u", options->user);
	put(text, "gid", "%u", options->group);
	put(text, "umask", "%u", options->mask);
	for (size_t i = 0; i < options->group_count; i++) {
		put(text, "group", "%u", options->groups[i]);
	}
	if (!options->pack) {
		put(text, "root", "%s", ROOT_TAG);
	}
	for (size_t i = 0; i < options->share_count; i++) {
		const struct share_option *share = &options->shares[i];
		put(text, "share", "%s:" SHARE_TAG_FORMAT ":%s",
		    share->writable ? "rw" : "ro", i, share->place);
	}
	for (int number = 0; number < 3; number++) {
		if (terminal->stream[number]) {
			put(text, "terminal", "%d", number);
		}
	}
	put(text, "joined", "%d", terminal->joined);
	put(text, "raw", "%d", terminal->raw);
	put(text, "trace", "%d", options->trace_file != NULL);
	put(text, "report", "%d", options->summary || options->status_file);
	put(text, "rows", "%u", terminal->rows);
	put(text, "columns", "%u", terminal->columns);
}

static int add_packed(const struct options *options, struct initramfs *archive,
		      struct outcome *outcome)
{
	char path[PATH_MAX];
	struct pack pack = {
		.architecture = options->architecture,
		.root = options->root,
		.directory = options->directory,
		.search = program_search_path(options),
		.archive = archive,
	};

	int result = program_find(options, path, outcome);
	if (result < 0) {
		return result;
	}
	result = pack_program(&pack, path);
	if (result == -ENOENT) {
		outcome_set(outcome, OUTCOME_NOT_FOUND, STATUS_NOT_FOUND,
			    "%s: something it is run by is not found", path);
	} else if (result < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "--pack: %s: %s",
			    path, strerror(-result));
	}
	outcome->packed_files = pack.added_count;
	outcome->packed_bytes = pack.bytes;
	for (size_t i = 0; i < pack.added_count; i++) {
		say_detail("pack: %s", pack.added[i]);
	}
	for (size_t i = 0; i < pack.lacking_count; i++) {
		say("--pack: library %s is not found", pack.lacking[i]);
	}
	pack_free(&pack);
	return result;
}

int guest_files_build(const struct options *options, const struct terminal_use *terminal,
		      const char *init, int fd, struct outcome *outcome)
{
	struct initramfs *archive;
	struct text text = {0};

	int result = initramfs_create(fd, &archive);
	if (result < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "initramfs: %s",
			    strerror(-result));
		return result;
	}
	initramfs_add_directory(archive, "/dev", 0755);
	initramfs_add_device(archive, "/dev/console", S_IFCHR | 0600, makedev(5, 1));
	initramfs_add_directory(archive, "/proc", 0555);
	initramfs_add_directory(archive, "/sys", 0555);
	initramfs_add_directory(archive, "/heddle", 0700);
	result = initramfs_add_file(archive, "/init", init, 0755);
	put_config(&text, options, terminal);
	result = text.failed ? -ENOMEM : result;
	initramfs_add_text(archive, CONFIG_PATH, 0600, text.data, text.size);
	free(text.data);
	if (result < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "%s: %s (build it: make)", init, strerror(-result));
	} else if (options->pack) {
		result = add_packed(options, archive, outcome);
	}
	if (result < 0) {
		initramfs_destroy(archive);
		return result;
	}
	result = initramfs_finish(archive);
	if (result < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "initramfs: %s",
			    strerror(-result));
	}
	return result;
}

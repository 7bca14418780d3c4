// SPDX-License-Identifier: MIT
#include "outcome.h"

#include "console_log.h"

#include "message.h"
#include "tree.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const kind_names[] = {
	[OUTCOME_NONE] = "none",
	[OUTCOME_EXITED] = "exited",
	[OUTCOME_SIGNALED] = "signaled",
	[OUTCOME_INTERRUPTED] = "interrupted",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_NOT_EXECUTABLE] = "not-executable",
	[OUTCOME_NOT_FOUND] = "not-found",
	[OUTCOME_PANIC] = "panic",
};

double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void outcome_set(struct outcome *outcome, enum outcome_kind kind, int status,
		 const char *format, ...)
{
	va_list arguments;

	if (outcome->kind != OUTCOME_NONE) {
		return;
	}
	outcome->kind = kind;
	outcome->status = status;
	if (format) {
		va_start(arguments, format);
		vsnprintf(outcome->message, sizeof outcome->message, format, arguments);
		va_end(arguments);
	}
}

void outcome_add_missing(struct outcome *outcome, const struct options *options,
			 const char *path)
{
	char resolved[PATH_MAX];
	char **longer =
		realloc(outcome->missing, (outcome->missing_count + 1) * sizeof *longer);

	if (longer && (path[0] != '/' ||
		       tree_walk(options->root, path, resolved, NULL, NULL) == 0)) {
		longer[outcome->missing_count++] = strdup(path);
	}
	outcome->missing = longer ? longer : outcome->missing;
}

void outcome_set_kernel_stack(struct outcome *outcome, const char *line)
{
	// a name may hold any character, blanks too
	if (sscanf(line, "%lu %lu %15[^\n]", &outcome->stack_bytes, &outcome->stack_size,
		   outcome->stack_thread) < 2) {
		outcome->stack_bytes = 0;
	}
}

void outcome_add_trace(struct outcome *outcome, const struct options *options,
		       const char *text, size_t size)
{
	if (!options->trace_file) {
		return;
	}
	if (!outcome->trace) {
		outcome->trace = fopen(options->trace_file, "we");
	}
	if (!outcome->trace || fwrite(text, 1, size, outcome->trace) != size) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "--trace %s: %s",
			    options->trace_file, strerror(errno));
	}
}

static struct json_object *string_list(char **list, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		json_object_array_add(array, json_object_new_string(list[i]));
	}
	return array;
}

static void add_seconds(struct json_object *object, const char *key, double seconds)
{
	char text[32];

	snprintf(text, sizeof text, "%.6f", seconds);
	json_object_object_add(object, key, json_object_new_double_s(seconds, text));
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key,
			       text && *text ? json_object_new_string(text) : NULL);
}

/* What the guest lacked: paths, or the other lines, which are system calls. */
static struct json_object *missing_list(const struct outcome *outcome, bool paths)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < outcome->missing_count; i++) {
		if ((outcome->missing[i][0] == '/') == paths) {
			json_object_array_add(
				list, json_object_new_string(outcome->missing[i]));
		}
	}
	return list;
}

static struct json_object *describe(const struct outcome *outcome,
				    const struct options *options)
{
	struct json_object *object = json_object_new_object();
	struct json_object *times = json_object_new_object();
	size_t count = 0;

	while (options->arguments && options->arguments[count]) {
		count++;
	}
	json_object_object_add(object, "status", json_object_new_int(outcome->status));
	add_text(object, "kind", kind_names[outcome->kind]);
	if (outcome->kind == OUTCOME_EXITED) {
		json_object_object_add(object, "exit_code",
				       json_object_new_int(outcome->status));
	}
	if (outcome->signal) {
		json_object_object_add(object, "signal",
				       json_object_new_int(outcome->signal));
	}
	add_text(object, "message", outcome->message);
	json_object_object_add(object, "arguments",
			       string_list(options->arguments, count));
	add_text(object, "architecture",
		 options->architecture ? options->architecture->name : NULL);
	add_text(object, "acceleration", outcome->accel);
	add_text(object, "acceleration_reason", outcome->accel_reason);
	json_object_object_add(object, "cpus", json_object_new_int(options->cpus));
	json_object_object_add(object, "memory_mib",
			       json_object_new_int(options->memory_mib));
	add_seconds(times, "boot", outcome->boot_seconds);
	add_seconds(times, "run", outcome->run_seconds);
	add_seconds(times, "total", outcome->total_seconds);
	add_seconds(times, "user", outcome->user_ns / 1e9);
	add_seconds(times, "system", outcome->system_ns / 1e9);
	json_object_object_add(object, "seconds", times);
	json_object_object_add(object, "peak_kib",
			       json_object_new_int64(outcome->peak_kib));
	json_object_object_add(object, "kernel_stack_bytes",
			       json_object_new_int64((int64_t)outcome->stack_bytes));
	json_object_object_add(object, "missing", missing_list(outcome, true));
	json_object_object_add(object, "missing_calls", missing_list(outcome, false));
	return object;
}

bool outcome_can_report(struct outcome *outcome, const struct options *options)
{
	FILE *file;

	if (!options->status_file) {
		return true;
	}
	file = fopen(options->status_file, "ae");
	if (!file) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, NULL);
		return false;
	}
	fclose(file);
	return true;
}

static bool write_status_file(const struct outcome *outcome,
			      const struct options *options)
{
	struct json_object *object = describe(outcome, options);
	FILE *file = fopen(options->status_file, "we");
	bool written = false;

	if (file) {
		written = fprintf(file, "%s\n",
				  json_object_to_json_string_ext(
					  object,
					  JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_SPACED |
						  JSON_C_TO_STRING_NOSLASHESCAPE)) > 0;
		written = !fclose(file) && written;
	}
	if (!written) {
		say_error("--status-file %s: %s", options->status_file, strerror(errno));
	}
	json_object_put(object);
	return written;
}

static void write_summary(const struct outcome *outcome, const struct options *options)
{
	const char *first_killed;

	if (outcome->accel) {
		say_plain("heddle: ran on %s: %s", outcome->accel, outcome->accel_reason);
	}
	say_plain(
		"heddle: %s%s%u CPUs, %u MiB; up after %.3f s, ran %.3f s, %.3f s in all",
		options->architecture ? options->architecture->name : "",
		options->architecture ? ", " : "", options->cpus, options->memory_mib,
		outcome->boot_seconds, outcome->run_seconds, outcome->total_seconds);
	if (outcome->kind == OUTCOME_EXITED || outcome->kind == OUTCOME_SIGNALED) {
		say_plain("heddle: CPU time %.3f s user, %.3f s system; at most %llu KiB "
			  "resident",
			  outcome->user_ns / 1e9, outcome->system_ns / 1e9,
			  (unsigned long long)outcome->peak_kib);
	}
	if (outcome->stack_bytes) {
		say_plain("heddle: kernel stacks: at most %lu of %lu bytes, by %s",
			  outcome->stack_bytes, outcome->stack_size,
			  outcome->stack_thread);
	}
	unsigned killed = console_log_out_of_memory(&first_killed);
	if (killed) {
		say_plain("heddle: %s", first_killed);
	}
	if (killed > 1) {
		say_plain("heddle: out of memory: killed %u in all", killed);
	}
	if (options->pack) {
		say_plain("heddle: packed %zu files and directories, %zu KiB",
			  outcome->packed_files, outcome->packed_bytes / 1024);
	}
	for (size_t i = 0; i < outcome->missing_count; i++) {
		bool file = outcome->missing[i][0] == '/';

		say_plain("heddle: %s: %s",
			  file ? "not in the guest, but on this host"
			       : "system call that Heddle lacks (and how often)",
			  outcome->missing[i]);
	}
	say_plain("heddle: %s, status %d", kind_names[outcome->kind], outcome->status);
}

void outcome_report(struct outcome *outcome, const struct options *options)
{
	bool written = true;

	if (outcome->message[0]) {
		say_error("%s", outcome->message);
	}
	outcome->total_seconds = now_seconds() - outcome->start_seconds;
	if (outcome->trace && fclose(outcome->trace) != 0) {
		say_error("--trace %s: %s", options->trace_file, strerror(errno));
		written = false;
	}
	if (options->summary) {
		write_summary(outcome, options);
	}
	if (options->status_file) {
		written = write_status_file(outcome, options) && written;
	}
	if (!written && outcome->status == 0) {
		outcome->status = STATUS_FAILED;
	}
}

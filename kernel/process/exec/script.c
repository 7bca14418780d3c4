// SPDX-License-Identifier: MIT
/*
 * Scripts: "#! interpreter [one argument]".
 *
 * The interpreter gets: its own name, the argument, the script's name, and the script's arguments but the first.
 */
#include "process/exec/exec_internal.h"

#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

bool script_recognize(const struct exec_image *image)
{
	return image->header[0] == '#' && image->header[1] == '!';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut the first line in `line` into interpreter and argument (NULL: none). */
static int parse_line(char *line, size_t size, char **interpreter, char **argument)
{
	char *end = memchr(line, '\n', size);
	int nameless = end ? -ENOEXEC : -EACCES; // as Linux, which opens "" then
	char *p = line + 2;

	if (!end) {
		// Cut off: then the interpreter's name must at least be whole.
		end = line + strnlen(line, size - 1);
	}
	while (end > p && is_blank(end[-1])) {
		end--;
	}
	*end = 0;
	while (is_blank(*p)) {
		p++;
	}
	if (!*p) {
		return nameless;
	}
	*interpreter = p;
	while (*p && !is_blank(*p)) {
		p++;
	}
	if (!*p && p == line + size - 1) {
		return -ENOEXEC;
	}
	if (*p) {
		*p++ = 0;
	}
	while (is_blank(*p)) {
		p++;
	}
	*argument = *p ? p : NULL;
	return 0;
}

/* Put a copy of `text` in front of the prefix. */
static int push_front(struct exec_image *image, const char *text)
{
	char *copy;

	if (image->prefix_count == EXEC_PREFIX_MAX) {
		return -ELOOP;
	}
	copy = heap_duplicate_string(text);
	if (!copy) {
		return -ENOMEM;
	}
	memmove(&image->prefix[1], &image->prefix[0],
		image->prefix_count * sizeof(char *));
	image->prefix[0] = copy;
	image->prefix_count++;
	return 0;
}

/* The name the script was called by takes the place of the first argument so far. */
static int replace_arguments(struct exec_image *image, const char *interpreter,
			     const char *argument)
{
	int err;

	if (image->prefix_count) {
		heap_free(image->prefix[0]);
		image->prefix_count--;
		memmove(&image->prefix[0], &image->prefix[1],
			image->prefix_count * sizeof(char *));
	} else {
		image->skip_arguments = MIN(image->arguments.count, 1UL);
	}
	err = push_front(image, image->name);
	if (!err && argument) {
		err = push_front(image, argument);
	}
	if (!err) {
		err = push_front(image, interpreter);
	}
	return err;
}

int script_load(struct exec_image *image)
{
	char *interpreter, *argument, *name;
	struct file *file;
	int err = parse_line((char *)image->header, sizeof(image->header), &interpreter,
			     &argument);

	if (!err) {
		err = replace_arguments(image, interpreter, argument);
	}
	if (err) {
		return err;
	}
	name = heap_duplicate_string(interpreter);
	if (!name) {
		return -ENOMEM;
	}
	err = fs_open_executable(image->context, name, WALK_FOLLOW, &file);
	if (err) {
		heap_free(name);
		return err;
	}
	file_put(image->file);
	image->file = file;
	heap_free(image->interpreter_name);
	image->interpreter_name = name;
	return 0;
}

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

static char *skip_blanks(char *from, const char *end)
{
	while (from < end && is_blank(*from)) {
		from++;
	}
	return from;
}

/* The next blank, NUL or `end`. */
static char *skip_word(char *from, const char *end)
{
	while (from < end && *from && !is_blank(*from)) {
		from++;
	}
	return from;
}

/*
 * Cut the first line in `line` into interpreter and argument (NULL: none). A line that no newline ends goes on to the end
 * of `line`; the interpreter's name must be whole all the same. As in Linux, what is left of such a line is not trimmed
 * where the file is at its end, so a blank after the name is an empty argument.
 */
static int parse_line(char *line, size_t size, char **interpreter, char **argument)
{
	char *last = line + size - 1;
	char *newline = memchr(line, '\n', strnlen(line, size));
	char *end = newline ? newline : last;
	char *p = skip_blanks(line + 2, end);

	// Cut off: then the interpreter's name must at least be whole.
	if (p == end ||
	    (!newline && skip_word(p, last) == last && *last && !is_blank(*last))) {
		return -ENOEXEC;
	}
	while (is_blank(end[-1])) {
		end--;
	}
	*end = 0;
	if (!*p) {
		return -EACCES; // as Linux, where "" is the working folder here
	}
	*interpreter = p;
	*argument = NULL;
	p = skip_word(p, end);
	if (p < end && *p) {
		*p++ = 0;
		*argument = skip_blanks(p, end);
	}
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

/* The name the script was called by, itself or as an interpreter, takes the place of the first argument so far. */
static int replace_arguments(struct exec_image *image, const char *interpreter,
			     const char *argument)
{
	const char *called =
		image->interpreter_name ? image->interpreter_name : image->name;
	int err;

	if (image->prefix_count) {
		heap_free(image->prefix[0]);
		image->prefix_count--;
		memmove(&image->prefix[0], &image->prefix[1],
			image->prefix_count * sizeof(char *));
	} else {
		image->skip_arguments = MIN(image->arguments.count, 1UL);
	}
	err = push_front(image, called);
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

	if (!err && image->name_ends) {
		err = -ENOENT;
	}
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

// SPDX-License-Identifier: MIT
/*
 * Lines for the log of system calls.
 *
 * Owns      the form of a line.
 * Context   the calling thread, no lock held. Strings are read before the call: execve leaves nothing to read, unlink no name.
 */
#include "syscall/trace.h"

#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/call_log.h"
#include "process/current.h"
#include <asm/unistd.h>

enum { LINE_SIZE = 1024, STRING_SIZE = 256, ARGUMENTS_MAX = 6 };
enum { TAIL_SIZE = 256 }; /* kept for what comes behind long strings */

struct line {
	size_t size;
	char text[LINE_SIZE];
};

#define NAME(error) [error] = #error
static const char *const error_names[] = {
	NAME(EPERM),
	NAME(ENOENT),
	NAME(ESRCH),
	NAME(EINTR),
	NAME(EIO),
	NAME(ENXIO),
	NAME(E2BIG),
	NAME(ENOEXEC),
	NAME(EBADF),
	NAME(ECHILD),
	NAME(EAGAIN),
	NAME(ENOMEM),
	NAME(EACCES),
	NAME(EFAULT),
	NAME(ENOTBLK),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(EXDEV),
	NAME(ENODEV),
	NAME(ENOTDIR),
	NAME(EISDIR),
	NAME(EINVAL),
	NAME(ENFILE),
	NAME(EMFILE),
	NAME(ENOTTY),
	NAME(ETXTBSY),
	NAME(EFBIG),
	NAME(ENOSPC),
	NAME(ESPIPE),
	NAME(EROFS),
	NAME(EMLINK),
	NAME(EPIPE),
	NAME(EDOM),
	NAME(ERANGE),
	NAME(EDEADLK),
	NAME(ENAMETOOLONG),
	NAME(ENOLCK),
	NAME(ENOSYS),
	NAME(ENOTEMPTY),
	NAME(ELOOP),
	NAME(ENODATA),
	NAME(EPROTO),
	NAME(EOVERFLOW),
	NAME(EBADFD),
	NAME(ENOTSOCK),
	NAME(EDESTADDRREQ),
	NAME(EMSGSIZE),
	NAME(EPROTOTYPE),
	NAME(ENOPROTOOPT),
	NAME(EPROTONOSUPPORT),
	NAME(ESOCKTNOSUPPORT),
	NAME(EOPNOTSUPP),
	NAME(EAFNOSUPPORT),
	NAME(EADDRINUSE),
	NAME(EADDRNOTAVAIL),
	NAME(ENETUNREACH),
	NAME(ECONNABORTED),
	NAME(ECONNRESET),
	NAME(ENOBUFS),
	NAME(EISCONN),
	NAME(ENOTCONN),
	NAME(ETIMEDOUT),
	NAME(ECONNREFUSED),
	NAME(EALREADY),
	NAME(EINPROGRESS),
	NAME(ECANCELED),
	NAME(EOWNERDEAD),
	NAME(ENOTRECOVERABLE),
	NAME(ERESTART),
	NAME(ERESTART_ALWAYS),
	NAME(ERESTART_NO_HANDLER),
	NAME(ERESTART_BLOCK),
};

static void put(struct line *line, const char *format, ...) printf_like(2, 3);

static void put(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->size;
	va_list args;
	int length;

	va_start(args, format);
	length = format_string_v(line->text + line->size, room, format, args);
	va_end(args);
	line->size += MIN((size_t)length, room - 1);
}

static void put_string(struct line *line, vaddr_t address)
{
	char text[STRING_SIZE];
	s64 length = user_read_string(text, address, sizeof(text));

	if (length < 0 && length != -ENAMETOOLONG) {
		put(line, "%#lx", (unsigned long)address);
		return;
	}
	put(line, "\"");
	for (s64 i = 0; i < (length < 0 ? STRING_SIZE : length); i++) {
		if (line->size > LINE_SIZE - TAIL_SIZE) {
			length = -ENAMETOOLONG;
			break;
		}
		bool plain = text[i] >= ' ' && text[i] < 127 && text[i] != '"' &&
			     text[i] != '\\';

		put(line, plain ? "%c" : "\\%03o", (unsigned char)text[i]);
	}
	put(line, length < 0 ? "\"..." : "\"");
}

static void put_number(struct line *line, u64 value)
{
	if (value < 1024) {
		put(line, "%lu", (unsigned long)value);
	} else {
		put(line, "%#lx", (unsigned long)value);
	}
}

static void put_call(struct line *line, s64 number,
		     const struct syscall_arguments *arguments)
{
	struct call_form form = {.count = ARGUMENTS_MAX};
	const struct syscall_entry *entry = syscall_find(number);
	bool known = entry && entry->name;

	if (known && number < (s64)call_forms_size && call_forms[number].known) {
		form = call_forms[number];
	}
	put(line, "%d ", thread_number(current_thread()));
	if (known) {
		put(line, "%s(", entry->name);
	} else {
		put(line, "call_%ld(", (long)number);
	}
	for (unsigned i = 0; i < form.count; i++) {
		put(line, i ? ", " : "");
		if (form.strings & (1u << i)) {
			put_string(line, arguments->arg[i]);
		} else {
			put_number(line, arguments->arg[i]);
		}
	}
	put(line, ")");
}

static void put_result(struct line *line, long result)
{
	const char *name = NULL;

	if (result < 0 && -result < (long)ARRAY_SIZE(error_names)) {
		name = error_names[-result];
	}
	if (name) {
		put(line, " = -1 %s", name);
	} else if (result < 0 && result > -4096) {
		put(line, " = %ld", result);
	} else {
		put(line, " = ");
		put_number(line, (u64)result);
	}
}

static void finish_line(struct line *line)
{
	line->text[line->size] = '\n'; // put() keeps room for a NUL
	call_log_add(line->text, line->size + 1);
}

static bool wanted(const struct thread *thread, s64 number, long result)
{
	bool exec = number == __NR_execve || number == __NR_execveat;

	return (thread->traced & TRACE_LOG) == TRACE_CALLS || (exec && result == 0);
}

long trace_call(s64 number, const struct syscall_arguments *arguments,
		long (*body)(s64 number, const struct syscall_arguments *arguments))
{
	struct thread *thread = current_thread();
	bool returns = number != __NR_exit && number != __NR_exit_group;
	struct line *line = heap_allocate(sizeof(*line));
	long result = 0;

	if (line) {
		put_call(line, number, arguments);
	} else {
		call_log_drop();
	}
	if (returns) {
		result = body(number, arguments);
	}
	if (line && returns && wanted(thread, number, result)) {
		put_result(line, result);
		finish_line(line);
		thread->traced = (u8)((thread->traced & ~TRACE_LOG) | TRACE_CALLS);
	} else if (line && !returns && (thread->traced & TRACE_LOG) == TRACE_CALLS) {
		put(line, " = ?");
		finish_line(line);
	}
	heap_free(line);
	return returns ? result : body(number, arguments);
}

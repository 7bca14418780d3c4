// SPDX-License-Identifier: MIT
/* printf-style formatting. Writes at most `size` bytes, NUL included, and counts what would have been written. */
#include "lib/format.h"
#include "lib/string.h"

struct output {
	char *to;
	size_t size, length;
};

struct conversion {
	bool left, plus, space, alternate, zero, upper;
	int width, precision; /* precision -1: none given */
	char size;            /* 'H' hh, 'h', 0, 'l' (l, ll, z, t, j) */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size) {
		out->to[out->length] = c;
	}
	out->length++;
}

static void pad(struct output *out, char c, int count)
{
	for (; count > 0; count--) {
		put(out, c);
	}
}

static void put_text(struct output *out, const struct conversion *how, const char *text)
{
	size_t length;

	if (!text) {
		text = "(null)";
	}
	length = how->precision >= 0 ? strnlen(text, (size_t)how->precision)
				     : strlen(text);
	int fill = how->width > (int)length ? how->width - (int)length : 0;

	pad(out, ' ', how->left ? 0 : fill);
	for (size_t i = 0; i < length; i++) {
		put(out, text[i]);
	}
	pad(out, ' ', how->left ? fill : 0);
}

/* `prefix` is a sign or 0x. */
static void put_number(struct output *out, const struct conversion *how, u64 value,
		       unsigned base, const char *prefix)
{
	const char *digits = how->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int count = 0, prefix_length = (int)strlen(prefix);

	while (value > 0) {
		text[count++] = digits[value % base];
		value /= base;
	}
	int zeros = (how->precision < 0 ? 1 : how->precision) - count;

	if (base == 8 && how->alternate && zeros <= 0) {
		zeros = 1;
	}
	zeros = MAX(zeros, 0);
	int fill = how->width - prefix_length - zeros - count;

	if (how->zero && !how->left && how->precision < 0 && fill > 0) {
		zeros += fill;
		fill = 0;
	}
	pad(out, ' ', how->left ? 0 : fill);
	while (*prefix) {
		put(out, *prefix++);
	}
	pad(out, '0', zeros);
	while (count > 0) {
		put(out, text[--count]);
	}
	pad(out, ' ', how->left ? fill : 0);
}

static s64 signed_argument(char size, va_list *args)
{
	if (size == 'l') {
		return va_arg(*args, s64);
	}
	int value = va_arg(*args, int);

	return size == 'H' ? (s8)value : size == 'h' ? (s16)value : value;
}

static u64 unsigned_argument(char size, va_list *args)
{
	if (size == 'l') {
		return va_arg(*args, u64);
	}
	unsigned value = va_arg(*args, unsigned);

	return size == 'H' ? (u8)value : size == 'h' ? (u16)value : value;
}

static void put_signed(struct output *out, const struct conversion *how, s64 value)
{
	const char *sign = value < 0 ? "-" : how->plus ? "+" : how->space ? " " : "";

	put_number(out, how, value < 0 ? 0 - (u64)value : (u64)value, 10, sign);
}

static void convert(struct output *out, struct conversion *how, char kind, va_list *args)
{
	u64 value;

	switch (kind) {
	case 'd':
	case 'i':
		put_signed(out, how, signed_argument(how->size, args));
		break;
	case 'u':
		put_number(out, how, unsigned_argument(how->size, args), 10, "");
		break;
	case 'o':
		put_number(out, how, unsigned_argument(how->size, args), 8, "");
		break;
	case 'X':
		how->upper = true;
		fallthrough_;
	case 'x':
		value = unsigned_argument(how->size, args);
		put_number(out, how, value, 16,
			   !how->alternate || !value ? ""
			   : how->upper              ? "0X"
						     : "0x");
		break;
	case 'p':
		put_number(out, how, (u64)(uintptr_t)va_arg(*args, void *), 16, "0x");
		break;
	case 'c': {
		char text[2] = {(char)va_arg(*args, int), '\0'};

		how->precision = -1;
		put_text(out, how, text);
		break;
	}
	case 's':
		put_text(out, how, va_arg(*args, const char *));
		break;
	case '%':
		put(out, '%');
		break;
	default: /* shown, so that the mistake is seen */
		put(out, '%');
		put(out, kind);
	}
}

static bool parse_flag(struct conversion *how, char c)
{
	switch (c) {
	case '-':
		return how->left = true;
	case '+':
		return how->plus = true;
	case ' ':
		return how->space = true;
	case '#':
		return how->alternate = true;
	case '0':
		return how->zero = true;
	default:
		return false;
	}
}

static const char *parse_count(const char *at, int *count, va_list *args)
{
	if (*at == '*') {
		*count = va_arg(*args, int);
		return at + 1;
	}
	*count = 0;
	while (*at >= '0' && *at <= '9') {
		*count = *count < 100000 ? *count * 10 + (*at - '0') : *count;
		at++;
	}
	return at;
}

static const char *parse_size(const char *at, char *size)
{
	*size = 0;
	if (at[0] == 'h') {
		*size = at[1] == 'h' ? 'H' : 'h';
		return at + (at[1] == 'h' ? 2 : 1);
	}
	while (*at == 'l' || *at == 'z' || *at == 't' || *at == 'j') {
		*size = 'l';
		at++;
	}
	return at;
}

/* Everything between % and the conversion letter; returns where the letter is. */
static const char *parse(const char *at, struct conversion *how, va_list *args)
{
	*how = (struct conversion){.precision = -1};
	while (parse_flag(how, *at)) {
		at++;
	}
	at = parse_count(at, &how->width, args);
	if (how->width < 0) {
		how->left = true;
		how->width = -how->width;
	}
	if (*at == '.') {
		at = parse_count(at + 1, &how->precision, args);
	}
	return parse_size(at, &how->size);
}

int format_string_v(char *to, size_t size, const char *format, va_list args)
{
	struct output out = {.to = to, .size = size};
	struct conversion how;
	va_list rest;

	va_copy(rest, args);
	for (; *format; format++) {
		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		format = parse(format + 1, &how, &rest);
		if (!*format) {
			break;
		}
		convert(&out, &how, *format, &rest);
	}
	va_end(rest);
	if (size > 0) {
		to[MIN(out.length, size - 1)] = '\0';
	}
	return (int)out.length;
}

int format_string(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = format_string_v(to, size, format, args);

	va_end(args);
	return length;
}

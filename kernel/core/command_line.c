// SPDX-License-Identifier: MIT
/*
 * The kernel command line, cut into words once at boot and read-only afterwards.
 * A double quote opens or closes a stretch in which spaces do not part words; it is not kept.
 */
#include "core/command_line.h"
#include "lib/string.h"

enum { TEXT_MAX = 4096, WORDS_MAX = 256 };

static char text[TEXT_MAX];  /* as given */
static char words[TEXT_MAX]; /* cut */
static const char *word[WORDS_MAX];
static unsigned word_count, after_dashes; /* word[after_dashes …] are init's */

/* Words of the kernel's own, besides all with a dot in their name. */
static const char *const kernel_words[] = {
	"console", "init",       "rdinit",      "quiet",          "debug",  "loglevel",
	"maxcpus", "panic",      "earlycon",    "nosmp",          "ro",     "rw",
	"root",    "rootfstype", "nokaslr",     "acpi",           "reboot", "noapic",
	"tsc",     "pci",        "mitigations", "no_timer_check", "i8042",
};

/* Cut the next word out of *from; NULL at the end. */
static char *next_word(char **from)
{
	char *at = *from, *to, *start;
	bool quoted = false;

	while (*at == ' ' || *at == '\t' || *at == '\n') {
		at++;
	}
	if (!*at) {
		return NULL;
	}
	start = to = at;
	for (; *at && (quoted || (*at != ' ' && *at != '\t' && *at != '\n')); at++) {
		if (*at == '"') {
			quoted = !quoted;
		} else {
			*to++ = *at;
		}
	}
	*from = *at ? at + 1 : at;
	*to = '\0';
	return start;
}

void command_line_init(const char *given)
{
	char *rest = words, *next;
	bool dashes = false;

	string_copy(text, given, sizeof(text));
	string_copy(words, given, sizeof(words));
	word_count = 0;
	while (word_count < WORDS_MAX && (next = next_word(&rest))) {
		if (!dashes && strcmp(next, "--") == 0) {
			dashes = true;
			after_dashes = word_count;
			continue;
		}
		word[word_count++] = next;
	}
	if (!dashes) {
		after_dashes = word_count;
	}
}

const char *command_line_text(void)
{
	return text;
}

bool command_line_has(const char *name)
{
	for (unsigned i = 0; i < after_dashes; i++) {
		if (strcmp(word[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* What follows `name=` in `in`, or NULL. */
static const char *value_in(const char *in, const char *name)
{
	size_t length = strlen(name);

	return strncmp(in, name, length) == 0 && in[length] == '=' ? in + length + 1
								   : NULL;
}

const char *command_line_nth(const char *name, unsigned index)
{
	for (unsigned i = 0; i < after_dashes; i++) {
		const char *value = value_in(word[i], name);

		if (value && index-- == 0) {
			return value;
		}
	}
	return NULL;
}

const char *command_line_value(const char *name)
{
	const char *last = NULL;

	for (unsigned i = 0; i < after_dashes; i++) {
		const char *value = value_in(word[i], name);

		last = value ? value : last;
	}
	return last;
}

u64 command_line_number(const char *name, u64 otherwise)
{
	const char *value = command_line_value(name);
	u64 number;

	return value && string_to_u64(value, &number) == 0 ? number : otherwise;
}

static bool is_kernels(const char *in)
{
	const char *equals = strchr(in, '=');
	size_t length = equals ? (size_t)(equals - in) : strlen(in);

	if (memchr(in, '.', length)) {
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernel_words); i++) {
		if (strlen(kernel_words[i]) == length &&
		    strncmp(kernel_words[i], in, length) == 0) {
			return true;
		}
	}
	return false;
}

unsigned command_line_init_arguments(const char **to, unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < word_count && count < max; i++) {
		if (i >= after_dashes ||
		    (!strchr(word[i], '=') && !is_kernels(word[i]))) {
			to[count++] = word[i];
		}
	}
	return count;
}

unsigned command_line_init_environment(const char **to, unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < after_dashes && count < max; i++) {
		if (strchr(word[i], '=') && !is_kernels(word[i])) {
			to[count++] = word[i];
		}
	}
	return count;
}

// SPDX-License-Identifier: MIT
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int quantity_parse_number(const char *text, long least, long most, long *out)
{
	char *end;

	errno = 0;
	long number = strtol(text, &end, 10);
	if (end == text || *end || errno || number < least || number > most ||
	    isspace((unsigned char)*text)) {
		return -EINVAL;
	}
	*out = number;
	return 0;
}

int quantity_parse_memory(const char *text, unsigned *mib)
{
	static const char units[] = "KMGT";
	char *end;

	if (!isdigit((unsigned char)*text)) {
		return -EINVAL;
	}
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (errno || number > 1ul << 40) {
		return -EINVAL;
	}
	char unit = *end ? toupper((unsigned char)*end++) : 'M';
	end += *end == 'i';
	if (*end == 'B' || *end == 'b') {
		end++;
	}
	const char *place = strchr(units, unit);
	if (*end || !place) {
		return -EINVAL;
	}
	int shift = 10 * (int)(place - units) - 10;
	number = shift < 0 ? number >> -shift : number << shift;
	if (number > 1ul << 30) {
		return -EINVAL;
	}
	*mib = number;
	return 0;
}

int quantity_parse_time(const char *text, double *seconds)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.') {
		return -EINVAL;
	}
	double number = strtod(text, &end);
	if (end == text || !(number > 0) || number > 1e9) {
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!strcmp(end, units[i].unit)) {
			*seconds = number * units[i].factor;
			return 0;
		}
	}
	return -EINVAL;
}

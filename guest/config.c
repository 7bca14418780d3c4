// SPDX-License-Identifier: MIT
/*
 * The configuration file. Keys: arg env cwd hostname root uid gid group umask share
 * (ro:TAG:PLACE or rw:TAG:PLACE) terminal (which of 0 1 2) joined raw trace report rows
 * columns.
 * A key we do not know is an error: command and init come from one tree.
 */
#include "config.h"

#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Zeroed memory, kept for good: less code on the way than malloc's. */
static void *pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int read_whole(const char *path, char **text, size_t *size)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &status) < 0) {
		close(fd);
		return -errno;
	}
	char *data = pages(status.st_size + 1);
	size_t have = 0;
	while (data && have < (size_t)status.st_size) {
		ssize_t got = read(fd, data + have, status.st_size - have);
		if (got <= 0) {
			break;
		}
		have += got;
	}
	close(fd);
	if (!data) {
		return -ENOMEM;
	}
	data[have] = 0;
	*text = data;
	*size = have;
	return 0;
}

static int set_share(struct config *config, char *value)
{
	char *tag = strchr(value, ':');
	char *place = tag ? strchr(tag + 1, ':') : NULL;

	if (!place || config->share_count == MAX_SHARES) {
		return -EINVAL;
	}
	*tag++ = 0;
	*place++ = 0;
	struct share *share = &config->shares[config->share_count++];
	share->tag = tag;
	share->place = place;
	share->writable = !strcmp(value, "rw");
	return 0;
}

static int set_number(struct config *config, const char *key, const char *value)
{
	unsigned long number = strtoul(value, NULL, 0);

	if (!strcmp(key, "uid")) {
		config->user = number;
	} else if (!strcmp(key, "gid")) {
		config->group = number;
	} else if (!strcmp(key, "umask")) {
		config->mask = number;
	} else if (!strcmp(key, "trace")) {
		config->trace = number != 0;
	} else if (!strcmp(key, "report")) {
		config->report = number != 0;
	} else if (!strcmp(key, "raw")) {
		config->raw = number != 0;
	} else if (!strcmp(key, "rows")) {
		config->rows = number;
	} else if (!strcmp(key, "columns")) {
		config->columns = number;
	} else if (!strcmp(key, "joined")) {
		config->joined = number != 0;
	} else if (!strcmp(key, "terminal") && number < 3) {
		config->terminal[number] = true;
	} else if (!strcmp(key, "group")) {
		if (config->group_count == MAX_GROUPS) {
			return -EINVAL;
		}
		config->groups[config->group_count++] = number;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int set(struct config *config, const char *key, char *value, size_t *counts)
{
	if (!strcmp(key, "arg")) {
		config->arguments[counts[0]++] = value;
	} else if (!strcmp(key, "env")) {
		config->environment[counts[1]++] = value;
	} else if (!strcmp(key, "cwd")) {
		config->directory = value;
	} else if (!strcmp(key, "hostname")) {
		config->hostname = value;
	} else if (!strcmp(key, "root")) {
		config->root_tag = value;
	} else if (!strcmp(key, "share")) {
		return set_share(config, value);
	} else {
		return set_number(config, key, value);
	}
	return 0;
}

int config_read(struct config *config)
{
	char *text = NULL;
	size_t size = 0, records = 0, counts[2] = {0, 0};

	memset(config, 0, sizeof *config);
	config->directory = "/";
	config->mask = 022;
	int result = read_whole(CONFIG_PATH, &text, &size);
	if (result < 0) {
		return result;
	}
	for (size_t i = 0; i < size; i++) {
		records += !text[i];
	}
	config->arguments = pages((records + 1) * sizeof *config->arguments);
	config->environment = pages((records + 1) * sizeof *config->environment);
	if (!config->arguments || !config->environment) {
		return -ENOMEM;
	}
	for (char *at = text; !result && at < text + size;) {
		char *next = at + strlen(at) + 1;
		char *value = strchr(at, '=');
		if (!value) {
			return -EINVAL;
		}
		*value++ = 0;
		result = set(config, at, value, counts);
		at = next;
	}
	return result < 0 ? result : counts[0] ? 0 : -EINVAL;
}

const char *config_variable(const struct config *config, const char *name)
{
	size_t length = strlen(name);

	for (char **at = config->environment; *at; at++) {
		if (!strncmp(*at, name, length) && (*at)[length] == '=') {
			return *at + length + 1;
		}
	}
	return NULL;
}

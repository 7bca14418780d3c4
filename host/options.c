// SPDX-License-Identifier: MIT
/*
 * Parsing and checking. Every complaint is one line that names the flag and what it wants.
 */
#include "options.h"

#include "message.h"
#include "quantity.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

extern char **environ;

enum long_only {
	ARCH = 256,
	ROOT,
	PACK,
	TIMEOUT,
	BOOT_TIMEOUT,
	ACCEL,
	DRY_RUN,
	STATUS_FILE,
	TRACE,
	SUMMARY,
	KERNEL,
	APPEND
};

static const struct option flags[] = {
	{"cpus", required_argument, NULL, 'c'},
	{"memory", required_argument, NULL, 'm'},
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"user", required_argument, NULL, 'u'},
	{"volume", required_argument, NULL, 'v'},
	{"arch", required_argument, NULL, ARCH},
	{"root", required_argument, NULL, ROOT},
	{"pack", no_argument, NULL, PACK},
	{"timeout", required_argument, NULL, TIMEOUT},
	{"boot-timeout", required_argument, NULL, BOOT_TIMEOUT},
	{"accel", required_argument, NULL, ACCEL},
	{"dry-run", no_argument, NULL, DRY_RUN},
	{"status-file", required_argument, NULL, STATUS_FILE},
	{"trace", required_argument, NULL, TRACE},
	{"summary", no_argument, NULL, SUMMARY},
	{"kernel", required_argument, NULL, KERNEL},
	{"append", required_argument, NULL, APPEND},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

void options_print_help(void)
{
	fputs("usage: heddle run [flags] [--] PROGRAM [ARGUMENTS...]\n"
	      "       heddle shell [flags]\n"
	      "       heddle doctor | help | version\n"
	      "\n"
	      "Runs a Linux program on the Heddle kernel in a virtual machine. The guest "
	      "sees this\n"
	      "machine's files; what it writes is gone at the end, except under -v "
	      "...:rw.\n"
	      "\n"
	      "  -c, --cpus N               CPUs of the guest (the host's, up to 16)\n"
	      "  -m, --memory SIZE          memory: 512M, 2G (2G or half of the host's)\n"
	      "  -e, --env NAME[=VALUE]     set a variable; without = take the host's\n"
	      "  -w, --workdir DIR          directory to run in (the current one)\n"
	      "  -u, --user USER[:GROUP]    names or numbers (you)\n"
	      "  -v, --volume SRC:DST[:ro|rw]  show a directory of the host (ro)\n"
	      "      --arch ARCHITECTURE    x86_64, aarch64 or riscv64 (the program's)\n"
	      "      --root DIR             the guest's root, in place of /\n"
	      "      --pack                 share nothing: program and libraries in an "
	      "initramfs\n"
	      "      --timeout TIME         stop after 30, 1.5s, 10m, 1h: status 124\n"
	      "      --boot-timeout TIME    give up if the guest is not up by then "
	      "(60s)\n"
	      "      --accel auto|kvm|tcg   how the CPU is made (auto)\n"
	      "      --dry-run              print what would be started\n"
	      "      --status-file FILE     write how it ended, as JSON\n"
	      "      --trace FILE           write the program's system calls, with "
	      "results\n"
	      "      --summary              say on stderr how it went\n"
	      "      --kernel FILE          another kernel\n"
	      "      --append WORDS         more words for the kernel's command line\n"
	      "  -q, --quiet                errors only\n"
	      "  -V, --verbose              the machine's command and the kernel's "
	      "messages\n"
	      "\n"
	      "Status: the program's; 128+N for signal N; 124 timeout; 125 heddle or the "
	      "machine\n"
	      "failed; 126 not executable; 127 not found; 255 kernel panic.\n",
	      stdout);
}

static int wrong(const char *flag, const char *value, const char *wanted)
{
	say_error("%s %s: %s", flag, value, wanted);
	return -EINVAL;
}

/* Copy of the environment with one entry set; entry is "NAME=VALUE". */
static int set_variable(struct options *options, const char *entry)
{
	size_t length = strcspn(entry, "="), count = 0;

	while (options->environment[count]) {
		if (!strncmp(options->environment[count], entry, length + 1)) {
			options->environment[count] = strdup(entry);
			return 0;
		}
		count++;
	}
	char **longer = realloc(options->environment, (count + 2) * sizeof *longer);
	if (!longer) {
		return -ENOMEM;
	}
	longer[count] = strdup(entry);
	longer[count + 1] = NULL;
	options->environment = longer;
	return 0;
}

static int set_environment(struct options *options, const char *value)
{
	char entry[8192];

	if (!*value || *value == '=') {
		return wrong("-e", value, "wants NAME or NAME=VALUE");
	}
	if (strchr(value, '=')) {
		return set_variable(options, value);
	}
	const char *host_value = getenv(value);
	if (!host_value) {
		return 0;
	}
	snprintf(entry, sizeof entry, "%s=%s", value, host_value);
	return set_variable(options, entry);
}

static int absolute_directory(const char *flag, const char *value, char **out)
{
	struct stat status;
	char *path = realpath(value, NULL);

	if (!path || stat(path, &status) < 0) {
		return wrong(flag, value, strerror(errno));
	}
	if (!S_ISDIR(status.st_mode)) {
		free(path);
		return wrong(flag, value, "is not a directory");
	}
	*out = path;
	return 0;
}

static int set_share(struct options *options, const char *value)
{
	char *copy = strdup(value);
	char *place = strchr(copy, ':');
	char *mode = place ? strchr(place + 1, ':') : NULL;
	struct share_option *share = &options->shares[options->share_count];

	if (options->share_count == MAX_SHARES) {
		return wrong("-v", value, "too many shares: the machine has room for 21");
	}
	if (!place || place == copy || place[1] != '/') {
		return wrong("-v", value, "wants SRC:DST or SRC:DST:ro|rw, DST absolute");
	}
	*place++ = 0;
	if (mode) {
		*mode++ = 0;
		if (strcmp(mode, "ro") && strcmp(mode, "rw")) {
			return wrong("-v", value,
				     "ends in something other than ro and rw");
		}
		share->writable = !strcmp(mode, "rw");
	}
	if (!strcmp(place, "/")) {
		return wrong("-v", value, "cannot replace /: use --root");
	}
	int result = absolute_directory("-v", copy, &share->source);
	share->place = strdup(place);
	free(copy);
	options->share_count += !result;
	return result;
}

static int set_group(struct options *options, const char *name, const char *value)
{
	struct group *entry = getgrnam(name);
	long number;

	if (entry) {
		options->group = entry->gr_gid;
	} else if (quantity_parse_number(name, 0, UINT_MAX - 1, &number) == 0) {
		options->group = number;
	} else {
		return wrong("-u", value, "no such group");
	}
	return 0;
}

static int set_user(struct options *options, const char *value)
{
	char *name = strdup(value);
	char *group = strchr(name, ':');
	long number;
	int result = 0, count = MAX_GROUPS;

	if (group) {
		*group++ = 0;
	}
	struct passwd *entry = getpwnam(name);
	if (!entry && quantity_parse_number(name, 0, UINT_MAX - 1, &number) == 0) {
		options->user = number;
		options->group = number;
		entry = getpwuid(number);
	} else if (!entry) {
		free(name);
		return wrong("-u", value, "no such user");
	}
	options->group_count = 0;
	if (entry) {
		options->user = entry->pw_uid;
		options->group = entry->pw_gid;
		if (getgrouplist(entry->pw_name, entry->pw_gid, options->groups,
				 &count) >= 0) {
			options->group_count = count;
		}
	}
	if (group) {
		result = set_group(options, group, value);
		options->groups[0] = options->group;
		options->group_count = 1;
	}
	free(name);
	return result;
}

static int set_accel(struct options *options, const char *value)
{
	static const char *const names[] = {"auto", "kvm", "tcg"};

	for (int i = 0; i < 3; i++) {
		if (!strcmp(value, names[i])) {
			options->accel = i;
			return 0;
		}
	}
	return wrong("--accel", value, "wants auto, kvm or tcg");
}

static int set_architecture(struct options *options, const char *value)
{
	options->architecture = architecture_named(value);
	return options->architecture
		       ? 0
		       : wrong("--arch", value, "wants x86_64, aarch64 or riscv64");
}

static int set_cpus(struct options *options, const char *value)
{
	long number;

	if (quantity_parse_number(value, 1, MAX_CPUS, &number) < 0) {
		return wrong("-c", value, "wants a number of CPUs from 1 to 16");
	}
	options->cpus = number;
	return 0;
}

static int set_memory(struct options *options, const char *value)
{
	if (quantity_parse_memory(value, &options->memory_mib) < 0 ||
	    options->memory_mib < MIN_MEMORY_MIB ||
	    options->memory_mib > MAX_MEMORY_MIB) {
		return wrong("-m", value, "wants a size like 512M or 2G, from 32M to 1T");
	}
	return 0;
}

static int set_time(const char *flag, const char *value, double *out)
{
	if (quantity_parse_time(value, out) < 0) {
		return wrong(flag, value, "wants a time like 30, 1.5s, 10m or 1h");
	}
	return 0;
}

static int set_directory(struct options *options, const char *value)
{
	if (*value != '/') {
		return wrong("-w", value, "wants an absolute directory");
	}
	options->directory = strdup(value);
	return 0;
}

static int set_long_flag(struct options *options, int flag, char *value)
{
	switch (flag) {
	case ARCH:
		return set_architecture(options, value);
	case ROOT:
		return absolute_directory("--root", value, &options->root);
	case PACK:
		options->pack = true;
		return 0;
	case TIMEOUT:
		return set_time("--timeout", value, &options->timeout);
	case BOOT_TIMEOUT:
		return set_time("--boot-timeout", value, &options->boot_timeout);
	case ACCEL:
		return set_accel(options, value);
	case DRY_RUN:
		options->dry_run = true;
		return 0;
	case STATUS_FILE:
		options->status_file = value;
		return 0;
	case TRACE:
		options->trace_file = value;
		return 0;
	case SUMMARY:
		options->summary = true;
		return 0;
	case KERNEL:
		options->kernel = value;
		return 0;
	case APPEND:
		options->append = value;
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_flag(struct options *options, int flag, char *value)
{
	switch (flag) {
	case 'c':
		return set_cpus(options, value);
	case 'm':
		return set_memory(options, value);
	case 'e':
		return set_environment(options, value);
	case 'w':
		return set_directory(options, value);
	case 'u':
		return set_user(options, value);
	case 'v':
		return set_share(options, value);
	case 'q':
		message_set_loudness(QUIET);
		return 0;
	case 'V':
		message_set_loudness(VERBOSE);
		return 0;
	case 'h':
		options_print_help();
		exit(0);
	default:
		return set_long_flag(options, flag, value);
	}
}

static void set_defaults(struct options *options)
{
	struct sysinfo info;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = 0;

	memset(options, 0, sizeof *options);
	options->cpus = cpus < 1 ? 1 : cpus > MAX_CPUS ? MAX_CPUS : cpus;
	options->memory_mib = 2048;
	if (sysinfo(&info) == 0) {
		unsigned long half =
			info.totalram * (unsigned long)info.mem_unit / 2 >> 20;
		options->memory_mib = half < 2048 ? half : 2048;
	}
	options->boot_timeout = 60;
	options->root = "/";
	options->user = geteuid();
	options->group = getegid();
	int groups = getgroups(MAX_GROUPS, options->groups);
	options->group_count = groups > 0 ? groups : 0;
	options->mask = umask(022);
	umask(options->mask);
	while (environ[count]) {
		count++;
	}
	options->environment = calloc(count + 1, sizeof *options->environment);
	for (size_t i = 0; options->environment && i < count; i++) {
		options->environment[i] = environ[i];
	}
}

/* getopt's own messages are off: ours name the command and point to the help. */
static int unknown_flag(char **arguments, int flag)
{
	const char *word = arguments[optind - 1];

	if (flag == ':') {
		say_error("%s wants a value (see: heddle help)", word);
	} else if (optopt && optopt < 256) {
		say_error("unknown flag -%c (see: heddle help)", optopt);
	} else {
		say_error("unknown flag %s (see: heddle help)", word);
	}
	return -EINVAL;
}

/* "--" is never a value: the one that belongs to the flag before it was left out. Nor is a lone "-" a file. */
static int check_value(char **arguments, int flag)
{
	const char *value = optarg, *word = arguments[optind - 2];

	if (!value || arguments[optind - 1] != value) {
		return 0; // none, or in one word with its flag
	}
	if (!strcmp(value, "--")) {
		say_error("%s wants a value, not -- (see: heddle help)", word);
		return -EINVAL;
	}
	if ((flag == TRACE || flag == STATUS_FILE) && !strcmp(value, "-")) {
		return wrong(word, value, "wants a file; /dev/stderr is one");
	}
	return 0;
}

static int set_program(struct options *options, int count, char **arguments, bool shell)
{
	static char *shell_arguments[] = {"/bin/sh", NULL};
	const char *preferred = getenv("SHELL");

	if (shell && count) {
		say_error("shell: takes flags only; programs are for: heddle run");
		return -EINVAL;
	}
	if (!shell && (!count || !*arguments[0])) {
		say_error("run: which program? (see: heddle help)");
		return -EINVAL;
	}
	options->arguments = shell ? shell_arguments : arguments;
	if (shell && preferred && *preferred == '/' && !strcmp(options->root, "/")) {
		shell_arguments[0] = strdup(preferred);
	}
	return 0;
}

int options_parse(struct options *options, int count, char **arguments)
{
	int flag;

	set_defaults(options);
	if (!options->environment) {
		return -ENOMEM;
	}
	opterr = 0;
	optind = 1;
	while ((flag = getopt_long(count, arguments, "+:c:m:e:w:u:v:qVh", flags, NULL)) !=
	       -1) {
		int result = flag == '?' || flag == ':' ? unknown_flag(arguments, flag)
							: check_value(arguments, flag);
		if (result == 0) {
			result = set_flag(options, flag, optarg);
		}
		if (result < 0) {
			return result;
		}
	}
	int result = set_program(options, count - optind, arguments + optind,
				 !strcmp(arguments[0], "shell"));
	if (result < 0) {
		return result;
	}
	if (!options->directory) {
		char *here = getcwd(NULL, 0);
		options->directory = strcmp(options->root, "/") || !here ? "/" : here;
	}
	return 0;
}

const char *options_variable(const struct options *options, const char *name)
{
	size_t length = strlen(name);

	for (char **at = options->environment; *at; at++) {
		if (!strncmp(*at, name, length) && (*at)[length] == '=') {
			return *at + length + 1;
		}
	}
	return NULL;
}

// SPDX-License-Identifier: MIT
/*
 * Machine `microvm` with ACPI: the CPUs are in the MADT. The virtio-mmio slots are at fixed
 * places; which of them are in use is told to the kernel by virtio_mmio.device= words, since
 * QEMU does so only without ACPI (docs/decisions/0010-the-machine.md).
 */
#include "machine.h"

#include "guest_files.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU_NAME    "qemu-system-x86_64"
#define QEMU_PACKAGE "qemu-system-x86"
#define ARCH_NAME    "x86_64"

#define SLOT_COUNT 24
#define SLOT_BASE  0xfeb00000u
#define SLOT_SIZE  0x200u
#define SLOT_IRQ \
	24 // first line of the second I/O APIC; QEMU raises its third instead, so slot 0 stays empty

#define MAX_WORDS 256

static const char *const port_names[PORT_END] = {"serial", "control", "stdin",
						 "stdout", "stderr",  "terminal"};

struct command {
	char *words[MAX_WORDS + 1];
	size_t count;
	unsigned slots; // virtio devices so far
};

static void add(struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct command *command, const char *format, ...)
{
	va_list arguments;
	char *word = NULL;

	va_start(arguments, format);
	if (vasprintf(&word, format, arguments) < 0) {
		abort();
	}
	va_end(arguments);
	if (command->count == MAX_WORDS) {
		abort(); // options.c bounds the number of shares
	}
	command->words[command->count++] = word;
	command->words[command->count] = NULL;
}

static void command_free(struct command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		free(command->words[i]);
	}
}

/* A value inside a QEMU option: a comma is written twice. */
static void quote_commas(const char *path, char *out, size_t size)
{
	size_t length = 0;

	for (; *path && length + 3 < size; path++) {
		if (*path == ',') {
			out[length++] = ',';
		}
		out[length++] = *path;
	}
	out[length] = 0;
}

static void add_share(struct command *command, const char *tag, const char *path,
		      bool writable)
{
	char quoted[2 * PATH_MAX];

	quote_commas(path, quoted, sizeof quoted);
	add(command, "-fsdev");
	add(command, "local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag,
	    quoted, writable ? "" : ",readonly=on");
	add(command, "-device");
	add(command, "virtio-9p-device,fsdev=%s,mount_tag=%s", tag, tag);
	command->slots++;
}

static void add_ports(struct command *command, const int *sockets)
{
	add(command, "-chardev");
	add(command, "socket,id=serial,fd=%d", sockets[PORT_SERIAL]);
	add(command, "-serial");
	add(command, "chardev:serial");
	add(command, "-device");
	add(command, "virtio-serial-device,max_ports=8");
	command->slots++;
	for (int port = PORT_CONTROL; port < PORT_END; port++) {
		add(command, "-chardev");
		add(command, "socket,id=%s,fd=%d", port_names[port], sockets[port]);
		add(command, "-device");
		add(command, "virtserialport,nr=%d,chardev=%s,name=heddle.%s", port,
		    port_names[port], port_names[port]);
	}
}

static void add_kernel(struct command *command, const struct options *options,
		       const char *kernel, int initramfs)
{
	char words[4096];
	int length = snprintf(words, sizeof words, "console=ttyS0 panic=-1%s%s",
			      message_loudness() == VERBOSE ? "" : " quiet",
			      options->pack ? " heddle.missing" : "");

	// QEMU fills the slots from the last one down
	for (unsigned i = 1; i <= command->slots; i++) {
		unsigned slot = SLOT_COUNT - i;
		length += snprintf(words + length, sizeof words - length,
				   " virtio_mmio.device=%u@0x%x:%u", SLOT_SIZE,
				   SLOT_BASE + slot * SLOT_SIZE, SLOT_IRQ + slot);
	}
	add(command, "-kernel");
	add(command, "%s", kernel);
	add(command, "-initrd");
	add(command, "/proc/self/fd/%d", initramfs);
	add(command, "-append");
	add(command, "%s%s%s", words, options->append ? " " : "",
	    options->append ? options->append : "");
}

static void build(struct command *command, const struct options *options,
		  const struct machine_files *files, const char *accel,
		  const int *sockets, int initramfs, int gate)
{
	static const char *const fixed[] = {
		"-M",
		"microvm,acpi=on,auto-kernel-cmdline=off,mem-merge=off",
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-display",
		"none",
		"-global",
		"virtio-mmio.force-legacy=false",
		"-device",
		"isa-debug-exit,iobase=0xf4,iosize=0x4",
	};

	add(command, "%s", files->qemu);
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		add(command, "%s", fixed[i]);
	}
	if (gate >= 0) { // a pipe: its end is an empty file of settings
		add(command, "-readconfig");
		add(command, "/proc/self/fd/%d", gate);
	}
	add(command, "-accel");
	add(command, "%s", accel);
	add(command, "-cpu");
	add(command, "%s", strcmp(accel, "kvm") ? "max" : "host");
	add(command, "-smp");
	add(command, "%u", options->cpus);
	add(command, "-m");
	add(command, "%uM", options->memory_mib);
	add_ports(command, sockets);
	if (!options->pack) {
		add_share(command, ROOT_TAG, options->root, false);
	}
	for (size_t i = 0; i < options->share_count; i++) {
		char tag[32];
		snprintf(tag, sizeof tag, SHARE_TAG_FORMAT, i);
		add_share(command, tag, options->shares[i].source,
			  options->shares[i].writable);
	}
	add_kernel(command, options, files->kernel, initramfs);
}

static void print_quoted(const char *word)
{
	if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-+=./:,@%") == strlen(word)) {
		printf("%s", word);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'') {
			printf("'\\''");
		} else {
			putchar(*word);
		}
	}
	putchar('\'');
}

void machine_print(const struct options *options, const struct machine_files *files,
		   const char *accel)
{
	static const int sockets[PORT_END] = {10, 11, 12, 13, 14, 15};
	struct command command = {0};

	build(&command, options, files, accel, sockets, 16, -1);
	for (size_t i = 0; i < command.count; i++) {
		printf("%s", i ? " " : "");
		print_quoted(command.words[i]);
	}
	putchar('\n');
	command_free(&command);
}

int machine_find_qemu(char path[PATH_MAX])
{
	const char *chosen = getenv("HEDDLE_QEMU");
	const char *search = getenv("PATH");

	if (chosen && *chosen) {
		snprintf(path, PATH_MAX, "%s", chosen);
		return access(path, X_OK) < 0 ? -ENOENT : 0;
	}
	for (search = search ? search : "/usr/bin:/bin"; *search;) {
		int length = strcspn(search, ":");
		if (length &&
		    snprintf(path, PATH_MAX, "%.*s/" QEMU_NAME, length, search) <
			    PATH_MAX &&
		    access(path, X_OK) == 0) {
			return 0;
		}
		search += length + (search[length] == ':');
	}
	return -ENOENT;
}

/* build/host/heddle lies beside build/<arch>/. */
static void built_file(const char *name, char out[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	self[length > 0 ? length : 0] = 0;
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');
		if (slash) {
			*slash = 0;
		}
	}
	snprintf(out, PATH_MAX, "%.*s/" ARCH_NAME "/%s", PATH_MAX - 64, self, name);
}

int machine_find_files(const struct options *options, struct machine_files *files,
		       char *missing, size_t size)
{
	const char *chosen = getenv("HEDDLE_QEMU");

	if (machine_find_qemu(files->qemu) < 0) {
		if (chosen && *chosen) {
			snprintf(missing, size, "HEDDLE_QEMU is %.*s: %s", PATH_MAX - 1,
				 chosen, strerror(errno));
			return -ENOENT;
		}
		snprintf(missing, size, "QEMU is missing: apt-get install %s",
			 QEMU_PACKAGE);
		return -ENOENT;
	}
	if (options->kernel) {
		snprintf(files->kernel, sizeof files->kernel, "%s", options->kernel);
	} else {
		built_file("heddle-kernel", files->kernel);
	}
	built_file("init", files->init);
	if (access(files->kernel, R_OK) < 0 || access(files->init, R_OK) < 0) {
		snprintf(missing, size, "%s is not there: build it with make",
			 access(files->kernel, R_OK) < 0 ? files->kernel : files->init);
		return -ENOENT;
	}
	return 0;
}

pid_t machine_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	sigset_t none;

	if (pid) {
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(1); // heddle died before the line above
	}
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	return 0;
}

static void inherit(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

/*
 * QEMU asks for some 6 MiB in small pieces before the guest runs. In huge pages and one arena that costs
 * 4 ms less of a start; other C libraries do not read the variable, and the user's own setting stays.
 */
#define QEMU_MALLOC                                                                    \
	"glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=" \
	"33554432:"                                                                    \
	"glibc.malloc.top_pad=8388608"

static void become_qemu(char **words, const int *theirs, int initramfs, int gate,
			int errors)
{
	int null = open("/dev/null", O_RDWR);

	for (int port = 0; port < PORT_END; port++) {
		inherit(theirs[port]);
	}
	inherit(initramfs);
	inherit(gate);
	dup2(null, 0);
	dup2(errors, 1);
	dup2(errors, 2);
	setenv("GLIBC_TUNABLES", QEMU_MALLOC, 0);
	execv(words[0], words);
	dprintf(2, "%s: %s\n", words[0], strerror(errno));
	_exit(STATUS_NOT_FOUND);
}

static int open_sockets(struct machine *machine, int *theirs)
{
	for (int port = 0; port < PORT_END; port++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			return -errno;
		}
		machine->ports[port] = pair[0];
		theirs[port] = pair[1];
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

int machine_start(struct machine *machine, const struct options *options,
		  const struct machine_files *files, const char *accel, int initramfs)
{
	struct command command = {0};
	int theirs[PORT_END], errors[2], gate[2];

	int result = open_sockets(machine, theirs);
	if (result < 0 || pipe2(errors, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0) {
		return result < 0 ? result : -errno; // heddle ends: so do the descriptors
	}
	build(&command, options, files, accel, theirs, initramfs, gate[0]);
	machine->pid = machine_fork();
	if (!machine->pid) {
		become_qemu(command.words, theirs, initramfs, gate[0], errors[1]);
	}
	command_free(&command);
	for (int port = 0; port < PORT_END; port++) {
		close(theirs[port]);
	}
	close(errors[1]);
	close(gate[0]);
	machine->gate = gate[1];
	machine->initramfs = initramfs;
	machine->errors = errors[0];
	fcntl(errors[0], F_SETFL, O_NONBLOCK);
	return machine->pid < 0 ? -errno : 0;
}

void machine_release(struct machine *machine)
{
	close(machine->gate);
	machine->gate = -1;
}

void machine_forget_initramfs(struct machine *machine)
{
	struct stat status;

	if (machine->initramfs >= 0 && fstat(machine->initramfs, &status) == 0) {
		// without it the pages live as long as QEMU, which is all that is lost
		(void)fallocate(machine->initramfs,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				status.st_size);
		close(machine->initramfs);
		machine->initramfs = -1;
	}
}

int machine_stop(struct machine *machine)
{
	int status = -1;

	if (machine->pid > 0) {
		kill(machine->pid, SIGKILL);
		kill(machine->pid, SIGCONT);
		while (waitpid(machine->pid, &status, 0) < 0 && errno == EINTR) {
			continue;
		}
		machine->pid = 0;
	}
	return status;
}

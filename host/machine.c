// SPDX-License-Identifier: MIT
/*
 * QEMU's process: found, started with our sockets, ended.
 */
#include "machine.h"

#include "outcome.h"
#include "qemu_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void machine_print(const struct options *options, const struct machine_files *files,
		   const char *accel)
{
	static const int sockets[PORT_END] = {10, 11, 12, 13, 14, 15};
	struct qemu_command command = {0};

	qemu_command_build(&command, options, files, accel, sockets, 16, -1);
	qemu_command_print(&command);
	qemu_command_free(&command);
}

int machine_find_qemu(const struct architecture *architecture, char path[PATH_MAX])
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
		    snprintf(path, PATH_MAX, "%.*s/%s", length, search,
			     architecture->qemu) < PATH_MAX &&
		    access(path, X_OK) == 0) {
			return 0;
		}
		search += length + (search[length] == ':');
	}
	return -ENOENT;
}

/* build/host/heddle lies beside build/<arch>/. */
static void built_file(const struct architecture *architecture, const char *name,
		       char out[PATH_MAX])
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
	snprintf(out, PATH_MAX, "%.*s/%s/%s", PATH_MAX - 64, self, architecture->name,
		 name);
}

static int no_qemu(const struct architecture *architecture, char *missing, size_t size)
{
	const char *chosen = getenv("HEDDLE_QEMU");

	if (chosen && *chosen) {
		snprintf(missing, size, "HEDDLE_QEMU is %.*s: %s", PATH_MAX - 1, chosen,
			 strerror(errno));
	} else {
		snprintf(missing, size, "QEMU for %s is missing: apt-get install %s",
			 architecture->name, architecture->qemu_package);
	}
	return -ENOENT;
}

int machine_find_files(const struct options *options, struct machine_files *files,
		       char *missing, size_t size)
{
	const struct architecture *architecture = options->architecture;

	if (machine_find_qemu(architecture, files->qemu) < 0) {
		return no_qemu(architecture, missing, size);
	}
	if (options->kernel) {
		snprintf(files->kernel, sizeof files->kernel, "%s", options->kernel);
	} else {
		built_file(architecture, "heddle-kernel", files->kernel);
	}
	built_file(architecture, "init", files->init);
	if (access(files->kernel, R_OK) < 0 || access(files->init, R_OK) < 0) {
		const char *absent =
			access(files->kernel, R_OK) < 0 ? files->kernel : files->init;
		if (architecture_is_native(architecture)) {
			snprintf(missing, size, "%s is not there: build it with make",
				 absent);
		} else {
			snprintf(missing, size,
				 "%s is not there: build it with make ARCH=%s", absent,
				 architecture->name);
		}
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
	struct qemu_command command = {0};
	int theirs[PORT_END], errors[2], gate[2];

	int result = open_sockets(machine, theirs);
	if (result < 0 || pipe2(errors, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0) {
		return result < 0 ? result : -errno; // heddle ends: so do the descriptors
	}
	qemu_command_build(&command, options, files, accel, theirs, initramfs, gate[0]);
	machine->pid = machine_fork();
	if (!machine->pid) {
		become_qemu(command.words, theirs, initramfs, gate[0], errors[1]);
	}
	qemu_command_free(&command);
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

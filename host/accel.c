// SPDX-License-Identifier: MIT
/*
 * /dev/kvm can be there and be unusable, or a thousand times slower than emulation. So a
 * guest of a few instructions is booted under a deadline: it runs a loop and some CPUID
 * instructions, which trap, and ends by the exit device with a value of its own.
 *
 * The cache file is $XDG_CACHE_HOME/heddle/kvm (else ~/.cache/heddle/kvm): one line of key,
 * answer and reason. The key is the boot id and QEMU's path, size and time.
 */
#include "accel.h"

#include "machine.h"
#include "message.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBE_DEADLINE_MS 2000
#define PROBE_VALUE       0x15 // what the guest writes to the exit device
#define PROBE_STATUS      (PROBE_VALUE << 1 | 1) // what QEMU makes of it

static const unsigned char probe_code[] = {
	0xbe, 0x00,        0x10, 0x00, 0x00, // mov esi, 4096
	0x31, 0xc0,                          // again: xor eax, eax
	0x0f, 0xa2,                          // cpuid
	0xb9, 0x00,        0x04, 0x00, 0x00, // mov ecx, 1024
	0xe2, 0xfe,                          // loop to itself
	0x4e,                                // dec esi
	0x75, 0xf2,                          // jnz again
	0xb0, PROBE_VALUE,                   // mov al, value
	0xe6, 0xf4,                          // out 0xf4, al
	0xf4,                                // hlt
	0xeb, 0xfd,                          // jmp back to hlt
};

/* A 32-bit ELF file with the PVH note that names its entry. */
struct probe_image {
	Elf32_Ehdr header;
	Elf32_Phdr segments[2];
	struct {
		Elf32_Nhdr header;
		char name[4];
		uint32_t entry;
	} note;
	unsigned char code[sizeof probe_code];
};

#define PROBE_ADDRESS 0x100000u

static void fill_probe(struct probe_image *image)
{
	uint32_t code = offsetof(struct probe_image, code);
	uint32_t note = offsetof(struct probe_image, note);

	memset(image, 0, sizeof *image);
	memcpy(image->header.e_ident, ELFMAG "\1\1\1", 7);
	image->header.e_type = ET_EXEC;
	image->header.e_machine = EM_386;
	image->header.e_version = EV_CURRENT;
	image->header.e_entry = PROBE_ADDRESS + code;
	image->header.e_phoff = offsetof(struct probe_image, segments);
	image->header.e_ehsize = sizeof image->header;
	image->header.e_phentsize = sizeof image->segments[0];
	image->header.e_phnum = 2;
	image->segments[0] = (Elf32_Phdr){
		.p_type = PT_LOAD,
		.p_vaddr = PROBE_ADDRESS,
		.p_paddr = PROBE_ADDRESS,
		.p_filesz = sizeof *image,
		.p_memsz = sizeof *image,
		.p_flags = PF_R | PF_X,
		.p_align = 4,
	};
	image->segments[1] = (Elf32_Phdr){
		.p_type = PT_NOTE,
		.p_offset = note,
		.p_vaddr = PROBE_ADDRESS + note,
		.p_paddr = PROBE_ADDRESS + note,
		.p_filesz = sizeof image->note,
		.p_memsz = sizeof image->note,
		.p_flags = PF_R,
		.p_align = 4,
	};
	image->note.header = (Elf32_Nhdr){.n_namesz = 4, .n_descsz = 4, .n_type = 18};
	memcpy(image->note.name, "Xen", 4);
	image->note.entry = PROBE_ADDRESS + code;
	memcpy(image->code, probe_code, sizeof probe_code);
}

static int probe_file(void)
{
	struct probe_image image;
	int fd = memfd_create("heddle-probe", 0);

	fill_probe(&image);
	if (fd >= 0 && write(fd, &image, sizeof image) != sizeof image) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void run_probe(const char *qemu, int image)
{
	char kernel[40];
	int null = open("/dev/null", O_RDWR);

	snprintf(kernel, sizeof kernel, "/proc/self/fd/%d", image);
	for (int number = 0; number < 3; number++) {
		dup2(null, number);
	}
	execl(qemu, qemu, "-M", "microvm", "-accel", "kvm", "-cpu", "host", "-m", "32M",
	      "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
	      "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4", "-kernel", kernel,
	      (char *)NULL);
	_exit(1);
}

/* Wait for a child, at most so long. Returns its wait status, or -ETIMEDOUT. */
static int wait_for(pid_t pid, int milliseconds)
{
	struct timespec pause = {.tv_nsec = 5000000};
	int status;

	for (int waited = 0; waited < milliseconds; waited += 5) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			return status;
		}
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIMEDOUT;
}

static bool probe_kvm(const char *qemu, char *reason, size_t size)
{
	int image = probe_file();
	pid_t pid = image < 0 ? -1 : machine_fork();

	if (!pid) {
		run_probe(qemu, image);
	}
	int status = pid < 0 ? -errno : wait_for(pid, PROBE_DEADLINE_MS);
	if (image >= 0) {
		close(image);
	}
	if (status == -ETIMEDOUT) {
		snprintf(reason, size, "KVM did not finish a tiny guest in 2 seconds");
	} else if (status < 0 || !WIFEXITED(status) ||
		   WEXITSTATUS(status) != PROBE_STATUS) {
		snprintf(reason, size, "KVM failed to run a tiny guest");
	} else {
		snprintf(reason, size, "KVM ran a tiny guest in time");
		return true;
	}
	return false;
}

static bool cache_path(char *path, size_t size, bool make)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char directory[PATH_MAX - 16];

	if (base && *base == '/') {
		snprintf(directory, sizeof directory, "%s", base);
	} else if (home && *home == '/') {
		snprintf(directory, sizeof directory, "%s/.cache", home);
	} else {
		return false;
	}
	if (make) {
		mkdir(directory, 0700);
	}
	if (snprintf(path, size, "%s/heddle", directory) >= (int)size - 8) {
		return false;
	}
	if (make) {
		mkdir(path, 0700);
	}
	strcat(path, "/kvm");
	return true;
}

static void make_key(const char *qemu, char *key, size_t size)
{
	struct stat status = {0};
	char boot[64] = "unknown";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (file) {
		if (fgets(boot, sizeof boot, file)) {
			boot[strcspn(boot, "\n")] = 0;
		}
		fclose(file);
	}
	stat(qemu, &status);
	snprintf(key, size, "%s %lld %lld %u %s", boot, (long long)status.st_size,
		 (long long)status.st_mtime, geteuid(), qemu);
}

static bool read_cache(const char *key, bool *works, char *reason, size_t size)
{
	char path[PATH_MAX], lines[3][PATH_MAX + 256];
	FILE *file = cache_path(path, sizeof path, false) ? fopen(path, "re") : NULL;
	int count = 0;

	if (!file) {
		return false;
	}
	while (count < 3 && fgets(lines[count], sizeof lines[0], file)) {
		lines[count][strcspn(lines[count], "\n")] = 0;
		count++;
	}
	fclose(file);
	if (count < 3 || strcmp(lines[0], key)) {
		return false;
	}
	*works = !strcmp(lines[1], "kvm");
	snprintf(reason, size, "%.150s (found earlier)", lines[2]);
	return true;
}

static void write_cache(const char *key, bool works, const char *reason)
{
	char path[PATH_MAX], fresh[PATH_MAX + 16];

	if (!cache_path(path, sizeof path, true)) {
		return;
	}
	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
	FILE *file = fopen(fresh, "we");
	if (!file) {
		return; // no cache folder: the probe is run again next time
	}
	fprintf(file, "%s\n%s\n%s\n", key, works ? "kvm" : "tcg", reason);
	if (fclose(file) != 0 || rename(fresh, path) < 0) {
		unlink(fresh);
	}
}

static bool may_use_kvm(const struct architecture *architecture, char *reason,
			size_t size)
{
	if (!architecture_is_native(architecture)) {
		snprintf(reason, size, "KVM runs %s guests on this host, not %s",
			 architecture_of_host()->name, architecture->name);
		return false;
	}
	if (access("/dev/kvm", F_OK) < 0) {
		snprintf(reason, size, "this host has no /dev/kvm");
		return false;
	}
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		snprintf(reason, size, "/dev/kvm may not be opened: %s", strerror(errno));
		return false;
	}
	return true;
}

static const char *choose_by_probe(const struct architecture *architecture,
				   const char *qemu, char *reason, size_t size)
{
	char key[PATH_MAX + 200];
	bool works;

	if (!may_use_kvm(architecture, reason, size)) {
		return "tcg";
	}
	make_key(qemu, key, sizeof key);
	if (!read_cache(key, &works, reason, size)) {
		works = probe_kvm(qemu, reason, size);
		write_cache(key, works, reason);
	}
	return works ? "kvm" : "tcg";
}

const char *accel_choose(enum accel_choice choice,
			 const struct architecture *architecture, const char *qemu,
			 char *reason, size_t size)
{
	const char *preset = getenv("HEDDLE_ACCEL"), *source = "--accel";

	if (choice == ACCEL_AUTO && preset && *preset) {
		source = "HEDDLE_ACCEL";
		if (!strcmp(preset, "kvm")) {
			choice = ACCEL_KVM;
		} else if (!strcmp(preset, "tcg")) {
			choice = ACCEL_TCG;
		} else if (strcmp(preset, "auto") != 0) {
			snprintf(reason, size,
				 "HEDDLE_ACCEL is %.40s: wants auto, kvm or tcg", preset);
			return NULL;
		}
	}
	if (choice == ACCEL_AUTO) {
		return choose_by_probe(architecture, qemu, reason, size);
	}
	if (choice == ACCEL_KVM && !may_use_kvm(architecture, reason, size)) {
		return NULL;
	}
	snprintf(reason, size, "asked for with %s", source);
	return choice == ACCEL_KVM ? "kvm" : "tcg";
}

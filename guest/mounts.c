// SPDX-License-Identifier: MIT
/*
 * Root is the initramfs itself, or a 9p share of the host with a tmpfs laid over it. The
 * mounts under it hide the host's /proc, /sys and /dev. Root and shares must work; of the
 * others a failure is told and the run goes on.
 */
#include "mounts.h"

#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOWER       "/heddle/lower"
#define LAYER       "/heddle/layer"
#define ROOT        "/heddle/root"
#define SHARE_READ  "trans=virtio,version=9p2000.L,msize=512000,cache=loose"
#define SHARE_WRITE "trans=virtio,version=9p2000.L,msize=512000,cache=mmap"

void make_directories(const char *path)
{
	char part[4096];
	size_t length = strlen(path);

	if (length >= sizeof part) {
		return;
	}
	memcpy(part, path, length + 1);
	for (char *at = part + 1; *at; at++) {
		if (*at == '/') {
			*at = 0;
			mkdir(part, 0755);
			*at = '/';
		}
	}
	mkdir(part, 0755);
}

static int try_mount(const char *source, const char *place, const char *type,
		     unsigned long flags, const char *options)
{
	if (mount(source, place, type, flags, options) == 0 || errno == EBUSY) {
		return 0;
	}
	return -errno;
}

int mount_devices(void)
{
	mkdir("/dev", 0755);
	return try_mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
}

static int fatal(int error, const char *what)
{
	control_say(CONTROL_FAILED, "cannot mount %s: %s", what, strerror(-error));
	return error;
}

static int mount_root(const char *tag)
{
	struct stat lower;

	make_directories(LOWER);
	make_directories(LAYER);
	make_directories(ROOT);
	int result = try_mount(tag, LOWER, "9p", MS_RDONLY, SHARE_READ);
	if (result < 0) {
		return fatal(result, "the host's directory (9p)");
	}
	result = try_mount("layer", LAYER, "tmpfs", 0, "mode=0755");
	if (result < 0) {
		return fatal(result, "a tmpfs for what the program writes");
	}
	mkdir(LAYER "/data", 0755);
	mkdir(LAYER "/work", 0755);
	if (stat(LOWER, &lower) == 0) {
		// the root directory itself shows the upper layer's attributes
		if (chown(LAYER "/data", lower.st_uid, lower.st_gid) == 0) {
			chmod(LAYER "/data", lower.st_mode & 07777);
		}
	}
	result = try_mount("root", ROOT, "overlay", 0,
			   "lowerdir=" LOWER ",upperdir=" LAYER "/data,workdir=" LAYER
			   "/work");
	return result < 0 ? fatal(result, "an overlay over the host's directory") : 0;
}

/* Make ROOT the root directory; the move of the mount lets pivoting programs work later. */
static int enter_root(void)
{
	if (chdir(ROOT) < 0) {
		return fatal(-errno, "the root directory");
	}
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 && errno != EINVAL &&
	    errno != ENOSYS) {
		control_say(CONTROL_NOTICE, "the root mount stays where it is: %s",
			    strerror(errno));
	}
	if (chroot(".") < 0 || chdir("/") < 0) {
		return fatal(-errno, "the root directory (chroot)");
	}
	return 0;
}

static int mount_shares(const struct config *config)
{
	for (size_t i = 0; i < config->share_count; i++) {
		const struct share *share = &config->shares[i];
		make_directories(share->place);
		int result = try_mount(share->tag, share->place, "9p",
				       share->writable ? 0 : MS_RDONLY,
				       share->writable ? SHARE_WRITE : SHARE_READ);
		if (result < 0) {
			return fatal(result, share->place);
		}
	}
	return 0;
}

static void mount_usual(const char *source, const char *place, const char *type,
			unsigned long flags, const char *options)
{
	mkdir(place, 0755);
	int result = try_mount(source, place, type, flags, options);
	if (result < 0) {
		control_say(CONTROL_NOTICE, "%s is not there: mounting %s: %s", place,
			    type, strerror(-result));
	}
}

static void link_devices(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST) {
			control_say(CONTROL_NOTICE, "%s: %s", links[i][1],
				    strerror(errno));
		}
	}
}

int mount_everything(const struct config *config)
{
	int result = 0;

	if (config->root_tag) {
		result = mount_root(config->root_tag);
		if (!result) {
			result = enter_root();
		}
		if (result < 0) {
			return result;
		}
		mount_usual("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	}
	mount_usual("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_usual("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_usual("pts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "mode=620,ptmxmode=666,gid=5");
	mount_usual("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	link_devices();
	if (!config->root_tag && mkdir("/tmp", 01777) == 0) {
		chmod("/tmp", 01777);
	}
	return mount_shares(config);
}

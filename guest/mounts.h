// SPDX-License-Identifier: MIT
/*
 * The file systems a program expects. Problems are told over the control port.
 */
#pragma once

#include "config.h"

/* Mount /dev on the initramfs, so that the ports can be opened. Returns 0 or a negative errno. */
int mount_devices(void);

/* Mount root, shares, /proc, /sys, /dev/pts, /dev/shm and go there. Returns 0 or a negative errno. */
int mount_everything(const struct config *config);

/* mkdir -p. */
void make_directories(const char *path);

// SPDX-License-Identifier: MIT
/* Checks and steps shared by directory.c, rename.c and open.c. The directories' inode.lock is held exclusively. */
#pragma once

#include "fs/directory.h"

/* Whose permissions count; NULL: none are checked. */
const struct credentials *credentials_of(const struct walk_context *by);
int may_create_in(struct inode *directory, const struct credentials *check) must_check;
int may_delete_from(struct inode *directory, struct dentry *victim,
		    const struct credentials *check) must_check;
int directory_make_locked(struct dentry *parent, struct dentry *dentry,
			  const struct make_request *request,
			  const struct credentials *check) must_check;

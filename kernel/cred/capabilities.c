// SPDX-License-Identifier: MIT
/*
 * capabilities(7) as rules on credentials that are not published yet: what a change of user ids and execve do to the sets.
 *
 * Root is the uid 0 of the credentials' own user namespace; without a mapping of 0 there is none.
 */
#include "cred/credentials.h"

#include "cred/user_namespace.h"
#include "lib/errno.h"
#include <linux/securebits.h>

#define BIT(capability) (1ULL << (capability))
/* What the file system user id of root brings. */
#define FILE_CAPABILITIES                                                             \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |          \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE) | \
	 BIT(CAP_LINUX_IMMUTABLE))

static u32 root_of(const struct credentials *credentials)
{
	return id_to_kernel(credentials->user_namespace, ID_USER, 0);
}

static bool any_is(const struct credentials *c, u32 uid)
{
	return uid != ID_INVALID && (c->uid == uid || c->euid == uid || c->suid == uid);
}

void credentials_follow_user(struct credentials *fresh, const struct credentials *old)
{
	u32 root = root_of(old);

	if (fresh->securebits & SECBIT_NO_SETUID_FIXUP) {
		return;
	}
	if (any_is(old, root) && !any_is(fresh, root)) {
		if (!(fresh->securebits & SECBIT_KEEP_CAPS)) {
			fresh->capability_permitted = fresh->capability_effective = 0;
		}
		fresh->capability_ambient = 0;
	}
	if (old->euid == root && fresh->euid != root) {
		fresh->capability_effective = 0;
	} else if (old->euid != root && fresh->euid == root) {
		fresh->capability_effective = fresh->capability_permitted;
	}
}

void credentials_follow_file_user(struct credentials *fresh,
				  const struct credentials *old)
{
	u32 root = root_of(old);

	if (fresh->securebits & SECBIT_NO_SETUID_FIXUP) {
		return;
	}
	if (old->fsuid == root && fresh->fsuid != root) {
		fresh->capability_effective &= ~FILE_CAPABILITIES;
	} else if (old->fsuid != root && fresh->fsuid == root) {
		fresh->capability_effective |=
			fresh->capability_permitted & FILE_CAPABILITIES;
	}
}

/* P'(permitted) without the ambient set, and whether the file's effective bit counts as set. */
static int file_capabilities(struct credentials *fresh, const struct exec_facts *facts,
			     bool *effective)
{
	fresh->capability_permitted = 0;
	if (!facts->has_capabilities) {
		return 0;
	}
	fresh->capability_permitted =
		(fresh->capability_bounding & facts->permitted) |
		(fresh->capability_inheritable & facts->inheritable);
	*effective = facts->effective;
	// A program that is not aware of capabilities gets all that its file names, or does not run.
	return facts->effective && (facts->permitted & ~fresh->capability_permitted)
		       ? -EPERM
		       : 0;
}

/* Root gets everything the bounding set leaves, as if the file named it all. */
static void root_capabilities(struct credentials *fresh, const struct credentials *old,
			      const struct exec_facts *facts, u32 root, bool *effective)
{
	bool real = root != ID_INVALID && fresh->uid == root;
	bool effective_root = root != ID_INVALID && fresh->euid == root;

	if (fresh->securebits & SECBIT_NOROOT) {
		return;
	}
	// A set-uid root file with capabilities gives somebody else just those.
	if (facts->has_capabilities && effective_root && !real) {
		return;
	}
	if (real || effective_root) {
		fresh->capability_permitted =
			old->capability_bounding | old->capability_inheritable;
	}
	*effective |= effective_root;
}

/* Somebody else has a hand on the process: it gets no more than it had. */
static void hold_back(struct credentials *fresh, const struct credentials *old)
{
	if (fresh->no_new_privileges ||
	    !credentials_capable_in(old, fresh->user_namespace, CAP_SETUID)) {
		fresh->euid = fresh->uid;
		fresh->egid = fresh->gid;
	}
	fresh->capability_permitted &= old->capability_permitted;
}

int credentials_follow_exec(struct credentials *fresh, const struct credentials *old,
			    const struct exec_facts *facts, bool *secure)
{
	u32 root = root_of(fresh);
	bool effective = false, changed, gained;
	int err = file_capabilities(fresh, facts, &effective);

	if (err) {
		return err;
	}
	root_capabilities(fresh, old, facts, root, &effective);
	changed = fresh->euid != old->euid || !credentials_in_group(old, fresh->egid);
	gained = fresh->capability_permitted & ~old->capability_permitted;
	if ((changed || gained) && (facts->shared || fresh->no_new_privileges)) {
		hold_back(fresh, old);
	}
	fresh->suid = fresh->fsuid = fresh->euid;
	fresh->sgid = fresh->fsgid = fresh->egid;
	if (facts->has_capabilities || changed) {
		fresh->capability_ambient = 0;
	}
	fresh->capability_permitted |= fresh->capability_ambient;
	fresh->capability_effective =
		effective ? fresh->capability_permitted : fresh->capability_ambient;
	fresh->securebits &= ~(u32)SECBIT_KEEP_CAPS;
	*secure = changed || fresh->euid != old->uid || fresh->egid != old->gid ||
		  (fresh->uid != root && (effective || (fresh->capability_permitted &
							~fresh->capability_ambient)));
	return 0;
}

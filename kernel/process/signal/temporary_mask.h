// SPDX-License-Identifier: MIT
/* The signal mask that pselect6, ppoll, epoll_pwait and their like put in place for the length of their wait. */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

/* Copy the mask in and block just it, remembering the old one. `mask` 0: nothing to do. -EFAULT, -EINVAL (size is not 8). */
int signal_set_temporary_mask(vaddr_t mask, u64 size) must_check;
/* End it, passing the call's result through: -EINTR and the restart codes keep the mask until the handler's frame has been made (which saves
 * the old one); any other result puts the old mask back now. Nothing to do if none was set. */
long signal_end_temporary_mask(long result);

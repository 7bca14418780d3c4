// SPDX-License-Identifier: MIT
/* Signals for the owners of open files (F_SETOWN): installed in the rooms that find out. */
#pragma once

void file_signal_init(void); /* boot */

// SPDX-License-Identifier: MIT
/*
 * `heddle doctor`: what this host lacks, the command that installs it, how guests will run.
 */
#pragma once

/* Returns the exit status: 0 if programs can be run, 125 if something needed is missing. */
int doctor_run(void);

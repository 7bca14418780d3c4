// SPDX-License-Identifier: MIT
/*
 * Numbers people type: counts, sizes, times. The whole text must be one.
 */
#pragma once

/* 0, or -EINVAL if it is no number from least to most. */
int quantity_parse_number(const char *text, long least, long most, long *out);

/* 512 and 512M are MiB; K, G, T too. Rounded down to MiB. */
int quantity_parse_memory(const char *text, unsigned *mib);

/* Seconds; or with ms, s, m, h. Above zero. */
int quantity_parse_time(const char *text, double *seconds);

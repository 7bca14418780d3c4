// SPDX-License-Identifier: MIT
int untold;

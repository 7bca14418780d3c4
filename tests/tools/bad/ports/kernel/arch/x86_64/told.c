// SPDX-License-Identifier: MIT
void told(void)
{
}

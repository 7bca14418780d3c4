// SPDX-License-Identifier: MIT
void placed(void)
{
}

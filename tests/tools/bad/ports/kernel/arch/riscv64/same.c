// SPDX-License-Identifier: MIT
void second(void)
{
}

void first(void)
{
}

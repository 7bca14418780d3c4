// SPDX-License-Identifier: MIT
void first(void)
{
}

void second(void)
{
}

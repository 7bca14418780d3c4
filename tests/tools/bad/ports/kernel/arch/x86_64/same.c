// SPDX-License-Identifier: MIT
void first(void)
{
}

static void own(void)
{
}

void second(void)
{
}

// SPDX-License-Identifier: MIT
/* A frame of 1.1 KiB, in C as the kernel is compiled: S3. */
void fill(char *buffer, unsigned size);
void use_much_stack(void);

void use_much_stack(void)
{
	char buffer[1100];

	fill(buffer, sizeof(buffer));
}

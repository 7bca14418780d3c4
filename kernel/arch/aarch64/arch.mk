# AArch64: compiler flags, the vDSO's, and the bootable image.
# Atomic operations are calls of the compiler's library, which takes the large system extensions where features.c found them.
arch_cflags := -march=armv8-a -mgeneral-regs-only -mcmodel=small -moutline-atomics -mbranch-protection=none
kernel_libs := -lgcc

# An Image as Linux has it: the header lies at the image's first byte.
arch_image  := -O binary

vdso_with      := -mno-outline-atomics
vdso_sigreturn := __kernel_rt_sigreturn

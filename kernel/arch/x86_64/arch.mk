# x86-64: compiler flags, the vDSO's, and the bootable image.
arch_cflags := -m64 -falign-functions=1 -falign-jumps=1 -falign-loops=1 -march=x86-64 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fcf-protection=none
# Small code would clear and copy byte by byte.
arch_whole  := -mstringop-strategy=libcall
kernel_libs :=

# QEMU's -kernel takes the ELF file itself (PVH note); the bootable one carries no symbols.
arch_image  := --strip-all

vdso_without := -mcmodel=kernel

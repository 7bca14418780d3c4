# RISC-V 64: compiler flags, the vDSO's, and the bootable image.
# The kernel has no floating point of its own. Programs and the vDSO have RV64GC's calling convention.
arch_cflags := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -mno-save-restore
kernel_libs :=

# An Image as Linux has it: the header lies at the image's first byte.
arch_image  := -O binary

vdso_without   := -march=% -mabi=%
vdso_with      := -march=rv64gc -mabi=lp64d
vdso_sigreturn := __vdso_rt_sigreturn

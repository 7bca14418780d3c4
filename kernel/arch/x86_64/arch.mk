# x86-64: compiler flags, the vDSO, and the bootable image.
arch_cflags := -m64 -march=x86-64 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fcf-protection=none
kernel_libs :=

# QEMU's -kernel takes the ELF file itself (PVH note); the bootable one carries no symbols.
define arch_make_image
@objcopy --strip-all $< $@
endef

# The vDSO is user code: a shared object, embedded in the kernel as it is.
vdso_cflags = $(filter-out -mcmodel=kernel -fno-pic -fno-pie -fno-asynchronous-unwind-tables -g,$(kernel_cflags)) \
	-fPIC -fvisibility=default -fasynchronous-unwind-tables

$(B)/vdso.so: kernel/arch/x86_64/vdso/vdso.c kernel/arch/x86_64/vdso/vdso.ld kernel/arch/include/arch/vdso.h include/heddle/thread_block.h \
		| $(LINUX_HEADERS)/.stamp
	@mkdir -p $(@D)
	@echo "  VDSO  $@"
	@$(CC) $(vdso_cflags) -c $< -o $(B)/vdso.o
	@$(CC) -m64 -shared -nostdlib -Wl,-T,kernel/arch/x86_64/vdso/vdso.ld -Wl,-soname=linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--eh-frame-hdr -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $(B)/vdso.dbg $(B)/vdso.o
	@objcopy --strip-all $(B)/vdso.dbg $@

$(B)/kernel/arch/x86_64/vdso_image.S.o: $(B)/vdso.so
$(B)/kernel/arch/x86_64/vdso_image.S.o: kernel_cflags += -Wa,-I$(B)

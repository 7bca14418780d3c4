# AArch64: compiler flags, the vDSO, and the bootable image.
# Atomic operations are calls of the compiler's library, which takes the large system extensions where features.c found them.
arch_cflags := -march=armv8-a -mgeneral-regs-only -mcmodel=small -moutline-atomics -mbranch-protection=none
kernel_libs := -lgcc

# An Image as Linux has it: the header lies at the image's first byte.
define arch_make_image
@$(OBJCOPY) -O binary $< $@
endef

# The vDSO is user code: a shared object, embedded in the kernel as it is.
vdso_cflags = $(filter-out -fno-pic -fno-pie -fno-asynchronous-unwind-tables -g,$(kernel_cflags)) \
	-fPIC -fvisibility=default -fasynchronous-unwind-tables -mno-outline-atomics
vdso_src    := kernel/arch/aarch64/vdso/vdso.c kernel/arch/aarch64/vdso/return.S

$(B)/vdso.so: $(vdso_src) kernel/arch/aarch64/vdso/vdso.ld kernel/arch/include/arch/vdso.h include/heddle/thread_block.h \
		| $(LINUX_HEADERS)/.stamp
	@mkdir -p $(@D)
	@echo "  VDSO  $@"
	@$(CC) $(vdso_cflags) -shared -nostdlib -Wl,-T,kernel/arch/aarch64/vdso/vdso.ld -Wl,-soname=linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--eh-frame-hdr -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $(B)/vdso.dbg $(vdso_src)
	@$(OBJCOPY) --strip-all $(B)/vdso.dbg $@

# Where the image has the trampoline for signal handlers' returns.
$(B)/generated/vdso_symbols.h: $(B)/vdso.so
	@mkdir -p $(@D)
	@$(CROSS)nm $(B)/vdso.dbg | awk '$$3 == "__kernel_rt_sigreturn" { print "#define VDSO_SIGRETURN 0x" $$1 }' > $@

$(B)/kernel/arch/aarch64/vdso_image.S.o: $(B)/vdso.so $(B)/generated/vdso_symbols.h
$(B)/kernel/arch/aarch64/vdso_image.S.o: kernel_cflags += -Wa,-I$(B)

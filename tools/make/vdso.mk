# The vDSO is user code: a shared object, embedded in the kernel as it is. A port's arch.mk may set
#   vdso_without    compiler flags of the kernel's that it does not take
#   vdso_with       flags it takes instead
#   vdso_sigreturn  the function signal handlers return to; without, programs bring their own
vdso_src     := kernel/arch/common/vdso/clock.c $(wildcard kernel/arch/$(ARCH)/vdso/*.[cS])
vdso_ld      := kernel/arch/common/vdso/vdso.ld
vdso_map     := kernel/arch/$(ARCH)/vdso/vdso.map
vdso_headers := kernel/arch/common/vdso/vdso.h kernel/arch/$(ARCH)/include/arch/impl/vdso.h kernel/arch/include/arch/vdso.h \
	include/heddle/thread_block.h
vdso_cflags   = $(filter-out -fno-pic -fno-pie -fno-asynchronous-unwind-tables -g $(vdso_without),$(kernel_cflags)) \
	$(vdso_with) -fPIC -fvisibility=default -fasynchronous-unwind-tables

$(B)/vdso.so: $(vdso_src) $(vdso_ld) $(vdso_map) $(vdso_headers) | $(LINUX_HEADERS)/.stamp
	@mkdir -p $(@D)
	@echo "  VDSO  $@"
	@$(CC) $(vdso_cflags) -shared -nostdlib -Wl,-T,$(vdso_ld) -Wl,--version-script=$(vdso_map) -Wl,-soname=linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--eh-frame-hdr -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $(B)/vdso.dbg $(vdso_src)
	@$(OBJCOPY) --strip-all $(B)/vdso.dbg $@

# Where the image has the trampoline for signal handlers' returns; 0: none.
$(B)/generated/vdso_symbols.h: $(B)/vdso.so
	@mkdir -p $(@D)
	@$(CROSS)nm $(B)/vdso.dbg | awk -v name=$(vdso_sigreturn) '$$3 == name { at = $$1 } \
		END { if (name != "" && at == "") exit 1; print "#define VDSO_SIGRETURN 0x" (at == "" ? 0 : at) }' > $@.new
	@mv $@.new $@

$(B)/kernel/arch/common/vdso_image.c.o: $(B)/vdso.so $(B)/generated/vdso_symbols.h
$(B)/kernel/arch/common/vdso_image.c.o: private kernel_whole := -Wa,-I$(B)

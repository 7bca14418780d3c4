# zlib's inflate for gzip initramfs archives: from the distribution's source package, compiled as the kernel is.
ZLIB         ?= build/zlib
zlib_names   := inflate inftrees inffast crc32 adler32 zutil
zlib_obj     := $(patsubst %,$(B)/zlib/%.o,$(zlib_names))
zlib_include := -isystem $(ZLIB)

$(ZLIB)/.stamp:
	@tools/fetch-source zlib $(ZLIB)
	@touch $@

$(B)/zlib/%.o: | $(ZLIB)/.stamp $(generated)
	@mkdir -p $(@D)
	@echo "  CC    zlib/$*.c"
	@$(CC) $(kernel_cflags) -w -DZ_SOLO -c $(ZLIB)/$*.c -o $@

$(B)/kernel/fs/initramfs/gzip.c.o: | $(ZLIB)/.stamp

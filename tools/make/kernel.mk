# The kernel image. Every .c and .S of a room is part of it, except *_test.c and the other ports.
## make [DEBUG=1]        kernel, guest/init and the heddle command
## make kernel           build/<arch>/heddle-kernel (bootable) and heddle-kernel.elf (symbols)
## make ARCH=aarch64     the same for another architecture, with Debian's cross compiler
CROSS         := $(if $(filter-out $(shell uname -m),$(ARCH)),$(ARCH)-linux-gnu-)
CC            := $(CROSS)gcc
OBJCOPY       := $(CROSS)objcopy
LINUX_HEADERS ?= build/linux-headers/$(ARCH)
# The architecture with every call Linux ever had: bodies of old calls have prototypes where no number leads to them.
OLD_HEADERS   ?= build/linux-headers/x86_64
GCC_INCLUDE   := $(shell $(CC) -print-file-name=include)

rooms := abi lib core mm time sched sync cred vm drivers fs ipc net tty process procfs syscall boot
kernel_src := $(shell find $(addprefix kernel/,$(rooms)) kernel/arch/common kernel/arch/$(ARCH) \
	\( -name '*_test.c' -o -path '*/vdso' \) -prune -o \( -name '*.c' -o -name '*.S' \) -print 2>/dev/null | LC_ALL=C sort)
kernel_obj := $(addprefix $(B)/,$(addsuffix .o,$(kernel_src)))

include kernel/arch/$(ARCH)/arch.mk

kernel_warn := -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wimplicit-fallthrough -Wframe-larger-than=1024 -Wundef
kernel_cflags := -std=gnu11 -O2 -g -ffreestanding -nostdinc -isystem $(GCC_INCLUDE) \
	-Ikernel -Iinclude -Ikernel/arch/include -Ikernel/arch/$(ARCH)/include \
	-I$(B)/generated -isystem kernel/abi/shim -isystem $(LINUX_HEADERS)/include -isystem build/zlib \
	-fno-common -fno-strict-aliasing -fno-omit-frame-pointer -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-pic -fno-pie -ffunction-sections -fdata-sections \
	-ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -D__HEDDLE_KERNEL__ \
	-DHEDDLE_DEBUG=$(DEBUG) $(kernel_warn) $(arch_cflags)

# Release kernels are optimised as a whole, at the link: a call from room to room costs no more than one within a file, and each room
# keeps its own headers. What runs often has its calls put in line, as far as the image's mebibyte reaches; all else is made small. A
# debug kernel is compiled file by file.
kernel_whole := $(if $(filter 0,$(DEBUG)),-flto=auto -Os $(arch_whole) --param inline-unit-growth=170 --param large-stack-frame=512 \
	--param large-stack-frame-growth=50)
often_run := $(addsuffix /%,arch core lib mm sched sync time vm process/signal process/futex fs/tmpfs) $(addsuffix .c.o,$(addprefix \
	process/,thread clone exit wait user_return current resources% process rseq pid% posix_timer%) $(addprefix ipc/,pipe epoll eventfd \
	timerfd) $(addprefix net/,socket unix_%) $(addprefix fs/,anonymous attributes dentry directory file file_table fs_info inode names \
	open page_file path walk) $(addprefix syscall/,clone file_io file_open file_stat file_control futex memory poll% posix_timers process \
	scheduling signal socket% table time unshare))
$(filter $(addprefix $(B)/kernel/,$(often_run)),$(kernel_obj)): private kernel_whole += \
	$(if $(filter 0,$(DEBUG)),-O2 -finline-functions --param max-inline-insns-auto=60)
# What the compiler itself calls; which memcpy, the port's or this one, is the linker's choice.
$(addprefix $(B)/kernel/,lib/string.c.o arch/$(ARCH)/builtins.c.o): private kernel_whole :=

generated := $(addprefix $(B)/generated/syscall_,prototypes.h numbers.h table.inc)

# $(call call_numbers,headers): the __NR_ macros.
call_numbers = echo '\#include <asm/unistd.h>' | $(CC) -nostdinc -isystem $(1)/include -E -dM - | LC_ALL=C sort

$(B)/generated/syscall_%: tools/make/syscalls.awk | $(LINUX_HEADERS)/.stamp $(OLD_HEADERS)/.stamp
	@mkdir -p $(@D)
	@{ $(call call_numbers,$(LINUX_HEADERS)); \
		$(if $(filter %.inc,$@),,echo old; $(call call_numbers,$(OLD_HEADERS));) } | \
		awk -v mode=$(basename $*) -f $< > $@

# Other flags make other objects.
rules := tools/make/kernel.mk kernel/arch/$(ARCH)/arch.mk

$(B)/%.c.o: %.c $(rules) | $(generated)
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  CC    $<";) $(CC) $(kernel_cflags) $(kernel_whole) -MMD -MP -c $< -o $@

$(B)/%.S.o: %.S $(rules) | $(generated)
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  AS    $<";) $(CC) $(kernel_cflags) -D__ASSEMBLER__ -MMD -MP -c $< -o $@

include tools/make/vdso.mk
include tools/make/zlib.mk

$(B)/heddle-kernel.elf: $(kernel_obj) $(zlib_obj) kernel/arch/$(ARCH)/kernel.ld
	@echo "  LD    $@"
	@$(CC) $(kernel_cflags) $(kernel_whole) -Wno-maybe-uninitialized -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -T kernel/arch/$(ARCH)/kernel.ld -Wl,-Map=$(B)/kernel.map \
		-o $@ $(kernel_obj) $(zlib_obj) $(kernel_libs)

$(B)/heddle-kernel: $(B)/heddle-kernel.elf
	@$(OBJCOPY) $(arch_image) $< $@

# The ABI headers: one linux-libc-dev for every architecture.
build/linux-headers/%/.stamp:
	@tools/fetch-linux-headers $* $(@D)
	@touch $@

kernel: $(B)/heddle-kernel
-include $(kernel_obj:.o=.d)

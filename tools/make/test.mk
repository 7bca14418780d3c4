# Tests and checks. `make test` runs every suite below and ends in the line `N passed, N failed`.
## make test             check and every test-…; test-compare and test-conformance are samples of compare and conformance
## make check            static checks: layers, format, lengths, rows, the ports' shape, gcc and clang without warnings
## make test-tools       the checkers refuse what they should
## make test-unit        host tests beside the code, under ASan and UBSan
## make test-model       models of the protocols under TSan, and their mutants
## make test-user        the Linux programs of tests/user, on the host and on Heddle (CPUS="1 4")
## make test-boot        the boot contract: machines, initramfs forms, CPUs, a panic
## make test-ports       the other architectures: boot tests, and test-user's programs
## make test-foreign     Debian's arm64 and riscv64 programs under `heddle run`, from trees that are fetched
## make test-programs    unmodified programs of the distribution, output and status compared
## make conformance      the Open POSIX suite, stress-ng and rt-tests, as on Linux (PART=posix, TESTS="mq_ sem_"); ARCH=aarch64, riscv64: the first alone
## make compare          system calls with results of real programs, on Linux and on Heddle
## make soak             the long loops; the results go to docs/soak.md
## make measure          speed and size as a table (docs/measurements.md)
## make bench            instructions of one operation after the other, beside Linux's (docs/benchmarks.md)
## make mutants          every tests/mutants/*.patch must make its test fail

# --- unit tests: kernel/**/NAME_test.c, each one a program against the host port ----------------
HB            := build/host-unit
HOST_HEADERS  := build/linux-headers/x86_64
host_rooms    := abi lib core mm time sched sync cred vm drivers fs ipc net tty process
host_src      := $(shell find $(addprefix kernel/,$(host_rooms)) kernel/arch/host kernel/arch/common/user_atomic.c -name '*_test.c' -prune -o \
	-name '*.c' ! -path 'kernel/lib/string*.c' -print 2>/dev/null | LC_ALL=C sort)
host_obj      := $(addprefix $(HB)/,$(addsuffix .o,$(host_src)))
unit_src      := $(shell find kernel -name '*_test.c' 2>/dev/null | LC_ALL=C sort)
unit_bin      := $(patsubst kernel/%.c,$(HB)/%,$(unit_src))
host_sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined
host_common   := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-DHEDDLE_DEBUG=1 -DHEDDLE_HOST_TEST=1 -D__HEDDLE_KERNEL__ -Wall -Wextra -Werror \
	-Wno-unused-parameter $(host_sanitize) -MMD -MP \
	-Ikernel -Iinclude -Ikernel/arch/include -Ikernel/arch/host/include
# The rooms and the tests are compiled as the kernel is, without the C library's headers; the
# port itself, and the kit's main, are ordinary hosted programs.
host_free     := $(host_common) -ffreestanding -fno-builtin-printf -nostdinc -isystem $(GCC_INCLUDE) \
	-isystem kernel/abi/shim -isystem $(HOST_HEADERS)/include -isystem build/zlib -Itests/unit
-include kernel/arch/host/arch.mk

$(HB)/kernel/arch/host/%.c.o: kernel/arch/host/%.c
	@mkdir -p $(@D)
	@$(CC) $(host_common) $(host_port_cflags) -c $< -o $@

$(HB)/kernel/%.c.o: kernel/%.c | $(HOST_HEADERS)/.stamp
	@mkdir -p $(@D)
	@$(CC) $(host_free) -c $< -o $@

# zlib as the kernel has it, for the initramfs reader.
host_zlib := $(addprefix $(HB)/zlib/,inflate.o inftrees.o inffast.o crc32.o adler32.o zutil.o)
$(HB)/zlib/%.o: | build/zlib/.stamp
	@mkdir -p $(@D)
	@$(CC) $(host_free) -w -DZ_SOLO -c build/zlib/$*.c -o $@
$(HB)/kernel/fs/initramfs/gzip.c.o: | build/zlib/.stamp

$(HB)/unit_main.o: tests/unit/unit_main.c
	@mkdir -p $(@D)
	@$(CC) $(host_common) -c $< -o $@

$(HB)/libkernel.a: $(host_obj) $(host_zlib)
	@rm -f $@
	@ar rcs $@ $^

$(HB)/%_test: $(HB)/kernel/%_test.c.o $(HB)/unit_main.o $(HB)/libkernel.a
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(host_sanitize) -no-pie $(HB)/unit_main.o $< -Wl,--start-group $(HB)/libkernel.a -Wl,--end-group \
		$(host_port_libs) -lpthread -o $@

.SECONDARY: $(patsubst kernel/%,$(HB)/kernel/%.o,$(unit_src))
.PHONY: test-unit
test-unit:
	@tests/run-unit $(MAKE) $(unit_bin)

-include $(host_obj:.o=.d) $(patsubst kernel/%,$(HB)/kernel/%.d,$(unit_src))

# --- static checks --------------------------------------------------------------------------------
# What gcc alone knows is left out; the rest of the warnings are the kernel's own.
clang_cflags = $(filter-out -fno-allow-store-data-races -mno-fp-ret-in-387 -mpreferred-stack-boundary=% -falign-%, \
	$(subst -isystem $(GCC_INCLUDE),-isystem $(shell clang-22 -print-resource-dir 2>/dev/null)/include,$(kernel_cflags)))
clang_src     = $(filter %.c,$(kernel_src))

.PHONY: check check-layers check-format check-lengths check-rows check-order check-ports-shape check-gcc check-ports check-clang test-tools
check:
	@tests/run-suites check
check-layers:
	@tools/check-layers
check-format:
	@tools/check-format
check-lengths:
	@tools/check-lengths $(if $(filter 0,$(V)),-q)
check-rows:
	@tools/check-rows
check-order:
	@tools/check-order
check-ports-shape:
	@tools/check-ports-shape
check-gcc:
	@$(MAKE) --no-print-directory -j$(shell nproc) kernel
	@$(MAKE) --no-print-directory -j$(shell nproc) DEBUG=1 kernel
.SECONDARY: $(generated)
# The other architectures' kernels, where their cross compilers are.
PORTS := aarch64 riscv64
check-ports:
	@for arch in $(PORTS); do \
		if ! command -v $$arch-linux-gnu-gcc >/dev/null; then \
			echo "0 passed, 0 failed, 1 skipped: no $$arch-linux-gnu-gcc"; \
		else \
			$(MAKE) --no-print-directory -j$(shell nproc) ARCH=$$arch kernel check-clang-port || exit 1; \
		fi; \
	done
check-clang-port: | $(LINUX_HEADERS)/.stamp $(generated)
	@tools/check-clang --target=$(ARCH)-linux-gnu $(clang_cflags) -- $(filter kernel/arch/%,$(clang_src))
check-clang: | $(LINUX_HEADERS)/.stamp $(generated)
	@tools/check-clang $(clang_cflags) -- $(clang_src)
test-tools:
	@tests/tools/run

# --- models, programs on Linux and on Heddle ------------------------------------------------------
.PHONY: test-model test-user test-boot test-ports test-foreign test-programs test-compare test-conformance test compare conformance soak measure bench mutants
test-model:
	@tests/model/run
test-user:
	@tests/run-user $(if $(CPUS),--cpus "$(CPUS)") $(if $(TESTS),-- $(TESTS))
test-boot:
	@tests/run-boot
test-ports:
	@tests/run-ports $(PORTS)
test-foreign: build/host/heddle
	@tests/foreign/run $(PORTS)
test-programs:
	@tests/run-programs
test-compare:
	@tests/compare/run -s
compare:
	@tests/compare/run -w
test-conformance: kernel
	@tests/run-conformance --short --seconds 1
conformance: kernel
	@tests/run-conformance --arch $(ARCH) $(addprefix --part ,$(PART)) $(TESTS)
test:
	@tests/run-suites
soak:
	@tests/run-soak
measure: kernel host guest
	@tests/measure/run
bench: kernel
	@tests/bench/run
mutants:
	@tests/run-mutants $(MUTANTS)

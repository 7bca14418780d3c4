# The heddle command: a program of the machine it is built on, whatever ARCH is.
## make host             build/host/heddle
command_src    := $(sort $(wildcard host/*.c)) guest/elf_check.c
command_obj    := $(patsubst %.c,build/host/objects/%.o,$(command_src))
command_cflags := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-D_GNU_SOURCE -fstack-protector-strong -ffunction-sections -fdata-sections
# libarchive's shared library drags in a dozen others, and each costs start-up time
command_libs   := -Wl,-Bstatic -larchive -ljson-c -Wl,-Bdynamic

build/host/objects/%.o: %.c
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  HOST  $<";) gcc $(command_cflags) -MMD -MP -c $< -o $@

build/host/heddle: $(command_obj)
	@echo "  HOST  $@"
	@gcc -Wl,--gc-sections -o $@ $(command_obj) $(command_libs)

.PHONY: test-host-command
## make test-host-command  tests of the command itself, with a stand-in for QEMU
test-host-command: build/host/heddle kernel guest
	@tests/host/run

.PHONY: test-run
## make test-run           the command with the real kernel: streams, statuses, writes, terminals (CPUS="1 4")
test-run: build/host/heddle kernel guest
	@tests/run/run
## make test-calls         the example of docs/ports.md: built as it says there, run on Heddle and here
.PHONY: test-calls
test-calls: build/host/heddle kernel guest
	@tests/run/ports

host: build/host/heddle
-include $(command_obj:.o=.d)

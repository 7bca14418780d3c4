# Heddle. `make` builds the kernel, guest/init and the host command; `make help` lists the rest.
ARCH  ?= x86_64
DEBUG ?= 0
V     ?= 0

variant := $(ARCH)$(if $(filter 1,$(DEBUG)),-debug)
B       := build/$(variant)

.DEFAULT_GOAL := all
.PHONY: all clean help kernel host guest
all: kernel host guest

include tools/make/kernel.mk
-include tools/make/host.mk
-include tools/make/guest.mk
-include tools/make/test.mk

clean:
	rm -rf build

help:
	@sed -n 's/^## //p' Makefile tools/make/*.mk

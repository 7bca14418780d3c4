# guest/init: process 1, small and static. musl's gcc makes the smaller one; any gcc will do.
## make guest            build/<arch>/init
guest_cc     := $(if $(CROSS),$(CC),$(shell command -v musl-gcc || echo $(CC)))
guest_src    := $(sort $(wildcard guest/*.c))
guest_obj    := $(patsubst guest/%.c,$(B)/init-objects/%.o,$(guest_src))
guest_cflags := -std=gnu11 -Os -g -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-D_GNU_SOURCE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables

$(B)/init-objects/%.o: guest/%.c
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  GUEST $<";) $(guest_cc) $(guest_cflags) -MMD -MP -c $< -o $@

$(B)/init.elf: $(guest_obj)
	@$(guest_cc) -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -o $@ $(guest_obj)

$(B)/init: $(B)/init.elf
	@echo "  INIT  $@"
	@$(CROSS)strip -o $@ $<

guest: $(B)/init
-include $(guest_obj:.o=.d)

# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Flags and what is said about bad ones.

expect help 0 'usage: heddle run' "$heddle" help
expect version 0 '^heddle [0-9]' "$heddle" version
expect unknown_command 125 'unknown command frobnicate' "$heddle" frobnicate
expect doctor_words 125 'doctor takes nothing more: now' "$heddle" doctor now
expect help_words 125 'help takes nothing more: me' "$heddle" help me
expect dashes_as_variable 125 '^heddle: -e wants a value' run -e -- true
expect dashes_as_root 125 '--root wants a value' run --root -- true
expect dashes_in_one_word 0 'usage|M microvm' run --dry-run --append=-- -- true
expect trace_dash 125 '--trace -: wants a file' run --trace - -- true
expect status_dash 125 '--status-file -: wants a file' run --status-file - -- true
expect accel_variable 125 'HEDDLE_ACCEL is foo: wants auto, kvm or tcg' \
	env HEDDLE_ACCEL=foo "$heddle" run --kernel "$scratch/kernel" -- true
expect qemu_elsewhere 125 'HEDDLE_QEMU is /no/qemu: No such file' \
	env HEDDLE_QEMU=/no/qemu "$heddle" run --kernel "$scratch/kernel" -- true
if ! [ -e /dev/kvm ]; then
	expect kvm_missing 125 'this host has no /dev/kvm' run --accel kvm -- true
fi
expect no_program 125 'which program' run
expect shell_arguments 125 'takes flags only' "$heddle" shell -- true
expect shell 0 'pack: /usr/bin/dash|pack: /bin/sh' \
	env SHELL=/bin/sh "$heddle" shell --kernel "$scratch/kernel" --dry-run -V --pack
expect unknown_flag 125 'unknown flag --frobnicate' run --frobnicate -- true
expect unknown_letter 125 'unknown flag -Z' run -Z -- true
expect flag_without_value 125 'wants a value' run --root
expect cpus_zero 125 'from 1 to 16' run -c 0 -- true
expect cpus_too_many 125 'from 1 to 16' run -c 17 -- true
expect cpus_text 125 'from 1 to 16' run -c 2x -- true
expect memory_text 125 'size like 512M' run -m lots -- true
expect memory_small 125 'size like 512M' run -m 1M -- true
expect memory_huge 125 'size like 512M' run -m 99999999999999999999G -- true
expect memory_negative 125 'size like 512M' run -m -1 -- true
expect timeout_text 125 'a time like' run --timeout soon -- true
expect timeout_zero 125 'a time like' run --timeout 0 -- true
expect accel_text 125 'auto, kvm or tcg' run --accel xen -- true
expect share_missing 125 'No such file' run -v /no/such/dir:/mnt -- true
expect share_relative 125 'DST absolute' run -v /tmp:mnt -- true
expect share_mode 125 'other than ro and rw' run -v /tmp:/mnt:rx -- true
expect share_file 125 'not a directory' run -v /etc/passwd:/mnt -- true
expect share_root 125 'use --root' run -v /tmp:/ -- true
many=()
for number in $(seq 22); do
	many+=(-v "/tmp:/mnt/$number")
done
expect share_too_many 125 'too many shares' run "${many[@]}" -- true
expect root_missing 125 'No such file' run --root /no/such/dir -- true
expect user_unknown 125 'no such user' run -u nobody-of-that-name -- true
expect group_unknown 125 'no such group' run -u 0:nobody-of-that-name -- true
expect env_nameless 125 'NAME or NAME=VALUE' run -e =x -- true
expect workdir_relative 125 'absolute' run -w here -- true
expect kernel_missing 125 'build it with make' "$heddle" run --kernel /no/kernel -- true
expect qemu_missing 125 'apt-get install qemu-system-x86' \
	env HEDDLE_QEMU= PATH=/no/bin "$heddle" run -- /bin/true

expect dry_run 0 '-M microvm.*-smp 3 -m 256M.*-append' run --dry-run -c 3 -m 256M -- true
expect dry_run_gigabytes 0 '-m 1536M' run --dry-run -m 1536MiB -- true
expect dry_run_root 0 'path=/,security_model=none,multidevs=remap,readonly=on' \
	run --dry-run -- true
expect dry_run_share_ro 0 'id=share0,path=/etc,.*readonly=on' run --dry-run -v /etc:/mnt -- true
mkdir -p "$scratch/a,b"
expect dry_run_comma 0 'path=[^ ]*/a,,b,security_model=none,multidevs=remap -device' \
	run --dry-run --pack -v "$scratch/a,b:/mnt:rw" -- true
expect dry_run_slots 0 '512@0xfeb02e00:47 virtio_mmio.device=512@0xfeb02c00:46' \
	run --dry-run -- true
expect dry_run_append 0 ' more words' run --dry-run --append 'more words' -- true
expect accel_reason 0 'acceleration tcg: asked for with --accel' \
	run --dry-run -V --accel tcg -- true
expect doctor_names_all 125 'MISSING .*QEMU(.|\n)*' env HEDDLE_QEMU=/no/qemu "$heddle" doctor
expect doctor_command 125 'apt-get install -y.* qemu-system-x86' \
	env HEDDLE_QEMU=/no/qemu "$heddle" doctor

# the probe: with a device that is only a file, and the stand-in as QEMU
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	expect probe_good 0 'acceleration kvm: KVM ran' \
		env -u HEDDLE_ACCEL STAND_IN='kvm 43' "$heddle" run --kernel "$scratch/kernel" --dry-run -V -- true
	expect probe_cached 0 'acceleration kvm: .*found earlier' \
		env -u HEDDLE_ACCEL STAND_IN='kvm 1' "$heddle" run --kernel "$scratch/kernel" --dry-run -V -- true
	rm -rf "$scratch/cache"
	expect probe_bad 0 'acceleration tcg: KVM failed' \
		env -u HEDDLE_ACCEL STAND_IN='kvm 1' "$heddle" run --kernel "$scratch/kernel" --dry-run -V -- true
	rm -rf "$scratch/cache"
	expect probe_hangs 0 'acceleration tcg: KVM did not finish' \
		env -u HEDDLE_ACCEL STAND_IN='kvm 0' "$heddle" run --kernel "$scratch/kernel" --dry-run -V -- true
else
	expect no_kvm 0 'acceleration tcg: (this host has no /dev/kvm|/dev/kvm may not)' \
		env -u HEDDLE_ACCEL "$heddle" run --kernel "$scratch/kernel" --dry-run -V -- true
fi

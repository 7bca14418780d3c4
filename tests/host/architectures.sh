# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Which architecture is chosen: the flag's, else the program's or that of what runs it, else this machine's.
# The files are those of packing.sh.

alone=$scratch/alone/host/heddle # where nothing is built
mkdir -p "$scratch/alone/host"
cp "$heddle" "$alone"
expect arch_not_built 125 'alone/aarch64/heddle-kernel is not there: build it with make ARCH=aarch64' \
	"$alone" run -- "$scratch/arm"
for arch in aarch64 riscv64; do
	mkdir "$scratch/alone/$arch"
	echo init >"$scratch/alone/$arch/init"
	: >"$scratch/alone/$arch/heddle-kernel"
done
printf '#!/real/arm -x\n' >"$tree/bin/script"
cp "$scratch"/{arm,riscv} "$tree/real"
chmod +x "$tree/bin/script"
expect arch_of_program 0 '-M virt,gic-version=3.* -semihosting-config .* -cpu max' \
	"$alone" run --dry-run -- "$scratch/arm"
expect arch_of_riscv_program 0 '-M virt,mem-merge=off .* -cpu rv64' "$alone" run --dry-run -- "$scratch/riscv"
expect arch_of_interpreter 0 '-M virt,gic-version=3' "$alone" run --dry-run --root "$tree" -- /bin/script
expect arch_of_share 0 '-M virt,gic-version=3' "$alone" run --dry-run -v "$scratch:/mnt" -- /mnt/arm
expect arch_by_flag 0 '-M virt,gic-version=3' "$alone" run --dry-run --arch aarch64 -v /tmp:/mnt -- nosuch
expect arch_no_slots 0 'console=ttyS0 panic=-1( quiet)?.?$' "$alone" run --dry-run -- "$scratch/arm"
expect arch_not_for_kvm 125 'KVM runs x86_64 guests on this host, not aarch64' \
	"$alone" run --accel kvm -- "$scratch/arm"
expect arch_elsewhere 126 'ELF for i386, not x86-64' run -- "$scratch/i386"
expect arch_native 0 'M microvm' run --dry-run -- true
expect arch_unknown 125 '--arch arm: wants x86_64, aarch64 or riscv64' run --arch arm -- true
expect arch_emulator 125 'QEMU for riscv64 is missing: apt-get install qemu-system-misc' \
	env HEDDLE_QEMU= PATH=/no/bin "$heddle" run -- "$scratch/riscv"
many=()
for number in $(seq 7); do
	many+=(-v "/tmp:/mnt/$number")
done
expect arch_shares 125 'too many shares: the riscv64 machine has room for 6' run "${many[@]}" -- "$scratch/riscv"
expect doctor_architectures 125 'absent +aarch64 +no guests: no qemu-system-aarch64, no gcc-aarch64-linux-gnu libc6-dev' \
	env HEDDLE_QEMU= PATH=/no/bin "$heddle" doctor

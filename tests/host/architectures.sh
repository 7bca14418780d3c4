# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Which architecture is chosen: the flag's, else the program's or that of what runs it, else this machine's.
# The files are those of packing.sh.

built=$(dirname "$heddle")/..
foreign() { # ARCHITECTURE NAME STATUS PATTERN COMMAND…
	local arch=$1
	shift
	if [ -e "$built/$arch/init" ]; then
		expect "$@"
	else
		echo "ok $1: only what is said without a build for $arch"
		expect "$1_not_built" 125 "$arch/init is not there: build it with make ARCH=$arch" "${@:4}"
	fi
}
printf '#!/real/arm -x\n' >"$tree/bin/script"
cp "$scratch"/{arm,riscv} "$tree/real"
chmod +x "$tree/bin/script"
foreign aarch64 arch_of_program 0 '-M virt,gic-version=3.* -semihosting-config .* -cpu max' \
	run --dry-run -- "$scratch/arm"
foreign riscv64 arch_of_riscv_program 0 '-M virt,mem-merge=off .* -cpu rv64' run --dry-run -- "$scratch/riscv"
foreign aarch64 arch_of_interpreter 0 '-M virt,gic-version=3' run --dry-run --root "$tree" -- /bin/script
foreign aarch64 arch_of_share 0 '-M virt,gic-version=3' run --dry-run -v "$scratch:/mnt" -- /mnt/arm
foreign aarch64 arch_by_flag 0 '-M virt,gic-version=3' run --dry-run --arch aarch64 -v /tmp:/mnt -- nosuch
foreign aarch64 arch_no_slots 0 'console=ttyS0 panic=-1( quiet)?.?$' run --dry-run -- "$scratch/arm"
foreign aarch64 arch_not_for_kvm 125 'KVM runs x86_64 guests on this host, not aarch64' \
	run --accel kvm -- "$scratch/arm"
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
expect doctor_architectures 125 'absent +aarch64 +no guests: no qemu-system-aarch64, no aarch64-linux-gnu-gcc' \
	env HEDDLE_QEMU= PATH=/no/bin "$heddle" doctor

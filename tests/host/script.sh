# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# ./heddle, the script of a checkout: what it builds and installs, for which architecture, and when. The checkout is made
# up, the command the real one, make writes down what it is asked for.

checkout=$scratch/checkout tools=$scratch/tools native=$(uname -m)
mkdir -p "$checkout"/{kernel,host,guest,tools/make} "$tools"
cp heddle "$checkout"
touch "$checkout/Makefile" "$checkout/kernel/source.c"
for tool in dirname readlink find mkdir mv rm cp touch nproc flock uname env sh; do
	ln -s "$(command -v $tool)" "$tools/$tool"
done
cat >"$tools/make" <<MAKE
#!/bin/sh
top=\$2 # -C DIR -s -jN WORDS
shift 4
echo "\$@" >>"$scratch/made"
mkdir -p "\$top/build/host"
cp "$heddle" "\$top/build/host/heddle"
case \$1 in
ARCH=*)
	mkdir -p "\$top/build/\${1#ARCH=}"
	touch "\$top/build/\${1#ARCH=}/heddle-kernel"
	cp "$heddle" "\$top/build/\${1#ARCH=}/init" ;;
esac
MAKE
for tool in gcc aarch64-linux-gnu-gcc apt-get; do
	printf '#!/bin/sh\nexit 1\n' >"$tools/$tool"
done
printf '#!/bin/sh\necho 1000\n' >"$tools/id" # not root, and there is no sudo
chmod +x "$tools"/*

script() {
	env PATH="$tools" HEDDLE_QEMU="$scratch/qemu" "$checkout/heddle" "$@"
}

made() { # NAME WANT
	same "$1" "$2" "$(paste -sd ' ' "$scratch/made" 2>/dev/null)"
	rm -f "$scratch/made"
}

expect script_version 0 '^heddle [0-9]' script version
made script_version_builds host
expect script_foreign 0 "-kernel $checkout/build/aarch64/heddle-kernel" \
	script run --dry-run -- "$scratch/arm"
made script_foreign_builds ARCH=aarch64
expect script_again 0 '-M virt' script run --dry-run -- "$scratch/arm"
made script_again_builds ''
expect script_native 0 "build/$native/heddle-kernel" script run --dry-run -- /bin/true
made script_native_builds "ARCH=$native"
sleep 0.02
touch "$checkout/kernel/source.c"
expect script_stale 0 "build/$native/heddle-kernel" script run --dry-run -- /bin/true
made script_stale_builds "ARCH=$native"
expect script_each_stale 0 '-M virt' script run --dry-run -- "$scratch/arm"
made script_each_stale_builds ARCH=aarch64
touch -d tomorrow "$checkout/kernel/source.c"
expect script_tomorrow 0 '-M virt' script run --dry-run -- "$scratch/arm"
made script_tomorrow_builds ARCH=aarch64
rm "$tools/aarch64-linux-gnu-gcc"
expect script_no_compiler 125 'apt-get install -y gcc-aarch64-linux-gnu' script run --dry-run -- "$scratch/arm"
made script_no_compiler_builds ''
expect script_no_emulator 125 'apt-get install -y qemu-system-misc gcc-riscv64-linux-gnu' \
	env PATH="$tools" HEDDLE_QEMU= "$checkout/heddle" run --dry-run -- "$scratch/riscv"
expect script_native_needs_less 0 "build/$native/heddle-kernel" script run --dry-run -- /bin/true
rm "$tools/gcc"
expect script_doctor 125 'missing: gcc; install them with' script doctor

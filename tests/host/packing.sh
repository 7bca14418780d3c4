# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What --pack finds, and programs that cannot run.

pack() {
	run --dry-run -V --pack -- "$@"
}

expect pack_loader 0 'pack: .*/ld-linux' pack /bin/sh
expect pack_libc 0 'pack: .*/libc\.so\.6' pack /bin/sh
expect pack_merged_usr 0 'pack: /lib64$' pack /bin/sh

cat >"$scratch/lib.c" <<'C'
int answer(void);
int answer(void) { return 42; }
C
cat >"$scratch/prog.c" <<'C'
int answer(void);
int main(void) { return answer(); }
C
mkdir -p "$scratch/libs"
gcc -shared -fPIC -o "$scratch/libs/libanswer.so" "$scratch/lib.c"
gcc -o "$scratch/prog" "$scratch/prog.c" -L"$scratch/libs" -lanswer -Wl,-rpath,'$ORIGIN/libs' -Wl,--enable-new-dtags
expect pack_runpath 0 'pack: .*/libs/libanswer\.so' pack "$scratch/prog"
gcc -o "$scratch/prog" "$scratch/prog.c" -L"$scratch/libs" -lanswer -Wl,-rpath,'$ORIGIN/libs' -Wl,--disable-new-dtags
expect pack_rpath 0 'pack: .*/libs/libanswer\.so' pack "$scratch/prog"
rm "$scratch/libs/libanswer.so"
expect pack_lacking 0 'library libanswer\.so is not found' pack "$scratch/prog"

printf '#!/usr/bin/env sh\necho hello\n' >"$scratch/script"
chmod +x "$scratch/script"
expect pack_script 0 'pack: .*/script' pack "$scratch/script"
expect pack_script_env 0 'pack: .*/bin/env' pack "$scratch/script"
expect pack_script_shell 0 'pack: .*/(da|ba)?sh$' pack "$scratch/script"

# a tree of its own: absolute links stay inside it
tree=$scratch/tree
mkdir -p "$tree/real" "$tree/bin"
cp /bin/true "$tree/real/prog"
ln -s /real/prog "$tree/bin/prog"
expect root_link_inside 0 'pack: /real/prog' \
	run --dry-run -V --pack --root "$tree" -- /bin/prog
ln -s ../../../../../../../../../../etc/passwd "$tree/bin/out"
expect root_link_outside 127 'out: not found' run --root "$tree" -- /bin/out

expect missing_program 127 'nosuch: not found' run -- nosuch
expect missing_path 127 '/no/such: not found' run -- /no/such
expect directory_program 126 'not an executable' run -- /etc
expect plain_file 126 'not an executable' run -- /etc/passwd

head -c 3000 /bin/sh >"$scratch/cut"
head -c 30 /bin/sh >"$scratch/stub"
printf '\177ELF' >"$scratch/magic"
: >"$scratch/empty"
echo 'just text' >"$scratch/text"
printf '#!\n' >"$scratch/nameless"
python3 - "$scratch" <<'P'
import sys
data = bytearray(open('/bin/sh', 'rb').read())
def put(name, offset, value):
    changed = bytearray(data)
    changed[offset:offset + len(value)] = value
    open(sys.argv[1] + '/' + name, 'wb').write(changed)
put('arm', 18, b'\xb7\0')
put('riscv', 18, b'\xf3\0')
put('i386', 18, b'\3\0')
put('class32', 4, b'\1')
put('big', 5, b'\2')
put('headers', 54, b'\x01\0')
put('far', 32, b'\xff' * 7 + b'\x7f')
put('object', 16, b'\1\0')
P
chmod +x "$scratch"/{cut,stub,magic,empty,text,nameless,arm,riscv,i386,class32,big,headers,far,object}
expect bad_cut 126 'truncated ELF' run -- "$scratch/cut"
expect bad_stub 126 'truncated ELF' run -- "$scratch/stub"
expect bad_magic 126 'truncated ELF' run -- "$scratch/magic"
expect bad_empty 126 'empty file' run -- "$scratch/empty"
expect bad_text 126 'neither an ELF program nor a script' run -- "$scratch/text"
expect bad_nameless 126 'names no interpreter' run -- "$scratch/nameless"
expect bad_arm 126 'ELF for aarch64, not x86-64' run --arch x86_64 -- "$scratch/arm"
expect bad_not_riscv 126 'ELF for x86-64, not riscv64' run --arch riscv64 -- /bin/true
expect bad_class 126 '32-bit ELF' run -- "$scratch/class32"
expect bad_big_endian 126 'big-endian' run -- "$scratch/big"
expect bad_headers 126 'corrupt ELF' run -- "$scratch/headers"
expect bad_far 126 'truncated ELF' run -- "$scratch/far"
expect bad_object 126 'not a program' run -- "$scratch/object"

# From the preprocessor's lists of __NR_ macros, the architecture's own and, behind a line `old`, those of the one that has every call:
# the prototypes (mode=prototypes), the table (mode=table), or a number for each name (mode=numbers; behind all others for calls that this
# architecture does not have). Calls that are named at the end are one architecture's alone. Only the table refers to bodies weakly: so a call without one is NULL there, and two bodies of one name do not link.
$0 == "old" { old = 1 }
/^#define __NR_[a-z0-9_]+ / {
	name = $2
	sub(/^__NR_/, "", name)
	if (name == "syscalls" || name ~ /^arch_specific/ || name in seen) next
	seen[name] = 1
	if (!old && $3 + 0 >= count) count = $3 + 1
	if (mode == "prototypes")
		printf "long sys_%s(const struct syscall_arguments *arguments) SYSCALL_REFERENCE;\n", name
	else if (mode == "numbers")
		printf "#define CALL_NUMBER_%s %d\n", name, old ? count++ : $3
	else
		printf "\t[__NR_%s] = { sys_%s, \"%s\" },\n", name, name, name
}
END {
	if (mode != "prototypes") exit
	split("riscv_flush_icache riscv_hwprobe", alone)
	for (i in alone)
		if (!(alone[i] in seen))
			printf "long sys_%s(const struct syscall_arguments *arguments) SYSCALL_REFERENCE;\n", alone[i]
}

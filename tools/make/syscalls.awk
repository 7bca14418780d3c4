# From the preprocessor's list of __NR_ macros: the prototypes (mode=prototypes) or the table (mode=table). Only the table refers to
# them weakly: so a call without a body is NULL there, and two bodies of one name do not link.
/^#define __NR_[a-z0-9_]+ / {
	name = $2
	sub(/^__NR_/, "", name)
	if (name == "syscalls" || name ~ /^arch_specific/ || name in seen) next
	seen[name] = 1
	if (mode == "prototypes")
		printf "long sys_%s(const struct syscall_arguments *arguments) SYSCALL_REFERENCE;\n", name
	else
		printf "\t[__NR_%s] = { sys_%s, \"%s\" },\n", name, name, name
}

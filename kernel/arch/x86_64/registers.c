// SPDX-License-Identifier: MIT
/*
 * Registers for ptrace(2): struct user_regs_struct, the FXSAVE image, the XSAVE area; and stepping by the trap flag.
 *
 * What is set is the tracer's word: 64-bit user code alone runs here, so code and stack selector are the only ones there are; flags are
 * masked; bases lie in user space. An instruction pointer that no program can have makes the return to user mode fail, which is an exception
 * of the program's (entry.S).
 */
#include "arch/registers.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "arch/x86_64/asm_offsets.h"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/port.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/siginfo.h>
#include <linux/audit.h>
#include <linux/elf.h>
/* after linux/elf.h */
#include <asm/ptrace-abi.h>

/* struct user_regs_struct of <sys/user.h>, by words. */
enum {
	WORD_R15,
	WORD_R14,
	WORD_R13,
	WORD_R12,
	WORD_RBP,
	WORD_RBX,
	WORD_R11,
	WORD_R10,
	WORD_R9,
	WORD_R8,
	WORD_RAX,
	WORD_RCX,
	WORD_RDX,
	WORD_RSI,
	WORD_RDI,
	WORD_NUMBER,
	WORD_RIP,
	WORD_CS,
	WORD_FLAGS,
	WORD_RSP,
	WORD_SS,
	WORD_FS_BASE,
	WORD_GS_BASE,
	WORD_DS,
	WORD_ES,
	WORD_FS,
	WORD_GS,
	WORDS
};

/* Of struct user. */
enum { USER_SIZE = 928, USER_DEBUG = 848, USER_DEBUG_END = USER_DEBUG + 8 * 8 };

#define FLAG_TRAP     0x100UL
#define FLAGS_OF_USER 0x50dd5UL /* as signal.c has it */

enum { LEGACY_SIZE = 512, LEGACY_END = 416, SOFTWARE_XCR0 = 464, HEADER_SIZE = 64 };
enum { MXCSR_AT = 24, XMM_AT = 160, CONTROL_WORD_RESET = 0x37f };

/* --- general registers --- */

static u64 *place_of(struct trap_frame *frame, unsigned word)
{
	u64 *const places[WORD_RSP + 1] = {
		[WORD_R15] = &frame->r15, [WORD_R14] = &frame->r14,
		[WORD_R13] = &frame->r13, [WORD_R12] = &frame->r12,
		[WORD_RBP] = &frame->rbp, [WORD_RBX] = &frame->rbx,
		[WORD_R11] = &frame->r11, [WORD_R10] = &frame->r10,
		[WORD_R9] = &frame->r9,   [WORD_R8] = &frame->r8,
		[WORD_RAX] = &frame->rax, [WORD_RCX] = &frame->rcx,
		[WORD_RDX] = &frame->rdx, [WORD_RSI] = &frame->rsi,
		[WORD_RDI] = &frame->rdi, [WORD_RIP] = &frame->rip,
		[WORD_RSP] = &frame->rsp,
	};

	return word <= WORD_RSP ? places[word] : NULL;
}

static u64 read_word(struct arch_thread *thread, unsigned word)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);
	const u64 *place = place_of(frame, word);

	if (place) {
		return *place;
	}
	switch (word) {
	case WORD_NUMBER:
		return (u64)frame->number;
	case WORD_CS:
		return frame->cs;
	case WORD_SS:
		return frame->ss;
	case WORD_FLAGS:
		return thread->step ? frame->rflags & ~FLAG_TRAP : frame->rflags;
	case WORD_FS_BASE:
		return thread->fs_base;
	case WORD_GS_BASE:
		return thread->gs_base == thread->block ? 0 : thread->gs_base;
	default:
		return 0; // the other selectors
	}
}

static int check_word(unsigned word, u64 value)
{
	switch (word) {
	case WORD_CS:
		return (u16)value == USER_CS ? 0 : -EIO;
	case WORD_SS:
		return (u16)value == USER_DS ? 0 : -EIO;
	case WORD_DS:
	case WORD_ES:
	case WORD_FS:
	case WORD_GS:
		return (u16)value == 0 ? 0 : -EIO; // nobody would load it
	case WORD_FS_BASE:
	case WORD_GS_BASE:
		return value < USER_END ? 0 : -EIO;
	default:
		return 0;
	}
}

/* It has been checked. */
static void write_word(struct arch_thread *thread, unsigned word, u64 value)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);
	u64 *place = place_of(frame, word);

	if (place) {
		*place = value;
		return;
	}
	switch (word) {
	case WORD_NUMBER:
		frame->number = (s32)value;
		break;
	case WORD_FLAGS:
		frame->rflags =
			(frame->rflags & ~FLAGS_OF_USER) | (value & FLAGS_OF_USER);
		if (value & FLAG_TRAP) {
			thread->step = false; // it is the program's own from now on
		} else if (thread->step) {
			frame->rflags |= FLAG_TRAP;
		}
		break;
	case WORD_FS_BASE:
		thread->fs_base = value;
		break;
	case WORD_GS_BASE:
		thread->gs_base = value ? value : thread->block;
		break;
	}
}

static int write_general(struct arch_thread *thread, const u64 *from)
{
	for (unsigned i = 0; i < WORDS; i++) {
		int error = check_word(i, from[i]);

		if (error) {
			return error;
		}
	}
	for (unsigned i = 0; i < WORDS; i++) {
		write_word(thread, i, from[i]);
	}
	return 0;
}

/* --- FPU --- */

static u64 *header_of(void *area)
{
	return (u64 *)((u8 *)area + LEGACY_SIZE);
}

/* XSAVE leaves out what is in its reset state: here it stands. The FXSAVE part; `there`: a bit each component. */
static void fill_in_legacy(u8 *image, u64 there)
{
	u16 control = CONTROL_WORD_RESET;

	memset(image + LEGACY_END, 0, LEGACY_SIZE - LEGACY_END);
	if (!(there & 1)) {
		memset(image, 0, MXCSR_AT);
		memset(image + MXCSR_AT + 8, 0, XMM_AT - MXCSR_AT - 8);
		memcpy(image, &control, sizeof(control));
	}
	if (!(there & 2)) {
		memset(image + XMM_AT, 0, LEGACY_END - XMM_AT);
	}
}

static u64 components(const struct arch_thread *thread)
{
	return cpu_features.xsave ? *header_of(thread->fpu) : ~0UL;
}

static void fill_in_extended(u8 *image, size_t size, u64 there)
{
	for (unsigned i = 2; i < 63 && fpu_features() >> i; i++) {
		struct cpuid_result part;

		if (!(fpu_features() >> i & 1) || there >> i & 1) {
			continue;
		}
		part = cpuid(0xd, i);
		if (part.b + (size_t)part.a <= size) {
			memset(image + part.b, 0, part.a);
		}
	}
}

static void read_extended(const struct arch_thread *thread, u8 *to)
{
	size_t size = fpu_state_size();
	u64 features = fpu_features();

	memcpy(to, thread->fpu, size);
	fill_in_legacy(to, components(thread));
	fill_in_extended(to, size, components(thread));
	memcpy(to + SOFTWARE_XCR0, &features, sizeof(features));
}

static void read_legacy(const struct arch_thread *thread, u8 *to)
{
	memcpy(to, thread->fpu, LEGACY_END);
	fill_in_legacy(to, components(thread));
}

static bool control_is_good(const u8 *image)
{
	u32 control;

	memcpy(&control, image + MXCSR_AT, sizeof(control));
	return (control & ~fpu_mxcsr_mask()) == 0;
}

static int write_legacy(struct arch_thread *thread, const u8 *from)
{
	if (!control_is_good(from)) {
		return -EINVAL;
	}
	memcpy(thread->fpu, from, LEGACY_END);
	if (cpu_features.xsave) {
		*header_of(thread->fpu) |= 3;
	}
	return 0;
}

static int write_extended(struct arch_thread *thread, const u8 *from)
{
	u64 header[HEADER_SIZE / 8];

	memcpy(header, from + LEGACY_SIZE, sizeof(header));
	for (unsigned i = 1; i < ARRAY_SIZE(header); i++) {
		if (header[i]) {
			return -EINVAL;
		}
	}
	if (header[0] & ~fpu_features() || !control_is_good(from)) {
		return -EINVAL;
	}
	memcpy(thread->fpu, from, fpu_state_size());
	return 0;
}

/* --- the contract --- */

size_t arch_registers_size(u32 set)
{
	switch (set) {
	case NT_PRSTATUS:
		return WORDS * sizeof(u64);
	case NT_PRFPREG:
		return LEGACY_SIZE;
	case NT_X86_XSTATE:
		return cpu_features.xsave ? fpu_state_size() : 0;
	default:
		return 0;
	}
}

size_t arch_registers_unit(u32 set)
{
	return sizeof(u64);
}

void arch_registers_read(struct arch_thread *thread, u32 set, void *to)
{
	switch (set) {
	case NT_PRSTATUS:
		for (unsigned i = 0; i < WORDS; i++) {
			((u64 *)to)[i] = read_word(thread, i);
		}
		break;
	case NT_PRFPREG:
		read_legacy(thread, to);
		break;
	default:
		read_extended(thread, to);
	}
}

int arch_registers_write(struct arch_thread *thread, u32 set, const void *from)
{
	switch (set) {
	case NT_PRSTATUS:
		return write_general(thread, from);
	case NT_PRFPREG:
		return write_legacy(thread, from);
	default:
		return write_extended(thread, from);
	}
}

u32 arch_registers_of_request(long request, bool *write)
{
	*write = request == PTRACE_SETREGS || request == PTRACE_SETFPREGS;
	switch (request) {
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return NT_PRSTATUS;
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return NT_PRFPREG;
	default:
		return 0;
	}
}

/* Debug registers are never in use: they read as 0, and cannot be made anything else. */
int arch_user_word_read(struct arch_thread *thread, u64 offset, u64 *word)
{
	if (offset % sizeof(u64) || offset >= USER_SIZE) {
		return -EIO;
	}
	*word = offset < WORDS * sizeof(u64)
			? read_word(thread, (unsigned)(offset / sizeof(u64)))
			: 0;
	return 0;
}

int arch_user_word_write(struct arch_thread *thread, u64 offset, u64 word)
{
	unsigned index = (unsigned)(offset / sizeof(u64));
	int error;

	if (offset % sizeof(u64) || offset >= USER_SIZE) {
		return -EIO;
	}
	if (offset >= WORDS * sizeof(u64)) {
		return offset >= USER_DEBUG && offset < USER_DEBUG_END && word == 0
			       ? 0
			       : -EIO;
	}
	error = check_word(index, word);
	if (!error) {
		write_word(thread, index, word);
	}
	return error;
}

u32 arch_audit_number(void)
{
	return AUDIT_ARCH_X86_64;
}

bool arch_step_is_there(void)
{
	return true;
}

int arch_step_call_code(void)
{
	return TRAP_BRKPT;
}

/* A trap flag that the program has set itself stays. */
void arch_step_set(struct arch_thread *thread, bool step)
{
	struct trap_frame *frame = arch_thread_user_frame(thread);

	if (step && !(frame->rflags & FLAG_TRAP)) {
		frame->rflags |= FLAG_TRAP;
		thread->step = true;
	} else if (!step && thread->step) {
		frame->rflags &= ~FLAG_TRAP;
		thread->step = false;
	}
}

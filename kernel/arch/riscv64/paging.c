// SPDX-License-Identifier: MIT
/*
 * The mode of paging, and what it gives: four levels (Sv48) where the CPU has them, else three (Sv39), which every CPU with Linux has. start.S
 * has tried them in that order. `no4lvl` on the command line, as with Linux, wants three in any case.
 *
 * The image lies at the same addresses in both; the boot tables of both are there until .init goes.
 */
#include "arch/impl/mmu.h"
#include "arch/riscv64/asm_offsets.h"
#include "arch/riscv64/instructions.h"
#include "arch/riscv64/port.h"

static const struct paging sv39 = {
	.user_end = 0x0000003ffffff000UL,
	.physical_map = 0xffffffc000000000UL,
	.physical_map_end = 0xffffffe000000000UL,
	.kernel_map = 0xffffffe000000000UL,
	.kernel_map_end = 0xffffffe400000000UL,
	.levels = 3,
	.satp = (u64)SATP_MODE_SV39 << SATP_MODE_SHIFT,
	.name = "sv39",
};

struct paging paging = {
	.user_end = 0x00007ffffffff000UL,
	.physical_map = 0xffff800000000000UL,
	.physical_map_end = 0xffffc00000000000UL,
	.kernel_map = 0xffffc00000000000UL,
	.kernel_map_end = 0xffffc08000000000UL,
	.levels = 4,
	.satp = (u64)SATP_MODE_SV48 << SATP_MODE_SHIFT,
	.name = "sv48",
};

init_ void paging_found(void)
{
	if (CSR_READ("satp") >> SATP_MODE_SHIFT == SATP_MODE_SV39) {
		paging = sv39;
	}
}

/* Whoever has an address of the physical map must ask for it anew. */
init_ void paging_use_three_levels(void)
{
	if (paging.levels > sv39.levels) {
		paging = sv39;
		CSR_WRITE("satp", paging.satp | virtual_to_physical(boot_root_sv39) >>
							PAGE_SHIFT);
		flush_tlb();
	}
}

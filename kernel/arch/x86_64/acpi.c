// SPDX-License-Identifier: MIT
/*
 * ACPI's tables, as far as no bytecode is needed: CPUs and interrupt chips (MADT), reset and power-off (FADT).
 *
 * Read once, early, while the boot tables map the first 4 GiB; `acpi` keeps what is needed. Every length in a table is checked
 * against the table before use: they come from outside.
 */
#include "arch/boot.h"
#include "arch/x86_64/port.h"
#include "lib/string.h"

#define ACPI_MAPPED (4UL << 30)

struct packed_ acpi_root {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
};

struct packed_ acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
};

struct packed_ acpi_address {
	u8 space, width, offset, access;
	u64 address;
};

struct packed_ acpi_madt {
	struct acpi_header header;
	u32 local_apic, flags;
	u8 entries[];
};

struct packed_ acpi_fadt {
	struct acpi_header header;
	u8 until_pm1[28];
	u32 pm1a_control; /* offset 64 */
	u8 until_flags[44];
	u32 flags; /* offset 112 */
	struct acpi_address reset;
	u8 reset_value;
	u8 until_sleep[115];
	struct acpi_address sleep_control; /* offset 244 */
	struct acpi_address sleep_status;
};
STATIC_ASSERT(offsetof(struct acpi_fadt, pm1a_control) == 64);
STATIC_ASSERT(offsetof(struct acpi_fadt, flags) == 112);
STATIC_ASSERT(offsetof(struct acpi_fadt, sleep_control) == 244);

enum {
	MADT_LOCAL_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_APIC_ADDRESS = 5,
	MADT_X2APIC = 9
};
enum { MADT_ENABLED = 1, FADT_RESET = 1 << 10, FADT_HARDWARE_REDUCED = 1 << 20 };

struct acpi_information acpi;

static init_ u32 get_u32(const u8 *at)
{
	u32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static init_ bool checksum_good(const void *data, size_t size)
{
	const u8 *byte = data;
	u8 sum = 0;

	for (size_t i = 0; i < size; i++) {
		sum += byte[i];
	}
	return sum == 0;
}

static init_ const void *acpi_at(u64 address, size_t size)
{
	if (address == 0 || address >= ACPI_MAPPED || size > ACPI_MAPPED - address) {
		return NULL;
	}
	return physical_to_virtual(address);
}

/* A whole table, or NULL. */
static init_ const struct acpi_header *table_at(u64 address)
{
	const struct acpi_header *table = acpi_at(address, sizeof(*table));

	if (table == NULL || table->length < sizeof(*table) || table->length > 1 << 20 ||
	    acpi_at(address, table->length) == NULL ||
	    !checksum_good(table, table->length)) {
		return NULL;
	}
	return table;
}

static init_ void add_cpu(u32 apic_id)
{
	if (acpi.cpu_count < ARRAY_SIZE(acpi.apic_ids)) {
		acpi.apic_ids[acpi.cpu_count++] = apic_id;
	}
}

static init_ void add_override(const u8 *entry)
{
	u8 polarity = entry[8] & 3, trigger = entry[8] >> 2 & 3;

	if (acpi.override_count < ACPI_OVERRIDES_MAX) {
		acpi.overrides[acpi.override_count++] = (struct acpi_override){
			.isa_line = entry[3],
			.line = get_u32(entry + 4),
			.active_low = polarity == 3,
			.level = trigger == 3,
		};
	}
}

static init_ void read_madt_entry(const u8 *entry, u8 size)
{
	switch (entry[0]) {
	case MADT_LOCAL_APIC:
		if (size >= 8 && get_u32(entry + 4) & MADT_ENABLED) {
			add_cpu(entry[3]);
		}
		break;
	case MADT_X2APIC:
		/* Numbers below 255 are told as MADT_LOCAL_APIC too by some; those above need x2APIC. */
		if (size >= 16 && get_u32(entry + 8) & MADT_ENABLED &&
		    get_u32(entry + 4) >= 255) {
			add_cpu(get_u32(entry + 4));
		}
		break;
	case MADT_IO_APIC:
		if (size >= 12 && acpi.io_apic_count < ACPI_IO_APICS_MAX) {
			acpi.io_apics[acpi.io_apic_count++] = (struct acpi_io_apic){
				.address = get_u32(entry + 4),
				.first_line = get_u32(entry + 8),
			};
		}
		break;
	case MADT_OVERRIDE:
		if (size >= 10) {
			add_override(entry);
		}
		break;
	case MADT_APIC_ADDRESS:
		if (size >= 12) {
			acpi.local_apic = get_u32(entry + 4) | (u64)get_u32(entry + 8)
								       << 32;
		}
		break;
	}
}

static init_ void read_madt(const struct acpi_header *table)
{
	const struct acpi_madt *madt = (const void *)table;
	const u8 *entry = madt->entries, *end = (const u8 *)table + table->length;

	if (table->length < sizeof(*madt)) {
		return;
	}
	acpi.local_apic = madt->local_apic;
	while (end - entry >= 2 && entry[1] >= 2 && entry[1] <= end - entry) {
		read_madt_entry(entry, entry[1]);
		entry += entry[1];
	}
}

static init_ void read_fadt(const struct acpi_header *table)
{
	const struct acpi_fadt *fadt = (const void *)table;

	acpi.qemu = memcmp(table->oem, "BOCHS ", 6) == 0;
	if (table->length >= offsetof(struct acpi_fadt, reset)) {
		acpi.pm1_control = (u16)fadt->pm1a_control;
		acpi.hardware_reduced = (fadt->flags & FADT_HARDWARE_REDUCED) != 0;
	}
	if (table->length >= offsetof(struct acpi_fadt, until_sleep) &&
	    fadt->flags & FADT_RESET) {
		acpi.reset =
			(struct acpi_register){fadt->reset.space, fadt->reset.address};
		acpi.reset_value = fadt->reset_value;
	}
	if (acpi.hardware_reduced && table->length >= sizeof(*fadt)) {
		acpi.sleep_control = (struct acpi_register){fadt->sleep_control.space,
							    fadt->sleep_control.address};
	}
}

static init_ void read_table(u64 address)
{
	const struct acpi_header *table = table_at(address);

	if (table == NULL) {
		return;
	}
	if (memcmp(table->signature, "APIC", 4) == 0) {
		read_madt(table);
	} else if (memcmp(table->signature, "FACP", 4) == 0) {
		read_fadt(table);
	}
}

static init_ void read_list(const struct acpi_header *list, size_t entry_size)
{
	const u8 *entry = (const u8 *)(list + 1), *end = (const u8 *)list + list->length;

	for (; (size_t)(end - entry) >= entry_size; entry += entry_size) {
		u64 address = get_u32(entry);

		if (entry_size == 8) {
			address |= (u64)get_u32(entry + 4) << 32;
		}
		read_table(address);
	}
}

static init_ const struct acpi_root *root_at(paddr_t address)
{
	const struct acpi_root *root = acpi_at(address, sizeof(*root));

	if (root == NULL || memcmp(root->signature, "RSD PTR ", 8) != 0 ||
	    !checksum_good(root, 20)) {
		return NULL;
	}
	return root;
}

/* The BIOS area, where firmware of the older kind leaves the root. */
static init_ const struct acpi_root *search_root(void)
{
	const struct acpi_root *root = NULL;

	for (paddr_t at = 0xe0000; at < 0x100000 && root == NULL; at += 16) {
		root = root_at(at);
	}
	return root;
}

init_ void acpi_init(paddr_t rsdp)
{
	const struct acpi_root *root = root_at(rsdp);
	const struct acpi_header *list = NULL;

	if (root == NULL) {
		root = search_root();
	}
	if (root == NULL) {
		return;
	}
	if (root->revision >= 2) {
		list = table_at(root->xsdt);
	}
	if (list != NULL) {
		read_list(list, 8);
	} else if ((list = table_at(root->rsdt)) != NULL) {
		read_list(list, 4);
	}
	acpi.present = list != NULL && acpi.cpu_count > 0;
}

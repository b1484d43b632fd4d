/* The bus fabric: who answers at which address (RP2040 datasheet, 2.1 and 2.2). */
#include <string.h>

#include "pico.h"

enum { /* 0x40000000 + 0x4000 n: the blocks at the APB bridge that are in C */
    APB_IO_BANK0 = 5, APB_IO_QSPI = 6, APB_PADS_BANK0 = 7, APB_PADS_QSPI = 8, APB_PWM = 20, APB_TIMER = 21,
};

/* -- Memories -- */

/* The unstriped windows: bank b holds every fourth word of the striped 256 KiB (2.6.2). */
static u32 striped(u32 offset)
{
    u32 bank = offset >> 16, word = (offset & 0xFFFF) >> 2;
    return (word << 4) | bank << 2 | (offset & 3);
}

/* What is plain memory for a reader; NULL: it is none. */
static const u8 *memory_at(const struct pico *p, u32 address)
{
    switch (address >> 24) {
    case 0x00: return address < ROM_SIZE ? p->m.rom + address : NULL;
    case 0x10: case 0x11: case 0x12: case 0x13: return p->flash + (address & (FLASH_SIZE - 1));
    case 0x15: return address - XIP_SRAM_BASE < XIP_SRAM_SIZE && xip_is_sram(p) ? p->m.xip_sram + (address - XIP_SRAM_BASE) : NULL;
    case 0x20: return address - SRAM_BASE < SRAM_SIZE ? p->m.sram + (address - SRAM_BASE) : NULL;
    case 0x21: {
        u32 offset = address - SRAM_UNSTRIPED_BASE;
        return offset < SRAM_STRIPED_SIZE ? p->m.sram + striped(offset) : NULL;
    }
    case 0x50: return address - DPSRAM_BASE < DPSRAM_SIZE ? p->m.dpsram + (address - DPSRAM_BASE) : NULL;
    default: return NULL;
    }
}

static u32 load(const u8 *from, u32 size)
{
    u32 value = 0;
    if (size == 4)
        memcpy(&value, from, 4);
    else if (size == 2)
        memcpy(&value, from, 2);
    else
        value = *from;
    return value;
}

static void store(u8 *to, u32 size, u32 value)
{
    if (size == 4)
        memcpy(to, &value, 4);
    else if (size == 2)
        memcpy(to, &value, 2);
    else
        *to = (u8)value;
}

static bool write_memory(struct pico *p, u32 address, u32 size, u32 value, bool *done)
{
    u32 offset;
    *done = true;
    switch (address >> 24) {
    case 0x00: return address < ROM_SIZE; /* nothing happens (2.6.1); TinyUSB does so for endpoint 0 */
    case 0x10: case 0x11: case 0x12: case 0x13: return xip_takes_write(p, address);
    case 0x15:
        offset = address - XIP_SRAM_BASE;
        if (offset >= XIP_SRAM_SIZE || !xip_is_sram(p))
            return false;
        store(p->m.xip_sram + offset, size, value);
        return true;
    case 0x20: case 0x21:
        offset = address >> 24 == 0x20 ? address - SRAM_BASE : address - SRAM_UNSTRIPED_BASE;
        if (offset >= (address >> 24 == 0x20 ? SRAM_SIZE : SRAM_STRIPED_SIZE))
            return false;
        if (address >> 24 == 0x21)
            offset = striped(offset);
        store(p->m.sram + offset, size, value);
        sram_written(p, offset, size);
        return true;
    case 0x50:
        offset = address - DPSRAM_BASE;
        if (offset >= DPSRAM_SIZE)
            break;
        store(p->m.dpsram + offset, size, value);
        if (offset < DPSRAM_CONTROL_SIZE)
            p->host.dpsram_written(offset & ~3u);
        else if (UNLIKELY(p->m.dpsram_guard >> (offset >> DPSRAM_PIECE_BITS) & 1))
            p->host.dpsram_written(offset);
        return true;
    default: break;
    }
    *done = false;
    return false;
}

/* -- Registers -- */

static u32 block_read(struct pico *p, u32 block, u32 offset)
{
    u32 word = offset >> 2;
    if (block == BLOCK_SSI && offset == SSI_DR0)
        return ssi_receive(p);
    return p->hooks[block][word] & READ_HOOK ? p->host.read(block, offset) : p->m.registers[block][word];
}

static void block_write(struct pico *p, u32 block, u32 offset, u32 raw, enum alias alias)
{
    u32 word = offset >> 2, *value = &p->m.registers[block][word], mask = p->masks[block][word], before = *value;
    if (p->hooks[block][word] & WRITE_HOOK) {
        p->host.write(block, offset, raw, alias);
        return;
    }
    *value = (before & ~mask) | (alias_apply(before, raw, alias) & mask);
    if (block != BLOCK_SSI)
        return;
    if (offset == SSI_DR0)
        ssi_send(p, raw);
    else
        ssi_written(p, offset, before);
}

/* Which Python block's registers are there: BLOCKS, when none. */
static u32 block_at(u32 address)
{
    switch (address >> 16) {
    case 0x1400: return BLOCK_XIP_CTRL;
    case 0x1800: return BLOCK_SSI;
    case 0x5011: return BLOCK_USB;
    case 0x5040: return BLOCK_XIP_AUX;
    default: return address - APB_BASE < APB_BLOCKS << 14 ? (address - APB_BASE) >> 14 : BLOCKS;
    }
}

static bool read_register(struct pico *p, u32 address, u32 *value)
{
    u32 offset = address & 0xFFC, block;
    switch (address >> 14) {
    case (APB_BASE >> 14) + APB_IO_BANK0: *value = io_bank0_read(p, offset); return true;
    case (APB_BASE >> 14) + APB_IO_QSPI: *value = io_qspi_read(p, offset); return true;
    case (APB_BASE >> 14) + APB_PADS_BANK0: *value = pads_bank0_read(p, offset); return true;
    case (APB_BASE >> 14) + APB_PADS_QSPI: *value = pads_qspi_read(p, offset); return true;
    case (APB_BASE >> 14) + APB_PWM: *value = pwm_read(p, offset); return true;
    case (APB_BASE >> 14) + APB_TIMER: *value = timer_read(p, offset); return true;
    case DMA_BASE >> 14: *value = dma_read(p, offset); return true;
    case PIO0_BASE >> 14: *value = pio_read(p, 0, offset); return true;
    case PIO1_BASE >> 14: *value = pio_read(p, 1, offset); return true;
    default:
        block = block_at(address);
        if (block < BLOCKS)
            *value = block_read(p, block, offset);
        return block < BLOCKS;
    }
}

/* Which block in C is there; C_SIO, which has a way of its own: none. */
static enum c_block c_block_at(u32 address)
{
    switch (address >> 14) {
    case (APB_BASE >> 14) + APB_IO_BANK0: return C_IO_BANK0;
    case (APB_BASE >> 14) + APB_IO_QSPI: return C_IO_QSPI;
    case (APB_BASE >> 14) + APB_PADS_BANK0: return C_PADS_BANK0;
    case (APB_BASE >> 14) + APB_PADS_QSPI: return C_PADS_QSPI;
    case (APB_BASE >> 14) + APB_PWM: return C_PWM;
    case (APB_BASE >> 14) + APB_TIMER: return C_TIMER;
    case DMA_BASE >> 14: return C_DMA;
    case PIO0_BASE >> 14: return C_PIO0;
    case PIO1_BASE >> 14: return C_PIO1;
    default: return C_SIO;
    }
}

static bool write_register(struct pico *p, u32 address, u32 raw)
{
    u32 offset = address & 0xFFC, block;
    enum alias alias = address >> 12 & 3;
    enum c_block in_c = c_block_at(address);
    if (UNLIKELY(p->m.held_blocks >> HELD_IN_C(in_c) & 1))
        return true;
    switch (in_c) {
    case C_IO_BANK0: io_bank0_write(p, offset, raw, alias); return true;
    case C_IO_QSPI: io_qspi_write(p, offset, raw, alias); return true;
    case C_PADS_BANK0: pads_bank0_write(p, offset, raw, alias); return true;
    case C_PADS_QSPI: pads_qspi_write(p, offset, raw, alias); return true;
    case C_PWM: pwm_write(p, offset, raw, alias); return true;
    case C_TIMER: timer_write(p, offset, raw, alias); return true;
    case C_DMA: dma_write(p, offset, raw, alias); return true;
    case C_PIO0: pio_write(p, 0, offset, raw, alias); return true;
    case C_PIO1: pio_write(p, 1, offset, raw, alias); return true;
    default:
        block = block_at(address);
        if (block < BLOCKS && !(p->m.held_blocks >> block & 1))
            block_write(p, block, offset, raw, alias);
        return block < BLOCKS;
    }
}

/* -- Accesses -- */

static u32 lanes(u32 size, u32 value)
{
    return size == 4 ? value : size == 2 ? (value & 0xFFFF) * 0x10001u : (value & 0xFF) * 0x1010101u;
}

static bool sio_reachable(const struct pico *p, u32 address)
{
    return address >> 12 == 0xD0000 && p->m.running != DMA_MASTER;
}

bool bus_read(struct pico *p, u32 address, u32 size, u32 *value)
{
    if (UNLIKELY(p->m.counting))
        count_access(p, address, false);
    const u8 *memory = memory_at(p, address);
    if (memory) {
        *value = load(memory, size);
        return true;
    }
    if (sio_reachable(p, address))
        *value = sio_read(p, address & 0xFFC);
    else if (address >> 20 == 0xE00 && p->m.running != DMA_MASTER)
        *value = 0; /* the rest of the private peripheral bus: no debugger's units to be seen */
    else if (!read_register(p, address, value))
        return false;
    *value >>= 8 * (address & 3);
    if (size < 4)
        *value &= size == 2 ? 0xFFFF : 0xFF;
    return true;
}

bool code_at(const struct pico *p, u32 address, u32 *code)
{
    const u8 *memory = memory_at(p, address);
    if (memory)
        *code = load(memory, 2);
    return memory != NULL;
}

bool bus_write(struct pico *p, u32 address, u32 size, u32 value)
{
    if (UNLIKELY(p->m.counting))
        count_access(p, address, true);
    bool done, good = write_memory(p, address, size, value, &done);
    if (done)
        return good;
    value = lanes(size, value);
    if (sio_reachable(p, address))
        sio_write(p, address & 0xFFC, value);
    else if (!(address >> 20 == 0xE00 && p->m.running != DMA_MASTER))
        return write_register(p, address, value);
    return true;
}

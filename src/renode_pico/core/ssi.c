/* The serial interface to the flash, a Synopsys DW_apb_ssi (RP2040 datasheet, 4.10; `ssi.h` of the SDK).
 *
 * Its registers are declared in rp2040/ssi.py; here is what is hot of them, and what they do. Plain serial frames reach
 * the flash's decoder (flash.c) as they are written. Dual and quad ones are reads: the mapped memory's, and those of the
 * same form by software and DMA, in the mode in which the second stage leaves the flash (4.10.10).
 */
#include "pico.h"

enum {
    CTRLR0 = 0x00, CTRLR1 = 0x04, SPI_CTRLR0 = 0xF4, SSIENR = 0x08, SER = 0x10, BAUDR = 0x14, RXFLR = 0x24, SR = 0x28, DMACR = 0x4C, DMARDLR = 0x54,
    CTRLR0_TMOD_LSB = 8, CTRLR0_DFS_32_LSB = 16, CTRLR0_SPI_FRF_BITS = 0x00600000, TMOD_BITS = 3, TMOD_TX_ONLY = 1, TMOD_EEPROM_READ = 3,
    SPI_CTRLR0_ADDR_L_LSB = 2, ADDR_L_BITS = 0xF, SPI_CTRLR0_INST_L_BITS = 0x300, MODE_BITS = 8, ADDRESS_AND_MODE = 8,
    SR_TFNF = 1 << 1, SR_TFE = 1 << 2, SR_RFNE = 1 << 3, SR_RFF = 1 << 4,
    DMACR_RDMAE = 1 << 0, DMACR_TDMAE = 1 << 1,
    CTRLR0_SPI_FRF_LSB = 21, FRF_BITS = 3, SPI_CTRLR0_TRANS_TYPE_BITS = 3, TRANS_TYPE_1C2A = 1, TRANS_TYPE_2C2A = 2,
    SPI_CTRLR0_INST_L_LSB = 8, SPI_CTRLR0_WAIT_CYCLES_LSB = 11, WAIT_CYCLES_BITS = 0x1F, NDF_BITS = 0xFFFF,
    CHIP_SELECT_CLOCKS = 1, APB_READ_CYCLES = 3,
    LEAST_DIVISOR = 2, NS_PER_S = 1000000000,
    DREQ_XIP_SSITX = 38, DREQ_XIP_SSIRX = 39,
};

static u32 *at(struct pico *p, u32 offset)
{
    return &p->m.registers[BLOCK_SSI][offset >> 2];
}

/* Levels, status and data requests as the FIFO is now. */
static void show(struct pico *p)
{
    u32 count = p->m.ssi.count, control = *at(p, DMACR);
    *at(p, RXFLR) = count;
    *at(p, SR) = SR_TFNF | SR_TFE | (count ? SR_RFNE : 0) | (count == SSI_FIFO_DEPTH ? SR_RFF : 0);
    set_dreq(p, DREQ_XIP_SSITX, *at(p, SSIENR) && (control & DMACR_TDMAE));
    set_dreq(p, DREQ_XIP_SSIRX, (control & DMACR_RDMAE) && count > *at(p, DMARDLR));
}

static void drive_chip_select(struct pico *p, bool low)
{
    p->m.ssi.driving = low;
    qspi_drive(p, FUNC_XIP, 1u << QSPI_SS, low ? 0 : 1u << QSPI_SS, 1u << QSPI_SS);
}

static void frames_over(struct pico *p)
{
    set_due(p, DUE_SSI, NEVER);
    p->m.ssi.busy_until_ns = 0;
    if (p->m.ssi.driving)
        drive_chip_select(p, false);
}

static void forget_received(struct pico *p)
{
    p->m.ssi.first = p->m.ssi.count = p->m.ssi.headers = p->m.ssi.left = 0;
    frames_over(p);
    show(p);
}

static void receive(struct ssi *s, u32 frame)
{
    s->received[(s->first + s->count++) % SSI_FIFO_DEPTH] = frame;
}

/* Frames of a dual or quad read, as many as there is room for: the clock waits for the FIFO. */
static void read_ahead(struct pico *p)
{
    struct ssi *s = &p->m.ssi;
    for (; s->left && s->count < SSI_FIFO_DEPTH; s->left--) {
        u32 frame = 0;
        for (u32 bytes = (*at(p, CTRLR0) >> CTRLR0_DFS_32_LSB & 0x1F) / 8 + 1; bytes; bytes--)
            frame = frame << 8 | p->flash[s->from++ % FLASH_SIZE];
        receive(s, frame);
    }
}

/* An instruction, where there is one, and an address, which has the mode's bits behind it when it has 32. */
static void read_header(struct pico *p, u32 word)
{
    struct ssi *s = &p->m.ssi;
    u32 form = *at(p, SPI_CTRLR0), length = form >> SPI_CTRLR0_ADDR_L_LSB & ADDR_L_BITS;
    if (++s->headers < (u32)((form & SPI_CTRLR0_INST_L_BITS) != 0) + (length != 0))
        return;
    s->headers = 0;
    s->from = length == ADDRESS_AND_MODE ? word >> MODE_BITS : word;
    s->left = *at(p, CTRLR1) + 1;
    read_ahead(p);
}

/* Chip select is low from the first frame on until the last one that was written in time is over. */
static void frame_begins(struct pico *p, u32 bits)
{
    struct ssi *s = &p->m.ssi;
    u64 now = ns_of(&p->m, p->m.now), divisor = *at(p, BAUDR);
    if (!*at(p, SER))
        return;
    if (s->busy_until_ns < now)
        s->busy_until_ns = now;
    s->busy_until_ns += bits * (divisor < LEAST_DIVISOR ? LEAST_DIVISOR : divisor) * NS_PER_S / p->m.hz;
    if (!s->driving)
        drive_chip_select(p, true);
    ssi_rescale(p);
}

void ssi_send(struct pico *p, u32 frame)
{
    struct ssi *s = &p->m.ssi;
    u32 control = *at(p, CTRLR0), size = control >> CTRLR0_DFS_32_LSB & 0x1F, answer = 0;
    u32 mode = control >> CTRLR0_TMOD_LSB & TMOD_BITS;
    if (!*at(p, SSIENR) || s->held)
        return;
    if ((control & CTRLR0_SPI_FRF_BITS) && mode == TMOD_EEPROM_READ) {
        read_header(p, frame);
        show(p);
        return;
    }
    if (!(control & CTRLR0_SPI_FRF_BITS)) {
        if (s->driving || !p->m.flash_chip.selected)
            frame_begins(p, size + 1);
        for (u32 bytes = size / 8 + 1; bytes; bytes--)
            answer = answer << 8 | flash_exchange(p, frame >> 8 * (bytes - 1) & 0xFF);
    }
    if (mode != TMOD_TX_ONLY && s->count < SSI_FIFO_DEPTH)
        receive(s, answer);
    show(p);
}

u32 ssi_receive(struct pico *p)
{
    struct ssi *s = &p->m.ssi;
    u32 frame;
    if (!s->count)
        return 0;
    frame = s->received[s->first];
    s->first = (s->first + 1) % SSI_FIFO_DEPTH;
    s->count--;
    read_ahead(p);
    show(p);
    return frame;
}

/* Instruction, address, wait and data on as many lines as the registers say (4.10.10); half a clock of the serial bus
 * from chip select to its first edge and half a one after its last; and the read of the SSI at its bus. */
u32 ssi_word_cycles(struct pico *p)
{
    static const u8 instruction_bits[] = {0, 4, 8, 16};
    u32 control = *at(p, CTRLR0), form = *at(p, SPI_CTRLR0), divisor = *at(p, BAUDR);
    u32 lane_bits = control >> CTRLR0_SPI_FRF_LSB & FRF_BITS, lines = lane_bits < FRF_BITS ? 1u << lane_bits : 1;
    u32 type = form & SPI_CTRLR0_TRANS_TYPE_BITS;
    u32 instruction = instruction_bits[form >> SPI_CTRLR0_INST_L_LSB & 3], address = 4 * (form >> SPI_CTRLR0_ADDR_L_LSB & ADDR_L_BITS);
    u32 data = ((control >> CTRLR0_DFS_32_LSB & 0x1F) + 1) * ((*at(p, CTRLR1) & NDF_BITS) + 1);
    u32 clocks = instruction / (type == TRANS_TYPE_2C2A ? lines : 1) + address / (type == TRANS_TYPE_1C2A || type == TRANS_TYPE_2C2A ? lines : 1)
               + (form >> SPI_CTRLR0_WAIT_CYCLES_LSB & WAIT_CYCLES_BITS) + (data + lines - 1) / lines + CHIP_SELECT_CLOCKS;
    return clocks * (divisor < LEAST_DIVISOR ? LEAST_DIVISOR : divisor & ~1u) + APB_READ_CYCLES;
}

void ssi_written(struct pico *p, u32 offset, u32 before)
{
    if (p->m.ssi.held)
        return;
    if (offset == SSIENR && before != *at(p, SSIENR))
        forget_received(p);
    else if (offset == DMACR || offset == DMARDLR)
        show(p);
}

void ssi_hold(struct pico *p, bool held)
{
    p->m.ssi.held = held;
    forget_received(p);
}

void ssi_due(struct pico *p)
{
    frames_over(p);
}

void ssi_rescale(struct pico *p)
{
    u64 end = p->m.ssi.busy_until_ns;
    set_due(p, DUE_SSI, end ? cycle_at_ns(&p->m, end) : NEVER);
}

/* DMA (RP2040 datasheet, 2.5).
 *
 * Time: the read and the write master work side by side, so a transfer can be made each cycle of clk_sys, and one to
 * or from APB takes as long as its bridge (2.1.3). A transfer is one step here, made at its cycle; it stays in flight
 * for PIPELINE_CYCLES more, and then a sequence's end is seen: BUSY, the interrupt, the channel that is chained to.
 *
 * Channels take turns (pick()). What is unpaced and goes from memory to memory is made up for in slices, later than
 * its cycles but before anybody looks at the registers; everything else happens at its own cycle. Nothing here calls
 * itself: a transfer that writes registers of the DMA only changes its state.
 */
#include <string.h>

#include "pico.h"

enum { /* registers of a channel, in four orders (2.5.2.1); the last of each is the one that triggers */
    READ_ADDR, WRITE_ADDR, TRANS_COUNT, CTRL,
    CHANNEL_STRIDE = 0x40,
    TRIGGER = 0xc,
};

static const u8 register_at[4][4] = {
    {READ_ADDR, WRITE_ADDR, TRANS_COUNT, CTRL},
    {CTRL, READ_ADDR, WRITE_ADDR, TRANS_COUNT},
    {CTRL, TRANS_COUNT, READ_ADDR, WRITE_ADDR},
    {CTRL, WRITE_ADDR, TRANS_COUNT, READ_ADDR},
};

enum {
    INTR = 0x400,
    INTE0 = 0x404,
    INTF0 = 0x408,
    INTS0 = 0x40c,
    INTE1 = 0x414,
    INTF1 = 0x418,
    INTS1 = 0x41c,
    TIMER0 = 0x420,
    TIMER3 = 0x42c,
    MULTI_CHAN_TRIGGER = 0x430,
    SNIFF_CTRL = 0x434,
    SNIFF_DATA = 0x438,
    FIFO_LEVELS = 0x440,
    CHAN_ABORT = 0x444,
    N_CHANNELS = 0x448,
    CH0_DBG_CTDREQ = 0x800,
    CH0_DBG_TCR = 0x804,
};

enum { /* CTRL_TRIG */
    CTRL_EN = 1 << 0,
    CTRL_HIGH_PRIORITY = 1 << 1,
    CTRL_DATA_SIZE_LSB = 2,
    CTRL_INCR_READ = 1 << 4,
    CTRL_INCR_WRITE = 1 << 5,
    CTRL_RING_SIZE_LSB = 6,
    CTRL_RING_SEL = 1 << 10,
    CTRL_CHAIN_TO_LSB = 11,
    CTRL_TREQ_SEL_LSB = 15,
    CTRL_IRQ_QUIET = 1 << 21,
    CTRL_BSWAP = 1 << 22,
    CTRL_SNIFF_EN = 1 << 23,
    CTRL_BUSY = 1 << 24,
    CTRL_WRITE_ERROR = 1 << 29,
    CTRL_READ_ERROR = 1 << 30,
    CTRL_STORED_BITS = 0x00ffffff,
};
#define CTRL_AHB_ERROR 0x80000000u

enum { /* SNIFF_CTRL */
    SNIFF_EN = 1 << 0,
    SNIFF_DMACH_LSB = 1,
    SNIFF_CALC_LSB = 5,
    SNIFF_BSWAP = 1 << 9,
    SNIFF_OUT_REV = 1 << 10,
    SNIFF_OUT_INV = 1 << 11,
    SNIFF_BITS = 0xfff,
    CALC_CRC32 = 0,
    CALC_CRC32R = 1,
    CALC_CRC16 = 2,
    CALC_CRC16R = 3,
    CALC_EVEN = 14,
    CALC_SUM = 15,
};

enum { /* what paces a channel */
    TREQ_PWM_WRAP0 = 24,
    TREQ_PWM_WRAP7 = 31,
    TREQ_TIMER0 = 59,
    TREQ_TIMER3 = 62,
    TREQ_PERMANENT = 63,
};
#define TREQS_OF_PIO 0x0000ffffu
#define TREQS_OF_PWM 0xff000000u
#define TREQS_OF_TIMERS 0x7800000000000000u

enum {
    DMA_IRQ_0 = 11,
    ALL_CHANNELS = (1 << DMA_CHANNELS) - 1,
    INT_BITS = 0xffff,
    MOST_CREDITS = 63,      /* DBG_CTDREQ has six bits */
    TRIGGER_CYCLES = 2,     /* from a trigger to the first transfer */
    PIPELINE_CYCLES = 3,    /* from a transfer's issue to the end of its write */
    APB_READ_CYCLES = 3,    /* 2.1.3 */
    APB_WRITE_CYCLES = 4,
    SLICE = 256,            /* how many cycles memory may lag behind */
};

/* -- A channel -- */

static u32 size_of(const struct dma_channel *c)
{
    u32 size = c->ctrl >> CTRL_DATA_SIZE_LSB & 3;
    return size >= 2 ? 4 : 1u << size;
}

static u32 treq_of(const struct dma_channel *c)
{
    return c->ctrl >> CTRL_TREQ_SEL_LSB & 0x3f;
}

static bool counts_pulses(u32 treq)
{
    return (treq >= TREQ_PWM_WRAP0 && treq <= TREQ_PWM_WRAP7) || (treq >= TREQ_TIMER0 && treq <= TREQ_TIMER3);
}

static bool is_memory(u32 address)
{
    return address < ROM_SIZE || (address >= FLASH_BASE && address < 0x14000000)
        || (address >= SRAM_BASE && address < SRAM_UNSTRIPED_BASE + SRAM_STRIPED_SIZE);
}

static bool is_apb(u32 address)
{
    return address >> 20 == APB_BASE >> 20;
}

/* Nobody sees when exactly it makes its transfers. */
static bool is_copy(const struct pico *p, const struct dma_channel *c)
{
    return treq_of(c) == TREQ_PERMANENT && is_memory(c->read_addr) && is_memory(c->write_addr)
        && !(p->m.counting & COUNT_LATENCY && is_flash(c->read_addr));
}

static bool is_requested(const struct pico *p, const struct dma_channel *c)
{
    u32 treq = treq_of(c);
    if (treq == TREQ_PERMANENT)
        return true;
    return counts_pulses(treq) ? c->credits > 0 : p->m.dreqs >> treq & 1;
}

/* -- Interrupts (2.5.4) -- */

static u32 ints(const struct dma *d, u32 line)
{
    return (d->intr & d->inte[line]) | d->intf[line];
}

static void update_irqs(struct pico *p)
{
    for (u32 line = 0; line < DMA_LINES; line++)
        set_irq(p, DMA_IRQ_0 + line, ints(&p->m.dma, line) != 0);
}

static void raise_intr(struct pico *p, u32 n)
{
    p->m.dma.intr |= 1u << n;
    update_irqs(p);
}

/* -- Pacing timers (2.5.5.1) -- */

/* They request X times in Y cycles, but not more than once in one. */
static u64 pulses_until(const struct dma_timer *t, u64 cycle)
{
    if (!t->x || !t->y)
        return 0;
    u64 cycles = cycle - t->since;
    return t->x >= t->y ? cycles : cycles * t->x / t->y;
}

static u64 next_pulse(const struct dma_timer *t)
{
    if (!t->x || !t->y)
        return NEVER;
    u64 n = t->pulses + 1;
    return t->since + (t->x >= t->y ? n : (n * t->y + t->x - 1) / t->x);
}

static void give_credits(struct dma *d, u32 treq, u64 pulses)
{
    for (u32 set = d->active; set; set &= set - 1) {
        struct dma_channel *c = &d->channel[__builtin_ctz(set)];
        if (treq_of(c) != treq)
            continue;
        u64 credits = c->credits + pulses;
        c->credits = (u8)(credits < MOST_CREDITS ? credits : MOST_CREDITS);
    }
}

/* Pulses up to now are given, or nobody listened to them. */
static void note_pulses(struct dma_timer *t, u64 now)
{
    if (t->y) /* numbers stay small: after Y cycles it is where it was */
        t->since += (now - t->since) / t->y * t->y;
    t->pulses = pulses_until(t, now);
}

static void run_timers(struct pico *p)
{
    struct dma *d = &p->m.dma;
    for (u32 n = 0; d->listened & TREQS_OF_TIMERS && n < DMA_PACING_TIMERS; n++) {
        struct dma_timer *t = &d->timer[n];
        if (!(d->listened >> (TREQ_TIMER0 + n) & 1))
            continue;
        u64 pulses = pulses_until(t, p->m.now);
        if (pulses != t->pulses)
            give_credits(d, TREQ_TIMER0 + n, pulses - t->pulses);
        note_pulses(t, p->m.now);
    }
}

/* -- Starting and ending (2.5.1, 2.5.2) -- */

static void note_active(struct pico *p)
{
    struct dma *d = &p->m.dma;
    u64 listened = 0;
    d->active = 0;
    for (u32 set = d->busy; set; set &= set - 1) {
        u32 n = (u32)__builtin_ctz(set);
        if (d->channel[n].ctrl & CTRL_EN) {
            d->active |= 1u << n;
            listened |= 1ull << treq_of(&d->channel[n]);
        }
    }
    u64 changed = listened ^ d->listened;
    d->listened = listened;
    for (u32 n = 0; changed & TREQS_OF_TIMERS && n < DMA_PACING_TIMERS; n++)
        if (changed & listened & 1ull << (TREQ_TIMER0 + n))
            note_pulses(&d->timer[n], p->m.now);
    if (changed & TREQS_OF_PIO)
        pio_pins_changed(p, 0);
    if (changed & TREQS_OF_PWM)
        pwm_pins_changed(p, 0, p->m.pins.inputs);
}

static void trigger(struct pico *p, u32 n, u64 cycle)
{
    struct dma_channel *c = &p->m.dma.channel[n];
    if (!(c->ctrl & CTRL_EN) || p->m.dma.busy >> n & 1)
        return;
    p->m.dma.busy |= 1u << n;
    c->aborted = false;
    c->count = c->reload;
    c->credits = 0;
    c->starts = cycle + TRIGGER_CYCLES;
    c->completes = c->starts + PIPELINE_CYCLES;
    note_active(p);
}

static void end(struct pico *p, u32 n)
{
    struct dma_channel *c = &p->m.dma.channel[n];
    u32 next = c->ctrl >> CTRL_CHAIN_TO_LSB & 0xf;
    p->m.dma.busy &= ~(1u << n);
    note_active(p);
    if (!(c->ctrl & CTRL_IRQ_QUIET))
        raise_intr(p, n); /* after an abort too: RP2040-E13 */
    if (!c->aborted && next != n && next < DMA_CHANNELS)
        trigger(p, next, c->completes);
}

static void fail(struct pico *p, u32 n)
{
    p->m.dma.busy &= ~(1u << n);
    note_active(p);
    raise_intr(p, n);
}

static void abort_channel(struct pico *p, u32 n)
{
    struct dma_channel *c = &p->m.dma.channel[n];
    bool in_flight = p->m.dma.busy >> n & 1 && c->issued && c->issued + PIPELINE_CYCLES > p->m.now;
    c->count = 0;
    c->aborted = true;
    if (in_flight)
        c->completes = c->issued + PIPELINE_CYCLES;
    else
        p->m.dma.busy &= ~(1u << n);
    note_active(p);
}

/* -- The sniffer (2.5.5.2) -- */

static u32 reverse_bits(u32 x)
{
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(x);
}

static u32 swap_bytes(u32 data, u32 size)
{
    return __builtin_bswap32(data) >> (32 - 8 * size);
}

static u32 crc_of_byte(u32 crc, u32 byte, u32 width, u32 polynomial)
{
    u32 top = 1u << (width - 1), mask = top | (top - 1);
    crc ^= byte << (width - 8);
    for (u32 i = 0; i < 8; i++)
        crc = crc & top ? crc << 1 ^ polynomial : crc << 1;
    return crc & mask;
}

/* The bytes in the order of their addresses, each with its highest bit first, or its lowest when reversed. */
static u32 crc_of(u32 crc, u32 data, u32 size, u32 calc)
{
    bool wide = calc == CALC_CRC32 || calc == CALC_CRC32R, reversed = calc == CALC_CRC32R || calc == CALC_CRC16R;
    for (u32 i = 0; i < size; i++) {
        u32 byte = data >> 8 * i & 0xff;
        if (reversed)
            byte = reverse_bits(byte) >> 24;
        crc = wide ? crc_of_byte(crc, byte, 32, 0x04c11db7) : crc_of_byte(crc & 0xffff, byte, 16, 0x1021);
    }
    return crc;
}

static void sniff(struct dma *d, u32 data, u32 size)
{
    u32 calc = d->sniff_ctrl >> SNIFF_CALC_LSB & 0xf;
    if (d->sniff_ctrl & SNIFF_BSWAP)
        data = swap_bytes(data, size);
    if (calc <= CALC_CRC16R)
        d->sniff_data = crc_of(d->sniff_data, data, size, calc);
    else if (calc == CALC_EVEN)
        d->sniff_data = (u32)__builtin_parity(d->sniff_data ^ data);
    else if (calc == CALC_SUM)
        d->sniff_data += data;
}

static bool is_sniffed(const struct dma *d, u32 n)
{
    return d->sniff_ctrl & SNIFF_EN && (d->sniff_ctrl >> SNIFF_DMACH_LSB & 0xf) == n
        && d->channel[n].ctrl & CTRL_SNIFF_EN;
}

static u32 sniff_result(const struct dma *d)
{
    u32 result = d->sniff_data;
    if (d->sniff_ctrl & SNIFF_OUT_REV)
        result = reverse_bits(result);
    return d->sniff_ctrl & SNIFF_OUT_INV ? ~result : result;
}

/* -- Transfers -- */

/* Only the lower bits of an address that wraps change (RING_SIZE). */
static u32 ring_mask(const struct dma_channel *c, bool write)
{
    u32 ring = c->ctrl >> CTRL_RING_SIZE_LSB & 0xf;
    return ring && write == !!(c->ctrl & CTRL_RING_SEL) ? (1u << ring) - 1 : 0xffffffff;
}

static void advance_read(struct dma_channel *c, u32 by)
{
    u32 mask = ring_mask(c, false);
    if (c->ctrl & CTRL_INCR_READ)
        c->read_addr = (c->read_addr & ~mask) | ((c->read_addr + by) & mask);
}

static void advance_write(struct dma_channel *c, u32 by)
{
    u32 mask = ring_mask(c, true);
    if (c->ctrl & CTRL_INCR_WRITE)
        c->write_addr = (c->write_addr & ~mask) | ((c->write_addr + by) & mask);
}

/* One transfer. A bus error ends the sequence. An address is taken as aligned, as the bus does. */
static bool transfer(struct pico *p, u32 n)
{
    struct dma *d = &p->m.dma;
    struct dma_channel *c = &d->channel[n];
    u32 size = size_of(c), from = c->read_addr & ~(size - 1), to = c->write_addr & ~(size - 1), data = 0;

    if (!bus_read(p, from, size, &data)) {
        c->read_error = true;
        fail(p, n);
        return false;
    }
    advance_read(c, size);
    if (c->ctrl & CTRL_BSWAP)
        data = swap_bytes(data, size);
    if (is_sniffed(d, n))
        sniff(d, data, size);
    c->count--;
    advance_write(c, size);
    if (!bus_write(p, to, size, data)) {
        c->write_error = true;
        fail(p, n);
        return false;
    }
    return true;
}

static u32 cycles_of(const struct dma_channel *c)
{
    u32 cycles = 0;
    if (is_apb(c->read_addr))
        cycles += APB_READ_CYCLES;
    if (is_apb(c->write_addr))
        cycles += APB_WRITE_CYCLES;
    return cycles ? cycles : 1;
}

static void issue(struct pico *p, u32 n, u64 cycle)
{
    struct dma *d = &p->m.dma;
    struct dma_channel *c = &d->channel[n];
    u32 cycles = cycles_of(c);
    if (c->credits)
        c->credits--;
    c->issued = cycle;
    d->slot = cycle + cycles;
    c->completes = cycle + cycles - 1 + PIPELINE_CYCLES;
    transfer(p, n);
    if (UNLIKELY(p->m.stall)) {
        u32 stall = take_stall(p);
        d->slot += stall;
        c->completes += stall;
    }
}

/* Memory as one piece from address on, if it is that. */
static u8 *piece(struct pico *p, u32 address, u32 length, bool write)
{
    if (address >= SRAM_BASE && address - SRAM_BASE < SRAM_SIZE && length <= SRAM_SIZE - (address - SRAM_BASE))
        return p->m.sram + (address - SRAM_BASE);
    if (!write && address >= FLASH_BASE && address - FLASH_BASE < FLASH_SIZE
        && length <= FLASH_SIZE - (address - FLASH_BASE))
        return p->flash + (address - FLASH_BASE);
    return NULL;
}

/* A block of a copy at once, where that is the same; false: transfer by transfer. */
static bool copy_block(struct pico *p, u32 n, u32 count)
{
    struct dma_channel *c = &p->m.dma.channel[n];
    u32 size = size_of(c), length = count * size;
    if (p->m.counting || (c->ctrl & (CTRL_INCR_READ | CTRL_INCR_WRITE | CTRL_BSWAP)) != (CTRL_INCR_READ | CTRL_INCR_WRITE)
        || c->ctrl >> CTRL_RING_SIZE_LSB & 0xf || is_sniffed(&p->m.dma, n)
        || (c->read_addr | c->write_addr) & (size - 1))
        return false;
    const u8 *from = piece(p, c->read_addr, length, false);
    u8 *to = piece(p, c->write_addr, length, true);
    if (!from || !to || (from < to + length && to < from + length))
        return false;
    memcpy(to, from, length);
    sram_written(p, c->write_addr - SRAM_BASE, length);
    c->read_addr += length;
    c->write_addr += length;
    c->count -= count;
    return true;
}

static void copy(struct pico *p, u32 n, u32 count)
{
    struct dma *d = &p->m.dma;
    struct dma_channel *c = &d->channel[n];
    u64 first = d->slot;
    if (!copy_block(p, n, count))
        for (u32 i = 0; i < count; i++)
            if (!transfer(p, n)) {
                count = i + 1;
                break;
            }
    d->slot = first + count;
    c->issued = d->slot - 1;
    c->completes = c->issued + PIPELINE_CYCLES;
}

/* -- Turns (CTRL.HIGH_PRIORITY) -- */

static u32 next_after(u32 last, u32 set)
{
    u32 above = set & ~((2u << last) - 1);
    return (u32)__builtin_ctz(above ? above : set);
}

/* In a round every channel of high priority has a turn, then a single one of the others. */
static u32 pick(struct dma *d, u32 ready)
{
    u32 high = 0;
    for (u32 set = ready; set; set &= set - 1) {
        u32 n = (u32)__builtin_ctz(set);
        if (d->channel[n].ctrl & CTRL_HIGH_PRIORITY)
            high |= 1u << n;
    }
    u32 low = ready & ~high;
    if (!(high & ~d->served) && low) {
        d->served = 0;
        return d->last_low = (u8)next_after(d->last_low, low);
    }
    if (!(high & ~d->served))
        d->served = 0;
    d->last_high = (u8)next_after(d->last_high, high & ~d->served);
    d->served |= 1u << d->last_high;
    return d->last_high;
}

static u32 ready_at(const struct pico *p, u64 cycle, bool only_copies)
{
    const struct dma *d = &p->m.dma;
    u32 ready = 0;
    for (u32 set = d->active; set; set &= set - 1) {
        u32 n = (u32)__builtin_ctz(set);
        const struct dma_channel *c = &d->channel[n];
        if (c->count && c->starts <= cycle && (only_copies ? is_copy(p, c) : is_requested(p, c)))
            ready |= 1u << n;
    }
    return ready;
}

/* -- Time -- */

/* When another copy joins in, if that is before `until`. */
static u64 next_start(const struct pico *p, u64 until)
{
    const struct dma *d = &p->m.dma;
    for (u32 set = d->active; set; set &= set - 1) {
        const struct dma_channel *c = &d->channel[__builtin_ctz(set)];
        if (c->starts > d->slot && c->starts < until && is_copy(p, c))
            until = c->starts;
    }
    return until;
}

/* The cycles before this one: they are for copies alone, all else has happened at its own. */
static void make_up(struct pico *p)
{
    struct dma *d = &p->m.dma;
    while (d->slot < p->m.now) {
        u32 ready = ready_at(p, d->slot, true);
        u64 until = next_start(p, p->m.now);
        if (!ready) {
            d->slot = until;
        } else if (ready & (ready - 1)) {
            copy(p, pick(d, ready), 1);
        } else {
            u32 n = pick(d, ready), count = d->channel[n].count;
            u64 cycles = until - d->slot;
            copy(p, n, cycles < count ? (u32)cycles : count);
        }
    }
}

static void end_sequences(struct pico *p)
{
    struct dma *d = &p->m.dma;
    for (u32 set = d->busy; set; set &= set - 1) {
        u32 n = (u32)__builtin_ctz(set);
        if (!d->channel[n].count && d->channel[n].completes <= p->m.now)
            end(p, n);
    }
}

/* Up to now. What falls on this very cycle is made when it is due, not when a register is looked at. */
static void bring_up(struct pico *p, bool is_due)
{
    struct dma *d = &p->m.dma;
    u8 running = p->m.running;
    if (d->transferring)
        return;
    d->transferring = true;
    p->m.running = DMA_MASTER;
    make_up(p);
    run_timers(p);
    end_sequences(p);
    u32 ready = is_due && d->slot <= p->m.now ? ready_at(p, p->m.now, false) : 0;
    if (ready)
        issue(p, pick(d, ready), p->m.now);
    p->m.running = running;
    d->transferring = false;
}

static u64 due_of(const struct pico *p, const struct dma_channel *c)
{
    const struct dma *d = &p->m.dma;
    u64 first = d->slot > c->starts ? d->slot : c->starts;
    u32 treq = treq_of(c);
    if (!c->count)
        return c->completes;
    if (is_copy(p, c))
        return first + (c->count < SLICE ? c->count : SLICE);
    if (is_requested(p, c))
        return first;
    return treq >= TREQ_TIMER0 && treq <= TREQ_TIMER3 ? next_pulse(&d->timer[treq - TREQ_TIMER0]) : NEVER;
}

static void schedule(struct pico *p)
{
    const struct dma *d = &p->m.dma;
    u64 due = NEVER;
    for (u32 set = d->busy; set; set &= set - 1) {
        const struct dma_channel *c = &d->channel[__builtin_ctz(set)];
        if (c->count && !(c->ctrl & CTRL_EN))
            continue; /* paused */
        u64 at = due_of(p, c);
        if (at < due)
            due = at;
    }
    set_due(p, DUE_DMA, due);
}

/* -- Registers -- */

static u32 ctrl_read(const struct dma *d, u32 n)
{
    const struct dma_channel *c = &d->channel[n];
    return c->ctrl | (d->busy >> n & 1 ? CTRL_BUSY : 0) | (c->read_error ? CTRL_READ_ERROR : 0)
        | (c->write_error ? CTRL_WRITE_ERROR : 0) | (c->read_error || c->write_error ? CTRL_AHB_ERROR : 0);
}

static u32 channel_read(const struct dma *d, u32 n, u32 which)
{
    const struct dma_channel *c = &d->channel[n];
    switch (which) {
    case READ_ADDR: return c->read_addr;
    case WRITE_ADDR: return c->write_addr;
    case TRANS_COUNT: return c->count;
    default: return ctrl_read(d, n);
    }
}

static void channel_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    struct dma *d = &p->m.dma;
    u32 n = offset / CHANNEL_STRIDE, which = register_at[offset >> 4 & 3][offset >> 2 & 3], value;
    struct dma_channel *c = &d->channel[n];
    switch (which) {
    case READ_ADDR: value = c->read_addr = alias_apply(c->read_addr, raw, alias); break;
    case WRITE_ADDR: value = c->write_addr = alias_apply(c->write_addr, raw, alias); break;
    case TRANS_COUNT: value = c->reload = alias_apply(c->count, raw, alias); break;
    default:
        value = alias_apply(ctrl_read(d, n), raw, alias);
        c->ctrl = value & CTRL_STORED_BITS;
        c->read_error &= !(raw & CTRL_READ_ERROR);
        c->write_error &= !(raw & CTRL_WRITE_ERROR);
        note_active(p);
    }
    if ((offset & TRIGGER) != TRIGGER)
        return;
    if (value)
        trigger(p, n, p->m.now);
    else if (c->ctrl & CTRL_IRQ_QUIET)
        raise_intr(p, n); /* a null trigger: the end of a chain of control blocks */
}

static u32 debug_read(const struct pico *p, u32 offset)
{
    u32 n = (offset - CH0_DBG_CTDREQ) / CHANNEL_STRIDE, within = offset % CHANNEL_STRIDE;
    if (n >= DMA_CHANNELS)
        return 0;
    const struct dma_channel *c = &p->m.dma.channel[n];
    if (within == CH0_DBG_TCR % CHANNEL_STRIDE)
        return c->reload;
    if (within != CH0_DBG_CTDREQ % CHANNEL_STRIDE)
        return 0;
    u32 treq = treq_of(c);
    return counts_pulses(treq) ? c->credits : treq != TREQ_PERMANENT && is_requested(p, c);
}

static u32 register_read(const struct pico *p, u32 offset)
{
    const struct dma *d = &p->m.dma;
    if (offset < DMA_CHANNELS * CHANNEL_STRIDE)
        return channel_read(d, offset / CHANNEL_STRIDE, register_at[offset >> 4 & 3][offset >> 2 & 3]);
    if (offset >= TIMER0 && offset <= TIMER3) {
        const struct dma_timer *t = &d->timer[(offset - TIMER0) / 4];
        return t->x << 16 | t->y;
    }
    switch (offset) {
    case INTR: return d->intr;
    case INTE0: return d->inte[0];
    case INTF0: return d->intf[0];
    case INTS0: return ints(d, 0);
    case INTE1: return d->inte[1];
    case INTF1: return d->intf[1];
    case INTS1: return ints(d, 1);
    case SNIFF_CTRL: return d->sniff_ctrl;
    case SNIFF_DATA: return sniff_result(d);
    case FIFO_LEVELS: return 0; /* a transfer is read and written in one step: nothing waits between */
    case CHAN_ABORT: return 0;  /* RP2040-E13: low before what is in flight has ended; BUSY tells */
    case N_CHANNELS: return DMA_CHANNELS;
    default: return offset >= CH0_DBG_CTDREQ ? debug_read(p, offset) : 0;
    }
}

static void timer_set(struct pico *p, u32 n, u32 raw, enum alias alias)
{
    struct dma_timer *t = &p->m.dma.timer[n];
    u32 value = alias_apply(t->x << 16 | t->y, raw, alias);
    *t = (struct dma_timer){.x = value >> 16, .y = value & 0xffff, .since = p->m.now};
}

static void register_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    struct dma *d = &p->m.dma;
    if (offset < DMA_CHANNELS * CHANNEL_STRIDE) {
        channel_write(p, offset, raw, alias);
        return;
    }
    if (offset >= TIMER0 && offset <= TIMER3) {
        timer_set(p, (offset - TIMER0) / 4, raw, alias);
        return;
    }
    switch (offset) {
    case INTR:
    case INTS0:
    case INTS1: d->intr &= ~raw; break;
    case INTE0: d->inte[0] = alias_apply(d->inte[0], raw, alias) & INT_BITS; break;
    case INTF0: d->intf[0] = alias_apply(d->intf[0], raw, alias) & INT_BITS; break;
    case INTE1: d->inte[1] = alias_apply(d->inte[1], raw, alias) & INT_BITS; break;
    case INTF1: d->intf[1] = alias_apply(d->intf[1], raw, alias) & INT_BITS; break;
    case MULTI_CHAN_TRIGGER:
        for (u32 set = raw & ALL_CHANNELS; set; set &= set - 1)
            trigger(p, (u32)__builtin_ctz(set), p->m.now);
        break;
    case SNIFF_CTRL: d->sniff_ctrl = alias_apply(d->sniff_ctrl, raw, alias) & SNIFF_BITS; break;
    case SNIFF_DATA: d->sniff_data = alias_apply(d->sniff_data, raw, alias); break;
    case CHAN_ABORT:
        for (u32 set = raw & ALL_CHANNELS; set; set &= set - 1)
            abort_channel(p, (u32)__builtin_ctz(set));
        break;
    default:
        if (offset >= CH0_DBG_CTDREQ && offset % CHANNEL_STRIDE == 0
            && (offset - CH0_DBG_CTDREQ) / CHANNEL_STRIDE < DMA_CHANNELS)
            d->channel[(offset - CH0_DBG_CTDREQ) / CHANNEL_STRIDE].credits = 0;
    }
    update_irqs(p);
}

/* -- What others call -- */

u32 dma_read(struct pico *p, u32 offset)
{
    bring_up(p, false);
    u32 value = register_read(p, offset);
    if (!p->m.dma.transferring)
        schedule(p);
    return value;
}

void dma_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    bring_up(p, false);
    register_write(p, offset, raw, alias);
    if (!p->m.dma.transferring)
        schedule(p);
}

void dma_reset(struct pico *p)
{
    struct dma *d = &p->m.dma;
    bool transferring = d->transferring;
    memset(d, 0, sizeof *d);
    d->transferring = transferring;
    note_active(p);
    update_irqs(p);
    schedule(p);
}

void dma_due(struct pico *p)
{
    bring_up(p, true);
    schedule(p);
}

void dma_request(struct pico *p, u32 number)
{
    struct dma *d = &p->m.dma;
    if (!(d->listened >> number & 1))
        return;
    if (counts_pulses(number))
        give_credits(d, number, 1);
    if (!d->transferring)
        schedule(p);
}

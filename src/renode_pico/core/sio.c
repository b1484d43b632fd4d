/* Single-cycle IO (RP2040 datasheet, 2.3.1): CPUID, GPIO, mailboxes between the cores, spin locks, dividers,
 * interpolators. It answers the core that is running. */
#include "pico.h"

enum {
    CPUID = 0x000, GPIO_IN = 0x004, GPIO_HI_IN = 0x008,
    GPIO_OUT = 0x010, GPIO_OE = 0x020, GPIO_HI_OUT = 0x030, GPIO_HI_OE = 0x040, GPIO_LAST = 0x04C,
    FIFO_ST = 0x050, FIFO_WR = 0x054, FIFO_RD = 0x058, SPINLOCK_ST = 0x05C,
    DIV_UDIVIDEND = 0x060, DIV_UDIVISOR = 0x064, DIV_SDIVIDEND = 0x068, DIV_SDIVISOR = 0x06C,
    DIV_QUOTIENT = 0x070, DIV_REMAINDER = 0x074, DIV_CSR = 0x078,
    INTERP0 = 0x080, INTERP1 = 0x0C0, SPINLOCK0 = 0x100, SPINLOCK31 = 0x17C,
};

enum {
    FIFO_VLD = 1, FIFO_RDY = 2, FIFO_WOF = 4, FIFO_ROE = 8, FIFO_DEPTH = 8,
    SIO_IRQ_PROC0 = 15,
    DIVIDE_CYCLES = 8, CSR_READY = 1, CSR_DIRTY = 2,
    BANK0_MASK = 0x3FFFFFFF, QSPI_MASK = 0x3F,
};

/* -- Mailboxes -- */

static u32 fifo_status(const struct sio *s, u32 core)
{
    const struct fifo *in = &s->fifo[core], *out = &s->fifo[core ^ 1];
    return (in->count ? FIFO_VLD : 0) | (out->count < FIFO_DEPTH ? FIFO_RDY : 0) | (in->overflow ? FIFO_WOF : 0)
         | (in->underflow ? FIFO_ROE : 0);
}

static void fifo_changed(struct pico *p)
{
    for (u32 core = 0; core < 2; core++)
        set_irq_for(p, core, SIO_IRQ_PROC0 + core, fifo_status(&p->m.sio, core) & (FIFO_VLD | FIFO_WOF | FIFO_ROE));
}

static u32 fifo_read(struct pico *p, u32 core)
{
    struct fifo *in = &p->m.sio.fifo[core];
    u32 value = in->word[in->first];
    if (in->count) {
        in->first = (u8)((in->first + 1) % FIFO_DEPTH);
        in->count--;
    } else {
        in->underflow = true;
        value = 0;
    }
    fifo_changed(p);
    return value;
}

void fifo_write(struct pico *p, u32 core, u32 value)
{
    struct fifo *out = &p->m.sio.fifo[core ^ 1];
    if (!core && p->m.core_count < 2)
        p->m.core1_missed = p->m.attention = true;
    if (out->count < FIFO_DEPTH)
        out->word[(out->first + out->count++) % FIFO_DEPTH] = value;
    else
        p->m.sio.fifo[core].overflow = true;
    fifo_changed(p);
}

/* -- Dividers: eight cycles; a result read before is what the last one left (2.3.1.5) -- */

static void divide(struct pico *p, struct divider *d, bool is_signed)
{
    u32 a = d->dividend, b = d->divisor;
    d->dirty = true;
    d->ready_at = p->m.now + DIVIDE_CYCLES;
    if (!b) { /* by zero: quotient as large as can be, with the dividend's sign turned; remainder is the dividend */
        d->quotient = is_signed && (i32)a < 0 ? 1 : UINT32_MAX;
        d->remainder = a;
    } else if (!is_signed) {
        d->quotient = a / b;
        d->remainder = a % b;
    } else if (a == 0x80000000u && b == UINT32_MAX) {
        d->quotient = a;
        d->remainder = 0;
    } else {
        d->quotient = (u32)((i32)a / (i32)b);
        d->remainder = (u32)((i32)a % (i32)b);
    }
}

static u32 divider_read(struct pico *p, struct divider *d, u32 offset)
{
    switch (offset) {
    case DIV_UDIVIDEND: case DIV_SDIVIDEND: return d->dividend;
    case DIV_UDIVISOR: case DIV_SDIVISOR: return d->divisor;
    case DIV_QUOTIENT:
        d->dirty = false;
        return d->quotient;
    case DIV_REMAINDER: return d->remainder;
    default: return (p->m.now >= d->ready_at ? CSR_READY : 0) | (d->dirty ? CSR_DIRTY : 0);
    }
}

static void divider_write(struct pico *p, struct divider *d, u32 offset, u32 value)
{
    switch (offset) {
    case DIV_UDIVIDEND: case DIV_SDIVIDEND:
        d->dividend = value;
        divide(p, d, offset == DIV_SDIVIDEND);
        break;
    case DIV_UDIVISOR: case DIV_SDIVISOR:
        d->divisor = value;
        divide(p, d, offset == DIV_SDIVISOR);
        break;
    case DIV_QUOTIENT: case DIV_REMAINDER: /* what an interrupt handler puts back */
        *(offset == DIV_QUOTIENT ? &d->quotient : &d->remainder) = value;
        d->dirty = true;
        d->ready_at = p->m.now;
        break;
    default: break;
    }
}

/* -- Interpolators (2.3.1.6): the first can blend, the second can clamp -- */

enum {
    ACCUM0 = 0x00, ACCUM1 = 0x04, BASE0 = 0x08, BASE2 = 0x10, POP_LANE0 = 0x14, POP_FULL = 0x1C, PEEK_LANE0 = 0x20,
    PEEK_FULL = 0x28, CTRL_LANE0 = 0x2C, CTRL_LANE1 = 0x30, ACCUM0_ADD = 0x34, ACCUM1_ADD = 0x38, BASE_1AND0 = 0x3C,
    SIGNED = 1 << 15, CROSS_INPUT = 1 << 16, CROSS_RESULT = 1 << 17, ADD_RAW = 1 << 18, FORCE_MSB_LSB = 19,
    BLEND = 1 << 21, CLAMP = 1 << 22, OVERF0 = 1 << 23, OVERF = 1 << 25,
    LANE_BITS = 0x1FFFFF, ADD_BITS = 0xFFFFFF,
};

struct lanes {
    u32 result[3]; /* lane 0, lane 1, both */
    u32 masked[2]; /* shifted and masked, before the base */
    u32 overflow;
};

static u32 clamped(const struct interpolator *i, u32 value)
{
    if (i->control[0] & SIGNED)
        return (i32)value < (i32)i->base[0] ? i->base[0] : (i32)value > (i32)i->base[1] ? i->base[1] : value;
    return value < i->base[0] ? i->base[0] : value > i->base[1] ? i->base[1] : value;
}

static struct lanes evaluate(const struct interpolator *i)
{
    struct lanes l = {.overflow = 0};
    for (u32 lane = 0; lane < 2; lane++) {
        u32 control = i->control[lane], input = i->accumulator[control & CROSS_INPUT ? lane ^ 1 : lane];
        u32 lowest = control >> 5 & 31, highest = control >> 10 & 31;
        u32 up_to = (u32)((2ull << highest) - 1), shifted = input >> (control & 31);
        u32 value = shifted & up_to & ~((1u << lowest) - 1);
        l.overflow |= (shifted & ~up_to) ? (u32)OVERF0 << lane | OVERF : 0;
        if ((control & SIGNED) && (value >> highest & 1))
            value |= ~up_to;
        l.masked[lane] = value;
        l.result[lane] = i->base[lane] + (control & ADD_RAW ? input : value);
    }
    l.result[2] = i->base[2] + l.masked[0] + l.masked[1];
    if (i->control[0] & BLEND) {
        u32 alpha = l.masked[1] & 0xFF;
        i64 span = i->control[1] & SIGNED ? (i64)(i32)i->base[1] - (i32)i->base[0] : (i64)i->base[1] - i->base[0];
        l.result[0] = alpha;
        l.result[1] = i->base[0] + (u32)((span * alpha) >> 8);
        l.result[2] = i->base[2] + l.masked[0];
    } else if (i->control[0] & CLAMP) {
        l.result[0] = clamped(i, l.masked[0]);
    }
    return l;
}

static u32 presented(const struct interpolator *i, const struct lanes *l, u32 which)
{
    return which == 2 ? l->result[2] : l->result[which] | (i->control[which] >> FORCE_MSB_LSB & 3) << 28;
}

static u32 interpolator_read(struct interpolator *i, u32 offset)
{
    struct lanes l = evaluate(i);
    if (offset >= BASE0 && offset <= BASE2)
        return i->base[(offset - BASE0) >> 2];
    if (offset >= POP_LANE0 && offset <= POP_FULL) {
        u32 value = presented(i, &l, (offset - POP_LANE0) >> 2);
        i->accumulator[0] = l.result[i->control[0] & CROSS_RESULT ? 1 : 0];
        i->accumulator[1] = l.result[i->control[1] & CROSS_RESULT ? 0 : 1];
        return value;
    }
    if (offset >= PEEK_LANE0 && offset <= PEEK_FULL)
        return presented(i, &l, (offset - PEEK_LANE0) >> 2);
    switch (offset) {
    case ACCUM0: case ACCUM1: return i->accumulator[offset >> 2];
    case CTRL_LANE0: return i->control[0] | l.overflow;
    case CTRL_LANE1: return i->control[1];
    case ACCUM0_ADD: return l.masked[0];
    case ACCUM1_ADD: return l.masked[1];
    default: return 0;
    }
}

static void interpolator_write(struct interpolator *i, u32 offset, u32 value, u32 special)
{
    if (offset >= BASE0 && offset <= BASE2) {
        i->base[(offset - BASE0) >> 2] = value;
        return;
    }
    switch (offset) {
    case ACCUM0: case ACCUM1: i->accumulator[offset >> 2] = value; break;
    case CTRL_LANE0: i->control[0] = value & (LANE_BITS | special); break;
    case CTRL_LANE1: i->control[1] = value & LANE_BITS; break;
    case ACCUM0_ADD: i->accumulator[0] += value & ADD_BITS; break;
    case ACCUM1_ADD: i->accumulator[1] += value & ADD_BITS; break;
    case BASE_1AND0:
        i->base[0] = i->control[0] & SIGNED ? (u32)(i32)(int16_t)value : value & 0xFFFF;
        i->base[1] = i->control[1] & SIGNED ? (u32)((i32)value >> 16) : value >> 16;
        break;
    default: break;
    }
}

/* -- Registers -- */

static u32 *outputs(struct sio *s, u32 offset)
{
    switch (offset & ~0xFu) {
    case GPIO_OUT: return &s->gpio_out;
    case GPIO_OE: return &s->gpio_oe;
    case GPIO_HI_OUT: return &s->gpio_hi_out;
    default: return &s->gpio_hi_oe;
    }
}

static void drive(struct pico *p, u32 offset)
{
    struct sio *s = &p->m.sio;
    if (offset < GPIO_HI_OUT)
        pins_drive(p, FUNC_SIO, BANK0_MASK, s->gpio_out, s->gpio_oe);
    else
        qspi_drive(p, FUNC_SIO, QSPI_MASK, s->gpio_hi_out, s->gpio_hi_oe);
}

static void outputs_write(struct pico *p, u32 offset, u32 value)
{
    static const enum alias way[4] = {ALIAS_NONE, ALIAS_SET, ALIAS_CLEAR, ALIAS_XOR};
    u32 *of = outputs(&p->m.sio, offset), mask = offset < GPIO_HI_OUT ? BANK0_MASK : QSPI_MASK;
    u32 after = alias_apply(*of, value, way[offset >> 2 & 3]) & mask;
    if (after != *of) {
        *of = after;
        drive(p, offset);
    }
}

u32 sio_read(struct pico *p, u32 offset)
{
    struct sio *s = &p->m.sio;
    u32 core = p->m.running & 1;
    if (offset >= SPINLOCK0 && offset <= SPINLOCK31) {
        u32 bit = 1u << ((offset - SPINLOCK0) >> 2), free = ~s->spinlocks & bit;
        s->spinlocks |= bit;
        return free;
    }
    if (offset >= INTERP0 && offset < SPINLOCK0)
        return interpolator_read(&s->interpolator[core][offset >> 6 & 1], offset & 0x3F);
    if (offset >= DIV_UDIVIDEND && offset <= DIV_CSR)
        return divider_read(p, &s->divider[core], offset);
    if (offset >= GPIO_OUT && offset <= GPIO_LAST)
        return *outputs(s, offset);
    switch (offset) {
    case CPUID: return core;
    case GPIO_IN: return pins_inputs(p);
    case GPIO_HI_IN: return qspi_inputs(p);
    case FIFO_ST: return fifo_status(s, core);
    case FIFO_RD: return fifo_read(p, core);
    case SPINLOCK_ST: return s->spinlocks;
    default: return 0;
    }
}

void sio_write(struct pico *p, u32 offset, u32 value)
{
    struct sio *s = &p->m.sio;
    u32 core = p->m.running & 1;
    if (offset >= SPINLOCK0 && offset <= SPINLOCK31)
        s->spinlocks &= ~(1u << ((offset - SPINLOCK0) >> 2));
    else if (offset >= INTERP0 && offset < SPINLOCK0) {
        u32 which = offset >> 6 & 1;
        interpolator_write(&s->interpolator[core][which], offset & 0x3F, value, which ? CLAMP : BLEND);
    } else if (offset >= DIV_UDIVIDEND && offset <= DIV_REMAINDER)
        divider_write(p, &s->divider[core], offset, value);
    else if (offset >= GPIO_OUT && offset <= GPIO_LAST)
        outputs_write(p, offset, value);
    else if (offset == FIFO_WR)
        fifo_write(p, core, value);
    else if (offset == FIFO_ST) {
        if (value & FIFO_WOF)
            s->fifo[core].overflow = false;
        if (value & FIFO_ROE)
            s->fifo[core].underflow = false;
        fifo_changed(p);
    }
}

void sio_reset(struct pico *p)
{
    p->m.sio = (struct sio){.gpio_out = 0};
    drive(p, GPIO_OUT);
    drive(p, GPIO_HI_OUT);
    fifo_changed(p);
}

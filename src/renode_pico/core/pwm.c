/* PWM: eight slices (RP2040 datasheet, 4.5).
 *
 * A slice's counter is computed when somebody looks: from the cycles (or edges of B) since the last time. Events are
 * the cycles at which a watched output changes, an enabled interrupt is raised, or DMA waits for a wrap.
 */
#include <string.h>

#include "pio_machine.h"

enum { /* registers of a slice */
    CH_CSR = 0x00,
    CH_DIV = 0x04,
    CH_CTR = 0x08,
    CH_CC = 0x0c,
    CH_TOP = 0x10,
    CH_STRIDE = 0x14,
};

enum { /* registers of all */
    EN = 0xa0,
    INTR = 0xa4,
    INTE = 0xa8,
    INTF = 0xac,
    INTS = 0xb0,
};

enum {
    CSR_EN = 1 << 0,
    CSR_PH_CORRECT = 1 << 1,
    CSR_A_INV = 1 << 2,
    CSR_B_INV = 1 << 3,
    CSR_INV_LSB = 2,
    CSR_DIVMODE_LSB = 4,
    CSR_PH_RET = 1 << 6,
    CSR_PH_ADV = 1 << 7,
    CSR_BITS = 0x3f, /* that stay */
    DIV_BITS = 0xfff,
    DIV_RESET = 0x10,
    COUNTER_BITS = 0xffff,
    SLICE_BITS = 0xff,
    PINS_IN_TURN = 16, /* GPIO16 has the output of GPIO0 again */
    PWM_IRQ_WRAP = 4,
    DREQ_PWM_WRAP0 = 24,
};

enum divmode { MODE_FREE, MODE_LEVEL, MODE_RISE, MODE_FALL };

static enum divmode mode_of(const struct pwm_slice *s)
{
    return (enum divmode)(s->csr >> CSR_DIVMODE_LSB & 3);
}

static u32 divider(const struct pwm_slice *s)
{
    return s->div >> 4 ? s->div : 256 << 4;
}

/* Both pins on which an output can be. */
static u32 twice(u32 outputs)
{
    return (outputs | outputs << PINS_IN_TURN) & ((1u << BANK_PINS) - 1);
}

/* -- The counter, as a position in its period: up to TOP, and in phase-correct mode down again -- */

static bool beyond_top(const struct pwm_slice *s)
{
    return s->counter > s->live_top; /* written so: it goes on to 0xffff */
}

static u32 period_of(const struct pwm_slice *s)
{
    if (beyond_top(s))
        return COUNTER_BITS + 1;
    return s->csr & CSR_PH_CORRECT ? 2 * (s->live_top + 1) : s->live_top + 1;
}

static u32 position_of(const struct pwm_slice *s)
{
    return s->down ? 2 * s->live_top + 1 - s->counter : s->counter;
}

static void set_position(struct pwm_slice *s, u32 position)
{
    s->down = s->csr & CSR_PH_CORRECT && !beyond_top(s) && position > s->live_top;
    s->counter = s->down ? 2 * s->live_top + 1 - position : position;
}

/* CC and TOP are taken over when the counter wraps (4.5.2.3), or at once while it stands. */
static void take_over(struct pwm_slice *s)
{
    s->live_cc = s->cc;
    s->live_top = s->top;
    if (beyond_top(s))
        s->down = false;
}

/* The next position at which an output may change, or the period's end. */
static u32 next_edge(const struct pwm_slice *s)
{
    u32 position = position_of(s), period = period_of(s), next = period;
    for (u32 output = 0; output < 2; output++) {
        u32 level = s->live_cc >> 16 * output & COUNTER_BITS;
        if (position < level && level < next)
            next = level;
        if (s->csr & CSR_PH_CORRECT && !beyond_top(s) && level <= s->live_top && position < period - level && period - level < next)
            next = period - level;
    }
    return next;
}

static u32 outputs_of(const struct pwm_slice *s)
{
    u32 a = s->counter < (s->live_cc & COUNTER_BITS), b = s->counter < s->live_cc >> 16;
    return (a | b << 1) ^ (s->csr >> CSR_INV_LSB & 3);
}

static void count(struct pwm *b, u32 n, u64 counts)
{
    struct pwm_slice *s = &b->slice[n];
    while (counts) {
        u32 position = position_of(s), left = period_of(s) - position;
        if (counts < left) {
            u32 before = outputs_of(s), edge = next_edge(s) - position;
            set_position(s, position + (u32)counts);
            if (edge < counts)
                b->both |= (before ^ outputs_of(s) ^ 3) << 2 * n; /* it may have been there and back */
            return;
        }
        counts -= left;
        s->counter = 0;
        s->down = false;
        take_over(s);
        b->wrapped |= 1u << n;
        b->intr |= 1u << n;
        b->both |= 3u << 2 * n;
        counts %= period_of(s);
    }
}

/* As many cycles, or edges, for the divider of slice n. */
static void drive_divider(struct pwm *b, u32 n, u64 pulses)
{
    struct pwm_slice *s = &b->slice[n];
    i64 sixteenths = s->fraction + (i64)(pulses << 4);
    i64 by = divider(s);
    if (sixteenths < by) {
        s->fraction = (i32)sixteenths;
        return;
    }
    s->fraction = (i32)(sixteenths % by);
    count(b, n, (u64)(sixteenths / by));
}

static bool free_running(const struct pwm_slice *s)
{
    return s->csr & CSR_EN && (mode_of(s) == MODE_FREE || (mode_of(s) == MODE_LEVEL && s->input));
}

static u64 cycles_to(const struct pwm_slice *s, u32 position)
{
    i64 counts = position - position_of(s);
    i64 sixteenths = counts * divider(s) - s->fraction;
    return (u64)((sixteenths + 15) >> 4);
}

/* -- What others see -- */

static u32 all_outputs(const struct pwm *b)
{
    u32 result = 0;
    for (u32 n = 0; n < PWM_SLICES; n++)
        result |= outputs_of(&b->slice[n]) << 2 * n;
    return result;
}

/* B is an output unless it is counted. */
static u32 driven(const struct pwm *b)
{
    u32 result = 0;
    for (u32 n = 0; n < PWM_SLICES; n++)
        result |= (mode_of(&b->slice[n]) == MODE_FREE ? 3u : 1u) << 2 * n;
    return twice(result);
}

static void show_levels(struct pico *p, u32 out, u32 oe)
{
    struct pins *pins = &p->m.pins;
    u32 changed = (pins->out[FUNC_PWM] ^ out) | (pins->oe[FUNC_PWM] ^ oe);
    pins->out[FUNC_PWM] = out;
    pins->oe[FUNC_PWM] = oe;
    if (changed & pins->selected[FUNC_PWM])
        pins_update(p);
}

/* As for PIO: where outputs are, and that they have been elsewhere since. */
static void show_pins(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    const struct pins *pins = &p->m.pins;
    u32 out = twice(all_outputs(b)), oe = driven(b), constant = 0;
    for (u32 n = 0; n < PWM_SLICES; n++) {
        const struct pwm_slice *s = &b->slice[n];
        for (u32 output = 0; output < 2; output++) {
            u32 level = s->live_cc >> 16 * output & COUNTER_BITS;
            constant |= (u32)(level == 0 || level > s->live_top) << (2 * n + output);
        }
    }
    u32 both = twice(b->both & ~constant) & pins->selected[FUNC_PWM] & ~(pins->rose & pins->fell);
    b->both = 0;
    if (UNLIKELY(both)) {
        show_levels(p, out, oe);
        show_levels(p, out ^ both, oe);
    }
    show_levels(p, out, oe);
}

static u32 ints(const struct pwm *b)
{
    return (b->intr & b->inte) | b->intf;
}

static void show_requests(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    u32 wrapped = b->wrapped;
    b->wrapped = 0;
    set_irq(p, PWM_IRQ_WRAP, ints(b) != 0);
    for (u32 n = 0; wrapped >> n; n++)
        if (wrapped >> n & 1) { /* a pulse: DMA counts them */
            set_dreq(p, DREQ_PWM_WRAP0 + n, true);
            set_dreq(p, DREQ_PWM_WRAP0 + n, false);
        }
}

/* -- When -- */

static u32 watched_outputs(const struct pico *p)
{
    u32 pins = (pins_watched(p) | pio_looks_at(&p->m.pio[0]) | pio_looks_at(&p->m.pio[1])) & p->m.pins.selected[FUNC_PWM];
    return (pins | pins >> PINS_IN_TURN) & 0xffff;
}

static u32 listened_wraps(const struct pico *p)
{
    return p->m.dma.listened >> DREQ_PWM_WRAP0 & SLICE_BITS;
}

static bool outdated(const struct pico *p)
{
    const struct pwm *b = &p->m.pwm;
    return b->watched != watched_outputs(p) || b->selected != p->m.pins.selected[FUNC_PWM]
        || b->listened != listened_wraps(p);
}

static void plan(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    u32 counted = 0;
    b->watched = watched_outputs(p);
    b->selected = p->m.pins.selected[FUNC_PWM];
    b->listened = listened_wraps(p);
    b->event = NEVER;
    for (u32 n = 0; n < PWM_SLICES; n++) {
        const struct pwm_slice *s = &b->slice[n];
        u64 at = NEVER;
        if (s->csr & CSR_EN && mode_of(s) != MODE_FREE)
            counted |= 2u << 2 * n;
        if (!free_running(s))
            continue;
        if (b->watched >> 2 * n & 3)
            at = b->time + cycles_to(s, next_edge(s));
        else if ((b->listened | (b->inte & ~b->intr)) >> n & 1)
            at = b->time + cycles_to(s, period_of(s));
        if (at < b->event)
            b->event = at;
    }
    p->m.pins.counted = twice(counted) & b->selected;
    set_due(p, DUE_PWM, b->event);
    if (counted)
        pio_pins_changed(p, 0); /* whose outputs may be counted */
}

static void catch_up(struct pico *p, u64 until)
{
    struct pwm *b = &p->m.pwm;
    if (b->time >= until)
        return;
    for (u32 n = 0; n < PWM_SLICES; n++)
        if (free_running(&b->slice[n]))
            drive_divider(b, n, until - b->time);
    b->time = until;
    show_pins(p);
    show_requests(p);
}

/* For those who are told it is the event's cycle, though a core may have gone a few cycles ahead. */
static void happen(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    u64 now = p->m.now;
    p->m.now = b->event;
    catch_up(p, b->event);
    plan(p);
    p->m.now = now;
}

void pwm_advance(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    if (b->busy || b->time >= p->m.now)
        return;
    b->busy = true;
    while (b->event <= p->m.now)
        happen(p);
    catch_up(p, p->m.now);
    b->busy = false;
}

void pwm_due(struct pico *p)
{
    pwm_advance(p);
}

static void changed(struct pico *p)
{
    show_pins(p);
    show_requests(p);
    plan(p);
}

/* What B of slice n shows: of either of its pins. */
static bool input_of(const struct pico *p, u32 n, u32 levels)
{
    return twice(2u << 2 * n) & p->m.pins.selected[FUNC_PWM] & levels;
}

void pwm_pins_changed(struct pico *p, u32 pins, u32 levels)
{
    struct pwm *b = &p->m.pwm;
    bool counts = false;
    if (!b->busy)
        pwm_advance(p);
    for (u32 n = 0; n < PWM_SLICES; n++) {
        struct pwm_slice *s = &b->slice[n];
        bool before = s->input;
        s->input = input_of(p, n, levels);
        if (before == s->input || !(s->csr & CSR_EN) || mode_of(s) == MODE_FREE)
            continue;
        counts = true;
        if (mode_of(s) == (s->input ? MODE_RISE : MODE_FALL))
            drive_divider(b, n, 1);
    }
    if (counts)
        changed(p);
    else if (!pins && outdated(p))
        plan(p);
}

/* -- Registers -- */

static void set_enabled(struct pico *p, u32 slices)
{
    struct pwm *b = &p->m.pwm;
    for (u32 n = 0; n < PWM_SLICES; n++) {
        struct pwm_slice *s = &b->slice[n];
        bool enabled = slices >> n & 1;
        if (enabled && !(s->csr & CSR_EN)) {
            s->fraction = 0;
            s->input = input_of(p, n, p->m.pins.inputs);
        }
        s->csr = enabled ? s->csr | CSR_EN : s->csr & ~(u32)CSR_EN;
    }
}

static u32 enabled_slices(const struct pwm *b)
{
    u32 result = 0;
    for (u32 n = 0; n < PWM_SLICES; n++)
        result |= (b->slice[n].csr & CSR_EN) << n;
    return result;
}

static void write_csr(struct pico *p, u32 n, u32 value)
{
    struct pwm *b = &p->m.pwm;
    struct pwm_slice *s = &b->slice[n];
    s->csr = (value & CSR_BITS & ~(u32)CSR_EN) | (s->csr & CSR_EN);
    if (!(s->csr & CSR_PH_CORRECT))
        s->down = false;
    set_enabled(p, (enabled_slices(b) & ~(1u << n)) | (value & CSR_EN) << n);
    s->input = input_of(p, n, p->m.pins.inputs);
    if (s->csr & CSR_EN && value & CSR_PH_ADV)
        count(b, n, 1);
    if (s->csr & CSR_EN && value & CSR_PH_RET)
        s->fraction -= (i32)divider(s);
}

static void write_slice(struct pico *p, u32 n, u32 offset, u32 raw, enum alias alias)
{
    struct pwm_slice *s = &p->m.pwm.slice[n];
    switch (offset) {
    case CH_CSR:
        write_csr(p, n, alias_apply(s->csr, raw, alias));
        break;
    case CH_DIV:
        s->div = alias_apply(s->div, raw, alias) & DIV_BITS;
        if (s->fraction >= (i32)divider(s)) /* it has come further than the new divisor: one count, in the next cycle */
            s->fraction = (i32)divider(s) - 1;
        break;
    case CH_CTR:
        s->counter = alias_apply(s->counter, raw, alias) & COUNTER_BITS;
        s->down = false;
        break;
    case CH_CC:
        s->cc = alias_apply(s->cc, raw, alias);
        break;
    case CH_TOP:
        s->top = alias_apply(s->top, raw, alias) & COUNTER_BITS;
        break;
    }
    if (!(s->csr & CSR_EN))
        take_over(s);
}

static u32 read_slice(const struct pwm_slice *s, u32 offset)
{
    switch (offset) {
    case CH_CSR: return s->csr;
    case CH_DIV: return s->div;
    case CH_CTR: return s->counter;
    case CH_CC: return s->cc;
    default: return s->top;
    }
}

u32 pwm_read(struct pico *p, u32 offset)
{
    struct pwm *b = &p->m.pwm;
    pwm_advance(p);
    if (offset < EN)
        return read_slice(&b->slice[offset / CH_STRIDE], offset % CH_STRIDE);
    switch (offset) {
    case EN: return enabled_slices(b);
    case INTR: return b->intr;
    case INTE: return b->inte;
    case INTF: return b->intf;
    case INTS: return ints(b);
    default: return 0;
    }
}

void pwm_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    struct pwm *b = &p->m.pwm;
    pwm_advance(p);
    if (offset < EN)
        write_slice(p, offset / CH_STRIDE, offset % CH_STRIDE, raw, alias);
    switch (offset) {
    case EN: set_enabled(p, alias_apply(enabled_slices(b), raw, alias)); break;
    case INTR: b->intr &= ~raw; break;
    case INTE: b->inte = alias_apply(b->inte, raw, alias) & SLICE_BITS; break;
    case INTF: b->intf = alias_apply(b->intf, raw, alias) & SLICE_BITS; break;
    }
    changed(p);
}

void pwm_reset(struct pico *p)
{
    struct pwm *b = &p->m.pwm;
    memset(b, 0, sizeof *b);
    b->time = p->m.now;
    for (u32 n = 0; n < PWM_SLICES; n++) {
        struct pwm_slice *s = &b->slice[n];
        s->div = DIV_RESET;
        s->top = s->live_top = COUNTER_BITS;
    }
    changed(p);
}

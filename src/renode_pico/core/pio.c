/* PIO0 and PIO1: registers, and when they have to be looked after (RP2040 datasheet, chapter 3).
 *
 * A block is brought up to date when somebody looks at it or changes something. Otherwise it is left alone until the
 * next event: the first cycle after which a watched pin, a data request or an interrupt line differs. That is found by
 * running a copy ahead, twice as far each time that nothing was found.
 */
#include <string.h>

#include "pio_machine.h"

enum { /* registers */
    CTRL = 0x000,
    FSTAT = 0x004,
    FDEBUG = 0x008,
    FLEVEL = 0x00c,
    TXF0 = 0x010,
    RXF0 = 0x020,
    IRQ = 0x030,
    IRQ_FORCE = 0x034,
    INPUT_SYNC_BYPASS = 0x038,
    DBG_PADOUT = 0x03c,
    DBG_PADOE = 0x040,
    DBG_CFGINFO = 0x044,
    INSTR_MEM0 = 0x048,
    SM0_CLKDIV = 0x0c8,
    INTR = 0x128,
    IRQ0_INTE = 0x12c,
    IRQ1_INTS = 0x140,
};

enum { /* of each state machine, from SM0_CLKDIV on */
    SM_CLKDIV = 0x00,
    SM_EXECCTRL = 0x04,
    SM_SHIFTCTRL = 0x08,
    SM_ADDR = 0x0c,
    SM_INSTR = 0x10,
    SM_PINCTRL = 0x14,
    SM_STRIDE = 0x18,
};

enum { INTE, INTF, INTS, REGISTERS_OF_LINE };

enum {
    CTRL_SM_ENABLE_BITS = 0xf,
    CTRL_SM_RESTART_LSB = 4,
    CTRL_CLKDIV_RESTART_LSB = 8,
    FSTAT_RXFULL_LSB = 0,
    FSTAT_RXEMPTY_LSB = 8,
    FSTAT_TXFULL_LSB = 16,
    FSTAT_TXEMPTY_LSB = 24,
    FDEBUG_RXUNDER_LSB = 8,
    FDEBUG_TXOVER_LSB = 16,
    FDEBUG_BITS = 0x0f0f0f0f,
    IRQ_BITS = 0xff,
    INTERRUPT_BITS = 0xfff,
    CFGINFO = 32 << 16 | PIO_MACHINES << 8 | PIO_FIFO_DEPTH, /* IMEM_SIZE, SM_COUNT, FIFO_DEPTH */
    INSTRUCTION_BITS = 0xffff,
    CLKDIV_BITS = ~0xff,
    CLKDIV_RESET = 1 << 16,
    EXECCTRL_BITS = 0x7fffff9f,
    EXECCTRL_RESET = 31 << 12,
    EXECCTRL_STALLED_LSB = 31,
    SHIFTCTRL_BITS = ~0xffff,
    SHIFTCTRL_RESET = 3 << 18,
    SHIFTCTRL_FJOIN_LSB = 30,
    PINCTRL_RESET = 5 << 26,
    PIO0_IRQ_0 = 7, /* then PIO0_IRQ_1, PIO1_IRQ_0, PIO1_IRQ_1 */
    DREQS = 2 * PIO_MACHINES,
};

enum { HORIZON_LEAST = 64, HORIZON_MOST = 1 << 20 }; /* cycles */

/* -- What others see -- */

static void show_requests(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    u32 dreqs = pio_dreqs(b), lines = pio_lines(b);
    u32 changed_dreqs = dreqs ^ b->shown_dreqs, changed_lines = lines ^ b->shown_lines;
    b->shown_dreqs = dreqs;
    b->shown_lines = lines;
    for (u32 line = 0; changed_lines >> line; line++)
        if (changed_lines >> line & 1)
            set_irq(p, PIO0_IRQ_0 + 2 * which + line, lines >> line & 1);
    for (u32 n = 0; changed_dreqs >> n; n++)
        if (changed_dreqs >> n & 1)
            set_dreq(p, DREQS * which + n, dreqs >> n & 1);
}

static void show_levels(struct pico *p, u32 which, u32 out, u32 oe)
{
    struct pins *pins = &p->m.pins;
    u32 f = FUNC_PIO0 + which, changed = (pins->out[f] ^ out) | (pins->oe[f] ^ oe);
    pins->out[f] = out;
    pins->oe[f] = oe;
    if (changed & pins->selected[f])
        pins_update(p);
}

/* Of pins that nobody watches it is only shown where they are now, and that they have been elsewhere (edges). */
static void show_pins(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    const struct pins *pins = &p->m.pins;
    u32 both = b->rose & b->fell & pins->selected[FUNC_PIO0 + which] & ~(pins->rose & pins->fell);
    b->rose = b->fell = 0;
    if (UNLIKELY(both)) {
        show_levels(p, which, b->out, b->oe);
        show_levels(p, which, b->out ^ both, b->oe);
    }
    show_levels(p, which, b->out, b->oe);
}

/* An output that the other block's machines look at has to be exact, too. */
static u32 watched_pins(const struct pico *p, u32 which)
{
    return (pins_watched(p) | pio_looks_at(&p->m.pio[!which])) & p->m.pins.selected[FUNC_PIO0 + which];
}

static u32 listened_dreqs(const struct pico *p, u32 which)
{
    return p->m.dma.listened >> DREQS * which & 0xff;
}

static bool outdated(const struct pico *p, u32 which)
{
    const struct pio *b = &p->m.pio[which];
    return b->watched != watched_pins(p, which) || b->selected != p->m.pins.selected[FUNC_PIO0 + which]
        || b->listened != listened_dreqs(p, which);
}

static void catch_up(struct pico *p, u32 which, u64 until);

/* When something is to be seen next. */
static void plan(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    bool found = false;
    if (b->selected != p->m.pins.selected[FUNC_PIO0 + which])
        b->stale = true;
    b->selected = p->m.pins.selected[FUNC_PIO0 + which];
    b->watched = watched_pins(p, which);
    b->listened = listened_dreqs(p, which);
    if (b->stale)
        pio_analyse(b);
    b->event = b->running ? pio_look_ahead(p, which, b->time + b->horizon, &found) : NEVER;
    if (found && b->event - b->time < b->horizon / 4 && b->horizon > HORIZON_LEAST)
        b->horizon /= 2;
    else if (!found && b->event != NEVER && b->horizon < HORIZON_MOST)
        b->horizon *= 2;
    set_due(p, which ? DUE_PIO1 : DUE_PIO0, b->event);
    if (outdated(p, !which)) {
        catch_up(p, !which, b->time);
        plan(p, !which);
    }
}

/* Something was changed from outside: what has been foreseen does not hold any more. */
static void disturbed(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    u64 since = b->time - b->planned;
    b->planned = b->time;
    while (b->horizon > HORIZON_LEAST && b->horizon > 2 * since)
        b->horizon /= 2;
    pio_wake(b);
    show_requests(p, which);
    plan(p, which);
}

static void run_to(struct pico *p, u32 which, u64 until)
{
    u64 now = p->m.now;
    p->m.now = until;
    pio_run(p, which, until);
    show_pins(p, which);
    p->m.now = now;
}

/* Nothing is to be seen before `until`. Of pins that were not watched so far the last cycles are shown one by one, as
 * the synchronisers have them of a machine that begins to look at them. */
static void catch_up(struct pico *p, u32 which, u64 until)
{
    struct pio *b = &p->m.pio[which];
    if (!b->running)
        b->time = until;
    if (b->time >= until)
        return;
    if (b->selected & ~b->watched)
        for (u64 back = PIO_INPUTS_KEPT - 1; back; back--)
            if (b->time + back < until)
                run_to(p, which, until - back);
    run_to(p, which, until);
}

/* For those who are told it is the event's cycle, though a core may have gone a few cycles ahead. */
static void happen(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    u64 now = p->m.now;
    b->busy = true;
    p->m.now = b->event;
    pio_run_to_event(p, which);
    show_pins(p, which);
    show_requests(p, which);
    plan(p, which);
    p->m.now = now;
    b->busy = false;
}

void pio_advance(struct pico *p, u32 which)
{
    struct pio *b = p->m.pio;
    if (b[0].busy || b[1].busy)
        return;
    while (b[0].event <= p->m.now || b[1].event <= p->m.now)
        happen(p, b[1].event < b[0].event);
    b[which].busy = true;
    catch_up(p, which, p->m.now);
    b[which].busy = false;
}

void pio_due(struct pico *p, u32 which)
{
    pio_advance(p, which);
}

void pio_pins_changed(struct pico *p, u32 changed)
{
    struct pio *b = p->m.pio;
    for (u32 which = 0; which < 2; which++, b++) {
        u32 before = b->input[0];
        if (!b->busy)
            catch_up(p, which, p->m.now);
        pio_record_inputs(b, p->m.pins.inputs, p->m.now);
        p->foreseen[which].valid &= before == b->input[0];
        if (changed & pio_looks_at(b) & (before ^ b->input[0]))
            disturbed(p, which);
        else if (UNLIKELY(outdated(p, which))) {
            show_requests(p, which);
            plan(p, which);
        }
    }
}

/* -- Registers -- */

static u32 fstat(const struct pio *b)
{
    u32 result = 0;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        const u8 *count = b->sm[i].s.count, *depth = b->sm[i].c.depth;
        result |= (u32)(count[PIO_RX] >= depth[PIO_RX]) << (FSTAT_RXFULL_LSB + i);
        result |= (u32)(count[PIO_RX] == 0) << (FSTAT_RXEMPTY_LSB + i);
        result |= (u32)(count[PIO_TX] >= depth[PIO_TX]) << (FSTAT_TXFULL_LSB + i);
        result |= (u32)(count[PIO_TX] == 0) << (FSTAT_TXEMPTY_LSB + i);
    }
    return result;
}

static u32 flevel(const struct pio *b)
{
    u32 result = 0;
    for (u32 i = 0; i < PIO_MACHINES; i++)
        result |= (u32)b->sm[i].s.count[PIO_TX] << 8 * i | (u32)b->sm[i].s.count[PIO_RX] << (8 * i + 4);
    return result;
}

static void raise_fdebug(struct pico *p, u32 which, u32 flag)
{
    p->m.pio[which].fdebug |= flag;
    p->foreseen[which].valid = false;
}

static u32 read_rxf(struct pico *p, u32 which, u32 i)
{
    struct pio *b = &p->m.pio[which];
    struct pio_state *s = &b->sm[i].s;
    u32 word = s->fifo[PIO_RX][s->first[PIO_RX]]; /* of an empty FIFO: what it had there last */
    if (!pio_pop(&b->sm[i], PIO_RX, &word))
        raise_fdebug(p, which, 1u << (FDEBUG_RXUNDER_LSB + i));
    else
        disturbed(p, which);
    return word;
}

static void write_txf(struct pico *p, u32 which, u32 i, u32 word)
{
    struct pio *b = &p->m.pio[which];
    if (!pio_push(&b->sm[i], PIO_TX, word))
        raise_fdebug(p, which, 1u << (FDEBUG_TXOVER_LSB + i));
    else
        disturbed(p, which);
}

static u32 read_machine(const struct pio *b, u32 i, u32 offset)
{
    const struct pio_machine *sm = &b->sm[i];
    switch (offset) {
    case SM_CLKDIV: return sm->c.clkdiv;
    case SM_EXECCTRL: return sm->c.execctrl | (u32)sm->s.exec_stalled << EXECCTRL_STALLED_LSB;
    case SM_SHIFTCTRL: return sm->c.shiftctrl;
    case SM_ADDR: return sm->s.pc;
    case SM_INSTR: return b->memory[sm->s.pc];
    default: return sm->c.pinctrl;
    }
}

static void set_shiftctrl(struct pio_machine *sm, u32 value)
{
    if ((value ^ sm->c.shiftctrl) >> SHIFTCTRL_FJOIN_LSB) {
        memset(sm->s.first, 0, sizeof sm->s.first);
        memset(sm->s.count, 0, sizeof sm->s.count);
    }
    sm->c.shiftctrl = value;
}

static void write_machine(struct pio *b, u32 i, u32 offset, u32 raw, enum alias alias)
{
    struct pio_machine *sm = &b->sm[i];
    switch (offset) {
    case SM_CLKDIV:
        pio_catch_up_divider(sm, b->time); /* the period that has begun is not changed */
        sm->c.clkdiv = alias_apply(sm->c.clkdiv, raw, alias) & (u32)CLKDIV_BITS;
        break;
    case SM_EXECCTRL:
        sm->c.execctrl = alias_apply(sm->c.execctrl, raw, alias) & EXECCTRL_BITS;
        break;
    case SM_SHIFTCTRL:
        set_shiftctrl(sm, alias_apply(sm->c.shiftctrl, raw, alias) & (u32)SHIFTCTRL_BITS);
        break;
    case SM_INSTR:
        pio_catch_up_divider(sm, b->time);
        sm->instruction = (u16)alias_apply(b->memory[sm->s.pc], raw, alias);
        sm->forced = true;
        sm->forced_at = b->time;
        break;
    case SM_PINCTRL:
        sm->c.pinctrl = alias_apply(sm->c.pinctrl, raw, alias);
        break;
    }
    pio_configure(sm);
}

static void write_ctrl(struct pio *b, u32 value)
{
    u32 restart = value >> CTRL_SM_RESTART_LSB, restart_divider = value >> CTRL_CLKDIV_RESTART_LSB;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        pio_catch_up_divider(&b->sm[i], b->time);
        if (restart >> i & 1)
            pio_restart(&b->sm[i]);
        if (restart_divider >> i & 1)
            pio_restart_divider(&b->sm[i], b->time);
    }
    b->enabled = value & CTRL_SM_ENABLE_BITS;
}

static u32 read_interrupts(const struct pio *b, u32 offset)
{
    u32 index = (offset - IRQ0_INTE) / 4, line = index / REGISTERS_OF_LINE;
    switch (index % REGISTERS_OF_LINE) {
    case INTE: return b->inte[line];
    case INTF: return b->intf[line];
    default: return (pio_intr(b) & b->inte[line]) | b->intf[line];
    }
}

static void write_interrupts(struct pio *b, u32 offset, u32 raw, enum alias alias)
{
    u32 index = (offset - IRQ0_INTE) / 4, line = index / REGISTERS_OF_LINE;
    if (index % REGISTERS_OF_LINE == INTS)
        return;
    u32 *word = index % REGISTERS_OF_LINE == INTE ? &b->inte[line] : &b->intf[line];
    *word = alias_apply(*word, raw, alias) & INTERRUPT_BITS;
}

u32 pio_read(struct pico *p, u32 which, u32 offset)
{
    struct pio *b = &p->m.pio[which];
    pio_advance(p, which);
    if (offset >= RXF0 && offset < IRQ)
        return read_rxf(p, which, (offset - RXF0) / 4);
    if (offset >= SM0_CLKDIV && offset < INTR)
        return read_machine(b, (offset - SM0_CLKDIV) / SM_STRIDE, (offset - SM0_CLKDIV) % SM_STRIDE);
    if (offset >= IRQ0_INTE && offset <= IRQ1_INTS)
        return read_interrupts(b, offset);
    switch (offset) {
    case CTRL: return b->enabled;
    case FSTAT: return fstat(b);
    case FDEBUG: return b->fdebug;
    case FLEVEL: return flevel(b);
    case IRQ: return b->irq;
    case INPUT_SYNC_BYPASS: return b->bypass;
    case DBG_PADOUT: return b->out;
    case DBG_PADOE: return b->oe;
    case DBG_CFGINFO: return CFGINFO;
    case INTR: return pio_intr(b);
    default: return 0; /* write-only: TXF, IRQ_FORCE, INSTR_MEM */
    }
}

static void write_register(struct pio *b, u32 offset, u32 raw, enum alias alias)
{
    if (offset >= INSTR_MEM0 && offset < SM0_CLKDIV)
        b->memory[(offset - INSTR_MEM0) / 4] = (u16)alias_apply(0, raw, alias);
    else if (offset >= SM0_CLKDIV && offset < INTR)
        write_machine(b, (offset - SM0_CLKDIV) / SM_STRIDE, (offset - SM0_CLKDIV) % SM_STRIDE, raw, alias);
    else if (offset >= IRQ0_INTE && offset <= IRQ1_INTS)
        write_interrupts(b, offset, raw, alias);
    switch (offset) {
    case CTRL: write_ctrl(b, alias_apply(b->enabled, raw, alias)); break;
    case FDEBUG: b->fdebug &= ~(raw & FDEBUG_BITS); break;
    case IRQ: b->irq &= ~(raw & IRQ_BITS); break;
    case IRQ_FORCE: b->irq |= alias_apply(0, raw, alias) & IRQ_BITS; break;
    case INPUT_SYNC_BYPASS: b->bypass = alias_apply(b->bypass, raw, alias); break;
    }
}

void pio_write(struct pico *p, u32 which, u32 offset, u32 raw, enum alias alias)
{
    struct pio *b = &p->m.pio[which];
    pio_advance(p, which);
    if (offset >= TXF0 && offset < RXF0) {
        write_txf(p, which, (offset - TXF0) / 4, alias_apply(0, raw, alias));
        return;
    }
    write_register(b, offset, raw, alias);
    for (u32 i = 0; i < PIO_MACHINES; i++)
        pio_catch_up_divider(&b->sm[i], b->time);
    b->stale = true;
    disturbed(p, which);
}

void pio_reset(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    u32 dreqs = b->shown_dreqs, lines = b->shown_lines;
    memset(b, 0, sizeof *b);
    b->time = b->planned = p->m.now;
    b->horizon = HORIZON_LEAST;
    b->input[0] = p->m.pins.inputs;
    b->shown_dreqs = dreqs;
    b->shown_lines = lines;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        struct pio_machine *sm = &b->sm[i];
        sm->c.clkdiv = CLKDIV_RESET;
        sm->c.execctrl = EXECCTRL_RESET;
        sm->c.shiftctrl = SHIFTCTRL_RESET;
        sm->c.pinctrl = PINCTRL_RESET;
        sm->s.osr_count = 32;
        pio_configure(sm);
        pio_restart_divider(sm, b->time);
    }
    b->stale = true;
    show_pins(p, which);
    disturbed(p, which);
}

/* -- For tests and debuggers: what no register shows -- */

enum { STATE_X, STATE_Y, STATE_ISR, STATE_OSR, STATE_ISR_COUNT, STATE_OSR_COUNT, STATE_PC, STATE_DELAY };

__attribute__((visibility("default"))) u32 pico_pio_state(struct pico *p, u32 which, u32 i, u32 what)
{
    const struct pio_state *s = &p->m.pio[which & 1].sm[i & 3].s;
    pio_advance(p, which & 1);
    switch (what) {
    case STATE_X: return s->x;
    case STATE_Y: return s->y;
    case STATE_ISR: return s->isr;
    case STATE_OSR: return s->osr;
    case STATE_ISR_COUNT: return s->isr_count;
    case STATE_OSR_COUNT: return s->osr_count;
    case STATE_PC: return s->pc;
    default: return s->delay;
    }
}

/* Pins: IO_BANK0, IO_QSPI and their pads (RP2040 datasheet, 2.19).
 *
 * A pin's level is what the selected function drives, after its overrides, unless the pad's output is off; else what
 * the world outside drives; else what the pulls make of it. Both pulls together keep the last level (2.19.4). Words of
 * 30 bits hold a signal of all pins, so that a change costs the same for one pin as for all.
 */
#include <string.h>

#include "pico.h"

enum { /* registers of a bank of n pins: STATUS and CTRL of each, then the interrupts, in words of eight pins */
    GPIO_STATUS = 0,
    GPIO_CTRL = 4,
    GPIO_STRIDE = 8,
    PINS_IN_WORD = 8,
};

enum { /* the order of the interrupt registers: INTR, then INTE, INTF, INTS of each destination */
    INTE, INTF, INTS, REGISTERS_OF_DESTINATION,
};

enum {
    CTRL_BITS = 0x3003331f, /* FUNCSEL, OUTOVER, OEOVER, INOVER, IRQOVER */
    CTRL_FUNCSEL_BITS = 0x1f,
    BLOCK_IO_BANK0 = 5,
    CTRL_OUTOVER_LSB = 8,
    CTRL_OEOVER_LSB = 12,
    CTRL_INOVER_LSB = 16,
    CTRL_IRQOVER_LSB = 28,
    STATUS_OUTFROMPERI_LSB = 8,
    STATUS_OUTTOPAD_LSB = 9,
    STATUS_OEFROMPERI_LSB = 12,
    STATUS_OETOPAD_LSB = 13,
    STATUS_INFROMPAD_LSB = 17,
    STATUS_INTOPERI_LSB = 19,
    STATUS_IRQFROMPAD_LSB = 24,
    STATUS_IRQTOPROC_LSB = 26,
    OVER_NORMAL = 0,
    OVER_INVERT = 1,
    OVER_LOW = 2,
    OVER_HIGH = 3,
    PAD_BITS = 0xff,
    PAD_PDE = 1 << 2,
    PAD_PUE = 1 << 3,
    PAD_IE = 1 << 6,
    PAD_OD = 1 << 7,
    PAD_RESET = 0x56,
    PAD_SWCLK = BANK_PINS,
    PAD_SWD = BANK_PINS + 1,
    PAD_SWCLK_RESET = 0xda,
    PAD_SWD_RESET = 0x5a,
    PAD_SD_RESET = 0x52,
    PAD_SS_RESET = 0x5a,
    IO_IRQ_BANK0 = 13,
    IO_IRQ_QSPI = 14,
};

/* PADS_QSPI has SS behind the data lines, IO_QSPI before them. */
static const u8 qspi_pad_of_pin[QSPI_PINS] = {0, 5, 1, 2, 3, 4};

static bool is_qspi(const struct pico *p, const struct pins *b)
{
    return b == &p->m.qspi;
}

static u32 pin_count(const struct pico *p, const struct pins *b)
{
    return is_qspi(p, b) ? QSPI_PINS : BANK_PINS;
}

static u32 all_pins(const struct pico *p, const struct pins *b)
{
    return (1u << pin_count(p, b)) - 1;
}

/* -- Signals -- */

static u32 overridden(const struct override *over, u32 signal)
{
    return ((signal ^ over->invert) & over->pass) | over->high;
}

static u32 from_functions(const struct pins *b, const u32 signal[FUNCTIONS])
{
    u32 result = 0;
    for (u32 f = 0; f < FUNCTIONS; f++)
        result |= signal[f] & b->selected[f];
    return result;
}

static u32 out_to_pad(const struct pins *b)
{
    return overridden(&b->out_over, from_functions(b, b->out));
}

static u32 oe_to_pad(const struct pins *b)
{
    return overridden(&b->oe_over, from_functions(b, b->oe));
}

/* Of a pin that the chip does not drive. */
static u32 idle_of(const struct pins *b)
{
    u32 kept = b->pull_up & b->pull_down & b->levels;
    u32 pulled = (b->pull_up & ~b->pull_down) | kept;
    return (b->external & b->driven) | (pulled & ~b->driven);
}

static u32 levels_of(const struct pins *b)
{
    u32 oe = oe_to_pad(b) & ~b->output_disable;
    return (out_to_pad(b) & oe) | (idle_of(b) & ~oe);
}

/* -- Interrupts (2.19.3) -- */

static void live(const struct pins *b, u32 raw[KINDS])
{
    raw[LEVEL_LOW] = ~b->irq_inputs;
    raw[LEVEL_HIGH] = b->irq_inputs;
    raw[EDGE_LOW] = b->fell;
    raw[EDGE_HIGH] = b->rose;
}

static void update_requests(struct pico *p, struct pins *b)
{
    u32 raw[KINDS], requested = 0;
    live(b, raw);
    for (u32 to = 0; to < DESTINATIONS; to++) {
        u32 any = 0;
        for (u32 kind = 0; kind < KINDS; kind++)
            any |= (raw[kind] & b->enabled[to][kind]) | b->forced[to][kind];
        requested |= (u32)(any != 0) << to;
    }
    u32 changed = requested ^ b->requested;
    b->requested = requested;
    for (u32 core = 0; core < 2; core++)
        if (changed & 1u << core)
            set_irq_for(p, core, is_qspi(p, b) ? IO_IRQ_QSPI : IO_IRQ_BANK0, requested >> core & 1);
    if ((changed & requested & 1u << TO_DORMANT_WAKE) && p->host.dormant_wake)
        p->host.dormant_wake();
}

static void update_listened(struct pins *b)
{
    b->listened = 0;
    for (u32 to = 0; to < DESTINATIONS; to++)
        for (u32 kind = 0; kind < KINDS; kind++)
            b->listened |= b->enabled[to][kind] | b->forced[to][kind];
}

/* Eight pins' bits of one kind, four places apart, and back. */
static u32 spread(u32 x)
{
    x = (x | x << 12) & 0x000f000f;
    x = (x | x << 6) & 0x03030303;
    return (x | x << 3) & 0x11111111;
}

static u32 gather(u32 x)
{
    x &= 0x11111111;
    x = (x | x >> 3) & 0x03030303;
    x = (x | x >> 6) & 0x000f000f;
    return (x | x >> 12) & 0xff;
}

static u32 word_of(const u32 kinds[KINDS], u32 word, u32 pins)
{
    u32 result = 0;
    for (u32 kind = 0; kind < KINDS; kind++)
        result |= spread((kinds[kind] & pins) >> PINS_IN_WORD * word & 0xff) << kind;
    return result;
}

static void set_word_of(u32 kinds[KINDS], u32 word, u32 value, u32 pins)
{
    u32 shift = PINS_IN_WORD * word;
    for (u32 kind = 0; kind < KINDS; kind++)
        kinds[kind] = (kinds[kind] & ~(0xffu << shift)) | (gather(value >> kind) << shift & pins);
}

/* -- A change -- */

static void settle(struct pico *p)
{
    pio_advance(p, 0);
    pio_advance(p, 1);
    pwm_advance(p);
}

static void resolve(struct pico *p, struct pins *b)
{
    u32 levels = levels_of(b);
    u32 inside = levels & b->input_enable;
    u32 irq_inputs = overridden(&b->irq_over, inside);
    u32 inputs = overridden(&b->in_over, inside);
    u32 changed = levels ^ b->levels, changed_inputs = inputs ^ b->inputs;
    u32 rose = irq_inputs & ~b->irq_inputs, fell = b->irq_inputs & ~irq_inputs;

    b->levels = levels;
    b->inputs = inputs;
    b->irq_inputs = irq_inputs;
    b->rose |= rose;
    b->fell |= fell;
    if (UNLIKELY((rose | fell) & b->listened))
        update_requests(p, b);
    if (is_qspi(p, b)) {
        if (changed & 1u << QSPI_SS)
            flash_select(p, !(levels & 1u << QSPI_SS));
        return;
    }
    if (changed_inputs) {
        pio_pins_changed(p, changed_inputs);
        if (changed_inputs & b->counted)
            pwm_pins_changed(p, changed_inputs, inputs);
    }
    if (UNLIKELY(changed & b->watched) && p->host.pins_changed)
        p->host.pins_changed(changed & b->watched, levels);
}

static void drive(struct pico *p, struct pins *b, u32 function, u32 pins, u32 out, u32 oe)
{
    u32 new_out = (b->out[function] & ~pins) | (out & pins);
    u32 new_oe = (b->oe[function] & ~pins) | (oe & pins);
    u32 changed = (new_out ^ b->out[function]) | (new_oe ^ b->oe[function]);
    bool seen = changed & b->selected[function];
    if (seen && !is_qspi(p, b))
        settle(p);
    b->out[function] = new_out;
    b->oe[function] = new_oe;
    if (seen)
        resolve(p, b);
}

static void set_external(struct pico *p, struct pins *b, u32 pins, u32 levels, u32 driven)
{
    pins &= all_pins(p, b);
    settle(p);
    b->external = (b->external & ~pins) | (levels & pins);
    b->driven = (b->driven & ~pins) | (driven & pins);
    resolve(p, b);
}

/* -- Registers -- */

static void override_from(struct override *over, u32 bit, u32 how)
{
    over->invert = how == OVER_INVERT ? over->invert | bit : over->invert & ~bit;
    over->high = how == OVER_HIGH ? over->high | bit : over->high & ~bit;
    over->pass = how <= OVER_INVERT ? over->pass | bit : over->pass & ~bit;
}

static void set_ctrl(struct pins *b, u32 pin, u32 value)
{
    u32 bit = 1u << pin;
    b->ctrl[pin] = value;
    for (u32 f = 0; f < FUNCTIONS; f++)
        b->selected[f] = f == (value & CTRL_FUNCSEL_BITS) ? b->selected[f] | bit : b->selected[f] & ~bit;
    override_from(&b->out_over, bit, value >> CTRL_OUTOVER_LSB & 3);
    override_from(&b->oe_over, bit, value >> CTRL_OEOVER_LSB & 3);
    override_from(&b->in_over, bit, value >> CTRL_INOVER_LSB & 3);
    override_from(&b->irq_over, bit, value >> CTRL_IRQOVER_LSB & 3);
}

static void set_pad(struct pins *b, u32 pad, u32 pin, u32 value)
{
    u32 bit = 1u << pin;
    b->pad[pad] = value;
    b->input_enable = value & PAD_IE ? b->input_enable | bit : b->input_enable & ~bit;
    b->output_disable = value & PAD_OD ? b->output_disable | bit : b->output_disable & ~bit;
    b->pull_up = value & PAD_PUE ? b->pull_up | bit : b->pull_up & ~bit;
    b->pull_down = value & PAD_PDE ? b->pull_down | bit : b->pull_down & ~bit;
}

static u32 status(const struct pins *b, u32 pin)
{
    u32 from_pad = b->levels & b->input_enable;
    return (from_functions(b, b->out) >> pin & 1) << STATUS_OUTFROMPERI_LSB
        | (out_to_pad(b) >> pin & 1) << STATUS_OUTTOPAD_LSB
        | (from_functions(b, b->oe) >> pin & 1) << STATUS_OEFROMPERI_LSB
        | (oe_to_pad(b) >> pin & 1) << STATUS_OETOPAD_LSB
        | (from_pad >> pin & 1) << STATUS_INFROMPAD_LSB
        | (b->inputs >> pin & 1) << STATUS_INTOPERI_LSB
        | (from_pad >> pin & 1) << STATUS_IRQFROMPAD_LSB
        | (b->irq_inputs >> pin & 1) << STATUS_IRQTOPROC_LSB;
}

struct place { /* of an interrupt register */
    u32 word, to, which;
    bool raw, exists;
};

static struct place locate(const struct pico *p, const struct pins *b, u32 offset)
{
    u32 n = pin_count(p, b), words = (n + PINS_IN_WORD - 1) / PINS_IN_WORD;
    u32 index = (offset - GPIO_STRIDE * n) / 4, group = index / words;
    struct place at = {.word = index % words, .raw = group == 0};
    at.exists = group <= DESTINATIONS * REGISTERS_OF_DESTINATION;
    if (at.exists && !at.raw) {
        at.to = (group - 1) / REGISTERS_OF_DESTINATION;
        at.which = (group - 1) % REGISTERS_OF_DESTINATION;
    }
    return at;
}

static u32 interrupt_read(const struct pico *p, const struct pins *b, u32 offset)
{
    struct place at = locate(p, b, offset);
    u32 kinds[KINDS], pins = all_pins(p, b);
    if (!at.exists)
        return 0;
    live(b, kinds);
    if (at.raw)
        return word_of(kinds, at.word, pins);
    if (at.which == INTE)
        return word_of(b->enabled[at.to], at.word, pins);
    if (at.which == INTF)
        return word_of(b->forced[at.to], at.word, pins);
    for (u32 kind = 0; kind < KINDS; kind++)
        kinds[kind] = (kinds[kind] & b->enabled[at.to][kind]) | b->forced[at.to][kind];
    return word_of(kinds, at.word, pins);
}

/* Who watches, and which pins a function has, decides when PIO and PWM have something to show or to count. */
static void plan_again(struct pico *p)
{
    pio_pins_changed(p, 0);
    pwm_pins_changed(p, 0, p->m.pins.inputs);
}

static void interrupt_write(struct pico *p, struct pins *b, u32 offset, u32 raw, enum alias alias)
{
    struct place at = locate(p, b, offset);
    u32 pins = all_pins(p, b);
    if (!at.exists)
        return;
    if (at.raw) {
        b->fell &= ~(gather(raw >> EDGE_LOW) << PINS_IN_WORD * at.word);
        b->rose &= ~(gather(raw >> EDGE_HIGH) << PINS_IN_WORD * at.word);
    } else if (at.which != INTS) {
        u32 *kinds = at.which == INTE ? b->enabled[at.to] : b->forced[at.to];
        set_word_of(kinds, at.word, alias_apply(word_of(kinds, at.word, pins), raw, alias), pins);
        update_listened(b);
        plan_again(p);
    }
    update_requests(p, b);
}

static u32 io_read(struct pico *p, struct pins *b, u32 offset)
{
    settle(p);
    if (offset >= GPIO_STRIDE * pin_count(p, b))
        return interrupt_read(p, b, offset);
    u32 pin = offset / GPIO_STRIDE;
    return offset % GPIO_STRIDE == GPIO_CTRL ? b->ctrl[pin] : status(b, pin);
}

static void io_write(struct pico *p, struct pins *b, u32 offset, u32 raw, enum alias alias)
{
    settle(p);
    if (offset >= GPIO_STRIDE * pin_count(p, b)) {
        interrupt_write(p, b, offset, raw, alias);
        return;
    }
    u32 pin = offset / GPIO_STRIDE;
    if (offset % GPIO_STRIDE != GPIO_CTRL)
        return;
    u32 before = b->ctrl[pin];
    set_ctrl(b, pin, alias_apply(before, raw, alias) & CTRL_BITS);
    resolve(p, b);
    if (((before ^ b->ctrl[pin]) & CTRL_FUNCSEL_BITS) && !is_qspi(p, b) && p->host.write)
        p->host.write(BLOCK_IO_BANK0, offset, b->ctrl[pin], ALIAS_NONE); /* blocks in Python look which pins are theirs */
    plan_again(p);
}

static void io_reset(struct pico *p, struct pins *b)
{
    settle(p);
    for (u32 pin = 0; pin < pin_count(p, b); pin++)
        set_ctrl(b, pin, FUNC_NULL);
    memset(b->enabled, 0, sizeof b->enabled);
    memset(b->forced, 0, sizeof b->forced);
    update_listened(b);
    resolve(p, b);
    b->rose = b->fell = 0;
    update_requests(p, b);
    plan_again(p);
}

static u32 pads_read(const struct pins *b, u32 offset, u32 pads)
{
    u32 index = offset / 4;
    if (index == 0)
        return b->voltage_select;
    return index <= pads ? b->pad[index - 1] : 0;
}

static u32 qspi_pin_of_pad(u32 pad)
{
    for (u32 pin = 0; pin < QSPI_PINS; pin++)
        if (qspi_pad_of_pin[pin] == pad)
            return pin;
    return 0;
}

static void pads_write(struct pico *p, struct pins *b, u32 offset, u32 raw, enum alias alias)
{
    u32 index = offset / 4, pads = is_qspi(p, b) ? QSPI_PINS : BANK_PINS + 2;
    settle(p);
    if (index == 0) {
        b->voltage_select = alias_apply(b->voltage_select, raw, alias) & 1;
        return;
    }
    u32 pad = index - 1;
    if (pad >= pads)
        return;
    u32 value = alias_apply(b->pad[pad], raw, alias) & PAD_BITS;
    if (pad >= pin_count(p, b)) { /* SWCLK, SWD: nobody else is on them */
        b->pad[pad] = value;
        return;
    }
    set_pad(b, pad, is_qspi(p, b) ? qspi_pin_of_pad(pad) : pad, value);
    resolve(p, b);
}

/* -- What others call -- */

u32 io_bank0_read(struct pico *p, u32 offset)
{
    return io_read(p, &p->m.pins, offset);
}

void io_bank0_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    io_write(p, &p->m.pins, offset, raw, alias);
}

void io_bank0_reset(struct pico *p)
{
    io_reset(p, &p->m.pins);
}

u32 io_qspi_read(struct pico *p, u32 offset)
{
    return io_read(p, &p->m.qspi, offset);
}

void io_qspi_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    io_write(p, &p->m.qspi, offset, raw, alias);
}

/* The SSI between two commands: it drives the clock low and the chip select high. */
void io_qspi_reset(struct pico *p)
{
    p->m.qspi.oe[FUNC_XIP] = 1u << QSPI_SCLK | 1u << QSPI_SS;
    p->m.qspi.out[FUNC_XIP] = 1u << QSPI_SS;
    io_reset(p, &p->m.qspi);
}

u32 pads_bank0_read(struct pico *p, u32 offset)
{
    return pads_read(&p->m.pins, offset, BANK_PINS + 2);
}

void pads_bank0_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    pads_write(p, &p->m.pins, offset, raw, alias);
}

void pads_bank0_reset(struct pico *p)
{
    struct pins *b = &p->m.pins;
    settle(p);
    b->voltage_select = 0;
    for (u32 pin = 0; pin < BANK_PINS; pin++)
        set_pad(b, pin, pin, PAD_RESET);
    b->pad[PAD_SWCLK] = PAD_SWCLK_RESET;
    b->pad[PAD_SWD] = PAD_SWD_RESET;
    resolve(p, b);
}

u32 pads_qspi_read(struct pico *p, u32 offset)
{
    return pads_read(&p->m.qspi, offset, QSPI_PINS);
}

void pads_qspi_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    pads_write(p, &p->m.qspi, offset, raw, alias);
}

void pads_qspi_reset(struct pico *p)
{
    struct pins *b = &p->m.qspi;
    b->voltage_select = 0;
    for (u32 pin = 0; pin < QSPI_PINS; pin++)
        set_pad(b, qspi_pad_of_pin[pin], pin,
                pin == QSPI_SCLK ? PAD_RESET : pin == QSPI_SS ? PAD_SS_RESET : PAD_SD_RESET);
    resolve(p, b);
}

void pins_drive(struct pico *p, u32 function, u32 pins, u32 out, u32 oe)
{
    drive(p, &p->m.pins, function, pins, out, oe);
}

void pins_update(struct pico *p)
{
    resolve(p, &p->m.pins);
}

void pins_set_external(struct pico *p, u32 pins, u32 levels, u32 driven)
{
    set_external(p, &p->m.pins, pins, levels, driven);
}

void pins_watch(struct pico *p, u32 pins)
{
    settle(p);
    p->m.pins.watched = pins;
    plan_again(p);
}

u32 pins_inputs(struct pico *p)
{
    settle(p);
    return p->m.pins.inputs;
}

u32 pins_inputs_with(const struct pico *p, u32 function, u32 out, u32 oe)
{
    const struct pins *b = &p->m.pins;
    u32 others = ~b->selected[function];
    u32 all_out = (from_functions(b, b->out) & others) | (out & ~others);
    u32 all_oe = (from_functions(b, b->oe) & others) | (oe & ~others);
    u32 enabled = overridden(&b->oe_over, all_oe) & ~b->output_disable;
    u32 levels = (overridden(&b->out_over, all_out) & enabled) | (idle_of(b) & ~enabled);
    return overridden(&b->in_over, levels & b->input_enable);
}

u32 pins_watched(const struct pico *p)
{
    return p->m.pins.watched | p->m.pins.listened | p->m.pins.counted;
}

void qspi_drive(struct pico *p, u32 function, u32 pins, u32 out, u32 oe)
{
    drive(p, &p->m.qspi, function, pins, out, oe);
}

void qspi_set_external(struct pico *p, u32 pins, u32 levels, u32 driven)
{
    set_external(p, &p->m.qspi, pins, levels, driven);
}

u32 qspi_inputs(const struct pico *p)
{
    return p->m.qspi.inputs;
}

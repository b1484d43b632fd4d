/* PIO: how state machines run (RP2040 datasheet, chapter 3).
 *
 * In one cycle all machines see what the cycle before has left: levels, flags, FIFOs. What they write is collected and
 * takes effect at the cycle's end, the highest-numbered machine winning (3.5.6.1).
 *
 * Cycles in which nothing happens are not run: those between two clock enables, delays, stalls. Machines that have
 * nothing to do with each other are run one after the other. One that comes back to a state it has been in is moved
 * on by whole periods; so is one whose X or Y has meanwhile only been counted down by JMP X-- and JMP Y--.
 */
#include <string.h>

#include "pio_instructions.h"
#include "pio_machine.h"

enum {
    SYNCHRONISER = 2, /* cycles (3.5.6.3) */
    FDEBUG_RXSTALL_LSB = 0,
    FDEBUG_TXSTALL_LSB = 24,
    INTR_FLAGS_LSB = 8,
    LINE_FLAGS = 0xf, /* the flags that can interrupt */
};

enum outcome { DONE, JUMPED, LATCHED, STALLED, STARVED, STALLED_FOR_NOW }; /* STARVED: on a FIFO */

enum { LEVELS, DIRECTIONS };

struct run { /* of a group of machines, up to some cycle */
    const struct pico *p;
    struct pio *b;
    u32 which, group;
    u64 now;                      /* the cycle that is being run */
    u32 value[2], mask[2];        /* what is written in it: levels, directions */
    u32 irq_set, irq_clear;
    bool fifos;                   /* one has changed in it */
    u32 counted[2][PIO_MACHINES]; /* JMP X--, JMP Y-- that jumped, since the anchor */
    u32 used[2];                  /* machines that have used X, Y otherwise, or wrote to it */
    u64 at[PIO_MACHINES];         /* when each acts next */
};

/* -- Configuration -- */

void pio_configure(struct pio_machine *sm)
{
    struct pio_config *c = &sm->c;
    u32 side_bits = at_most(c->pinctrl >> 29, 5);
    bool join_rx = c->shiftctrl >> 31, join_tx = c->shiftctrl >> 30 & 1;

    c->divider = c->clkdiv >> 16 ? c->clkdiv >> 8 : 1u << 24;
    c->side_optional = c->execctrl >> 30 & 1;
    c->side_dirs = c->execctrl >> 29 & 1;
    c->jmp_pin = c->execctrl >> 24 & 31;
    c->enable_bit = c->execctrl >> 19 & 31;
    c->inline_enable = c->execctrl >> 18 & 1;
    c->sticky = c->execctrl >> 17 & 1;
    c->wrap_top = c->execctrl >> 12 & 31;
    c->wrap_bottom = c->execctrl >> 7 & 31;

    c->pull_threshold = (u8)bit_count(c->shiftctrl >> 25);
    c->push_threshold = (u8)bit_count(c->shiftctrl >> 20);
    c->out_right = c->shiftctrl >> 19 & 1;
    c->in_right = c->shiftctrl >> 18 & 1;
    c->autopull = c->shiftctrl >> 17 & 1;
    c->autopush = c->shiftctrl >> 16 & 1;
    c->depth[PIO_TX] = join_rx ? 0 : join_tx ? 2 * PIO_FIFO_DEPTH : PIO_FIFO_DEPTH;
    c->depth[PIO_RX] = join_tx ? 0 : join_rx ? 2 * PIO_FIFO_DEPTH : PIO_FIFO_DEPTH;

    c->out_base = c->pinctrl & 31;
    c->set_base = c->pinctrl >> 5 & 31;
    c->side_base = c->pinctrl >> 10 & 31;
    c->in_base = c->pinctrl >> 15 & 31;
    c->out_mask = rotate_left(ones(at_most(c->pinctrl >> 20 & 63, 32)), c->out_base);
    c->set_mask = rotate_left(ones(at_most(c->pinctrl >> 26 & 7, 5)), c->set_base);
    c->side_shift = (u8)(5 - side_bits);
    c->delay_mask = (u8)ones(5 - side_bits);
    if (side_bits && c->side_optional)
        side_bits--;
    c->side_mask = rotate_left(ones(side_bits), c->side_base);
}

void pio_restart(struct pio_machine *sm)
{
    struct pio_state *s = &sm->s;
    s->isr = 0;
    s->isr_count = 0;
    s->osr_count = 32;
    s->delay = 0;
    s->latched = s->exec_stalled = s->irq_waiting = s->blocked = s->stalled = false;
    s->sticky_mask = 0;
}

/* -- Clock dividers (3.5.5): a running total of the fraction; where it wraps, the period after the next is a cycle
 * longer. With t(n) the cycle of enable n: 256 (t + carry) + total grows by the divisor from one to the next. -- */

void pio_restart_divider(struct pio_machine *sm, u64 now)
{
    sm->tick = now;
    sm->s.accumulator = 0;
    sm->s.carry = false;
}

static u64 position_after(const struct pio_machine *sm, u64 ticks)
{
    return ((sm->tick + sm->s.carry) << 8) + sm->s.accumulator + ticks * sm->c.divider;
}

static bool carry_at(const struct pio_machine *sm, u64 position)
{
    return (position & 0xff) < (sm->c.divider & 0xff);
}

static u64 tick_after(const struct pio_machine *sm, u32 ticks)
{
    if (!ticks)
        return sm->tick;
    u64 position = position_after(sm, ticks);
    return (position >> 8) - carry_at(sm, position);
}

static void skip_ticks(struct pio_machine *sm, u64 ticks)
{
    if (!ticks)
        return;
    u64 position = position_after(sm, ticks);
    sm->s.carry = carry_at(sm, position);
    sm->s.accumulator = (u8)position;
    sm->tick = (position >> 8) - sm->s.carry;
}

static u64 skip_ticks_before(struct pio_machine *sm, u64 until)
{
    u64 skipped = 0;
    if (sm->tick >= until)
        return 0;
    u64 about = ((until - sm->tick) << 8) / sm->c.divider;
    if (about > 2) {
        skipped = about - 2;
        skip_ticks(sm, skipped);
    }
    for (; sm->tick < until; skipped++)
        skip_ticks(sm, 1);
    return skipped;
}

void pio_catch_up_divider(struct pio_machine *sm, u64 now)
{
    skip_ticks_before(sm, now);
}

/* -- FIFOs (3.5.3) -- */

bool pio_push(struct pio_machine *sm, u32 fifo, u32 word)
{
    struct pio_state *s = &sm->s;
    if (s->count[fifo] >= sm->c.depth[fifo])
        return false;
    s->fifo[fifo][(s->first[fifo] + s->count[fifo]) % (2 * PIO_FIFO_DEPTH)] = word;
    s->count[fifo]++;
    return true;
}

bool pio_pop(struct pio_machine *sm, u32 fifo, u32 *word)
{
    struct pio_state *s = &sm->s;
    if (!s->count[fifo])
        return false;
    *word = s->fifo[fifo][s->first[fifo]];
    s->first[fifo] = (u8)(s->first[fifo] + 1) % (2 * PIO_FIFO_DEPTH);
    s->count[fifo]--;
    return true;
}

u32 pio_dreqs(const struct pio *b)
{
    u32 result = 0;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        const struct pio_machine *sm = &b->sm[i];
        result |= (u32)(sm->s.count[PIO_TX] < sm->c.depth[PIO_TX]) << i;
        result |= (u32)(sm->s.count[PIO_RX] > 0) << (PIO_MACHINES + i);
    }
    return result;
}

u32 pio_intr(const struct pio *b)
{
    u32 dreqs = pio_dreqs(b);
    return dreqs >> PIO_MACHINES | (dreqs & 0xf) << PIO_MACHINES | (b->irq & LINE_FLAGS) << INTR_FLAGS_LSB;
}

u32 pio_lines(const struct pio *b)
{
    u32 intr = pio_intr(b), result = 0;
    for (u32 line = 0; line < 2; line++)
        result |= (u32)(((intr & b->inte[line]) | b->intf[line]) != 0) << line;
    return result;
}

/* -- Inputs (3.5.6.3) -- */

void pio_record_inputs(struct pio *b, u32 inputs, u64 from)
{
    if (inputs == b->input[0])
        return;
    if (b->since[0] != from) {
        for (u32 i = PIO_INPUTS_KEPT - 1; i; i--) {
            b->input[i] = b->input[i - 1];
            b->since[i] = b->since[i - 1];
        }
        b->since[0] = from;
    }
    b->input[0] = inputs;
}

static u32 inputs_seen(const struct pio *b, u64 cycle)
{
    u32 i = 0;
    while (i < PIO_INPUTS_KEPT - 1 && b->since[i] + SYNCHRONISER > cycle)
        i++;
    return (b->input[0] & b->bypass) | (b->input[i] & ~b->bypass);
}

static bool inputs_settled(const struct pio *b, u64 cycle)
{
    return b->since[0] + SYNCHRONISER <= cycle;
}

void pio_wake(struct pio *b)
{
    for (u32 i = 0; i < PIO_MACHINES; i++)
        b->sm[i].s.blocked = false;
}

#include "pio_execute.inc"

/* -- One cycle -- */

static void side_set(struct run *r, const struct pio_config *c, u32 op)
{
    u32 field = op >> 8 & 31;
    if (!c->side_mask || (c->side_optional && !(field >> 4)))
        return;
    write_pins(r, c->side_dirs ? DIRECTIONS : LEVELS, rotate_left(field >> c->side_shift, c->side_base), c->side_mask);
}

static void assert_sticky(struct run *r, const struct pio_state *s)
{
    if (UNLIKELY(s->sticky_mask))
        write_pins(r, s->sticky_dirs ? DIRECTIONS : LEVELS, s->sticky_value, s->sticky_mask);
}

/* Machine i has no clock enable, or waits: a stalled instruction's side-set stands as well. */
static void assert_between(struct run *r, u32 i)
{
    const struct pio_machine *sm = &r->b->sm[i];
    assert_sticky(r, &sm->s);
    if (sm->s.stalled && sm->s.sticky_mask && pio_runs(r->b, i))
        side_set(r, &sm->c, sm->s.stalled_op);
}

/* Machine i has its clock enable, or an instruction was written to its INSTR register. */
static void clock_machine(struct run *r, u32 i)
{
    struct pio *b = r->b;
    struct pio_machine *sm = &b->sm[i];
    struct pio_state *s = &sm->s;
    const struct pio_config *c = &sm->c;
    bool forced = sm->forced, latched = !forced && s->latched, from_instr = forced || (latched && s->exec_stalled);
    u32 op = forced ? sm->instruction : latched ? s->latch : b->memory[s->pc];

    assert_sticky(r, s);
    if (latched)
        s->latched = s->exec_stalled = false;
    sm->forced = false;
    enum outcome outcome = execute(r, i, op);
    side_set(r, c, op);
    s->stalled = outcome >= STALLED;
    s->stalled_op = s->stalled ? (u16)op : 0;
    if (outcome >= STALLED) {
        if (forced || latched) {
            s->latch = (u16)op;
            s->latched = true;
            s->exec_stalled = from_instr;
        }
        s->blocked = outcome != STALLED_FOR_NOW && !sm->reach.contended;
        s->starved = outcome == STARVED;
    } else {
        if (!from_instr && outcome != LATCHED)
            s->delay = (u8)(op >> 8 & c->delay_mask);
        if (!forced && !latched && outcome != JUMPED)
            s->pc = s->pc == c->wrap_top ? c->wrap_bottom : (s->pc + 1) & 31;
    }
    if (op >> 13 != OP_OUT)
        autopull(r, sm);
}

/* When machine i has to be clocked next: delays are skipped unless a word waits that autopull would fetch meanwhile. */
static u64 acts_at(const struct pio *b, u32 i)
{
    const struct pio_machine *sm = &b->sm[i];
    if (UNLIKELY(sm->forced))
        return sm->forced_at;
    if (!pio_runs(b, i) || sm->s.blocked)
        return NEVER;
    if (sm->c.autopull && sm->s.osr_count >= sm->c.pull_threshold && sm->s.count[PIO_TX])
        return sm->tick;
    return tick_after(sm, sm->s.delay);
}

static void act(struct run *r, u32 i)
{
    struct pio_machine *sm = &r->b->sm[i];
    if (UNLIKELY(sm->forced)) {
        clock_machine(r, i);
        if (sm->tick == r->now)
            skip_ticks(sm, 1); /* it stood in for what the machine would have executed */
        return;
    }
    if (sm->tick == r->now && sm->s.delay) {
        sm->s.delay--;
        assert_sticky(r, &sm->s);
        autopull(r, sm);
    } else {
        skip_ticks(sm, sm->s.delay);
        sm->s.delay = 0;
        clock_machine(r, i);
    }
    skip_ticks(sm, 1);
}

/* What the machines have written takes effect. Says whether somebody outside can see it. */
static bool end_cycle(struct run *r, u32 watched)
{
    struct pio *b = r->b;
    bool visible = false;
    u32 out = ((b->out & ~r->mask[LEVELS]) | r->value[LEVELS]) & PIO_PINS;
    u32 oe = ((b->oe & ~r->mask[DIRECTIONS]) | r->value[DIRECTIONS]) & PIO_PINS;
    u32 changed = (out ^ b->out) | (oe ^ b->oe);
    if (changed) {
        b->rose |= out & ~b->out;
        b->fell |= b->out & ~out;
        b->out = out;
        b->oe = oe;
        visible = changed & watched;
        if (changed & b->reads & b->selected) {
            pio_record_inputs(b, pins_inputs_with(r->p, FUNC_PIO0 + r->which, out, oe), r->now + 1);
            pio_wake(b);
        }
    }
    if (r->irq_set | r->irq_clear) {
        b->irq = (b->irq & ~r->irq_clear) | r->irq_set;
        pio_wake(b);
    }
    return visible;
}

/* -- Periods -- */

struct anchor { /* where a group has been */
    struct pio_machine sm[PIO_MACHINES];
    u32 irq, out, oe, input[PIO_INPUTS_KEPT];
    u64 age[PIO_INPUTS_KEPT], at;
    u32 turns, allowed; /* of the group's loop since then; after so many another one is set (Brent) */
};

static u64 input_age(const struct pio *b, u32 i, u64 now)
{
    u64 age = now + 1 - b->since[i];
    return age < PIO_INPUTS_KEPT ? age : PIO_INPUTS_KEPT;
}

/* Dividers run on while their machine stalls. */
static void catch_up_blocked(struct run *r)
{
    for (u32 i = 0; i < PIO_MACHINES; i++)
        if (r->group >> i & 1 && r->b->sm[i].s.blocked)
            skip_ticks_before(&r->b->sm[i], r->now + 1);
}

static void set_anchor(struct run *r, struct anchor *a, u32 allowed)
{
    const struct pio *b = r->b;
    catch_up_blocked(r);
    for (u32 i = 0; i < PIO_MACHINES; i++)
        if (r->group >> i & 1)
            a->sm[i] = b->sm[i];
    a->irq = b->irq;
    a->out = b->out;
    a->oe = b->oe;
    a->at = r->now;
    for (u32 i = 0; i < PIO_INPUTS_KEPT; i++) {
        a->input[i] = b->input[i];
        a->age[i] = input_age(b, i, r->now);
    }
    a->turns = 0;
    a->allowed = allowed;
    memset(r->counted, 0, sizeof r->counted);
    r->used[0] = r->used[1] = 0;
}

static bool same_machine(const struct pio_machine *x, const struct pio_machine *y, u64 apart)
{
    return x->s.pc == y->s.pc && y->tick - x->tick == apart
        && !memcmp(&x->s.isr, &y->s.isr, sizeof x->s - offsetof(struct pio_state, isr));
}

/* How many periods of a scratch register that only counts down: as many as do not take it below zero. */
static bool limit_by(const struct run *r, u32 which, u32 i, u32 before, u32 now, u64 *periods)
{
    u32 difference = before - now;
    if (!difference)
        return true;
    if (r->used[which] >> i & 1 || r->counted[which][i] != difference)
        return false;
    if (now / difference < *periods)
        *periods = now / difference;
    return true;
}

/* Is the group where it was? Then moves it on by whole periods, short of `until`. endless: it would stay so for ever. */
static bool skip_periods(struct run *r, const struct anchor *a, u64 until, bool *endless)
{
    struct pio *b = r->b;
    u64 period = r->now - a->at, periods = (until - 1 - r->now) / period, most = periods;
    if (a->irq != b->irq || a->out != b->out || a->oe != b->oe)
        return false;
    catch_up_blocked(r);
    for (u32 i = 0; i < PIO_INPUTS_KEPT; i++)
        if (a->input[i] != b->input[i] || a->age[i] != input_age(b, i, r->now))
            return false;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        if (!(r->group >> i & 1) || (r->at[i] == NEVER && !pio_runs(b, i)))
            continue;
        if (!same_machine(&a->sm[i], &b->sm[i], period))
            return false;
        u64 counts = NEVER;
        if (!limit_by(r, 0, i, a->sm[i].s.x, b->sm[i].s.x, &counts)
            || !limit_by(r, 1, i, a->sm[i].s.y, b->sm[i].s.y, &counts))
            return false;
        if (counts != NEVER)
            *endless = false;
        if (counts < periods)
            periods = counts;
    }
    if (periods < most)
        *endless = false;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        if (!(r->group >> i & 1) || r->at[i] == NEVER)
            continue;
        b->sm[i].s.x -= (u32)periods * (a->sm[i].s.x - b->sm[i].s.x);
        b->sm[i].s.y -= (u32)periods * (a->sm[i].s.y - b->sm[i].s.y);
        b->sm[i].tick += periods * period;
        r->at[i] += periods * period;
    }
    for (u32 i = 0; i < PIO_INPUTS_KEPT; i++)
        if (a->age[i] < PIO_INPUTS_KEPT) /* the group's own outputs; older changes may still be news to other groups */
            b->since[i] += periods * period;
    r->now += periods * period;
    return true;
}

/* -- A group, up to some cycle -- */

static bool sticky_acts(const struct pio *b, u32 group)
{
    for (u32 i = 0; i < PIO_MACHINES; i++)
        if (group >> i & 1 && b->sm[i].s.sticky_mask)
            return true;
    return false;
}

static void finish(struct run *r, u64 until)
{
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        struct pio_machine *sm = &r->b->sm[i];
        if (!(r->group >> i & 1))
            continue;
        u64 skipped = skip_ticks_before(sm, until);
        if (skipped && pio_runs(r->b, i) && !sm->s.blocked)
            sm->s.delay = (u8)(sm->s.delay - skipped);
    }
}

static u64 run_group(struct run *r, u64 until, bool look, u32 watched, bool *found)
{
    struct pio *b = r->b;
    u32 dreqs = pio_dreqs(b), lines = pio_lines(b);
    bool sticky = sticky_acts(b, r->group);
    u64 settle = sticky ? b->time : NEVER; /* OUT_STICKY asserts itself again a cycle after a write */
    struct anchor anchor;
    u32 leader = PIO_MACHINES;

    for (u32 i = 0; i < PIO_MACHINES; i++)
        r->at[i] = r->group >> i & 1 ? acts_at(b, i) : NEVER;
    for (;;) {
        u64 next = settle;
        for (u32 i = 0; i < PIO_MACHINES; i++)
            if (r->at[i] < next)
                next = r->at[i];
        if (next >= until) {
            if (!look)
                finish(r, until);
            return next == NEVER ? NEVER : until;
        }
        r->now = next;
        r->value[0] = r->value[1] = r->mask[0] = r->mask[1] = 0;
        r->irq_set = r->irq_clear = 0;
        r->fifos = false;
        bool turned = false, acted = false;
        for (u32 i = 0; i < PIO_MACHINES; i++) {
            struct pio_state *s = &b->sm[i].s;
            if (r->at[i] != next) {
                if (UNLIKELY(sticky) && r->group >> i & 1)
                    assert_between(r, i);
                continue;
            }
            u32 pc = s->pc;
            act(r, i);
            acted = true;
            if (s->pc <= pc && !s->blocked) {
                if (leader == PIO_MACHINES || (b->sm[leader].s.blocked && leader != i)) {
                    leader = i;
                    set_anchor(r, &anchor, 1);
                }
                turned |= leader == i;
            }
            sticky |= s->sticky_mask != 0;
        }
        bool visible = end_cycle(r, watched);
        settle = UNLIKELY(sticky && acted) ? next + 1 : NEVER;
        for (u32 i = 0; i < PIO_MACHINES; i++)
            if (r->group >> i & 1 && (r->at[i] == next || (r->at[i] == NEVER && !b->sm[i].s.blocked))) {
                if (r->at[i] == NEVER)
                    skip_ticks_before(&b->sm[i], next + 1);
                r->at[i] = acts_at(b, i);
            }
        if (look) {
            if (!visible && (r->fifos || (r->irq_set | r->irq_clear)))
                visible = ((pio_dreqs(b) ^ dreqs) & b->listened) || pio_lines(b) != lines;
            if (visible) {
                *found = true;
                return next + 1;
            }
        }
        if (turned && settle == NEVER) {
            bool endless = true;
            if (anchor.at != r->now && skip_periods(r, &anchor, until, &endless)) {
                if (look && endless)
                    return NEVER;
                set_anchor(r, &anchor, 1);
            } else if (++anchor.turns > anchor.allowed) {
                set_anchor(r, &anchor, 2 * anchor.allowed);
            }
        }
    }
}

/* -- All groups -- */

static void run_groups(struct pico *p, u32 which, u32 machines, u64 until)
{
    struct pio *b = &p->m.pio[which];
    if (until <= b->time)
        return;
    while (machines) {
        u32 group = b->sm[__builtin_ctz(machines)].group;
        struct run r = {.p = p, .b = b, .which = which, .group = group};
        run_group(&r, until, false, 0, NULL);
        machines &= ~group;
    }
    b->time = until;
}

void pio_run(struct pico *p, u32 which, u64 until)
{
    run_groups(p, which, p->m.pio[which].running, until);
}

void pio_run_to_event(struct pico *p, u32 which)
{
    struct pio *b = &p->m.pio[which];
    struct foreseen *foreseen = &p->foreseen[which];
    u64 event = b->event, horizon = b->horizon;
    if (!foreseen->valid || foreseen->from != b->time) {
        pio_run(p, which, event);
        return;
    }
    foreseen->valid = false;
    *b = foreseen->state;
    b->event = event;
    b->horizon = horizon;
    run_groups(p, which, b->running & ~foreseen->group, event);
}

/* Could anybody notice what this group does? */
static bool could_be_seen(const struct pio *b, u32 group, u32 watched)
{
    u32 enabled = b->inte[0] | b->inte[1], flags = enabled >> INTR_FLAGS_LSB & LINE_FLAGS;
    u32 tx = b->listened | enabled >> PIO_MACHINES, rx = b->listened >> PIO_MACHINES | enabled;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        const struct pio_machine *sm = &b->sm[i];
        if (group >> i & 1
            && (sm->forced || sm->reach.writes & watched || sm->reach.irq_writes & flags
                || (tx >> i & 1 && sm->reach.pulls && sm->s.count[PIO_TX])
                || (rx >> i & 1 && sm->reach.pushes && sm->s.count[PIO_RX] < sm->c.depth[PIO_RX])))
            return true;
    }
    return false;
}

u64 pio_look_ahead(struct pico *p, u32 which, u64 until, bool *found)
{
    const struct pio *b = &p->m.pio[which];
    struct foreseen *foreseen = &p->foreseen[which];
    struct pio other;
    u64 event = NEVER;
    *found = foreseen->valid = false;
    for (u32 left = b->running; left;) {
        u32 group = b->sm[__builtin_ctz(left)].group;
        left &= ~group;
        if (!could_be_seen(b, group, b->watched))
            continue;
        struct pio *scratch = *found ? &other : &foreseen->state;
        *scratch = *b;
        struct run r = {.p = p, .b = scratch, .which = which, .group = group};
        bool here = false;
        u64 at = run_group(&r, *found ? event : until, true, b->watched, &here);
        if (here) {
            finish(&r, at);
            if (*found)
                foreseen->state = other;
            foreseen->group = group;
            foreseen->from = b->time;
        }
        if (here || (at != NEVER && !*found)) {
            event = at;
            *found |= here;
        }
    }
    foreseen->valid = *found;
    return event;
}

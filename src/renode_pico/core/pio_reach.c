/* PIO: what programs can do from where they stand, and which machines have to be run together. */
#include <string.h>

#include "pio_instructions.h"
#include "pio_machine.h"

struct reached {
    u32 places; /* addresses that can be executed */
    bool anywhere;
};

static void follow(const struct pio *b, u32 i, struct reached *reached, u32 op);

static void follow_from(const struct pio *b, u32 i, struct reached *reached, u32 pc)
{
    const struct pio_config *c = &b->sm[i].c;
    while (!(reached->places >> pc & 1)) {
        u32 op = b->memory[pc];
        reached->places |= 1u << pc;
        follow(b, i, reached, op);
        if (op >> 13 == OP_JMP && (op >> 5 & 7) == JMP_ALWAYS)
            return;
        pc = pc == c->wrap_top ? c->wrap_bottom : (pc + 1) & 31;
    }
}

/* Where else an instruction may lead. */
static void follow(const struct pio *b, u32 i, struct reached *reached, u32 op)
{
    u32 destination = op >> 5 & 7;
    if (op >> 13 == OP_JMP)
        follow_from(b, i, reached, op & 31);
    else if (op >> 13 == OP_OUT && destination >= OUT_PC && destination != OUT_ISR)
        reached->anywhere |= destination == OUT_EXEC, reached->places = ~0u;
    else if (op >> 13 == OP_MOV && (destination == MOV_EXEC || destination == MOV_PC))
        reached->anywhere |= destination == MOV_EXEC, reached->places = ~0u;
}

static void add_effects(struct pio_reach *reach, const struct pio_config *c, u32 i, u32 op)
{
    u32 field = op >> 5 & 7;
    if (!c->side_optional || op >> 12 & 1)
        reach->writes |= c->side_mask;
    switch (op >> 13) {
    case OP_JMP:
        if (field == JMP_PIN)
            reach->reads |= 1u << c->jmp_pin;
        break;
    case OP_WAIT:
        if ((field & 3) == WAIT_IRQ) {
            reach->irq_reads |= (u8)flag_of(op, i);
            if (op & WAIT_POLARITY)
                reach->irq_writes |= (u8)flag_of(op, i);
        } else {
            reach->reads |= 1u << (((field & 3) == WAIT_PIN ? op + c->in_base : op) & 31);
        }
        break;
    case OP_IN:
        if (field == IN_PINS)
            reach->reads |= rotate_left(ones(bit_count(op)), c->in_base);
        reach->pushes |= c->autopush;
        break;
    case OP_OUT:
        if (field == OUT_PINS || field == OUT_PINDIRS)
            reach->writes |= c->out_mask;
        break;
    case OP_PUSH_PULL:
        *(op & PULL_BIT ? &reach->pulls : &reach->pushes) = true;
        break;
    case OP_MOV:
        if ((op & 7) == SOURCE_PINS)
            reach->reads = ~0u;
        if (field == MOV_PINS)
            reach->writes |= c->out_mask;
        break;
    case OP_IRQ:
        reach->irq_writes |= (u8)flag_of(op, i);
        if (op & IRQ_WAIT)
            reach->irq_reads |= (u8)flag_of(op, i);
        break;
    case OP_SET:
        if (field == SET_PINS || field == SET_PINDIRS)
            reach->writes |= c->set_mask;
        break;
    }
}

static void analyse_machine(const struct pio *b, u32 i, struct pio_reach *reach)
{
    const struct pio_machine *sm = &b->sm[i];
    const struct pio_config *c = &sm->c;
    struct reached reached = {0};
    memset(reach, 0, sizeof *reach);
    if (b->enabled >> i & 1)
        follow_from(b, i, &reached, sm->s.pc);
    if (sm->forced) {
        follow(b, i, &reached, sm->instruction);
        add_effects(reach, c, i, sm->instruction);
    }
    if (sm->s.latched) {
        follow(b, i, &reached, sm->s.latch);
        add_effects(reach, c, i, sm->s.latch);
    }
    if (reached.anywhere) {
        *reach = (struct pio_reach){.reads = ~0u, .irq_reads = 0xff, .irq_writes = 0xff, .pulls = true, .pushes = true};
        reach->writes = c->out_mask | c->set_mask | c->side_mask;
    }
    for (u32 pc = 0; pc < PIO_MEMORY; pc++)
        if (reached.places >> pc & 1)
            add_effects(reach, c, i, b->memory[pc]);
    reach->pulls |= c->autopull;
    if (sm->s.sticky_mask)
        reach->writes |= sm->s.sticky_mask;
}

/* Which machines have to be run together. */
static void make_groups(struct pio *b)
{
    u32 readers = 0, told = 0;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        readers |= (u32)(b->sm[i].reach.reads != 0) << i;
        told |= b->sm[i].reach.writes & b->selected;
        b->sm[i].reach.contended = false;
        b->sm[i].group = 1u << i;
    }
    bool talk = told & b->reads;
    for (u32 i = 0; i < PIO_MACHINES; i++)
        for (u32 j = 0; j < PIO_MACHINES; j++) {
            struct pio_reach *x = &b->sm[i].reach, *y = &b->sm[j].reach;
            if (i == j || !(b->running >> i & b->running >> j & 1))
                continue;
            bool both = x->writes & y->writes;
            x->contended |= both;
            if (both || x->irq_writes & (y->irq_reads | y->irq_writes)
                || (talk && readers >> i & 1 && (readers >> j & 1 || y->writes & b->reads & b->selected)))
                b->sm[i].group |= b->sm[j].group;
        }
    for (u32 pass = 0; pass < 3; pass++)
        for (u32 i = 0; i < PIO_MACHINES; i++)
            for (u32 j = 0; j < PIO_MACHINES; j++)
                if (b->sm[i].group & b->sm[j].group)
                    b->sm[i].group |= b->sm[j].group;
}

void pio_analyse(struct pio *b)
{
    b->running = 0;
    b->reads = 0;
    for (u32 i = 0; i < PIO_MACHINES; i++) {
        struct pio_machine *sm = &b->sm[i];
        if (pio_runs(b, i) || sm->forced || sm->s.sticky_mask)
            b->running |= 1u << i;
        analyse_machine(b, i, &sm->reach);
        b->reads |= sm->reach.reads;
    }
    make_groups(b);
    b->stale = false;
}

u32 pio_looks_at(const struct pio *b)
{
    u32 result = 0;
    for (u32 i = 0; b->reads && i < PIO_MACHINES; i++) {
        const struct pio_machine *sm = &b->sm[i];
        if (!(sm->s.blocked && sm->s.starved && !sm->forced))
            result |= sm->reach.reads;
    }
    return result;
}

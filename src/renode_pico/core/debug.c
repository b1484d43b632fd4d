/* What a debugger sets: breakpoints, watchpoints, single steps. They cost nothing while there are none. */
#include "pico.h"

static void hit(struct pico *p, const struct core *c, enum debug_hit what, u32 address)
{
    p->debug.hit = (u8)what;
    p->debug.hit_core = c->number;
    p->debug.hit_address = address;
    p->m.attention = true;
}

bool must_stop(struct pico *p, struct core *c, u32 pc)
{
    struct debug *d = &p->debug;
    if (d->hit)
        return true;
    if (d->stepping >> c->number & 1)
        hit(p, c, HIT_STEP, pc);
    for (u32 n = 0; n < d->breakpoints; n++)
        if (d->breakpoint[n] == pc)
            hit(p, c, HIT_BREAKPOINT, pc);
    return d->hit;
}

void debug_bkpt(struct pico *p, struct core *c, u32 pc) { hit(p, c, HIT_BREAKPOINT, pc); }

void debug_access(struct pico *p, struct core *c, u32 address, u32 size, bool write)
{
    struct debug *d = &p->debug;
    for (u32 n = 0; n < d->watchpoints; n++) {
        const struct watchpoint *w = &d->watchpoint[n];
        if (address < w->address + w->length && w->address < address + size && (write ? w->on_write : w->on_read))
            hit(p, c, HIT_WATCHPOINT, w->address);
    }
}

/* TIMER (RP2040 datasheet, 4.6): counts the watchdog's tick, four alarms on the lower 32 bits of that. */
#include "pico.h"

enum {
    TIMEHW = 0x00, TIMELW = 0x04, TIMEHR = 0x08, TIMELR = 0x0C, ALARM0 = 0x10, ALARM3 = 0x1C, ARMED = 0x20,
    TIMERAWH = 0x24, TIMERAWL = 0x28, DBGPAUSE = 0x2C, PAUSE = 0x30, INTR = 0x34, INTE = 0x38, INTF = 0x3C, INTS = 0x40,
    ALARMS = 4, ALARM_BITS = 0xF, DBGPAUSE_BITS = 6, NS_PER_US = 1000, PS_PER_NS = 1000, PS_PER_US = 1000000, TIMER_IRQ_0 = 0,
};

static u64 microseconds(const struct pico *p)
{
    return ns_of(&p->m, p->m.now) / NS_PER_US;
}

static bool is_usual(const struct timer *t) { return t->tick_ps == PS_PER_US; }

/* A tick of a microsecond comes with each whole one since power-on; any other begins where it was set. */
static u64 count(const struct pico *p)
{
    const struct timer *t = &p->m.timer;
    if (t->paused)
        return t->paused_at;
    if (is_usual(t))
        return microseconds(p) + t->offset_us;
    return t->tick_ps ? t->from_count + (ns_of(&p->m, p->m.now) - t->from_ns) * PS_PER_NS / t->tick_ps : t->from_count;
}

static void update(struct pico *p)
{
    struct timer *t = &p->m.timer;
    u32 status = (t->intr & t->inte) | t->intf;
    for (u32 n = 0; n < ALARMS; n++)
        set_irq(p, TIMER_IRQ_0 + n, status >> n & 1);
}

/* An alarm is due when the lower 32 bits come to equal it: within 2^32 microseconds. */
static void schedule(struct pico *p)
{
    struct timer *t = &p->m.timer;
    u64 next = NEVER, now = count(p);
    for (u32 n = 0; n < ALARMS && !t->paused && t->tick_ps; n++) {
        u32 low = t->alarm[n] - (u32)now;
        u64 wait = low ? low : 1ull << 32, at;
        if (!(t->armed >> n & 1))
            continue;
        if (is_usual(t))
            at = (microseconds(p) + wait) * NS_PER_US;
        else
            at = t->from_ns + ((now - t->from_count + wait) * t->tick_ps + PS_PER_NS - 1) / PS_PER_NS;
        at = cycle_at_ns(&p->m, at);
        if (t->due[n] == NEVER)
            t->due[n] = at;
        if (t->due[n] < next)
            next = t->due[n];
    }
    set_due(p, DUE_TIMER, next);
}

static void schedule_all(struct pico *p)
{
    for (u32 n = 0; n < ALARMS; n++)
        p->m.timer.due[n] = NEVER;
    schedule(p);
}

void timer_due(struct pico *p)
{
    struct timer *t = &p->m.timer;
    for (u32 n = 0; n < ALARMS; n++)
        if ((t->armed >> n & 1) && t->due[n] <= p->m.now) {
            t->armed &= ~(1u << n);
            t->due[n] = NEVER;
            t->intr |= 1u << n;
        }
    update(p);
    schedule(p);
}

void timer_rescale(struct pico *p)
{
    schedule_all(p);
}

static void set_count(struct pico *p, u64 value)
{
    struct timer *t = &p->m.timer;
    if (t->paused)
        t->paused_at = value;
    else {
        t->offset_us = value - microseconds(p);
        t->from_count = value;
        t->from_ns = ns_of(&p->m, p->m.now);
    }
    schedule_all(p);
}

void timer_set_tick(struct pico *p, u64 picoseconds)
{
    struct timer *t = &p->m.timer;
    u64 at = count(p);
    if (picoseconds == t->tick_ps)
        return;
    t->tick_ps = picoseconds;
    set_count(p, at);
}

static void set_paused(struct pico *p, bool paused)
{
    struct timer *t = &p->m.timer;
    u64 at = count(p);
    if (paused == t->paused)
        return;
    t->paused = paused;
    set_count(p, at);
}

u32 timer_read(struct pico *p, u32 offset)
{
    struct timer *t = &p->m.timer;
    u64 now;
    switch (offset) {
    case TIMEHR: return t->latched_high;
    case TIMELR:
        now = count(p);
        t->latched_high = (u32)(now >> 32);
        return (u32)now;
    case ALARM0: case ALARM0 + 4: case ALARM0 + 8: case ALARM3: return t->alarm[(offset - ALARM0) >> 2];
    case ARMED: return t->armed;
    case TIMERAWH: return (u32)(count(p) >> 32);
    case TIMERAWL: return (u32)count(p);
    case DBGPAUSE: return t->dbgpause;
    case PAUSE: return t->paused;
    case INTR: return t->intr;
    case INTE: return t->inte;
    case INTF: return t->intf;
    case INTS: return (t->intr & t->inte) | t->intf;
    default:
        if (offset > INTS)
            p->host.unmodelled(0x40054000 + offset, 0);
        return 0;
    }
}

void timer_write(struct pico *p, u32 offset, u32 raw, enum alias alias)
{
    struct timer *t = &p->m.timer;
    u32 n;
    switch (offset) {
    case TIMEHW: set_count(p, (u64)raw << 32 | t->write_low); break;
    case TIMELW: t->write_low = raw; break;
    case ALARM0: case ALARM0 + 4: case ALARM0 + 8: case ALARM3:
        n = (offset - ALARM0) >> 2;
        t->alarm[n] = alias_apply(t->alarm[n], raw, alias);
        t->armed |= 1u << n;
        t->due[n] = NEVER;
        schedule(p);
        break;
    case ARMED:
        t->armed &= ~raw;
        for (n = 0; n < ALARMS; n++)
            if (raw >> n & 1)
                t->due[n] = NEVER;
        schedule(p);
        break;
    case DBGPAUSE: t->dbgpause = alias_apply(t->dbgpause, raw, alias) & DBGPAUSE_BITS; break;
    case PAUSE: set_paused(p, alias_apply(t->paused, raw, alias) & 1); break;
    case INTR: t->intr &= ~raw; break;
    case INTE: t->inte = alias_apply(t->inte, raw, alias) & ALARM_BITS; break;
    case INTF: t->intf = alias_apply(t->intf, raw, alias) & ALARM_BITS; break;
    case INTS: case TIMEHR: case TIMELR: case TIMERAWH: case TIMERAWL: break; /* read only */
    default: p->host.unmodelled(0x40054000 + offset, 1);
    }
    update(p);
}

void timer_reset(struct pico *p)
{
    p->m.timer = (struct timer){.dbgpause = 7 & DBGPAUSE_BITS, .tick_ps = p->m.timer.tick_ps};
    set_count(p, 0);
    update(p);
}

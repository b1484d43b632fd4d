/* The machine as a whole: time, events, whose turn it is; what Python calls; snapshots. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#include "pico.h"

#define API __attribute__((visibility("default")))

enum {
    DEFAULT_HZ = 125000000,
    SLICE = 24, /* cycles that one core goes ahead while the other is awake, too: about a turn of a spin lock's loop */
    HEAD = offsetof(struct machine, sram), /* the part of the state that snapshots copy in one piece */
    GRANULES = SRAM_SIZE >> GRANULE_BITS,
    SECTORS = FLASH_SIZE >> SECTOR_BITS,
};

enum run { RUN_DEADLINE, RUN_ALARM, RUN_STOPPED, RUN_SEMIHOSTING, RUN_DEBUG, RUN_LOCKED_UP, RUN_RESET_REQUEST, RUN_CORE1_MISSED,
           RUN_NO_HANDLER };

/* -- Time -- */

u64 ns_of(const struct machine *m, u64 cycle)
{
    u64 since = cycle - m->base_cycles;
    if (m->hz == DEFAULT_HZ)
        return m->base_ns + since * 8;
    return m->base_ns + since / m->hz * 1000000000u + since % m->hz * 1000000000u / m->hz;
}

u64 cycle_at_ns(const struct machine *m, u64 ns)
{
    u64 since;
    if (ns <= m->base_ns)
        return m->base_cycles;
    since = ns - m->base_ns;
    if (m->hz == DEFAULT_HZ)
        return m->base_cycles + (since + 7) / 8;
    return m->base_cycles + since / 1000000000u * m->hz + (since % 1000000000u * m->hz + 999999999u) / 1000000000u;
}

void set_due(struct pico *p, enum due which, u64 cycle)
{
    struct machine *m = &p->m;
    u64 before = m->due[which];
    m->due[which] = cycle;
    if (cycle < m->next_due) {
        m->next_due = cycle;
    } else if (before == m->next_due) {
        m->next_due = NEVER;
        for (u32 n = 0; n < DUES; n++)
            if (m->due[n] < m->next_due)
                m->next_due = m->due[n];
    }
    if (cycle < m->run_until)
        m->attention = true;
}

static void hold_up_is_over(struct pico *p)
{
    p->m.core[0].held_up = p->m.core[1].held_up = false;
}

static void happen(struct pico *p, enum due which)
{
    switch (which) {
    case DUE_TIMER: timer_due(p); break;
    case DUE_SYSTICK0: systick_due(p, &p->m.core[0]); break;
    case DUE_SYSTICK1: systick_due(p, &p->m.core[1]); break;
    case DUE_PIO0: pio_due(p, 0); break;
    case DUE_PIO1: pio_due(p, 1); break;
    case DUE_PWM: pwm_due(p); break;
    case DUE_DMA: dma_due(p); break;
    case DUE_SSI: ssi_due(p); break;
    case DUE_HOLD_UP: hold_up_is_over(p); break;
    default: break;
    }
}

static void let_happen(struct pico *p)
{
    struct machine *m = &p->m;
    for (u32 n = 0; n < DUE_PYTHON && m->next_due <= m->now; n++)
        if (m->due[n] <= m->now) {
            u64 was = m->due[n];
            happen(p, (enum due)n);
            if (m->due[n] == was)
                set_due(p, (enum due)n, NEVER); /* it had nothing to do after all */
        }
}

/* -- Signals between the parts -- */

void set_irq_for(struct pico *p, u32 core, u32 number, bool level)
{
    struct core *c = &p->m.core[core];
    if (level == (c->irq_level >> number & 1))
        return;
    if (level && (p->m.nmi_mask[core] >> number & 1))
        core_nmi(p, c);
    core_irq(p, c, number, level);
}

void set_irq(struct pico *p, u32 number, bool level)
{
    set_irq_for(p, 0, number, level);
    set_irq_for(p, 1, number, level);
}

void set_dreq(struct pico *p, u32 number, bool level)
{
    u64 bit = 1ull << number, before = p->m.dreqs;
    p->m.dreqs = level ? before | bit : before & ~bit;
    if (p->m.dreqs & ~before)
        dma_request(p, number);
}

void send_event(struct pico *p)
{
    for (u32 n = 0; n < 2; n++) {
        struct core *c = &p->m.core[n];
        if (c->waiting_event) {
            c->waiting_event = false;
            p->m.attention = true;
        } else {
            c->event = true;
        }
    }
}

static bool at_rest(const struct core *c)
{
    return c->waiting_event || c->waiting_interrupt || c->held || c->held_up || c->locked_up || c->halted;
}

void hold_up_who_is_awake(struct pico *p, u64 ns)
{
    struct machine *m = &p->m;
    if (at_rest(&m->core[0]) == at_rest(&m->core[1]))
        return;
    m->core[at_rest(&m->core[0])].held_up = true;
    m->attention = true;
    m->held_up_until_ns = ns_of(m, m->now) + ns;
    set_due(p, DUE_HOLD_UP, cycle_at_ns(m, m->held_up_until_ns));
}

void flash_written(struct pico *p, u32 offset, u32 length)
{
    forget_code(p, FLASH_BASE + offset, length);
    for (u32 n = offset >> SECTOR_BITS; n <= (offset + length - 1) >> SECTOR_BITS && n < SECTORS; n++)
        p->clean_sectors[n] = 0;
}

/* -- Whose turn it is -- */

static bool runnable(const struct core *c)
{
    return !c->held && !c->held_up && !c->locked_up && !c->halted && (c->entering || c->preempt || !(c->waiting_event || c->waiting_interrupt));
}

static void run_core(struct pico *p, struct core *c, u64 until)
{
    p->m.run_until = until;
    p->m.attention = false;
    core_run(p, c, until);
    p->m.run_until = 0;
}

static void sleep_on(const struct machine *m, struct core *c)
{
    if (m->now > c->time) {
        c->slept += m->now - c->time;
        c->time = m->now;
    }
}

/* A core's last instruction may end after an event is due: the event happens in time, the core is a little ahead. */
static void come_to(struct machine *m, u64 cycle)
{
    if (cycle > m->now)
        m->now = cycle;
}

/* Let time pass up to `until` or an event before it: run the core that is behind, for a slice if the other is awake. */
static void advance(struct pico *p, u64 until)
{
    struct machine *m = &p->m;
    struct core *c = &m->core[0], *other = &m->core[1];
    bool awake = runnable(c), other_awake = runnable(other);
    if (!awake && !other_awake) {
        m->now = until;
    } else if (awake && other_awake) {
        u64 slice, both;
        if (other->time < c->time) {
            c = other;
            other = &m->core[0];
        }
        slice = other->time + SLICE;
        run_core(p, c, slice < until ? slice : until);
        both = c->time < other->time ? c->time : other->time;
        come_to(m, both < until ? both : until);
        return;
    } else {
        if (!awake) {
            c = other;
            other = &m->core[0];
        }
        run_core(p, c, until);
        come_to(m, c->time < until ? c->time : until);
    }
    sleep_on(m, other);
    if (!awake && !other_awake)
        sleep_on(m, c);
}

/* -- What Python calls -- */

API void pico_free(struct pico *p)
{
    free(p->flash);
    free(p->rom_code);
    free(p->flash_code);
    free(p->sram_code);
    free(p->coverage);
    free(p);
}

API struct pico *pico_new(u32 (*read)(u32, u32), void (*write)(u32, u32, u32, u32), void (*dpsram_written)(u32),
                          void (*pins_changed)(u32, u32), void (*flash_ignores)(u32, u32), void (*dormant_wake)(void),
                          void (*unmodelled)(u32, u32))
{
    size_t alignment = _Alignof(struct pico);
    struct pico *p = aligned_alloc(alignment, (sizeof *p + alignment - 1) / alignment * alignment);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    /* One entry more than a memory has: what comes behind its last halfword. */
    p->flash = calloc(1, FLASH_SIZE);
    p->rom_code = calloc((ROM_SIZE >> 1) + 2, sizeof *p->rom_code);
    p->flash_code = calloc((FLASH_SIZE >> 1) + 2, sizeof *p->flash_code);
    p->sram_code = calloc((SRAM_SIZE >> 1) + 2, sizeof *p->sram_code);
    if (!p->flash || !p->rom_code || !p->flash_code || !p->sram_code) {
        pico_free(p);
        return NULL;
    }
    for (u32 n = 0; n < 2; n++) {
        p->rom_code[(ROM_SIZE >> 1) + n].op = 1;
        p->flash_code[(FLASH_SIZE >> 1) + n].op = 1;
        p->sram_code[(SRAM_SIZE >> 1) + n].op = 1;
    }
    p->host = (struct host_callbacks){read, write, dpsram_written, pins_changed, flash_ignores, dormant_wake, unmodelled};
    memset(p->hooks, READ_HOOK | WRITE_HOOK, sizeof p->hooks);
    memset(p->flash, 0xFF, FLASH_SIZE);
    p->m.hz = DEFAULT_HZ;
    p->m.flash_chip.time_ppm = 1000000;
    p->m.running = NOBODY;
    p->m.core_count = 2;
    p->m.next_due = p->m.alarm_ns = NEVER;
    for (u32 n = 0; n < DUES; n++)
        p->m.due[n] = NEVER;
    for (u32 n = 0; n < 2; n++) {
        p->m.core[n].number = (u8)n;
        p->m.core[n].running_priority = PRIORITY_THREAD;
        p->m.core[n].z = 1;
        p->m.core[n].held = true;
    }
    pads_bank0_reset(p); /* before the banks, which then forget the edges of it */
    pads_qspi_reset(p);
    io_bank0_reset(p);
    io_qspi_reset(p);
    pio_reset(p, 0);
    pio_reset(p, 1);
    pwm_reset(p);
    dma_reset(p);
    p->m.timer.tick_ps = 1000000;
    timer_reset(p);
    sio_reset(p);
    return p;
}

/* Where something is that Python looks into: see MEMORIES in machine.py. */
API void *pico_memory(struct pico *p, u32 which, u32 *size)
{
    switch (which) {
    case 0: *size = ROM_SIZE; return p->m.rom;
    case 1: *size = FLASH_SIZE; return p->flash;
    case 2: *size = SRAM_SIZE; return p->m.sram;
    case 3: *size = DPSRAM_SIZE; return p->m.dpsram;
    case 4: *size = XIP_SRAM_SIZE; return p->m.xip_sram;
    case 5: *size = sizeof p->m.registers; return p->m.registers;
    case 6: *size = sizeof p->masks; return p->masks;
    case 7: *size = sizeof p->hooks; return p->hooks;
    case 8: *size = 3 * sizeof(u64); return &p->m.now; /* now, base_cycles, base_ns */
    case 9: *size = p->coverage ? COVERAGE_SIZE : 0; return p->coverage;
    case 10: case 11: *size = sizeof p->m.core[0].r; return p->m.core[which - 10].r;
    case 12: *size = sizeof p->m.dpsram_guard; return &p->m.dpsram_guard;
    default: *size = 0; return NULL;
    }
}

API void pico_alarm_at_ns(struct pico *p, u64 ns)
{
    p->m.alarm_ns = ns;
    set_due(p, DUE_PYTHON, ns == NEVER ? NEVER : cycle_at_ns(&p->m, ns));
}

API u32 pico_run(struct pico *p, u64 until)
{
    struct machine *m = &p->m;
    m->stop = false;
    for (;;) {
        let_happen(p);
        if (m->due[DUE_PYTHON] <= m->now) {
            pico_alarm_at_ns(p, NEVER);
            return RUN_ALARM;
        }
        if (m->stop)
            return RUN_STOPPED;
        if (m->semihosting_calls)
            return RUN_SEMIHOSTING;
        if (p->debug.hit)
            return RUN_DEBUG;
        if (m->reset_requests)
            return RUN_RESET_REQUEST;
        if (m->core1_missed) {
            m->core1_missed = false;
            return RUN_CORE1_MISSED;
        }
        for (u32 n = 0; n < 2; n++) {
            if (m->core[n].locked_up && !m->core[n].lock_up_told) {
                m->core[n].lock_up_told = true;
                return RUN_LOCKED_UP;
            }
            if (m->core[n].no_handler) {
                m->core[n].no_handler = false;
                return RUN_NO_HANDLER;
            }
        }
        if (m->now >= until)
            return RUN_DEADLINE;
        advance(p, until < m->next_due ? until : m->next_due);
    }
}

API void pico_stop(struct pico *p) { p->m.stop = p->m.attention = true; }
API u64 pico_cycle_at_ns(struct pico *p, u64 ns) { return cycle_at_ns(&p->m, ns); }
API u64 pico_ns(struct pico *p) { return ns_of(&p->m, p->m.now); }
API void pico_set_irq(struct pico *p, u32 number, u32 level) { set_irq(p, number & 31, level != 0); }
API u32 pico_running(struct pico *p) { return p->m.running; }
API u32 pico_irq_levels(struct pico *p, u32 core) { return p->m.core[core & 1].irq_level; }
API u64 pico_dreqs(struct pico *p) { return p->m.dreqs; }
API void pico_set_dreq(struct pico *p, u32 number, u32 level) { set_dreq(p, number & 63, level != 0); }
API void pico_set_nmi_mask(struct pico *p, u32 core, u32 mask) { p->m.nmi_mask[core & 1] = mask; }
API void pico_set_core_count(struct pico *p, u32 count) { p->m.core_count = (u8)count; }
API void pico_send_fifo(struct pico *p, u32 from, u32 value) { fifo_write(p, from & 1, value); }

API void pico_set_hz(struct pico *p, u32 hz)
{
    struct machine *m = &p->m;
    if (!hz || hz == m->hz)
        return;
    m->base_ns = ns_of(m, m->now);
    m->base_cycles = m->now;
    m->hz = hz;
    timer_rescale(p);
    ssi_rescale(p);
    if (m->due[DUE_HOLD_UP] != NEVER)
        set_due(p, DUE_HOLD_UP, cycle_at_ns(m, m->held_up_until_ns));
    pico_alarm_at_ns(p, m->alarm_ns);
}

API void pico_reset_core(struct pico *p, u32 core)
{
    struct core *c = &p->m.core[core & 1];
    c->time = p->m.now;
    c->held_up = false;
    p->m.reset_requests &= (u8) ~(1u << c->number);
    core_reset(p, c);
    p->m.attention = true;
}

API void pico_hold_core(struct pico *p, u32 core, u32 held)
{
    p->m.core[core & 1].held = held || (core & 1) >= p->m.core_count;
    p->m.attention = true;
}

API void pico_reset_block(struct pico *p, u32 which)
{
    switch (which) {
    case C_IO_BANK0: io_bank0_reset(p); break;
    case C_PADS_BANK0: pads_bank0_reset(p); break;
    case C_IO_QSPI: io_qspi_reset(p); break;
    case C_PADS_QSPI: pads_qspi_reset(p); break;
    case C_PIO0: pio_reset(p, 0); break;
    case C_PIO1: pio_reset(p, 1); break;
    case C_PWM: pwm_reset(p); break;
    case C_DMA: dma_reset(p); break;
    case C_TIMER: timer_reset(p); break;
    case C_SIO: sio_reset(p); break;
    default: break;
    }
}

static void hold(struct pico *p, u32 bit, bool held)
{
    p->m.held_blocks = (p->m.held_blocks & ~(1ull << bit)) | (u64)held << bit;
}

/* Its reset line: it comes out of reset as it went in, whatever was written meanwhile. */
API void pico_hold_block(struct pico *p, u32 which, u32 held)
{
    hold(p, HELD_IN_C(which), held != 0);
    pico_reset_block(p, which);
}

/* The same for a block in Python, which resets itself. */
API void pico_hold_registers(struct pico *p, u32 block, u32 held) { hold(p, block, held != 0); }

/* The value in the lower half; bit 32: the bus says no. */
API u64 pico_bus_read(struct pico *p, u32 address, u32 size)
{
    u32 value = 0;
    if (address >> 12 == 0xE000E)
        return scs_read(p, &p->m.core[0], address & 0xFFC) >> 8 * (address & 3);
    return bus_read(p, address, size, &value) ? value : 1ull << 32;
}

API u32 pico_bus_write(struct pico *p, u32 address, u32 size, u32 value)
{
    if (address >> 12 == 0xE000E) {
        scs_write(p, &p->m.core[0], address & 0xFFC, value);
        return true;
    }
    return bus_write(p, address, size, value);
}

/* Memory was written through Python's view of it. */
API void pico_wrote(struct pico *p, u32 address, u32 length)
{
    if (!length)
        return;
    if (address - SRAM_BASE < SRAM_SIZE) {
        sram_written(p, address - SRAM_BASE, length);
        return;
    }
    if (address - FLASH_BASE < FLASH_SIZE)
        flash_written(p, address - FLASH_BASE, length);
    else
        forget_code(p, address, length);
}

/* -- Pins -- */

API void pico_drive(struct pico *p, u32 function, u32 pins, u32 out, u32 oe)
{
    if (function < FUNCTIONS)
        pins_drive(p, function, pins, out, oe);
}

API void pico_drive_qspi(struct pico *p, u32 function, u32 pins, u32 out, u32 oe)
{
    if (function < FUNCTIONS)
        qspi_drive(p, function, pins, out, oe);
}

API u32 pico_pin_inputs(struct pico *p) { return pins_inputs(p); }
API u32 pico_pins_heard(struct pico *p) { return pins_watched(p) | p->m.pio[0].reads | p->m.pio[1].reads; }
API u32 pico_pin_functions(struct pico *p, u32 function) { return function < FUNCTIONS ? p->m.pins.selected[function] : 0; }

API u32 pico_pin_levels(struct pico *p)
{
    pins_inputs(p);
    return p->m.pins.levels;
}

API u32 pico_qspi_levels(struct pico *p) { return p->m.qspi.levels; }

API void pico_set_external(struct pico *p, u32 pins, u32 levels, u32 driven) { pins_set_external(p, pins, levels, driven); }
API void pico_set_external_qspi(struct pico *p, u32 pins, u32 levels, u32 driven) { qspi_set_external(p, pins, levels, driven); }
API void pico_watch(struct pico *p, u32 pins) { pins_watch(p, pins); }

/* -- The flash and its interface -- */

enum { /* what pico_flash_state() tells */
    FLASH_SELECTED = 1 << 0, FLASH_WRITE_ENABLED = 1 << 1,
};

API void pico_set_timer_tick(struct pico *p, u64 picoseconds) { timer_set_tick(p, picoseconds); }
API void pico_flush_cache(struct pico *p) { xip_flush(p); }

/* which: of enum counting. The cache is taken to be empty when it is looked at first. */
API void pico_count_accesses(struct pico *p, u32 which, u32 on)
{
    u32 before = p->m.counting, after = on ? before | which : before & ~which;
    if (before == after)
        return;
    if ((after & LOOK_AT_XIP) && !(before & LOOK_AT_XIP))
        xip_flush(p);
    p->m.counting = (u8)after;
    p->m.core[0].fetched = p->m.core[1].fetched = p->m.core[0].waited_for = p->m.core[1].waited_for = 1;
    p->m.attention = true;
}

API void pico_set_flash_latency(struct pico *p, u32 ppm)
{
    p->m.flash_latency_ppm = ppm;
    pico_count_accesses(p, COUNT_LATENCY, ppm != 0);
}

API void pico_hold_ssi(struct pico *p, u32 held) { ssi_hold(p, held); }
API void pico_reset_flash(struct pico *p) { flash_reset(p); }
API u64 pico_flash_busy_ns(struct pico *p) { return flash_busy_ns(p); }
API void pico_set_flash_time(struct pico *p, u32 ppm) { p->m.flash_chip.time_ppm = ppm; }

API u32 pico_flash_state(struct pico *p)
{
    const struct flash_chip *f = &p->m.flash_chip;
    return (f->selected ? FLASH_SELECTED : 0) | (f->write_enabled ? FLASH_WRITE_ENABLED : 0);
}

/* -- Cores, as a debugger or an oracle sees them -- */

enum { /* what pico_core_get() and pico_core_set() know beyond r0 to r15 */
    CORE_XPSR = 16, CORE_MSP, CORE_PSP, CORE_PRIMASK, CORE_CONTROL, CORE_STATE, CORE_FAULT, CORE_FAULT_ADDRESS,
    CORE_VTOR, CORE_IPSR, CORE_FIRST_FAULT, CORE_FIRST_FAULT_ADDRESS, CORE_FIRST_FAULT_IPSR, CORE_FIRST_R = 32,
};

static bool on_psp(const struct core *c) { return c->spsel && !c->ipsr; }

API u32 pico_core_get(struct pico *p, u32 core, u32 what)
{
    const struct core *c = &p->m.core[core & 1];
    if (what < 16)
        return c->r[what];
    if (what >= CORE_FIRST_R && what < CORE_FIRST_R + 16)
        return c->first_fault_r[what - CORE_FIRST_R];
    switch (what) {
    case CORE_XPSR: return core_xpsr(c);
    case CORE_MSP: return on_psp(c) ? c->other_sp : c->r[13];
    case CORE_PSP: return on_psp(c) ? c->r[13] : c->other_sp;
    case CORE_PRIMASK: return c->primask;
    case CORE_CONTROL: return (u32)c->spsel << 1 | c->npriv;
    case CORE_STATE:
        return (u32)c->waiting_event | (u32)c->waiting_interrupt << 1 | (u32)(c->held || c->held_up) << 2 | (u32)c->locked_up << 3
             | (u32)c->halted << 4 | (u32)c->event << 5;
    case CORE_FAULT: return c->fault;
    case CORE_FAULT_ADDRESS: return c->fault_address;
    case CORE_VTOR: return c->vtor;
    case CORE_IPSR: return c->ipsr;
    case CORE_FIRST_FAULT: return c->first_fault;
    case CORE_FIRST_FAULT_ADDRESS: return c->first_fault_address;
    case CORE_FIRST_FAULT_IPSR: return c->first_fault_ipsr;
    default: return 0;
    }
}

API void pico_core_set(struct pico *p, u32 core, u32 what, u32 value)
{
    struct core *c = &p->m.core[core & 1];
    if (what == 15) {
        c->r[15] = value & ~1u;
        c->waiting_event = c->waiting_interrupt = c->locked_up = false;
    } else if (what == 13) {
        c->r[13] = value & ~3u;
    } else if (what < 15) {
        c->r[what] = value;
    } else if (what == CORE_XPSR) {
        c->n = value;
        c->z = ~value & 0x40000000;
        c->c = value >> 29 & 1;
        c->v = value >> 28 & 1;
    } else if (what == CORE_MSP || what == CORE_PSP) {
        *(on_psp(c) == (what == CORE_PSP) ? &c->r[13] : &c->other_sp) = value & ~3u;
    } else if (what == CORE_PRIMASK) {
        c->primask = value & 1;
        core_update(p, c);
    } else if (what == CORE_VTOR) {
        c->vtor = value & ~0xFFu;
    }
}

API u64 pico_core_instructions(struct pico *p, u32 core) { return p->m.core[core & 1].instructions; }
API u64 pico_core_cycles(struct pico *p, u32 core) { return p->m.core[core & 1].time - p->m.core[core & 1].slept; }

API u32 pico_halt_core(struct pico *p, u32 core, u32 halted)
{
    p->m.core[core & 1].halted = halted;
    p->m.attention = true;
    return 0;
}

API void pico_end_semihosting_call(struct pico *p, u32 core, u32 result)
{
    struct core *c = &p->m.core[core & 1];
    p->m.semihosting_calls &= (u8) ~(1u << c->number);
    c->r[0] = result;
    c->r[15] += 2;
}

API u32 pico_semihosting_calls(struct pico *p) { return p->m.semihosting_calls; }
API void pico_set_semihosting(struct pico *p, u32 on) { p->semihosting = on; }
API u32 pico_reset_requests(struct pico *p) { return p->m.reset_requests; }

static void debug_changed(struct pico *p)
{
    p->debugging = p->debug.breakpoints || p->debug.watchpoints || p->debug.stepping;
}

API u32 pico_breakpoints(struct pico *p, const u32 *addresses, u32 count)
{
    u32 most = sizeof p->debug.breakpoint / sizeof *p->debug.breakpoint;
    if (count > most)
        return false;
    memcpy(p->debug.breakpoint, addresses, count * sizeof *addresses);
    p->debug.breakpoints = count;
    debug_changed(p);
    return true;
}

/* kind: 1 write, 2 read, 3 both */
API u32 pico_watchpoint(struct pico *p, u32 n, u32 address, u32 length, u32 kind)
{
    u32 most = sizeof p->debug.watchpoint / sizeof *p->debug.watchpoint;
    if (n >= most)
        return false;
    p->debug.watchpoint[n] = (struct watchpoint){address, length, (kind & 2) != 0, (kind & 1) != 0};
    p->debug.watchpoints = n + 1;
    debug_changed(p);
    return true;
}

API void pico_clear_watchpoints(struct pico *p)
{
    p->debug.watchpoints = 0;
    debug_changed(p);
}

/* Before execution goes on: what stands at the PC is not to stop it again; `stepping`: one instruction of that core. */
API void pico_resume(struct pico *p, u32 core, u32 stepping)
{
    p->debug.hit = HIT_NONE;
    p->debug.stepping = stepping ? (u8)(1u << (core & 1)) : 0;
    p->step_over[core & 1] = p->m.core[core & 1].r[15] | 1;
    debug_changed(p);
}

API void pico_attach_debugger(struct pico *p, u32 on) { p->debug.attached = on; }

API u32 pico_debug_hit(struct pico *p, u32 *core, u32 *address)
{
    *core = p->debug.hit_core;
    *address = p->debug.hit_address;
    return p->debug.hit;
}

API void pico_decode(u32 code, u32 second, u32 pc, u32 *op_registers_imm)
{
    struct instruction i = decode(code, second, pc);
    op_registers_imm[0] = i.op;
    op_registers_imm[1] = (u32)i.rd | (u32)i.rn << 8 | (u32)i.rm << 16;
    op_registers_imm[2] = i.imm;
}

/* -- Coverage -- */

API u32 pico_cover(struct pico *p, u32 on)
{
    if (on && !p->coverage)
        p->coverage = calloc(1, COVERAGE_SIZE);
    if (!on) {
        free(p->coverage);
        p->coverage = NULL;
    }
    p->edge_from = 0;
    return p->coverage != NULL || !on;
}

API void pico_clear_coverage(struct pico *p)
{
    if (p->coverage)
        memset(p->coverage, 0, COVERAGE_SIZE);
    p->edge_from = 0;
}

/* -- Snapshots: the state without memories in one piece, then SRAM and flash; of these only what was written since
 *    the snapshot that was made or restored last, where that is the one in question. -- */

struct snapshot {
    u64 id;
    u8 head[HEAD];
    u8 sram[SRAM_SIZE];
    u8 flash[FLASH_SIZE];
};

#ifndef FINGERPRINT
#define FINGERPRINT ""
#endif
API const char *pico_fingerprint(void) { return FINGERPRINT; }

API u64 pico_snapshot_size(void) { return sizeof(struct snapshot); }

static void watch_for_writes(struct pico *p)
{
    for (u32 n = 0; n < GRANULES; n++)
        p->granules[n] |= GRANULE_CLEAN;
    memset(p->dirty_granules, 0, sizeof p->dirty_granules);
    memset(p->clean_sectors, 1, sizeof p->clean_sectors);
}

API void pico_save(struct pico *p, struct snapshot *s, u64 id)
{
    s->id = id;
    memcpy(s->head, &p->m, HEAD);
    memcpy(s->sram, p->m.sram, SRAM_SIZE);
    memcpy(s->flash, p->flash, FLASH_SIZE);
    p->snapshot = id;
    watch_for_writes(p);
}

static void restore_granule(struct pico *p, const struct snapshot *s, u32 n)
{
    u32 at = n << GRANULE_BITS, size = 1u << GRANULE_BITS;
    memcpy(p->m.sram + at, s->sram + at, size);
    if (p->granules[n] & GRANULE_CODE)
        forget_code(p, SRAM_BASE + at, size);
    p->granules[n] |= GRANULE_CLEAN;
    p->dirty_granules[n] = 0;
}

API void pico_restore(struct pico *p, const struct snapshot *s)
{
    bool same = p->snapshot == s->id;
    memcpy(&p->m, s->head, HEAD);
    for (u32 n = 0; n < GRANULES; n++)
        if (!same || p->dirty_granules[n])
            restore_granule(p, s, n);
    for (u32 n = 0; n < SECTORS; n++) {
        u32 at = n << SECTOR_BITS, size = 1u << SECTOR_BITS;
        if ((same && p->clean_sectors[n]) || !memcmp(p->flash + at, s->flash + at, size))
            continue;
        memcpy(p->flash + at, s->flash + at, size);
        forget_code(p, FLASH_BASE + at, size);
    }
    memset(p->clean_sectors, 1, sizeof p->clean_sectors);
    p->snapshot = s->id;
    p->foreseen[0].valid = p->foreseen[1].valid = false;
    p->debug.hit = HIT_NONE;
    p->edge_from = 0;
}

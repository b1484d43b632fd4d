/* What each core has for itself: exceptions and the System Control Space (ARM DDI 0419, B1.5 and B3).
 *
 * NVIC, SysTick, System Control Block and MPU of one core. Registers by their offset from 0xe000e000.
 */
#include "cpu.h"
#include "pico.h"

enum {
    SYST_CSR = 0x010, SYST_RVR = 0x014, SYST_CVR = 0x018, SYST_CALIB = 0x01C,
    NVIC_ISER = 0x100, NVIC_ICER = 0x180, NVIC_ISPR = 0x200, NVIC_ICPR = 0x280, NVIC_IPR0 = 0x400, NVIC_IPR7 = 0x41C,
    CPUID = 0xD00, ICSR = 0xD04, VTOR = 0xD08, AIRCR = 0xD0C, SCR = 0xD10, CCR = 0xD14,
    SHPR2 = 0xD1C, SHPR3 = 0xD20, SHCSR = 0xD24,
    MPU_TYPE = 0xD90, MPU_CTRL = 0xD94, MPU_RNR = 0xD98, MPU_RBAR = 0xD9C, MPU_RASR = 0xDA0,
};

enum {
    CPUID_M0PLUS_R0P1 = 0x410CC601,
    CCR_STKALIGN_UNALIGN_TRP = 0x208,
    CSR_ENABLE = 1, CSR_TICKINT = 2, CSR_CLKSOURCE = 4, CSR_COUNTFLAG = 1 << 16,
    SCR_SLEEPONEXIT = 2, SCR_SEVONPEND = 16, SCR_BITS = 0x16,
    AIRCR_KEY = 0x05FA, AIRCR_SYSRESETREQ = 4, AIRCR_VECTKEYSTAT = (i32)0xFA050000,
    MPU_ENABLE = 1, MPU_HFNMIENA = 2, MPU_PRIVDEFENA = 4, MPU_REGIONS = 8,
    FRAME = 32, FRAME_ALIGNED = 1 << 9,
    T_BIT = 1 << 24,
};

/* -- Priorities -- */

static i32 priority_of(const struct core *c, u32 exception)
{
    switch (exception) {
    case EXC_NMI: return -2;
    case EXC_HARDFAULT: return -1;
    case EXC_SVCALL: return c->priority_svcall;
    case EXC_PENDSV: return c->priority_pendsv;
    case EXC_SYSTICK: return c->priority_systick;
    default: return c->priority[(exception - EXC_IRQ0) & 31];
    }
}

/* The pending exception with the highest priority, of equal ones that with the lowest number; 0: none pends. */
static u32 highest_pending(const struct core *c, i32 *priority)
{
    u32 found = 0;
    i32 best = PRIORITY_THREAD;
    for (u32 rest = c->pending_exceptions; rest; rest &= rest - 1) {
        u32 exception = (u32)__builtin_ctz(rest);
        if (priority_of(c, exception) < best)
            best = priority_of(c, found = exception);
    }
    for (u32 rest = c->irq_pending & c->irq_enabled; rest; rest &= rest - 1) {
        u32 irq = (u32)__builtin_ctz(rest);
        if (c->priority[irq] < best) {
            best = c->priority[irq];
            found = EXC_IRQ0 + irq;
        }
    }
    *priority = best;
    return found;
}

static void active_changed(struct core *c)
{
    i32 best = PRIORITY_THREAD;
    for (u32 rest = c->active_exceptions; rest; rest &= rest - 1)
        if (priority_of(c, (u32)__builtin_ctz(rest)) < best)
            best = priority_of(c, (u32)__builtin_ctz(rest));
    for (u32 rest = c->irq_active; rest; rest &= rest - 1)
        if (c->priority[__builtin_ctz(rest)] < best)
            best = c->priority[__builtin_ctz(rest)];
    c->running_priority = best;
}

bool core_would_wake(const struct core *c)
{
    i32 priority;
    return highest_pending(c, &priority) && priority < c->running_priority;
}

void core_update(struct pico *p, struct core *c)
{
    i32 priority = PRIORITY_THREAD;
    bool pending = (c->pending_exceptions | (c->irq_pending & c->irq_enabled)) && highest_pending(c, &priority);
    bool would = pending && priority < c->running_priority;
    c->preempt = would && !(c->primask && priority >= 0);
    if (would && (c->waiting_interrupt || c->preempt))
        c->waiting_interrupt = c->waiting_event = false;
    if (c->preempt)
        p->m.attention = true;
    else if (would)
        p->m.attention = true; /* out of WFI it goes on without taking it */
}

static void pended(struct pico *p, struct core *c)
{
    if (c->scr & SCR_SEVONPEND) {
        c->event = true;
        if (c->waiting_event) {
            c->waiting_event = c->event = false;
            p->m.attention = true;
        }
    }
    core_update(p, c);
}

void core_irq(struct pico *p, struct core *c, u32 number, bool level)
{
    u32 bit = 1u << number;
    bool rises = level && !(c->irq_level & bit);
    c->irq_level = level ? c->irq_level | bit : c->irq_level & ~bit;
    if (rises && !(c->irq_pending & bit)) {
        c->irq_pending |= bit;
        pended(p, c);
    }
}

void core_nmi(struct pico *p, struct core *c)
{
    c->pending_exceptions |= 1u << EXC_NMI;
    pended(p, c);
}

/* -- Taking and leaving exceptions (B1.5.6 to B1.5.8) -- */

u32 core_xpsr(const struct core *c)
{
    return (c->n & 0x80000000) | (u32)(c->z == 0) << 30 | c->c << 29 | c->v << 28 | T_BIT | c->ipsr;
}

static void set_flags(struct core *c, u32 xpsr)
{
    c->n = xpsr;
    c->z = ~xpsr & 0x40000000;
    c->c = xpsr >> 29 & 1;
    c->v = xpsr >> 28 & 1;
}

static void lock_up(struct pico *p, struct core *c)
{
    c->locked_up = true;
    c->entering = c->preempt = false;
    p->m.attention = true;
}

static bool store(struct pico *p, struct core *c, u32 address, u32 value)
{
    if ((c->mpu_ctrl & MPU_ENABLE) && !mpu_allows(c, address, true, false))
        return false;
    return bus_write(p, address, 4, value);
}

static bool load(struct pico *p, struct core *c, u32 address, u32 *value)
{
    if ((c->mpu_ctrl & MPU_ENABLE) && !mpu_allows(c, address, false, false))
        return false;
    return bus_read(p, address, 4, value);
}

/* Push the frame and choose LR; false: memory refused it. */
static bool stack(struct pico *p, struct core *c, u32 return_address, u32 xpsr)
{
    u32 sp = c->r[13], at = (sp - FRAME) & ~4u;
    u32 frame[8] = {c->r[0], c->r[1], c->r[2], c->r[3], c->r[12], c->r[14], return_address,
                    (xpsr & ~(u32)FRAME_ALIGNED) | (sp & 4 ? FRAME_ALIGNED : 0)};
    bool good = true;
    for (u32 k = 0; k < 8; k++)
        good = good && store(p, c, at + 4 * k, frame[k]);
    c->r[13] = at;
    c->exc_return = c->ipsr ? 0xFFFFFFF1 : c->spsel ? 0xFFFFFFFD : 0xFFFFFFF9;
    if (!c->ipsr && c->spsel) {
        c->r[13] = c->other_sp;
        c->other_sp = at;
    }
    c->spsel = false;
    return good;
}

static void enter(struct pico *p, struct core *c, u32 exception)
{
    u32 vector;
    c->entering = false;
    p->edge_under[c->number][exception & 0x3F] = p->edge_from; /* where a handler comes in is no edge of the program */
    p->edge_from = 0;
    c->ipsr = exception;
    c->r[14] = c->exc_return;
    if (exception >= EXC_IRQ0) {
        c->irq_pending &= ~(1u << (exception - EXC_IRQ0));
        c->irq_active |= 1u << (exception - EXC_IRQ0);
    } else {
        c->pending_exceptions &= ~(1u << exception);
        c->active_exceptions |= 1u << exception;
    }
    active_changed(c);
    c->event = true; /* an exception entered or left sets the event register (B1.5.18) */
    c->waiting_event = c->waiting_interrupt = false;
    if (!bus_read(p, c->vtor + 4 * exception, 4, &vector)) {
        core_fault(p, c, FAULT_READ, c->vtor + 4 * exception);
        return;
    }
    c->r[15] = vector & ~1u;
    if (exception == EXC_HARDFAULT && !c->vtor)
        c->no_handler = p->m.attention = true;
    core_update(p, c);
    if (!(vector & 1))
        core_fault(p, c, FAULT_ARM, vector);
}

void core_take_exception(struct pico *p, struct core *c)
{
    i32 priority;
    u32 exception = highest_pending(c, &priority);
    if (c->entering) { /* stacked: what pends with the highest priority now is the one (late arrival) */
        if (exception)
            enter(p, c, exception);
        else
            c->entering = false; /* somebody took it back meanwhile: nothing on the chip does */
        return;
    }
    c->time += ENTRY;
    c->preempt = false;
    if (!stack(p, c, c->r[15], core_xpsr(c))) {
        core_fault(p, c, FAULT_WRITE, c->r[13]);
        return;
    }
    c->entering = true;
    p->m.attention = true;
}

void core_fault(struct pico *p, struct core *c, enum fault why, u32 address)
{
    c->fault = (u8)why;
    c->fault_address = address;
    if (!(c->active_exceptions & 1u << EXC_HARDFAULT)) {
        c->first_fault = (u8)why;
        c->first_fault_address = address;
        c->first_fault_ipsr = c->ipsr;
        for (u32 k = 0; k < 16; k++)
            c->first_fault_r[k] = c->r[k];
    }
    if (c->running_priority < 0) { /* in a HardFault or an NMI already (B1.5.15) */
        lock_up(p, c);
        return;
    }
    u32 xpsr = core_xpsr(c);
    if (why == FAULT_ARM)
        xpsr &= ~(u32)T_BIT;
    bool good = c->entering || stack(p, c, c->r[15], xpsr);
    enter(p, c, EXC_HARDFAULT);
    if (!good && (c->r[13] - FRAME) - SRAM_BASE >= SRAM_SIZE)
        lock_up(p, c); /* without a stack its handler cannot begin either */
}

/* What a valid EXC_RETURN leads back to; false: it is none, or nothing is there to go back to. */
static bool return_is_valid(const struct core *c, u32 exc_return)
{
    u32 active = (u32)__builtin_popcount(c->active_exceptions) + (u32)__builtin_popcount(c->irq_active);
    switch (exc_return & 0x0FFFFFFF) {
    case 0x0FFFFFF1: return active > 1;
    case 0x0FFFFFF9: case 0x0FFFFFFD: return active == 1;
    default: return false;
    }
}

static void deactivate(struct core *c, u32 exception)
{
    if (exception >= EXC_IRQ0) {
        u32 bit = 1u << (exception - EXC_IRQ0);
        c->irq_active &= ~bit;
        c->irq_pending |= c->irq_level & bit; /* the line is still up */
    } else {
        c->active_exceptions &= ~(1u << exception);
    }
    active_changed(c);
}

u32 core_return(struct pico *p, struct core *c, u32 exc_return)
{
    u32 frame[8], sp;
    bool valid = return_is_valid(c, exc_return), to_psp = (exc_return & 15) == 13, to_handler = (exc_return & 15) == 1;
    p->edge_from = p->edge_under[c->number][c->ipsr & 0x3F];
    deactivate(c, c->ipsr);
    c->event = true;
    if (!valid) {
        c->r[15] = exc_return;
        c->entering = true; /* the frame that is there serves */
        c->exc_return = 0xF0000000 | exc_return;
        core_fault(p, c, FAULT_RETURN, exc_return);
        return TAIL_CHAIN;
    }
    core_update(p, c);
    if (c->preempt) { /* tail chaining: the frame stays for the next one */
        c->exc_return = exc_return;
        c->entering = true;
        c->preempt = false;
        c->r[15] = exc_return;
        p->m.attention = true;
        return TAIL_CHAIN;
    }
    if (to_psp) {
        u32 msp = c->r[13];
        c->r[13] = c->other_sp;
        c->other_sp = msp;
        c->spsel = true;
    }
    sp = c->r[13];
    c->ipsr = to_handler ? c->ipsr : 0; /* the access is the one of the code that is returned to */
    for (u32 k = 0; k < 8; k++)
        if (!load(p, c, sp + 4 * k, &frame[k])) {
            core_fault(p, c, FAULT_READ, sp + 4 * k);
            return RETURN;
        }
    c->r[0] = frame[0], c->r[1] = frame[1], c->r[2] = frame[2], c->r[3] = frame[3], c->r[12] = frame[4];
    c->r[14] = frame[5];
    c->r[15] = frame[6] & ~1u;
    c->r[13] = (sp + FRAME) | (frame[7] & FRAME_ALIGNED ? 4 : 0);
    set_flags(c, frame[7]);
    c->ipsr = frame[7] & 0x3F;
    if ((c->ipsr != 0) != to_handler) {
        c->ipsr = to_handler ? EXC_HARDFAULT : 0;
        core_fault(p, c, FAULT_RETURN, exc_return);
        return RETURN;
    }
    core_update(p, c);
    if (!(frame[7] & T_BIT))
        core_fault(p, c, FAULT_ARM, frame[6]);
    else if (!c->ipsr && (c->scr & SCR_SLEEPONEXIT) && !core_would_wake(c)) {
        c->waiting_interrupt = true;
        p->m.attention = true;
    }
    return RETURN;
}

void core_reset(struct pico *p, struct core *c)
{
    struct core fresh = {.number = c->number, .held = c->held, .irq_level = c->irq_level, .time = c->time, .slept = c->slept,
                         .instructions = c->instructions, .running_priority = PRIORITY_THREAD, .z = 1};
    u32 sp = 0, pc = 0;
    *c = fresh;
    set_due(p, DUE_SYSTICK0 + c->number, NEVER);
    bus_read(p, 0, 4, &sp);
    bus_read(p, 4, 4, &pc);
    c->r[13] = sp & ~3u;
    c->r[14] = 0xFFFFFFFF; /* as the architecture has it; the boot ROM does not look */
    c->r[15] = pc & ~1u;
    c->irq_pending = c->irq_level;
    core_update(p, c);
}

/* -- SysTick (B3.3) -- */

/* The reference is the watchdog's microsecond tick; no tick is shorter than a cycle, however slow clk_sys is. */
static u64 tick_cycles(const struct pico *p, const struct core *c)
{
    return c->syst_csr & CSR_CLKSOURCE || p->m.hz < 1000000 ? 1 : p->m.hz / 1000000;
}

/* Note what has happened up to now; true: it has reached zero. */
static bool systick_sync(const struct pico *p, struct core *c)
{
    u64 period = ((u64)c->syst_rvr + 1) * tick_cycles(p, c);
    if (!(c->syst_csr & CSR_ENABLE) || c->syst_zero == NEVER || p->m.now < c->syst_zero)
        return false;
    c->syst_csr |= CSR_COUNTFLAG;
    c->syst_zero = c->syst_rvr ? c->syst_zero + ((p->m.now - c->syst_zero) / period + 1) * period : NEVER;
    return true;
}

static u32 systick_value(const struct pico *p, const struct core *c)
{
    u64 tick = tick_cycles(p, c), togo;
    if (!(c->syst_csr & CSR_ENABLE))
        return c->syst_value;
    if (c->syst_zero == NEVER)
        return 0;
    togo = (c->syst_zero - p->m.now + tick - 1) / tick;
    return togo > c->syst_rvr && togo == (u64)c->syst_rvr + 1 ? 0 : (u32)togo & 0xFFFFFF;
}

static void systick_start(struct pico *p, struct core *c, u32 value)
{
    if (!(c->syst_csr & CSR_ENABLE)) {
        c->syst_value = value;
        c->syst_zero = NEVER;
    } else if (value || c->syst_rvr) {
        c->syst_zero = p->m.now + (value ? (u64)value : (u64)c->syst_rvr + 1) * tick_cycles(p, c);
    } else {
        c->syst_zero = NEVER;
    }
    set_due(p, DUE_SYSTICK0 + c->number, c->syst_csr & CSR_TICKINT ? c->syst_zero : NEVER);
}

void systick_due(struct pico *p, struct core *c)
{
    if (systick_sync(p, c)) {
        c->pending_exceptions |= 1u << EXC_SYSTICK;
        pended(p, c);
    }
    set_due(p, DUE_SYSTICK0 + c->number, c->syst_csr & CSR_TICKINT ? c->syst_zero : NEVER);
}

static u32 systick_read(struct pico *p, struct core *c, u32 offset)
{
    u32 value;
    systick_due(p, c);
    switch (offset) {
    case SYST_CSR:
        value = c->syst_csr;
        c->syst_csr &= ~(u32)CSR_COUNTFLAG;
        return value;
    case SYST_RVR: return c->syst_rvr;
    case SYST_CVR: return systick_value(p, c);
    default: return 0xC0000000; /* CALIB: no reference for 10 ms is given (NOREF, SKEW) */
    }
}

static void systick_write(struct pico *p, struct core *c, u32 offset, u32 value)
{
    systick_due(p, c);
    switch (offset) {
    case SYST_CSR: {
        u32 counter = systick_value(p, c);
        c->syst_csr = (c->syst_csr & CSR_COUNTFLAG) | (value & 7);
        systick_start(p, c, counter);
        break;
    }
    case SYST_RVR: c->syst_rvr = value & 0xFFFFFF; break;
    case SYST_CVR:
        c->syst_csr &= ~(u32)CSR_COUNTFLAG;
        systick_start(p, c, 0);
        break;
    default: break;
    }
}

/* -- MPU (B3.5) -- */

bool mpu_allows(const struct core *c, u32 address, bool write, bool fetch)
{
    bool privileged = !c->npriv || c->ipsr;
    if (!(c->mpu_ctrl & MPU_ENABLE) || (c->running_priority < 0 && !(c->mpu_ctrl & MPU_HFNMIENA)) || address >> 20 == 0xE00)
        return true;
    for (u32 n = MPU_REGIONS; n-- > 0;) {
        u32 attributes = c->mpu[n].attributes, bits = (attributes >> 1 & 31) + 1;
        u64 size = 1ull << bits;
        if (!(attributes & 1) || bits < 8 || (address ^ c->mpu[n].base) & ~(u32)(size - 1))
            continue;
        if (attributes >> 8 >> (((u64)address & (size - 1)) >> (bits - 3)) & 1)
            continue; /* this eighth of the region is switched off */
        switch (attributes >> 24 & 7) {
        case 1: if (!privileged) return false; break;
        case 2: if (!privileged && write) return false; break;
        case 3: break;
        case 5: if (!privileged || write) return false; break;
        case 6: case 7: if (write) return false; break;
        default: return false;
        }
        return !(fetch && (attributes >> 28 & 1));
    }
    return privileged && (c->mpu_ctrl & MPU_PRIVDEFENA);
}

static u32 mpu_read(const struct core *c, u32 offset)
{
    switch (offset) {
    case MPU_TYPE: return MPU_REGIONS << 8;
    case MPU_CTRL: return c->mpu_ctrl;
    case MPU_RNR: return c->mpu_rnr;
    case MPU_RBAR: return c->mpu[c->mpu_rnr].base | c->mpu_rnr;
    default: return c->mpu[c->mpu_rnr].attributes;
    }
}

static void mpu_write(struct pico *p, struct core *c, u32 offset, u32 value)
{
    switch (offset) {
    case MPU_CTRL: c->mpu_ctrl = value & 7; break;
    case MPU_RNR: c->mpu_rnr = value & 7; break;
    case MPU_RBAR:
        if (value & 16)
            c->mpu_rnr = value & 7;
        c->mpu[c->mpu_rnr].base = value & ~0xFFu;
        break;
    case MPU_RASR: c->mpu[c->mpu_rnr].attributes = value & 0x1707FF3F; break;
    default: break;
    }
    p->m.attention = true; /* the loop that looks at each access takes over, or hands back */
}

/* -- System Control Block and NVIC (B3.2, B3.4) -- */

static u32 read_icsr(const struct core *c)
{
    i32 priority;
    u32 pending = c->pending_exceptions;
    return (pending >> EXC_NMI & 1) << 31 | (pending >> EXC_PENDSV & 1) << 28 | (pending >> EXC_SYSTICK & 1) << 26
         | (u32)((c->irq_pending & c->irq_enabled) != 0) << 22 | highest_pending(c, &priority) << 12 | c->ipsr;
}

static void write_icsr(struct pico *p, struct core *c, u32 value)
{
    if (value >> 31)
        c->pending_exceptions |= 1u << EXC_NMI;
    if (value >> 27 & 1)
        c->pending_exceptions &= ~(1u << EXC_PENDSV);
    if (value >> 28 & 1)
        c->pending_exceptions |= 1u << EXC_PENDSV;
    if (value >> 25 & 1)
        c->pending_exceptions &= ~(1u << EXC_SYSTICK);
    if (value >> 26 & 1)
        c->pending_exceptions |= 1u << EXC_SYSTICK;
    pended(p, c);
}

u32 scs_read(struct pico *p, struct core *c, u32 offset)
{
    if (offset >= NVIC_IPR0 && offset <= NVIC_IPR7) {
        const u8 *of = &c->priority[offset - NVIC_IPR0];
        return (u32)of[0] | (u32)of[1] << 8 | (u32)of[2] << 16 | (u32)of[3] << 24;
    }
    switch (offset) {
    case SYST_CSR: case SYST_RVR: case SYST_CVR: case SYST_CALIB: return systick_read(p, c, offset);
    case NVIC_ISER: case NVIC_ICER: return c->irq_enabled;
    case NVIC_ISPR: case NVIC_ICPR: return c->irq_pending;
    case CPUID: return CPUID_M0PLUS_R0P1;
    case ICSR: return read_icsr(c);
    case VTOR: return c->vtor;
    case AIRCR: return (u32)AIRCR_VECTKEYSTAT;
    case SCR: return c->scr;
    case CCR: return CCR_STKALIGN_UNALIGN_TRP;
    case SHPR2: return (u32)c->priority_svcall << 24;
    case SHPR3: return (u32)c->priority_systick << 24 | (u32)c->priority_pendsv << 16;
    case SHCSR: return (c->pending_exceptions >> EXC_SVCALL & 1) << 15;
    case MPU_TYPE: case MPU_CTRL: case MPU_RNR: case MPU_RBAR: case MPU_RASR: return mpu_read(c, offset);
    default: return 0; /* what ARMv6-M does not have reads as zero; the debugger's registers, without one, too */
    }
}

void scs_write(struct pico *p, struct core *c, u32 offset, u32 value)
{
    if (offset >= NVIC_IPR0 && offset <= NVIC_IPR7) {
        for (u32 k = 0; k < 4; k++)
            c->priority[offset - NVIC_IPR0 + k] = value >> 8 * k & 0xC0;
        active_changed(c);
        core_update(p, c);
        return;
    }
    switch (offset) {
    case SYST_CSR: case SYST_RVR: case SYST_CVR: systick_write(p, c, offset, value); return;
    case NVIC_ISER: c->irq_enabled |= value; break;
    case NVIC_ICER: c->irq_enabled &= ~value; break;
    case NVIC_ISPR:
        c->irq_pending |= value;
        pended(p, c);
        return;
    case NVIC_ICPR: c->irq_pending &= ~value | (c->irq_level & ~c->irq_active); break;
    case ICSR: write_icsr(p, c, value); return;
    case VTOR: c->vtor = value & ~0xFFu; break;
    case AIRCR:
        if (value >> 16 == AIRCR_KEY && (value & AIRCR_SYSRESETREQ)) {
            p->m.reset_requests |= 1u << c->number;
            p->m.attention = true;
        }
        break;
    case SCR: c->scr = value & SCR_BITS; break;
    case SHPR2: c->priority_svcall = value >> 24 & 0xC0; break;
    case SHPR3:
        c->priority_systick = value >> 24 & 0xC0;
        c->priority_pendsv = value >> 16 & 0xC0;
        break;
    case SHCSR:
        c->pending_exceptions = (c->pending_exceptions & ~(1u << EXC_SVCALL)) | (value >> 15 & 1) << EXC_SVCALL;
        break;
    case MPU_CTRL: case MPU_RNR: case MPU_RBAR: case MPU_RASR: mpu_write(p, c, offset, value); return;
    default: break;
    }
    active_changed(c);
    core_update(p, c);
}

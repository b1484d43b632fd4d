// The core is a Cortex-M0+: what it refuses is a HardFault at the instruction, which a handler can go on after; what only
// larger cores have is not there (ARMv6-M Architecture Reference Manual; RP2040 datasheet, 2.4).
#include "check.h"
#include "hardware/clocks.h"
#include "hardware/exception.h"
#include "hardware/irq.h"
#include "hardware/structs/syscfg.h"
#include "hardware/structs/timer.h"
#include "pico/stdlib.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SCS(offset) REGISTER(PPB_BASE + 0xE000 + (offset))
#define T_BIT (1u << 24)
#define SPARE_IRQ 26
#define ACCESS_NONE 0u
#define ACCESS_PRIVILEGED 1u
#define ACCESS_ALL_MAY_READ 2u
#define ACCESS_FULL 3u
#define ACCESS_READ_ONLY 6u
#define EXECUTE_NEVER 0x10u

typedef uintptr_t (*probe_t)(uintptr_t address, uint32_t value);
extern uintptr_t load_word(uintptr_t, uint32_t), load_half(uintptr_t, uint32_t), load_byte(uintptr_t, uint32_t),
    load_many(uintptr_t, uint32_t), store_word(uintptr_t, uint32_t), store_half(uintptr_t, uint32_t),
    call_supervisor(uintptr_t, uint32_t), undefined(uintptr_t, uint32_t), undefined_wide(uintptr_t, uint32_t),
    compare_and_branch(uintptr_t, uint32_t), if_then(uintptr_t, uint32_t), move_wide(uintptr_t, uint32_t),
    divide(uintptr_t, uint32_t);
extern void isr_fault(void);

static volatile uint32_t faults, fault_pc, fault_psr, fault_primask, fault_saw;
static volatile uintptr_t fault_looks_at, resume_at;
static volatile uint32_t ticks, calls, nmis;
static exception_handler_t svc_handler_before;
static uint32_t data[256] __attribute__((aligned(1024)));

void on_fault(uint32_t *frame) {
    faults++;
    fault_pc = frame[6];
    fault_psr = frame[7];
    __asm volatile("mrs %0, primask" : "=r"(fault_primask));
    if (fault_looks_at) {
        fault_saw = REGISTER(fault_looks_at);
    }
    frame[6] = (resume_at ? resume_at : frame[5]) & ~1u;
    frame[7] |= T_BIT;
}

static uintptr_t after(probe_t probe) {
    uint16_t first = *(uint16_t *)((uintptr_t)probe & ~1u);
    return (uintptr_t)probe + (first >> 11 >= 0x1D ? 4 : 2);
}

// Whether the probe's instruction is a HardFault, once and with its own address.
static bool refused(probe_t probe, uintptr_t address) {
    faults = 0;
    resume_at = after(probe);
    probe(address, 0x12345678);
    return faults == 1 && fault_pc == ((uintptr_t)probe & ~1u) && (fault_psr & T_BIT);
}

static bool refused_jump(uintptr_t address, bool thumb) {
    faults = 0;
    resume_at = 0;
    ((probe_t)address)(0, 0);
    return faults == 1 && fault_pc == (address & ~1u) && !!(fault_psr & T_BIT) == thumb;
}

static void unaligned(void) {
    uintptr_t at = (uintptr_t)data;
    data[0] = data[1] = data[2] = 0;
    check("an unaligned word", refused(load_word, at + 1) && refused(load_word, at + 2) && refused(load_word, at + 3));
    check("an unaligned halfword", refused(load_half, at + 1) && refused(load_half, at + 3));
    check("an unaligned store", refused(store_word, at + 2) && refused(store_half, at + 5));
    check("which changes nothing", !data[0] && !data[1] && !data[2]);
    check("unaligned words of a list", refused(load_many, at + 2));
    check("an unaligned register", refused(load_word, TIMER_BASE + 0x2A) && refused(load_half, TIMER_BASE + 0x29));
    check("an unaligned word of flash", refused(load_word, XIP_BASE + 0x102));
    resume_at = after(load_word);
    check("registers are as they were", load_word(at + 1, 0) == at + 1);
    faults = 0;
    data[1] = 0x07060504;
    bool good = load_byte(at + 7, 0) == 7 && load_half(at + 6, 0) == 0x0706 && load_word(at + 4, 0) == 0x07060504;
    check("what is aligned is read", good && !faults);
}

static void nothing_there(void) {
    static const uintptr_t holes[] = {0x00004000, 0x00130000, 0x15004000, 0x20042000, 0x30000000, 0x40070000,
                                      0x50120000, 0x60000000, 0xD0001000, 0xF0000000};
    bool reads = true, writes = true;
    for (uint i = 0; i < count_of(holes); i++) {
        reads &= refused(load_word, holes[i]) && refused(load_byte, holes[i] + 1) && refused(load_half, holes[i] + 2);
        writes &= refused(store_word, holes[i]) && refused(store_half, holes[i] + 2);
    }
    check("nothing to read", reads);
    check("nothing to write", writes);
    faults = 0;
    uint32_t stack = load_word(0, 0);
    store_word(0, 0x12345678);
    check("the boot ROM takes no writes", !faults && load_word(0, 0) == stack);
    check("nothing to execute", refused_jump(0x60000001, true) && refused_jump(0x30000001, true));
    check("no Thumb", refused_jump((uintptr_t)load_byte & ~1u, false));
}

static void lacking(void) {
    check("an undefined instruction", refused(undefined, 0) && refused(undefined, 0) && refused(undefined_wide, 0));
    check("CBZ and IT", refused(compare_and_branch, 0) && refused(if_then, 0));
    check("MOVW and SDIV", refused(move_wide, 0) && refused(divide, 0));
    // code that is written over
    static uint16_t code[] = {0xB100, 0x4770}; // CBZ; BX LR
    bool before = refused((probe_t)((uintptr_t)code | 1), 0);
    code[0] = 0xBF00; // NOP
    __asm volatile("dsb\nisb" ::: "memory");
    bool after_it = !refused((probe_t)((uintptr_t)code | 1), 0) && !faults;
    check("an instruction in its place", before && after_it);
}

// What ARMv6-M has no instruction for (A5.2 and A5.3): gaps of the table, and both halves of what only others have.
static bool has_no_instruction(uint16_t first, uint16_t second) {
    static uint16_t code[4];
    code[0] = first;
    code[1] = second;
    code[2] = 0x4770; // BX LR
    __asm volatile("dsb\nisb" ::: "memory");
    faults = 0;
    resume_at = (uintptr_t)code + (first >> 11 >= 0x1D ? 4 : 2);
    if (first >> 11 < 0x1D) {
        code[1] = 0x4770;
    }
    ((probe_t)((uintptr_t)code | 1))(0, 0);
    return faults == 1 && fault_pc == (uintptr_t)code;
}

static void gaps(void) {
    static const struct {
        uint16_t first, last, step;
    } short_ones[] = {{0xB100, 0xB1FF, 0x2B}, {0xB300, 0xB3FF, 0x35}, {0xB600, 0xB65F, 0x13}, {0xB680, 0xB7FF, 0x5D},
                      {0xB800, 0xB9FF, 0x6B}, {0xBA80, 0xBABF, 0x0D}, {0xBB00, 0xBBFF, 0x41}, {0xBF01, 0xBF0F, 1},
                      {0xBFE1, 0xBFEF, 5},    {0xDE00, 0xDEFF, 0x3B}};
    static const uint16_t wide[][2] = {
        {0xE82D, 0x4010}, {0xE850, 0x1F00}, {0xE8D0, 0xF001}, {0xEA40, 0x0001}, {0xEB00, 0x0001}, {0xEC51, 0x0F10},
        {0xEE10, 0x0A10}, {0xF000, 0x0001}, {0xF000, 0x9000}, {0xF000, 0x8000}, {0xF04F, 0x0001}, {0xF2C0, 0x0001},
        {0xF340, 0x0001}, {0xF3AF, 0x8000}, {0xF3BF, 0x8F2F}, {0xF7F0, 0xA000}, {0xF810, 0xF001}, {0xF84D, 0x0D04},
        {0xF8D0, 0x1000}, {0xFA00, 0xF001}, {0xFAB0, 0xF080}, {0xFB00, 0xF001}, {0xFB80, 0x0101}, {0xFBB0, 0xF0F1},
        {0xFC51, 0x0F10}, {0xFE10, 0x0A10}};
    bool none = true;
    for (uint i = 0; i < count_of(short_ones); i++) {
        for (uint first = short_ones[i].first; first <= short_ones[i].last; first += short_ones[i].step) {
            none &= has_no_instruction(first, 0);
        }
    }
    check("what ARMv6-M has no short instruction for", none);
    none = true;
    for (uint i = 0; i < count_of(wide); i++) {
        none &= has_no_instruction(wide[i][0], wide[i][1]);
    }
    check("nor a wide one", none);
}

static void on_spare(void) {
    calls += refused(load_word, 0x30000000);
}

static void on_supervisor_call(void) {
    calls++;
}

static void whatever_masks_and_priorities(void) {
    uint32_t mask = save_and_disable_interrupts();
    check("with interrupts disabled", refused(load_word, 0x30000000) && (fault_primask & 1));
    uint32_t still;
    __asm volatile("mrs %0, primask" : "=r"(still));
    check("which they still are", still & 1);
    check("no supervisor call then", refused(call_supervisor, 0));
    restore_interrupts(mask);

    irq_set_exclusive_handler(SPARE_IRQ, on_spare);
    irq_set_priority(SPARE_IRQ, 0);
    irq_set_enabled(SPARE_IRQ, true);
    calls = 0;
    irq_set_pending(SPARE_IRQ);
    busy_wait_us(5);
    check("in a handler of the highest priority", calls == 1);

    svc_handler_before = exception_set_exclusive_handler(SVCALL_EXCEPTION, on_supervisor_call);
    calls = faults = 0;
    call_supervisor(0, 0);
    check("a supervisor call", calls == 1 && !faults);
}

// -- Who interrupts whom (B1.5.4) --

static volatile char story[12];
static volatile uint told;

static void tell(char what) {
    story[told++] = what;
}

static bool story_is(const char *wanted) {
    uint i = 0;
    while (wanted[i] && i < told && story[i] == wanted[i]) {
        i++;
    }
    return i == told && !wanted[i];
}

static volatile bool service_call_from_handler;

static void on_first(void) {
    tell('f');
    if (service_call_from_handler) {
        SCS(0xD04) = 1u << 28; // PendSV
    } else {
        irq_set_pending(SPARE_IRQ + 1);
    }
    __asm volatile("dsb\nisb");
    tell('F');
}

static void on_second(void) {
    tell('s');
}

static void on_third(void) {
    tell('t');
}

static void on_pend_sv(void) {
    tell('p');
}

static bool goes(uint first, uint second, const char *wanted) {
    told = 0;
    irq_set_priority(SPARE_IRQ, first);
    irq_set_priority(SPARE_IRQ + 1, second);
    SCS(0xD20) = second << 16;
    irq_set_pending(SPARE_IRQ);
    __asm volatile("dsb\nisb");
    busy_wait_us(2);
    return story_is(wanted);
}

static void who_goes_first(void) {
    irq_remove_handler(SPARE_IRQ, on_spare);
    irq_set_exclusive_handler(SPARE_IRQ, on_first);
    irq_set_exclusive_handler(SPARE_IRQ + 1, on_second);
    irq_set_exclusive_handler(SPARE_IRQ + 2, on_third);
    exception_set_exclusive_handler(PENDSV_EXCEPTION, on_pend_sv);
    for (uint i = 1; i < 3; i++) {
        irq_set_enabled(SPARE_IRQ + i, true);
    }
    bool higher = goes(0x80, 0x40, "fsF") && goes(0xC0, 0x80, "fsF") && goes(0x40, 0x00, "fsF");
    check("a higher priority interrupts", higher);
    check("an equal one waits", goes(0x80, 0x80, "fFs") && goes(0x80, 0xBF, "fFs"));
    check("and a lower one", goes(0x40, 0x80, "fFs") && goes(0x00, 0x40, "fFs"));
    service_call_from_handler = true;
    check("PendSV by its priority", goes(0x80, 0x40, "fpF") && goes(0x80, 0x80, "fFp") && goes(0x40, 0xC0, "fFp"));
    service_call_from_handler = false;

    told = 0;
    irq_set_priority(SPARE_IRQ, 0xC0);
    irq_set_priority(SPARE_IRQ + 1, 0x80);
    irq_set_priority(SPARE_IRQ + 2, 0x80);
    uint32_t mask = save_and_disable_interrupts();
    SCS(0x200) = 3u << (SPARE_IRQ + 1);
    bool waits = told == 0 && SCS(0x200) >> (SPARE_IRQ + 1) == 3;
    restore_interrupts(mask);
    busy_wait_us(2);
    bool in_order = story_is("st");
    told = 0;
    irq_set_priority(SPARE_IRQ + 2, 0x40);
    mask = save_and_disable_interrupts();
    SCS(0x200) = 3u << (SPARE_IRQ + 1);
    restore_interrupts(mask);
    busy_wait_us(2);
    check("of those that wait the highest, then the first", waits && in_order && story_is("ts"));
    SCS(0xD20) = 0;
}

static void on_nmi(void) {
    nmis++;
    timer_hw->intf = 0;
}

static void non_maskable(void) {
    exception_set_exclusive_handler(NMI_EXCEPTION, on_nmi);
    uint32_t mask = save_and_disable_interrupts();
    SCS(0xD04) = 1u << 31;
    busy_wait_us(1);
    check("an NMI whatever is masked", nmis == 1);
    syscfg_hw->proc0_nmi_mask = 1u << TIMER_IRQ_0;
    timer_hw->intf = 1;
    busy_wait_us(1);
    check("an interrupt that is an NMI", nmis == 2);
    syscfg_hw->proc0_nmi_mask = 1u << TIMER_IRQ_1;
    timer_hw->intf = 1;
    busy_wait_us(1);
    timer_hw->intf = 0;
    syscfg_hw->proc0_nmi_mask = 0;
    check("and one that is none", nmis == 2);
    restore_interrupts(mask);
}

static void registers(void) {
    check("CPUID", SCS(0xD00) == 0x410CC601);
    uint32_t old = SCS(0x418);
    SCS(0x418) = 0xFFFFFFFF;
    SCS(0xD1C) = SCS(0xD20) = 0xFFFFFFFF;
    check("two bits of priority", SCS(0x418) == 0xC0C0C0C0 && SCS(0xD1C) == 0xC0000000 && SCS(0xD20) == 0xC0C00000);
    SCS(0x418) = old;
    SCS(0xD1C) = SCS(0xD20) = 0;
    static const uint16_t larger[] = {0x004, 0x008, 0x104, 0x300, 0x420, 0xD18, 0xD28, 0xD2C, 0xD34, 0xD38, 0xD40, 0xD88, 0xDA4};
    bool zero = true;
    for (uint i = 0; i < count_of(larger); i++) {
        SCS(larger[i]) = 0xFFFFFFFF;
        zero &= SCS(larger[i]) == 0;
    }
    SCS(0xF00) = SPARE_IRQ; // STIR
    check("no registers of larger cores", zero && !(SCS(0x200) >> SPARE_IRQ & 1));
    SCS(0xD24) = 0x70000; // SHCSR: enable BusFault, UsageFault, MemManage
    check("no BusFault, no UsageFault", SCS(0xD24) == 0 && refused(load_word, 0x30000001));
    check("CCR and AIRCR", SCS(0xD14) == 0x208 && SCS(0xD0C) == 0xFA050000);
    SCS(0xD04) = 1u << 28 | 1u << 27 | 1u << 26 | 1u << 25;
    uint32_t vectors = SCS(0xD08);
    SCS(0xD08) = vectors | 0xFF;
    check("VTOR in steps of 256 bytes", SCS(0xD08) == vectors);
    check("no debugger", SCS(0xDF0) == 0 && REGISTER(0xE0002000) == 0 && REGISTER(0xE0001000) == 0);
    check("ICSR in no handler", (SCS(0xD04) & 0x1FF) == 0);
}

static void on_tick(void) {
    ticks++;
}

static uint32_t counted(uint32_t control, uint32_t microseconds) {
    SCS(0x014) = 0xFFFFFF;
    SCS(0x018) = 0;
    SCS(0x010) = control;
    busy_wait_us(2);
    uint32_t begin = SCS(0x018);
    busy_wait_us(microseconds);
    uint32_t passed = begin - SCS(0x018);
    SCS(0x010) = 0;
    return passed;
}

static void system_timer(void) {
    uint32_t passed = counted(5, 200);
    check("SysTick by clk_sys", 24500 < passed && passed < 26500);
    passed = counted(1, 200);
    check("SysTick by the reference", 198 <= passed && passed <= 203);
    exception_set_exclusive_handler(SYSTICK_EXCEPTION, on_tick);
    SCS(0x014) = 1249;
    SCS(0x018) = 0;
    SCS(0x010) = 7;
    busy_wait_us(1000);
    bool flag = SCS(0x010) >> 16 & 1, again = SCS(0x010) >> 16 & 1;
    SCS(0x010) = 0;
    check("SysTick's interrupt", 98 <= ticks && ticks <= 102);
    check("COUNTFLAG is cleared by reading it", flag && !again);
    set_sys_clock_khz(48000, true);
    passed = counted(5, 200);
    set_sys_clock_khz(125000, true);
    setup_default_uart();
    check("SysTick by another clk_sys", 9400 < passed && passed < 10400);
}

static void protect(uint region, uintptr_t address, uint32_t access, uint bits) {
    SCS(0xD98) = region;
    SCS(0xD9C) = address;
    SCS(0xDA0) = access << 24 | (bits - 1) << 1 | 1;
    __asm volatile("dsb\nisb");
}

static void no_region(uint region) {
    SCS(0xD98) = region;
    SCS(0xDA0) = 0;
    __asm volatile("dsb\nisb");
}

static void protection_is(uint32_t control) {
    SCS(0xD94) = control;
    __asm volatile("dsb\nisb");
}

static bool allowed(probe_t probe, uintptr_t address) {
    faults = 0;
    resume_at = after(probe);
    probe(address, 0xABCD);
    return !faults;
}

static void regions(uintptr_t at) {
    bool each = true;
    SCS(0xD98) = 0xFF; // UNPREDICTABLE: what comes of it is not looked at
    for (uint n = 0; n < 8; n++) {
        protect(n, at, ACCESS_NONE, 8);
        each &= refused(load_word, at) && allowed(load_word, at + 256) && allowed(load_word, at - 4);
        no_region(n);
        each &= allowed(store_word, at);
    }
    check("each of eight regions", each);
    protect(2, at, ACCESS_NONE, 8);
    protect(3, at, ACCESS_FULL, 8);
    bool later = allowed(store_word, at);
    protect(1, at, ACCESS_NONE, 8);
    later &= allowed(store_word, at);
    protect(4, at, ACCESS_READ_ONLY, 8);
    check("the last of those that overlap", later && refused(store_word, at) && allowed(load_word, at));
    for (uint n = 1; n < 5; n++) {
        no_region(n);
    }
    SCS(0xD98) = 0;
    SCS(0xD9C) = at | 1u << 4 | 5; // VALID: of region 5
    SCS(0xDA0) = 7u << 1 | 1;
    __asm volatile("dsb\nisb");
    check("a region named with its base", SCS(0xD98) == 5 && SCS(0xD9C) == (at | 5) && refused(load_word, at));
    protect(5, at, ACCESS_NONE, 8);
    SCS(0xDA0) = 1u << 9 | 1u << 15 | 7u << 1 | 1; // the second of eight parts, and the last
    __asm volatile("dsb\nisb");
    bool parts = refused(load_word, at + 28) && allowed(load_word, at + 32) && allowed(load_word, at + 60);
    parts &= refused(load_word, at + 64) && refused(load_word, at + 220) && allowed(load_word, at + 224);
    check("parts of a region that are none of it", parts);
    protect(5, at & ~1023u, ACCESS_NONE, 10);
    parts = refused(load_word, at & ~1023u) && refused(load_word, at | 1020u) && allowed(load_word, (at & ~1023u) + 1024);
    check("a region of 1 KiB", parts);
    no_region(5);
}

static void code_and_users(uintptr_t at) {
    static uint16_t code[128] __attribute__((aligned(256))) = {0x4770, 0x4770}; // BX LR
    uintptr_t run = (uintptr_t)code | 1;
    protect(6, (uintptr_t)code, ACCESS_FULL | EXECUTE_NEVER, 8);
    bool never = refused_jump(run, true) && allowed(load_word, (uintptr_t)code);
    protect(6, (uintptr_t)code, ACCESS_READ_ONLY, 8);
    check("no execution where it is never", never && allowed((probe_t)run, 0));
    no_region(6);

    protect(0, XIP_BASE, ACCESS_READ_ONLY, 24); // the default map is for privileged accesses only
    protect(1, SRAM_BASE, ACCESS_FULL, 19);
    protect(6, at, ACCESS_PRIVILEGED, 8);
    protect(7, at + 256, ACCESS_ALL_MAY_READ, 8);
    bool privileged = allowed(store_word, at) && allowed(store_word, at + 256);
    __asm volatile("msr control, %0\nisb" ::"r"(1)); // a thread without privileges
    bool user = refused(load_word, at) && refused(store_word, at) && allowed(load_word, at + 256) && refused(store_word, at + 256);
    bool own = refused(load_word, PPB_BASE + 0xED00) && refused(load_word, TIMER_BASE + 0x28);
    call_supervisor(0, 0); // gives them back
    uint32_t control;
    __asm volatile("mrs %0, control" : "=r"(control));
    check("who has no privileges", privileged && user && control == 0);
    check("nor reaches what no region has", own && allowed(load_word, PPB_BASE + 0xED00));
    no_region(6);
    no_region(7);

    protection_is(1); // no map for the rest
    bool rest = refused(load_word, TIMER_BASE + 0x28) && refused(load_word, 0) && allowed(load_word, PPB_BASE + 0xED00);
    protection_is(5);
    check("nothing beside the regions without the default map", rest && allowed(load_word, TIMER_BASE + 0x28));
    no_region(0);
    no_region(1);
}

static void on_call_for_privileges(void) {
    __asm volatile("msr control, %0\nisb" ::"r"(0));
}

static void protection(void) {
    check("eight regions of protection", SCS(0xD90) == 0x800);
    uintptr_t at = (uintptr_t)data;
    data[0] = 0xABCD;
    protect(7, at, ACCESS_NONE, 8);
    protection_is(5); // on, the default map for the rest
    fault_looks_at = at;
    check("a region without access", refused(load_word, at + 4) && refused(store_word, at));
    check("HardFaults are not protected against", fault_saw == 0xABCD);
    fault_looks_at = 0;
    protect(7, at, ACCESS_READ_ONLY, 8);
    faults = 0;
    check("a region to read only", load_word(at, 0) == 0xABCD && !faults && refused(store_word, at));
    no_region(7);
    regions(at);
    exception_restore_handler(SVCALL_EXCEPTION, svc_handler_before);
    exception_set_exclusive_handler(SVCALL_EXCEPTION, on_call_for_privileges);
    code_and_users(at);
    protection_is(0);
    store_word(at, 1);
    check("no protection any more", data[0] == 1);
}

static void banks(void) {
    uintptr_t offset = (uintptr_t)data - SRAM_BASE;
    bool same = true;
    for (uint i = 0; i < 8; i++) {
        data[i] = 0x1000 + i;
    }
    for (uint i = 0; i < 8; i++) {
        uintptr_t at = offset + 4 * i;
        volatile uint32_t *word = (volatile uint32_t *)(0x21000000 + (at >> 2 & 3) * 0x10000 + (at >> 4 << 2));
        same &= *word == 0x1000 + i;
        *word = 0x2000 + i;
        same &= *(volatile uint32_t *)&data[i] == 0x2000 + i;
    }
    check("the banks of SRAM by themselves", same);
}

int main(void) {
    stdio_init_all();
    exception_set_exclusive_handler(HARDFAULT_EXCEPTION, isr_fault);
    unaligned();
    nothing_there();
    lacking();
    gaps();
    whatever_masks_and_priorities();
    who_goes_first();
    non_maskable();
    registers();
    system_timer();
    protection();
    banks();
    finish();
}

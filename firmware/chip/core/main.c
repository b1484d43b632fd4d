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
static uint32_t data[64] __attribute__((aligned(256)));

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

    exception_set_exclusive_handler(SVCALL_EXCEPTION, on_supervisor_call);
    calls = faults = 0;
    call_supervisor(0, 0);
    check("a supervisor call", calls == 1 && !faults);
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
    syscfg_hw->proc0_nmi_mask = 0;
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
}

static void protection(void) {
    check("eight regions of protection", SCS(0xD90) == 0x800);
    uintptr_t at = (uintptr_t)data;
    data[0] = 0xABCD;
    protect(7, at, 0, 8);
    SCS(0xD94) = 5; // on, the default map for the rest
    __asm volatile("dsb\nisb");
    fault_looks_at = at;
    check("a region without access", refused(load_word, at + 4) && refused(store_word, at));
    check("HardFaults are not protected against", fault_saw == 0xABCD);
    fault_looks_at = 0;
    protect(7, at, 6, 8);
    __asm volatile("dsb\nisb");
    faults = 0;
    check("a region to read only", load_word(at, 0) == 0xABCD && !faults && refused(store_word, at));
    SCS(0xD94) = 0;
    __asm volatile("dsb\nisb");
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
    whatever_masks_and_priorities();
    non_maskable();
    registers();
    system_timer();
    protection();
    banks();
    finish();
}

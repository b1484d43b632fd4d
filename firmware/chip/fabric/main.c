// The bus fabric and the memories at it: execute-in-place with its cache and its windows, the banks of SRAM, the boot ROM,
// and what the performance counters say of them (RP2040 datasheet, 2.1 and 2.6). What is counted exactly is done by code
// and with a stack that are elsewhere than what is counted, while interrupts are off.
#include <string.h>
#include "check.h"
#include "hardware/dma.h"
#include "hardware/exception.h"
#include "hardware/flash.h"
#include "hardware/structs/bus_ctrl.h"
#include "hardware/structs/systick.h"
#include "hardware/structs/timer.h"
#include "hardware/structs/xip_ctrl.h"
#include "pico/stdlib.h"

#define IN_SRAM(name) __no_inline_not_in_flash_func(name)
#define IN_BANK_4(name) __attribute__((noinline, section(".scratch_x." #name))) name
#define WORD(address) (*(volatile uint32_t *)(address))
#define XIP_SRAM 0x15000000
#define UNSTRIPED(bank) (0x21000000 + 0x10000 * (bank))
#define WAY_SIZE 0x2000 // the cache has two ways, lines of 8 bytes
#define T_BIT (1u << 24)
#define NOTHING 0x1F

extern uint32_t load_word(uintptr_t, uint32_t);
extern uint32_t store_word(uintptr_t, uint32_t), store_byte(uintptr_t, uint32_t);
extern void isr_fault(void);

// Three addresses that share a set of the cache, and what is around them; nothing else of the flash is read meanwhile.
static const uint32_t table[3 * WAY_SIZE / 4] __attribute__((aligned(WAY_SIZE))) = {11, 12, 13, 14, [WAY_SIZE / 4] = 21, [WAY_SIZE / 2] = 31};
static uint32_t striped[64] __attribute__((aligned(256)));
static volatile uint32_t bank4[16] __attribute__((section(".scratch_x.data"), aligned(4)));
static volatile uint32_t faults;
static volatile uint32_t sink;
static bool good[40];

void IN_SRAM(on_fault)(uint32_t *frame) {
    faults++;
    frame[6] = frame[6] >> 24 == 0x21 ? frame[5] & ~1u : frame[6] + 2;
    frame[7] |= T_BIT;
}

static bool IN_SRAM(refused)(uint32_t (*probe)(uintptr_t, uint32_t), uintptr_t address) {
    faults = 0;
    probe(address, 0x12345678);
    return faults == 1;
}

// -- The cache and its windows (2.6.3). Code is in SRAM: the flash is accessed by what is checked, and by nothing else. --

static inline uintptr_t flash(uint index) {
    return (uintptr_t)&table[index];
}

static inline uintptr_t window(uint number, uint index) {
    return flash(index) + 0x01000000 * number;
}

static void IN_SRAM(begin_anew)(void) {
    xip_ctrl_hw->flush = 1;
    (void)xip_ctrl_hw->flush;
    xip_ctrl_hw->ctr_acc = 1;
    xip_ctrl_hw->ctr_hit = 1;
}

// Whether so many accesses have been made since, and so many of them were hits.
static bool IN_SRAM(counted)(uint accesses, uint hits) {
    return xip_ctrl_hw->ctr_acc == accesses && xip_ctrl_hw->ctr_hit == hits;
}

// Whether a line is in the cache: a window that only looks.
static bool IN_SRAM(is_cached)(uint index) {
    uint32_t hits = xip_ctrl_hw->ctr_hit;
    sink = WORD(window(1, index));
    return xip_ctrl_hw->ctr_hit == hits + 1;
}

static void IN_SRAM(cache)(bool *check) {
    begin_anew();
    *check++ = counted(0, 0);
    sink = WORD(flash(0));
    bool missed = counted(1, 0);
    sink = WORD(flash(0));
    *check++ = missed && counted(2, 1);
    sink = *(volatile uint8_t *)flash(0);
    bool by_words = counted(3, 2);
    sink = WORD(flash(1));
    by_words &= counted(4, 2);
    sink = *(volatile uint8_t *)flash(1);
    *check++ = by_words && counted(5, 3);
    sink = WORD(flash(WAY_SIZE / 4)) + WORD(flash(WAY_SIZE / 2)); // the other way, then this one: both its words are gone
    *check++ = !is_cached(0) && !is_cached(1);

    faults = 0;
    begin_anew();
    sink = WORD(flash(0));
    WORD(flash(1)) = 12; // gives up its line
    uint32_t before = xip_ctrl_hw->ctr_hit;
    sink = WORD(flash(0));
    missed = xip_ctrl_hw->ctr_hit == before;
    sink = WORD(flash(0));
    *check++ = !faults && missed && xip_ctrl_hw->ctr_hit == before + 1;
    WORD(flash(100)) = 0x1234;
    *check++ = WORD(flash(100)) == 0;

    begin_anew();
    sink = WORD(flash(0)) + WORD(flash(WAY_SIZE / 4));
    *check++ = is_cached(0) && is_cached(WAY_SIZE / 4);
    sink = WORD(flash(WAY_SIZE / 2));
    *check++ = is_cached(WAY_SIZE / 2) && is_cached(0) + is_cached(WAY_SIZE / 4) == 1;

    begin_anew();
    sink = WORD(window(1, 0));
    bool kept_out = !is_cached(0);
    sink = WORD(flash(0));
    *check++ = kept_out && is_cached(0);
    begin_anew();
    sink = WORD(window(2, 0));
    sink = WORD(window(2, 0));
    *check++ = counted(2, 0) && is_cached(0);
    begin_anew();
    sink = WORD(window(3, 0));
    *check++ = counted(1, 0) && !is_cached(0);
    sink = WORD(flash(0));
    sink = WORD(window(3, 0));
    *check++ = counted(4, 0);
    *check++ = WORD(window(1, 1)) == 12 && WORD(window(2, 2)) == 13 && WORD(window(3, WAY_SIZE / 2)) == 31;

    begin_anew();
    sink = WORD(flash(0));
    hw_clear_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_EN_BITS);
    sink = WORD(flash(0));
    sink = WORD(flash(0));
    bool straight = counted(3, 0);
    hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_EN_BITS);
    *check++ = straight;

    xip_ctrl_hw->flush = 1;
    bool busy = !(xip_ctrl_hw->stat & XIP_STAT_FLUSH_READY_BITS);
    systick_hw->rvr = 0xFFFFFF;
    systick_hw->cvr = 0;
    systick_hw->csr = 5;
    while (!(xip_ctrl_hw->stat & XIP_STAT_FLUSH_READY_BITS)) {
    }
    uint32_t took = 0xFFFFFF - systick_hw->cvr;
    systick_hw->csr = 0;
    *check++ = busy && 800 < took && took < 1200;
}

static void IN_SRAM(windows)(bool *check) {
    *check++ = refused(store_word, window(1, 0)) && refused(store_byte, window(2, 0)) && refused(store_word, window(3, 0));
    hw_clear_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_ERR_BADWRITE_BITS);
    bool ignored = !refused(store_word, window(1, 0)) && !refused(store_byte, window(2, 0)) && !refused(store_word, window(3, 0));
    hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_ERR_BADWRITE_BITS);
    *check++ = ignored && WORD(window(3, 0)) == 11;

    *check++ = refused(load_word, XIP_SRAM) && refused(store_word, XIP_SRAM + 0x3FFC);
    hw_clear_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_EN_BITS);
    xip_ctrl_hw->flush = 1;
    (void)xip_ctrl_hw->flush;
    faults = 0;
    for (uint i = 0; i < 0x4000; i += 4) {
        store_word(XIP_SRAM + i, i ^ 0x5A5A0000);
    }
    bool kept = true;
    for (uint i = 0; i < 0x4000; i += 4) {
        kept &= load_word(XIP_SRAM + i, 0) == (i ^ 0x5A5A0000);
    }
    *check++ = kept && !faults;
    hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_POWER_DOWN_BITS);
    bool down = refused(load_word, XIP_SRAM) && refused(store_word, XIP_SRAM);
    hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_EN_BITS);
    down &= !(xip_ctrl_hw->ctrl & XIP_CTRL_EN_BITS);
    hw_clear_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_POWER_DOWN_BITS);
    *check++ = down;
    faults = 0;
    xip_ctrl_hw->flush = 1;
    (void)xip_ctrl_hw->flush;
    *check++ = load_word(XIP_SRAM + 0x1234, 0) == (0x1234 ^ 0x5A5A0000) && !faults;
    xip_ctrl_hw->flush = 1;
    (void)xip_ctrl_hw->flush;
    hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_EN_BITS);
}

static int __attribute__((noinline)) fibonacci(int n) {
    return n <= 1 ? 1 : fibonacci(n - 1) + fibonacci(n - 2);
}

static void execute_in_place(void) {
    uint32_t mask = save_and_disable_interrupts();
    check("XIP_CTRL after reset", xip_ctrl_hw->ctrl == 3);
    cache(good);
    restore_interrupts(mask);
    static const char *const cached[] = {
        "XIP counters are cleared", "a line is read once", "a line is filled by words", "a line has eight bytes", "a write gives a line up",
        "and changes nothing", "two ways", "a third takes the place of one", "0x11 looks and keeps nothing",
        "0x12 does not look and keeps", "0x13 does neither", "nor does it look for what is there",
        "the windows show the same", "without the cache", "a flush takes its time",
    };
    for (uint i = 0; i < count_of(cached); i++) {
        check(cached[i], good[i]);
    }
    mask = save_and_disable_interrupts();
    windows(good);
    restore_interrupts(mask);
    static const char *const seen[] = {
        "writes to 0x11 to 0x13 are bus errors", "or ignored", "no SRAM while there is a cache", "the cache as SRAM",
        "not when it is powered down", "which keeps what was in it",
    };
    for (uint i = 0; i < count_of(seen); i++) {
        check(seen[i], good[i]);
    }
    xip_ctrl_hw->ctr_acc = 1;
    xip_ctrl_hw->ctr_hit = 1;
    fibonacci(12);
    uint32_t hits = xip_ctrl_hw->ctr_hit, accesses = xip_ctrl_hw->ctr_acc;
    bool executed = true;
    for (uint i = 1; i < 4; i++) {
        int (*there)(int) = (int (*)(int))((uintptr_t)fibonacci + (i << 24));
        executed &= there(10) == 89;
    }
    check("code in each window", executed);
    check("code is fetched through the cache", accesses > 1500 && accesses < 5000 && hits < accesses && hits > accesses / 100 * 98);

    mask = save_and_disable_interrupts();
    static uint32_t back[16];
    while (!(xip_ctrl_hw->stat & XIP_STAT_FIFO_EMPTY)) {
        (void)xip_ctrl_hw->stream_fifo;
    }
    xip_ctrl_hw->stream_addr = flash(0);
    xip_ctrl_hw->stream_ctr = 16;
    dma_channel_config c = dma_channel_get_default_config(0);
    channel_config_set_read_increment(&c, false);
    channel_config_set_write_increment(&c, true);
    channel_config_set_dreq(&c, DREQ_XIP_STREAM);
    dma_channel_configure(0, &c, back, (void *)XIP_AUX_BASE, 16, true);
    dma_channel_wait_for_finish_blocking(0);
    check("a stream by DMA", !memcmp(back, table, sizeof back) && xip_ctrl_hw->stream_ctr == 0
                                 && xip_ctrl_hw->stream_addr == flash(16));
    xip_ctrl_hw->stream_ctr = 100;
    busy_wait_us(10);
    bool full = xip_ctrl_hw->stat & XIP_STAT_FIFO_FULL;
    xip_ctrl_hw->stream_ctr = 0;
    busy_wait_us(10);
    (void)xip_ctrl_hw->stream_fifo;
    (void)xip_ctrl_hw->stream_fifo;
    busy_wait_us(10);
    check("a stream that is halted", full && xip_ctrl_hw->stream_ctr == 0 && (xip_ctrl_hw->stat & XIP_STAT_FIFO_EMPTY));
    restore_interrupts(mask);
}

// -- What the counters of the bus fabric count (2.1.1) --

static void IN_SRAM(select_events)(uint a, uint b, uint c, uint d) {
    bus_ctrl_hw->counter[0].sel = a;
    bus_ctrl_hw->counter[1].sel = b;
    bus_ctrl_hw->counter[2].sel = c;
    bus_ctrl_hw->counter[3].sel = d;
    for (uint i = 0; i < 4; i++) {
        bus_ctrl_hw->counter[i].value = 1;
    }
}

static bool IN_SRAM(are)(uint a, uint b, uint c, uint d) {
    uint32_t v0 = bus_ctrl_hw->counter[0].value, v1 = bus_ctrl_hw->counter[1].value;
    uint32_t v2 = bus_ctrl_hw->counter[2].value, v3 = bus_ctrl_hw->counter[3].value;
    return v0 == a && v1 == b && v2 == c && v3 == d;
}

// Code and its constants in bank 4, the stack and what it has counted in bank 5: the other banks are left alone.
static void IN_BANK_4(touch)(uintptr_t from, uint count, uint32_t *seen) {
    bus_ctrl_hw->counter[0].value = bus_ctrl_hw->counter[1].value = 1;
    bus_ctrl_hw->counter[2].value = bus_ctrl_hw->counter[3].value = 1;
    for (uint i = 0; i < count; i++) {
        (void)WORD(from + 4 * i);
    }
    seen[0] = bus_ctrl_hw->counter[0].value;
    seen[1] = bus_ctrl_hw->counter[1].value;
    seen[2] = bus_ctrl_hw->counter[2].value;
    seen[3] = bus_ctrl_hw->counter[3].value;
}

static void IN_SRAM(count)(bool *check) {
    static const uintptr_t rom = 0x100, fast = USBCTRL_DPRAM_BASE + 0x800;
    uint32_t seen[4];
    select_events(arbiter_rom_perf_event_access, arbiter_xip_main_perf_event_access, arbiter_fastperi_perf_event_access,
              arbiter_sram4_perf_event_access);
    for (uint i = 0; i < 6; i++) {
        (void)WORD(rom);
    }
    for (uint i = 0; i < 4; i++) {
        (void)WORD(window(3, i));
    }
    for (uint i = 0; i < 5; i++) {
        WORD(fast) = i;
    }
    for (uint i = 0; i < 10; i++) {
        bank4[i] = i;
    }
    (void)*(volatile uint8_t *)&bank4[1];
    *check++ = are(6, 4, 5, 11);
    *check++ = are(6, 4, 5, 11); // nothing more
    bus_ctrl_hw->counter[3].value = 0x1234;
    *check++ = are(6, 4, 5, 0);

    select_events(arbiter_sram0_perf_event_access, arbiter_sram1_perf_event_access, arbiter_sram2_perf_event_access,
              arbiter_sram3_perf_event_access);
    touch((uintptr_t)striped, 62, seen);
    *check++ = seen[0] == 16 && seen[1] == 16 && seen[2] == 15 && seen[3] == 15;
    touch(UNSTRIPED(2), 62, seen);
    *check++ = seen[0] == 0 && seen[1] == 0 && seen[2] == 62 && seen[3] == 0;

    select_events(arbiter_apb_perf_event_access, arbiter_sram4_perf_event_access, arbiter_fastperi_perf_event_access, NOTHING);
    uint32_t first = bus_ctrl_hw->counter[0].value, second = bus_ctrl_hw->counter[0].value;
    for (uint i = 0; i < 7; i++) {
        (void)timer_hw->timerawl;
    }
    *check++ = second - first == 1 && bus_ctrl_hw->counter[0].value - second == 8;
    dma_channel_config c = dma_channel_get_default_config(0);
    channel_config_set_write_increment(&c, true);
    dma_channel_configure(0, &c, (void *)fast, (const void *)bank4, 12, false);
    bus_ctrl_hw->counter[1].value = bus_ctrl_hw->counter[2].value = 0;
    dma_hw->multi_channel_trigger = 1;
    while (dma_channel_hw_addr(0)->transfer_count) {
    }
    // the trigger and the looks at it are accesses to the fast peripherals, too
    uint32_t fast_ones = bus_ctrl_hw->counter[2].value;
    *check++ = bus_ctrl_hw->counter[1].value == 12 && 14 <= fast_ones && fast_ones < 30;
    select_events(NOTHING, NOTHING, NOTHING, NOTHING);
    touch(rom, 4, seen);
    *check++ = are(0, 0, 0, 0);
}

static void fabric(void) {
    bool unset = true;
    for (uint i = 0; i < 4; i++) {
        unset &= bus_ctrl_hw->counter[i].sel == NOTHING && bus_ctrl_hw->counter[i].value == 0;
    }
    check("the bus counts nothing at first", unset);
    bus_ctrl_hw->priority = 0xFFFFFFFF;
    check("priorities", bus_ctrl_hw->priority == 0x1111 && bus_ctrl_hw->priority_ack == 1);
    bus_ctrl_hw->priority = 0;
    uint32_t mask = save_and_disable_interrupts();
    count(good);
    restore_interrupts(mask);
    static const char *const counted_[] = {
        "accesses to ROM, XIP, the fast peripherals and a bank", "not those to others", "a counter that is written is cleared",
        "striped words take turns", "unstriped ones do not", "accesses to the APB", "those of DMA", "nothing selected",
    };
    for (uint i = 0; i < count_of(counted_); i++) {
        check(counted_[i], good[i]);
    }
}

// -- The banks of SRAM one behind the other (2.6.2), and the boot ROM --

static uintptr_t unstriped(const volatile void *address) {
    uintptr_t offset = (uintptr_t)address - SRAM_BASE;
    return UNSTRIPED(offset >> 2 & 3) + (offset >> 4 << 2) + (offset & 3);
}

static void banks(void) {
    bool alike = true;
    for (uint i = 0; i < count_of(striped); i++) {
        striped[i] = 0x1000 * i + 1;
    }
    for (uint i = 0; i < count_of(striped); i++) {
        alike &= WORD(unstriped(&striped[i])) == striped[i];
        *(volatile uint8_t *)(unstriped(&striped[i]) + 2) = i;
        *(volatile uint16_t *)unstriped(&striped[i]) = 2 * i;
        alike &= *(volatile uint32_t *)&striped[i] == (i << 16 | 2 * i);
    }
    check("the same words in both windows", alike);

    // no register is here: what looks like an alias is the next bank's bytes, or nothing
    striped[0] = 0xF0;
    WORD(unstriped(striped)) = 0x0F;
    check("a write is a write", *(volatile uint32_t *)striped == 0x0F);
    check("nothing behind the banks", refused(load_word, UNSTRIPED(4)) && refused(store_word, UNSTRIPED(4) + 0xFFFC)
                                          && refused(load_word, 0x22000000 + 0x10000));

    static uint32_t copy[16];
    for (uint i = 0; i < count_of(striped); i++) {
        striped[i] = i;
    }
    dma_channel_config c = dma_channel_get_default_config(1);
    channel_config_set_write_increment(&c, true);
    dma_channel_configure(1, &c, copy, (const void *)unstriped(&striped[1]), 16, true);
    dma_channel_wait_for_finish_blocking(1);
    bool every_fourth = true;
    for (uint i = 0; i < count_of(copy); i++) {
        every_fourth &= copy[i] == 4 * i + 1;
    }
    dma_channel_configure(1, &c, (void *)unstriped(&striped[2]), copy, 16, true);
    dma_channel_wait_for_finish_blocking(1);
    for (uint i = 0; i < count_of(copy); i++) {
        every_fourth &= *(volatile uint32_t *)&striped[4 * i + 2] == 4 * i + 1 && *(volatile uint32_t *)&striped[4 * i + 3] == 4 * i + 3;
    }
    check("DMA from and to a bank", every_fourth);

    // MOVS R0, #n; BX LR, in one bank: the words between belong to others
    volatile uint32_t *code = (volatile uint32_t *)unstriped(&striped[4]);
    code[0] = 0x4770202A;
    code[1] = 0xDE00DE00;
    int (*run)(void) = (int (*)(void))((uintptr_t)code | 1);
    int before = run();
    striped[4] = 0x4770202B; // through the other window
    __asm volatile("dsb\nisb" ::: "memory");
    check("code in a bank", before == 42 && run() == 43);

    volatile uint32_t *there = (volatile uint32_t *)unstriped(&striped[4]);
    there[0] = 0x4770202C; // through the same one
    __asm volatile("dsb\nisb" ::: "memory");
    bool same = run() == 44;
    static const uint32_t other = 0x4770202D;
    channel_config_set_write_increment(&c, false);
    dma_channel_configure(1, &c, (void *)&striped[4], &other, 1, true);
    dma_channel_wait_for_finish_blocking(1);
    __asm volatile("dsb\nisb" ::: "memory");
    check("code in a bank that is written over", same && run() == 45);

    uint32_t stack = load_word(0x20, 0);
    faults = 0;
    store_word(0x20, 0x12345678);
    store_word(0x3F00, 0x12345678);
    uint32_t late = load_word(0x3F00, 0);
    check("the boot ROM ignores writes", !faults && load_word(0x20, 0) == stack && late != 0x12345678);
}

int main(void) {
    stdio_init_all();
    exception_set_exclusive_handler(HARDFAULT_EXCEPTION, isr_fault);
    execute_in_place();
    fabric();
    banks();
    finish();
}

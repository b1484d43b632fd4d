// DMA as the pico-sdk drives it (RP2040 datasheet, 2.5).
#include <string.h>
#include "check.h"
#include "hardware/dma.h"
#include "hardware/irq.h"
#include "pico/stdlib.h"

static uint32_t source[256], target[256];
static uint8_t ring[16] __attribute__((aligned(16)));
static volatile uint32_t seen0, seen1;

static void on_irq0(void) {
    seen0 |= dma_hw->ints0;
    dma_hw->ints0 = dma_hw->ints0;
}

static void on_irq1(void) {
    seen1 |= dma_hw->ints1;
    dma_hw->intf1 = 0;
    dma_hw->ints1 = dma_hw->ints1;
}

static void fill(void) {
    for (uint32_t i = 0; i < count_of(source); i++) {
        source[i] = i * 0x01030507u + 0x11223344u;
    }
    memset(target, 0, sizeof target);
    memset(ring, 0, sizeof ring);
}

static dma_channel_config config(uint channel, enum dma_channel_transfer_size size, bool read, bool write) {
    dma_channel_config c = dma_channel_get_default_config(channel);
    channel_config_set_transfer_data_size(&c, size);
    channel_config_set_read_increment(&c, read);
    channel_config_set_write_increment(&c, write);
    return c;
}

static void run(uint channel, const dma_channel_config *c, volatile void *to, const volatile void *from, uint count) {
    dma_channel_configure(channel, c, to, from, count, true);
    dma_channel_wait_for_finish_blocking(channel);
}

static void copies(uint a) {
    fill();
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    run(a, &c, target, source, 256);
    check("copy words", !memcmp(target, source, sizeof source));
    check("addresses advance", dma_hw->ch[a].read_addr == (uintptr_t)(source + 256)
          && dma_hw->ch[a].write_addr == (uintptr_t)(target + 256) && dma_hw->ch[a].transfer_count == 0
          && dma_debug_hw->ch[a].dbg_tcr == 256);

    fill();
    c = config(a, DMA_SIZE_16, true, true);
    run(a, &c, target, source, 100);
    check("copy halfwords", !memcmp(target, source, 200) && target[50] == 0);

    fill();
    c = config(a, DMA_SIZE_8, true, true);
    run(a, &c, (uint8_t *)target + 1, (uint8_t *)source + 2, 5);
    check("copy bytes", !memcmp((uint8_t *)target + 1, (uint8_t *)source + 2, 5) && !((uint8_t *)target)[6]);

    fill();
    c = config(a, DMA_SIZE_32, true, true);
    channel_config_set_bswap(&c, true);
    run(a, &c, target, source, 2);
    check("byte swap", target[1] == __builtin_bswap32(source[1]));

    fill();
    c = config(a, DMA_SIZE_8, true, true);
    channel_config_set_ring(&c, true, 4);
    run(a, &c, ring + 3, source, 20);
    check("ring of writes", ring[3] == ((uint8_t *)source)[16] && ring[7] == ((uint8_t *)source)[4]
          && ring[2] == ((uint8_t *)source)[15]);

    for (uint i = 0; i < sizeof ring; i++) {
        ring[i] = i;
    }
    channel_config_set_ring(&c, false, 4);
    run(a, &c, target, ring + 5, 20);
    check("ring of reads", ((uint8_t *)target)[10] == 15 && ((uint8_t *)target)[11] == 0 && ((uint8_t *)target)[19] == 8);
}

static void triggers(uint a, uint b) {
    fill();
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    dma_channel_configure(a, &c, target, source, 4, false);
    bool before = target[0] == 0 && !dma_channel_is_busy(a);
    dma_channel_set_trans_count(a, 3, true);
    dma_channel_wait_for_finish_blocking(a);
    dma_channel_set_read_addr(a, source + 10, true);
    dma_channel_wait_for_finish_blocking(a);
    dma_channel_set_write_addr(a, target + 20, true);
    dma_channel_wait_for_finish_blocking(a);
    check("trigger by each alias", before && target[2] == source[2] && target[5] == source[12] && target[6] == 0
          && target[20] == source[13] && target[22] == source[15]);

    fill();
    dma_channel_config d = config(b, DMA_SIZE_32, true, true);
    dma_channel_configure(a, &c, target, source, 2, false);
    dma_channel_configure(b, &d, target + 10, source + 10, 2, false);
    dma_start_channel_mask(1u << a | 1u << b);
    dma_channel_wait_for_finish_blocking(a);
    dma_channel_wait_for_finish_blocking(b);
    check("trigger several", target[1] == source[1] && target[11] == source[11]);

    fill();
    channel_config_set_chain_to(&c, b);
    dma_channel_configure(b, &d, target + 100, target, 100, false);
    dma_channel_configure(a, &c, target, source, 100, true);
    dma_channel_wait_for_finish_blocking(a);
    while (dma_channel_is_busy(b)) {
    }
    check("chain", !memcmp(target + 100, source, 400));
}

static void control_blocks(uint a, uint b) {
    static const char *const words[] = {"one ", "two", " three"};
    struct block {
        uint32_t length;
        const char *from;
    } blocks[4] = {{4, words[0]}, {3, words[1]}, {6, words[2]}, {0, NULL}};
    fill();
    dma_channel_config d = config(b, DMA_SIZE_8, true, true);
    channel_config_set_chain_to(&d, a);
    channel_config_set_irq_quiet(&d, true);
    dma_channel_configure(b, &d, target, NULL, 0, false);
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    channel_config_set_ring(&c, true, 3);
    dma_hw->intr = 1u << b;
    dma_channel_configure(a, &c, &dma_hw->ch[b].al3_transfer_count, blocks, 2, true);
    absolute_time_t limit = make_timeout_time_ms(10);
    while (!(dma_hw->intr & 1u << b) && !time_reached(limit)) {
    }
    check("control blocks and a null trigger", dma_hw->intr & 1u << b && !memcmp(target, "one two three", 13));
    dma_hw->intr = 1u << b | 1u << a;
}

static void interrupts(uint a, uint b) {
    fill();
    irq_set_exclusive_handler(DMA_IRQ_0, on_irq0);
    irq_set_exclusive_handler(DMA_IRQ_1, on_irq1);
    irq_set_enabled(DMA_IRQ_0, true);
    irq_set_enabled(DMA_IRQ_1, true);
    dma_channel_set_irq0_enabled(a, true);
    dma_channel_set_irq1_enabled(b, true);
    dma_channel_config c = config(a, DMA_SIZE_32, true, true), d = config(b, DMA_SIZE_32, true, true);
    run(a, &c, target, source, 10);
    run(b, &d, target, source, 10);
    busy_wait_us(2);
    check("an interrupt line for each", seen0 == 1u << a && seen1 == 1u << b);
    seen0 = 0;
    channel_config_set_irq_quiet(&c, true);
    run(a, &c, target, source, 10);
    busy_wait_us(2);
    bool quiet = !seen0;
    dma_channel_set_trans_count(a, 0, true);
    busy_wait_us(2);
    check("quiet but for a null trigger", quiet && seen0 == 1u << a);
    seen1 = 0;
    dma_hw->intf1 = 1u << 9;
    busy_wait_us(2);
    check("a forced interrupt", seen1 == 1u << 9);
    dma_channel_set_irq0_enabled(a, false);
    dma_channel_set_irq1_enabled(b, false);
}

static void timers(uint a) {
    fill();
    uint timer = dma_claim_unused_timer(true);
    dma_timer_set_fraction(timer, 1, 1250); // 100 kHz
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    channel_config_set_dreq(&c, dma_get_timer_dreq(timer));
    absolute_time_t start = get_absolute_time();
    run(a, &c, target, source, 100);
    int64_t took = absolute_time_diff_us(start, get_absolute_time());
    check("paced by a timer", took >= 995 && took <= 1015);
    dma_timer_set_fraction(timer, 3, 10000);
    start = get_absolute_time();
    run(a, &c, target, source, 30);
    took = absolute_time_diff_us(start, get_absolute_time());
    check("paced by a fraction", took >= 796 && took <= 815);

    dma_channel_configure(a, &c, target, source, 100, true);
    busy_wait_us(200);
    hw_clear_bits(&dma_hw->ch[a].al1_ctrl, DMA_CH0_CTRL_TRIG_EN_BITS);
    uint32_t left = dma_hw->ch[a].transfer_count;
    busy_wait_us(200);
    bool paused = left > 80 && left < 100 && dma_hw->ch[a].transfer_count == left && dma_channel_is_busy(a);
    hw_set_bits(&dma_hw->ch[a].al1_ctrl, DMA_CH0_CTRL_TRIG_EN_BITS);
    dma_channel_wait_for_finish_blocking(a);
    check("pause", paused && !memcmp(target, source, 400));
    dma_timer_unclaim(timer);
}

static void speed(uint a, uint b) {
    dma_channel_config c = config(a, DMA_SIZE_32, false, false);
    absolute_time_t start = get_absolute_time();
    run(a, &c, target, source, 125000);
    int64_t alone = absolute_time_diff_us(start, get_absolute_time());
    check("a transfer a cycle", alone >= 999 && alone <= 1010);

    dma_channel_config d = config(b, DMA_SIZE_32, false, false);
    channel_config_set_high_priority(&d, true);
    dma_channel_configure(a, &c, target, source, 125000, false);
    dma_channel_configure(b, &d, target, source, 125000, false);
    start = get_absolute_time();
    dma_start_channel_mask(1u << a | 1u << b);
    dma_channel_wait_for_finish_blocking(a);
    int64_t both = absolute_time_diff_us(start, get_absolute_time());
    check("two share the bus", both >= 1995 && both <= 2015);
}

static void endless(uint a, uint b) {
    fill();
    dma_channel_config c = config(a, DMA_SIZE_32, true, true), d = config(b, DMA_SIZE_32, false, false);
    channel_config_set_ring(&c, false, 4);
    channel_config_set_ring(&d, false, 4);
    channel_config_set_write_increment(&c, false);
    channel_config_set_chain_to(&c, b);
    channel_config_set_chain_to(&d, a);
    channel_config_set_irq_quiet(&c, true);
    channel_config_set_irq_quiet(&d, true);
    dma_channel_configure(b, &d, target + 1, source + 1, 4, false);
    dma_channel_configure(a, &c, target, source, 4, true);
    busy_wait_us(500);
    uint turns_a = 0, turns_b = 0;
    for (uint i = 0; i < 200; i++) {
        turns_a += dma_channel_is_busy(a);
        turns_b += dma_channel_is_busy(b);
    }
    check("two chained to each other go on", turns_a && turns_b && target[1] == source[1]);
    hw_clear_bits(&dma_hw->ch[a].al1_ctrl, DMA_CH0_CTRL_TRIG_EN_BITS);
    hw_clear_bits(&dma_hw->ch[b].al1_ctrl, DMA_CH0_CTRL_TRIG_EN_BITS);
    dma_channel_abort(a);
    dma_channel_abort(b);
    busy_wait_us(5);
    check("and can be stopped", !dma_channel_is_busy(a) && !dma_channel_is_busy(b));

    d = config(b, DMA_SIZE_32, true, true);
    channel_config_set_chain_to(&d, b);
    run(b, &d, target, source, 4);
    check("chained to itself is not chained", dma_hw->ch[b].read_addr == (uintptr_t)(source + 4));
}

static void aborts(uint a) {
    fill();
    dma_hw->intr = 1u << a;
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    channel_config_set_dreq(&c, DREQ_DMA_TIMER3); // which nobody has set up
    dma_channel_configure(a, &c, target, source, 10, true);
    busy_wait_us(10);
    bool waited = dma_channel_is_busy(a) && dma_hw->ch[a].transfer_count == 10;
    dma_channel_abort(a);
    check("abort what nobody requests", waited && !dma_channel_is_busy(a) && !dma_hw->abort
          && !dma_hw->ch[a].transfer_count && !target[0]);
    c = config(a, DMA_SIZE_32, false, false);
    dma_channel_configure(a, &c, target, source, 1000000, true);
    busy_wait_us(10);
    dma_channel_abort(a);
    dma_hw->intr = 1u << a; // RP2040-E13
    c = config(a, DMA_SIZE_32, true, true);
    run(a, &c, target, source, 10);
    check("abort in the middle, and go on", !memcmp(target, source, 40) && dma_hw->intr & 1u << a);
    dma_hw->intr = 1u << a;
}

static void errors(uint a) {
    const uint32_t both = DMA_CH0_CTRL_TRIG_READ_ERROR_BITS | DMA_CH0_CTRL_TRIG_WRITE_ERROR_BITS;
    dma_channel_config c = config(a, DMA_SIZE_32, true, true);
    channel_config_set_irq_quiet(&c, true);
    run(a, &c, target, (void *)0x60000000, 4);
    uint32_t read = dma_hw->ch[a].ctrl_trig;
    hw_set_bits(&dma_hw->ch[a].al1_ctrl, both);
    uint32_t cleared = dma_hw->ch[a].ctrl_trig;
    run(a, &c, (void *)0x60000000, source, 4);
    uint32_t written = dma_hw->ch[a].ctrl_trig;
    hw_set_bits(&dma_hw->ch[a].al1_ctrl, both);
    check("a read error", (read & (both | DMA_CH0_CTRL_TRIG_AHB_ERROR_BITS))
          == (DMA_CH0_CTRL_TRIG_READ_ERROR_BITS | DMA_CH0_CTRL_TRIG_AHB_ERROR_BITS) && dma_hw->intr & 1u << a);
    check("a write error", (written & both) == DMA_CH0_CTRL_TRIG_WRITE_ERROR_BITS);
    check("errors are cleared by writing them", !(cleared & (both | DMA_CH0_CTRL_TRIG_AHB_ERROR_BITS)));
    run(a, &c, target, (void *)SIO_BASE, 1);
    check("no way to SIO", dma_hw->ch[a].ctrl_trig & DMA_CH0_CTRL_TRIG_READ_ERROR_BITS);
    hw_set_bits(&dma_hw->ch[a].al1_ctrl, both);
    dma_hw->intr = 1u << a;
}

static uint32_t sniffed(uint a, uint mode, uint32_t seed, enum dma_channel_transfer_size size, uint bytes, bool swap) {
    static const uint8_t text[12] __attribute__((aligned(4))) = "123456789abc";
    dma_channel_config c = config(a, size, true, true);
    channel_config_set_sniff_enable(&c, true);
    dma_sniffer_enable(a, mode, true);
    dma_sniffer_set_byte_swap_enabled(swap);
    dma_sniffer_set_data_accumulator(seed);
    run(a, &c, target, text, bytes >> size);
    uint32_t result = dma_sniffer_get_data_accumulator();
    return result;
}

static void sniffer(uint a) {
    check("CRC-32", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC32, ~0u, DMA_SIZE_8, 9, false) == 0x0376e6e7);
    dma_sniffer_set_output_reverse_enabled(true);
    dma_sniffer_set_output_invert_enabled(true);
    check("CRC-32 of reversed bits", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC32R, ~0u, DMA_SIZE_8, 9, false) == 0xcbf43926);
    check("CRC-16 of reversed bits",
          sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC16R, 0xffff, DMA_SIZE_8, 9, false) >> 16 == 0x906e);
    dma_sniffer_set_output_reverse_enabled(false);
    dma_sniffer_set_output_invert_enabled(false);
    check("CRC-16", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC16, 0xffff, DMA_SIZE_8, 9, false) == 0x29b1);
    check("CRC-16 of words", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC16, 0xffff, DMA_SIZE_32, 12, false)
          == sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_CRC16, 0xffff, DMA_SIZE_8, 12, false));
    check("sum", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_SUM, 1, DMA_SIZE_16, 4, false) == 1 + 0x3231 + 0x3433);
    check("sum of swapped bytes", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_SUM, 0, DMA_SIZE_32, 4, true) == 0x31323334);
    check("parity", sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_EVEN, 0, DMA_SIZE_8, 1, false) == 1
          && sniffed(a, DMA_SNIFF_CTRL_CALC_VALUE_EVEN, 0, DMA_SIZE_8, 3, false) == 0);
    dma_sniffer_disable();
}

int main(void) {
    stdio_init_all();
    uint a = dma_claim_unused_channel(true), b = dma_claim_unused_channel(true);
    copies(a);
    triggers(a, b);
    control_blocks(a, b);
    interrupts(a, b);
    timers(a);
    speed(a, b);
    endless(a, b);
    aborts(a);
    errors(a);
    sniffer(a);
    check("twelve channels", *(io_ro_32 *)(DMA_BASE + DMA_N_CHANNELS_OFFSET) == 12);
    finish();
}

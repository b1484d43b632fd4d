// Blocks that have no program of their own, as their registers are found: SIO's dividers and interpolators (RP2040 datasheet,
// 2.3.1), TIMER (4.6), what a GPIO's overrides do (2.19), the watchdog's tick and scratch registers (4.7).
#include <string.h>
#include "check.h"
#include "hardware/gpio.h"
#include "hardware/interp.h"
#include "hardware/structs/interp.h"
#include "hardware/structs/io_bank0.h"
#include "hardware/structs/pads_bank0.h"
#include "hardware/structs/sio.h"
#include "hardware/structs/timer.h"
#include "hardware/structs/watchdog.h"
#include "pico/stdlib.h"

// -- SIO: dividers --

static bool divides(int32_t dividend, int32_t divisor, int32_t quotient, int32_t remainder) {
    sio_hw->div_sdividend = dividend;
    sio_hw->div_sdivisor = divisor;
    while (!(sio_hw->div_csr & SIO_DIV_CSR_READY_BITS)) {
    }
    return (int32_t)sio_hw->div_remainder == remainder && (int32_t)sio_hw->div_quotient == quotient;
}

static bool divides_unsigned(uint32_t dividend, uint32_t divisor, uint32_t quotient, uint32_t remainder) {
    sio_hw->div_udividend = dividend;
    sio_hw->div_udivisor = divisor;
    while (!(sio_hw->div_csr & SIO_DIV_CSR_READY_BITS)) {
    }
    return sio_hw->div_remainder == remainder && sio_hw->div_quotient == quotient;
}

static void dividers(void) {
    check("quotients round to zero", divides(7, 2, 3, 1) && divides(-7, 2, -3, -1) && divides(7, -2, -3, 1) && divides(-7, -2, 3, -1));
    check("unsigned operands", divides_unsigned(0xFFFFFFFF, 2, 0x7FFFFFFF, 1) && divides_unsigned(3, 0x80000000, 0, 3));
    check("by zero", divides_unsigned(5, 0, 0xFFFFFFFF, 5) && divides_unsigned(0, 0, 0xFFFFFFFF, 0));
    check("by zero with a sign", divides(5, 0, -1, 5) && divides(0, 0, -1, 0) && divides(-5, 0, 1, -5));
    check("the least integer by -1", divides(INT32_MIN, -1, INT32_MIN, 0));
    (void)sio_hw->div_quotient;
    bool clean = !(sio_hw->div_csr & SIO_DIV_CSR_DIRTY_BITS);
    sio_hw->div_udividend = 9;
    bool dirty = sio_hw->div_csr & SIO_DIV_CSR_DIRTY_BITS;
    sio_hw->div_udivisor = 4;
    busy_wait_at_least_cycles(8);
    bool ready = sio_hw->div_csr & SIO_DIV_CSR_READY_BITS;
    (void)sio_hw->div_remainder;
    dirty &= (sio_hw->div_csr & SIO_DIV_CSR_DIRTY_BITS) != 0;
    (void)sio_hw->div_quotient;
    check("dirty until the quotient is read", clean && dirty && !(sio_hw->div_csr & SIO_DIV_CSR_DIRTY_BITS));
    check("ready after eight cycles", ready);
    sio_hw->div_remainder = 0x1234;
    sio_hw->div_quotient = 0x5678;
    check("results that a handler puts back",
          sio_hw->div_csr == (SIO_DIV_CSR_DIRTY_BITS | SIO_DIV_CSR_READY_BITS) && sio_hw->div_remainder == 0x1234 && sio_hw->div_quotient == 0x5678);
    sio_hw->div_sdividend = 100;
    sio_hw->div_udivisor = 7;
    check("operands are the same registers", sio_hw->div_udividend == 100 && sio_hw->div_sdivisor == 7 && sio_hw->div_quotient == 14);
    *(volatile uint32_t *)&sio_hw->div_csr = 0;
    check("CSR takes no writes", sio_hw->div_csr == SIO_DIV_CSR_READY_BITS);
}

// -- SIO: interpolators --

static void lanes(interp_hw_t *interp, uint32_t lane0, uint32_t lane1, uint32_t accumulator0, uint32_t accumulator1) {
    interp->ctrl[0] = lane0;
    interp->ctrl[1] = lane1;
    interp->accum[0] = accumulator0;
    interp->accum[1] = accumulator1;
    interp->base[0] = interp->base[1] = interp->base[2] = 0;
}

static uint32_t lane(uint shift, uint least, uint most) {
    return shift | least << SIO_INTERP0_CTRL_LANE0_MASK_LSB_LSB | most << SIO_INTERP0_CTRL_LANE0_MASK_MSB_LSB;
}

static void interpolators(void) {
    const uint32_t is_signed = SIO_INTERP0_CTRL_LANE0_SIGNED_BITS, plain = lane(0, 0, 31);
    interp_hw_t *i = interp0_hw;
    lanes(i, lane(4, 8, 19), lane(12, 0, 3), 0x12345678, 0xABCDE000);
    i->base[0] = 0x1000;
    i->base[1] = 0x20;
    i->base[2] = 7;
    check("shifted and masked", i->peek[0] == 0x1000 + 0x34500 && i->peek[1] == 0x20 + 0xE && i->peek[2] == 7 + 0x34500 + 0xE
                                    && i->add_raw[0] == 0x34500 && i->add_raw[1] == 0xE);
    lanes(i, lane(0, 0, 7) | is_signed, lane(8, 4, 7) | is_signed, 0x80, 0x8F00);
    check("the sign is that of the highest bit", i->peek[0] == 0xFFFFFF80 && i->peek[1] == 0xFFFFFF80 && i->peek[2] == 0xFFFFFF00);
    lanes(i, lane(4, 0, 3) | SIO_INTERP0_CTRL_LANE0_ADD_RAW_BITS, plain, 0x12345678, 0);
    i->base[0] = 1;
    check("raw accumulators are added", i->peek[0] == 0x12345679 && i->peek[2] == 7);
    lanes(i, plain | SIO_INTERP0_CTRL_LANE0_CROSS_INPUT_BITS, lane(4, 0, 31) | SIO_INTERP0_CTRL_LANE1_CROSS_INPUT_BITS, 0x100, 0x3);
    check("crossed inputs", i->peek[0] == 3 && i->peek[1] == 0x10);
    lanes(i, plain | SIO_INTERP0_CTRL_LANE0_CROSS_RESULT_BITS, plain | SIO_INTERP0_CTRL_LANE1_CROSS_RESULT_BITS, 5, 6);
    i->base[0] = 10;
    i->base[1] = 20;
    bool crossed = i->pop[2] == 11 && i->accum[0] == 26 && i->accum[1] == 15;
    lanes(i, plain, plain, 5, 6);
    i->base[0] = 10;
    i->base[1] = 20;
    check("results go back, crossed or not", crossed && i->pop[0] == 15 && i->accum[0] == 15 && i->accum[1] == 26);
    lanes(i, plain | 2u << SIO_INTERP0_CTRL_LANE0_FORCE_MSB_LSB, plain, 1, 0);
    check("bits forced for the bus", i->peek[0] == 0x20000001 && i->peek[2] == 1 && i->pop[0] == 0x20000001 && i->accum[0] == 1);
    lanes(i, plain, plain, 0, 0);
    i->add_raw[0] = 0xFF000003;
    i->add_raw[1] = 4;
    i->add_raw[0] = 5;
    check("what is added to accumulators", i->accum[0] == 8 && i->accum[1] == 4);
    lanes(i, plain | is_signed, plain, 0, 0);
    i->base01 = 0x8000FFFE;
    bool halves = i->base[0] == 0xFFFFFFFE && i->base[1] == 0x8000;
    lanes(i, plain, plain | is_signed, 0, 0);
    i->base01 = 0x8000FFFE;
    check("both bases at once", halves && i->base[0] == 0xFFFE && i->base[1] == 0xFFFF8000);
    lanes(i, lane(0, 0, 7), lane(0, 0, 31), 0x100, 0x100);
    bool first = (i->ctrl[0] & (7u << SIO_INTERP0_CTRL_LANE0_OVERF0_LSB)) == (5u << SIO_INTERP0_CTRL_LANE0_OVERF0_LSB);
    lanes(i, lane(0, 0, 8), lane(4, 0, 3), 0x100, 0x100);
    bool second = (i->ctrl[0] & (7u << SIO_INTERP0_CTRL_LANE0_OVERF0_LSB)) == (6u << SIO_INTERP0_CTRL_LANE0_OVERF0_LSB);
    lanes(i, lane(0, 0, 8), lane(4, 4, 4), 0x100, 0x10F);
    check("overflow above the mask", first && second && !(i->ctrl[0] & (7u << SIO_INTERP0_CTRL_LANE0_OVERF0_LSB)));

    const uint32_t blend = SIO_INTERP0_CTRL_LANE0_BLEND_BITS;
    lanes(i, plain | blend, plain, 0, 0x180);
    i->base[0] = 100;
    i->base[1] = 200;
    i->base[2] = 1000;
    bool good = i->peek[0] == 0x80 && i->peek[1] == 150 && i->peek[2] == 1000;
    i->accum[1] = 0;
    good &= i->peek[1] == 100;
    i->accum[1] = 255;
    check("blending", good && i->peek[1] == 199);
    i->base[0] = 200;
    i->base[1] = 100;
    i->accum[1] = 64;
    good = i->peek[1] == 175;
    i->ctrl[1] = plain | is_signed;
    i->base[0] = -1000;
    i->base[1] = 1000;
    i->accum[1] = 128;
    good &= i->peek[1] == 0;
    i->accum[1] = 1;
    check("blending down, and with signs", good && (int32_t)i->peek[1] == -993);

    const uint32_t clamp = SIO_INTERP1_CTRL_LANE0_CLAMP_BITS;
    i = interp1_hw;
    lanes(i, lane(2, 0, 29) | clamp | is_signed, plain, 0, 0);
    i->base[0] = -5;
    i->base[1] = 100;
    good = i->peek[0] == 0;
    i->accum[0] = 4 * 101;
    good &= i->peek[0] == 100;
    i->accum[0] = -4 * 7;
    check("clamping with a sign", good && (int32_t)i->peek[0] == -5);
    lanes(i, plain | clamp, plain, 0, 0);
    i->base[0] = 10;
    i->base[1] = 0x90000000;
    good = i->peek[0] == 10;
    i->accum[0] = 0xA0000000;
    check("clamping without", good && i->peek[0] == 0x90000000 && i->pop[0] == 0x90000000 && i->accum[0] == 0x90000000);
    interp0_hw->ctrl[0] = 0xFFFFFFFF;
    interp1_hw->ctrl[0] = 0xFFFFFFFF;
    interp0_hw->accum[0] = interp0_hw->accum[1] = interp1_hw->accum[0] = interp1_hw->accum[1] = 0;
    check("one blends, the other clamps", interp0_hw->ctrl[0] == (0x1FFFFF | blend) && interp1_hw->ctrl[0] == (0x1FFFFF | clamp));
    interp0_hw->ctrl[0] = interp1_hw->ctrl[0] = 0;
}

// -- TIMER --

static void set_time(uint32_t high, uint32_t low) {
    timer_hw->timelw = low;
    timer_hw->timehw = high;
}

static void timer(void) {
    uint32_t mask = save_and_disable_interrupts();
    uint64_t before = time_us_64();
    set_time(1, 0xFFFFFFF0);
    uint32_t low = timer_hw->timelr;
    while (timer_hw->timerawh == 1) {
    }
    bool latched = low >= 0xFFFFFFF0 && timer_hw->timehr == 1;
    low = timer_hw->timelr;
    latched &= low < 100 && timer_hw->timehr == 2;

    timer_hw->pause = 1;
    set_time(0, 1000);
    bool paused = timer_hw->timerawl == 1000 && timer_hw->pause == 1;
    busy_wait_at_least_cycles(1000);
    paused &= timer_hw->timerawl == 1000;
    timer_hw->pause = 0;

    timer_hw->intr = 0xF;
    timer_hw->alarm[1] = timer_hw->timerawl + 40;
    timer_hw->alarm[2] = timer_hw->timerawl + 20;
    timer_hw->alarm[3] = timer_hw->timerawl - 1;
    bool armed = timer_hw->armed == 0xE;
    timer_hw->armed = 1 << 1;
    armed &= timer_hw->armed == 0xC;
    low = timer_hw->timerawl;
    while (timer_hw->timerawl - low < 60) {
    }
    bool fired = timer_hw->intr == 1 << 2 && timer_hw->armed == 1 << 3;
    set_time(0, timer_hw->alarm[3] - 5);
    low = timer_hw->timerawl;
    while (timer_hw->timerawl - low < 20) {
    }
    fired &= timer_hw->intr == (1 << 2 | 1 << 3) && timer_hw->armed == 0;
    timer_hw->intr = 1 << 2;
    fired &= timer_hw->intr == 1 << 3;
    timer_hw->intr = 1 << 3;

    uint32_t enabled = timer_hw->inte;
    timer_hw->inte = 0;
    timer_hw->intf = 1 << 1;
    bool forced = timer_hw->ints == 1 << 1 && timer_hw->intr == 0;
    timer_hw->intf = 0;
    forced &= timer_hw->ints == 0;
    timer_hw->inte = enabled;
    set_time((uint32_t)(before >> 32), (uint32_t)before + 1000);
    restore_interrupts(mask);
    check("the upper word is that of the lower one", latched);
    check("TIMER paused and set", paused);
    check("alarms armed and disarmed", armed);
    check("an alarm when the lower words are equal", fired);
    check("an alarm's interrupt forced", forced);
}

// -- GPIO --

enum { A = 2, STATUS_OUT = IO_BANK0_GPIO0_STATUS_OUTTOPAD_BITS, STATUS_OE = IO_BANK0_GPIO0_STATUS_OETOPAD_BITS };

static bool seen(bool level) {
    busy_wait_at_least_cycles(4); // the synchroniser
    return gpio_get(A) == level;
}

static uint32_t status(void) {
    return io_bank0_hw->io[A].status;
}

static volatile uint32_t events;

static void on_pin(uint pin, uint32_t what) {
    events |= pin == A ? what : 0x80000000;
}

static void pins(void) {
    gpio_init(A);
    gpio_set_dir(A, GPIO_OUT);
    bool good = seen(false) && (status() & (STATUS_OUT | STATUS_OE)) == STATUS_OE;
    gpio_set_outover(A, GPIO_OVERRIDE_INVERT);
    good &= seen(true) && (status() & STATUS_OUT) && !(status() & IO_BANK0_GPIO0_STATUS_OUTFROMPERI_BITS);
    gpio_put(A, true);
    good &= seen(false);
    gpio_set_outover(A, GPIO_OVERRIDE_HIGH);
    good &= seen(true);
    gpio_set_outover(A, GPIO_OVERRIDE_LOW);
    good &= seen(false) && (status() & IO_BANK0_GPIO0_STATUS_OUTFROMPERI_BITS);
    gpio_set_outover(A, GPIO_OVERRIDE_NORMAL);
    check("OUTOVER", good && seen(true));

    gpio_pull_down(A);
    gpio_set_oeover(A, GPIO_OVERRIDE_LOW);
    good = seen(false) && !(status() & STATUS_OE) && (status() & IO_BANK0_GPIO0_STATUS_OEFROMPERI_BITS);
    gpio_set_oeover(A, GPIO_OVERRIDE_INVERT);
    good &= seen(false);
    gpio_set_dir(A, GPIO_IN);
    good &= seen(true) && (status() & STATUS_OE);
    gpio_set_oeover(A, GPIO_OVERRIDE_HIGH);
    good &= seen(true);
    gpio_set_oeover(A, GPIO_OVERRIDE_NORMAL);
    check("OEOVER", good && seen(false));

    gpio_set_inover(A, GPIO_OVERRIDE_INVERT);
    good = seen(true) && !(status() & IO_BANK0_GPIO0_STATUS_INFROMPAD_BITS) && (status() & IO_BANK0_GPIO0_STATUS_INTOPERI_BITS);
    gpio_pull_up(A);
    good &= seen(false);
    gpio_set_inover(A, GPIO_OVERRIDE_HIGH);
    good &= seen(true);
    gpio_set_inover(A, GPIO_OVERRIDE_LOW);
    good &= seen(false);
    gpio_set_inover(A, GPIO_OVERRIDE_NORMAL);
    check("INOVER", good && seen(true));
    gpio_set_input_enabled(A, false);
    good = seen(false);
    gpio_set_input_enabled(A, true);
    check("a pad's input enable", good && seen(true));
    hw_set_bits(&pads_bank0_hw->io[A], PADS_BANK0_GPIO0_OD_BITS);
    gpio_put(A, false);
    gpio_set_dir(A, GPIO_OUT);
    good = seen(true);
    hw_clear_bits(&pads_bank0_hw->io[A], PADS_BANK0_GPIO0_OD_BITS);
    check("a pad's output disable", good && seen(false));

    gpio_set_irq_enabled_with_callback(A, GPIO_IRQ_EDGE_RISE, true, on_pin);
    gpio_put(A, true);
    busy_wait_us(2);
    good = events == GPIO_IRQ_EDGE_RISE;
    events = 0;
    gpio_put(A, false);
    busy_wait_us(2);
    check("an edge", good && events == 0);
    gpio_set_irq_enabled(A, GPIO_IRQ_EDGE_RISE, false);
    uint32_t mask = save_and_disable_interrupts();
    io_bank0_irq_ctrl_hw_t *mine = &io_bank0_hw->proc0_irq_ctrl;
    gpio_acknowledge_irq(A, 0xF);
    gpio_put(A, true);
    gpio_put(A, false);
    busy_wait_at_least_cycles(4);
    good = (io_bank0_hw->intr[A / 8] >> 4 * (A % 8) & 0xF) == (GPIO_IRQ_EDGE_FALL | GPIO_IRQ_EDGE_RISE | GPIO_IRQ_LEVEL_LOW);
    mine->inte[A / 8] = (uint32_t)GPIO_IRQ_LEVEL_LOW << 4 * (A % 8);
    good &= mine->ints[A / 8] == (uint32_t)GPIO_IRQ_LEVEL_LOW << 4 * (A % 8);
    gpio_put(A, true);
    busy_wait_at_least_cycles(4);
    good &= mine->ints[A / 8] == 0;
    gpio_set_irqover(A, GPIO_OVERRIDE_INVERT);
    busy_wait_at_least_cycles(4);
    good &= mine->ints[A / 8] != 0 && !(status() & IO_BANK0_GPIO0_STATUS_IRQTOPROC_BITS) && (status() & IO_BANK0_GPIO0_STATUS_IRQFROMPAD_BITS);
    gpio_set_irqover(A, GPIO_OVERRIDE_HIGH);
    busy_wait_at_least_cycles(4);
    good &= mine->ints[A / 8] == 0 && (status() & IO_BANK0_GPIO0_STATUS_IRQTOPROC_BITS) && seen(true);
    gpio_set_irqover(A, GPIO_OVERRIDE_NORMAL);
    mine->inte[A / 8] = 0;
    mine->intf[A / 8] = (uint32_t)GPIO_IRQ_EDGE_FALL << 4 * (A % 8);
    good &= mine->ints[A / 8] == (uint32_t)GPIO_IRQ_EDGE_FALL << 4 * (A % 8);
    mine->intf[A / 8] = 0;
    gpio_acknowledge_irq(A, 0xF);
    good &= (io_bank0_hw->intr[A / 8] >> 4 * (A % 8) & 0xF) == GPIO_IRQ_LEVEL_HIGH;
    restore_interrupts(mask);
    check("levels, edges, forces and IRQOVER", good);
    gpio_set_function(A, GPIO_FUNC_NULL);
    gpio_pull_down(A);
    check("a pin that nobody drives", seen(false) && !(status() & STATUS_OE));
}

// -- The watchdog --

static void watchdog(void) {
    uint32_t least = 0xFF, most = 0;
    for (uint i = 0; i < 200; i++) {
        uint32_t count = watchdog_hw->tick >> WATCHDOG_TICK_COUNT_LSB;
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    check("cycles to the next tick", least >= 1 && least <= 2 && most >= 11 && most <= 12);
    bool kept = true;
    for (uint i = 0; i < 4; i++) {
        watchdog_hw->scratch[i] = 0x11111111 * (i + 1);
    }
    hw_set_bits(&watchdog_hw->scratch[1], 0x80000000);
    for (uint i = 0; i < 4; i++) {
        kept &= watchdog_hw->scratch[i] == (0x11111111 * (i + 1) | (i == 1 ? 0x80000000 : 0));
    }
    check("scratch registers", kept && watchdog_hw->reason == 0);
}

int main(void) {
    stdio_init_all();
    dividers();
    interpolators();
    timer();
    pins();
    watchdog();
    finish();
}

// The watchdog's tick, by which TIMER and the watchdog count (RP2040 datasheet, 4.6.1 and 4.7.2); measured by SysTick, which
// counts cycles of clk_sys.
#include "check.h"
#include "hardware/structs/clocks.h"
#include "hardware/structs/systick.h"
#include "hardware/structs/timer.h"
#include "hardware/structs/watchdog.h"
#include "pico/stdlib.h"

enum { CYCLES_A_MS = 125000 };

static void wait_a_ms(void) {
    systick_hw->rvr = 0xFFFFFF;
    systick_hw->cvr = 0;
    systick_hw->csr = 5;
    while (!systick_hw->cvr) { // a cycle later it is loaded
    }
    while (0xFFFFFF - systick_hw->cvr < CYCLES_A_MS) {
    }
    systick_hw->csr = 0;
}

static uint32_t counted_in_a_ms(void) {
    uint32_t begin = timer_hw->timerawl;
    wait_a_ms();
    return timer_hw->timerawl - begin;
}

static bool about(uint32_t value, uint32_t wanted) {
    return value - wanted + 3 <= 6;
}

static void tick(uint32_t bits) {
    watchdog_hw->tick = bits;
}

int main(void) {
    stdio_init_all();
    uint32_t mask = save_and_disable_interrupts();
    bool runs = watchdog_hw->tick & WATCHDOG_TICK_RUNNING_BITS;
    bool microseconds = about(counted_in_a_ms(), 1000);

    tick(WATCHDOG_TICK_ENABLE_BITS | 24);
    bool half = about(counted_in_a_ms(), 500);
    timer_hw->intr = 1;
    timer_hw->alarm[0] = timer_hw->timerawl + 250;
    uint32_t waited = 0;
    wait_a_ms(); // 500 counts
    bool rang = timer_hw->intr & 1;
    timer_hw->intr = 1;
    timer_hw->alarm[0] = timer_hw->timerawl + 750;
    wait_a_ms();
    rang &= !(timer_hw->intr & 1);
    wait_a_ms();
    rang &= timer_hw->intr & 1;

    tick(0);
    bool stopped = !(watchdog_hw->tick & WATCHDOG_TICK_RUNNING_BITS);
    uint32_t at = timer_hw->timerawl;
    timer_hw->intr = 1;
    timer_hw->alarm[0] = at + 10;
    wait_a_ms();
    bool still = timer_hw->timerawl == at && !(timer_hw->intr & 1) && timer_hw->armed == 1;
    tick(WATCHDOG_TICK_ENABLE_BITS | 12);
    while (!(timer_hw->intr & 1) && waited < 1000) {
        waited++;
    }
    bool goes_on = (timer_hw->intr & 1) && timer_hw->timerawl - at < 60;

    tick(WATCHDOG_TICK_ENABLE_BITS | 12);
    clocks_hw->clk[clk_ref].div = 2 << 8;
    bool reference = about(counted_in_a_ms(), 500);
    clocks_hw->clk[clk_ref].div = 1 << 8;
    bool again = about(counted_in_a_ms(), 1000);

    tick(WATCHDOG_TICK_ENABLE_BITS | 24);
    watchdog_hw->load = 0xFFFFFF;
    hw_set_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_ENABLE_BITS);
    uint32_t left = watchdog_hw->ctrl & WATCHDOG_CTRL_TIME_BITS;
    wait_a_ms();
    uint32_t passed = left - (watchdog_hw->ctrl & WATCHDOG_CTRL_TIME_BITS);
    tick(0);
    uint32_t frozen = watchdog_hw->ctrl & WATCHDOG_CTRL_TIME_BITS;
    wait_a_ms();
    bool waits = (watchdog_hw->ctrl & WATCHDOG_CTRL_TIME_BITS) == frozen;
    hw_clear_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_ENABLE_BITS);

    timer_hw->pause = 1;
    tick(WATCHDOG_TICK_ENABLE_BITS | 12);
    at = timer_hw->timerawl;
    bool paused = counted_in_a_ms() == 0;
    timer_hw->pause = 0;
    paused &= timer_hw->timerawl - at < 5 && about(counted_in_a_ms(), 1000);
    restore_interrupts(mask);

    check("TIMER counts microseconds", runs && microseconds);
    check("at half the rate", half);
    check("an alarm at that rate", rang);
    check("no tick, no time", stopped && still);
    check("it goes on with the tick", goes_on);
    check("clk_ref divided", reference && again);
    check("the watchdog by its tick", about(passed, 1000));
    check("and waits without", waits);
    check("a pause is a pause", paused);
    finish();
}

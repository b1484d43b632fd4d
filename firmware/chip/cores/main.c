// Both cores at work, for a debugger: core 0 adds numbers up and hands each to core 1, which squares it.
#include <stdio.h>
#include "pico/multicore.h"
#include "pico/stdlib.h"

volatile uint32_t sum, squared, rounds;
volatile uint32_t table[4] = {0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00};

static uint32_t __attribute__((noinline)) add(uint32_t to, uint32_t number) {
    uint32_t result = to + number;
    return result;
}

static void __attribute__((noinline)) square(uint32_t number) { squared = number * number; }

static void core1_main(void) {
    while (true) {
        square(multicore_fifo_pop_blocking());
    }
}

int main(void) {
    stdio_init_all();
    multicore_launch_core1(core1_main);
    printf("ready\n");
    for (uint32_t number = 1;; number++) {
        uint32_t total = add(sum, number);
        sum = total;
        rounds = table[0];
        multicore_fifo_push_blocking(number);
        busy_wait_us(100);
    }
}

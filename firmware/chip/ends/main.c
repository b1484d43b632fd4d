// Ends in the way that the first character on UART0 asks for: every end that a program can come to.
#include <stdio.h>
#include <stdlib.h>
#include "hardware/irq.h"
#include "pico/multicore.h"
#include "pico/stdlib.h"

typedef int (*function_t)(void);

static int __attribute__((noinline)) read_from(uintptr_t address) { return *(volatile int *)address; }

// Goes on when main() has returned, and says so later than any UART's FIFO lasts.
static void other_core(void) {
    busy_wait_ms(300);
    printf("core 1 goes on\n");
    for (;;) tight_loop_contents();
}

static int __attribute__((noinline)) finish(int how) {
    switch (how) {
    case 'r': return 0;
    case 's': return 7;
    case 'f': uart_puts(uart_default, "left in the FIFO\n"); return 0;
    case 'c': multicore_launch_core1(other_core); return 0;
    case 'e': exit(3);
    case 'p': panic("out of %s after %d", "cheese", 42);
    case 'a': hard_assert(how == 'b'); return 1;
    case 'u': return read_from(0x20000001);
    case 'm': return read_from(0x60000000);
    case 'j': return ((function_t)0x60000001)();
    case 'b': __breakpoint(); return 1;
    case 'd': __asm volatile("udf #0"); return 1;
    case 'i': irq_set_enabled(26, true); irq_set_pending(26); return 1;
    default: return -1;
    }
}

int main(void) {
    stdio_init_all();
    printf("how?\n");
    int how = getchar();
    printf("%c\n", how);
    uart_default_tx_wait_blocking();
    return finish(how);
}

// Speaks by semihosting alone: says what it is asked, character by character, and ends with a status.
#include <stdio.h>
#include "pico/stdlib.h"
#include "pico/stdio_semihosting.h"

enum { SYS_READC = 0x07, SYS_EXIT = 0x18, SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

static int __attribute__((noinline)) call(int operation, uintptr_t argument) {
    register int result __asm("r0") = operation;
    register uintptr_t second __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(result) : "r"(second) : "memory");
    return result;
}

int main(void) {
    stdio_semihosting_init();
    printf("semihosting ready\n");
    while (true) {
        int key = call(SYS_READC, 0);
        if (key == 'q') {
            call(SYS_EXIT, ADP_STOPPED_APPLICATION_EXIT);
        } else if (key == 'f') {
            uintptr_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, 5};
            call(SYS_EXIT_EXTENDED, (uintptr_t)block);
        } else if (key >= 0) {
            printf("heard %c\n", key);
        }
        sleep_ms(5);
    }
}

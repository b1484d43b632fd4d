// Speaks by SEGGER's real time transfer alone: says what it hears, in capitals, and counts what it said.
#include <ctype.h>
#include <stdio.h>
#include "pico/stdlib.h"
#include "pico/stdio_rtt.h"

int main(void) {
    stdio_rtt_init();
    printf("rtt ready\n");
    for (int number = 0;; number++) {
        int key = getchar_timeout_us(10000);
        if (key == '!') {
            for (int line = 0; line < 100; line++) { // more than the buffer of 1024 bytes holds
                printf("line %d of what is long\n", line);
                sleep_ms(2);
            }
        } else if (key >= 0) {
            putchar(toupper(key));
        }
    }
}

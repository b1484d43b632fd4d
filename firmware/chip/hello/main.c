// Says that it runs: what every other program here begins with.
#include <stdio.h>
#include "hardware/sync.h"
#include "pico/stdlib.h"

int main(void) {
    stdio_init_all();
    printf("hello\n");
    while (true) {
        __wfi();
    }
}

// Programs that check a block say so line by line: "ok NAME", or "not ok NAME"; then "done".
#ifndef CHIP_CHECK_H
#define CHIP_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include "hardware/sync.h"

static inline void check(const char *name, bool good) {
    printf("%s %s\n", good ? "ok" : "not ok", name);
}

static inline void finish(void) {
    printf("done\n");
    while (true) {
        __wfi();
    }
}

#endif

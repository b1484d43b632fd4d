// In memory of the chip's own: what is fetched is not what is counted.
#define SECTION .time_critical
#include "probe.inc"

probe load_word, ldr r0, [r0]
probe store_word, str r1, [r0]
probe store_byte, strb r1, [r0]

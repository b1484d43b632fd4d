#define SECTION .text
#include "probe.inc"

probe load_word, ldr r0, [r0]
probe load_half, ldrh r0, [r0]
probe load_byte, ldrb r0, [r0]
probe load_many, ldmia r0!, {r1, r2}
probe store_word, str r1, [r0]
probe store_half, strh r1, [r0]
probe call_supervisor, svc 0
probe undefined, .short 0xde00
probe undefined_wide, .short 0xf7f0, 0xa000
probe compare_and_branch, .short 0xb100  // CBZ of ARMv7
probe if_then, .short 0xbf08             // IT
probe move_wide, .short 0xf240, 0x0001   // MOVW
probe divide, .short 0xfb90, 0xf0f1      // SDIV

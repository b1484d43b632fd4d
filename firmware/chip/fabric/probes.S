// Functions of one instruction and a return, in memory of the chip's own: it can be the one that a fault is at.
.syntax unified
.cpu cortex-m0plus
.thumb

.macro probe name:req, instruction:vararg
    .section .time_critical.\name, "ax"
    .global \name
    .thumb_func
\name:
    \instruction
    bx lr
.endm

probe load_word, ldr r0, [r0]
probe store_word, str r1, [r0]
probe store_byte, strb r1, [r0]

// The frame is what SP points to: nothing here uses the process stack.
    .section .time_critical.isr_fault, "ax"
    .global isr_fault
    .thumb_func
isr_fault:
    mov r0, sp
    push {r3, lr}
    bl on_fault
    pop {r3, pc}

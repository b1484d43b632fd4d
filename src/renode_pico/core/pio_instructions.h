/* PIO's instructions: how they are encoded (RP2040 datasheet, 3.4). */
#ifndef RENODE_PICO_PIO_INSTRUCTIONS_H
#define RENODE_PICO_PIO_INSTRUCTIONS_H

#include "machine.h"

enum { /* instructions by their bits 15 to 13 (3.4) */
    OP_JMP, OP_WAIT, OP_IN, OP_OUT, OP_PUSH_PULL, OP_MOV, OP_IRQ, OP_SET,
};

enum { JMP_ALWAYS, JMP_NOT_X, JMP_X_DEC, JMP_NOT_Y, JMP_Y_DEC, JMP_X_NE_Y, JMP_PIN, JMP_NOT_OSRE };
enum { WAIT_GPIO, WAIT_PIN, WAIT_IRQ };
enum { IN_PINS, IN_X, IN_Y, IN_NULL, IN_ISR = 6, IN_OSR };
enum { OUT_PINS, OUT_X, OUT_Y, OUT_NULL, OUT_PINDIRS, OUT_PC, OUT_ISR, OUT_EXEC };
enum { MOV_PINS, MOV_X, MOV_Y, MOV_EXEC = 4, MOV_PC, MOV_ISR, MOV_OSR };
enum { SOURCE_PINS, SOURCE_X, SOURCE_Y, SOURCE_NULL, SOURCE_STATUS = 5, SOURCE_ISR, SOURCE_OSR };
enum { OPERATION_NONE, OPERATION_INVERT, OPERATION_REVERSE };
enum { SET_PINS, SET_X, SET_Y, SET_PINDIRS = 4 };

enum {
    PULL_BIT = 1 << 7,
    IF_BIT = 1 << 6, /* IfFull, IfEmpty */
    BLOCK_BIT = 1 << 5,
    WAIT_POLARITY = 1 << 7,
    IRQ_CLEAR = 1 << 6,
    IRQ_WAIT = 1 << 5,
    FLAG_RELATIVE = 1 << 4,
};

static inline u32 rotate_left(u32 x, u32 by)
{
    return x << (by & 31) | x >> (-by & 31);
}

static inline u32 ones(u32 count)
{
    return count >= 32 ? ~0u : (1u << count) - 1;
}

static inline u32 at_most(u32 value, u32 most)
{
    return value < most ? value : most;
}

static inline u32 bit_count(u32 op)
{
    return op & 31 ? op & 31 : 32;
}

static inline u32 flag_of(u32 op, u32 machine)
{
    u32 index = op & 7;
    return 1u << (op & FLAG_RELATIVE ? (index & 4) | ((index + machine) & 3) : index);
}

#endif

/* The RP2040 of the embedded engine: what its parts in C share.
 *
 * One struct holds the whole state, without pointers, so that a snapshot is a copy. Time is counted in cycles of
 * clk_sys. What is not hot lives in Python blocks; their registers are kept here (struct block), so that reads and
 * writes without consequences never leave C.
 */
#ifndef RENODE_PICO_MACHINE_H
#define RENODE_PICO_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NEVER UINT64_MAX

/* -- Memory map (RP2040 datasheet, 2.2) -- */

enum {
    ROM_SIZE = 0x4000,
    FLASH_BASE = 0x10000000,
    FLASH_SIZE = 0x200000,
    XIP_SRAM_BASE = 0x15000000,
    XIP_SRAM_SIZE = 0x4000,
    SRAM_BASE = 0x20000000,
    SRAM_SIZE = 0x42000,
    SRAM_STRIPED_SIZE = 0x40000,
    SRAM_UNSTRIPED_BASE = 0x21000000,
    APB_BASE = 0x40000000,
    DMA_BASE = 0x50000000,
    DPSRAM_BASE = 0x50100000,
    DPSRAM_SIZE = 0x1000,
    DPSRAM_CONTROL_SIZE = 0x100, /* below it a write configures an endpoint, and Python is told */
    DPSRAM_PIECE_BITS = 6, /* buffers begin at multiples of 64 */
    USB_BASE = 0x50110000,
    PIO0_BASE = 0x50200000,
    PIO1_BASE = 0x50300000,
    GRANULE_BITS = 8, /* SRAM is watched in pieces of this size */
    SECTOR_BITS = 12, /* flash in pieces of this */
};

enum alias { ALIAS_NONE, ALIAS_XOR, ALIAS_SET, ALIAS_CLEAR };

static inline u32 alias_apply(u32 before, u32 raw, enum alias alias)
{
    switch (alias) {
    case ALIAS_XOR: return before ^ raw;
    case ALIAS_SET: return before | raw;
    case ALIAS_CLEAR: return before & ~raw;
    default: return raw;
    }
}

/* -- Blocks that are modelled in Python: their registers -- */

enum {
    APB_BLOCKS = 28, /* SYSINFO at 0x40000000 to TBMAN at 0x4006c000, 16 KiB apart; index = address bits 18..14 */
    BLOCK_XIP_CTRL = APB_BLOCKS,
    BLOCK_SSI,
    BLOCK_USB,
    BLOCK_XIP_AUX,
    BLOCKS,
    BLOCK_WORDS = 1024,
};

enum { /* what an access to a register has beyond its stored value */
    READ_HOOK = 1,  /* Python is asked for the value */
    WRITE_HOOK = 2, /* Python is told, with what was written and through which alias, and stores what it wants */
};

/* -- Time and events -- */

enum due { /* In the order in which they happen when they fall on the same cycle. */
    DUE_TIMER,
    DUE_SYSTICK0,
    DUE_SYSTICK1,
    DUE_PIO0,
    DUE_PIO1,
    DUE_PWM,
    DUE_DMA,
    DUE_SSI,     /* chip select goes high: the last frame is over */
    DUE_HOLD_UP, /* who has asked a busy flash goes on */
    DUE_PYTHON, /* the earliest alarm of Python's clock */
    DUES,
};

/* -- The processor cores -- */

enum { /* exception numbers (ARMv6-M, B1.5.2) */
    EXC_RESET = 1,
    EXC_NMI = 2,
    EXC_HARDFAULT = 3,
    EXC_SVCALL = 11,
    EXC_PENDSV = 14,
    EXC_SYSTICK = 15,
    EXC_IRQ0 = 16,
    IRQS = 32, /* 26 of them have a source */
    PRIORITY_THREAD = 256,
};

enum fault { /* why a HardFault was taken; the text for people is Python's */
    FAULT_NONE,
    FAULT_BREAKPOINT,
    FAULT_UNDEFINED,
    FAULT_UNALIGNED,
    FAULT_READ,    /* nothing there to read, or the bus says no */
    FAULT_WRITE,
    FAULT_FETCH,   /* nothing there to execute, or execute never */
    FAULT_ARM,     /* a branch to an even address: no Thumb */
    FAULT_SVC,     /* SVC where its exception cannot be taken */
    FAULT_RETURN,  /* an EXC_RETURN that makes no sense */
    FAULT_MPU,
};

struct mpu_region {
    u32 base, attributes;
};

struct core {
    u32 r[16];            /* r[13] is the stack pointer in use; r[15] is right when the core is not running */
    u32 other_sp;         /* the one not in use */
    u32 n, z, c, v;       /* flags: N is bit 31 of n, Z is z == 0, C and V are 0 or 1 */
    u32 ipsr;
    bool primask, npriv, spsel;
    bool event;           /* the event register */
    bool waiting_event, waiting_interrupt; /* in WFE, in WFI */
    bool held;            /* in reset, or powered off, by PSM */
    bool held_up;         /* until DUE_HOLD_UP: it waits for the flash */
    bool locked_up, lock_up_told; /* and whether pico_run() has said so */
    bool no_handler;      /* in the boot ROM's HardFault handler, and pico_run() has not said so */
    bool halted;          /* by a debugger */
    u8 number;
    u8 fault;             /* enum fault: of the last access or instruction that was refused */
    u32 fault_address;    /* what it was about */
    u8 first_fault;       /* of the HardFault that is being handled, or has led to lock-up; with its registers */
    u32 first_fault_address, first_fault_r[16], first_fault_ipsr;
    u32 pending_exceptions; /* bits by exception number: NMI, SVCall, PendSV, SysTick */
    u32 active_exceptions;  /* likewise, with HardFault */
    u32 irq_enabled, irq_pending, irq_active, irq_level; /* the NVIC's, by interrupt */
    u8 priority[32];      /* of interrupts: 0, 0x40, 0x80, 0xc0 */
    u8 priority_svcall, priority_pendsv, priority_systick;
    i32 running_priority; /* of the exceptions that are active, PRIMASK left aside; PRIORITY_THREAD: none is */
    u32 vtor, scr;
    bool preempt;         /* an exception is to be taken before the next instruction */
    bool entering;        /* registers are stacked, the vector is fetched next: the highest exception that pends then */
    u32 exc_return;       /* LR for the exception that is being entered */
    u32 syst_csr, syst_rvr; /* COUNTFLAG is bit 16 of the former */
    u64 syst_zero;        /* the cycle at which the counter reaches 0 next; while it counts */
    u32 syst_value;       /* while it does not */
    u32 mpu_ctrl, mpu_rnr;
    struct mpu_region mpu[8];
    u32 fetched;          /* the word that instructions were fetched from last, while that is counted; 1: none since a jump */
    u32 waited_for;       /* the instruction that was fetched and is executed when its time has come; 1: none */
    u64 time;             /* cycles it has lived through: the machine's, give or take a slice */
    u64 slept;            /* of these, how many asleep or held */
    u64 instructions;
};

struct interpolator {
    u32 accumulator[2], base[3], control[2];
};

struct divider {
    u32 dividend, divisor, quotient, remainder;
    bool dirty;
    u64 ready_at; /* cycle */
};

struct fifo { /* between the cores, towards one of them */
    u32 word[8];
    u8 count, first;
    bool overflow, underflow; /* WOF of the other core, ROE of this one */
};

struct sio {
    u32 gpio_out, gpio_oe, gpio_hi_out, gpio_hi_oe;
    u32 spinlocks; /* bit n: taken */
    struct fifo fifo[2];
    struct divider divider[2];
    struct interpolator interpolator[2][2];
};

struct timer {
    u32 alarm[4], armed, intr, inte, intf, dbgpause;
    u32 latched_high, write_low;
    u64 tick_ps;   /* 0: none */
    u64 offset_us; /* with a tick a microsecond: what the counter shows is the time since power-on and this, modulo 2^64 */
    u64 from_ns, from_count; /* with any other: it was set to this then */
    bool paused;
    u64 paused_at;
    u64 due[4]; /* cycle of each armed alarm */
};

#include "pins.h"
#include "pio.h"
#include "pwm.h"
#include "dma.h"
#include "ssi.h"

/* -- All of it -- */

struct cache { /* of execute-in-place: what is in it, while that is counted (fabric.c) */
    u16 line[2][1024];  /* by way and set: 0, or which of its two words are valid and the bits of the address above them */
    u8 newest[1024];    /* the way that was used last */
};

enum counting { /* COUNT_LATENCY: what is not in the cache takes time */
    COUNT_XIP = 1, COUNT_BUS = 2, COUNT_LATENCY = 4, LOOK_AT_XIP = COUNT_XIP | COUNT_LATENCY,
};

enum master { NOBODY = 2, DMA_MASTER = 3 }; /* NOBODY: Python, a debugger; SIO answers it as core 0 */

struct machine {
    u64 now;                /* cycles; never goes back */
    u64 base_cycles, base_ns; /* at base_cycles it was base_ns */
    u64 due[DUES], next_due;
    u64 alarm_ns;           /* DUE_PYTHON, to the nanosecond; NEVER: none */
    u64 run_until;          /* what the running core has been told */
    u32 hz;                 /* of clk_sys */
    bool attention;         /* the running core must come out and look around */
    bool stop;              /* Python wants pico_run() to return */
    u8 reset_requests;      /* AIRCR.SYSRESETREQ, by core */
    u8 semihosting_calls;   /* BKPT 0xAB, by core */
    bool core1_missed;      /* something was sent to core 1, and there is none */
    u8 core_count;
    u8 running;             /* who is at the bus: core 0, core 1, or one of enum master */
    u32 irqs;               /* levels of the 26 interrupt lines, before the NVICs */
    u64 dreqs;              /* levels of the 64 data requests */
    u32 nmi_mask[2];        /* SYSCFG.PROCx_NMI_MASK */
    struct core core[2];
    struct sio sio;
    struct timer timer;
    struct pins pins, qspi;
    struct pio pio[2];
    struct pwm pwm;
    struct dma dma;
    struct ssi ssi;
    struct flash_chip flash_chip;
    u64 held_up_until_ns;
    u8 counting;            /* enum counting: accesses are looked at one by one */
    struct cache cache;
    u32 flash_latency_ppm;  /* of the time that the SSI takes for a word, how much a master waits */
    u32 stall;              /* cycles that the access in hand waits for the flash: take_stall() */
    u32 registers[BLOCKS][BLOCK_WORDS]; /* of blocks in Python */
    u64 held_blocks;        /* in reset, where writes change nothing: blocks in Python, then from bit 32 on enum c_block */
    u64 dpsram_guard;       /* pieces of DPSRAM whose writes Python wants to hear of, too; not 0: and of unaligned accesses */
    u8 dpsram[DPSRAM_SIZE] __attribute__((aligned(8)));
    u8 xip_sram[XIP_SRAM_SIZE] __attribute__((aligned(8)));
    /* From here on it is not part of a plain copy: see snapshot.c */
    u8 sram[SRAM_SIZE] __attribute__((aligned(64)));
    u8 rom[ROM_SIZE] __attribute__((aligned(64)));
};

/* The blocks in C, by their numbers in pico_reset_block. */
enum c_block {
    C_IO_BANK0, C_PADS_BANK0, C_IO_QSPI, C_PADS_QSPI, C_PIO0, C_PIO1, C_PWM, C_DMA, C_TIMER, C_SIO,
};

#define HELD_IN_C(which) (32 + (which))

enum flash_ignores { FLASH_NOT_MODELLED, FLASH_IS_BUSY, FLASH_NOT_WRITE_ENABLED, FLASH_IS_SUSPENDED };

/* What is not state: tables, callbacks, caches. */
struct host_callbacks {
    u32 (*read)(u32 block, u32 offset);
    void (*write)(u32 block, u32 offset, u32 raw, u32 alias);
    void (*dpsram_written)(u32 offset); /* with the size in bits 23..16: an unaligned access was refused there */
    void (*pins_changed)(u32 changed, u32 levels); /* of watched pins of GPIO0 to 29 */
    void (*flash_ignores)(u32 command, u32 why);   /* why: enum flash_ignores */
    void (*dormant_wake)(void);                    /* a pin says that a dormant oscillator is to start again */
    void (*unmodelled)(u32 address, u32 is_write); /* exists on the chip, but nobody models it */
};

struct pico; /* the machine and what is around it: pico.h */

#endif

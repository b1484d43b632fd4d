/* State of one PIO block (RP2040 datasheet, chapter 3). */
#ifndef RENODE_PICO_PIO_H
#define RENODE_PICO_PIO_H

enum {
    PIO_MACHINES = 4,
    PIO_MEMORY = 32,
    PIO_FIFO_DEPTH = 4,
    PIO_INPUTS_KEPT = 3, /* input levels of as many cycles back as the synchronisers need */
};

/* What a state machine is, apart from its configuration. Times are cycles of clk_sys: cycle n lasts from n to n + 1. */
struct pio_state {
    u32 x, y, isr, osr;
    u32 fifo[2][2 * PIO_FIFO_DEPTH]; /* [0] TX, [1] RX; a joined one has all eight places */
    u8 first[2], count[2];
    u8 isr_count, osr_count;         /* bits shifted in, shifted out: 0 to 32 */
    u8 pc, delay;
    u16 latch;                       /* from OUT EXEC, MOV EXEC, or a write to INSTR that stalled */
    bool latched;                    /* the next instruction is the one in the latch */
    bool exec_stalled;               /* and came from INSTR */
    bool irq_waiting;                /* IRQ WAIT has raised its flag */
    bool blocked;                    /* stalls until a FIFO, a flag or an input changes */
    bool starved;                    /* of these, it is a FIFO: only the system can help */
    bool stalled;                    /* in its last clock enable */
    u16 stalled_op;
    u8 accumulator;                  /* of the divider: 1/256 of a cycle */
    bool carry;                      /* the next period is a cycle longer */
    u8 sticky_dirs;                  /* OUT_STICKY: the last write was to the directions */
    u32 sticky_value, sticky_mask;
};

/* What its configuration comes to. */
struct pio_config {
    u32 clkdiv, execctrl, shiftctrl, pinctrl; /* as written */
    u32 divider;                              /* in 1/256 of a cycle */
    u32 out_mask, set_mask, side_mask;        /* pins */
    u8 out_base, set_base, side_base, in_base, jmp_pin;
    u8 delay_mask, side_shift;
    bool side_optional, side_dirs, autopush, autopull, in_right, out_right, sticky, inline_enable;
    u8 push_threshold, pull_threshold, enable_bit, wrap_top, wrap_bottom;
    u8 depth[2];
};

/* What a program can do from where it stands. */
struct pio_reach {
    u32 reads, writes;          /* pins */
    u8 irq_reads, irq_writes;   /* flags */
    bool pulls, pushes;
    bool contended;             /* another machine writes to the same pins */
};

struct pio_machine {
    struct pio_state s;
    struct pio_config c;
    struct pio_reach reach;
    u64 tick;        /* the cycle of its next clock enable */
    bool forced;     /* INSTR was written: `instruction` runs in cycle `forced_at` */
    u16 instruction;
    u64 forced_at;
    u32 group;       /* machines that have to be run together with this one */
};

struct pio {
    u64 time;        /* all cycles before it have been run */
    u64 event;       /* the next one whose result somebody could see, or until where none has been found */
    u64 horizon;     /* how far to look for it */
    u32 enabled;     /* bits by machine */
    u32 running;     /* those that have something to do */
    u32 out, oe;
    u32 rose, fell;  /* outputs that have since they were shown to the pins */
    u32 irq, fdebug, bypass;
    u32 inte[2], intf[2];
    u32 input[PIO_INPUTS_KEPT]; /* levels, the newest first */
    u64 since[PIO_INPUTS_KEPT]; /* from which cycle on */
    u64 planned;     /* when something was changed from outside */
    u32 shown_dreqs, shown_lines;
    u32 reads;       /* pins that running machines look at */
    u32 watched, selected, listened; /* what the plan was made for: pins, and data requests that DMA waits for */
    bool stale;      /* what programs can do has to be looked at again */
    bool busy;       /* telling others: they may ask back */
    u16 memory[PIO_MEMORY];
    struct pio_machine sm[PIO_MACHINES];
};

#endif

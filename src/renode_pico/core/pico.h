/* The machine and what is around it: memories, caches, callbacks. What the parts call of each other. */
#ifndef RENODE_PICO_PICO_H
#define RENODE_PICO_PICO_H

#include "machine.h"

struct instruction { /* a halfword, decoded once */
    u8 op, rd, rn, rm;
    u32 imm;
};

enum { /* why SRAM granules want a look before a store */
    GRANULE_CODE = 1,  /* something in it has been decoded */
    GRANULE_CLEAN = 2, /* not written since the last snapshot */
};

struct pico {
    struct machine m;
    struct host_callbacks host;
    u32 masks[BLOCKS][BLOCK_WORDS]; /* bits of a register that a write without hook can change */
    u8 hooks[BLOCKS][BLOCK_WORDS];
    u8 *flash;
    struct instruction *rom_code, *flash_code, *sram_code;
    u8 granules[SRAM_SIZE >> GRANULE_BITS];
    u8 dirty_granules[SRAM_SIZE >> GRANULE_BITS];
    u8 clean_sectors[FLASH_SIZE >> SECTOR_BITS];
    u8 *coverage;      /* NULL, or COVERAGE_SIZE counters of edges between basic blocks */
    u32 edge_from;     /* the block that the next edge comes from */
    u32 edge_under[2][64]; /* by core and exception: what it was as the handler came in */
    bool semihosting;  /* BKPT 0xAB is a call to the host */
    bool debugging;    /* there are breakpoints or watchpoints, or a step is under way */
    u32 step_over[2];  /* by core: the PC, with bit 0 set, at which execution begins whatever stands there; 0: none */
    struct debug {
        u32 breakpoint[32], breakpoints;
        struct watchpoint {
            u32 address, length;
            u8 on_read, on_write;
        } watchpoint[16];
        u32 watchpoints;
        bool attached; /* BKPT is a stop for the debugger; otherwise it is the HardFault of the chip */
        u8 stepping;   /* bit of the core that makes one step */
        u8 hit;        /* enum debug_hit; with */
        u8 hit_core;
        u32 hit_address;
    } debug;
    struct foreseen {  /* PIO: what is to be at the next event, of the machines that make it (pio.c) */
        bool valid;
        u64 from;      /* the time from which it was foreseen */
        u32 group;
        struct pio state;
    } foreseen[2];
    u64 snapshot;      /* which one memories are clean against; 0: none */
};

enum debug_hit { HIT_NONE, HIT_STEP, HIT_BREAKPOINT, HIT_WATCHPOINT };

enum { COVERAGE_SIZE = 1 << 16 };

/* bus.c: an access as a bus master makes it; false: the bus answers with an error. size is 1, 2 or 4 bytes.
 * Data of narrow writes to registers appears on all lanes (RP2040 datasheet, 2.1.4). */
bool bus_read(struct pico *p, u32 address, u32 size, u32 *value);
bool bus_write(struct pico *p, u32 address, u32 size, u32 value);

bool code_at(const struct pico *p, u32 address, u32 *code); /* a halfword of a memory, without an access */

/* fabric.c: counters of accesses, and the cache of execute-in-place. Nobody's accesses are not counted. */
void count_access(struct pico *p, u32 address, bool write);
void count_fetch(struct pico *p, struct core *c, u32 pc, bool wide);
bool xip_takes_write(struct pico *p, u32 address); /* to 0x10000000 to 0x13ffffff, which changes nothing; false: a bus error */
bool xip_is_sram(const struct pico *p);            /* whether the cache's memory is at 0x15000000 */
void xip_flush(struct pico *p);

/* One of its four windows. */
static inline bool is_flash(u32 address) { return address >> 26 == FLASH_BASE >> 26; }

/* How many cycles what was accessed since the last call waits for the flash. */
static inline u32 take_stall(struct pico *p)
{
    u32 cycles = p->m.stall;
    p->m.stall = 0;
    return cycles;
}

/* machine.c */
void set_due(struct pico *p, enum due which, u64 cycle); /* NEVER: not any more */
u64 ns_of(const struct machine *m, u64 cycle);
u64 cycle_at_ns(const struct machine *m, u64 ns); /* the first cycle that is not before it */
void set_irq(struct pico *p, u32 number, bool level);  /* to both cores */
void set_irq_for(struct pico *p, u32 core, u32 number, bool level); /* to one: IO_BANK0's, IO_QSPI's and SIO's lines differ */
void set_dreq(struct pico *p, u32 number, bool level); /* calls dma_request() when it rises */
void send_event(struct pico *p);                       /* SEV: to both cores */
void hold_up_who_is_awake(struct pico *p, u64 ns);     /* if it is one core alone */
void flash_written(struct pico *p, u32 offset, u32 length); /* code and snapshots notice */

/* Each block in C: registers by offset (0 to 0xfff, aliases taken out), reset, what is due. */
u32 timer_read(struct pico *p, u32 offset);
void timer_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
void timer_reset(struct pico *p);
void timer_due(struct pico *p);
void timer_rescale(struct pico *p); /* clk_sys has changed */
void timer_set_tick(struct pico *p, u64 picoseconds); /* from one to the next; 0: there is none */

u32 io_bank0_read(struct pico *p, u32 offset);
void io_bank0_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
u32 pads_bank0_read(struct pico *p, u32 offset);
void pads_bank0_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
u32 io_qspi_read(struct pico *p, u32 offset);
void io_qspi_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
u32 pads_qspi_read(struct pico *p, u32 offset);
void pads_qspi_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
void io_bank0_reset(struct pico *p);
void pads_bank0_reset(struct pico *p);
void io_qspi_reset(struct pico *p);
void pads_qspi_reset(struct pico *p);

/* Who drives pins calls pins_drive(): PIO and PWM are brought up to now with the levels as they were, then they change.
 * PIO and PWM, while they bring themselves up to date, set out[] and oe[] of their function and call pins_update(). */
void pins_drive(struct pico *p, u32 function, u32 pins, u32 out, u32 oe);
void pins_update(struct pico *p);
void pins_set_external(struct pico *p, u32 pins, u32 levels, u32 driven); /* from outside the chip; of the pins in `pins` */
void pins_watch(struct pico *p, u32 pins); /* changes of these are told to host.pins_changed */
u32 pins_inputs(struct pico *p);  /* what a peripheral reads now, PIO and PWM brought up to date first */
u32 pins_inputs_with(const struct pico *p, u32 function, u32 out, u32 oe); /* would read if that function drove these */
u32 pins_watched(const struct pico *p); /* pins whose every edge somebody wants at its time: Python, interrupts, PWM inputs */
void qspi_drive(struct pico *p, u32 function, u32 pins, u32 out, u32 oe);
void qspi_set_external(struct pico *p, u32 pins, u32 levels, u32 driven); /* BOOTSEL: SS driven low */
u32 qspi_inputs(const struct pico *p); /* SIO's GPIO_HI_IN */

u32 pio_read(struct pico *p, u32 which, u32 offset);
void pio_write(struct pico *p, u32 which, u32 offset, u32 raw, enum alias alias);
void pio_reset(struct pico *p, u32 which);
void pio_advance(struct pico *p, u32 which); /* up to m.now */
void pio_due(struct pico *p, u32 which);
void pio_pins_changed(struct pico *p, u32 changed); /* inputs have changed: machines that wait may go on;
                                                     * changed 0: pins_watched() has */

u32 pwm_read(struct pico *p, u32 offset);
void pwm_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
void pwm_reset(struct pico *p);
void pwm_advance(struct pico *p);
void pwm_due(struct pico *p);
void pwm_pins_changed(struct pico *p, u32 changed, u32 levels); /* B inputs that count edges or levels */

u32 dma_read(struct pico *p, u32 offset);
void dma_write(struct pico *p, u32 offset, u32 raw, enum alias alias);
void dma_reset(struct pico *p);
void dma_due(struct pico *p);
void dma_request(struct pico *p, u32 number); /* data request `number` has risen */

/* ssi.c: what is hot or has consequences of the registers that rp2040/ssi.py declares */
void ssi_send(struct pico *p, u32 frame);                      /* DR0 written */
u32 ssi_receive(struct pico *p);                               /* DR0 read */
void ssi_written(struct pico *p, u32 offset, u32 before);      /* another register was, its value changed already */
void ssi_hold(struct pico *p, bool held);                      /* the reset line */
u32 ssi_word_cycles(struct pico *p);                           /* of clk_sys that a read through the mapped memory takes */
void ssi_due(struct pico *p);
void ssi_rescale(struct pico *p);                              /* clk_sys has changed */

/* flash.c: the flash chip */
void flash_select(struct pico *p, bool selected);              /* chip select: low, high */
u32 flash_exchange(struct pico *p, u32 value);                 /* a byte to it and one from it; all ones: not selected */
u64 flash_busy_ns(const struct pico *p);                       /* how much longer it erases or programs; 0: it does not */
void flash_reset(struct pico *p);                              /* power was away, or it was told to: the content stays */

/* sio.c, for core m.running */
u32 sio_read(struct pico *p, u32 offset);
void sio_write(struct pico *p, u32 offset, u32 value);
void sio_reset(struct pico *p);
void fifo_write(struct pico *p, u32 core, u32 value); /* from `core` to the other one */

/* scs.c: the private peripherals of a core (NVIC, SysTick, SCB, MPU) and its exceptions */
u32 scs_read(struct pico *p, struct core *c, u32 offset);
void scs_write(struct pico *p, struct core *c, u32 offset, u32 value);
void systick_due(struct pico *p, struct core *c);
void core_reset(struct pico *p, struct core *c);
void core_update(struct pico *p, struct core *c);      /* pending, priorities or masks have changed */
void core_irq(struct pico *p, struct core *c, u32 number, bool level);
void core_nmi(struct pico *p, struct core *c);
bool core_would_wake(const struct core *c);            /* from WFI: something pends that would preempt but for PRIMASK */
void core_take_exception(struct pico *p, struct core *c); /* stack, or fetch the vector: the step that is next */
void core_fault(struct pico *p, struct core *c, enum fault why, u32 address); /* HardFault now, or lock-up */
u32 core_return(struct pico *p, struct core *c, u32 exc_return); /* cycles that it takes */
u32 core_xpsr(const struct core *c);
bool mpu_allows(const struct core *c, u32 address, bool write, bool fetch);

/* cpu.c */
struct instruction decode(u32 code, u32 second, u32 pc);
void core_run(struct pico *p, struct core *c, u64 until);
void forget_code(struct pico *p, u32 address, u32 length); /* memory was written behind the cores' backs */

/* debug.c */
bool must_stop(struct pico *p, struct core *c, u32 pc); /* before the instruction at pc: a breakpoint, the end of a step */
void debug_bkpt(struct pico *p, struct core *c, u32 pc); /* a BKPT with a debugger attached */
void debug_access(struct pico *p, struct core *c, u32 address, u32 size, bool write); /* watchpoints */

/* A write to SRAM by whom it may be (DMA, a debugger): code and snapshots notice. */
void sram_written(struct pico *p, u32 offset, u32 length);

#endif

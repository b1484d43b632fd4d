/* A PIO block's state machines, without its registers: what pio.c calls of pio_machine.c. */
#ifndef RENODE_PICO_PIO_MACHINE_H
#define RENODE_PICO_PIO_MACHINE_H

#include "pico.h"

enum { PIO_TX, PIO_RX };

enum { PIO_PINS = 0x3fffffff };

/* Also a machine that is disabled finishes what was written to its INSTR register. */
static inline bool pio_runs(const struct pio *b, u32 i)
{
    return b->enabled >> i & 1 || b->sm[i].s.exec_stalled;
}

void pio_configure(struct pio_machine *sm);                  /* after a change of one of its four registers */
void pio_restart(struct pio_machine *sm);                    /* CTRL.SM_RESTART */
void pio_restart_divider(struct pio_machine *sm, u64 now);   /* CTRL.CLKDIV_RESTART */
void pio_catch_up_divider(struct pio_machine *sm, u64 now);  /* of a machine that did not run */

bool pio_push(struct pio_machine *sm, u32 fifo, u32 word);   /* false: it is full */
bool pio_pop(struct pio_machine *sm, u32 fifo, u32 *word);   /* false: it is empty, *word stays */

void pio_record_inputs(struct pio *b, u32 inputs, u64 from); /* what the pads show from a cycle on */
void pio_wake(struct pio *b);                                /* something has changed that machines may wait for */
void pio_analyse(struct pio *b);                             /* pio_reach.c: what programs can do: reach, running, reads */
u32 pio_looks_at(const struct pio *b);                       /* pins: without machines that only a FIFO can wake */
u32 pio_dreqs(const struct pio *b);                          /* levels: bits 0 to 3 TX, 4 to 7 RX */
u32 pio_intr(const struct pio *b);
u32 pio_lines(const struct pio *b);                          /* bit 0: IRQ0, bit 1: IRQ1 */

/* Runs all machines from b->time up to `until`, whatever can be seen. */
void pio_run(struct pico *p, u32 which, u64 until);

/* The same up to the event that was looked for last. */
void pio_run_to_event(struct pico *p, u32 which);

/* The cycle from which on something is visible that is not now: a watched pin, a data request, an interrupt line.
 * NEVER: as things are there is none. Looks no further than `until`; *found says whether it is one. */
u64 pio_look_ahead(struct pico *p, u32 which, u64 until, bool *found);

#endif

/* State of the DMA controller (RP2040 datasheet, 2.5). */
#ifndef RENODE_PICO_DMA_H
#define RENODE_PICO_DMA_H

enum {
    DMA_CHANNELS = 12,
    DMA_PACING_TIMERS = 4,
    DMA_LINES = 2,
};

struct dma_channel {
    u32 read_addr, write_addr, count, reload, ctrl; /* ctrl without the bits that are kept below */
    bool aborted;
    bool read_error, write_error;
    u8 credits;        /* of its pacing timer or PWM slice: requests that it has not answered */
    u64 starts;        /* not before this cycle */
    u64 issued;        /* the cycle of its last transfer */
    u64 completes;     /* when all is transferred: the cycle at which the sequence ends */
};

struct dma_timer {
    u32 x, y;
    u64 since;         /* the cycle from which it counts */
    u64 pulses;        /* since then, as far as channels have got them */
};

struct dma {
    struct dma_channel channel[DMA_CHANNELS];
    struct dma_timer timer[DMA_PACING_TIMERS];
    u32 intr, inte[DMA_LINES], intf[DMA_LINES];
    u32 sniff_ctrl, sniff_data;
    u32 busy;          /* channels in a sequence, one bit each */
    u32 active;        /* those of them that are enabled */
    u32 served;        /* channels of high priority that have had their turn in this round */
    u8 last_high, last_low; /* who was the last of each kind */
    bool transferring; /* in the middle of a bus access of our own */
    u64 slot;          /* the first cycle in which the next transfer can be made */
    u64 listened;      /* data requests that an active channel waits for */
};

#endif

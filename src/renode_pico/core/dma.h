/* State of the DMA controller (RP2040 datasheet, 2.5). */
#ifndef RENODE_PICO_DMA_H
#define RENODE_PICO_DMA_H

struct dma {
    u32 reserved; /* to be written by dma.c's author */
};

#endif

/* State of one PIO block (RP2040 datasheet, chapter 3). */
#ifndef RENODE_PICO_PIO_H
#define RENODE_PICO_PIO_H

struct pio {
    u32 reserved; /* to be written by pio.c's author */
};

#endif

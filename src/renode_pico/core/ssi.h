/* State of the serial interface to the flash (RP2040 datasheet, 4.10), and of the flash chip behind it. */
#ifndef RENODE_PICO_SSI_H
#define RENODE_PICO_SSI_H

enum { SSI_DR0 = 0x60, SSI_FIFO_DEPTH = 16, FLASH_PAGE_SIZE = 256 };

struct ssi { /* its registers are those of a block in Python: machine.h */
    u32 received[SSI_FIFO_DEPTH];
    u32 first, count;
    bool held;         /* in reset */
    bool driving;      /* chip select is low by this block */
    u32 headers;       /* words of a dual or quad read that were written: instruction, address */
    u32 from, left;    /* the frames of it that the FIFO had no room for: where in the flash, and how many */
    u64 busy_until_ns; /* when the frames are over that were written so far */
};

struct flash_chip { /* what it holds is memory: pico.h */
    bool selected, write_enabled;
    bool ignored;       /* the command under way came while the chip was busy */
    bool reset_enabled;
    u8 command;
    u32 position;       /* bytes since chip select went low */
    u32 address, page_length;
    u8 page[FLASH_PAGE_SIZE];
    u64 busy_until_ns;
    u64 suspended_ns;   /* what is left to do of a command that was suspended; 0: none was */
    u32 time_ppm;       /* of the typical times, how long it is busy */
};

#endif

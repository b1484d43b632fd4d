/* State of a bank of pins with its pads (RP2040 datasheet, 2.19): GPIO0 to 29, or the six pins of the flash. */
#ifndef RENODE_PICO_PINS_H
#define RENODE_PICO_PINS_H

enum { /* function select (RP2040 datasheet, 2.19.2) */
    FUNC_XIP = 0, FUNC_SPI = 1, FUNC_UART = 2, FUNC_I2C = 3, FUNC_PWM = 4, FUNC_SIO = 5, FUNC_PIO0 = 6, FUNC_PIO1 = 7,
    FUNC_CLOCK = 8, FUNC_USB = 9, FUNC_NULL = 31, FUNCTIONS = 10,
    BANK_PINS = 30, QSPI_PINS = 6,
    QSPI_SCLK = 0, QSPI_SS = 1, QSPI_SD0 = 2, /* the flash's pins in the order of IO_QSPI and of SIO's GPIO_HI_* */
};

enum { /* an interrupt's kinds, in the order of their bits in INTR, INTE, INTF and INTS */
    LEVEL_LOW, LEVEL_HIGH, EDGE_LOW, EDGE_HIGH, KINDS,
};

enum { /* whom an interrupt may go to */
    TO_CORE0, TO_CORE1, TO_DORMANT_WAKE, DESTINATIONS,
};

struct override { /* of all pins: a signal s becomes ((s ^ invert) & pass) | high */
    u32 invert, pass, high;
};

struct pins { /* words with a bit for each pin, but for the registers */
    u32 ctrl[BANK_PINS], pad[BANK_PINS + 2], voltage_select;
    u32 selected[FUNCTIONS];           /* pins whose FUNCSEL names that function */
    u32 out[FUNCTIONS], oe[FUNCTIONS]; /* what each function drives */
    struct override out_over, oe_over, in_over, irq_over;
    u32 input_enable, output_disable, pull_up, pull_down;
    u32 external, driven;              /* levels from outside, and which pins are driven from there */
    u32 levels;                        /* at the pads */
    u32 inputs;                        /* what peripherals see: after input enable and INOVER */
    u32 irq_inputs;                    /* what interrupts see: after input enable and IRQOVER */
    u32 fell, rose;                    /* edges latched in INTR */
    u32 enabled[DESTINATIONS][KINDS], forced[DESTINATIONS][KINDS]; /* INTE, INTF */
    u32 listened;                      /* pins with an interrupt enabled or forced */
    u32 requested;                     /* destinations whose interrupt is on, one bit each */
    u32 watched;                       /* pins whose every change Python wants to know */
    u32 counted;                       /* pins whose edges or levels PWM counts: pwm.c says which */
};

#endif

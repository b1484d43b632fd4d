// Included before every C file of a variant with MICROPY_HW_USB_CDC=0, up to MicroPython 1.26.
//
// There shared/tinyusb/mp_usbd.h sets up TinyUSB's CDC FIFO whether or not there is a CDC interface, and TinyUSB
// declares that call only when there is one: the firmware does not compile. Here the call is declared, and does
// nothing. MicroPython's sources stay as they are, ours and those of somebody's checkout.
#ifndef RENODE_PICO_USB_WITHOUT_CDC_H
#define RENODE_PICO_USB_WITHOUT_CDC_H

typedef struct {
    unsigned char rx_persistent;
    unsigned char tx_persistent;
} tud_cdc_configure_fifo_t;

static inline void tud_cdc_configure_fifo(const tud_cdc_configure_fifo_t *cfg) {
    (void)cfg;
}

#endif

// What the programs with a USB device have in common: one is TinyUSB (its class drivers, as Debian packages it) with a main.c here that
// gives it descriptors and content, so that the host's class drivers have something to talk to that others wrote.
#pragma once
#include <string.h>

#include "hardware/sync.h"
#include "tusb.h"

#define DEVICE(number, usb_version) {                                                                    \
    .bLength = sizeof(tusb_desc_device_t), .bDescriptorType = TUSB_DESC_DEVICE, .bcdUSB = (usb_version), \
    .bDeviceClass = TUSB_CLASS_MISC, .bDeviceSubClass = MISC_SUBCLASS_COMMON,                            \
    .bDeviceProtocol = MISC_PROTOCOL_IAD, .bMaxPacketSize0 = CFG_TUD_ENDPOINT0_SIZE,                     \
    .idVendor = 0xF055, .idProduct = (number), .bcdDevice = 0x0100,                                      \
    .iManufacturer = 1, .iProduct = 2, .iSerialNumber = 3, .bNumConfigurations = 1,                      \
}

// String descriptor `index` of texts[1...count - 1], or null. Valid until the next call.
static inline uint16_t const *string_of(char const *const texts[], uint8_t count, uint8_t index) {
    static uint16_t descriptor[64];
    uint8_t length = 1;
    if(index == 0) {
        descriptor[1] = 0x0409;
    } else if(index < count) {
        length = (uint8_t)strlen(texts[index]);
        for(uint8_t i = 0; i < length; i++) {
            descriptor[1 + i] = (uint8_t)texts[index][i];
        }
    } else {
        return NULL;
    }
    descriptor[0] = (uint16_t)(TUSB_DESC_STRING << 8 | (2 * length + 2));
    return descriptor;
}

// Serves the device for ever; `work` is called after each interrupt, too.
static inline void serve(void (*work)(void)) {
    tud_init(0);
    for(;;) {
        tud_task();
        if(work) {
            work();
        }
#ifndef NEVER_SLEEPS
        __wfe();  // an interrupt since the last look sets the event, so that none is slept over
#endif
    }
}

// What Linux's usbtest wants of a device: sources and sinks of each kind, and control requests that keep what they are given.
// Alternate 0 has a bulk pair, 1 an interrupt pair, 2 an isochronous pair. Byte n of a packet is n % 63; a sink that is given anything
// else halts. Request 0x5b keeps data, 0x5c gives it back.
#include "usb_device.h"
#include "device/usbd_pvt.h"
#include "hardware/structs/usb_dpram.h"

enum { BULK_OUT = 0x01, BULK_IN = 0x81, INTERRUPT_OUT = 0x02, INTERRUPT_IN = 0x82, ISO_OUT = 0x03, ISO_IN = 0x83 };
enum { PACKET = 64, ISO_PACKET = 192, ALTERNATES = 3, STORE = 4096, KEEP = 0x5b, GIVE = 0x5c };

#define SETTING(alternate) 9, TUSB_DESC_INTERFACE, 0, (alternate), 2, TUSB_CLASS_VENDOR_SPECIFIC, 0, 0, 0
#define ENDPOINT(address, type, size, interval) 7, TUSB_DESC_ENDPOINT, (address), (type), U16_TO_U8S_LE(size), (interval)
#define LENGTH (TUD_CONFIG_DESC_LEN + ALTERNATES * (9 + 7 + 7))

static tusb_desc_device_t const device = {
    .bLength = sizeof(tusb_desc_device_t), .bDescriptorType = TUSB_DESC_DEVICE, .bcdUSB = 0x0201,
    .bMaxPacketSize0 = CFG_TUD_ENDPOINT0_SIZE, .idVendor = 0xF055, .idProduct = 0xC007, .bcdDevice = 0x0100,
    .iManufacturer = 1, .iProduct = 2, .iSerialNumber = 3, .bNumConfigurations = 1,
};
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, 1, 0, LENGTH, 0, 100),
    SETTING(0), ENDPOINT(BULK_OUT, TUSB_XFER_BULK, PACKET, 0), ENDPOINT(BULK_IN, TUSB_XFER_BULK, PACKET, 0),
    SETTING(1), ENDPOINT(INTERRUPT_OUT, TUSB_XFER_INTERRUPT, PACKET, 2), ENDPOINT(INTERRUPT_IN, TUSB_XFER_INTERRUPT, PACKET, 2),
    SETTING(2), ENDPOINT(ISO_OUT, TUSB_XFER_ISOCHRONOUS, ISO_PACKET, 1), ENDPOINT(ISO_IN, TUSB_XFER_ISOCHRONOUS, ISO_PACKET, 1),
};
static uint8_t const bos[] = { TUD_BOS_DESCRIPTOR(5 + 7, 1), 7, TUSB_DESC_DEVICE_CAPABILITY, DEVICE_CAPABILITY_USB20_EXTENSION, 0, 0, 0, 0 };
static char const *const texts[] = { "", "renode-pico", "usbtest", "0007" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint8_t const *tud_descriptor_bos_cb(void) { return bos; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

// Sources and sinks

static uint8_t pattern[ISO_PACKET], sink[ISO_PACKET], alternate;
static uint8_t const endpoints[ALTERNATES][2] = { { BULK_OUT, BULK_IN }, { INTERRUPT_OUT, INTERRUPT_IN }, { ISO_OUT, ISO_IN } };

static uint16_t size_of(uint8_t address) { return tu_edpt_number(address) == tu_edpt_number(ISO_IN) ? ISO_PACKET : PACKET; }

static io_rw_32 *control_of(uint8_t address) {
    struct usb_device_dpram_ep_ctrl *control = &usb_dpram->ep_ctrl[tu_edpt_number(address) - 1];
    return tu_edpt_dir(address) == TUSB_DIR_IN ? &control->in : &control->out;
}

// Between the end of a packet and here a bus reset may have come: TinyUSB's controller driver has forgotten the endpoint then, TinyUSB's
// core not yet, and a transfer would end in a panic. What is not enabled is not armed.
static void arm(uint8_t port, uint8_t address) {
    uint32_t interrupts = save_and_disable_interrupts();
    if((*control_of(address) & EP_CTRL_ENABLE_BITS) && usbd_edpt_ready(port, address)) {
        usbd_edpt_xfer(port, address, tu_edpt_dir(address) == TUSB_DIR_IN ? pattern : sink, size_of(address));
    }
    restore_interrupts(interrupts);
}

// Takes back what is armed, with DATA0 for what comes next: TinyUSB's driver does so only for an endpoint that has been halted.
static void restart(uint8_t port, uint8_t address) {
    usbd_edpt_stall(port, address);
    usbd_edpt_clear_stall(port, address);
}

// TinyUSB's driver cannot close an endpoint; one that is not enabled answers nothing.
static void enable(uint8_t address, bool on) {
    io_rw_32 *word = control_of(address);
    *word = on ? *word | EP_CTRL_ENABLE_BITS : *word & ~EP_CTRL_ENABLE_BITS;
}

static void choose(uint8_t port, uint8_t chosen) {
    alternate = chosen;
    for(uint8_t each = 0; each < ALTERNATES; each++) {
        for(uint8_t n = 0; n < 2; n++) {
            restart(port, endpoints[each][n]);
            enable(endpoints[each][n], each == chosen);
            if(each == chosen) {
                arm(port, endpoints[each][n]);
            }
        }
    }
}

static void init(void) {
    for(size_t n = 0; n < sizeof(pattern); n++) {
        pattern[n] = (uint8_t)(n % 63);
    }
}

static bool deinit(void) { return true; }
static void reset(uint8_t port) { (void)port; alternate = 0; }

static uint16_t open(uint8_t port, tusb_desc_interface_t const *interface, uint16_t max) {
    uint16_t const length = LENGTH - TUD_CONFIG_DESC_LEN;
    TU_VERIFY(max >= length, 0);
    uint8_t const *end = (uint8_t const *)interface + length;
    for(uint8_t const *each = (uint8_t const *)interface; each < end; each = tu_desc_next(each)) {
        tusb_desc_endpoint_t const *endpoint = (tusb_desc_endpoint_t const *)each;
        if(tu_desc_type(each) != TUSB_DESC_ENDPOINT) {
            continue;
        }
        if(endpoint->bmAttributes.xfer == TUSB_XFER_ISOCHRONOUS) {
            TU_ASSERT(usbd_edpt_iso_alloc(port, endpoint->bEndpointAddress, ISO_PACKET), 0);
            TU_ASSERT(usbd_edpt_iso_activate(port, endpoint), 0);
        } else {
            TU_ASSERT(usbd_edpt_open(port, endpoint), 0);
        }
    }
    choose(port, 0);
    return length;
}

static bool control(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(stage != CONTROL_STAGE_SETUP || request->bmRequestType_bit.type != TUSB_REQ_TYPE_STANDARD) {
        return stage != CONTROL_STAGE_SETUP;
    }
    if(request->bmRequestType_bit.recipient == TUSB_REQ_RCPT_ENDPOINT) {
        if(request->bRequest == TUSB_REQ_CLEAR_FEATURE) {
            restart(port, tu_u16_low(request->wIndex));
            arm(port, tu_u16_low(request->wIndex));
        }
        return true;
    }
    if(request->bRequest == TUSB_REQ_SET_INTERFACE) {
        if(request->wValue >= ALTERNATES) {  // TinyUSB acknowledges what a driver refuses here
            usbd_edpt_stall(port, 0x00);
            usbd_edpt_stall(port, 0x80);
            return true;
        }
        choose(port, (uint8_t)request->wValue);
        return tud_control_status(port, request);
    }
    if(request->bRequest == TUSB_REQ_GET_STATUS) {
        static uint16_t const nothing;
        return tud_control_xfer(port, request, (void *)(uintptr_t)&nothing, sizeof(nothing));
    }
    if(request->bRequest == TUSB_REQ_GET_INTERFACE) {
        return tud_control_xfer(port, request, &alternate, 1);
    }
    return false;
}

static bool transferred(uint8_t port, uint8_t address, xfer_result_t result, uint32_t length) {
    (void)result;
    if(tu_edpt_dir(address) == TUSB_DIR_OUT && memcmp(sink, pattern, length) != 0) {
        usbd_edpt_stall(port, address);
        return true;
    }
    arm(port, address);
    return true;
}

usbd_class_driver_t const *usbd_app_driver_get_cb(uint8_t *count) {
    static usbd_class_driver_t const driver = {
        .name = "usbtest", .init = init, .deinit = deinit, .reset = reset, .open = open, .control_xfer_cb = control, .xfer_cb = transferred,
    };
    *count = 1;
    return &driver;
}

// Control data

static uint8_t kept[STORE];

bool tud_vendor_control_xfer_cb(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(stage != CONTROL_STAGE_SETUP) {
        return true;
    }
    bool in = request->bmRequestType_bit.direction == TUSB_DIR_IN;
    if(request->bmRequestType_bit.recipient != TUSB_REQ_RCPT_DEVICE || request->wLength > STORE
        || request->bRequest != (in ? GIVE : KEEP)) {
        return false;
    }
    return tud_control_xfer(port, request, kept, request->wLength);
}

int main(void) {
    serve(NULL);
}

// A vendor's device with ten planted faults, each reached through the USB port: what `renode-pico fuzz` has to find
// (docs/fuzz.md). Each is the kind of thing that real firmware has; the comment says what a good device would do.
#include "device/usbd_pvt.h"
#include "pico/stdlib.h"
#include "usb_device.h"

enum { WRITE_NAME = 1, READ_SETTINGS, PAUSE, READ_TABLE, SEEK, UPLOAD, CLAIM, RELEASE, NOTIFY, DESCEND };
enum { SET_MODE = 1 };  // the interface's class request
enum { EVENTS = 0x81, COMMANDS = 0x01 };

#define LENGTH (TUD_CONFIG_DESC_LEN + 9 + 7 + 7 + 9 + 7 + 7)
#define SETTING(alternate) 9, TUSB_DESC_INTERFACE, 0, (alternate), 2, 0xFF, 0x42, 0, 0, \
    7, TUSB_DESC_ENDPOINT, EVENTS, TUSB_XFER_BULK, 64, 0, 0, 7, TUSB_DESC_ENDPOINT, COMMANDS, TUSB_XFER_BULK, 64, 0, 0

static tusb_desc_device_t const device = DEVICE(0xFA17, 0x0200);
static uint8_t const configuration[] = { TUD_CONFIG_DESCRIPTOR(1, 1, 0, LENGTH, 0, 100), SETTING(0), SETTING(1) };
static char const *const texts[] = { "", "renode-pico", "faulty", "0010" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

// What the requests work on

static struct { char name[16]; void (*renamed)(void); } __attribute__((used)) label;
static struct { uint8_t version, gain, offset, mode; char serial[12]; uint8_t calibration[8]; } settings = { 1, 3, 5, 0, "PICO-000017", "abcdefg" };
static uint32_t table[16];
static uint8_t upload[512];
static bool uploading;
static struct listener { struct listener *next; void (*call)(void); } listeners[2], *free_listeners, *listener;
static unsigned volatile count;

static void noted(void) { count++; }

static void prepare(void) {
    label.renamed = noted;
    for(unsigned i = 0; i < 16; i++) {
        table[i] = 0x01010101u * i;
    }
    listeners[0].next = &listeners[1];
    free_listeners = listeners;
}

static void __attribute__((noinline)) write_name(uint8_t const *data, uint16_t length) {
    memcpy(label.name, data, length);  // 1: a good device takes no more than sizeof(label.name)
    label.renamed();
    count++;
}

static void __attribute__((noinline)) seek(unsigned wanted) {
    unsigned volatile position = 0;
    while(position != wanted) {  // 5: a good device looks first whether the place exists
        position = (position + 4) % 64;
    }
}

static uint32_t __attribute__((noinline)) read_table(unsigned offset) {
    return *(uint32_t volatile *)((uint8_t *)table + offset);  // 4: a good device stalls for an odd one
}

static void __attribute__((noinline)) notify(void) {
    listener->call();
    count++;
}

static void __attribute__((noinline)) release(void) {
    if(listener) {
        memset(listener, 0xDD, sizeof(*listener));
        listener->next = free_listeners;
        free_listeners = listener;  // 9: a good device forgets the listener here
    }
}

static unsigned __attribute__((noinline)) descend(unsigned levels, uint8_t volatile *above) {
    uint8_t volatile here[64];
    here[levels % 64] = (uint8_t)(above ? above[levels % 64] : 1);
    return levels ? descend(levels - 1, here) + here[levels % 64] : 0;  // 10: a good device knows its stack
}

static void __attribute__((noinline)) set_mode(unsigned mode) {
    if(mode > 3) {
        panic("no mode %u", mode);  // 8: a good device stalls
    }
    settings.mode = (uint8_t)mode;
}

// Requests to the vendor

static bool requested(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(stage == CONTROL_STAGE_ACK) {
        if(request->bRequest == WRITE_NAME) {
            write_name(upload, request->wLength);
        } else if(request->bRequest == UPLOAD) {
            uploading = false;
        }
    }
    if(stage != CONTROL_STAGE_SETUP) {
        return true;
    }
    switch(request->bRequest) {
        case WRITE_NAME:
            return request->wLength <= sizeof(upload) && tud_control_xfer(port, request, upload, request->wLength);
        case READ_SETTINGS:
            return tud_control_xfer(port, request, &settings, request->wLength);  // 2: sizeof(settings) at most
        case PAUSE:
            return true;  // 3: neither done nor stalled
        case READ_TABLE:
            if(request->wValue > sizeof(table) - 4) {
                return false;
            }
            count = read_table(request->wValue);
            return tud_control_xfer(port, request, (void *)(uintptr_t)&count, 4);
        case SEEK:
            seek(request->wValue);
            return tud_control_status(port, request);
        case UPLOAD:
            if(request->wLength == 0 || request->wLength > sizeof(upload)) {
                return false;
            }
            if(uploading) {  // 6: a good device forgets what was cut off by a bus reset or another SETUP
                panic("an upload within an upload");
            }
            uploading = true;
            return tud_control_xfer(port, request, upload, request->wLength);
        case CLAIM:
            if(!free_listeners) {
                return false;
            }
            listener = free_listeners;
            free_listeners = listener->next;
            listener->call = noted;
            return tud_control_status(port, request);
        case RELEASE:
            release();
            return tud_control_status(port, request);
        case NOTIFY:
            if(!listener) {
                return false;
            }
            notify();
            return tud_control_status(port, request);
        case DESCEND:
            count = descend(request->wValue & 0x7F, NULL);
            return tud_control_status(port, request);
        default:
            return false;
    }
}

bool tud_vendor_control_xfer_cb(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    return requested(port, stage, request);
}

// The interface: events come, commands are read and forgotten

static uint8_t event[64], command[64], alternate;

static void started(void) { }
static bool stopped(void) { return true; }
static void left(uint8_t port) { (void)port; }

static uint16_t opened(uint8_t port, tusb_desc_interface_t const *interface, uint16_t length) {
    TU_VERIFY(interface->bInterfaceClass == 0xFF && length >= LENGTH - TUD_CONFIG_DESC_LEN, 0);
    uint8_t const *endpoint = tu_desc_next(interface);
    TU_ASSERT(usbd_edpt_open(port, (tusb_desc_endpoint_t const *)endpoint), 0);
    TU_ASSERT(usbd_edpt_open(port, (tusb_desc_endpoint_t const *)tu_desc_next(endpoint)), 0);
    usbd_edpt_xfer(port, EVENTS, event, 8);
    usbd_edpt_xfer(port, COMMANDS, command, sizeof(command));
    return LENGTH - TUD_CONFIG_DESC_LEN;
}

static bool asked(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(request->bmRequestType_bit.type == TUSB_REQ_TYPE_STANDARD) {
        switch(request->bRequest) {
            case TUSB_REQ_GET_INTERFACE:
                return stage != CONTROL_STAGE_SETUP || tud_control_xfer(port, request, &alternate, 1);
            case TUSB_REQ_SET_INTERFACE:
                if(stage == CONTROL_STAGE_SETUP) {
                    TU_VERIFY(request->wValue <= 1 && request->wLength == 0);
                    alternate = (uint8_t)request->wValue;  // 7: a good device begins with DATA0 again
                    return tud_control_status(port, request);
                }
                return true;
            default:
                return false;
        }
    }
    if(request->bmRequestType == 0x21 && request->bRequest == SET_MODE && request->wLength == 0) {
        if(stage == CONTROL_STAGE_SETUP) {
            set_mode(request->wValue);
            return tud_control_status(port, request);
        }
        return true;
    }
    return false;
}

static bool moved(uint8_t port, uint8_t address, xfer_result_t result, uint32_t length) {
    (void)result, (void)length;
    if(address == EVENTS) {
        event[0]++;
        return usbd_edpt_xfer(port, EVENTS, event, 8);
    }
    return usbd_edpt_xfer(port, COMMANDS, command, sizeof(command));
}

usbd_class_driver_t const *usbd_app_driver_get_cb(uint8_t *drivers) {
    static usbd_class_driver_t const driver = {
        .name = "faulty", .init = started, .deinit = stopped, .reset = left, .open = opened, .control_xfer_cb = asked, .xfer_cb = moved,
    };
    *drivers = 1;
    return &driver;
}

int main(void) {
    prepare();
    serve(NULL);
}

// A vendor's device that does something wrong on the bus or in memory for each request that asks for it: what the fuzzer's
// judges of packets, of the USB controller and of stacks are tested with (docs/fuzz.md, Judges).
#include "device/usbd_pvt.h"
#include "hardware/structs/usb.h"
#include "hardware/structs/usb_dpram.h"
#include "pico/multicore.h"
#include "pico/stdlib.h"
#include "usb_device.h"

enum { WRONG_PID = 1, LONG_PACKET, ANOTHER_DESCRIPTOR, FORGET_HALT, ARMED_BUFFER, OVERRUN, DESCEND, SETTING };
enum { EVENTS = 0x81, ROOM = 64, COMMANDS = 0x01 };

#define LENGTH (TUD_CONFIG_DESC_LEN + 9 + 7 + 7)

static tusb_desc_device_t const device = DEVICE(0xFA18, 0x0200);
static uint8_t configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, 1, 0, LENGTH, 0, 100), 9, TUSB_DESC_INTERFACE, 0, 0, 2, 0xFF, 0x43, 0, 0,
    7, TUSB_DESC_ENDPOINT, COMMANDS, TUSB_XFER_BULK, ROOM, 0, 0, 7, TUSB_DESC_ENDPOINT, EVENTS, TUSB_XFER_BULK, ROOM, 0, 0,
};
static char const *const texts[] = { "", "renode-pico", "faulty on the bus", "0011" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { return index == 0 ? configuration : NULL; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

static uint8_t event[ROOM], command[ROOM], setting;
static unsigned volatile levels;

// The buffer of the endpoint whose events go out: the last one that the driver has given away.
static uint8_t volatile *buffer_of_events(void) {
    return (uint8_t volatile *)usb_dpram + (usb_dpram->ep_ctrl[(EVENTS & 0xF) - 1].in & 0xFFC0u);
}

static unsigned __attribute__((noinline)) descend(unsigned more, uint8_t volatile *above) {
    uint8_t volatile here[64];
    here[more % 64] = (uint8_t)(above ? above[more % 64] : 1);
    return more ? descend(more - 1, here) + here[more % 64] : 0;
}

static void core1(void) {
    descend(levels, NULL);  // a good device knows how much stack core 1 has
    for(;;) {
        __wfe();
    }
}

// One packet of endpoint 0 without the driver, which would begin with the right PID; given up when something else happens.
static void by_hand(io_rw_32 *control, uint32_t word, uint32_t done) {
    *control = word;
    busy_wait_at_least_cycles(12);
    *control = word | USB_BUF_CTRL_AVAIL;
    for(unsigned n = 0; n < 20000 && !(usb_hw->buf_status & done); n++) {
        if(usb_hw->sie_status & (USB_SIE_STATUS_SETUP_REC_BITS | USB_SIE_STATUS_BUS_RESET_BITS)) {
            *control = 0;
            return;
        }
    }
    hw_clear_bits(&usb_hw->buf_status, done);
}

static bool requested(uint8_t port, tusb_control_request_t const *request) {
    uint32_t interrupts;
    switch(request->bRequest) {
        case WRONG_PID:
            if(request->wLength != 8 || !request->bmRequestType_bit.direction) {
                return false;
            }
            interrupts = save_and_disable_interrupts();
            by_hand(&usb_dpram->ep_buf_ctrl[0].in, USB_BUF_CTRL_FULL | 8, USB_BUFF_STATUS_EP0_IN_BITS);  // a good device begins with DATA1
            by_hand(&usb_dpram->ep_buf_ctrl[0].in, USB_BUF_CTRL_FULL | USB_BUF_CTRL_DATA1_PID | 8, USB_BUFF_STATUS_EP0_IN_BITS);
            by_hand(&usb_dpram->ep_buf_ctrl[0].out, USB_BUF_CTRL_DATA1_PID | ROOM, USB_BUFF_STATUS_EP0_OUT_BITS);
            restore_interrupts(interrupts);
            return true;
        case LONG_PACKET:
            usb_dpram->ep_buf_ctrl[EVENTS & 0xF].in = (usb_dpram->ep_buf_ctrl[EVENTS & 0xF].in & ~USB_BUF_CTRL_LEN_MASK) | (ROOM + 16);
            return tud_control_status(port, request);
        case ANOTHER_DESCRIPTOR:
            configuration[8]++;  // bMaxPower; a good device keeps its descriptors
            return tud_control_status(port, request);
        case FORGET_HALT:
            usbd_edpt_clear_stall(port, EVENTS);  // a good device leaves that to the host
            usbd_edpt_xfer(port, EVENTS, event, 8);
            return tud_control_status(port, request);
        case ARMED_BUFFER:
            buffer_of_events()[request->wValue % 8]++;  // a good device waits until the packet has gone
            return tud_control_status(port, request);
        case OVERRUN:
            for(unsigned at = ROOM; at < ROOM + request->wValue % 64; at++) {
                buffer_of_events()[at] = 0xEE;  // a good device knows the buffer's size
            }
            return tud_control_status(port, request);
        case DESCEND:
            levels = request->wValue & 0x7F;
            multicore_reset_core1();
            multicore_launch_core1(core1);
            return tud_control_status(port, request);
        case SETTING:
            setting = (uint8_t)request->wValue;
            return tud_control_status(port, request);
        default:
            return false;
    }
}

bool tud_vendor_control_xfer_cb(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    return stage != CONTROL_STAGE_SETUP || requested(port, request);
}

static void started(void) { }
static bool stopped(void) { return true; }
static void left(uint8_t port) { (void)port; }

static uint16_t opened(uint8_t port, tusb_desc_interface_t const *interface, uint16_t length) {
    TU_VERIFY(interface->bInterfaceClass == 0xFF && length >= LENGTH - TUD_CONFIG_DESC_LEN, 0);
    uint8_t const *endpoint = tu_desc_next(interface);
    TU_ASSERT(usbd_edpt_open(port, (tusb_desc_endpoint_t const *)endpoint), 0);
    TU_ASSERT(usbd_edpt_open(port, (tusb_desc_endpoint_t const *)tu_desc_next(endpoint)), 0);
    usbd_edpt_xfer(port, COMMANDS, command, sizeof(command));
    usbd_edpt_xfer(port, EVENTS, event, 8);
    return LENGTH - TUD_CONFIG_DESC_LEN;
}

static bool asked(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(request->bmRequestType == 0x81 && request->bRequest == TUSB_REQ_GET_INTERFACE) {
        return stage != CONTROL_STAGE_SETUP || tud_control_xfer(port, request, &setting, 1);  // a good device has one setting, 0
    }
    return false;
}

static bool moved(uint8_t port, uint8_t address, xfer_result_t result, uint32_t length) {
    (void)result, (void)length;
    return address == EVENTS ? usbd_edpt_xfer(port, EVENTS, event, 8) : usbd_edpt_xfer(port, COMMANDS, command, sizeof(command));
}

usbd_class_driver_t const *usbd_app_driver_get_cb(uint8_t *drivers) {
    static usbd_class_driver_t const driver = {
        .name = "faulty", .init = started, .deinit = stopped, .reset = left, .open = opened, .control_xfer_cb = asked, .xfer_cb = moved,
    };
    *drivers = 1;
    return &driver;
}

int main(void) {
    serve(NULL);
}

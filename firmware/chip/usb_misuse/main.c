// Misuses the USB controller, each way on a line that says so: what the sanitizer is to find there (docs/sanitizer.md).
// Everything else in here is done as it should be, and is not to be found.
#include <stdio.h>

#include "hardware/exception.h"
#include "hardware/resets.h"
#include "hardware/structs/usb.h"
#include "hardware/structs/usb_dpram.h"
#include "hardware/sync.h"
#include "pico/platform.h"
#include "pico/stdlib.h"

#define MISUSE static void __attribute__((noinline))

enum { BUFFER_1 = 0x180, BUFFER_2 = 0x1c0, FOR_BULK = 2 << EP_CTRL_BUFFER_TYPE_LSB };

static io_rw_32 *const ep1_in = &usb_dpram->ep_buf_ctrl[1].in;
static io_rw_32 *const ep2_out = &usb_dpram->ep_buf_ctrl[2].out;
static const uint32_t bulk = EP_CTRL_ENABLE_BITS | EP_CTRL_INTERRUPT_PER_BUFFER | FOR_BULK;

// Hands a buffer over as the datasheet wants it.
static void arm(io_rw_32 *control, uint32_t word) {
    *control = word;
    busy_wait_at_least_cycles(12);
    *control = word | USB_BUF_CTRL_AVAIL;
}

// Takes it back; EP_ABORT works on a B2 only, and the pull-up is off here.
static void take_back(io_rw_32 *control) {
    hw_clear_bits(&usb_hw->sie_ctrl, USB_SIE_CTRL_PULLUP_EN_BITS);
    *control = 0;
    hw_set_bits(&usb_hw->sie_ctrl, USB_SIE_CTRL_PULLUP_EN_BITS);
}

MISUSE in_reset(void) {
    usb_hw->main_ctrl = USB_MAIN_CTRL_CONTROLLER_EN_BITS;  // misuse: in-reset
}

MISUSE early_available(void) {
    *ep1_in = USB_BUF_CTRL_FULL | USB_BUF_CTRL_AVAIL | 4;  // misuse: early-available
}

MISUSE armed_buffer(void) {
    usb_dpram->epx_data[3] = 0x55;  // misuse: armed-buffer
    usb_dpram->epx_data[4] = 0x55;  // behind the four bytes that are to be sent: nobody's business
}

MISUSE armed_control(void) {
    usb_dpram->ep_ctrl[0].in = bulk | BUFFER_2;  // misuse: armed-control
}

MISUSE revoked(void) {
    *ep1_in = USB_BUF_CTRL_STALL;  // misuse: revoked
}

MISUSE overlap(void) {
    *ep2_out = 64;
    busy_wait_at_least_cycles(12);
    *ep2_out = USB_BUF_CTRL_AVAIL | 64;  // misuse: overlap
}

MISUSE abort_endpoint(void) {
    hw_set_bits(&usb_hw->abort, USB_EP_ABORT_EP1_IN_BITS);  // misuse: abort
    hw_clear_bits(&usb_hw->abort, USB_EP_ABORT_EP1_IN_BITS);
}

MISUSE early_address(uint8_t address) {
    usb_hw->dev_addr_ctrl = address;  // misuse: early-address
}

MISUSE late_clear(void) {
    hw_clear_bits(&usb_hw->buf_status, USB_BUFF_STATUS_EP1_IN_BITS);  // misuse: late-clear
}

MISUSE unaligned(void) {
    __asm volatile("strh %1, [%0]" : : "l"(0x50100201), "l"(0) : "memory");  // misuse: unaligned
}

// Goes on behind the instruction that was refused. No frame: what was stacked lies at SP.
static void __attribute__((naked)) pass_over(void) {
    __asm volatile("ldr r0, [sp, #24]\n add r0, #2\n str r0, [sp, #24]\n bx lr");
}

static void at_the_end_of(uint32_t bit) {
    while (!(usb_hw->buf_status & bit)) {
        busy_wait_us_32(5);
    }
}

// The next SETUP's address; what endpoint 0 had armed before is the firmware's to take back until it has seen the SETUP.
static uint8_t next_address(void) {
    while (!(usb_hw->sie_status & USB_SIE_STATUS_SETUP_REC_BITS)) {
        if (usb_hw->sie_status & USB_SIE_STATUS_BUS_RESET_BITS) {
            usb_hw->dev_addr_ctrl = 0;  // the controller keeps its address
            hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_BUS_RESET_BITS);
        }
        busy_wait_us_32(5);
    }
    uint8_t address = usb_dpram->setup_packet[2];
    usb_dpram->ep_buf_ctrl[0].in = 0;
    hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_SETUP_REC_BITS);
    return address;
}

static void status_stage(void) {
    arm(&usb_dpram->ep_buf_ctrl[0].in, USB_BUF_CTRL_FULL | USB_BUF_CTRL_DATA1_PID);
}

// SET_ADDRESS once wrong, so that the host never sees its end, and once right; then two packets from endpoint 1, the first
// one acknowledged too late.
static void serve(void) {
    early_address(next_address());
    status_stage();
    uint8_t address = next_address();
    status_stage();
    at_the_end_of(USB_BUFF_STATUS_EP0_IN_BITS);
    hw_clear_bits(&usb_hw->buf_status, USB_BUFF_STATUS_EP0_IN_BITS);
    usb_hw->dev_addr_ctrl = address;
    arm(ep1_in, USB_BUF_CTRL_FULL | 4);
    at_the_end_of(USB_BUFF_STATUS_EP1_IN_BITS);
    arm(ep1_in, USB_BUF_CTRL_FULL | USB_BUF_CTRL_DATA1_PID | 4);
    late_clear();
    at_the_end_of(USB_BUFF_STATUS_EP1_IN_BITS);
    hw_clear_bits(&usb_hw->buf_status, USB_BUFF_STATUS_EP1_IN_BITS);
    arm(ep1_in, USB_BUF_CTRL_FULL | 4);
}

int main(void) {
    stdio_init_all();
    exception_set_exclusive_handler(HARDFAULT_EXCEPTION, pass_over);

    reset_block(RESETS_RESET_USBCTRL_BITS);
    in_reset();
    unreset_block_wait(RESETS_RESET_USBCTRL_BITS);
    for (unsigned n = 0; n < 64; n++) {
        ((io_rw_32 *)usb_dpram)[n] = 0;
    }
    usb_hw->muxing = USB_USB_MUXING_TO_PHY_BITS | USB_USB_MUXING_SOFTCON_BITS;
    usb_hw->pwr = USB_USB_PWR_VBUS_DETECT_BITS | USB_USB_PWR_VBUS_DETECT_OVERRIDE_EN_BITS;
    usb_hw->main_ctrl = USB_MAIN_CTRL_CONTROLLER_EN_BITS;
    usb_hw->sie_ctrl = USB_SIE_CTRL_EP0_INT_1BUF_BITS | USB_SIE_CTRL_PULLUP_EN_BITS;

    usb_dpram->ep_ctrl[0].in = bulk | BUFFER_1;
    early_available();
    armed_buffer();
    armed_control();
    revoked();
    take_back(ep1_in);
    usb_dpram->ep_ctrl[0].in = bulk | BUFFER_1;
    usb_dpram->ep_ctrl[1].out = bulk | BUFFER_1;
    arm(ep1_in, USB_BUF_CTRL_FULL | 4);
    overlap();
    take_back(ep1_in);
    take_back(ep2_out);
    unaligned();
    printf("ready\n");
    serve();
    at_the_end_of(USB_BUFF_STATUS_EP1_IN_BITS);
    abort_endpoint();  // the end of all endpoints on a B1
    printf("done\n");
    while (true) {
        __wfi();
    }
}

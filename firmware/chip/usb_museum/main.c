// The museum of drivers' bugs (docs/museum.md): one small USB driver that can be told over UART0 to make a mistake that others
// have made and published, or not to. Two characters choose: a letter for the mistake, then '-' with it or '+' without.
//
// The device: EP1 echoes (bulk OUT, bulk IN), EP2 IN streams packets that count, EP3 IN is double-buffered, EP4 IN isochronous in
// an alternate setting; vendor requests on endpoint 0. The interrupt handler serves the buffers, the main loop serves SETUP
// packets, as most stacks do.
#include <stdio.h>
#include <string.h>

#include "hardware/irq.h"
#include "hardware/resets.h"
#include "hardware/structs/psm.h"
#include "hardware/structs/usb.h"
#include "hardware/structs/usb_dpram.h"
#include "hardware/structs/watchdog.h"
#include "hardware/sync.h"
#include "hardware/watchdog.h"
#include "pico/fix/rp2040_usb_device_enumeration.h"
#include "pico/platform.h"
#include "pico/stdlib.h"

static char letter;
static bool with_mistake;

static bool mistake(char which) {
    return with_mistake && letter == which;
}

// -- Endpoints --

typedef struct {
    io_rw_32 *buffer_control;
    uint8_t *data;
    uint8_t address;
    uint8_t pid;   // of the next packet
    bool busy;     // a buffer of it is the controller's, or is to be
    bool halted;
    bool waiting;  // a packet to be sent when the halt is over
    uint16_t length;
} endpoint_t;

enum { PACKET = 64, BULK = 2 << EP_CTRL_BUFFER_TYPE_LSB, ISOCHRONOUS = 1 << EP_CTRL_BUFFER_TYPE_LSB };

static endpoint_t ep0_in = {&usb_dpram->ep_buf_ctrl[0].in, usb_dpram->ep0_buf_a, 0x80, 1, 0, 0, 0, 0};
static endpoint_t ep0_out = {&usb_dpram->ep_buf_ctrl[0].out, usb_dpram->ep0_buf_a, 0x00, 1, 0, 0, 0, 0};
static endpoint_t echo_out = {&usb_dpram->ep_buf_ctrl[1].out, &usb_dpram->epx_data[0x00], 0x01, 0, 0, 0, 0, 0};
static endpoint_t echo_in = {&usb_dpram->ep_buf_ctrl[1].in, &usb_dpram->epx_data[0x40], 0x81, 0, 0, 0, 0, 0};
static endpoint_t stream_in = {&usb_dpram->ep_buf_ctrl[2].in, &usb_dpram->epx_data[0x80], 0x82, 0, 0, 0, 0, 0};
static endpoint_t double_in = {&usb_dpram->ep_buf_ctrl[3].in, &usb_dpram->epx_data[0x100], 0x83, 0, 0, 0, 0, 0};
static endpoint_t sound_in = {&usb_dpram->ep_buf_ctrl[4].in, &usb_dpram->epx_data[0x180], 0x84, 0, 0, 0, 0, 0};

static uint32_t bit_of(const endpoint_t *ep) {
    return 1u << (2 * (ep->address & 0xF) + (ep->address & 0x80 ? 0 : 1));
}

// Hands the buffer over: full for IN, empty for OUT.
static void arm(endpoint_t *ep, uint16_t length) {
    bool in = ep->address & 0x80;
    uint32_t word = length | (in ? USB_BUF_CTRL_FULL : 0) | (ep->pid ? USB_BUF_CTRL_DATA1_PID : 0);
    if (ep == &double_in && !mistake('n')) {  // a transfer begins with buffer 0, wherever the last one has ended
        word |= USB_BUF_CTRL_SEL;
    }
    if (*ep->buffer_control & USB_BUF_CTRL_AVAIL) {
        panic("ep %02x was already available", ep->address);
    }
    ep->busy = true;
    ep->length = length;
    ep->pid ^= ep != &sound_in;  // isochronous packets are all DATA0
    if (mistake('a')) {  // in one store: the controller may see AVAILABLE before the rest
        *ep->buffer_control = word | USB_BUF_CTRL_AVAIL;
        return;
    }
    *ep->buffer_control = word;
    busy_wait_at_least_cycles(12);
    *ep->buffer_control = word | USB_BUF_CTRL_AVAIL;
}

// Takes a buffer back, whoever has it. RP2040-E2: before B2 there is no safe way; EP_ABORT would be the end of all endpoints.
static void take_back(endpoint_t *ep) {
    uint32_t bit = bit_of(ep);
    if (ep->busy && rp2040_chip_version() < 2 && !mistake('q')) {
        *ep->buffer_control = 0;
    } else if (ep->busy) {
        hw_set_bits(&usb_hw->abort, bit);
        while (!(usb_hw->abort_done & bit)) {
            tight_loop_contents();
        }
        *ep->buffer_control = 0;
        usb_hw->abort_done = bit;
        hw_clear_bits(&usb_hw->abort, bit);
    }
    ep->busy = false;
}

static void send(endpoint_t *ep, const uint8_t *data, uint16_t length) {
    for (uint16_t n = 0; n < length; n++) {
        ep->data[n] = data[n];
    }
    arm(ep, length);
}

// -- The stream: each packet begins with its number --

static volatile bool streaming, deferred, suspended;
static uint32_t sent_packets, frame_begin_us;

// RP2040-E15: nothing may be available for a bulk IN in the last fifth of a frame, where a hub may garble the ACK.
static bool late_in_frame(void) {
    uint32_t since = time_us_32() - frame_begin_us;
    return letter == 'P' && !with_mistake && since >= 800 && since <= 998;
}

static void stream(void) {
    if (!streaming || stream_in.busy || suspended) {
        return;
    }
    if (late_in_frame()) {
        deferred = true;
        return;
    }
    uint8_t packet[PACKET] = {(uint8_t)sent_packets, (uint8_t)(sent_packets >> 8)};
    sent_packets++;
    send(&stream_in, packet, PACKET);
}

// -- Control transfers --

typedef struct {
    uint8_t type, request;
    uint16_t value, index, length;
} setup_t;

static volatile bool setup_waits;
static setup_t setup;
static const uint8_t *answer;
static uint16_t answer_left, stored_at;
static uint8_t stored[256];
static uint8_t new_address;
static bool in_data_stage;

static const uint8_t device_descriptor[] = {18, 1, 0x00, 0x02, 0xFF, 0, 0, 64, 0x55, 0xF0, 0x4D, 0x55, 0, 1, 0, 0, 0, 1};
static const uint8_t configuration[] = {
    9, 2, 71, 0, 2, 1, 0, 0xA0, 50,  // may wake the host
    9, 4, 0, 0, 4, 0xFF, 0, 0, 0,
    7, 5, 0x01, 2, 64, 0, 0, 7, 5, 0x81, 2, 64, 0, 0, 7, 5, 0x82, 2, 64, 0, 0, 7, 5, 0x83, 2, 64, 0, 0,
    9, 4, 1, 0, 0, 0xFF, 0, 0, 0,
    9, 4, 1, 1, 1, 0xFF, 0, 0, 0, 7, 5, 0x84, 1, 64, 0, 1,
};

static void answer_more(void) {
    uint16_t length = answer_left < PACKET ? answer_left : PACKET;
    send(&ep0_in, answer, length);
    answer += length;
    answer_left -= length;
    in_data_stage = true;
}

static void reply(const void *data, uint16_t length) {
    answer = data;
    answer_left = length < setup.length ? length : setup.length;
    ep0_in.pid = 1;
    answer_more();
}

static void status_in(void) {
    ep0_in.pid = 1;
    in_data_stage = false;
    send(&ep0_in, NULL, 0);
}

static void refuse(void) {
    hw_set_bits(&usb_hw->ep_stall_arm, USB_EP_STALL_ARM_EP0_IN_BITS | USB_EP_STALL_ARM_EP0_OUT_BITS);
    *ep0_in.buffer_control = USB_BUF_CTRL_STALL;
    *ep0_out.buffer_control = USB_BUF_CTRL_STALL;
}

static void configure(void) {
    const uint32_t bits = EP_CTRL_ENABLE_BITS | EP_CTRL_INTERRUPT_PER_BUFFER | BULK;
    endpoint_t *all[] = {&echo_out, &echo_in, &stream_in, &double_in, &sound_in};
    for (unsigned n = 0; n < 5; n++) {
        take_back(all[n]);
        all[n]->halted = all[n]->waiting = false;
        if (!mistake('f')) {  // a configuration that is chosen begins with DATA0 everywhere
            all[n]->pid = 0;
        }
    }
    streaming = false;
    sent_packets = 0;
    usb_dpram->ep_ctrl[0].out = bits | 0x180;
    usb_dpram->ep_ctrl[0].in = bits | 0x1C0;
    usb_dpram->ep_ctrl[1].in = bits | 0x200;
    usb_dpram->ep_ctrl[2].in = bits | EP_CTRL_DOUBLE_BUFFERED_BITS | 0x280;
    usb_dpram->ep_ctrl[3].in = 0;
    arm(&echo_out, PACKET);
}

// Interface 1 has an isochronous endpoint in its alternate setting 1; a host goes to and fro as somebody listens or does not.
static void set_interface(uint16_t alternate) {
    if (!mistake('o')) {  // whatever waits to be sent in a setting that is left is left there
        take_back(&sound_in);
    }
    usb_dpram->ep_ctrl[3].in = alternate ? EP_CTRL_ENABLE_BITS | EP_CTRL_INTERRUPT_PER_BUFFER | ISOCHRONOUS | 0x300 : 0;
    if (alternate) {
        arm(&sound_in, PACKET);
    }
}

static endpoint_t *endpoint_at(uint16_t address) {
    return address == 0x01 ? &echo_out : address == 0x81 ? &echo_in : address == 0x82 ? &stream_in : NULL;
}

static void halt(endpoint_t *ep) {
    take_back(ep);
    ep->halted = true;
    *ep->buffer_control = USB_BUF_CTRL_STALL;
}

// CLEAR_FEATURE(ENDPOINT_HALT) may come at any time, also to an endpoint that is not halted.
static void clear_halt(endpoint_t *ep) {
    bool was_busy = ep->busy;
    if (mistake('e')) {  // the transfer that was under way is forgotten, but not by the driver
        *ep->buffer_control = 0;
        ep->pid = 0;
        ep->halted = false;
        return;
    }
    take_back(ep);
    *ep->buffer_control = 0;
    ep->pid = 0;
    ep->halted = false;
    if (was_busy || ep->waiting || ep == &echo_out) {
        ep->waiting = false;
        arm(ep, ep->length ? ep->length : PACKET);
    }
}

// The packet that says how it went, behind a halt: it has to wait for the end of the halt, not to be lost.
static void send_behind_halt(endpoint_t *ep) {
    memset(ep->data, 'S', 13);
    ep->length = 13;
    if (!ep->halted) {
        arm(ep, 13);
    } else if (!mistake('i')) {
        ep->waiting = true;
    }
}

static bool vendor_out(void) {
    switch (setup.request) {
    case 1:  // keep the data, which has come
    case 3:  // nothing at all
        return true;
    case 4:
        halt(&echo_in);
        send_behind_halt(&echo_in);
        return true;
    case 5:
        streaming = true;
        return true;
    case 6:
        memset(double_in.data, 'D', 8);
        arm(&double_in, 8);
        return true;
    default:
        return false;
    }
}

static bool standard_out(void) {
    switch (setup.request) {
    case 5:  // SET_ADDRESS
        new_address = setup.value & 0x7F;
        if (mistake('l')) {  // before the status stage, which the host asks of the old address
            usb_hw->dev_addr_ctrl = new_address;
            new_address = 0;
        }
        return true;
    case 9:  // SET_CONFIGURATION
        configure();
        return true;
    case 11:  // SET_INTERFACE
        if (setup.index != 1) {
            return false;
        }
        set_interface(setup.value);
        return true;
    case 1: case 3: {  // CLEAR_FEATURE, SET_FEATURE
        endpoint_t *ep = endpoint_at(setup.index);
        if ((setup.type & 0x1F) == 0) {
            return setup.value == 1;  // remote wake-up
        }
        if (ep == NULL || setup.value != 0) {
            return false;
        }
        if (setup.request == 1) {
            clear_halt(ep);
        } else {
            halt(ep);
        }
        return true;
    }
    default:
        return false;
    }
}

static void end_of_data_out(void) {
    if (vendor_out()) {
        status_in();
    } else {
        refuse();
    }
}

static void serve_setup(void) {
    static const uint8_t zero[2];
    uint8_t descriptor = setup.value >> 8;
    if (setup.type & 0x80) {
        if (setup.request == 6 && descriptor == 1) {
            reply(device_descriptor, sizeof device_descriptor);
        } else if (setup.request == 6 && descriptor == 2) {
            reply(configuration, sizeof configuration);
        } else if (setup.request == 0) {
            reply(zero, 2);
        } else if (setup.type == 0xC0 && setup.request == 2) {
            reply(stored, sizeof stored);
        } else {
            refuse();
        }
    } else if (setup.length) {
        stored_at = 0;
        if (!ep0_out.busy) {
            ep0_out.pid = 1;
            arm(&ep0_out, PACKET);
        }
    } else if (setup.type == 0x40 ? vendor_out() : standard_out()) {
        if (mistake('h') && setup.type == 0x40) {  // only the requests that the driver knows get a status stage
            return;
        }
        status_in();
    } else {
        refuse();
    }
}

// -- What the interrupt is about --

static void ep0_in_done(void) {
    if (in_data_stage && answer_left) {
        answer_more();
    } else if (in_data_stage) {
        in_data_stage = false;
        if (!ep0_out.busy) {
            ep0_out.pid = 1;
            arm(&ep0_out, PACKET);
        }
    } else if (new_address) {
        usb_hw->dev_addr_ctrl = new_address;
        new_address = 0;
    }
}

static void ep0_out_done(void) {
    uint16_t length = *ep0_out.buffer_control & USB_BUF_CTRL_LEN_MASK;
    if (setup_waits || (setup.type & 0x80) || setup.length == 0 || stored_at >= setup.length) {
        return;  // the status stage of a read; or something that nobody has asked for
    }
    for (uint16_t n = 0; n < length && stored_at < sizeof stored; n++) {
        stored[stored_at++] = ep0_out.data[n];
    }
    bool over = stored_at >= setup.length || length < PACKET;
    if (!over || mistake('c')) {  // and is left armed behind the last packet, so that the next request's data is taken too early
        if (mistake('g')) {  // always DATA1, though packets of a stage alternate
            ep0_out.pid = 1;
        }
        if (over) {
            ep0_out.pid = 1;
        }
        arm(&ep0_out, PACKET);
    }
    if (over) {
        end_of_data_out();
    }
}

static void echo_out_done(void) {
    uint16_t length = *echo_out.buffer_control & USB_BUF_CTRL_LEN_MASK;
    send(&echo_in, echo_out.data, length);
}

static void buffer_done(endpoint_t *ep) {
    ep->busy = false;
    if (ep == &ep0_in) {
        ep0_in_done();
    } else if (ep == &ep0_out) {
        ep0_out_done();
    } else if (ep == &echo_out) {
        echo_out_done();
    } else if (ep == &echo_in) {
        arm(&echo_out, PACKET);
    } else if (ep == &sound_in) {
        arm(&sound_in, PACKET);
    } else if (ep == &stream_in) {
        stream();
        busy_wait_us_32(100);  // what an application does with each packet
    }
}

static void buffers_done(void) {
    endpoint_t *all[] = {&ep0_in, &ep0_out, &echo_in, &echo_out, &stream_in, &double_in, &sound_in};
    uint32_t status = usb_hw->buf_status;
    for (unsigned n = 0; n < 7; n++) {
        uint32_t bit = bit_of(all[n]);
        if (!(status & bit)) {
            continue;
        }
        if (!mistake('b') && !mistake('m')) {
            usb_hw->buf_status = bit;
        }
        buffer_done(all[n]);
        if (mistake('b')) {  // what has been handed over meanwhile may be done already
            usb_hw->buf_status = bit;
        }
    }
    if (mistake('m')) {  // all of them, also those that were not there before
        usb_hw->buf_status = 0xFFFFFFFF;
    }
}

static void setup_received(void) {
    const uint32_t *packet = (const uint32_t *)usb_dpram->setup_packet;
    uint32_t words[2] = {packet[0], packet[1]};
    memcpy(&setup, words, sizeof setup);
    if (!mistake('d')) {  // a SETUP ends what endpoint 0 was doing, and the controller keeps the buffers as they were
        take_back(&ep0_in);
        if (!mistake('c')) {
            take_back(&ep0_out);
        }
    }
    if (letter == 'd') {
        serve_setup();  // at once, so that the buffer is found as the SETUP has left it
    } else {
        setup_waits = true;
    }
    hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_SETUP_REC_BITS);
}

static void frame_begins(void) {
    (void)usb_hw->sof_rd;
    frame_begin_us = time_us_32();
    if (suspended && letter == 'j' && !with_mistake) {  // the host has taken over the wake-up: no interrupt tells, but there are frames
        suspended = false;
    }
    if (deferred) {
        deferred = false;
        stream();
    }
}

static void on_usb(void) {
    uint32_t status = usb_hw->ints;
    if (status & USB_INTS_DEV_SOF_BITS) {
        frame_begins();
    }
    if (status & USB_INTS_BUFF_STATUS_BITS) {
        buffers_done();
    }
    if (status & USB_INTS_SETUP_REQ_BITS) {
        setup_received();
    }
    if (status & USB_INTS_BUS_RESET_BITS) {
        if (!mistake('k')) {  // the controller keeps its address
            usb_hw->dev_addr_ctrl = 0;
        }
        new_address = 0;
        streaming = false;
        suspended = false;
        hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_BUS_RESET_BITS);
        if (!mistake('r')) {  // RP2040-E5: does nothing on a B2
            rp2040_usb_device_enumeration_fix();
        }
    }
    if (status & USB_INTS_DEV_SUSPEND_BITS) {
        suspended = suspended || (usb_hw->sie_status & USB_SIE_STATUS_SUSPENDED_BITS);
        hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_SUSPENDED_BITS);
    }
    if (status & USB_INTS_DEV_RESUME_FROM_HOST_BITS) {
        suspended = false;
        hw_clear_bits(&usb_hw->sie_status, USB_SIE_STATUS_RESUME_BITS);
    }
}

// -- RP2040-E1: the watchdog counts twice in each tick --

static void watchdog_for_20_ms(void) {
    watchdog_start_tick(12);
    psm_hw->wdsel = PSM_WDSEL_BITS & ~(PSM_WDSEL_ROSC_BITS | PSM_WDSEL_XOSC_BITS);
    watchdog_hw->load = with_mistake ? 20000 : 2 * 20000;
    hw_set_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_ENABLE_BITS);
    for (int n = 0; n < 3; n++) {
        busy_wait_us_32(15000);
        watchdog_hw->load = with_mistake ? 20000 : 2 * 20000;
    }
    hw_clear_bits(&watchdog_hw->ctrl, WATCHDOG_CTRL_ENABLE_BITS);
    printf("done\n");
}

static void start_usb(void) {
    reset_block(RESETS_RESET_USBCTRL_BITS);
    unreset_block_wait(RESETS_RESET_USBCTRL_BITS);
    for (unsigned n = 0; n < 64; n++) {
        ((io_rw_32 *)usb_dpram)[n] = 0;
    }
    usb_hw->muxing = USB_USB_MUXING_TO_PHY_BITS | USB_USB_MUXING_SOFTCON_BITS;
    usb_hw->pwr = USB_USB_PWR_VBUS_DETECT_BITS | USB_USB_PWR_VBUS_DETECT_OVERRIDE_EN_BITS;
    usb_hw->main_ctrl = USB_MAIN_CTRL_CONTROLLER_EN_BITS;
    usb_hw->inte = USB_INTS_BUFF_STATUS_BITS | USB_INTS_SETUP_REQ_BITS | USB_INTS_BUS_RESET_BITS | USB_INTS_DEV_SUSPEND_BITS
                 | USB_INTS_DEV_RESUME_FROM_HOST_BITS | USB_INTS_DEV_SOF_BITS;
    irq_set_exclusive_handler(USBCTRL_IRQ, on_usb);
    irq_set_enabled(USBCTRL_IRQ, true);
    usb_hw->sie_ctrl = USB_SIE_CTRL_EP0_INT_1BUF_BITS | USB_SIE_CTRL_PULLUP_EN_BITS;
}

int main(void) {
    stdio_init_all();
    printf("museum\n");
    while (!uart_is_readable(uart_default)) {
        sleep_us(100);  // costs less to emulate than to ask all the time
    }
    letter = (char)getchar();
    with_mistake = getchar() == '-';
    printf("open\n");
    if (letter == 'w') {
        watchdog_for_20_ms();
    } else {
        start_usb();
    }
    for (;;) {
        if (setup_waits) {
            busy_wait_us_32(letter == 'c' ? 100 : 10);  // a work queue
            uint32_t state = save_and_disable_interrupts();
            setup_waits = false;
            serve_setup();
            restore_interrupts(state);
        }
        uint32_t state = save_and_disable_interrupts();
        stream();
        restore_interrupts(state);
        if (letter == 'j' && suspended) {
            sleep_ms(5);
            hw_set_bits(&usb_hw->sie_ctrl, USB_SIE_CTRL_RESUME_BITS);
            sleep_ms(40);
        }
        if (!setup_waits) {
            __wfe();
        }
    }
}

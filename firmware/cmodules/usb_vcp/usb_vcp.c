// _usb_vcp: what pyb.USB_VCP cannot do in Python (RP2040 and RP2350).
//
//   Pump(port, ep_out, ep_in, rx, tx, rx_size)   moves bytes between two endpoints and two micropython.RingIO
//   Dispatcher(pumps)                   USBDevice.config(xfer_cb=...): passes completed transfers to the pumps
//   Guard(function)                     USBDevice's other callbacks: a KeyboardInterrupt stays outside of them
//   task()                              runs the USB stack although the scheduler is locked
//   ready()                             configured and not suspended
//
// Packets are looked at in the USB interrupt, through TinyUSB's event hook: there the interrupt character and a hard
// handler take effect, whatever the running program does. Nothing here outlives a soft reset: the interrupt finds the
// pumps through the USBDevice object, which MicroPython drops then.

#include <string.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/objtuple.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/tinyusb/mp_usbd.h"

#if MICROPY_HW_ENABLE_USBDEV && MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE

#ifndef NO_QSTR
#include "device/usbd_pvt.h"
#include "hardware/structs/usb.h"
#include "hardware/structs/usb_dpram.h"
#endif

#define PACKET_SIZE (64) // wMaxPacketSize of a full-speed bulk endpoint
#define CHUNK_SIZE (512) // most bytes of one IN transfer

typedef struct _pump_obj_t {
    mp_obj_base_t base;
    mp_obj_t port; // what a handler is called with
    mp_obj_t rx; // RingIO: host to program
    mp_obj_t tx; // RingIO: program to host
    mp_obj_t handler; // called when data has arrived, or None
    uint8_t ep_out;
    uint8_t ep_in;
    uint16_t rx_size; // what the rx ring holds
    int16_t interrupt; // character that raises KeyboardInterrupt, or -1
    bool connected; // the host takes data: DTR is set
    bool hold; // take no packet that the rx ring has no room for
    bool hard; // call the handler from the interrupt
    volatile bool out_busy; // an OUT transfer was submitted and the USB task has not seen its end
    volatile bool out_taken; // its data has gone into the rx ring
    volatile bool scheduled; // a call of the handler is on its way
    bool in_busy; // an IN transfer was submitted
    bool in_whole; // it ends with a full packet: a zero-length packet is due if nothing follows
    bool out_halted; // the host has set the endpoint's halt feature
    bool in_halted;
    uint8_t out_buf[PACKET_SIZE];
    uint8_t in_buf[CHUNK_SIZE];
} pump_obj_t;

static const mp_obj_type_t pump_type;
static const mp_obj_type_t dispatcher_type;

// Python callbacks of the USB stack that are running, and whether Ctrl-C arrived meanwhile.
static volatile uint8_t guarded;
static volatile bool interrupt_deferred;

static void keyboard_interrupt(void) {
    if (guarded) {
        interrupt_deferred = true;
    } else {
        mp_sched_keyboard_interrupt();
    }
}

// The host has configured the device, as far as the USB task knows.
static bool usb_usable(void) {
    if (MP_STATE_VM(usbd) == MP_OBJ_NULL) {
        return false;
    }
    mp_obj_usb_device_t *usbd = MP_OBJ_TO_PTR(MP_STATE_VM(usbd));
    return usbd->active && !usbd->trigger && tud_mounted();
}

// The endpoint is configured. The interrupt handler ends that on a bus reset, before the USB task gets to know it, and
// a transfer would crash then.
static bool endpoint_enabled(uint8_t ep) {
    size_t i = tu_edpt_number(ep) - 1;
    uint32_t control = tu_edpt_dir(ep) ? usb_dpram->ep_ctrl[i].in : usb_dpram->ep_ctrl[i].out;
    return control & EP_CTRL_ENABLE_BITS;
}

// Start a transfer on an endpoint that has been claimed.
static bool submit(uint8_t ep, uint8_t *data, size_t len) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    bool submitted = endpoint_enabled(ep) && usbd_edpt_xfer(USBD_RHPORT, ep, data, len);
    MICROPY_END_ATOMIC_SECTION(state);
    if (!submitted) {
        usbd_edpt_release(USBD_RHPORT, ep);
    }
    return submitted;
}

// Rings

static size_t ring_write(mp_obj_t ring, const uint8_t *data, size_t len) {
    int errcode;
    return len ? mp_get_stream(ring)->write(ring, data, len, &errcode) : 0;
}

static size_t ring_read(mp_obj_t ring, uint8_t *data, size_t len) {
    int errcode;
    return mp_get_stream(ring)->read(ring, data, len, &errcode);
}

static bool ring_polls(mp_obj_t ring, uintptr_t flag) {
    int errcode;
    return mp_get_stream(ring)->ioctl(ring, MP_STREAM_POLL, flag, &errcode) != 0;
}

static mp_int_t ring_any(mp_obj_t ring) {
    mp_obj_t method[2];
    mp_load_method(ring, MP_QSTR_any, method);
    return mp_obj_get_int(mp_call_method_n_kw(0, 0, method));
}

// Handlers

static mp_obj_t pump_run_handler(mp_obj_t self_in) {
    pump_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->scheduled = false;
    if (self->handler != mp_const_none && ring_polls(self->rx, MP_STREAM_POLL_RD)) {
        mp_call_function_1(self->handler, self->port);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pump_run_handler_obj, pump_run_handler);

static void pump_call_hard_handler(pump_obj_t *self) {
    mp_sched_lock();
    gc_lock();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(self->handler, self->port);
        nlr_pop();
    } else {
        // As for any hard interrupt handler: one that fails is not called again.
        self->handler = mp_const_none;
        mp_printf(MICROPY_ERROR_PRINTER, "Uncaught exception in USB_VCP IRQ handler\n");
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    gc_unlock();
    mp_sched_unlock();
}

static void pump_notify(pump_obj_t *self) {
    if (self->handler == mp_const_none) {
        return;
    }
    if (self->hard) {
        pump_call_hard_handler(self);
    } else if (!self->scheduled) {
        self->scheduled = mp_sched_schedule(MP_OBJ_FROM_PTR(&pump_run_handler_obj), MP_OBJ_FROM_PTR(self));
    }
}

// Host to program

// Put a received packet into the rx ring; what does not fit is lost, which only happens without `hold`.
static void pump_take(pump_obj_t *self, size_t len) {
    const uint8_t *data = self->out_buf;
    size_t put = 0;
    // mp_interrupt_char is -1 while no program runs: then the character is data, as on the built-in port.
    if (self->interrupt >= 0 && mp_interrupt_char >= 0) {
        const uint8_t *hit;
        while ((hit = memchr(data, self->interrupt, len)) != NULL) {
            put += ring_write(self->rx, data, hit - data);
            len -= hit + 1 - data;
            data = hit + 1;
            keyboard_interrupt();
        }
    }
    put += ring_write(self->rx, data, len);
    if (put) {
        pump_notify(self);
    }
}

// A packet has arrived and the controller's interrupt handler has copied it to out_buf: the buffer is full and the
// processor's, and its bit in BUFF_STATUS has been dealt with (bit 2n+1 is endpoint n OUT).
static bool out_complete(uint8_t ep) {
    uint32_t control = usb_dpram->ep_buf_ctrl[ep].out;
    return (control & (USB_BUF_CTRL_FULL | USB_BUF_CTRL_AVAIL)) == USB_BUF_CTRL_FULL
           && !(usb_hw->buf_status & (1u << (2 * ep + 1)));
}

static void pump_resume(pump_obj_t *self) {
    if (self->out_busy || self->out_halted || !usb_usable()) {
        return;
    }
    if (self->hold && self->rx_size - ring_any(self->rx) < PACKET_SIZE) {
        return;
    }
    if (!usbd_edpt_claim(USBD_RHPORT, self->ep_out)) {
        return;
    }
    // The buffer control register still tells of the last packet until the transfer is set up.
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    self->out_taken = false;
    self->out_busy = submit(self->ep_out, self->out_buf, PACKET_SIZE);
    MICROPY_END_ATOMIC_SECTION(state);
}

// Program to host

static void pump_flush(pump_obj_t *self) {
    if (self->in_busy || self->in_halted || !self->connected || __get_current_exception() || !usb_usable()) {
        return; // in an interrupt handler: the USB task follows, and calls this again
    }
    if (!self->in_whole && !ring_polls(self->tx, MP_STREAM_POLL_RD)) {
        return;
    }
    if (!usbd_edpt_claim(USBD_RHPORT, self->ep_in)) {
        return;
    }
    size_t len = ring_read(self->tx, self->in_buf, CHUNK_SIZE);
    self->in_whole = len && len % PACKET_SIZE == 0;
    self->in_busy = submit(self->ep_in, self->in_buf, len);
}

static void pump_done(pump_obj_t *self, uint8_t ep, size_t len) {
    if (ep == self->ep_in) {
        self->in_busy = false;
    } else if (self->out_busy) {
        mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
        bool taken = self->out_taken;
        self->out_taken = true;
        MICROPY_END_ATOMIC_SECTION(state);
        if (!taken) {
            pump_take(self, len);
        }
        self->out_busy = false;
        pump_resume(self);
    }
    pump_flush(self);
}

// A transfer has ended: in the interrupt, after TinyUSB has queued the event.
static void pumps_event(uint32_t eventid, bool in_isr) {
    if (!in_isr || eventid != DCD_EVENT_XFER_COMPLETE || MP_STATE_VM(usbd) == MP_OBJ_NULL) {
        return;
    }
    mp_obj_t dispatcher = ((mp_obj_usb_device_t *)MP_OBJ_TO_PTR(MP_STATE_VM(usbd)))->xfer_cb;
    if (!mp_obj_is_type(dispatcher, &dispatcher_type)) {
        return;
    }
    mp_obj_tuple_t *pumps = MP_OBJ_TO_PTR(dispatcher);
    for (size_t i = 0; i < pumps->len; ++i) {
        pump_obj_t *self = MP_OBJ_TO_PTR(pumps->items[i]);
        if (self->out_busy && !self->out_taken && out_complete(self->ep_out)) {
            self->out_taken = true;
            pump_take(self, usb_dpram->ep_buf_ctrl[self->ep_out].out & USB_BUF_CTRL_LEN_MASK);
        }
    }
}

#ifdef USB_VCP_WRAPS_EVENTS
// MicroPython from 1.26 on keeps TinyUSB's event hook for itself: the linker hands us the call that leads to it.
void __real_dcd_event_handler(dcd_event_t const *event, bool in_isr);
void __wrap_dcd_event_handler(dcd_event_t const *event, bool in_isr) {
    __real_dcd_event_handler(event, in_isr);
    pumps_event(event->event_id, in_isr);
}
#else
// TinyUSB calls this from its interrupt handler for each event it queues.
void tud_event_hook_cb(uint8_t rhport, uint32_t eventid, bool in_isr) {
    (void)rhport;
    pumps_event(eventid, in_isr);
}
#endif

// class Pump

static mp_obj_t pump_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 6, 6, false);
    pump_obj_t *self = mp_obj_malloc(pump_obj_t, type);
    memset((uint8_t *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
    self->port = args[0];
    self->ep_out = mp_obj_get_int(args[1]) & 0xf;
    self->ep_in = mp_obj_get_int(args[2]);
    self->rx = args[3];
    self->tx = args[4];
    self->rx_size = mp_obj_get_int(args[5]);
    self->handler = mp_const_none;
    self->interrupt = 3;
    return MP_OBJ_FROM_PTR(self);
}

// start(): the host has configured the device. What it sent to the last configuration is gone.
static mp_obj_t pump_start(mp_obj_t self_in) {
    pump_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->out_busy = self->in_busy = self->in_whole = self->out_halted = self->in_halted = false;
    while (ring_read(self->rx, self->out_buf, PACKET_SIZE)) {
    }
    pump_resume(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pump_start_obj, pump_start);

// stop(): transfers in flight will never complete.
static mp_obj_t pump_stop(mp_obj_t self_in) {
    pump_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->out_busy = self->in_busy = self->in_whole = self->connected = false;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pump_stop_obj, pump_stop);

static mp_obj_t pump_resume_method(mp_obj_t self_in) {
    pump_resume(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pump_resume_obj, pump_resume_method);

static mp_obj_t pump_flush_method(mp_obj_t self_in) {
    pump_flush(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pump_flush_obj, pump_flush_method);

// halt(ep, halted): the host has set or cleared the endpoint's halt feature. Setting it ends the transfer in flight,
// and TinyUSB keeps the endpoint claimed.
static mp_obj_t pump_halt(mp_obj_t self_in, mp_obj_t ep_in, mp_obj_t halted_in) {
    pump_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t ep = mp_obj_get_int(ep_in);
    bool halted = mp_obj_is_true(halted_in);
    bool is_in = ep == self->ep_in;
    bool was_halted = is_in ? self->in_halted : self->out_halted;
    if (is_in) {
        self->in_halted = halted;
    } else {
        self->out_halted = halted;
    }
    if (was_halted && !halted) {
        usbd_edpt_release(USBD_RHPORT, ep);
        if (is_in) {
            self->in_busy = false;
            pump_flush(self);
        } else {
            self->out_busy = false;
            pump_resume(self);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(pump_halt_obj, pump_halt);

static const mp_rom_map_elem_t pump_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&pump_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&pump_stop_obj) },
    { MP_ROM_QSTR(MP_QSTR_resume), MP_ROM_PTR(&pump_resume_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&pump_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_halt), MP_ROM_PTR(&pump_halt_obj) },
};
static MP_DEFINE_CONST_DICT(pump_locals_dict, pump_locals_dict_table);

static mp_obj_t pump_load(pump_obj_t *self, qstr attr) {
    switch (attr) {
        case MP_QSTR_connected:
            return mp_obj_new_bool(self->connected);
        case MP_QSTR_hold:
            return mp_obj_new_bool(self->hold);
        case MP_QSTR_interrupt:
            return MP_OBJ_NEW_SMALL_INT(self->interrupt);
        default:
            return MP_OBJ_NULL;
    }
}

static bool pump_store(pump_obj_t *self, qstr attr, mp_obj_t value) {
    switch (attr) {
        case MP_QSTR_connected:
            self->connected = mp_obj_is_true(value);
            return true;
        case MP_QSTR_hold:
            self->hold = mp_obj_is_true(value);
            return true;
        case MP_QSTR_interrupt:
            self->interrupt = mp_obj_get_int(value);
            return true;
        case MP_QSTR_hard:
            self->hard = mp_obj_is_true(value);
            return true;
        case MP_QSTR_handler:
            self->handler = value;
            return true;
        default:
            return false;
    }
}

static void pump_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    pump_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] == MP_OBJ_NULL) {
        mp_obj_t value = pump_load(self, attr);
        if (value != MP_OBJ_NULL) {
            dest[0] = value;
        } else {
            dest[1] = MP_OBJ_SENTINEL; // look among the methods
        }
    } else if (dest[1] != MP_OBJ_NULL && pump_store(self, attr, dest[1])) {
        dest[0] = MP_OBJ_NULL; // stored
    }
}

static MP_DEFINE_CONST_OBJ_TYPE(
    pump_type,
    MP_QSTR_Pump,
    MP_TYPE_FLAG_NONE,
    make_new, pump_make_new,
    attr, pump_attr,
    locals_dict, &pump_locals_dict
    );

// class Dispatcher: a tuple of pumps that can be called

static mp_obj_t dispatcher_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    size_t len;
    mp_obj_t *pumps;
    mp_obj_get_array(args[0], &len, &pumps);
    mp_obj_tuple_t *self = mp_obj_malloc_var(mp_obj_tuple_t, items, mp_obj_t, len, type);
    self->len = len;
    for (size_t i = 0; i < len; ++i) {
        if (!mp_obj_is_type(pumps[i], &pump_type)) {
            mp_raise_TypeError(MP_ERROR_TEXT("Pump required"));
        }
        self->items[i] = pumps[i];
    }
    return MP_OBJ_FROM_PTR(self);
}

// xfer_cb(ep, result, n)
static mp_obj_t dispatcher_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 3, 3, false);
    mp_obj_tuple_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t ep = mp_obj_get_int(args[0]);
    for (size_t i = 0; i < self->len; ++i) {
        pump_obj_t *pump = MP_OBJ_TO_PTR(self->items[i]);
        if (ep == pump->ep_out || ep == pump->ep_in) {
            pump_done(pump, ep, mp_obj_get_int(args[2]));
            return mp_const_true;
        }
    }
    return mp_const_false;
}

static MP_DEFINE_CONST_OBJ_TYPE(
    dispatcher_type,
    MP_QSTR_Dispatcher,
    MP_TYPE_FLAG_NONE,
    make_new, dispatcher_make_new,
    call, dispatcher_call
    );

// class Guard: a function called by the USB stack, which prints an exception of its callbacks and goes on. A
// KeyboardInterrupt is the running program's; one that comes in the middle is kept for it, and the function, which must
// not mind, is called again.

typedef struct _guard_obj_t {
    mp_obj_base_t base;
    mp_obj_t function;
} guard_obj_t;

static mp_obj_t guard_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    guard_obj_t *self = mp_obj_malloc(guard_obj_t, type);
    self->function = args[0];
    return MP_OBJ_FROM_PTR(self);
}

static bool take_pending_interrupt(void) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    bool pending = MP_STATE_MAIN_THREAD(mp_pending_exception) == MP_OBJ_FROM_PTR(&MP_STATE_VM(mp_kbd_exception));
    if (pending) {
        MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
    }
    MICROPY_END_ATOMIC_SECTION(state);
    return pending;
}

static void guard_leave(bool interrupted) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    guarded -= 1;
    if (!guarded) {
        interrupted |= interrupt_deferred;
        interrupt_deferred = false;
    }
    MICROPY_END_ATOMIC_SECTION(state);
    if (interrupted) {
        keyboard_interrupt();
    }
}

static mp_obj_t guard_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    guard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    volatile bool interrupted = false;
    guarded += 1;
    for (;;) {
        interrupted = take_pending_interrupt() || interrupted;
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_obj_t result = mp_call_function_n_kw(self->function, n_args, n_kw, args);
            nlr_pop();
            guard_leave(interrupted);
            return result;
        }
        if (nlr.ret_val != &MP_STATE_VM(mp_kbd_exception)) {
            guard_leave(interrupted);
            nlr_jump(nlr.ret_val);
        }
        interrupted = true;
    }
}

static MP_DEFINE_CONST_OBJ_TYPE(
    guard_type,
    MP_QSTR_Guard,
    MP_TYPE_FLAG_NONE,
    make_new, guard_make_new,
    call, guard_call
    );

// Functions

// task(): False where it cannot be run: in a callback of the USB stack or in an interrupt handler.
static mp_obj_t usb_vcp_task(void) {
    if (guarded || __get_current_exception()) {
        return mp_const_false;
    }
    mp_usbd_task();
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_0(usb_vcp_task_obj, usb_vcp_task);

static mp_obj_t usb_vcp_ready(void) {
    return mp_obj_new_bool(usb_usable() && !tud_suspended());
}
static MP_DEFINE_CONST_FUN_OBJ_0(usb_vcp_ready_obj, usb_vcp_ready);

static const mp_rom_map_elem_t usb_vcp_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__usb_vcp) },
    { MP_ROM_QSTR(MP_QSTR_Pump), MP_ROM_PTR(&pump_type) },
    { MP_ROM_QSTR(MP_QSTR_Dispatcher), MP_ROM_PTR(&dispatcher_type) },
    { MP_ROM_QSTR(MP_QSTR_Guard), MP_ROM_PTR(&guard_type) },
    { MP_ROM_QSTR(MP_QSTR_task), MP_ROM_PTR(&usb_vcp_task_obj) },
    { MP_ROM_QSTR(MP_QSTR_ready), MP_ROM_PTR(&usb_vcp_ready_obj) },
};
static MP_DEFINE_CONST_DICT(usb_vcp_globals, usb_vcp_globals_table);

const mp_obj_module_t usb_vcp_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&usb_vcp_globals,
};

MP_REGISTER_MODULE(MP_QSTR__usb_vcp, usb_vcp_module);

#endif // MICROPY_HW_ENABLE_USBDEV && MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE

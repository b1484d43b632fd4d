"""The RP2040's USB controller in device mode (RP2040 datasheet, 4.1): the device's end of the wire.

It knows registers, buffers and packets; what a request means is the firmware's business. The answer to a token is
fixed when the token comes; what reports the transaction to the firmware happens at its end (docs/bus-timing.md).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from renode_pico.clock import Clock
from renode_pico.rp2040 import dpsram
from renode_pico.rp2040.dpsram import BufCtrl, Dpsram, EpCtrl
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_bus import Bus
from renode_pico.rp2040.usb_endpoint import NON_ISOCHRONOUS_BUFFER, Endpoint
from renode_pico.rp2040.usb_registers import UsbRegisters
from renode_pico.rp2040.usb_regs import (
    SIE_STATUS_INTERRUPTS,
    Int,
    MainCtrl,
    Muxing,
    PhyDirect,
    PhyDirectOverride,
    SieCtrl,
    SieStatus,
)
from renode_pico.usb.timing import BYTE_TIMES_NS, HANDSHAKED_OVERHEAD, ISOCHRONOUS_OVERHEAD, REFUSED_IN
from renode_pico.usb.wire import ACK, NAK, STALL, Fault, Packet, Pid, WireListener

ISOCHRONOUS_MAX_PACKET = 1023
"""USB 2.0, 5.6.3."""

_RECEIVE_ERRORS = {
    Fault.CRC: SieStatus.CRC_ERROR,
    Fault.BIT_STUFF: SieStatus.BIT_STUFF_ERROR,
    Fault.LOST_DATA: SieStatus.RX_TIMEOUT,
}
_SPOILED = frozenset(_RECEIVE_ERRORS)
_REFUSED_IN_NS = BYTE_TIMES_NS[REFUSED_IN]
_MAX_BYTES = len(BYTE_TIMES_NS) - 1 - HANDSHAKED_OVERHEAD


def _duration_ns(length: int, overhead: int = HANDSHAKED_OVERHEAD) -> int:
    """How long a transaction with `length` data bytes lasts, emulated nanoseconds."""
    return BYTE_TIMES_NS[min(length, _MAX_BYTES) + overhead]


class UsbController(UsbRegisters):
    """Implements `Wire` towards the host and the register file towards the firmware.

    `interrupt` is called with the level of USBCTRL_IRQ when it changes. Unless USB_PWR overrides it, VBUS_DETECTED is
    the cable's 5 V: the model of a board that has them wired to the controller's VBUS DETECT pin.
    """

    def __init__(
        self,
        memory: Dpsram,
        clock: Clock,
        interrupt: Callable[[bool], None],
        unmodelled: Unmodelled,
    ) -> None:
        super().__init__(unmodelled)
        self.listener: WireListener | None = None
        self._memory = memory
        self._clock = clock
        self._interrupt = interrupt
        self._interrupt_level = False
        self._bus = Bus(
            clock,
            on_reset=self._bus_reset,
            on_resume=lambda: self._report(SieStatus.RESUME),
            on_connected=lambda: self._latch(Int.DEV_CONN_DIS),
            on_suspended=lambda: self._latch(Int.DEV_SUSPEND),
        )
        self._in = [Endpoint(memory, number, True) for number in range(16)]
        self._out = [Endpoint(memory, number, False) for number in range(16)]
        self._endpoints = tuple(chain.from_iterable(zip(self._in, self._out, strict=True)))
        """By bit number in BUFF_STATUS and its kin."""
        self._ep0 = self._endpoints[:2]
        self._nak_polled: set[Endpoint] = set()
        """Answered NAK with an interrupt on NAK: the host is to try again in the next frame."""
        self._end_alarm = clock.alarm(self._end_of_transaction)
        self._at_end: Callable[[], None] | None = None
        self._busy: Endpoint | None = None
        self._sent: tuple[Endpoint, int, int] | None = None
        """An IN packet that waits for its handshake: endpoint, buffer, end of the transaction."""

        self._sie_ctrl_changed(0)

    # Reset of the block

    def reset(self) -> None:
        """RESETS.RESET bit 24: all registers, not DPSRAM."""
        attached = self.pulled_up
        self._drop_transaction()
        self._nak_polled.clear()
        for endpoint in self._endpoints:
            endpoint.reset()
        self.clear_registers()
        self._bus.block_reset()
        self._bus.set_powered(self._vbus_detected)
        self._latched = 0
        self._sie_ctrl_changed(0)
        self._update_interrupt()
        if attached and self.listener is not None:
            self.listener.pull_up_changed(False)

    # Wire: power, reset, suspend

    @property
    def pulled_up(self) -> bool:
        """The D+ pull-up is on."""
        return self._bus.pull_up

    def vbus(self, present: bool) -> None:
        """The host switches the cable's 5 V."""
        if present == self._bus.vbus:
            return
        self._drop_transaction()
        self._bus.set_vbus(present)
        self._power_changed()

    def reset_begin(self) -> None:
        """The host drives SE0; BUS_RESET follows 2.5 µs later."""
        self._drop_transaction()
        self._bus.reset_begin()

    def reset_end(self) -> None:
        """The host releases SE0."""
        self._bus.reset_end()

    def idle(self) -> None:
        """No traffic from now on: SUSPENDED follows after 3 ms."""
        self._bus.idle()

    def resume_begin(self) -> None:
        """The host drives K."""
        self._bus.resume_begin()

    def resume_end(self) -> None:
        """The host ends K."""
        self._bus.resume_end()

    def sof(self, frame: int) -> None:
        """Start of frame: SOF_RD and DEV_SOF at once."""
        bus = self._bus
        if not (bus.listening and self.main_ctrl & MainCtrl.CONTROLLER_EN):
            return
        bus.traffic()
        self.sof_rd = frame
        self._latch(Int.DEV_SOF)
        if self._nak_polled:
            polled = sorted(self._nak_polled, key=lambda endpoint: endpoint.bit)
            self._nak_polled.clear()
            for endpoint in polled:
                self._tell_ready(endpoint)

    # Wire: transactions

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """Always accepted by endpoint 0, whatever its buffers are (USB 2.0, 8.5.3); no other endpoint is CONTROL."""
        self._begin()
        if endpoint or not self._addressed(address):
            return None
        duration = _duration_ns(len(data))
        if fault in _SPOILED:
            self._spoiled(fault, duration)
            return None
        if fault is Fault.WRONG_TOGGLE:
            self._end_in(duration, lambda: self._report(SieStatus.DATA_SEQ_ERROR))
            return None
        self._end_in(duration, lambda: self._setup_received(data))
        return None if fault is Fault.LOST_HANDSHAKE else ACK

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        """`pid` is what the packet carries, wrong toggle included."""
        self._begin()
        target = self._out[endpoint]
        if not self._serves(address, target):
            return None
        duration = _duration_ns(len(data))
        if fault in _SPOILED:
            self._spoiled(fault, duration)
            return None
        if target.isochronous:
            self._isochronous_out(target, data)
            return None
        refusal = self._refusal(target, duration)
        if refusal is not None:
            return refusal
        if len(data) > NON_ISOCHRONOUS_BUFFER:
            self._end_in(duration, lambda: self._report(SieStatus.RX_OVERFLOW))
            return None
        buffer = target.current
        expected = Pid.DATA1 if target.half(buffer) & BufCtrl.PID else Pid.DATA0
        if pid is not expected:
            # The packet before, sent again: its ACK was lost. Acknowledged and thrown away (USB 2.0, 8.6.4).
            self._end_in(duration, lambda: self._report(SieStatus.DATA_SEQ_ERROR))
        else:
            self._end_in(duration, lambda: self._received(target, buffer, data), target)
        return None if fault is Fault.LOST_HANDSHAKE else ACK

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        """With WRONG_TOGGLE the packet arrives with the other PID; spoiled packets do not arrive."""
        self._begin()
        source = self._in[endpoint]
        if not self._serves(address, source):
            return None
        if source.isochronous:
            return self._isochronous_in(source)
        refusal = self._refusal(source, _REFUSED_IN_NS)
        if refusal is not None:
            return refusal
        buffer = source.current
        data = source.data(buffer)
        duration = _duration_ns(len(data))
        if fault in _SPOILED:
            self._end_in(duration, lambda: self._report(SieStatus.RX_TIMEOUT), source)
            return None
        pid = Pid.DATA1 if source.half(buffer) & BufCtrl.PID else Pid.DATA0
        self._busy = source
        self._sent = source, buffer, self._clock.now_ns + duration
        return Packet(pid.toggled if fault is Fault.WRONG_TOGGLE else pid, data)

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        """The host's ACK, or none; may be called at the token or at the end of the transaction."""
        if self._sent is None:
            return
        source, buffer, end_ns = self._sent
        self._sent = None
        if acknowledged:
            self._end_in(end_ns - self._clock.now_ns, lambda: self._acknowledged(source, buffer), source)
        else:
            self._end_in(end_ns - self._clock.now_ns, lambda: self._report(SieStatus.RX_TIMEOUT), source)

    def _isochronous_out(self, target: Endpoint, data: bytes) -> None:
        if target.ready and not self.ep_abort & target.bit and len(data) <= ISOCHRONOUS_MAX_PACKET:
            buffer = target.current
            self._end_in(
                _duration_ns(len(data), ISOCHRONOUS_OVERHEAD), lambda: self._received(target, buffer, data), target
            )

    def _isochronous_in(self, source: Endpoint) -> Packet | None:
        if not source.ready or self.ep_abort & source.bit:
            return None
        buffer = source.current
        data = source.data(buffer)
        self._end_in(_duration_ns(len(data), ISOCHRONOUS_OVERHEAD), lambda: self._buffer_sent(source, buffer), source)
        return Packet(Pid.DATA0, data)

    # Who answers, and what

    def _addressed(self, address: int) -> bool:
        return (
            self._bus.listening
            and self.main_ctrl & (MainCtrl.CONTROLLER_EN | MainCtrl.HOST_NDEVICE) == MainCtrl.CONTROLLER_EN
            and address == self.address
        )

    def _serves(self, address: int, endpoint: Endpoint) -> bool:
        return self._addressed(address) and bool(endpoint.control & EpCtrl.ENABLE)

    def _blocked(self, endpoint: Endpoint) -> Packet | None:
        """NAK, STALL or (None) data: EP_ABORT wins, a SETUP not yet seen by the firmware comes next."""
        if self.ep_abort & endpoint.bit:
            return NAK
        if not endpoint.number and self.sie_status & SieStatus.SETUP_REC:
            # The buffers still belong to the control transfer that this SETUP has ended.
            return NAK
        if endpoint.stalled and (endpoint.number or self.ep_stall_arm & endpoint.bit):
            return STALL
        return None if endpoint.ready else NAK

    def _refusal(self, endpoint: Endpoint, duration: int) -> Packet | None:
        answer = self._blocked(endpoint)
        if answer is None:
            return None
        told = EpCtrl.INTERRUPT_ON_STALL
        if answer is NAK:
            endpoint.nak_answered = True
            told = EpCtrl.INTERRUPT_ON_NAK
        if endpoint.control & told:
            if answer is NAK:
                self._nak_polled.add(endpoint)
            self._end_in(duration, lambda: self._stall_or_nak_sent(endpoint))
        return answer

    def _tell_ready(self, endpoint: Endpoint) -> None:
        endpoint.nak_answered = False
        if self.listener is not None:
            self.listener.endpoint_ready(endpoint.endpoint_address)

    def _look_again(self, endpoint: Endpoint) -> None:
        """Something that decides over this endpoint's answer, or over what it reports, has changed."""
        if not endpoint.nak_answered:
            return
        control = endpoint.control
        if not control & EpCtrl.ENABLE or self._blocked(endpoint) is not NAK:
            self._tell_ready(endpoint)
        elif control & EpCtrl.INTERRUPT_ON_NAK:
            # A host that polled would be told NAK again in this very frame; one that waits is asked to try.
            self._nak_polled.add(endpoint)

    # The course of a transaction

    def _begin(self) -> None:
        """A token: whatever was before it on the bus is over."""
        if self._at_end is not None:
            self._end_alarm.cancel()
            self._end_of_transaction()
        elif self._sent is not None:
            self._sent = None
            self._busy = None
            self._report(SieStatus.RX_TIMEOUT)
        self._bus.traffic()

    def _end_in(self, delay_ns: int, action: Callable[[], None], endpoint: Endpoint | None = None) -> None:
        self._busy = endpoint
        self._at_end = action
        if delay_ns > 0:
            self._end_alarm.schedule(delay_ns)
        else:
            self._end_of_transaction()

    def _end_of_transaction(self) -> None:
        action, self._at_end = self._at_end, None
        busy, self._busy = self._busy, None
        if action is not None:
            action()
        if busy is not None and self.ep_abort & busy.bit:
            self.ep_abort_done |= busy.bit
            self._update_interrupt()

    def _drop_transaction(self) -> None:
        self._end_alarm.cancel()
        self._at_end = self._busy = self._sent = None

    def _spoiled(self, fault: Fault | None, duration: int) -> None:
        error = _RECEIVE_ERRORS[fault] if fault is not None else 0
        self._end_in(duration, lambda: self._report(error))

    def _setup_received(self, data: bytes) -> None:
        self._memory.write(dpsram.SETUP_PACKET, data)
        self.ep_stall_arm = 0
        self._report(SieStatus.SETUP_REC)

    def _acknowledged(self, endpoint: Endpoint, buffer: int) -> None:
        self.sie_status |= SieStatus.ACK_REC
        self._buffer_sent(endpoint, buffer)

    def _buffer_sent(self, endpoint: Endpoint, buffer: int) -> None:
        self._buffer_done(endpoint, buffer, endpoint.sent(buffer))

    def _received(self, endpoint: Endpoint, buffer: int, data: bytes) -> None:
        self._buffer_done(endpoint, buffer, endpoint.received(buffer, data))

    def _buffer_done(self, endpoint: Endpoint, buffer: int, last: bool) -> None:
        if last:
            self.sie_status |= SieStatus.TRANS_COMPLETE
        if endpoint.interrupts(buffer) and buffer not in endpoint.done:
            endpoint.done.append(buffer)
            self._show_done(endpoint)
        self._update_interrupt()

    def _stall_or_nak_sent(self, endpoint: Endpoint) -> None:
        self.ep_status_stall_nak |= endpoint.bit
        self._update_interrupt()

    def _bus_reset(self) -> None:
        """BUS_RESET, address 0. The buffers stay as they are: they are the firmware's to clear."""
        self.addr_endp = 0
        self._nak_polled.clear()
        for endpoint in self._endpoints:
            endpoint.nak_answered = False
        self._report(SieStatus.BUS_RESET)

    # DPSRAM

    def dpram_updated(self, offset: int, _value: int = 0) -> None:
        """The firmware has written the word at `offset` of DPSRAM."""
        if offset >= dpsram.BUFFERS:
            return
        if offset >= dpsram.EP0_IN_BUFFER_CONTROL:
            endpoint = self._endpoints[(offset - dpsram.EP0_IN_BUFFER_CONTROL) >> 2]
            endpoint.word_written()
        elif offset >= dpsram.EP1_IN_CONTROL:
            endpoint = self._endpoints[(offset >> 2) & 0x1F]
        else:
            return
        self._look_again(endpoint)

    # What registers do beyond being stored (called by UsbRegisters)

    @property
    def _vbus_detected(self) -> bool:
        return self.vbus_override if self.vbus_override is not None else self._bus.vbus

    def _live_sie_status(self) -> int:
        bus = self._bus
        status = bus.line << SieStatus.LINE_STATE_LSB
        if bus.suspended:
            status |= SieStatus.SUSPENDED
        if bus.connected:
            status |= SieStatus.CONNECTED
        if bus.powered:
            status |= SieStatus.VBUS_DETECTED
        return status

    def _line_state(self) -> int:
        return self._bus.line

    def _sie_ctrl_changed(self, value: int) -> None:
        # EP0's bits have the positions of an endpoint control word, NAK and STALL apart.
        control = EpCtrl.ENABLE
        if value & SieCtrl.EP0_DOUBLE_BUF:
            control |= EpCtrl.DOUBLE_BUFFERED
        if value & SieCtrl.EP0_INT_1BUF:
            control |= EpCtrl.INTERRUPT_PER_BUFF
        if value & SieCtrl.EP0_INT_2BUF:
            control |= EpCtrl.INTERRUPT_PER_DOUBLE_BUFF
        if value & SieCtrl.EP0_INT_NAK:
            control |= EpCtrl.INTERRUPT_ON_NAK
        if value & SieCtrl.EP0_INT_STALL:
            control |= EpCtrl.INTERRUPT_ON_STALL
        for endpoint in self._ep0:
            endpoint.ep0_control = control
            self._look_again(endpoint)
        if value & SieCtrl.RESUME and self._bus.wake_up() and self.listener is not None:
            self.listener.remote_wakeup()
        self._pull_up_changed()

    def _pull_up_changed(self) -> None:
        if self.usbphy_direct_override & PhyDirectOverride.DP_PULLUP_EN_OVERRIDE_EN:
            on = bool(self.usbphy_direct & PhyDirect.DP_PULLUP_EN)
        else:
            on = bool(
                self.sie_ctrl & SieCtrl.PULLUP_EN
                and self.main_ctrl & MainCtrl.CONTROLLER_EN
                and self.usb_muxing & Muxing.TO_PHY
            )
        changed = on != self._bus.pull_up
        self._bus.force_pad(self.usb_muxing & (Muxing.TO_DIGITAL_PAD | Muxing.TO_PHY) == Muxing.TO_DIGITAL_PAD)
        self._bus.set_pull_up(on)
        if not changed:
            return
        if not on:
            self._drop_transaction()
        if self.listener is not None:
            self.listener.pull_up_changed(on)

    def _power_changed(self) -> None:
        self._bus.set_powered(self._vbus_detected)
        self._update_interrupt()

    def _sie_status_cleared(self, mask: int) -> None:
        if mask & SieStatus.SUSPENDED:
            self._latched &= ~Int.DEV_SUSPEND
        if mask & SieStatus.CONNECTED:
            self._latched &= ~Int.DEV_CONN_DIS
        if mask & SieStatus.SETUP_REC:
            for endpoint in self._ep0:
                self._look_again(endpoint)

    def _sof_read(self) -> None:
        self._latched &= ~Int.DEV_SOF
        self._update_interrupt()

    def _buff_status_cleared(self, mask: int) -> None:
        for endpoint in self._endpoints:
            if mask & endpoint.bit and endpoint.done:
                endpoint.done.pop(0)
                self._show_done(endpoint)

    def _show_done(self, endpoint: Endpoint) -> None:
        """BUFF_STATUS and BUFF_CPU_SHOULD_HANDLE speak of the oldest buffer that is done."""
        if not endpoint.done:
            self.buff_status &= ~endpoint.bit
            return
        self.buff_status |= endpoint.bit
        if endpoint.done[0]:
            self.buff_cpu_should_handle |= endpoint.bit
        else:
            self.buff_cpu_should_handle &= ~endpoint.bit

    def _abort_changed(self, before: int) -> None:
        begun = self.ep_abort & ~before
        if self._busy is not None:
            begun &= ~self._busy.bit
        self.ep_abort_done |= begun
        ended = before & ~self.ep_abort
        if ended:
            for endpoint in self._endpoints:
                if ended & endpoint.bit:
                    self._look_again(endpoint)

    def _stall_arm_changed(self) -> None:
        for endpoint in self._ep0:
            self._look_again(endpoint)

    # Interrupts

    def _report(self, status_bits: int) -> None:
        self.sie_status |= status_bits
        self._update_interrupt()

    def _latch(self, interrupt_bits: int) -> None:
        self._latched |= interrupt_bits
        self._update_interrupt()

    def raw_interrupts(self) -> int:
        """INTR: the sources as levels, three of them latched."""
        raw = self._latched
        status = self.sie_status
        if status:
            for status_bit, interrupt in SIE_STATUS_INTERRUPTS:
                if status & status_bit:
                    raw |= interrupt
        if self.buff_status:
            raw |= Int.BUFF_STATUS
        if self.ep_abort_done:
            raw |= Int.ABORT_DONE
        if self.ep_status_stall_nak:
            raw |= Int.EP_STALL_NAK
        if self._bus.powered:
            raw |= Int.VBUS_DETECT
        return raw

    def _update_interrupt(self) -> None:
        level = bool(self.raw_interrupts() & self.inte | self.intf)
        if level != self._interrupt_level:
            self._interrupt_level = level
            self._interrupt(level)

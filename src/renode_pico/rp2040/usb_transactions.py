"""What the USB controller answers to tokens, and what becomes of it: buffers done, and aborted (datasheet, 4.1.2.7).

The answer to a token is fixed when the token comes; what reports the transaction to the firmware happens at its end
(docs/bus-timing.md).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from renode_pico.clock import Clock
from renode_pico.rp2040 import usb_memory
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_endpoint import NON_ISOCHRONOUS_BUFFER, Endpoint
from renode_pico.rp2040.usb_interrupts import UsbInterrupts
from renode_pico.rp2040.usb_memory import BufCtrl, Dpsram, EpCtrl
from renode_pico.rp2040.usb_regs import ADDR_ENDP_ADDRESS_BITS, MainCtrl, SieStatus
from renode_pico.usb.timing import BYTE_TIMES_NS, FAULT_DELAYS, HANDSHAKED_OVERHEAD, ISOCHRONOUS_OVERHEAD, REFUSED_IN
from renode_pico.usb.wire import (
    ACK,
    NAK,
    NO_DATA,
    NO_HANDSHAKE,
    NO_TOKEN,
    STALL,
    Fault,
    Packet,
    Pid,
    Stray,
    WireListener,
)

ISOCHRONOUS_MAX_PACKET = 1023
"""USB 2.0, 5.6.3."""

_RECEIVE_ERRORS = {
    Fault.CRC: SieStatus.CRC_ERROR,
    Fault.BIT_STUFF: SieStatus.BIT_STUFF_ERROR,
    Fault.LOST_DATA: SieStatus.RX_TIMEOUT,
    Fault.DATA_PID: SieStatus.RX_TIMEOUT,
    Fault.LATE: SieStatus.RX_TIMEOUT,
}
_STRAY_ERRORS = {
    Stray.BABBLE: SieStatus.BIT_STUFF_ERROR,
    Stray.SETUP_CRC5: SieStatus.CRC_ERROR,
    Stray.OUT_CRC5: SieStatus.CRC_ERROR,
    Stray.IN_CRC5: SieStatus.CRC_ERROR,
    Stray.SOF_CRC5: SieStatus.CRC_ERROR,
}
_DATA0, _DATA1 = Pid.DATA0, Pid.DATA1
"""Members of an enumeration by names of their own: Python 3.11 takes five times as long to look one up in its class."""
_MODE = MainCtrl.CONTROLLER_EN | MainCtrl.HOST_NDEVICE
_DEVICE_MODE = MainCtrl.CONTROLLER_EN
_NO_HANDSHAKE_BUT_NOISE = frozenset({Fault.BROKEN_HANDSHAKE, Fault.BABBLE})
_REFUSED_IN_NS = BYTE_TIMES_NS[REFUSED_IN]
_MAX_BYTES = len(BYTE_TIMES_NS) - 1 - HANDSHAKED_OVERHEAD


def _duration_ns(length: int, fault: Fault | None = None, overhead: int = HANDSHAKED_OVERHEAD) -> int:
    """How long a transaction with `length` data bytes lasts, emulated nanoseconds."""
    delay = 0 if fault is None else FAULT_DELAYS.get(fault, 0)
    return BYTE_TIMES_NS[min(length, _MAX_BYTES) + overhead + delay]


class UsbTransactions(UsbInterrupts):
    """Registers, interrupt and endpoints, and one transaction after the other."""

    def __init__(
        self,
        memory: Dpsram,
        clock: Clock,
        interrupt: Callable[[bool], None],
        unmodelled: Unmodelled,
    ) -> None:
        super().__init__(interrupt, unmodelled)
        self.listener: WireListener | None = None
        self.errata: frozenset[str] = frozenset()
        """Faults of the silicon: E2 (EP_ABORT cannot be used), E5 (resets on a busy bus), E15 (an ACK is garbled)."""
        self.stuck = False
        """E15: something else than the ACK of an IN came; nothing is heard until the block is reset."""
        self.refuses_all = False
        """E2: EP_ABORT was used; every endpoint answers NAK until the block is reset, or it was given back in order."""
        self.memory = memory
        self._in = [Endpoint(memory, number, True) for number in range(16)]
        self._out = [Endpoint(memory, number, False) for number in range(16)]
        self.endpoints = tuple(chain.from_iterable(zip(self._in, self._out, strict=True)))
        """By bit number in BUFF_STATUS and its kin."""
        self._ep0 = self.endpoints[:2]
        self._nak_polled: set[Endpoint] = set()
        """Answered NAK with an interrupt on NAK: the host is to try again in the next frame."""
        self._clock = clock
        self._end_alarm = clock.alarm(self._end_of_transaction)
        self._at_end: Callable[[], None] | None = None
        self._busy: Endpoint | None = None
        """The endpoint whose buffer the transaction under way uses."""
        self._sent: tuple[Endpoint, int, int, Fault | None] | None = None
        """An IN packet that waits for its handshake: endpoint, buffer, end of the transaction, what goes wrong."""

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        """Nothing is answered, whoever it is for; some leave a mark."""
        self._begin()
        error = _STRAY_ERRORS.get(stray)
        if error is not None and self._hears:
            self._report(error)
        return None

    # Wire: transactions

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """Always accepted by endpoint 0, whatever its buffers are (USB 2.0, 8.5.3); no other endpoint is CONTROL."""
        self._begin()
        if fault in NO_TOKEN:
            self._token_spoiled(fault)
            return None
        if endpoint or not self._addressed(address):
            return None
        duration = _duration_ns(len(data), fault)
        if fault in _RECEIVE_ERRORS:
            self._spoiled(fault, duration)
            return None
        if fault is Fault.WRONG_TOGGLE:
            self._end_in(duration, lambda: self._report(SieStatus.DATA_SEQ_ERROR))
            return None
        self._end_in(duration, lambda: self._setup_received(data))
        return None if fault in NO_HANDSHAKE else ACK

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        """`pid` is what the packet carries, wrong toggle included."""
        self._begin()
        if fault in NO_TOKEN:
            self._token_spoiled(fault)
            return None
        target = self._out[endpoint]
        if not self._serves(address, target):
            return None
        duration = _duration_ns(len(data), fault)
        if fault in _RECEIVE_ERRORS:
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
        expected = _DATA1 if target.half(buffer) & BufCtrl.PID else _DATA0
        if pid is not expected:
            # The packet before, sent again: its ACK was lost. Acknowledged and thrown away (USB 2.0, 8.6.4).
            self._end_in(duration, lambda: self._report(SieStatus.DATA_SEQ_ERROR))
        else:
            self._end_in(duration, lambda: self._received(target, buffer, data), target)
        return None if fault in NO_HANDSHAKE else ACK

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        """With WRONG_TOGGLE the packet arrives with the other PID; spoiled packets do not arrive."""
        self._begin()
        if fault in NO_TOKEN:
            self._token_spoiled(fault)
            return None
        source = self._in[endpoint]
        if not self._serves(address, source):
            return None
        if source.isochronous:
            return self._isochronous_in(source)
        refusal = self._refusal(source, _REFUSED_IN_NS)
        if refusal is not None:
            return refusal
        if fault in _NO_HANDSHAKE_BUT_NOISE and "E15" in self.errata:
            self.stuck = True
        buffer = source.current
        data = source.data(buffer)
        duration = _duration_ns(len(data), fault)
        if fault in NO_DATA:
            self._end_in(duration, lambda: self._report(SieStatus.RX_TIMEOUT), source)
            return None
        pid = _DATA1 if source.half(buffer) & BufCtrl.PID else _DATA0
        self._busy = source
        self._sent = source, buffer, self._clock.now_ns + duration, fault
        return Packet(pid.toggled if fault is Fault.WRONG_TOGGLE else pid, data)

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        """The host's ACK, or none; may be called at the token or at the end of the transaction."""
        if self._sent is None:
            return
        source, buffer, end_ns, fault = self._sent
        self._sent = None
        if acknowledged:
            self._end_in(end_ns - self._clock.now_ns, lambda: self._acknowledged(source, buffer), source)
            return
        error = SieStatus.RX_TIMEOUT
        if fault is Fault.BABBLE:
            error |= SieStatus.BIT_STUFF_ERROR
        self._end_in(end_ns - self._clock.now_ns, lambda: self._report(error), source)

    def _isochronous_out(self, target: Endpoint, data: bytes) -> None:
        if target.ready and not self.ep_abort & target.bit and len(data) <= ISOCHRONOUS_MAX_PACKET:
            buffer = target.current
            duration = _duration_ns(len(data), overhead=ISOCHRONOUS_OVERHEAD)
            self._end_in(duration, lambda: self._received(target, buffer, data), target)

    def _isochronous_in(self, source: Endpoint) -> Packet | None:
        if not source.ready or self.ep_abort & source.bit:
            return None
        buffer = source.current
        data = source.data(buffer)
        duration = _duration_ns(len(data), overhead=ISOCHRONOUS_OVERHEAD)
        self._end_in(duration, lambda: self._buffer_sent(source, buffer), source)
        return Packet(Pid.DATA0, data)

    # Who answers, and what

    @property
    def _hears(self) -> bool:
        return self._line.listening and bool(self.main_ctrl & MainCtrl.CONTROLLER_EN) and not self.stuck

    def _addressed(self, address: int) -> bool:
        return (
            address == self.addr_endp & ADDR_ENDP_ADDRESS_BITS
            and self.main_ctrl & _MODE == _DEVICE_MODE
            and self._line.listening
            and not self.stuck
        )

    def _serves(self, address: int, endpoint: Endpoint) -> bool:
        return self._addressed(address) and bool(endpoint.control & EpCtrl.ENABLE)

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

    def _blocked(self, endpoint: Endpoint) -> Packet | None:
        """NAK, STALL or (None) data: EP_ABORT wins, a SETUP not yet seen by the firmware comes next."""
        if self.ep_abort & endpoint.bit or self.refuses_all:
            return NAK
        if not endpoint.number and self.sie_status & SieStatus.SETUP_REC:
            # The buffers still belong to the control transfer that this SETUP has ended.
            return NAK
        if endpoint.stalled and (endpoint.number or self.ep_stall_arm & endpoint.bit):
            return STALL
        return None if endpoint.ready else NAK

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
        self._line.traffic()

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

    def _token_spoiled(self, fault: Fault | None) -> None:
        """A token that is none; whose it was nobody knows, and the data packet behind it belongs to none."""
        if fault is Fault.TOKEN_CRC and self._hears:
            self._report(SieStatus.CRC_ERROR)

    def _setup_received(self, data: bytes) -> None:
        self.memory.write(usb_memory.SETUP_PACKET, data)
        self.ep_stall_arm = 0
        if self.sanitizer is not None:
            self.sanitizer.setup_received()
        self._report(SieStatus.SETUP_REC)

    def _acknowledged(self, endpoint: Endpoint, buffer: int) -> None:
        self.sie_status |= SieStatus.ACK_REC
        self._buffer_sent(endpoint, buffer)

    def _buffer_sent(self, endpoint: Endpoint, buffer: int) -> None:
        self._buffer_done(endpoint, buffer, endpoint.sent(buffer))

    def _received(self, endpoint: Endpoint, buffer: int, data: bytes) -> None:
        self._buffer_done(endpoint, buffer, endpoint.received(buffer, data))

    def _stall_or_nak_sent(self, endpoint: Endpoint) -> None:
        self.ep_status_stall_nak |= endpoint.bit
        self._update_interrupt()

    # Buffers that are done, and buffers taken back

    def _buffer_done(self, endpoint: Endpoint, buffer: int, last: bool) -> None:
        if self.sanitizer is not None:
            self.sanitizer.given_back(endpoint)
        if last:
            self.sie_status |= SieStatus.TRANS_COMPLETE
        if endpoint.interrupts(buffer) and buffer not in endpoint.done:
            endpoint.done.append(buffer)
            self._show_done(endpoint)
        self._update_interrupt()

    def _buff_status_cleared(self, mask: int) -> None:
        while mask:
            endpoint = self.endpoints[(mask & -mask).bit_length() - 1]
            mask &= mask - 1
            if endpoint.done:
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
        if begun and "E2" in self.errata:
            self.refuses_all = True
        if self._busy is not None:
            begun &= ~self._busy.bit
        self.ep_abort_done |= begun
        ended = before & ~self.ep_abort
        if ended:
            for endpoint in self.endpoints:
                if ended & endpoint.bit:
                    self._look_again(endpoint)

    def _abort_done_changed(self, before: int) -> None:
        """E2 ends for who clears EP_ABORT before EP_ABORT_DONE, as the boot ROM does, which B1 is known to survive."""
        if self.refuses_all and before and not self.ep_abort_done and not self.ep_abort:
            self.refuses_all = False
            for endpoint in self.endpoints:
                self._look_again(endpoint)

    def _stall_arm_changed(self) -> None:
        for endpoint in self._ep0:
            self._look_again(endpoint)

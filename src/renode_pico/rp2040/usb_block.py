"""What stands behind the registers: endpoints, buffers that are done, the lines' state, the interrupt.

`UsbController` adds the transactions. Offsets, bits and their comments: the pico-sdk's `hardware/regs/usb.h`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from renode_pico.clock import Clock
from renode_pico.rp2040 import dpsram
from renode_pico.rp2040.dpsram import Dpsram, EpCtrl
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_bus import Bus
from renode_pico.rp2040.usb_endpoint import Endpoint
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
from renode_pico.usb.wire import NAK, STALL, Packet, WireListener


class UsbBlock(UsbRegisters):
    """The controller without its transactions.

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
        self.errata: frozenset[str] = frozenset()
        """Faults of the silicon: E2 (EP_ABORT cannot be used), E5 (resets on a busy bus), E15 (an ACK is garbled)."""
        self.stuck = False
        """E15: something else than the ACK of an IN came; nothing is heard until the block is reset."""
        self.refuses_all = False
        """E2: EP_ABORT was used; every endpoint answers NAK until the block is reset."""
        self.memory = memory
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
        self.endpoints = tuple(chain.from_iterable(zip(self._in, self._out, strict=True)))
        """By bit number in BUFF_STATUS and its kin."""
        self._ep0 = self.endpoints[:2]
        self._busy: Endpoint | None = None
        """The endpoint whose buffer the transaction under way uses."""
        self._nak_polled: set[Endpoint] = set()
        """Answered NAK with an interrupt on NAK: the host is to try again in the next frame."""
        self._sie_ctrl_changed(0)

    def have(self, errata: frozenset[str]) -> None:
        """The chip has these faults."""
        self.errata = errata
        self._bus.needs_idle = "E5" in errata

    @property
    def pulled_up(self) -> bool:
        """The D+ pull-up is on."""
        return self._bus.pull_up

    @property
    def suspended(self) -> bool:
        """The bus has been idle for 3 ms."""
        return self._bus.suspended

    def _drop_transaction(self) -> None:
        raise NotImplementedError

    # Reset of the block

    def hold(self, held: bool) -> None:
        """The reset line."""
        if held:
            self.reset()
        self.held = held

    def reset(self) -> None:
        """RESETS.RESET bit 24: all registers, not DPSRAM."""
        attached = self.pulled_up
        self._drop_transaction()
        self._nak_polled.clear()
        self.stuck = self.refuses_all = False
        for endpoint in self.endpoints:
            endpoint.reset()
        self.clear_registers()
        if self.sanitizer is not None:
            self.sanitizer.reset()
        self._bus.block_reset()
        self._bus.set_powered(self._vbus_detected)
        self._latched = 0
        self._sie_ctrl_changed(0)
        self._update_interrupt()
        if attached and self.listener is not None:
            self.listener.pull_up_changed(False)

    # What an endpoint would answer

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

    # What happens to the firmware

    def _bus_reset(self) -> None:
        """BUS_RESET. Address and buffers stay as they are: they are the firmware's to clear."""
        self._nak_polled.clear()
        for endpoint in self.endpoints:
            endpoint.nak_answered = False
        self._report(SieStatus.BUS_RESET)

    def _buffer_done(self, endpoint: Endpoint, buffer: int, last: bool) -> None:
        if self.sanitizer is not None:
            self.sanitizer.given_back(endpoint)
        if last:
            self.sie_status |= SieStatus.TRANS_COMPLETE
        if endpoint.interrupts(buffer) and buffer not in endpoint.done:
            endpoint.done.append(buffer)
            self._show_done(endpoint)
        self._update_interrupt()

    # DPSRAM

    def dpram_updated(self, offset: int, _value: int = 0) -> None:
        """The firmware has written the word at `offset` of DPSRAM."""
        if self.sanitizer is not None:
            self.sanitizer.memory_written(offset)
        if offset >= dpsram.BUFFERS:
            return
        if offset >= dpsram.EP0_IN_BUFFER_CONTROL:
            endpoint = self.endpoints[(offset - dpsram.EP0_IN_BUFFER_CONTROL) >> 2]
            endpoint.word_written()
        elif offset >= dpsram.EP1_IN_CONTROL:
            endpoint = self.endpoints[(offset >> 2) & 0x1F]
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
        for endpoint in self.endpoints:
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

"""The RP2040's USB controller in device mode (RP2040 datasheet, 4.1): the device's end of the wire.

It knows registers, buffers and packets; what a request means is the firmware's business. Each file of this block has
its twin in renode/models: `RP2040_USB.cs` is this one's, `RP2040_USB.Transactions.cs` that of `usb_transactions.py`.
Offsets, bits and their comments: the pico-sdk's `hardware/regs/usb.h`.
"""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import Clock
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_dpsram import UsbDpsram
from renode_pico.rp2040.usb_line import Line
from renode_pico.rp2040.usb_memory import Dpsram, EpCtrl
from renode_pico.rp2040.usb_regs import Int, MainCtrl, Muxing, PhyDirect, PhyDirectOverride, SieCtrl, SieStatus


class UsbController(UsbDpsram):
    """Implements `Wire`. Power, resets and suspend are here; the rest of the block stands in files of its own.

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
        super().__init__(memory, clock, interrupt, unmodelled)
        self._line = Line(
            clock,
            on_reset=self._bus_reset,
            on_resume=lambda: self._report(SieStatus.RESUME),
            on_connected=lambda: self._latch(Int.DEV_CONN_DIS),
            on_suspended=lambda: self._latch(Int.DEV_SUSPEND),
        )
        self._sie_ctrl_changed(0)

    def have(self, errata: frozenset[str]) -> None:
        """The chip has these faults."""
        self.errata = errata
        self._line.needs_idle = "E5" in errata

    @property
    def pulled_up(self) -> bool:
        """The D+ pull-up is on."""
        return self._line.pull_up

    @property
    def suspended(self) -> bool:
        """The bus has been idle for 3 ms."""
        return self._line.suspended

    # Wire: power, reset, suspend, frames

    def vbus(self, present: bool) -> None:
        """The host switches the cable's 5 V."""
        if present == self._line.vbus:
            return
        self._drop_transaction()
        self._line.set_vbus(present)
        self._power_changed()

    def reset_begin(self) -> None:
        """The host drives SE0; BUS_RESET follows 2.5 µs later."""
        self._drop_transaction()
        self._line.reset_begin()

    def reset_end(self) -> None:
        """The host releases SE0."""
        self._line.reset_end()

    def idle(self) -> None:
        """No traffic from now on: SUSPENDED follows after 3 ms."""
        self._line.idle()

    def resume_begin(self) -> None:
        """The host drives K."""
        self._line.resume_begin()

    def resume_end(self) -> None:
        """The host ends K."""
        self._line.resume_end()

    def sof(self, frame: int) -> None:
        """Start of frame: SOF_RD and DEV_SOF at once."""
        line = self._line
        if line.needs_idle:
            line.not_idle()
        if not self._hears:
            return
        line.traffic()
        self.sof_rd = frame
        if not self._latched & Int.DEV_SOF:
            self._latch(Int.DEV_SOF)
        if self._nak_polled:
            polled = sorted(self._nak_polled, key=lambda endpoint: endpoint.bit)
            self._nak_polled.clear()
            for endpoint in polled:
                self._tell_ready(endpoint)

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
        self._line.block_reset()
        self._line.set_powered(self._vbus_detected)
        self._latched = 0
        self._sie_ctrl_changed(0)
        self._update_interrupt()
        if attached and self.listener is not None:
            self.listener.pull_up_changed(False)

    # What happens to the firmware

    def _bus_reset(self) -> None:
        """BUS_RESET. Address and buffers stay as they are: they are the firmware's to clear."""
        self._nak_polled.clear()
        for endpoint in self.endpoints:
            endpoint.nak_answered = False
        self._report(SieStatus.BUS_RESET)

    # What registers do beyond being stored (called by UsbRegisters)

    @property
    def _vbus_detected(self) -> bool:
        return self.vbus_override if self.vbus_override is not None else self._line.vbus

    def _live_sie_status(self) -> int:
        line = self._line
        status = line.state << SieStatus.LINE_STATE_LSB
        if line.suspended:
            status |= SieStatus.SUSPENDED
        if line.connected:
            status |= SieStatus.CONNECTED
        if line.powered:
            status |= SieStatus.VBUS_DETECTED
        return status

    def _line_state(self) -> int:
        return self._line.state

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
        if value & SieCtrl.RESUME and self._line.wake_up() and self.listener is not None:
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
        changed = on != self._line.pull_up
        self._line.force_pad(self.usb_muxing & (Muxing.TO_DIGITAL_PAD | Muxing.TO_PHY) == Muxing.TO_DIGITAL_PAD)
        self._line.set_pull_up(on)
        if not changed:
            return
        if not on:
            self._drop_transaction()
        if self.listener is not None:
            self.listener.pull_up_changed(on)

    def _power_changed(self) -> None:
        self._line.set_powered(self._vbus_detected)
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

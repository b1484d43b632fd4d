"""The USB controller's register file: what is stored, what is cleared by writing, and what has effects elsewhere."""

from __future__ import annotations

from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_regs import (
    ADDR_ENDP_ADDRESS_BITS,
    ADDR_ENDP_BITS,
    ADDR_ENDPX_BITS,
    EP_STALL_ARM_BITS,
    INT_EP_CTRL_BITS,
    NAK_POLL_BITS,
    NAK_POLL_RESET,
    REGISTER_NAMES,
    SOF_RD_BITS,
    USBPHY_TRIM_BITS,
    USBPHY_TRIM_RESET,
    Int,
    LineState,
    MainCtrl,
    Muxing,
    PhyDirect,
    PhyDirectOverride,
    Pwr,
    Reg,
    SieCtrl,
)
from renode_pico.rp2040.usb_sanitizer import UsbSanitizer

BLOCK = "USBCTRL_REGS"
_ADDR_ENDPX = dict.fromkeys(range(Reg.ADDR_ENDP1, Reg.ADDR_ENDP15 + 1, 4), ADDR_ENDPX_BITS)
_HOST_REGISTERS = {Reg.SOF_WR: 0, Reg.INT_EP_CTRL: INT_EP_CTRL_BITS, Reg.NAK_POLL: NAK_POLL_BITS} | _ADDR_ENDPX
"""Kept, without effect, with a warning: the host mode is not modelled. Offset to writable bits."""
HOST_REGISTER_NAMES = (
    "ADDR_ENDP1 to ADDR_ENDP15",
    *(REGISTER_NAMES[o] for o in _HOST_REGISTERS if o not in _ADDR_ENDPX),
)


class UsbRegisters:
    """Reads and writes by offset; `UsbController` supplies what follows from them."""

    def __init__(self, unmodelled: Unmodelled) -> None:
        self._unmodelled = unmodelled
        self.sanitizer: UsbSanitizer | None = None
        self.held = False
        """RESETS holds the block in reset: writes have no effect."""
        unmodelled.lacks(BLOCK, *(f"host mode: {REGISTER_NAMES[offset]}" for offset in _HOST_REGISTERS))
        self._latched = 0
        """Interrupts that are events, not levels: DEV_SOF, DEV_CONN_DIS, DEV_SUSPEND."""
        self.clear_registers()

    def clear_registers(self) -> None:
        """Reset values of `usb.h`."""
        self.addr_endp = 0
        self.main_ctrl = 0
        self.sof_rd = 0
        self.sie_ctrl = 0
        self.sie_status = 0
        """The sticky bits; the live ones are asked for when read."""
        self.buff_status = 0
        self.buff_cpu_should_handle = 0
        self.ep_abort = 0
        self.ep_abort_done = 0
        self.ep_stall_arm = 0
        self.ep_status_stall_nak = 0
        self.usb_muxing = 0
        self.usb_pwr = 0
        self.usbphy_direct = 0
        self.usbphy_direct_override = 0
        self.usbphy_trim = USBPHY_TRIM_RESET
        self.inte = 0
        self.intf = 0
        self._host = dict.fromkeys(_HOST_REGISTERS, 0)
        self._host[Reg.NAK_POLL] = NAK_POLL_RESET

    @property
    def address(self) -> int:
        """ADDR_ENDP.ADDRESS: the device address tokens are compared with."""
        return self.addr_endp & ADDR_ENDP_ADDRESS_BITS

    @property
    def vbus_override(self) -> bool | None:
        """What USB_PWR says instead of the pin, or None."""
        if self.usb_pwr & Pwr.VBUS_DETECT_OVERRIDE_EN:
            return bool(self.usb_pwr & Pwr.VBUS_DETECT)
        return None

    # Reading

    def read(self, offset: int) -> int:
        """The register's 32 bits; reading SOF_RD clears DEV_SOF."""
        if offset == Reg.INTS:
            return self.raw_interrupts() & self.inte | self.intf
        if offset == Reg.BUFF_STATUS:
            return self.buff_status
        if offset == Reg.SIE_STATUS:
            return self.sie_status | self._live_sie_status()
        if offset == Reg.SOF_RD:
            self._sof_read()
            return self.sof_rd & SOF_RD_BITS
        return self._peek(offset)

    def _peek(self, offset: int) -> int:
        """As `read`, without side effects."""
        match offset:
            case Reg.ADDR_ENDP:
                return self.addr_endp
            case Reg.MAIN_CTRL:
                return self.main_ctrl
            case Reg.SOF_RD:
                return self.sof_rd & SOF_RD_BITS
            case Reg.SIE_CTRL:
                return self.sie_ctrl
            case Reg.SIE_STATUS:
                return self.sie_status | self._live_sie_status()
            case Reg.BUFF_STATUS:
                return self.buff_status
            case Reg.BUFF_CPU_SHOULD_HANDLE:
                return self.buff_cpu_should_handle
            case Reg.EP_ABORT:
                return self.ep_abort
            case Reg.EP_ABORT_DONE:
                return self.ep_abort_done
            case Reg.EP_STALL_ARM:
                return self.ep_stall_arm
            case Reg.EP_STATUS_STALL_NAK:
                return self.ep_status_stall_nak
            case Reg.USB_MUXING:
                return self.usb_muxing
            case Reg.USB_PWR:
                return self.usb_pwr
            case Reg.USBPHY_DIRECT:
                return self.usbphy_direct | self._phy_inputs()
            case Reg.USBPHY_DIRECT_OVERRIDE:
                return self.usbphy_direct_override
            case Reg.USBPHY_TRIM:
                return self.usbphy_trim
            case Reg.INTR:
                return self.raw_interrupts()
            case Reg.INTE:
                return self.inte
            case Reg.INTF:
                return self.intf
            case Reg.INTS:
                return self.raw_interrupts() & self.inte | self.intf
        if offset in self._host:
            return self._host[offset]
        self._unmodelled.note(BLOCK, f"{offset:#05x}", "is no register: read as 0")
        return 0

    def _phy_inputs(self) -> int:
        line = self._line_state()
        if line == LineState.J:
            return PhyDirect.RX_DP | PhyDirect.RX_DD
        return PhyDirect.RX_DM if line == LineState.K else 0

    # Writing

    def write(self, offset: int, value: int, alias: Alias = Alias.NORMAL) -> None:
        """A write through one of the four aliases.

        A bit that is cleared by writing 1 is cleared by a 1 in `value` through any of them: the mask reaches the
        register as it is, not as the result of a read and a modification.
        """
        if self.held:
            if self.sanitizer is not None:
                self.sanitizer.written_in_reset(offset, value)
            return
        match offset:
            case Reg.BUFF_STATUS:
                if self.sanitizer is not None:
                    self.sanitizer.buff_status_cleared(value)
                self._buff_status_cleared(value)
            case Reg.SIE_STATUS:
                self.sie_status &= ~value
                self._sie_status_cleared(value)
            case Reg.EP_ABORT_DONE:
                before = self.ep_abort_done
                self.ep_abort_done &= ~value
                self._abort_done_changed(before)
            case Reg.EP_STATUS_STALL_NAK:
                self.ep_status_stall_nak &= ~value
            case _:
                self._store(offset, self._combined(offset, value, alias))
        self._update_interrupt()

    def _combined(self, offset: int, value: int, alias: Alias) -> int:
        if alias == Alias.NORMAL:
            return value
        before = self._peek(offset)
        if alias == Alias.SET:
            return before | value
        return before & ~value if alias == Alias.CLEAR else before ^ value

    def _store(self, offset: int, value: int) -> None:
        match offset:
            case Reg.ADDR_ENDP:
                if self.sanitizer is not None:
                    self.sanitizer.address_written(value & ADDR_ENDP_ADDRESS_BITS)
                self.addr_endp = value & ADDR_ENDP_BITS
            case Reg.MAIN_CTRL:
                self.main_ctrl = value & MainCtrl.BITS
                if value & MainCtrl.HOST_NDEVICE:
                    self._note_host("MAIN_CTRL.HOST_NDEVICE")
                self._pull_up_changed()
            case Reg.SIE_CTRL:
                if value & SieCtrl.HOST_BITS:
                    self._note_host("SIE_CTRL")
                self.sie_ctrl = value & SieCtrl.BITS & ~SieCtrl.SELF_CLEARING
                self._sie_ctrl_changed(value)
            case Reg.EP_ABORT:
                before, self.ep_abort = self.ep_abort, value & 0xFFFF_FFFF
                if self.sanitizer is not None:
                    self.sanitizer.abort_begun(self.ep_abort & ~before)
                self._abort_changed(before)
            case Reg.EP_STALL_ARM:
                self.ep_stall_arm = value & EP_STALL_ARM_BITS
                self._stall_arm_changed()
            case Reg.USB_MUXING:
                self.usb_muxing = value & Muxing.BITS
                self._pull_up_changed()
            case Reg.USB_PWR:
                self.usb_pwr = value & Pwr.BITS
                self._power_changed()
            case Reg.USBPHY_DIRECT:
                self.usbphy_direct = value & PhyDirect.WRITABLE_BITS
                self._pull_up_changed()
            case Reg.USBPHY_DIRECT_OVERRIDE:
                self.usbphy_direct_override = value & PhyDirectOverride.BITS
                self._pull_up_changed()
            case Reg.USBPHY_TRIM:
                self.usbphy_trim = value & USBPHY_TRIM_BITS
            case Reg.INTE:
                self.inte = value & Int.BITS
            case Reg.INTF:
                self.intf = value & Int.BITS
            case Reg.SOF_RD | Reg.BUFF_CPU_SHOULD_HANDLE | Reg.INTR | Reg.INTS:
                pass  # read only
            case _:
                self._store_host(offset, value)

    def _store_host(self, offset: int, value: int) -> None:
        bits = _HOST_REGISTERS.get(offset)
        if bits is None:
            if value:  # the SDK clears the whole block, and what is between its registers with it
                self._unmodelled.note(BLOCK, f"{offset:#05x}", "is no register: write ignored")
            return
        self._host[offset] = value & bits
        if value:
            self._note_host(REGISTER_NAMES[offset])

    def _note_host(self, register: str) -> None:
        self._unmodelled.note(BLOCK, register, "belongs to the host mode, which is not modelled")

    # What follows (UsbController)

    def raw_interrupts(self) -> int:
        """INTR."""
        raise NotImplementedError

    def _live_sie_status(self) -> int:
        raise NotImplementedError

    def _line_state(self) -> int:
        raise NotImplementedError

    def _update_interrupt(self) -> None:
        raise NotImplementedError

    def _sof_read(self) -> None:
        raise NotImplementedError

    def _buff_status_cleared(self, mask: int) -> None:
        raise NotImplementedError

    def _sie_status_cleared(self, mask: int) -> None:
        raise NotImplementedError

    def _sie_ctrl_changed(self, value: int) -> None:
        raise NotImplementedError

    def _pull_up_changed(self) -> None:
        raise NotImplementedError

    def _power_changed(self) -> None:
        raise NotImplementedError

    def _abort_done_changed(self, before: int) -> None:
        raise NotImplementedError

    def _abort_changed(self, before: int) -> None:
        raise NotImplementedError

    def _stall_arm_changed(self) -> None:
        raise NotImplementedError

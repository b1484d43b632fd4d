"""Register offsets and bits of the RP2040's USB controller, named as in the pico-sdk's `hardware/regs/usb.h`."""

from __future__ import annotations

BASE = 0x5011_0000
SIZE = 0x9C


class Reg:
    """Offsets from USBCTRL_REGS_BASE."""

    ADDR_ENDP = 0x00
    ADDR_ENDP1 = 0x04
    ADDR_ENDP15 = 0x3C
    MAIN_CTRL = 0x40
    SOF_WR = 0x44
    SOF_RD = 0x48
    SIE_CTRL = 0x4C
    SIE_STATUS = 0x50
    INT_EP_CTRL = 0x54
    BUFF_STATUS = 0x58
    BUFF_CPU_SHOULD_HANDLE = 0x5C
    EP_ABORT = 0x60
    EP_ABORT_DONE = 0x64
    EP_STALL_ARM = 0x68
    NAK_POLL = 0x6C
    EP_STATUS_STALL_NAK = 0x70
    USB_MUXING = 0x74
    USB_PWR = 0x78
    USBPHY_DIRECT = 0x7C
    USBPHY_DIRECT_OVERRIDE = 0x80
    USBPHY_TRIM = 0x84
    INTR = 0x8C
    INTE = 0x90
    INTF = 0x94
    INTS = 0x98


REGISTERS: dict[str, int] = {name: value for name, value in vars(Reg).items() if not name.startswith("_")}
REGISTERS |= {f"ADDR_ENDP{number}": 4 * number for number in range(1, 16)}
REGISTER_NAMES: dict[int, str] = {offset: name for name, offset in REGISTERS.items()}

ADDR_ENDP_BITS = 0x000F_007F
ADDR_ENDP_ADDRESS_BITS = 0x0000_007F
ADDR_ENDPX_BITS = 0x060F_007F
SOF_RD_BITS = 0x0000_07FF
INT_EP_CTRL_BITS = 0x0000_FFFE
EP_STALL_ARM_BITS = 0x0000_0003
NAK_POLL_BITS = 0x03FF_03FF
NAK_POLL_RESET = 0x0010_0010
USBPHY_TRIM_BITS = 0x0000_1F1F
USBPHY_TRIM_RESET = 0x0000_1F1F


class MainCtrl:
    """MAIN_CTRL."""

    CONTROLLER_EN = 1 << 0
    HOST_NDEVICE = 1 << 1
    SIM_TIMING = 1 << 31
    BITS = 0x8000_0003


class SieCtrl:
    """SIE_CTRL."""

    START_TRANS = 1 << 0
    STOP_TRANS = 1 << 4
    RESUME = 1 << 12
    RESET_BUS = 1 << 13
    PULLUP_EN = 1 << 16
    TRANSCEIVER_PD = 1 << 18
    EP0_INT_NAK = 1 << 27
    EP0_INT_2BUF = 1 << 28
    EP0_INT_1BUF = 1 << 29
    EP0_DOUBLE_BUF = 1 << 30
    EP0_INT_STALL = 1 << 31
    BITS = 0xFF07_BF5F
    SELF_CLEARING = START_TRANS | STOP_TRANS | RESUME | RESET_BUS
    HOST_BITS = 0x0000_AF5F
    """What only a host writes: START_TRANS to KEEP_ALIVE_EN, VBUS_EN, RESET_BUS and PULLDOWN_EN."""


class SieStatus:
    """SIE_STATUS."""

    VBUS_DETECTED = 1 << 0
    LINE_STATE_LSB = 2
    SUSPENDED = 1 << 4
    RESUME = 1 << 11
    CONNECTED = 1 << 16
    SETUP_REC = 1 << 17
    TRANS_COMPLETE = 1 << 18
    BUS_RESET = 1 << 19
    CRC_ERROR = 1 << 24
    BIT_STUFF_ERROR = 1 << 25
    RX_OVERFLOW = 1 << 26
    RX_TIMEOUT = 1 << 27
    NAK_REC = 1 << 28
    STALL_REC = 1 << 29
    ACK_REC = 1 << 30
    DATA_SEQ_ERROR = 1 << 31


class LineState:
    """SIE_STATUS.LINE_STATE."""

    SE0 = 0b00
    J = 0b01
    K = 0b10


class Muxing:
    """USB_MUXING."""

    TO_PHY = 1 << 0
    TO_EXTPHY = 1 << 1
    TO_DIGITAL_PAD = 1 << 2
    SOFTCON = 1 << 3
    BITS = 0x0000_000F


class Pwr:
    """USB_PWR."""

    VBUS_DETECT = 1 << 2
    VBUS_DETECT_OVERRIDE_EN = 1 << 3
    BITS = 0x0000_003F


class PhyDirect:
    """USBPHY_DIRECT."""

    DP_PULLUP_EN = 1 << 1
    RX_DD = 1 << 16
    RX_DP = 1 << 17
    RX_DM = 1 << 18
    WRITABLE_BITS = 0x0000_FF77


class PhyDirectOverride:
    """USBPHY_DIRECT_OVERRIDE."""

    DP_PULLUP_EN_OVERRIDE_EN = 1 << 2
    BITS = 0x0000_9FFF


class Int:
    """INTR, INTE, INTF and INTS."""

    TRANS_COMPLETE = 1 << 3
    BUFF_STATUS = 1 << 4
    ERROR_DATA_SEQ = 1 << 5
    ERROR_RX_TIMEOUT = 1 << 6
    ERROR_RX_OVERFLOW = 1 << 7
    ERROR_BIT_STUFF = 1 << 8
    ERROR_CRC = 1 << 9
    VBUS_DETECT = 1 << 11
    BUS_RESET = 1 << 12
    DEV_CONN_DIS = 1 << 13
    DEV_SUSPEND = 1 << 14
    DEV_RESUME_FROM_HOST = 1 << 15
    SETUP_REQ = 1 << 16
    DEV_SOF = 1 << 17
    ABORT_DONE = 1 << 18
    EP_STALL_NAK = 1 << 19
    BITS = 0x000F_FFFF


SIE_STATUS_INTERRUPTS: tuple[tuple[int, int], ...] = (
    (SieStatus.SETUP_REC, Int.SETUP_REQ),
    (SieStatus.TRANS_COMPLETE, Int.TRANS_COMPLETE),
    (SieStatus.BUS_RESET, Int.BUS_RESET),
    (SieStatus.RESUME, Int.DEV_RESUME_FROM_HOST),
    (SieStatus.CRC_ERROR, Int.ERROR_CRC),
    (SieStatus.BIT_STUFF_ERROR, Int.ERROR_BIT_STUFF),
    (SieStatus.RX_OVERFLOW, Int.ERROR_RX_OVERFLOW),
    (SieStatus.RX_TIMEOUT, Int.ERROR_RX_TIMEOUT),
    (SieStatus.DATA_SEQ_ERROR, Int.ERROR_DATA_SEQ),
)
"""Which sticky bit of SIE_STATUS raises which raw interrupt (the comments of INTR's fields)."""

"""USB registers and DPSRAM seen from MicroPython's machine.mem32 (pico-sdk hardware_regs: usb.h, addressmap.h)."""

USBCTRL_DPRAM = 0x50100000
USBCTRL_REGS = 0x50110000
SET, CLEAR, XOR = 0x2000, 0x3000, 0x1000

ADDR_ENDP = USBCTRL_REGS + 0x00
SOF_RD = USBCTRL_REGS + 0x48
SIE_CTRL = USBCTRL_REGS + 0x4C
SIE_STATUS = USBCTRL_REGS + 0x50
BUFF_STATUS = USBCTRL_REGS + 0x58
BUFF_CPU_SHOULD_HANDLE = USBCTRL_REGS + 0x5C
EP_ABORT = USBCTRL_REGS + 0x60
EP_ABORT_DONE = USBCTRL_REGS + 0x64
EP_STALL_ARM = USBCTRL_REGS + 0x68
EP_STATUS_STALL_NAK = USBCTRL_REGS + 0x70
USB_PWR = USBCTRL_REGS + 0x78
INTR = USBCTRL_REGS + 0x8C
INTE = USBCTRL_REGS + 0x90
INTF = USBCTRL_REGS + 0x94
INTS = USBCTRL_REGS + 0x98

SIE_CTRL_PULLUP_EN = 1 << 16
SIE_STATUS_VBUS_DETECTED = 1 << 0
SIE_STATUS_LINE_STATE = 3 << 2
SIE_STATUS_SUSPENDED = 1 << 4
SIE_STATUS_CONNECTED = 1 << 16
SIE_STATUS_SETUP_REC = 1 << 17
SIE_STATUS_BUS_RESET = 1 << 19
SIE_STATUS_CRC_ERROR = 1 << 24
SIE_STATUS_BIT_STUFF_ERROR = 1 << 25
SIE_STATUS_RX_TIMEOUT = 1 << 27
SIE_STATUS_DATA_SEQ_ERROR = 1 << 31
NVIC_ISER, NVIC_ICER, NVIC_ISPR, NVIC_ICPR = 0xE000E100, 0xE000E180, 0xE000E200, 0xE000E280
"""Interrupts of the core enabled and disabled, made pending and not pending by writing ones (m0plus.h)."""
USBCTRL_IRQ = 5
"""intctrl.h"""
USB_PWR_VBUS_DETECT = 1 << 2
USB_PWR_VBUS_DETECT_OVERRIDE_EN = 1 << 3
INTR_DEV_SOF = 1 << 17
INT_BUFF_STATUS, INT_EP_STALL_NAK = 1 << 4, 1 << 19

AVAILABLE, STALL, SEL, DATA1, LAST, FULL = 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15
"""Bits of a buffer control word (usb_device_dpram.h); the upper half word holds buffer 1's."""
ENABLE, DOUBLE_BUFFERED, INTERRUPT_PER_BUFF, INTERRUPT_PER_DOUBLE_BUFF = 1 << 31, 1 << 30, 1 << 29, 1 << 28
INTERRUPT_ON_STALL, INTERRUPT_ON_NAK = 1 << 17, 1 << 16


def endpoint_control(endpoint_address: int) -> int:
    """Address of an endpoint's control word (endpoint 0 has none)."""
    return USBCTRL_DPRAM + 8 * (endpoint_address & 15) + (0 if endpoint_address & 0x80 else 4)


def buffer_control(endpoint_address: int) -> int:
    """Address of an endpoint's buffer control word."""
    return USBCTRL_DPRAM + 0x80 + 8 * (endpoint_address & 15) + (0 if endpoint_address & 0x80 else 4)

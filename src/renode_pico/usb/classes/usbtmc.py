"""USBTMC: instruments' messages (USBTMC 1.0); of its subclass USB488 1.0 triggers, status byte, remote and local."""

from __future__ import annotations

import struct

from renode_pico.errors import Timeout, UsbError
from renode_pico.usb.classes.common import CLASS_IN, ask, endpoint, interfaces, none_of, required
from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import Setup, TransferType

APPLICATION_CLASS, USBTMC_SUBCLASS = 0xFE, 0x03
USB488 = 0x01
DEV_DEP_MSG_OUT, REQUEST_DEV_DEP_MSG_IN, DEV_DEP_MSG_IN, TRIGGER = 1, 2, 2, 128
"""MsgID (USBTMC, table 2; USB488, table 1)."""
INITIATE_ABORT_BULK_OUT, CHECK_ABORT_BULK_OUT, INITIATE_ABORT_BULK_IN, CHECK_ABORT_BULK_IN = 1, 2, 3, 4
INITIATE_CLEAR, CHECK_CLEAR, GET_CAPABILITIES, INDICATOR_PULSE = 5, 6, 7, 64
READ_STATUS_BYTE, REN_CONTROL, GO_TO_LOCAL, LOCAL_LOCKOUT = 128, 160, 161, 162
SUCCESS, PENDING = 0x01, 0x02
HEADER = 12
CHUNK = 4096
"""Bytes asked for at once."""


class Usbtmc:
    """One instrument. Messages are bytes or text; timeouts are emulated seconds."""

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        self.number = interface.bInterfaceNumber
        self.usb488 = interface.bInterfaceProtocol == USB488
        self._in = required(device, interface, True, TransferType.BULK)
        self._out = required(device, interface, False, TransferType.BULK)
        self._interrupt = endpoint(device, interface, True, TransferType.INTERRUPT)
        self._tag = 0
        self._status_tag = 1

    @property
    def capabilities(self) -> bytes:
        """The 24 bytes that GET_CAPABILITIES answers (4.2.1.8), STATUS first."""
        return self._ask(GET_CAPABILITIES, 0, 0x18)

    def write(self, message: bytes | str, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Send one message whole (3.2.1.1)."""
        data = message.encode() if isinstance(message, str) else bytes(message)
        self._send(DEV_DEP_MSG_OUT, struct.pack("<IB3x", len(data), 1) + data, timeout)

    def read(self, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Ask for a message until its end (3.3.1.1). Raises Timeout when the instrument has nothing to say."""
        message = b""
        while True:
            self._send(REQUEST_DEV_DEP_MSG_IN, struct.pack("<IBB2x", CHUNK, 0, 0), timeout)
            answer = self._in.read(HEADER + CHUNK + 4, timeout)
            size, end = self._check(answer)
            message += answer[HEADER : HEADER + size]
            if end:
                return message

    def query(self, message: bytes | str, timeout: float = DEFAULT_TIMEOUT) -> str:
        """Send a question; the answer as text, without its end of line."""
        self.write(message, timeout)
        return self.read(timeout).decode("latin-1").rstrip("\r\n")

    def clear(self, timeout: float = DEFAULT_TIMEOUT) -> None:
        """INITIATE_CLEAR, CHECK_CLEAR until it is done (4.2.1.6, 4.2.1.7), and the OUT endpoint's halt cleared."""
        self._expect(self._ask(INITIATE_CLEAR, 0, 1), "INITIATE_CLEAR")
        deadline = self.device.host.now + timeout
        while (answer := self._ask(CHECK_CLEAR, 0, 2))[0] == PENDING:
            if self.device.host.now >= deadline:
                raise Timeout(f"USBTMC: CHECK_CLEAR is pending for {timeout:g} emulated seconds")
            if answer[1] & 1:
                self._in.read(CHUNK, timeout)
        self._expect(answer, "CHECK_CLEAR")
        self._out.clear_halt()

    def pulse(self) -> None:
        """INDICATOR_PULSE (4.2.1.9): the instrument shows which one it is."""
        self._expect(self._ask(INDICATOR_PULSE, 0, 1), "INDICATOR_PULSE")

    def trigger(self) -> None:
        """TRIGGER (USB488, 3.2.1.1)."""
        self._send(TRIGGER, bytes(8), DEFAULT_TIMEOUT)

    def status_byte(self, timeout: float = DEFAULT_TIMEOUT) -> int:
        """READ_STATUS_BYTE (USB488, 4.3.1): by the interrupt endpoint where there is one."""
        self._status_tag = self._status_tag % 127 + 1
        tag = max(self._status_tag, 2)
        answer = self._ask(READ_STATUS_BYTE, tag, 3)
        self._expect(answer, "READ_STATUS_BYTE")
        if self._interrupt is None:
            return answer[2]
        while True:
            notification = self._interrupt.read(2, timeout)
            if len(notification) == 2 and notification[0] == 0x80 | tag:
                return notification[1]

    def remote(self, enabled: bool = True) -> None:
        """REN_CONTROL (USB488, 4.3.2)."""
        self._expect(self._ask(REN_CONTROL, int(enabled), 1), "REN_CONTROL")

    def go_to_local(self) -> None:
        """GO_TO_LOCAL (USB488, 4.3.3)."""
        self._expect(self._ask(GO_TO_LOCAL, 0, 1), "GO_TO_LOCAL")

    def _send(self, message: int, rest: bytes, timeout: float) -> None:
        self._tag = self._tag % 255 + 1
        data = struct.pack("<BBBx", message, self._tag, self._tag ^ 0xFF) + rest
        self._out.write(data.ljust(-(-len(data) // 4) * 4, b"\0"), timeout)

    def _check(self, answer: bytes) -> tuple[int, bool]:
        if len(answer) < HEADER:
            raise UsbError(f"USBTMC: an answer of {len(answer)} bytes, a header has {HEADER}")
        kind, tag, inverse, size, attributes = struct.unpack_from("<BBBxIB", answer)
        if (kind, tag, inverse) != (DEV_DEP_MSG_IN, self._tag, self._tag ^ 0xFF):
            raise UsbError(f"USBTMC: the answer's header is {answer[:HEADER].hex(' ')}, bTag {self._tag} was asked for")
        if size > len(answer) - HEADER:
            raise UsbError(f"USBTMC: TransferSize is {size}, {len(answer) - HEADER} bytes came")
        return size, bool(attributes & 1)

    def _ask(self, request: int, value: int, length: int) -> bytes:
        return ask(self.device, self.number, request, value, length)

    def abort_in(self) -> int:
        """INITIATE_ABORT_BULK_IN (4.2.1.4) to the IN endpoint; USBTMC_status."""
        setup = Setup(CLASS_IN & 0xE0 | 2, INITIATE_ABORT_BULK_IN, self._tag, self._in.address, 2)
        return self.device.control_in(setup)[0]

    @staticmethod
    def _expect(answer: bytes, what: str) -> None:
        if not answer or answer[0] != SUCCESS:
            raise UsbError(f"USBTMC: {what} answered {answer.hex(' ') or 'nothing'}, not STATUS_SUCCESS")


def usbtmcs(device: ConfiguredDevice) -> list[Usbtmc]:
    """Return all USBTMC interfaces of a device. Raises UsageError when there is none."""
    found = [Usbtmc(device, each) for each in interfaces(device, APPLICATION_CLASS, USBTMC_SUBCLASS)]
    if not found:
        raise none_of("USBTMC interface")
    return found

"""A real USB device, or one behind a USB/IP server, for the verifier: `verify.link.Link` by PyUSB.

Between it and the device is an operating system or a server: transfers can be made, single transactions cannot, and
the device stays addressed and configured. Seconds are real ones.
"""

from __future__ import annotations

import errno
import time
from typing import Any, NoReturn

from renode_pico.errors import Disconnected, EngineMissing, UsageError
from renode_pico.usb.raw import RawHost
from renode_pico.usb.transfer import Host, Pipe, Setup, Status
from renode_pico.verify.link import Answer
from renode_pico.verify.verdict import NotApplicable

USBIP_PORT = 3240
ADDRESS = 1
"""Stands for the address that the operating system has given the device."""
STATUS = {
    errno.EPIPE: Status.STALLED,
    errno.ETIMEDOUT: Status.TIMED_OUT,
    errno.EOVERFLOW: Status.BABBLE,
}
GONE = (errno.ENODEV, errno.ESHUTDOWN, errno.ENOENT)
SET_CONFIGURATION, SET_INTERFACE = (0x00, 9), (0x01, 11)
SET_ADDRESS = (0x00, 5)


class PyUsbLink:
    """`device`: PyUSB's. `cancels`: a transfer can end by its time-out."""

    def __init__(self, device: Any, *, cancels: bool = True) -> None:
        import usb.core

        self._device = device
        self._error: Any = usb.core.USBError
        self._begin = time.monotonic()
        self._count = 0
        self.cancels = cancels
        self.resets = True

    @property
    def host(self) -> Host | None:
        """An operating system's."""
        return None

    @property
    def raw(self) -> RawHost | None:
        """An operating system makes transfers."""
        return None

    @property
    def why_not_raw(self) -> str:
        """Why there are no transactions."""
        return "PyUSB makes transfers: the wire and the device's states are the operating system's"

    @property
    def now(self) -> float:
        """Real seconds since the beginning."""
        return time.monotonic() - self._begin

    @property
    def transactions(self) -> int:
        """How many transfers there were; transactions are not seen here."""
        return self._count

    def reset(self) -> int:
        """Have the operating system reset the device, where it can; it stays addressed."""
        if self.resets:
            try:
                self._device.reset()
            except (self._error, NotImplementedError):
                self.resets = False
        return ADDRESS

    def control(self, pipe: Pipe, setup: Setup, data: bytes, timeout: float) -> Answer:
        """A control transfer; SET_ADDRESS is never made, as the operating system would lose the device."""
        if (setup.bmRequestType, setup.bRequest) == SET_ADDRESS:
            return Answer(Status.STALLED)
        payload: bytes | int = setup.wLength if setup.is_in else data
        return self._timed(
            lambda: self._device.ctrl_transfer(
                setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex, payload, milliseconds(timeout)
            )
        )

    def transfer(self, pipe: Pipe, data: bytes, length: int, timeout: float, zero_packet: bool) -> Answer:
        """A transfer on another endpoint."""
        if pipe.is_in:
            return self._timed(lambda: self._device.read(pipe.endpoint_address, length, milliseconds(timeout)))
        return self._timed(lambda: self._device.write(pipe.endpoint_address, data, milliseconds(timeout)))

    def exchange(self, out: Pipe, data: bytes, into: Pipe, timeout: float, packets: int = 1) -> tuple[Answer, bytes]:
        """One after the other, and packet by packet."""
        written = self.transfer(out, data, 0, timeout, False)
        came = bytearray()
        while written.ok and len(came) < len(data):
            answer = self.transfer(into, b"", into.max_packet_size, timeout, False)
            if not answer.ok:
                break
            came += answer.data
        return written, bytes(came)

    def reset_toggle(self, pipe: Pipe) -> None:
        """The operating system does so at SET_CONFIGURATION, SET_INTERFACE and CLEAR_FEATURE."""

    def run(self, seconds: float) -> None:
        """Let real time pass."""
        time.sleep(seconds)

    def _timed(self, call: Any) -> Answer:
        self._count += 1
        begin = self.now
        try:
            moved = call()
        except self._error as error:
            if error.errno in GONE:
                raise Disconnected(f"the device is gone: {error}") from None
            return Answer(STATUS.get(error.errno or 0, Status.ERROR), seconds=self.now - begin)
        except OSError as error:  # a connection to a server
            raise Disconnected(f"the device is gone: {error}") from None
        seconds = self.now - begin
        if isinstance(moved, int):
            return Answer(Status.COMPLETED, b"", moved, seconds)
        return Answer(Status.COMPLETED, bytes(moved), len(moved), seconds)


class PyUsbTarget:
    """`verify.target.Target`: a device that nobody here can power on anew."""

    wake = None

    def __init__(self, name: str, link: PyUsbLink, through: str) -> None:
        self.name = name
        self.link = link
        self.engine = through

    def restart(self, *, plugged: bool) -> NoReturn:
        """Nobody can."""
        raise NotApplicable("nobody here can power the device on anew")

    def last_words(self) -> str:
        """Its console is not known."""
        return ""


def find(device: str, server: str | None) -> PyUsbTarget:
    """The device with that VID:PID, of this machine or of a USB/IP server (HOST or HOST:PORT).

    Raises UsageError when there is none or the text makes no sense, EngineMissing without PyUSB or the USB/IP client.
    """
    try:
        vendor, product = (int(part, 16) for part in device.split(":"))
    except ValueError:
        raise UsageError(f"--device {device}: give VID:PID in hexadecimal digits, e.g. 2e8a:0005") from None
    try:
        import usb.core
    except ImportError:
        raise EngineMissing("PyUSB is not here: pip install pyusb") from None
    backend = None if server is None else usbip_backend(server)
    where = "of this machine" if server is None else f"of the USB/IP server {server}"
    try:
        found = usb.core.find(idVendor=vendor, idProduct=product, backend=backend)
    except usb.core.NoBackendError:
        raise EngineMissing("PyUSB finds no libusb: apt-get install libusb-1.0-0") from None
    except usb.core.USBError as error:
        raise UsageError(f"--device {device} {where}: {error}") from None
    if found is None:
        raise UsageError(f"--device {device}: no such device {where}")
    through = "PyUSB" if server is None else f"PyUSB over USB/IP ({server})"
    return PyUsbTarget(device, PyUsbLink(found, cancels=server is None), through)


def usbip_backend(server: str) -> Any:
    """PyUSB's back end for a USB/IP server."""
    host, _, port = server.partition(":")
    if port and not port.isdigit():
        raise UsageError(f"--usbip {server}: give HOST or HOST:PORT")
    try:
        from usbip_backend.backend import USBIPBackend
    except ImportError:
        raise EngineMissing("PyUSB's back end for USB/IP is not here: pip install pyusb-usbip-backend") from None
    return USBIPBackend(host, int(port or USBIP_PORT), timeout=5)


def milliseconds(seconds: float) -> int:
    """Of a time-out, at least one: 0 would be for ever."""
    return max(1, round(seconds * 1000))

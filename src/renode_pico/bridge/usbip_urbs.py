"""Requests of a USB/IP client as transfers of the host: what the kernel's usbip-host driver does with URBs."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from usb_protocol.types import USBStandardRequests as Request

from renode_pico.bridge.exported import ExportedDevice
from renode_pico.bridge.usbip_wire import (
    URB_SHORT_NOT_OK,
    URB_ZERO_PACKET,
    IsochronousPacket,
    Submit,
    pack_return,
)
from renode_pico.errors import DescriptorError, Disconnected, UsageError, UsbError
from renode_pico.trace.urb import urb_status
from renode_pico.usb import requests
from renode_pico.usb.device import Device
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType

MAX_REQUESTS = 1024
"""Requests one client may have under way; more are answered -ENOMEM."""
MAX_BYTES = 8 << 20
"""Bytes that these may carry together."""

PORT_RECIPIENT = 0x23
PORT_RESET = 4
"""How a client asks for a bus reset: SET_FEATURE(PORT_RESET) to a hub that is not there (USB 2.0, 11.24.2.13)."""


@dataclass(slots=True)
class Urb:
    """A request under way. `transfers`: one, or one for each isochronous packet."""

    submit: Submit
    device: Device
    transfers: list[Transfer] = field(default_factory=list)
    left: int = 0
    unlinked: bool = False


class UrbTable:
    """The requests of one client. `answer` gets the bytes of each answer, at the emulated instant it is known."""

    def __init__(self, exported: ExportedDevice, answer: Callable[[bytes], None]) -> None:
        self._exported = exported
        self._answer = answer
        self._urbs: dict[int, Urb] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._urbs)

    def submit(self, submit: Submit) -> None:
        """Begin a request; whatever is wrong with it is the status of its answer."""
        status = self._begin(submit)
        if status:
            self._answer(pack_return(submit.seqnum, status, 0, packets=_unmoved(submit, status)))

    def unlink(self, seqnum: int) -> int:
        """Cancel a request; it is not answered any more. Returns -ECONNRESET, or 0 when it was over already."""
        urb = self._urbs.get(seqnum)
        if urb is None:
            return 0
        self._cancel(urb)
        return -errno.ECONNRESET

    def cancel_all(self) -> None:
        """Cancel everything without an answer: the client has gone."""
        for urb in list(self._urbs.values()):
            self._cancel(urb)

    def _cancel(self, urb: Urb) -> None:
        urb.unlinked = True
        for transfer in urb.transfers:
            self._exported.host.cancel(transfer)

    def _begin(self, submit: Submit) -> int:
        device = self._exported.device
        if device is None:
            return -errno.ENODEV
        if submit.seqnum in self._urbs:
            return -errno.EINVAL
        if len(self._urbs) >= MAX_REQUESTS or self._bytes + submit.length > MAX_BYTES:
            return -errno.ENOMEM
        try:
            device.expect_present()
            if submit.endpoint == 0:
                return self._begin_control(device, submit)
            pipe = device.pipe(submit.endpoint_address)
        except Disconnected:
            return -errno.ENODEV
        except (UsageError, DescriptorError):
            return -errno.ENOENT
        if pipe.type is TransferType.ISOCHRONOUS:
            return self._begin_isochronous(device, pipe, submit)
        if submit.packets:
            return -errno.EINVAL
        zero_packet = bool(submit.flags & URB_ZERO_PACKET)
        return self._start(
            Urb(submit, device), [lambda done: self._submit(pipe, submit.data, submit.length, zero_packet, done)]
        )

    def _begin_control(self, device: Device, submit: Submit) -> int:
        setup = Setup.unpack(submit.setup)
        if setup.is_in != submit.is_in and setup.wLength:
            return -errno.EINVAL
        if setup.wLength > submit.length or (setup.wLength < submit.length and not setup.is_in):
            return -errno.EINVAL
        if (setup.bmRequestType, setup.bRequest, setup.wValue) == (PORT_RECIPIENT, Request.SET_FEATURE, PORT_RESET):
            return self._reset(submit)
        if (setup.bmRequestType, setup.bRequest) == (requests.DEVICE, Request.SET_ADDRESS):
            return -errno.EPERM
        submit_control = self._exported.host.submit
        data = b"" if setup.is_in else submit.data
        return self._start(
            Urb(submit, device),
            [lambda done: submit_control(device.control_pipe, data, setup=setup, on_done=done)],
        )

    def _begin_isochronous(self, device: Device, pipe: Pipe, submit: Submit) -> int:
        if not submit.packets:
            return -errno.EINVAL
        for packet in submit.packets:
            if packet.length > pipe.max_packet_size or packet.offset + packet.length > submit.length:
                return -errno.EMSGSIZE
        return self._start(
            Urb(submit, device),
            [self._isochronous_packet(pipe, submit, packet) for packet in submit.packets],
        )

    def _isochronous_packet(
        self, pipe: Pipe, submit: Submit, packet: IsochronousPacket
    ) -> Callable[[Callable[[Transfer], None]], Transfer]:
        data = submit.data[packet.offset : packet.offset + packet.length]
        return lambda done: self._submit(pipe, data, packet.length, False, done)

    def _submit(
        self, pipe: Pipe, data: bytes, length: int, zero_packet: bool, done: Callable[[Transfer], None]
    ) -> Transfer:
        host = self._exported.host
        if pipe.is_in:
            return host.submit(pipe, length=length, on_done=done)
        return host.submit(pipe, data, zero_packet=zero_packet, on_done=done)

    def _start(self, urb: Urb, starts: list[Callable[[Callable[[Transfer], None]], Transfer]]) -> int:
        urb.left = len(starts)
        self._urbs[urb.submit.seqnum] = urb
        self._bytes += urb.submit.length
        try:
            for start in starts:
                urb.transfers.append(start(lambda transfer: self._done(urb)))
        except (Disconnected, UsageError) as error:
            self._take_back(urb, len(starts) - len(urb.transfers))
            return -errno.ENODEV if isinstance(error, Disconnected) else -errno.EINVAL
        return 0

    def _take_back(self, urb: Urb, not_started: int) -> None:
        urb.unlinked = True
        urb.left -= not_started
        if urb.left:
            self._cancel(urb)
        else:
            self._forget(urb)

    def _done(self, urb: Urb) -> None:
        urb.left -= 1
        if urb.left:
            return
        self._forget(urb)
        if urb.unlinked:
            return
        if urb.submit.endpoint == 0:
            _take_note(urb)
        if urb.submit.packets:
            self._answer_isochronous(urb)
        else:
            self._answer_transfer(urb.submit, urb.transfers[0])

    def _forget(self, urb: Urb) -> None:
        del self._urbs[urb.submit.seqnum]
        self._bytes -= urb.submit.length

    def _answer_transfer(self, submit: Submit, transfer: Transfer) -> None:
        status = urb_status(transfer.status)
        data = transfer.data[: submit.length] if submit.is_in else b""
        actual_length = len(data) if submit.is_in else transfer.actual_length
        if status == 0 and submit.is_in and submit.flags & URB_SHORT_NOT_OK and actual_length < submit.length:
            status = -errno.EREMOTEIO
        self._answer(pack_return(submit.seqnum, status, actual_length, data))

    def _answer_isochronous(self, urb: Urb) -> None:
        packets, parts = [], []
        for packet, transfer in zip(urb.submit.packets, urb.transfers, strict=True):
            status = urb_status(transfer.status)
            packets.append(IsochronousPacket(packet.offset, packet.length, transfer.actual_length, status))
            parts.append(transfer.data if urb.submit.is_in else b"")
        gone = any(transfer.status is Status.DISCONNECTED for transfer in urb.transfers)
        data = b"".join(parts)
        actual_length = sum(packet.actual_length for packet in packets)
        status = -errno.ESHUTDOWN if gone else 0
        self._answer(pack_return(urb.submit.seqnum, status, actual_length, data, tuple(packets)))

    def _reset(self, submit: Submit) -> int:
        try:
            self._exported.reset()
        except UsbError:
            return -errno.ENODEV
        self._answer(pack_return(submit.seqnum, 0, 0))
        return 0


def _take_note(urb: Urb) -> None:
    """Do the host's side of the standard requests that have one (USB 2.0, 9.4.1, 9.4.7, 9.4.10)."""
    setup = Setup.unpack(urb.submit.setup)
    device = urb.device
    if urb.transfers[0].status is not Status.COMPLETED:
        return
    if (setup.bmRequestType, setup.bRequest) == (requests.DEVICE, Request.SET_CONFIGURATION):
        device.configured(setup.wValue & 0xFF)
    elif (setup.bmRequestType, setup.bRequest) == (requests.INTERFACE, Request.SET_INTERFACE):
        with suppress(UsageError, DescriptorError):  # a device may accept a setting that it does not describe
            device.interface_set(setup.wIndex & 0xFF, setup.wValue & 0xFF)
    elif (setup.bmRequestType, setup.bRequest, setup.wValue) == (
        requests.ENDPOINT,
        Request.CLEAR_FEATURE,
        requests.ENDPOINT_HALT,
    ):
        device.host.reset_toggle(device.address, setup.wIndex & 0x8F)


def _unmoved(submit: Submit, status: int) -> tuple[IsochronousPacket, ...]:
    return tuple(IsochronousPacket(each.offset, each.length, 0, status) for each in submit.packets)

"""A USB/IP server for the emulated device, on a loop (bridge/loop.py).

Several clients may list and import the device at the same time: their requests are queued on the same pipes, as those
of several programs on one computer are. With `exclusive` a second import is refused until the first client has gone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from renode_pico.bridge.channel import BACKLOG, Channel, accept, listen
from renode_pico.bridge.exported import ExportedDevice
from renode_pico.bridge.loop import READ, Loop
from renode_pico.bridge.usbip_urbs import UrbTable
from renode_pico.bridge.usbip_wire import (
    ST_DEV_BUSY,
    ST_NODEV,
    ST_OK,
    DeviceRecord,
    DevlistRequest,
    ImportRequest,
    Parser,
    ProtocolError,
    Submit,
    Unlink,
    pack_devlist,
    pack_import,
    pack_unlinked,
)
from renode_pico.errors import UsageError
from renode_pico.usb.device import Device

BUSNUM = 1
BUSID = "1-1"
PATH = "/sys/devices/platform/renode-pico/usb1/1-1"
MAX_CLIENTS = 64
ASK_TIMEOUT = 10.0
"""Real seconds in which a client must have said what it wants."""


class UsbipServer:
    """Listens on an address; `port` is the one it got. Raises OSError when it cannot listen."""

    def __init__(
        self,
        loop: Loop,
        exported: ExportedDevice,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        exclusive: bool = False,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.loop = loop
        self.exported = exported
        self.exclusive = exclusive
        self.report = report
        self.clients: list[UsbipClient] = []
        self._listener = listen(address, port)
        self.address, self.port = self._listener.getsockname()[:2]
        loop.watch(self._listener, READ, self._accept)
        loop.hooks.append(self._look_after)
        exported.follow(self)

    def record(self) -> DeviceRecord | None:
        """Describe the device on the bus; None while nothing is there."""
        device = self.exported.device
        return None if device is None else describe(device, self.exported.number)

    @property
    def importers(self) -> int:
        """How many clients have imported the device."""
        return sum(client.imported for client in self.clients)

    def found(self, device: Device) -> None:
        """A device has come: it is in the list from now on."""

    def lost(self) -> None:
        """The device has left: those who had imported it are told by the end of their connection."""
        for client in tuple(self.clients):
            if client.imported:
                client.end("the device left the bus")

    def close(self) -> None:
        """End all connections and stop listening."""
        for client in tuple(self.clients):
            client.channel.close()
        self.loop.forget(self._listener)
        self.loop.hooks.remove(self._look_after)
        self.exported.unfollow(self)
        self._listener.close()

    def _accept(self, events: int) -> None:
        sock = accept(self._listener)
        if sock is None:
            return
        if len(self.clients) >= MAX_CLIENTS:
            sock.close()
            return
        self.clients.append(UsbipClient(self, sock))

    def _look_after(self) -> None:
        now = self.loop.wall()
        for client in tuple(self.clients):
            client.look_after(now)


class UsbipClient:
    """One connection: an operation, and requests for the device after an import."""

    def __init__(self, server: UsbipServer, sock: socket.socket) -> None:
        self._server = server
        self._parser = Parser()
        self._born = server.loop.wall()
        self._name = name_of(sock)
        self.imported = False
        self.channel = Channel(server.loop, sock, self._received, self._closed)
        self._urbs = UrbTable(server.exported, self._answer)

    def look_after(self, now: float) -> None:
        """Pass answers on, and end the connection of a client that asks for nothing."""
        self.channel.flush()
        self._handle_all()
        if not self.imported and not self.channel.closed and now - self._born > ASK_TIMEOUT:
            self.end(f"no request within {ASK_TIMEOUT:g} s")

    def end(self, why: str) -> None:
        """Close the connection once the client has taken its answers."""
        self._server.report(f"usbip    {self._name}: {why}")
        self.channel.end()

    def _received(self, data: bytes) -> None:
        self._parser.feed(data)
        self._handle_all()

    def _handle_all(self) -> None:
        """Handle what has arrived, as long as the client takes its answers."""
        try:
            while not self.channel.closed and self.channel.backlog < BACKLOG:
                message = self._parser.next()
                if message is None:
                    break
                self._handle(message)
        except ProtocolError as error:
            self.end(f"not USB/IP ({error})")

    def _handle(self, message: object) -> None:
        if isinstance(message, Submit):
            self._urbs.submit(message)
        elif isinstance(message, Unlink):
            self.channel.write(pack_unlinked(message.seqnum, self._urbs.unlink(message.target)))
        elif isinstance(message, ImportRequest):
            self._import(message.busid)
        elif isinstance(message, DevlistRequest):
            record = self._server.record()
            self.channel.write(pack_devlist([] if record is None else [record]))
            self.channel.end()

    def _import(self, busid: str) -> None:
        record = self._server.record()
        if record is None or record.busid != busid:
            status = ST_NODEV
        elif self._server.exclusive and self._server.importers:
            status = ST_DEV_BUSY
        else:
            status = ST_OK
        self.channel.write(pack_import(status, record if status == ST_OK else None))
        if status == ST_OK:
            self.imported = self._parser.imported = True
            self._server.report(f"usbip    {self._name}: imported {busid}")
        else:
            self.end(f"cannot import {busid!r}: {'busy' if status == ST_DEV_BUSY else 'no such device'}")

    def _answer(self, data: bytes) -> None:
        self.channel.write(data)
        if not self._urbs:
            self._server.loop.expect_request()

    def _closed(self) -> None:
        self._urbs.cancel_all()
        self._server.clients.remove(self)
        if self.imported:
            self._server.report(f"usbip    {self._name}: gone")


def describe(device: Device, number: int) -> DeviceRecord:
    """Return a device's entry in the list; `number`: how many devices have been found so far."""
    descriptor = device.descriptor
    try:
        configuration = device.configuration
        value, found = configuration.bConfigurationValue, configuration.interfaces
    except UsageError:
        value, found = 0, ()
    return DeviceRecord(
        path=PATH,
        busid=BUSID,
        busnum=BUSNUM,
        devnum=(number - 1) % 127 + 1,
        idVendor=descriptor.idVendor,
        idProduct=descriptor.idProduct,
        bcdDevice=descriptor.bcdDevice,
        bDeviceClass=descriptor.bDeviceClass,
        bDeviceSubClass=descriptor.bDeviceSubClass,
        bDeviceProtocol=descriptor.bDeviceProtocol,
        bConfigurationValue=value,
        bNumConfigurations=descriptor.bNumConfigurations,
        interfaces=tuple((each.bInterfaceClass, each.bInterfaceSubClass, each.bInterfaceProtocol) for each in found),
    )


def name_of(sock: socket.socket) -> str:
    """Return a client's address for people."""
    try:
        return "{}:{}".format(*sock.getpeername()[:2])
    except (OSError, IndexError):
        return "a client"

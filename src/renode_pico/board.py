"""A board with everything plugged together: engine, cable, enumerated device, REPL.

What the command line, the pytest fixtures and the Robot library have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from renode_pico.engine.protocol import BoardConfig, Engine
from renode_pico.engine.select import EngineName, create
from renode_pico.errors import Disconnected, FirmwareError, Timeout, UsbError
from renode_pico.firmware import find_image
from renode_pico.micropython.repl import Repl
from renode_pico.micropython.stream import CdcStream, UartStream
from renode_pico.usb.cdc import CdcPort, cdc_ports
from renode_pico.usb.device import Device, enumerate_device
from renode_pico.usb.transfer import Host

ATTACH_TIMEOUT = 10.0
"""Emulated seconds a firmware may take from power-on to its pull-up."""


class Board:
    """A running Pico. `firmware` is a variant name or a path; `files` go into its flash file system.

    Use it as a context manager, or call `close()`.
    """

    def __init__(
        self,
        firmware: str | Path = "cdc",
        *,
        engine: EngineName = "auto",
        files: Mapping[str, bytes] | None = None,
        flash_file: Path | None = None,
        cores: int | None = None,
    ) -> None:
        self.firmware = find_image(str(firmware))
        self.config = BoardConfig(
            firmware=self.firmware, flash_image=file_system(files), flash_file=flash_file, cores=cores
        )
        self.engine: Engine = create(engine, self.config)
        self._device: Device | None = None
        self._ports: dict[int, CdcPort] = {}
        self._usb_repl: Repl | None = None
        self._uart_repl: Repl | None = None

    @property
    def host(self) -> Host:
        """The USB host at the other end of the cable."""
        return self.engine.host

    @property
    def device(self) -> Device:
        """The device as last enumerated; enumerates on first use."""
        if self._device is None:
            self._device = self.enumerate()
        return self._device

    @property
    def enumerated(self) -> Device | None:
        """The device as last enumerated, if it has not been forgotten since."""
        return self._device

    def enumerate(self, timeout: float = ATTACH_TIMEOUT) -> Device:
        """Plug the cable in unless it is, wait for the pull-up, reset the bus and read everything.

        timeout: emulated seconds until the device must be attached. Raises FirmwareError when it never
        attaches or its answers make no sense, Stall or Timeout as the device gives cause.
        """
        if not self.host.plugged:
            self.host.plug()
        self.forget_device()
        try:
            self.host.wait_attached(timeout=timeout)
        except Timeout as error:
            raise FirmwareError(
                f"{self.firmware.name}: no USB device attached within {timeout:g} emulated seconds of plugging in "
                f"(at {self.engine.now:.3f} s): the firmware has no USB, crashed or hangs"
            ) from error
        self._device = enumerate_device(self.host)
        return self._device

    def forget_device(self) -> None:
        """Drop what is known of the device, e.g. because it left the bus."""
        self._device = None
        self._ports.clear()
        self._usb_repl = None

    def wait_reattached(self, count: int, timeout: float = ATTACH_TIMEOUT) -> Device:
        """Wait until a device has attached `count` times (`host.attach_count`), then enumerate it."""
        self.host.wait_attach_count(count, timeout=timeout)
        return self.enumerate(timeout)

    def cdc(self, index: int = 0) -> CdcPort:
        """The CDC-ACM port with that index, open (DTR and RTS set)."""
        if index not in self._ports:
            ports = cdc_ports(self.device)
            if index >= len(ports):
                raise UsbError(f"the device has {len(ports)} CDC-ACM ports, there is no port {index}")
            ports[index].open()
            self._ports[index] = ports[index]
        return self._ports[index]

    def repl(self) -> Repl:
        """The REPL on the built-in USB port."""
        if self._usb_repl is None:
            self._usb_repl = Repl(CdcStream(self.cdc(0)))
        return self._usb_repl

    def uart_repl(self, number: int = 0) -> Repl:
        """The REPL on a UART, for firmware that has one there."""
        if self._uart_repl is None:
            self._uart_repl = Repl(UartStream(self.engine, number))
        return self._uart_repl

    def exec(self, code: str | bytes, timeout: float = 30.0) -> bytes:
        """Run code through the USB REPL and return what it printed.

        timeout: emulated seconds. Raises ScriptError with the device's traceback, Timeout, Disconnected.
        """
        return self.repl().exec(code, timeout=timeout)

    def exec_detaching(self, code: str | bytes, timeout: float = ATTACH_TIMEOUT) -> Device:
        """Run code that makes the device leave the bus and come back as another; returns the new one."""
        count = self.host.attach_count
        with suppress(Disconnected):
            self.repl().exec(code, timeout=timeout)
        return self.wait_reattached(count + 1, timeout)

    def reset(self) -> None:
        """Pull the RUN pin; the device leaves the bus."""
        self.engine.reset()
        self.forget_device()

    def power_cycle(self) -> None:
        """Take the power away and give it back; the flash is kept."""
        self.engine.power_cycle()
        self.forget_device()

    def close(self) -> None:
        """End the engine."""
        self.engine.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def file_system(files: Mapping[str, bytes] | None) -> bytes | None:
    """Make the image of a flash file system with these files; None without any."""
    if not files:
        return None
    from renode_pico.micropython.filesystem import make_image  # a board without files starts without littlefs

    return make_image(files)

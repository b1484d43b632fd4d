"""A board with everything plugged together: engine, cable, enumerated device, REPL.

What the command line, the pytest fixtures and the Robot library have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from renode_pico.engine.protocol import BoardConfig, Engine
from renode_pico.engine.select import EngineName, create
from renode_pico.errors import Disconnected, FirmwareError, Timeout, UsageError, UsbError
from renode_pico.firmware import find_image
from renode_pico.firmware.identity import STORAGE, Identity, identify
from renode_pico.firmware.images import read_flash_file
from renode_pico.micropython.repl import Repl
from renode_pico.micropython.stream import CdcStream, UartStream
from renode_pico.rp2040.xip_ctrl import checked_latency
from renode_pico.sanitizer.findings import Finding, findings
from renode_pico.usb.cdc import CdcPort, cdc_ports
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.temper import Temper
from renode_pico.usb.transfer import Host

ATTACH_TIMEOUT = 10.0
"""Emulated seconds a firmware may take from power-on to its pull-up."""
BOOTSEL_TIME = 0.05
"""Emulated seconds for which BOOTSEL is held at power-on: until the boot ROM has looked."""


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """A board as it was once: `Board.restore` takes it."""

    board: Board
    state: Any


ERRATA = ("E15",)
"""Faults of the silicon that a board has only when it is asked for them."""


def _known(errata: Iterable[str]) -> frozenset[str]:
    asked = frozenset(errata)
    if unknown := sorted(asked - set(ERRATA)):
        raise UsageError(f"erratum {', '.join(unknown)}: there are {', '.join(ERRATA)}; others come with the revision")
    return asked


class Board:
    """A running Pico. `firmware` is a variant name or a path.

    `files` go into MicroPython's file system in the flash, beside what a `flash_file` holds already. `bootsel`: the
    button is held as the power comes on, so that the boot ROM's own device appears. `cores`, `mips`, `flash_latency`,
    `revision`: see `BoardConfig`. `temper`: how the host takes a device that lies about itself, see `usb.temper`.
    `sanitize`: what the firmware does to the USB controller that it must not is noted (`findings`). `errata`: of
    ERRATA. Use it as a context manager, or call `close()`.

    Raises EngineMissing, ImageError, and UsageError for what the firmware or the engine has no use for.
    """

    def __init__(
        self,
        firmware: str | Path = "cdc",
        *,
        engine: EngineName = "auto",
        files: Mapping[str, bytes] | None = None,
        flash_file: Path | None = None,
        cores: int | None = None,
        mips: int | None = None,
        flash_latency: float = 0.0,
        revision: str | None = None,
        bootsel: bool = False,
        temper: Temper | str = Temper.LENIENT,
        sanitize: bool = False,
        errata: Iterable[str] = (),
    ) -> None:
        self.temper = Temper(temper)
        self.firmware = find_image(str(firmware))
        self._identity: Identity | None = None
        saved = flash_file if files and flash_file is not None and flash_file.exists() else None
        image = self._file_system(files, saved) if files else None
        self.config = BoardConfig(
            firmware=self.firmware,
            flash_image=image,
            flash_offset=self.identity.storage[0] if image else STORAGE[0],
            flash_file=flash_file,
            cores=cores,
            mips=mips,
            flash_latency=checked_latency(flash_latency),
            revision=revision,
            sanitize=sanitize,
            errata=_known(errata),
        )
        self.engine: Engine = create(engine, self.config)
        if image and saved:
            self.engine.load_flash(image, self.config.flash_offset)
        self._device: Device | None = None
        self._ports: dict[int, CdcPort] = {}
        self._usb_repl: Repl | None = None
        self._uart_repl: Repl | None = None
        if bootsel:
            self._hold_bootsel()

    @property
    def identity(self) -> Identity:
        """What the firmware image says it is."""
        if self._identity is None:
            self._identity = identify(self.firmware)
        return self._identity

    @property
    def findings(self) -> list[Finding]:
        """What the sanitizer has found so far, once for each place; none without `sanitize`."""
        return findings(self.engine.misuses, self.firmware)

    @property
    def host(self) -> Host:
        """The USB host at the other end of the cable."""
        return self.engine.host

    @property
    def device(self) -> Device:
        """The device as last enumerated; enumerates on first use, and again when another one has come in its place."""
        self._notice_another()
        if self._device is None:
            self._device = self.enumerate()
        return self._device

    @property
    def enumerated(self) -> Device | None:
        """The device as last enumerated, if it has not been forgotten since."""
        return self._device

    def enumerate(self, timeout: float = ATTACH_TIMEOUT) -> Device:
        """Plug the cable in unless it is, wait for the pull-up, reset the bus and read everything.

        Again and again, as an operating system does, unless the board's host is strict: see `enumerate_device`.
        timeout: emulated seconds until the device must be attached. Raises FirmwareError when it never
        attaches, DescriptorError when its answers make no sense, Stall or Timeout as the device gives cause.
        """
        if not self.host.plugged:
            self.host.plug()
        self.forget_device()
        meanwhile = self.host.meanwhile()
        try:
            self.host.wait_attached(timeout=timeout)
        except Timeout as error:
            raise FirmwareError(
                f"{self.firmware.name}: no USB device attached within {timeout:g} emulated seconds of plugging in "
                f"(at {self.engine.now:.3f} s): the firmware has no USB, crashed or hangs{meanwhile}"
            ) from error
        self._device = enumerate_device(self.host, timeout=timeout, temper=self.temper)
        return self._device

    def forget_device(self) -> None:
        """Drop what is known of the device, e.g. because it left the bus."""
        self._device = None
        self._ports.clear()
        self._usb_repl = None

    def _notice_another(self) -> None:
        """Forget a device that has left where another one has come, or the same again."""
        if self._device is not None and not self._device.present and self.host.attached:
            self.forget_device()

    def wait_reattached(self, count: int, timeout: float = ATTACH_TIMEOUT) -> Device:
        """Wait until a device has attached `count` times (`host.attach_count`), then enumerate it."""
        self.host.wait_attach_count(count, timeout=timeout)
        return self.enumerate(timeout)

    def cdc(self, index: int = 0) -> CdcPort:
        """The CDC-ACM port with that index, open (DTR and RTS set)."""
        self._notice_another()
        if index not in self._ports:
            ports = cdc_ports(self.device)
            if index >= len(ports):
                raise UsbError(f"the device has {len(ports)} CDC-ACM ports, there is no port {index}")
            ports[index].open()
            self._ports[index] = ports[index]
        return self._ports[index]

    def repl(self) -> Repl:
        """The REPL on the built-in USB port. Raises UsageError when the firmware is not MicroPython."""
        self._notice_another()
        if self._usb_repl is None:
            self.require_micropython("the REPL")
            self._usb_repl = Repl(CdcStream(self.cdc(0)))
        return self._usb_repl

    def uart_repl(self, number: int = 0) -> Repl:
        """The REPL on a UART, for firmware that has one there."""
        if self._uart_repl is None:
            self._uart_repl = Repl(UartStream(self.engine, number))
        return self._uart_repl

    def complaint(self) -> str:
        """The traceback with which boot.py or main.py has ended, as the board printed it; empty when there is none.

        Half an emulated second passes while a program runs; what the board says in it is taken from its port.
        """
        from renode_pico.micropython.complaint import complaint

        return complaint(self)

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

    def press(self, button: str, down: bool = True) -> None:
        """Push a button down or let it go: `bootsel`. Raises UsageError when there is no such button."""
        self.engine.press(button, down)

    def led(self, name: str = "led") -> bool:
        """Whether an LED is lit: `led`. Raises UsageError when there is no such LED."""
        return self.engine.led(name)

    def set_adc(self, channel: int, volts: float) -> None:
        """The voltage at ADC input 0 to 3 (GPIO26 to GPIO29). Raises UsageError for any other."""
        self.engine.set_adc(channel, volts)

    def set_temperature(self, celsius: float) -> None:
        """The chip's temperature."""
        self.engine.set_temperature(celsius)

    def set_clock_input(self, pin: int, hertz: int) -> None:
        """An oscillator at a clock input, GPIO20 or GPIO22; 0 Hz: none. Raises UsageError for any other pin."""
        self.engine.set_clock_input(pin, hertz)

    def snapshot(self, *also: Any) -> BoardSnapshot:
        """Keep the board as it is, its device, open ports and what is under way; and the objects in `also`.

        For this board in this process. Traces and other files go on as they are.
        """
        return BoardSnapshot(self, self.engine.snapshot(self, *also))

    def restore(self, snapshot: BoardSnapshot) -> None:
        """The board as it was, its time included; any number of times, in any order.

        Raises UsageError for the snapshot of another board.
        """
        if snapshot.board is not self:
            raise UsageError("this snapshot is of another board")
        self.engine.restore(snapshot.state)

    def start_gdb(self, port: int) -> None:
        """Let GDB connect to a TCP port of this machine. Raises UsageError when that cannot be."""
        self.engine.start_gdb(port)

    def require_micropython(self, what: str) -> None:
        """Raise UsageError unless the firmware is MicroPython; `what` needs it."""
        if not self.identity.micropython:
            raise UsageError(f"{self.firmware.name} is not MicroPython, which {what} needs")

    def _file_system(self, files: Mapping[str, bytes], saved: Path | None) -> bytes:
        """The image of the flash's file system with these files, and with those of a saved flash."""
        from renode_pico.micropython.filesystem import make_image, update_image  # without files, without littlefs

        self.require_micropython(f"a file system with {' and '.join(list(files)[:3])}")
        offset, size = self.identity.storage
        if saved is None:
            return make_image(files, size)
        return update_image(read_flash_file(saved)[offset : offset + size], files)

    def _hold_bootsel(self) -> None:
        try:
            self.press("bootsel")
            self.engine.run(BOOTSEL_TIME)
            self.press("bootsel", False)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the engine."""
        self.engine.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

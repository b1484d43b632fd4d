"""A Jumpstarter driver: an emulated Pico as a board of an exporter, with power, a console and a way to flash it.

    # exporter configuration
    export:
      pico:
        type: renode_pico.frameworks.jumpstarter.RenodePico
        config: {image: cdc, engine: embedded}

It keeps `renode-pico serve` running while the power is on: real time, as Jumpstarter's clients have it. The console is
the first CDC port of whatever device the firmware shows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio import to_thread
from anyio.streams.file import FileWriteStream
from jumpstarter.driver import Driver, export
from jumpstarter_driver_opendal.driver import FlasherInterface
from jumpstarter_driver_power.driver import PowerInterface, PowerReading
from jumpstarter_driver_pyserial.driver import PySerial

from renode_pico.errors import FirmwareError

END_TIME = 10.0
"""Real seconds that a board gets to end by itself."""


@dataclass(kw_only=True)
class RenodePico(Driver):  # type: ignore[misc]
    """An emulated Pico.

    `image`: what it runs until it is flashed, as `--firmware` names it. `engine`: as `--engine`. `options`: further
    ones of `renode-pico serve`. Children: `power`, `console`, `flasher`.
    """

    image: str = "cdc"
    engine: str = "embedded"
    options: list[str] = field(default_factory=list)

    @classmethod
    def client(cls) -> str:
        """Jumpstarter's client for a thing with children."""
        return "jumpstarter_driver_composite.client.CompositeClient"

    def __post_init__(self) -> None:
        """Make the children."""
        super().__post_init__()
        self.folder = TemporaryDirectory(prefix="pico-jumpstarter-")
        self.link = Path(self.folder.name) / "console"
        self.children["power"] = PicoPower(parent=self)
        self.children["console"] = PySerial(url=str(self.link), check_present=False)
        self.children["flasher"] = PicoFlasher(parent=self)


@dataclass(kw_only=True)
class PicoPower(PowerInterface, Driver):  # type: ignore[misc]
    """The board's power: a process that serves it."""

    parent: RenodePico
    _process: subprocess.Popen[str] | None = field(init=False, default=None, repr=False)

    @property
    def is_on(self) -> bool:
        """Whether the board is running."""
        return self._process is not None and self._process.poll() is None

    @export
    async def on(self) -> None:
        """Power on; back when the board's device is on the bus. Raises FirmwareError with what was said instead."""
        if not self.is_on:
            await to_thread.run_sync(self._start)

    @export
    async def off(self) -> None:
        """Take the power away."""
        await to_thread.run_sync(self.close)

    @export
    async def read(self) -> AsyncGenerator[PowerReading, None]:
        """An emulated board draws no current."""
        raise NotImplementedError("an emulated board draws no current")
        yield  # makes it a generator

    def _start(self) -> None:
        command = [sys.executable, "-m", "renode_pico", "serve", "--pty", "--link", str(self.parent.link)]
        command += ["--engine", self.parent.engine, "--firmware", self.parent.image, *self.parent.options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line.strip())
            if line.startswith("device"):
                return
        self.close()
        raise FirmwareError(f"the board did not start: {' '.join(said[-1:])}")

    def close(self) -> None:
        """End the process, and whatever it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(END_TIME)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@dataclass(kw_only=True)
class PicoFlasher(FlasherInterface, Driver):  # type: ignore[misc]
    """Puts another image on the board."""

    parent: RenodePico

    @export
    async def flash(self, source: Any, target: str | None = None) -> None:
        """Write a UF2, ELF or flat binary; a board that is running starts again with it."""
        path = Path(self.parent.folder.name) / "image"
        async with await FileWriteStream.from_path(path) as stream, self.resource(source) as content:
            async for chunk in content:
                await stream.send(chunk)
        self.parent.image = str(path)
        power: PicoPower = self.parent.children["power"]
        if power.is_on:
            await power.off()
            await power.on()

    @export
    async def dump(self, target: Any, partition: str | None = None) -> None:
        """Not offered."""
        raise NotImplementedError("'renode-pico serve --flash FILE' keeps the flash in a file")

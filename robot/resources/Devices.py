"""Devices at the embedded engine's SPI and I2C, for suites: what Renode's own of the same names do.

They are written against what the engine documents (docs/embedded.md): `SpiDevice`, `I2cTarget`.
"""

from __future__ import annotations

from collections.abc import Callable

from robot.api.deco import keyword
from robot.libraries.BuiltIn import BuiltIn

from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.rp2040.i2c import I2c

LIBRARY = "renode_pico.robot_library.PicoLibrary"


class Target:
    """An I2C device with an address, which may hold the clock low before each byte."""

    def __init__(self, engine: EmbeddedEngine, i2c: I2c, address: int) -> None:
        self._engine = engine
        self._bus = i2c.bus
        self._address = address
        self.stretches = 0.0
        """Seconds."""
        self._let_go = False

    def start(self, address: int, read: bool) -> bool:
        """START: whether it is meant."""
        if address == self._address:
            self.meant(read)
        return address == self._address

    def _holds_clock(self) -> bool:
        """Whether SCL stays low for now; it is let go later."""
        if not self.stretches or self._let_go:
            self._let_go = False
            return False
        self._engine.at(self._engine.now + self.stretches, self._release)
        return True

    def _release(self) -> None:
        self._let_go = True
        self._bus.released()

    def write(self, value: int) -> bool | None:
        """A byte for it; None: later."""
        return None if self._holds_clock() else self.take(value)

    def read(self) -> int | None:
        """A byte from it; None: later."""
        return None if self._holds_clock() else self.give()

    def acknowledge(self, more: bool) -> None:
        """What the controller says to a byte."""

    def stop(self) -> None:
        """STOP."""

    def meant(self, read: bool) -> None:
        """It was addressed, to be read from or written to."""

    def take(self, value: int) -> bool:
        """Whether it acknowledges a byte."""
        raise NotImplementedError

    def give(self) -> int:
        """Its next byte."""
        raise NotImplementedError


class Echo(Target):
    """Gives back what it was written, from its beginning."""

    def __init__(self, engine: EmbeddedEngine, i2c: I2c, address: int) -> None:
        super().__init__(engine, i2c, address)
        self._written = b""
        self._at = 0

    def meant(self, read: bool) -> None:
        """Reading goes through what was written."""
        self._at = 0
        self._written = self._written if read else b""

    def take(self, value: int) -> bool:
        """One more."""
        self._written += bytes([value])
        return True

    def give(self) -> int:
        """The next one."""
        self._at += 1
        return self._written[self._at - 1] if self._at <= len(self._written) else 0


class Thermometer(Target):
    """A TMP103: temperature, configuration, and the limits of its alert, a byte each (Texas Instruments, SBOS545)."""

    def __init__(self, engine: EmbeddedEngine, i2c: I2c, address: int) -> None:
        super().__init__(engine, i2c, address)
        self.registers = bytearray((0, 0b10, -10 & 0xFF, 60))
        self._pointer = 0
        self._points = False

    def meant(self, read: bool) -> None:
        """The first byte written is the number of a register."""
        self._points = not read

    def take(self, value: int) -> bool:
        """A number, or what to write there."""
        if self._points:
            self._pointer, self._points = value & 3, False
        elif self._pointer:
            self.registers[self._pointer] = value
        return True

    def give(self) -> int:
        """The register, again and again."""
        return self.registers[self._pointer]


class Selected:
    """An SPI device that is selected by a GPIO, low; -1: always."""

    def __init__(self, engine: EmbeddedEngine, pin: int) -> None:
        self._engine = engine
        self._pin = pin
        if pin >= 0:
            engine.chip.pins.watch(self._selection, 1 << pin)

    def _selection(self, changed: int, levels: int) -> None:
        if levels >> self._pin & 1:
            self.deselected()

    def exchange(self, value: int, bits: int) -> int:
        """A frame, if it is meant; else nobody drives MISO."""
        return self.answer(value) if self._pin < 0 or not self._engine.gpio(self._pin) else 0

    def deselected(self) -> None:
        """The select went high."""

    def answer(self, value: int) -> int:
        """A frame for a frame."""
        raise NotImplementedError


class Mirror(Selected):
    """Answers each frame with the same."""

    def answer(self, value: int) -> int:
        """The same."""
        return value


class SpiThermometer(Selected):
    """An LM74: 13 bits of temperature, a sixteenth of a degree each, and three more (Texas Instruments, SNIS107)."""

    def __init__(self, engine: EmbeddedEngine, pin: int) -> None:
        super().__init__(engine, pin)
        self.celsius = 0.0
        self._left = 0
        self._bits = 0

    def deselected(self) -> None:
        """Another reading begins with the next frame."""
        self._left = 0

    def answer(self, value: int) -> int:
        """High byte, low byte; the last three bits are 1 and two that nobody drives."""
        if not self._left:
            self._bits, self._left = round(self.celsius * 16) << 3 & 0xFFF8 | 0b111, 2
        self._left -= 1
        return self._bits >> 8 * self._left & 0xFF


class Devices:
    """The keywords; a test's devices end with its boards."""

    ROBOT_LIBRARY_SCOPE = "TEST"

    def __init__(self) -> None:
        self._thermometers: dict[str, Thermometer | SpiThermometer] = {}
        self._targets: list[Target] = []

    @property
    def _engine(self) -> EmbeddedEngine:
        engine: EmbeddedEngine = BuiltIn().get_library_instance(LIBRARY).embedded
        return engine

    @keyword
    def each_controller_is_wired_to_the_other(self) -> None:
        """SPI1 to SPI0, and I2C1 to I2C0, as slaves."""
        chip = self._engine.chip
        chip.spis[0].device = chip.spis[1]
        chip.i2cs[0].join(chip.i2cs[1].bus)

    @keyword
    def a_device_is_attached(self, name: str, controller: str, at: str) -> None:
        """Echo and thermometer at I2C0's address, spi thermometer and mirror at SPI0, selected by a GPIO."""
        chip, number = self._engine.chip, int(controller[-1])
        if controller.startswith("i2c"):
            make: Callable[..., Target] = {"echo": Echo, "thermometer": Thermometer}[name]
            target = make(self._engine, chip.i2cs[number], int(at, 0))
            chip.i2cs[number].bus.attach(target)
            self._targets.append(target)
            if isinstance(target, Thermometer):
                self._thermometers[controller] = target
        elif name == "mirror":
            chip.spis[number].device = Mirror(self._engine, int(at, 0))
        else:
            assert name == "spi thermometer", name
            chip.spis[number].device = self._thermometers[controller] = SpiThermometer(self._engine, int(at, 0))

    @keyword
    def the_thermometer_is_at(self, controller: str, celsius: float) -> None:
        """Degrees Celsius."""
        thermometer = self._thermometers[controller]
        if isinstance(thermometer, SpiThermometer):
            thermometer.celsius = float(celsius)
        else:
            thermometer.registers[0] = round(float(celsius)) & 0xFF

    @keyword("A Device Holds SDA")
    def a_device_holds_sda(self, clocks: int) -> None:
        """On I2C0, until it has seen so many clocks: it missed some in a transfer that was cut off."""
        self._engine.chip.i2cs[0].hold_data(int(clocks))

    @keyword
    def devices_stretch_the_clock(self, seconds: float) -> None:
        """On I2C0: how long each of them holds SCL low before a byte."""
        for target in self._targets:
            target.stretches = float(seconds)

    @keyword
    def another_master_wins_the_bus(self) -> None:
        """I2C0, in the transfer in hand or the next one."""
        self._engine.chip.i2cs[0].lose_arbitration()

"""The embedded engine's machine, and the chip around it, as models for the vectors of the bus."""

from __future__ import annotations

from renode_pico.core.machine import Machine
from tests.unit.core.bus_vectors import NS_PER_CYCLE
from tests.unit.rp2040.chip_bench import Bench


class EmbeddedModel:
    """The embedded engine's machine."""

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or Machine()

    def read(self, address: int) -> int:
        value = self._machine.bus_read(address)
        assert value is not None, "nothing answers"
        return value

    def write(self, address: int, value: int, size: int) -> None:
        assert self._machine.bus_write(address, value, size), "nothing answers"

    def read_memory(self, address: int, length: int) -> bytes:
        return b"".join((self._machine.bus_read(address + n, 1) or 0).to_bytes(1, "little") for n in range(length))

    def write_memory(self, address: int, data: bytes) -> None:
        for n, byte in enumerate(data):
            self._machine.bus_write(address + n, byte, 1)

    def wait(self, length_ns: int) -> None:
        self._machine.run(self._machine.cycles + length_ns // NS_PER_CYCLE)

    def irq(self, core: int, number: int) -> bool:
        return bool(self._machine.irq_levels(core) >> number & 1)

    def drive(self, pin: int, level: bool | None, *, of_flash: bool) -> None:
        set_external = self._machine.set_external_qspi if of_flash else self._machine.set_external
        set_external(1 << pin, bool(level) << pin, (level is not None) << pin)

    def level(self, pin: int) -> bool:
        return bool(self._machine.pin_levels() >> pin & 1)

    def clock_input(self, pin: int, hz: int) -> None:
        raise AssertionError("clocks are the chip's")

    def request(self, number: int, level: bool) -> None:
        self._machine.set_dreq(number, level)

    def close(self) -> None:
        self._machine.close()


class EmbeddedChip(EmbeddedModel):
    """The embedded engine's chip, its blocks out of reset, on the ring oscillator."""

    def __init__(self) -> None:
        self._bench = Bench(clocks=False)
        super().__init__(self._bench.machine)

    def wait(self, length_ns: int) -> None:
        self._bench.run(length_ns / 1e9)

    def clock_input(self, pin: int, hz: int) -> None:
        self._bench.chip.clocks.set_input(pin, hz)

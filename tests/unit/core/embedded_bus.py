"""The embedded engine's machine as a model for the vectors of the bus."""

from __future__ import annotations

from renode_pico.core.machine import Machine


class EmbeddedModel:
    """The embedded engine's machine."""

    def __init__(self) -> None:
        self._machine = Machine()

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

    def wait(self, cycles: int) -> None:
        self._machine.run(self._machine.cycles + cycles)

    def irq(self, core: int, number: int) -> bool:
        return bool(self._machine.irq_levels(core) >> number & 1)

    def drive(self, pin: int, level: bool | None, *, of_flash: bool) -> None:
        set_external = self._machine.set_external_qspi if of_flash else self._machine.set_external
        set_external(1 << pin, bool(level) << pin, (level is not None) << pin)

    def level(self, pin: int) -> bool:
        return bool(self._machine.pin_levels() >> pin & 1)

    def request(self, number: int, level: bool) -> None:
        self._machine.set_dreq(number, level)

    def close(self) -> None:
        self._machine.close()

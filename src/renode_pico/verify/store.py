"""Control requests that keep what they are given, so that it can be read back."""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.usb.transfer import Setup
from renode_pico.verify.bench import Bench

WRITE, READ = 0x5B, 0x5C
"""usbtest's vendor requests (Linux, drivers/usb/misc/usbtest.c)."""
LARGEST = 4096
SET_LINE_CODING, GET_LINE_CODING = 0x20, 0x21
LINE_CODING = 7


@dataclass(frozen=True, slots=True)
class Store:
    """How data is put and read back. `fixed`: the one length it takes; None for any up to LARGEST."""

    fixed: int | None
    interface: int

    def write(self, length: int) -> Setup:
        """The request that stores so many bytes."""
        if self.fixed is None:
            return Setup(0x40, WRITE, 0, 0, length)
        return Setup(0x21, SET_LINE_CODING, 0, self.interface, length)

    def read(self, length: int) -> Setup:
        """The request that reads them back."""
        if self.fixed is None:
            return Setup(0xC0, READ, 0, 0, length)
        return Setup(0xA1, GET_LINE_CODING, 0, self.interface, length)

    def data(self, bench: Bench, length: int) -> bytes:
        """Random data that it accepts."""
        if self.fixed is None:
            return bench.rng.randbytes(length)
        return bench.rng.choice((9600, 19200, 57600, 115200, 230400)).to_bytes(4, "little") + bytes([0, 0, 8])

    @property
    def length(self) -> int:
        """A length to try with, several packets where it can be."""
        return self.fixed or 150


def store(bench: Bench) -> Store:
    """Where the configured device keeps control data: usbtest's vendor requests, or CDC's line coding.

    Raises NotApplicable when it has neither.
    """
    if bench.store is None:
        bench.store = _find(bench)
    if bench.store is False:
        bench.skip("no request of this device keeps data that can be read back")
    assert isinstance(bench.store, Store)
    return bench.store


def _find(bench: Bench) -> Store | bool:
    candidates = [Store(None, 0), *(Store(LINE_CODING, number) for number in bench.tree.acm_interfaces())]
    for candidate in candidates:
        data = candidate.data(bench, candidate.length)
        written = bench.control(candidate.write(len(data)), data).ok
        if written and bench.control(candidate.read(len(data))).data == data:
            return candidate
    return False

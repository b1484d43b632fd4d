"""A chip whose core sleeps: a test writes its registers over the bus, and lets emulated time pass."""

from __future__ import annotations

from renode_pico.clock import NS_PER_S
from renode_pico.core.clock import MachineRunner
from renode_pico.core.machine import Run
from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.chip import Chip

RESETS, CLOCKS, XOSC, PLL_SYS, PLL_USB = 0x4000_C000, 0x4000_8000, 0x4002_4000, 0x4002_8000, 0x4002_C000
WATCHDOG_TICK = 0x4005_802C
CYCLE_S = 8e-9
"""Of clk_sys and clk_peri after `Bench.start_clocks`."""


def sleeping_rom() -> bytes:
    """A boot ROM whose reset handler sleeps: wfi; b back."""
    rom = bytearray(0x4000)
    rom[0:8] = b"\x00\x00\x04\x20\x01\x01\x00\x00"
    rom[0x100:0x104] = b"\x30\xbf\xfd\xe7"
    return bytes(rom)


class Bench:
    """Released from reset, on the ring oscillator until `start_clocks`. `bench[address]` is a word on the bus."""

    def __init__(self, *, clocks: bool = True) -> None:
        self.dead = ""
        self.chip = Chip(sleeping_rom(), self._died, cores=1)
        self.machine = self.chip.machine
        self.clock = self.chip.clock
        self.runner = MachineRunner(self.machine, self.clock, self._event, lambda: None)
        self.chip.poke = self.runner.poke
        self[RESETS] = 0
        if clocks:
            self.start_clocks()

    def start_clocks(self) -> None:
        """As the SDK does it: crystal, clk_sys and clk_peri 125 MHz, clk_usb and clk_adc 48 MHz, clk_rtc 46875 Hz."""
        self[XOSC] = 0xFA_BAA0
        for pll, feedback, dividers in ((PLL_SYS, 125, 0x6_2000), (PLL_USB, 100, 0x5_5000)):
            self[pll + 0x8] = feedback
            self[pll + 0xC] = dividers
            self[pll + 0x4] = 0
        self[CLOCKS + 0x30] = 2
        self[CLOCKS + 0x3C] = 1
        for control in (0x48, 0x54, 0x60, 0x6C):
            self[CLOCKS + control] = 1 << 11
        self[CLOCKS + 0x70] = 1024 << 8
        self[WATCHDOG_TICK] = 1 << 9 | 12

    def __getitem__(self, address: int) -> int:
        value = self.machine.bus_read(address)
        assert value is not None, f"nothing at {address:#010x}"
        return value

    def __setitem__(self, address: int, value: int) -> None:
        assert self.machine.bus_write(address, value), f"nothing at {address:#010x}"

    def alias(self, address: int, value: int, alias: Alias) -> None:
        """A write through one of the atomic aliases."""
        self[address + (alias << 12)] = value

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        self.runner.run_until(lambda: False, self.machine.now_ns + round(seconds * NS_PER_S))

    @property
    def now(self) -> float:
        """Emulated seconds since power-on."""
        return self.machine.now_ns / NS_PER_S

    def _event(self, reason: Run) -> None:
        raise AssertionError(f"the core sleeps, and yet {reason!r}")

    def _died(self, why: str) -> None:
        self.dead = why


class Registers:
    """A block's registers by offset: `registers[0x18]`."""

    def __init__(self, bench: Bench, base: int) -> None:
        self.bench = bench
        self.base = base

    def __getitem__(self, offset: int) -> int:
        return self.bench[self.base + offset]

    def __setitem__(self, offset: int, value: int) -> None:
        self.bench[self.base + offset] = value

"""Renode's models of PIO, PWM, pins and DMA on a bench without cores: what tests/unit/core asks of a `Machine`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from renode_pico.core.machine import PioState
from renode_pico.engine.renode import derived
from renode_pico.engine.renode_runtime import runtime

PLATFORM = """
pads_bank0: RP2040.RP2040_PadsBank0 @ sysbus 0x4001C000
io_bank0: RP2040.RP2040_IOBank0 @ sysbus 0x40014000 { pads: pads_bank0 }
dma: RP2040.RP2040_DMA @ sysbus 0x50000000
pwm: RP2040.RP2040_PWM @ sysbus 0x40050000 { pins: io_bank0; dma: dma; [0-7] -> dma@[24-31] }
pio0: RP2040.RP2040_PIO @ sysbus 0x50200000 { number: 0; pins: io_bank0; dma: dma; [0-7] -> dma@[0-7] }
pio1: RP2040.RP2040_PIO @ sysbus 0x50300000 { number: 1; pins: io_bank0; dma: dma; [0-7] -> dma@[8-15] }
"""
NS_PER_CYCLE = 8
BANK_PINS = 30


class RenodeMachine:
    """What `PioBench` needs of `renode_pico.core.machine.Machine`. One at a time: Renode has one emulation."""

    def __init__(self) -> None:
        emulation = runtime().emulation
        emulation.clear()
        self._machine = emulation.add_mach("bench").internal
        runtime().command('mach set "bench"')
        from Antmicro.Renode.PlatformDescription.UserInterface import PlatformDescriptionMachineExtensions

        PlatformDescriptionMachineExtensions.LoadPlatformDescriptionFromString(self._machine, PLATFORM)
        self._bus = self._machine.SystemBus
        self._clock = derived(self._machine.ClockSource)
        self._bank = self._peripheral("io_bank0")
        self._pio = [self._peripheral("pio0"), self._peripheral("pio1")]
        self.cycles = 0
        self.pins_changed: Callable[[int, int], None] = lambda _changed, _levels: None
        self._recorder: Any = None
        self._watched = self._levels = 0

    def _peripheral(self, name: str) -> Any:
        from Antmicro.Renode.Peripherals import IPeripheral

        found, peripheral = self._machine.TryGetByName[IPeripheral](f"sysbus.{name}")
        assert found
        return derived(peripheral)

    def bus_read(self, address: int) -> int:
        return int(self._bus.ReadDoubleWord(address))

    def bus_write(self, address: int, value: int) -> bool:
        self._bus.WriteDoubleWord(address, value & 0xFFFFFFFF)
        self._tell()
        return True

    def watch(self, pins: int) -> None:
        """`pins_changed` is called for each change of these, after the fact: `cycles` is then when it was."""
        self._recorder = self._bank.StartRecording()
        self._watched, self._levels = pins, self.pin_levels()

    def _tell(self) -> None:
        if self._recorder is None:
            return
        now = self.cycles
        told = memoryview(self._recorder.Read()).tolist()
        changes = list(zip(told[0::3], told[1::3], told[2::3], strict=True))
        for time_ns, together in groupby(changes, key=lambda change: change[0]):
            changed = 0
            for _, pin, level in together:
                changed |= 1 << pin
                self._levels = self._levels & ~(1 << pin) | level << pin
            self.cycles, late = divmod(time_ns, NS_PER_CYCLE)
            assert not late
            if changed & self._watched:
                self.pins_changed(changed & self._watched, self._levels)
        self.cycles = now

    def run(self, until: int) -> None:
        """Nobody runs but the clock: it is moved on by hand."""
        from Antmicro.Renode.Time import TimeInterval

        length_ns = (until - self.cycles) * NS_PER_CYCLE
        self._clock.Advance(TimeInterval.FromTicks(length_ns * TimeInterval.TicksPerMicrosecond // 1000))
        self.cycles = until
        self._tell()

    def set_external(self, pins: int, levels: int, driven: int) -> None:
        for pin in range(BANK_PINS):
            if pins >> pin & 1:
                if driven >> pin & 1:
                    self._bank.OnGPIO(pin, bool(levels >> pin & 1))
                else:
                    self._bank.Release(pin)
        self._tell()

    def pin_levels(self) -> int:
        return int(self._bank.Levels)

    def pio_state(self, block: int, machine: int) -> PioState:
        return PioState(*(int(self._pio[block].StateOf(machine, what)) for what in range(8)))

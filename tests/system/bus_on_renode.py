"""Renode's models of DMA, pins and clocks on a bench: a bus without cores and firmware."""

from __future__ import annotations

from typing import Any

from renode_pico.engine.renode import derived
from renode_pico.engine.renode_runtime import runtime

PLATFORM = """
sram: Memory.MappedMemory @ sysbus 0x20000000 { size: 0x42000 }
pads_bank0: RP2040.RP2040_PadsBank0 @ sysbus 0x4001C000
pads_qspi: RP2040.RP2040_PadsQSPI @ sysbus 0x40020000
io_bank0: RP2040.RP2040_IOBank0 @ sysbus 0x40014000 { pads: pads_bank0 }
io_qspi: RP2040.RP2040_IOQSPI @ sysbus 0x40018000 { pads: pads_qspi }
dma: RP2040.RP2040_DMA @ sysbus 0x50000000
"""
CLOCKS = """
rosc: RP2040.RP2040_ROSC @ sysbus 0x40060000
xosc: RP2040.RP2040_XOSC @ sysbus 0x40024000
pll_sys: RP2040.RP2040_PLL @ sysbus 0x40028000 { xosc: xosc }
pll_usb: RP2040.RP2040_PLL @ sysbus 0x4002C000 { xosc: xosc }
clocks: RP2040.RP2040_Clocks @ sysbus 0x40008000
    rosc: rosc
    xosc: xosc
    pllSys: pll_sys
    pllUsb: pll_usb
    pins: io_bank0
rtc: RP2040.RP2040_RTC @ sysbus 0x4005C000
    clocks: clocks
    IRQ -> xosc@2 | rosc@2
io_bank0:
    DormantWake -> xosc@0 | rosc@0
"""
"""Out of reset, on the ring oscillator."""
SIO_FUNCTION = 5
GPIO_IN, GPIO_HI_IN, GPIO_OUT, GPIO_HI_OUT = 0xD0000004, 0xD0000008, 0xD0000010, 0xD0000030
"""SIO needs processors to belong to: what it is for the pins is here."""
DMA_IRQ_0, DMA_IRQ_1, IO_IRQ_BANK0, IO_IRQ_QSPI, CLOCKS_IRQ = 11, 12, 13, 14, 17


class RenodeModel:
    """`tests.unit.core.bus_vectors.Model`. One at a time: Renode has one emulation.

    The machine never starts: its clock is moved on by hand, so that every nanosecond is the test's.
    """

    def __init__(self, platform: str = PLATFORM) -> None:
        emulation = runtime().emulation
        emulation.clear()
        self._machine = emulation.add_mach("bench").internal
        runtime().command('mach set "bench"')
        from Antmicro.Renode.PlatformDescription.UserInterface import PlatformDescriptionMachineExtensions

        PlatformDescriptionMachineExtensions.LoadPlatformDescriptionFromString(self._machine, platform)
        self._bus = self._machine.SystemBus
        self._clock = derived(self._machine.ClockSource)
        self._bank, self._flash_bank, self._dma = (self._peripheral(n) for n in ("io_bank0", "io_qspi", "dma"))
        self._lines = {
            (0, IO_IRQ_BANK0): self._bank.Processor0IRQ,
            (1, IO_IRQ_BANK0): self._bank.Processor1IRQ,
            (0, IO_IRQ_QSPI): self._flash_bank.Processor0IRQ,
            (1, IO_IRQ_QSPI): self._flash_bank.Processor1IRQ,
        }
        for core in (0, 1):
            self._lines[core, DMA_IRQ_0] = self._dma.IRQ0
            self._lines[core, DMA_IRQ_1] = self._dma.IRQ1
        if platform != PLATFORM:
            self._lines[0, CLOCKS_IRQ] = self._peripheral("clocks").IRQ
        self._sio = {GPIO_OUT: [0, 0], GPIO_HI_OUT: [0, 0]}

    def _peripheral(self, name: str) -> Any:
        from Antmicro.Renode.Peripherals import IPeripheral

        found, peripheral = self._machine.TryGetByName[IPeripheral](f"sysbus.{name}")
        assert found
        return derived(peripheral)

    def read(self, address: int) -> int:
        if address == GPIO_IN:
            return int(self._bank.Inputs)
        if address == GPIO_HI_IN:
            return int(self._flash_bank.Inputs)
        return int(self._bus.ReadDoubleWord(address))

    def write(self, address: int, value: int, size: int) -> None:
        if address >> 28 == 0xD:
            self._write_sio(address, value)
        elif size == 4:
            self._bus.WriteDoubleWord(address, value)
        elif size == 2:
            self._bus.WriteWord(address, value)
        else:
            self._bus.WriteByte(address, value)

    def _write_sio(self, address: int, value: int) -> None:
        first = GPIO_HI_OUT if address >= GPIO_HI_OUT else GPIO_OUT
        bank = self._flash_bank if first == GPIO_HI_OUT else self._bank
        is_enable, operation = divmod((address - first) // 4, 4)
        before = self._sio[first][is_enable]
        self._sio[first][is_enable] = (value, before | value, before & ~value, before ^ value)[operation]
        bank.SetFromFunction(SIO_FUNCTION, 0xFFFFFFFF, *self._sio[first])

    def read_memory(self, address: int, length: int) -> bytes:
        return bytes(int(self._bus.ReadByte(address + n)) for n in range(length))

    def write_memory(self, address: int, data: bytes) -> None:
        for n, byte in enumerate(data):
            self._bus.WriteByte(address + n, byte)

    def wait(self, length_ns: int) -> None:
        from Antmicro.Renode.Time import TimeInterval

        self._clock.Advance(TimeInterval.FromTicks(length_ns * TimeInterval.TicksPerMicrosecond // 1000))

    def irq(self, core: int, number: int) -> bool:
        return bool(self._lines[core, number].IsSet)

    def drive(self, pin: int, level: bool | None, *, of_flash: bool) -> None:
        bank = self._flash_bank if of_flash else self._bank
        if level is None:
            bank.Release(pin)
        else:
            bank.OnGPIO(pin, level)

    def level(self, pin: int) -> bool:
        return bool(self._bank.Level(pin))

    def clock_input(self, pin: int, hz: int) -> None:
        self._peripheral("clocks").SetInput(pin, hz)

    def request(self, number: int, level: bool) -> None:
        self._dma.OnGPIO(number, level)

    def close(self) -> None:
        """The next one clears the emulation."""

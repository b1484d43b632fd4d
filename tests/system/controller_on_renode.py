"""Renode's model of the USB controller on a bench: no core, no firmware, no host; a test drives both its sides."""

from __future__ import annotations

from collections import Counter
from typing import Any

from renode_pico.engine.renode import derived, rows_of
from renode_pico.engine.renode_runtime import runtime
from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.usb_coverage import INTERRUPTS, Cover
from renode_pico.rp2040.usb_memory import EpCtrl, endpoint_control
from renode_pico.trace.tsv import FAULT_NAMES
from renode_pico.usb.timing import BYTE_TIMES_NS, HANDSHAKED_OVERHEAD, ISOCHRONOUS_OVERHEAD, REFUSED_IN
from renode_pico.usb.wire import Fault, Packet, Pid, Stray, WireListener
from tests.system.registers import USBCTRL_DPRAM, USBCTRL_REGS
from tests.unit.rp2040.vectors import Listener

PLATFORM = f"""
usb: RP2040.RP2040_USB @ {{
        sysbus {USBCTRL_REGS:#x};
        sysbus new Bus.BusMultiRegistration {{ address: {USBCTRL_DPRAM:#x}; size: 0x1000; region: "dpsram" }}
    }}
"""
RESET_LINE = 64
ALIAS_OFFSETS = {Alias.NORMAL: 0, Alias.XOR: 0x1000, Alias.SET: 0x2000, Alias.CLEAR: 0x3000}


class RenodeModel(Listener):
    """`tests.unit.rp2040.vectors.Model`. One at a time: Renode has one emulation.

    The machine never starts: its clock is moved on by hand, so that every nanosecond is the test's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listener: WireListener | None = self
        emulation = runtime().emulation
        emulation.clear()
        self._machine = emulation.add_mach("bench").internal
        runtime().command('mach set "bench"')
        self._machine_load(PLATFORM)
        self._bus = self._machine.SystemBus
        self._clock = derived(self._machine.ClockSource)
        self._wire = self._peripheral("usb")
        self._wire.Listener = self._listener()
        self._wire.CountCoverage = True
        self._end_in_ns: int | None = None

    def _machine_load(self, platform: str) -> None:
        from Antmicro.Renode.PlatformDescription.UserInterface import PlatformDescriptionMachineExtensions

        PlatformDescriptionMachineExtensions.LoadPlatformDescriptionFromString(self._machine, platform)

    def _peripheral(self, name: str) -> Any:
        from Antmicro.Renode.Peripherals import IPeripheral

        found, peripheral = self._machine.TryGetByName[IPeripheral](f"sysbus.{name}")
        assert found
        return derived(peripheral)

    def _listener(self) -> Any:
        from Antmicro.Renode.UsbHosts import IUsbWireListener

        model = self

        class WireListenerOfBench(IUsbWireListener):  # type: ignore[misc]  # .NET's interface, known at run time only
            __namespace__ = f"Bench{id(model)}"

            def PullUpChanged(self, attached: bool) -> None:  # noqa: N802
                model.pull_up_changed(bool(attached))

            def RemoteWakeup(self) -> None:  # noqa: N802
                model.remote_wakeup()

            def EndpointReady(self, endpoint_address: int) -> None:  # noqa: N802
                model.endpoint_ready(int(endpoint_address))

        return WireListenerOfBench()

    @property
    def cover(self) -> Cover:
        """What the model has counted, with the interrupts' names instead of their bits."""
        names = {str(bit.bit_length() - 1): name for name, bit in INTERRUPTS.items()}
        cover: Cover = Counter()
        for line in str(self._wire.CoverageCounts).splitlines():
            group, row, column, count = line.split("\t")
            cover[group, names[row] if group in ("interrupt", "enabled") else row, column] = int(count)
        return cover

    # The firmware's side

    @property
    def irq(self) -> bool:
        return bool(self._wire.IRQ.IsSet)

    def read(self, register: int) -> int:
        return int(self._bus.ReadDoubleWord(USBCTRL_REGS + register))

    def write(self, register: int, value: int, alias: Alias = Alias.NORMAL) -> None:
        self._bus.WriteDoubleWord(USBCTRL_REGS + ALIAS_OFFSETS[alias] + register, value)

    def read_memory(self, offset: int, length: int) -> bytes:
        return bytes(int(self._bus.ReadByte(USBCTRL_DPRAM + offset + i)) for i in range(length))

    def write_word(self, offset: int, value: int) -> None:
        self._bus.WriteDoubleWord(USBCTRL_DPRAM + offset, value)

    def write_bytes(self, offset: int, data: bytes) -> None:
        for i, value in enumerate(data):
            self._bus.WriteByte(USBCTRL_DPRAM + offset + i, value)

    # The sanitizer

    def sanitize(self) -> None:
        self._wire.Sanitize = True

    def clocks(self, clk_sys: int, clk_usb: int) -> None:
        self._wire.Sanitizer.SystemFrequency = clk_sys * 1_000_000
        self._wire.Sanitizer.UsbFrequency = clk_usb * 1_000_000

    def chip(self, revision: str) -> None:
        self._wire.Sanitizer.Revision = 1 if revision == "B1" else 2

    def erratum(self, name: str) -> None:
        setattr(self._wire, f"Erratum{name}", True)

    def hold(self, held: bool) -> None:
        self._wire.OnGPIO(RESET_LINE, held)

    def unaligned(self, offset: int, size: int) -> None:
        if size == 2:
            self._wire.WriteWordToDpsram(offset, 0)
        else:
            self._wire.WriteDoubleWordToDpsram(offset, 0)

    def found(self) -> list[str]:
        rows = rows_of(self._wire.Misuses())
        self._wire.Sanitizer.Forget()
        return [check + (f":{endpoint}" if endpoint else "") for check, endpoint, *_ in rows]

    # Time: this host tells the controller when a transaction's time is over

    def wait(self, length_ns: int) -> None:
        if self._end_in_ns is not None and self._end_in_ns <= length_ns:
            self._advance(self._end_in_ns)
            length_ns -= self._end_in_ns
            self._end_in_ns = None
            self._wire.TransactionEnd()
        elif self._end_in_ns is not None:
            self._end_in_ns -= length_ns
        self._advance(length_ns)

    def _advance(self, length_ns: int) -> None:
        from Antmicro.Renode.Time import TimeInterval

        self._clock.Advance(TimeInterval.FromTicks(length_ns * TimeInterval.TicksPerMicrosecond // 1000))

    def _lasts(self, byte_times: int) -> None:
        self._end_in_ns = BYTE_TIMES_NS[byte_times]

    # The host's side: `Wire`

    @property
    def pulled_up(self) -> bool:
        return bool(self._wire.PulledUp)

    def vbus(self, present: bool) -> None:
        self._wire.Vbus(present)

    def reset_begin(self) -> None:
        self._end_in_ns = None
        self._wire.ResetBegin()

    def reset_end(self) -> None:
        self._wire.ResetEnd()

    def idle(self) -> None:
        self._wire.Idle()

    def resume_begin(self) -> None:
        self._wire.ResumeBegin()

    def resume_end(self) -> None:
        self._wire.ResumeEnd()

    def sof(self, frame: int) -> None:
        self._wire.Sof(frame)

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        from Antmicro.Renode.UsbHosts import UsbStray
        from System import Enum

        return packet(self._wire.Stray(Enum.Parse(UsbStray, stray.value.title().replace("-", "")), address, endpoint))

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        self._lasts(len(data) + HANDSHAKED_OVERHEAD)
        return packet(self._wire.Setup(address, endpoint, net_bytes(data), net_fault(fault)))

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        from Antmicro.Renode.UsbHosts import UsbPid

        self._lasts(len(data) + HANDSHAKED_OVERHEAD)
        return packet(self._wire.Out(address, endpoint, UsbPid(int(pid)), net_bytes(data), net_fault(fault)))

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        answer = packet(self._wire.In(address, endpoint, net_fault(fault)))
        if answer is None or answer.pid not in (Pid.DATA0, Pid.DATA1):
            self._lasts(REFUSED_IN)
        else:
            self._lasts(
                len(answer.data) + (ISOCHRONOUS_OVERHEAD if self._isochronous(endpoint) else HANDSHAKED_OVERHEAD)
            )
        return answer

    def _isochronous(self, endpoint: int) -> bool:
        control = int.from_bytes(self.read_memory(endpoint_control(endpoint, True), 4), "little") if endpoint else 0
        return control & EpCtrl.ENDPOINT_TYPE_BITS == EpCtrl.ENDPOINT_TYPE_ISOCHRONOUS

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        self._wire.InHandshake(address, endpoint, acknowledged)


def packet(answer: Any) -> Packet | None:
    """What the device sent, as `Wire` says it."""
    return None if answer is None else Packet(Pid(int(answer.Pid)), bytes(answer.Data))


def net_bytes(data: bytes) -> Any:
    """Bytes as .NET's."""
    from System import Array, Byte

    return Array[Byte](data)


def net_fault(fault: Fault | None) -> Any:
    """The fault by the name it has on Renode."""
    from Antmicro.Renode.UsbHosts import UsbFault
    from System import Enum

    return Enum.Parse(UsbFault, "None" if fault is None else FAULT_NAMES[fault])

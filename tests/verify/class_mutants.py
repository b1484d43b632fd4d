"""Devices that are wrong in one thing each: for every item of the class packs one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from renode_pico.usb.classes.dfu import State
from renode_pico.usb.transfer import Setup
from tests.unit.usb.fake_clock import FakeClock
from tests.verify.class_device import DISK_IN, DISK_OUT, MIDI_OUT, ClassDevice
from tests.verify.right_device import KEYBOARD, NOTIFY, SERIAL, SERIAL_DATA, SERIAL_OUT, text

MUTANTS: dict[str, type[ClassDevice]] = {}
M = TypeVar("M", bound=type[ClassDevice])


def breaks(identifier: str) -> Callable[[M], M]:
    def register(mutant: M) -> M:
        assert identifier not in MUTANTS
        MUTANTS[identifier] = mutant
        return mutant

    return register


# HID


@breaks("HID1")
class ShortReportDescriptor(ClassDevice):
    """The report descriptor has a byte less than the HID descriptor says."""

    def _hid_descriptor(self, interface: int, kind: int) -> bytes | None:
        data = super()._hid_descriptor(interface, kind)
        return data[:-2] + b"\xc0" if data and kind == 0x22 and interface == KEYBOARD else data


@breaks("HID2")
class ForgetsIdle(ClassDevice):
    """GET_IDLE always tells 0."""

    def _get_idle(self, interface: int, identifier: int) -> bytes | None:
        return b"\0"


@breaks("HID3")
class OneIdleRate(ClassDevice):
    """SET_IDLE of one report is for all."""

    def _set_idle(self, interface: int, identifier: int, rate: int) -> bytes | None:
        return super()._set_idle(interface, 0, rate)


@breaks("HID4")
class BeginsWithBoot(ClassDevice):
    """It begins with the boot protocol."""

    def _configure(self, value: int) -> None:
        super()._configure(value)
        self.protocol = 0


@breaks("HID5")
class AlwaysProtocol(ClassDevice):
    """The box knows protocols, too."""

    def _has_protocol(self, interface: int) -> bool:
        return True


@breaks("HID6")
class NoGetReport(ClassDevice):
    """It refuses GET_REPORT."""

    def _get_report(self, interface: int, kind: int, identifier: int) -> bytes | None:
        return None


@breaks("HID7")
class ShortOutput(ClassDevice):
    """An output report that is asked for has only its ID."""

    def _get_report(self, interface: int, kind: int, identifier: int) -> bytes | None:
        data = super()._get_report(interface, kind, identifier)
        return data[:1] if data and kind == 2 else data


@breaks("HID8")
class LosesFeature(ClassDevice):
    """Of a feature the last byte is lost."""

    def _set_report(self, interface: int, kind: int, identifier: int, data: bytes) -> bytes | None:
        return super()._set_report(interface, kind, identifier, data[:-1] + b"\0" if kind == 3 else data)


@breaks("HID9")
class AnyReport(ClassDevice):
    """It has a report of each ID."""

    def _get_report(self, interface: int, kind: int, identifier: int) -> bytes | None:
        return super()._get_report(interface, kind, identifier) or bytes([identifier])


@breaks("HID10")
class SlowIdle(ClassDevice):
    """It counts an idle rate in 8 ms."""

    def _period(self, rate: int) -> int:
        return 2 * super()._period(rate)


@breaks("HID11")
class NeverIdle(ClassDevice):
    """Rate 0 is 20 ms."""

    def _period(self, rate: int) -> int:
        return super()._period(rate or 5)


@breaks("HID12")
class InvertedLights(ClassDevice):
    """It keeps its LEDs the other way round."""

    def _output(self, interface: int, identifier: int, data: bytes) -> None:
        super()._output(interface, identifier, bytes([data[0] ^ 1]) if interface == KEYBOARD else data)


@breaks("HID13")
class KeyboardEverywhere(ClassDevice):
    """HID requests to an interface that is not there go to the keyboard."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.wIndex not in self.alternates:
            return self._hid(Setup(setup.bmRequestType, setup.bRequest, setup.wValue, KEYBOARD), True, data)
        return super()._class(setup, data)


# MSC


@breaks("MSC1")
class ShortSerial(ClassDevice):
    """Its serial number has four digits."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.strings[3] = text("0001")


@breaks("MSC2")
class ManyUnits(ClassDevice):
    """It tells of 256 units."""

    def _max_lun(self) -> bytes | None:
        return b"\xff"


@breaks("MSC3")
class KeepsItsData(ClassDevice):
    """A reset does not drop the data of the command before."""

    def _disk_reset(self) -> None:
        self.disk_stage = "command"


@breaks("MSC4")
class AnySignature(ClassDevice):
    """It does not look at the signature."""

    def _is_wrapper(self, data: bytes) -> bool:
        return len(data) == 31


@breaks("MSC5")
class AnyLength(ClassDevice):
    """A wrapper may be longer."""

    def _is_wrapper(self, data: bytes) -> bool:
        return len(data) >= 31 and data[:4] == b"USBC"


@breaks("MSC6")
class HaltsOnce(ClassDevice):
    """A wrapper that is none halts both endpoints, and cleared halts are enough."""

    def _invalid(self) -> None:
        for address in (DISK_IN, DISK_OUT):
            self._halt(self.endpoints[address], True)


def wrong_end(wrong: int) -> type[ClassDevice]:
    class WrongEnd(ClassDevice):
        """In one of the thirteen cases it tells no error where there is one, or another residue."""

        def _end(self, case: int, residue: int, status: int) -> None:
            if case == wrong and status == 2:
                status = 0
            elif case == wrong:
                residue = residue // 2 if residue else 1
            super()._end(case, residue, status)

    return WrongEnd


for number in range(1, 14):
    breaks(f"MSC{number + 6}")(wrong_end(number))


@breaks("MSC20")
class CountsTags(ClassDevice):
    """The tag of a status wrapper has no upper half."""

    def _end(self, case: int, residue: int, status: int) -> None:
        self.tag &= 0xFFFF
        super()._end(case, residue, status)


@breaks("MSC21")
class NothingLeft(ClassDevice):
    """A command that fails tells that nothing is left."""

    def _end(self, case: int, residue: int, status: int) -> None:
        super()._end(case, 0 if status == 1 else residue, status)


@breaks("MSC22")
class AlwaysReady(ClassDevice):
    """A medium that is gone is told with the wrong sense."""

    def _fails(self, why: str) -> int:
        return super()._fails("command" if why == "medium" else why)


@breaks("MSC23")
class NoSense(ClassDevice):
    """A command that does not exist leaves no sense."""

    def _fails(self, why: str) -> int:
        return super()._fails("none" if why == "command" else why)


@breaks("MSC24")
class EndlessDisk(ClassDevice):
    """What lies behind the end is zeros."""

    def _move(self, cdb: bytes) -> tuple[str, bytes, int]:
        intent, data, status = super()._move(cdb)
        return ("i", bytes(512), 0) if status else (intent, data, status)


@breaks("MSC25")
class DiskEverywhere(ClassDevice):
    """Mass storage requests to an interface that is not there are carried out."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.wIndex not in self.alternates:
            return self._disk_request(setup, bool(setup.bmRequestType & 0x80))
        return super()._class(setup, data)


# CDC


@breaks("CDC1")
class OneStopBit(ClassDevice):
    """It keeps no stop bits."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        answer = super()._class(setup, data)
        if setup.wIndex == SERIAL and setup.bRequest == 0x20:
            self.line_coding = self.line_coding[:4] + b"\0" + self.line_coding[5:]
        return answer


@breaks("CDC2")
class PaddedLineCoding(ClassDevice):
    """GET_LINE_CODING gives 8 bytes."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        answer = super()._class(setup, data)
        return answer + b"\0" if answer and (setup.wIndex, setup.bRequest) == (SERIAL, 0x21) else answer


@breaks("CDC3")
class NoRtsAlone(ClassDevice):
    """It refuses RTS without DTR."""

    def _lines(self, state: int) -> bytes | None:
        return None if state == 2 else super()._lines(state)


@breaks("CDC4")
class NoBreak(ClassDevice):
    """It refuses breaks, against its descriptor."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        return None if (setup.wIndex, setup.bRequest) == (SERIAL, 0x23) else super()._class(setup, data)


@breaks("CDC5")
class ShortNotification(ClassDevice):
    """SERIAL_STATE has one byte of state."""

    def _lines(self, state: int) -> bytes | None:
        self._send(NOTIFY, self._serial_state(3)[:9])
        return b""


@breaks("CDC6")
class PortOnDataInterface(ClassDevice):
    """The data interface takes the port's requests, too."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.wIndex == SERIAL_DATA:
            setup = Setup(setup.bmRequestType, setup.bRequest, setup.wValue, SERIAL, setup.wLength)
        return super()._class(setup, data)


@breaks("CDC7")
class AnyRequest(ClassDevice):
    """It takes requests that it does not know."""

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        answer = super()._class(setup, data)
        return b"" if answer is None and setup.wIndex == SERIAL else answer


@breaks("CDC8")
class LosesLongLines(ClassDevice):
    """A packet of 63 bytes comes back without its last."""

    def _take(self, number: int, data: bytes) -> bool:
        return super()._take(number, data[:62] if number == SERIAL_OUT and len(data) == 63 else data)


@breaks("CDC9")
class LosesOneByte(ClassDevice):
    """Of a million bytes, one."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.taken = 0

    def _take(self, number: int, data: bytes) -> bool:
        if number != SERIAL_OUT:
            return super()._take(number, data)
        after = self.taken + len(data)
        took = super()._take(number, data[1:] if self.taken <= 700_000 < after else data)
        if took:
            self.taken = after
        return took


# MIDI


class Wrong(ClassDevice):
    """A descriptor that begins with `head` has `value` at `at`."""

    head = ""
    at = 0
    value = 0

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.chain.find(self.head)[self.at] = self.value


@breaks("MIDI1")
class WrongTotal(Wrong):
    """The streaming header's total is that of the jacks alone."""

    head, at, value = "072401000141", 5, 0x30


@breaks("MIDI2")
class SameJack(Wrong):
    """Two jacks have one ID."""

    head, at, value = "0624020202", 4, 1


@breaks("MIDI3")
class WrongJack(Wrong):
    """The IN endpoint names a jack that is external."""

    head, at, value = "0525010103", 4, 4


@breaks("MIDI4")
class RefusesReserved(ClassDevice):
    """An event packet with a reserved code halts the endpoint."""

    def _take(self, number: int, data: bytes) -> bool:
        if number == MIDI_OUT and data[:1] in (b"\0", b"\1"):
            self._halt(self.endpoints[number], True)
        return super()._take(number, data)


@breaks("MIDI5")
class WrongCable(ClassDevice):
    """What comes back is of cable 15."""

    def _take(self, number: int, data: bytes) -> bool:
        if number == MIDI_OUT and data:
            data = bytes([data[0] | 0xF0]) + data[1:]
        return super()._take(number, data)


# DFU


@breaks("DFU1")
class NoTransferSize(Wrong):
    """The functional descriptor has transfer size 0."""

    head, at, value = "092107", 5, 0


@breaks("DFU2")
class ShortStatus(ClassDevice):
    """GETSTATUS tells dfuERROR though GETSTATE does not."""

    def _dfu_get_status(self) -> bytes:
        return super()._dfu_get_status()[:4] + b"\x0a\0"


@breaks("DFU3")
class NoUploadIdle(ClassDevice):
    """An upload stays in dfuIDLE."""

    def _upload(self, block: int, length: int) -> bytes | None:
        data = super()._upload(block, length)
        self.dfu_state = State.IDLE
        return data


@breaks("DFU4")
class NoAbort(ClassDevice):
    """A download cannot be aborted."""

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        if request == 6 and self.dfu_state is State.DNLOAD_IDLE:
            return b""
        return super()._dfu_request(request, into, setup, data)


@breaks("DFU5")
class SkipsSync(ClassDevice):
    """A block is in its place at once."""

    def _download(self, block: int, data: bytes) -> bytes | None:
        answer = super()._download(block, data)
        if data:
            self.dfu_state = State.DNLOAD_IDLE
        return answer


@breaks("DFU6")
class NeverManifests(ClassDevice):
    """Manifestation has no end."""

    def _dfu_get_status(self) -> bytes:
        if self.dfu_state is State.MANIFEST_SYNC:
            return bytes([0, 1, 0, 0, State.MANIFEST, 0])
        return super()._dfu_get_status()


@breaks("DFU7")
class StoresElsewhere(ClassDevice):
    """What is downloaded is stored a byte further on."""

    def _store(self, at: int, data: bytes) -> None:
        super()._store(at + 1, data)


@breaks("DFU8")
class TakesNothing(ClassDevice):
    """A download of no bytes manifests even when there was none before."""

    def _download(self, block: int, data: bytes) -> bytes | None:
        if not data:
            self.dfu_state = State.MANIFEST_SYNC
            return b""
        return super()._download(block, data)


@breaks("DFU9")
class Detaches(ClassDevice):
    """DETACH is carried out in DFU mode."""

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        return b"" if (request, into) == (0, False) else super()._dfu_request(request, into, setup, data)


@breaks("DFU10")
class AbortsErrors(ClassDevice):
    """ABORT ends an error."""

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        if request == 6:
            self.dfu_state, self.dfu_status = State.IDLE, 0
            return b""
        return super()._dfu_request(request, into, setup, data)


@breaks("DFU11")
class UploadsAlways(ClassDevice):
    """An upload is carried out in a download, too."""

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        if (request, into) == (2, True):
            return self._upload(setup.wValue, setup.wLength)
        return super()._dfu_request(request, into, setup, data)


@breaks("DFU12")
class ApplicationAborts(ClassDevice):
    """An application takes ABORT."""

    def _application(self, request: int, into: bool) -> bytes | None:
        return b"" if (request, into) == (6, False) else super()._application(request, into)


@breaks("DFU13")
class TakesUnknown(ClassDevice):
    """A class request that DFU has not is carried out."""

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        return b"" if request > 6 else super()._dfu_request(request, into, setup, data)

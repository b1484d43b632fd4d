"""A device on the wire with a function of each class pack, all of them right (row Y2).

A serial port, a keyboard, a box of numbered reports, a disk, MIDI, a loader and an application's DFU interface. Each
decision is a method, for the mutants.
"""

from __future__ import annotations

import struct
from collections import deque
from functools import partial

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.classes.dfu import State
from renode_pico.usb.transfer import Setup
from tests.unit.usb.fake_clock import FakeClock
from tests.verify.right_device import (
    CONFIGURATION,
    KEYBOARD,
    KEYS,
    NOTIFY,
    REPORT,
    SERIAL,
    Chain,
    Endpoint,
    Loop,
    RightDevice,
    text,
)

BOX, DISK, AUDIO, MIDI, LOADER, APPLICATION = range(5, 11)
BOX_OUT, BOX_IN, DISK_OUT, DISK_IN, MIDI_OUT, MIDI_IN = 0x06, 0x86, 0x07, 0x87, 0x08, 0x88
BOX_REPORT = bytes.fromhex(
    "0600ff0901a101 8501150026ff0075089503091081028502950409118102950409129102950209 13b102 c0".replace(" ", "")
)
PARTS = [
    "09 04 05 00 02 03 00 00 00",
    f"09 21 1101 00 01 22 {len(BOX_REPORT):02x}00",
    "07 05 06 03 1000 02",
    "07 05 86 03 1000 02",
    "09 04 06 00 02 08 06 50 00",
    "07 05 07 02 4000 00",
    "07 05 87 02 4000 00",
    "09 04 07 00 00 01 01 00 00",
    "09 24 01 0001 0900 01 08",
    "09 04 08 00 02 01 03 00 00",
    "07 24 01 0001 4100",
    "06 24 02 01 01 00",
    "06 24 02 02 02 00",
    "09 24 03 01 03 01 02 01 00",
    "09 24 03 02 04 01 01 01 00",
    "09 05 08 02 4000 00 00 00",
    "05 25 01 01 01",
    "09 05 88 02 4000 00 00 00",
    "05 25 01 01 03",
    "09 04 09 00 00 fe 01 02 00",
    "09 21 07 e803 4000 1001",
    "09 04 0a 00 00 fe 01 01 00",
    "09 21 0f e803 4000 1001",
]
BLOCK = 512
BLOCKS = 16
MEMORY = 200
TRANSFER = 64
SENSES = {"command": (5, 0x20), "range": (5, 0x21), "medium": (2, 0x3A), "none": (0, 0)}
REPORTS = {(KEYBOARD, 0): bytes(8), (BOX, 1): bytes([1, 0, 0, 0]), (BOX, 2): bytes([2, 0, 0, 0, 0])}
"""Input reports by interface and ID."""
NEEDS_RESET = "needs reset"


class ClassDevice(RightDevice):
    """Right in everything that the class packs look at."""

    def __init__(self, clock: FakeClock) -> None:
        self.idle_alarms = {key: clock.alarm(partial(self._repeat, key)) for key in REPORTS}
        super().__init__(clock)
        self.chain = Chain()
        self.chain.parts = [bytearray.fromhex(part) for part in CONFIGURATION + PARTS]
        self.chain.parts[0][4] = APPLICATION + 1
        self.strings[3] = text("E6614103E7452D2F")

    def _configure(self, value: int) -> None:
        super()._configure(value)
        if value:
            self.alternates |= dict.fromkeys(range(BOX, APPLICATION + 1), 0)
            added = (BOX_OUT, BOX_IN, DISK_OUT, DISK_IN, MIDI_OUT, MIDI_IN)
            self.endpoints |= {address: Endpoint(address) for address in added}
        self.loops[MIDI_OUT] = Loop()
        self.queues: dict[int, deque[bytes]] = {address: deque() for address in (NOTIFY, KEYS, BOX_IN, DISK_IN)}
        self.idle_rates = dict.fromkeys(REPORTS, 0)
        self.protocol = 1
        for alarm in self.idle_alarms.values():
            alarm.cancel()
        self.outputs = {(KEYBOARD, 0): bytes(1), (BOX, 2): bytes([2, 0, 0, 0, 0])}
        self.feature = bytes([2, 0, 0])
        self.disk_stage = "command"
        self.dfu_state = State.IDLE
        self.dfu_status = 0

    def power_on(self) -> None:
        self.disk = bytearray(BLOCK * BLOCKS)
        self.memory = bytearray(MEMORY)
        self.medium = True
        self.sense = "none"
        super().power_on()

    # Endpoints

    def _size(self, address: int) -> int:
        return 16 if address in (BOX_OUT, BOX_IN) else super()._size(address)

    def _next(self, address: int) -> bytes | None:
        queue = self.queues.get(address)
        if queue is None:
            return super()._next(address)
        return queue.popleft() if queue else None

    def _take(self, number: int, data: bytes) -> bool:
        if number == BOX_OUT:
            self._output(BOX, data[0] if data else 0, data)
            return True
        if number == DISK_OUT:
            self._disk_out(data)
            return True
        return super()._take(number, data)

    def _send(self, address: int, data: bytes) -> None:
        size = self._size(address)
        self.queues[address].extend(data[at : at + size] for at in range(0, len(data), size))
        self._ready(address)

    def _select(self, number: int, alternate: int) -> None:
        if number < BOX:
            super()._select(number, alternate)

    # Requests

    def _takes(self, setup: Setup) -> bool:
        kind = setup.bmRequestType, setup.bRequest, setup.wIndex
        if self.configuration and kind in ((0x21, 9, BOX), (0x21, 1, LOADER)):
            return True
        return super()._takes(setup)

    def _descriptor(self, setup: Setup) -> bytes | None:
        if setup.bmRequestType == 0x81 and self.configuration and setup.wIndex in (KEYBOARD, BOX):
            return self._hid_descriptor(setup.wIndex, setup.wValue >> 8)
        return super()._descriptor(setup)

    def _hid_descriptor(self, interface: int, kind: int) -> bytes | None:
        report = REPORT if interface == KEYBOARD else BOX_REPORT
        return {0x21: bytes([9, 0x21, 0x11, 1, 0, 1, 0x22, len(report), 0]), 0x22: report}.get(kind)

    def _class(self, setup: Setup, data: bytes) -> bytes | None:
        into = bool(setup.bmRequestType & 0x80)
        if setup.wIndex in (KEYBOARD, BOX):
            return self._hid(setup, into, data)
        if setup.wIndex == DISK:
            return self._disk_request(setup, into)
        if setup.wIndex == LOADER:
            return self._loader(setup.bRequest, into, setup, data)
        if setup.wIndex == APPLICATION:
            return self._application(setup.bRequest, into)
        if setup.wIndex == SERIAL and (into, setup.bRequest) == (False, 0x22):
            return self._lines(setup.wValue)
        return super()._class(setup, data)

    # CDC

    def _lines(self, state: int) -> bytes | None:
        self._send(NOTIFY, self._serial_state(3 if state & 1 else 0))
        return b""

    def _serial_state(self, bits: int) -> bytes:
        return bytes([0xA1, 0x20, 0, 0, SERIAL, 0, 2, 0, bits, 0])

    # HID

    def _hid(self, setup: Setup, into: bool, data: bytes) -> bytes | None:
        interface, value = setup.wIndex, setup.wValue
        match into, setup.bRequest:
            case True, 1:
                return self._get_report(interface, value >> 8, value & 0xFF)
            case True, 2:
                return self._get_idle(interface, value & 0xFF)
            case True, 3:
                return bytes([self.protocol]) if self._has_protocol(interface) else None
            case False, 9:
                return self._set_report(interface, value >> 8, value & 0xFF, data)
            case False, 10:
                return self._set_idle(interface, value & 0xFF, value >> 8)
            case False, 11 if self._has_protocol(interface):
                self.protocol = value
                return b""
        return None

    def _has_protocol(self, interface: int) -> bool:
        return interface == KEYBOARD

    def _get_report(self, interface: int, kind: int, identifier: int) -> bytes | None:
        if kind == 1:
            return REPORTS.get((interface, identifier))
        if kind == 2:
            return self.outputs.get((interface, identifier))
        return self.feature if (kind, interface, identifier) == (3, BOX, 2) else None

    def _set_report(self, interface: int, kind: int, identifier: int, data: bytes) -> bytes | None:
        if kind == 2 and (interface, identifier) in self.outputs:
            self._output(interface, identifier, data)
            return b""
        if (kind, interface, identifier) == (3, BOX, 2):
            self.feature = data
            return b""
        return None

    def _output(self, interface: int, identifier: int, data: bytes) -> None:
        self.outputs[interface, identifier] = data

    def _get_idle(self, interface: int, identifier: int) -> bytes | None:
        ids = [key for key in REPORTS if key[0] == interface]
        key = (interface, identifier) if identifier else ids[0]
        return bytes([self.idle_rates[key]]) if key in REPORTS else None

    def _set_idle(self, interface: int, identifier: int, rate: int) -> bytes | None:
        for key in REPORTS:
            if key[0] == interface and identifier in (0, key[1]):
                self.idle_rates[key] = rate
                if self._period(rate):
                    self.idle_alarms[key].schedule(self._period(rate))
                else:
                    self.idle_alarms[key].cancel()
        return b""

    def _period(self, rate: int) -> int:
        return rate * 4 * NS_PER_MS

    def _repeat(self, key: tuple[int, int]) -> None:
        address = KEYS if key[0] == KEYBOARD else BOX_IN
        if not self.queues[address]:
            self._send(address, REPORTS[key])
        self.idle_alarms[key].schedule(self._period(self.idle_rates[key]))

    # The disk

    def _disk_request(self, setup: Setup, into: bool) -> bytes | None:
        if (into, setup.bRequest) == (True, 0xFE):
            return self._max_lun()
        if (into, setup.bRequest) == (False, 0xFF):
            self._disk_reset()
            return b""
        return None

    def _max_lun(self) -> bytes | None:
        return b"\0"

    def _disk_reset(self) -> None:
        self.disk_stage = "command"
        self.queues[DISK_IN].clear()
        self.endpoints[DISK_IN].sending = None

    def _halt(self, endpoint: Endpoint, halted: bool) -> None:
        super()._halt(endpoint, halted)
        if endpoint.address in (DISK_IN, DISK_OUT) and self.disk_stage == NEEDS_RESET:
            endpoint.halted = True

    def _disk_out(self, data: bytes) -> None:
        if self.disk_stage == "data":
            self.received += data
            if len(self.received) >= self.expected or len(data) < 64:
                self.disk_stage = "command"
                self._written(bytes(self.received))
            return
        if self._is_wrapper(data):
            self._wrapper(data)
            return
        self._invalid()

    def _invalid(self) -> None:
        self.disk_stage = NEEDS_RESET
        for address in (DISK_IN, DISK_OUT):
            self._halt(self.endpoints[address], True)

    def _is_wrapper(self, data: bytes) -> bool:
        return len(data) == 31 and data[:4] == b"USBC"

    def _wrapper(self, data: bytes) -> None:
        self.tag, self.expected, flags, _, length = struct.unpack("<IIBBB", data[4:15])
        cdb = data[15 : 15 + length]
        intent, content, status = self._command(cdb)
        self.intended = len(content)
        if not self.expected:
            case = {"n": 1, "i": 2, "o": 3}[intent]
            self._end(case, 0, status if case == 1 else 2)
        elif flags & 0x80:
            self._to_host(intent, content, status)
        else:
            self._from_host(intent, cdb, status)

    def _to_host(self, intent: str, content: bytes, status: int) -> None:
        expected, size = self.expected, len(content)
        if intent == "i":
            self._send(DISK_IN, content[:expected])
            case = 5 if size < expected else 6 if size == expected else 7
            self._end(case, max(0, expected - size), status if size <= expected else 2)
            return
        self._halt(self.endpoints[DISK_IN], True)
        self._end(4 if intent == "n" else 8, expected, status if intent == "n" else 2)

    def _from_host(self, intent: str, cdb: bytes, status: int) -> None:
        if intent == "o":
            self.disk_stage, self.received, self.cdb = "data", bytearray(), cdb
            return
        self._halt(self.endpoints[DISK_OUT], True)
        self._end(9 if intent == "n" else 10, self.expected, status if intent == "n" else 2)

    def _written(self, data: bytes) -> None:
        expected, need = self.expected, self.intended
        if need <= expected:
            at = int.from_bytes(self.cdb[2:6], "big") * BLOCK
            self.disk[at : at + need] = data[:need]
        self._end(
            11 if need < expected else 12 if need == expected else 13, max(0, expected - need), 2 * (need > expected)
        )

    def _end(self, case: int, residue: int, status: int) -> None:
        """The status wrapper of a command that was one of the thirteen cases."""
        self._send(DISK_IN, b"USBS" + struct.pack("<IIB", self.tag, residue, status))

    def _command(self, cdb: bytes) -> tuple[str, bytes, int]:
        """What the device intends: n, i or o; the data (for o as many zeros); the status."""
        match cdb[0]:
            case 0x00:
                return "n", b"", 0 if self.medium else self._fails("medium")
            case 0x03:
                key, code = SENSES[self.sense]
                self.sense = "none"
                return "i", bytes([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code]) + bytes(5), 0
            case 0x12:
                return "i", bytes([0, 0x80, 4, 2, 31, 0, 0, 0]) + b"renode-pdisk            1.0 ", 0
            case 0x1B:
                self._start_stop(cdb[4])
                return "n", b"", 0
            case 0x25:
                return "i", struct.pack(">II", BLOCKS - 1, BLOCK), 0
            case 0x28 | 0x2A:
                return self._move(cdb)
        return "n", b"", self._fails("command")

    def _start_stop(self, what: int) -> None:
        if what & 2:
            self.medium = bool(what & 1)

    def _move(self, cdb: bytes) -> tuple[str, bytes, int]:
        block, count = int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")
        if block + count > BLOCKS:
            return "n", b"", self._fails("range")
        data = bytes(self.disk[block * BLOCK : (block + count) * BLOCK])
        return "i" if cdb[0] == 0x28 else "o", data, 0

    def _fails(self, why: str) -> int:
        self.sense = why
        return 1

    # DFU

    def _application(self, request: int, into: bool) -> bytes | None:
        match into, request:
            case False, 0:
                return b""
            case True, 3:
                return bytes(6)
            case True, 5:
                return bytes(1)
        return None

    def _loader(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        match into, request:
            case True, 3:
                return self._dfu_get_status()
            case True, 5:
                return bytes([self.dfu_state])
        answer = self._dfu_request(request, into, setup, data)
        if answer is None:
            self.dfu_state, self.dfu_status = State.ERROR, 0x0F
        return answer

    def _dfu_get_status(self) -> bytes:
        if self.dfu_state is State.DNLOAD_SYNC:
            self.dfu_state = State.DNLOAD_IDLE
        elif self.dfu_state is State.MANIFEST_SYNC:
            self.dfu_state = State.IDLE
        return bytes([self.dfu_status, 1, 0, 0, self.dfu_state, 0])

    def _dfu_request(self, request: int, into: bool, setup: Setup, data: bytes) -> bytes | None:
        state, idle = self.dfu_state, State.IDLE
        match into, request:
            case False, 1 if state in (idle, State.DNLOAD_IDLE):
                return self._download(setup.wValue, data)
            case True, 2 if state in (idle, State.UPLOAD_IDLE):
                return self._upload(setup.wValue, setup.wLength)
            case False, 4 if state is State.ERROR:
                self.dfu_state, self.dfu_status = idle, 0
                return b""
            case False, 6 if state in (idle, State.UPLOAD_IDLE, State.DNLOAD_IDLE):
                self.dfu_state = idle
                return b""
        return None

    def _download(self, block: int, data: bytes) -> bytes | None:
        if not data:
            if self.dfu_state is State.IDLE:
                return None
            self.dfu_state = State.MANIFEST_SYNC
            return b""
        self._store(block * TRANSFER, data)
        self.dfu_state = State.DNLOAD_SYNC
        return b""

    def _store(self, at: int, data: bytes) -> None:
        self.memory[at : at + len(data)] = data

    def _upload(self, block: int, length: int) -> bytes | None:
        data = bytes(self.memory[block * TRANSFER :][:length])
        self.dfu_state = State.UPLOAD_IDLE if len(data) == length else State.IDLE
        return data

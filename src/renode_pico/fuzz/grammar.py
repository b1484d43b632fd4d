"""What a host could do to one device: actions made from chapter 9, the device's own descriptors and its classes.

Most of what is made is nearly right, as nonsense gets no further than the first check. All comes from one random
generator, so that a seed gives the same programs again.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from renode_pico.fuzz.program import (
    MOST_DATA,
    Action,
    Control,
    Program,
    Receive,
    Reset,
    Send,
    Spoil,
    Suspend,
    Unplug,
    Wait,
)
from renode_pico.usb.configured import ConfiguredDevice
from renode_pico.usb.descriptors import EndpointDescriptor, Interface
from renode_pico.usb.transfer import Setup, TransferType
from renode_pico.usb.wire import Fault

LONGEST = 12
"""Actions of a program that mutation makes."""
LENGTHS = (
    *(0, 1, 2, 4, 7, 8, 9, 16, 18, 31, 32, 33, 63, 64, 65, 127, 128, 129),
    *(200, 255, 256, 257, 512, 1024, 4096, 0xFFFF),
)
WORDS = (0, 1, 2, 3, 4, 7, 8, 0x10, 0x20, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x200, 0x300, 0x7FFF, 0x8000, 0xFFFF)
VALUES = (0, 1, 2, 3, 4, 5, 8, 0x10, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF)
VENDOR_REQUESTS = 16
"""Requests of a vendor that are tried in a plain way; nobody says which a device has."""
MORE_LENGTHS = (0, 1, 8, 64, 255, 512)
"""What each request that the device knows is tried with, once."""
OTHER_LENGTHS = (8, 64, 255)
"""And with its direction reversed."""
LONG, CUT_OFF = 200, 100
"""Bytes of a data stage, and emulated microseconds after which it is left under way: some packets are through then."""
REQUEST_TYPES = tuple(
    way | kind | recipient for way in (0, 0x80) for kind in (0, 0x20, 0x40) for recipient in (0, 1, 2)
)
FAULTS = (Fault.CRC, Fault.BIT_STUFF, Fault.LOST_DATA, Fault.WRONG_TOGGLE, Fault.LOST_HANDSHAKE)
"""What a bad cable does; a program written by hand may name any other."""
DESCRIPTORS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x0F, 0x21, 0x22, 0x23, 0x24, 0x29)

_Requests = tuple[tuple[int, int, int], ...]
_CDC: _Requests = (
    *((0x21, 0x20, 7), (0xA1, 0x21, 7), (0x21, 0x22, 0), (0x21, 0x23, 0), (0x21, 0x00, 8), (0xA1, 0x01, 64)),
    *((0x21, 0x43, 0), (0x21, 0x40, 12), (0xA1, 0x80, 28), (0xA1, 0x85, 4), (0x21, 0x86, 4)),
)
_DFU: _Requests = (
    *((0x21, 0x00, 0), (0x21, 0x01, 64), (0xA1, 0x02, 64), (0xA1, 0x03, 6), (0x21, 0x04, 0), (0xA1, 0x05, 1)),
    (0x21, 0x06, 0),
)
_USBTMC: _Requests = (
    *((0xA2, 0x01, 2), (0xA2, 0x02, 8), (0xA1, 0x05, 1), (0xA1, 0x06, 2), (0xA1, 0x07, 24), (0xA1, 0x40, 1)),
)
CLASS_REQUESTS: dict[int, _Requests] = {
    # bInterfaceClass: (bmRequestType, bRequest, wLength)
    0x01: ((0xA1, 0x81, 2), (0x21, 0x01, 2), (0xA1, 0x82, 2), (0xA1, 0x83, 2), (0xA1, 0x01, 4), (0xA1, 0x02, 64)),
    0x02: _CDC,
    0x03: (
        *((0xA1, 0x01, 64), (0xA1, 0x02, 1), (0xA1, 0x03, 1), (0x21, 0x09, 8), (0x21, 0x0A, 0), (0x21, 0x0B, 0)),
        (0x81, 0x06, 255),
    ),
    0x08: ((0xA1, 0xFE, 1), (0x21, 0xFF, 0)),
    0x0E: ((0xA1, 0x81, 26), (0x21, 0x01, 26), (0xA1, 0x82, 26), (0xA1, 0x83, 26), (0xA1, 0x86, 1), (0xA1, 0x85, 2)),
    0xFE: _DFU + _USBTMC,
}
"""Audio 1 and 2; CDC, ECM, NCM; HID; mass storage; video; DFU, USBTMC: by their specifications' tables of requests."""


class Grammar:
    """Makes and changes programs for one device. `device`: as enumerated and configured."""

    def __init__(self, device: ConfiguredDevice, random: Random) -> None:
        self._random = random
        configuration = device.configuration
        self._value = configuration.bConfigurationValue
        self._language = device.languages[0] if device.languages else 0x0409
        self._settings: tuple[Interface, ...] = configuration.settings
        self._interfaces = sorted({each.bInterfaceNumber for each in self._settings})
        endpoints = {each.bEndpointAddress: each for setting in self._settings for each in setting.endpoints}
        self._endpoints = [endpoints[address] for address in sorted(endpoints)]
        self._ins = [each for each in self._endpoints if each.is_in]
        self._outs = [each for each in self._endpoints if not each.is_in]

    # Whole programs

    def seeds(self) -> list[Program]:
        """One program for each thing that can be done in a plain way: what a first round begins with."""
        programs: list[tuple[Action, ...]] = [(Control(Setup(0x80, 6, kind << 8, 0, 255)),) for kind in DESCRIPTORS]
        programs += [(self._control(self._standard(number)),) for number in range(13)]
        for setting in self._settings:
            interface = setting.bInterfaceNumber
            for kind, request, length in CLASS_REQUESTS.get(setting.bInterfaceClass, ()):
                programs.append((self._control(Setup(kind, request, 0, interface, length)),))
            programs.append((Control(Setup(0x01, 11, setting.bAlternateSetting, interface, 0)),))
        programs += [
            (self._control(Setup(kind, number, 0, 0, length)),)
            for number in range(VENDOR_REQUESTS)
            for kind in (0x40, 0xC0, 0x41, 0xC1)
            for length in (0, 8)
        ]
        programs += [(Send(each.bEndpointAddress, b"U" * each.max_packet_size),) for each in self._outs]
        programs += [(Receive(each.bEndpointAddress, each.max_packet_size),) for each in self._ins]
        programs += [(Reset(),), (Suspend(),), (Unplug(),), (Reset(configure=False),)]
        programs += [(data, anew, data) for endpoint in self._endpoints for data, anew in self._restarts(endpoint)]
        return [Program(actions) for actions in programs]

    def _restarts(self, endpoint: EndpointDescriptor) -> list[tuple[Action, Action]]:
        """Data of an endpoint, and what makes it begin anew: SET_CONFIGURATION, SET_INTERFACE, a halt that is cleared
        (USB 2.0, 9.1.1.5 and 9.4.5)."""
        address, size = endpoint.bEndpointAddress, endpoint.max_packet_size
        if endpoint.type is TransferType.ISOCHRONOUS:
            return []
        data = Receive(address, size) if endpoint.is_in else Send(address, bytes(min(size, 8)))
        anew = [Setup(0x00, 9, self._value, 0, 0), Setup(0x02, 1, 0, address, 0)]
        anew += [
            Setup(0x01, 11, each.bAlternateSetting, each.bInterfaceNumber, 0)
            for each in self._settings
            if address in (other.bEndpointAddress for other in each.endpoints)
        ]
        return [(data, Control(setup)) for setup in anew]

    def make(self) -> Program:
        """A new program of one to six actions."""
        return Program(tuple(self.action() for _ in range(1 + self._random.randrange(6))))

    def mutate(self, program: Program, other: Program, steps: Sequence[Action] = ()) -> Program:
        """A program like `program`, with something of `other` in it at times, or one of the steps."""
        random = self._random
        actions = list(program.actions)
        for _ in range(1 + random.randrange(3)):
            choice = random.random()
            at = random.randrange(len(actions) + 1)
            if choice < 0.40 and actions:
                at = min(at, len(actions) - 1)
                actions[at] = self._change(actions[at])
            elif choice < 0.65:
                actions.insert(at, random.choice(steps) if steps and random.random() < 0.3 else self.action())
            elif choice < 0.75 and len(actions) > 1:
                del actions[min(at, len(actions) - 1)]
            elif choice < 0.83 and actions:
                actions.insert(at, random.choice(actions))
            elif choice < 0.88 and len(actions) > 1:
                first, second = random.randrange(len(actions)), random.randrange(len(actions))
                actions[first], actions[second] = actions[second], actions[first]
            elif other.actions:
                begin = random.randrange(len(other.actions))
                actions[at:at] = other.actions[begin : begin + 1 + random.randrange(3)]
        return Program(tuple(actions[:LONGEST]))

    def variants(self, action: Control) -> list[Program]:
        """What is tried of a request that the device knows: other lengths, values, the other direction; cut off, then
        made again."""
        setup = action.setup
        programs: list[tuple[Action, ...]] = []
        for value in VALUES:
            if value != setup.wValue:
                programs.append((Control(replace(setup, wValue=value), action.data),))
        for length in MORE_LENGTHS:
            if length != setup.wLength:
                data = b"" if setup.is_in else (action.data + self._data(length, setup))[:length]
                programs.append((Control(replace(setup, wLength=length), data),))
        for length in OTHER_LENGTHS:
            other = replace(setup, bmRequestType=setup.bmRequestType ^ 0x80, wLength=length)
            programs.append((Control(other, b"" if other.is_in else self._data(length, other)),))
        if not setup.is_in:
            long = Control(replace(setup, wLength=LONG), (action.data + self._data(LONG, setup))[:LONG])
            programs.append((replace(long, leave_us=CUT_OFF), long))
        return [Program(actions) for actions in programs]

    # Actions

    def action(self) -> Action:
        """Anything that a host, a cable or a person does."""
        random = self._random
        choice = random.random()
        if choice < 0.64:
            return self._request()
        if choice < 0.76 and self._outs:
            endpoint = random.choice(self._outs)
            return Send(
                endpoint.bEndpointAddress, self._data(self._length(endpoint.max_packet_size)), random.random() < 0.2
            )
        if choice < 0.86 and self._ins:
            endpoint = random.choice(self._ins)
            return Receive(endpoint.bEndpointAddress, random.choice((endpoint.max_packet_size, 1, 512)))
        if choice < 0.91:
            address = random.choice([0, 0x80, *(each.bEndpointAddress for each in self._endpoints)])
            return Spoil(random.choice(FAULTS), address, 1 + random.randrange(2), random.randrange(3))
        if choice < 0.95:
            return Reset(random.random() < 0.8)
        if choice < 0.97:
            return Suspend(random.choice((0, 0, 10)))
        if choice < 0.98:
            return Unplug(random.choice((1, 10, 200)))
        return Wait(random.choice((50, 500, 2000, 20_000)))

    def _request(self) -> Control:
        random = self._random
        choice = random.random()
        if choice < 0.35:
            setup = self._standard(random.randrange(13))
        elif choice < 0.70:
            setup = self._class_request() or self._vendor()
        elif choice < 0.92:
            setup = self._vendor()
        else:
            setup = Setup(
                random.choice(REQUEST_TYPES), random.randrange(256), self._word(), self._word(), random.choice(LENGTHS)
            )
        if random.random() < 0.2:
            setup = self._change_setup(setup)
        return self._control(setup)

    def _standard(self, number: int) -> Setup:
        """A standard request (USB 2.0, table 9-3); 2 and 4 are reserved."""
        random = self._random
        interface, endpoint = self._interface(), self._endpoint()
        target, index = random.choice(((0, 0), (1, interface), (2, endpoint)))
        match number:
            case 0:
                return Setup(0x80 | target, 0, 0, index, 2)
            case 1 | 3:
                return Setup(target, number, random.choice((0, 1, 2)), index, 0)
            case 5:
                return Setup(0x00, 5, random.choice((1, 2, 64, 127, 0, self._word())), 0, 0)
            case 6:
                kind = random.choice(DESCRIPTORS)
                where = random.choice((0, self._language, interface))
                return Setup(
                    0x80 | (target & 1),
                    6,
                    kind << 8 | random.choice((0, 0, 1, 2, 3, 4, 5, 0xEE, 0xFF)),
                    where,
                    random.choice(LENGTHS),
                )
            case 7:
                return Setup(0x00, 7, random.choice(DESCRIPTORS) << 8, 0, random.choice((0, 8, 18, 64)))
            case 8:
                return Setup(0x80, 8, 0, 0, 1)
            case 9:
                value = self._value
                return Setup(0x00, 9, random.choice((value, value, value, 0, value + 1, self._word())), 0, 0)
            case 10:
                return Setup(0x81, 10, 0, interface, 1)
            case 11:
                setting = random.choice(self._settings) if self._settings else None
                alternate = setting.bAlternateSetting if setting else 0
                number_ = setting.bInterfaceNumber if setting else 0
                return Setup(0x01, 11, random.choice((alternate, alternate, 0, 1, self._word())), number_, 0)
            case 12:
                return Setup(0x82, 12, 0, endpoint, 2)
        return Setup(random.choice((0x00, 0x80, 0x01, 0x81)), number, 0, index, random.choice((0, 2, 8)))

    def _class_request(self) -> Setup | None:
        random = self._random
        if not self._settings:
            return None
        setting = random.choice(self._settings)
        interface = setting.bInterfaceNumber
        known = CLASS_REQUESTS.get(setting.bInterfaceClass)
        if known and random.random() < 0.8:
            kind, request, length = random.choice(known)
        else:
            kind, request, length = (
                random.choice((0x21, 0x21, 0xA1)),
                random.randrange(16),
                0 if random.random() < 0.4 else self._length(64),
            )
        if random.random() < 0.3:
            length = random.choice(LENGTHS)
        return Setup(kind, request, self._word(), interface if random.random() < 0.9 else self._word(), length)

    def _vendor(self) -> Setup:
        random = self._random
        kind = random.choice((0xC0, 0x40, 0xC1, 0x41))
        index = self._interface() if kind & 1 else random.choice((0, 0, self._word()))
        request = random.randrange(16) if random.random() < 0.8 else random.randrange(256)
        return Setup(kind, request, self._word(), index, 0 if random.random() < 0.4 else random.choice(LENGTHS))

    def _control(self, setup: Setup) -> Control:
        random = self._random
        data = b""
        if not setup.is_in and setup.wLength:
            setup = replace(setup, wLength=min(setup.wLength, MOST_DATA))
            data = self._data(setup.wLength, setup)
        leave = random.choice((20, 60, 120, 200, 400, 1000)) if random.random() < 0.06 else None
        return Control(setup, data, leave)

    # Values

    def _interface(self) -> int:
        random = self._random
        return random.choice(self._interfaces) if self._interfaces and random.random() < 0.9 else random.randrange(256)

    def _endpoint(self) -> int:
        random = self._random
        if self._endpoints and random.random() < 0.9:
            return random.choice(self._endpoints).bEndpointAddress
        return random.choice((0x00, 0x80, 0x0F, 0x8F, random.randrange(256)))

    def _word(self) -> int:
        random = self._random
        return random.choice(WORDS) if random.random() < 0.8 else random.randrange(0x10000)

    def _length(self, typical: int) -> int:
        random = self._random
        choice = random.random()
        if choice < 0.4:
            return typical
        return random.randrange(1, typical + 1) if choice < 0.8 else min(random.choice(LENGTHS), 1024)

    def _data(self, length: int, setup: Setup | None = None) -> bytes:
        random = self._random
        if setup is not None and setup.bmRequestType == 0x21 and setup.bRequest == 0x20 and length == 7:
            rate = random.choice((0, 1200, 9600, 115200, 0xFFFFFFFF))
            return struct.pack("<IBBB", rate, random.randrange(4), random.randrange(6), random.choice((5, 8, 16, 255)))
        choice = random.random()
        if choice < 0.2:
            return bytes(length)
        if choice < 0.3:
            return b"\xff" * length
        if choice < 0.45:
            return bytes(at & 0xFF for at in range(length))
        if choice < 0.6:
            return (random.choice(WORDS).to_bytes(2, "little") * (length // 2 + 1))[:length]
        if choice < 0.7:
            return (b"USBC" + random.randbytes(11) + bytes([6]) + random.randbytes(16) + random.randbytes(length))[
                :length
            ]
        return random.randbytes(length)

    # Changes

    def _change(self, action: Action) -> Action:
        random = self._random
        match action:
            case Control(setup, data, leave):
                choice = random.random()
                if choice < 0.15:
                    return replace(action, leave_us=None if leave else random.choice((20, 60, 120, 200, 400, 1000)))
                if choice < 0.4 and data:
                    return replace(action, data=self._bend(data))
                changed = self._change_setup(setup)
                if changed.is_in or not changed.wLength:
                    return Control(changed, b"", leave)
                changed = replace(changed, wLength=min(changed.wLength, MOST_DATA))
                longer = data + self._data(max(0, changed.wLength - len(data)), changed)
                return Control(changed, longer[: changed.wLength], leave)
            case Send(endpoint, data, zero_packet):
                if random.random() < 0.5 and data:
                    return Send(endpoint, self._bend(data), zero_packet)
                return Send(endpoint, self._data(self._length(64)), not zero_packet)
            case Receive(endpoint, _):
                return Receive(endpoint, random.choice((1, 8, 64, 512)))
            case Spoil(_, endpoint, count, skip):
                return Spoil(random.choice(FAULTS), endpoint, 3 - count if count < 3 else 1, (skip + 1) % 4)
            case Reset(configure):
                return Reset(not configure)
        return self.action()

    def _change_setup(self, setup: Setup) -> Setup:
        random = self._random
        match random.randrange(8):
            case 0:
                return replace(setup, bmRequestType=random.choice(REQUEST_TYPES))
            case 1:
                return replace(setup, bRequest=(setup.bRequest + random.choice((1, -1, 16))) & 0xFF)
            case 2:
                return replace(setup, wValue=self._word())
            case 3:
                return replace(setup, wValue=(setup.wValue + random.choice((1, -1, 256))) & 0xFFFF)
            case 4:
                return replace(setup, wValue=setup.wValue ^ 1 << random.randrange(16))
            case 5:
                return replace(setup, wIndex=random.choice((self._interface(), self._endpoint(), self._word())))
            case 6:
                return replace(setup, wLength=(setup.wLength + random.choice((1, -1, 8))) & 0xFFFF)
        return replace(setup, wLength=random.choice(LENGTHS))

    def _bend(self, data: bytes) -> bytes:
        random = self._random
        changed = bytearray(data)
        for _ in range(1 + random.randrange(3)):
            at = random.randrange(len(changed))
            changed[at] = random.choice((0, 0xFF, 0x80, changed[at] ^ 1 << random.randrange(8), random.randrange(256)))
        return bytes(changed)


def pick(corpus: Sequence[Program], random: Random) -> Program:
    """A program to change: the later it was kept, the likelier."""
    return corpus[int(len(corpus) * random.random() ** 0.6)]

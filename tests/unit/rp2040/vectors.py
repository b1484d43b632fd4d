"""Reads the vectors of `vectors/` (their language: `vectors/README.md`) and runs them on a model of the controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_coverage import CountingUsbController, Cover
from renode_pico.rp2040.usb_memory import BUFFERS, Dpsram
from renode_pico.rp2040.usb_sanitizer import UsbSanitizer, Where
from renode_pico.usb.wire import Fault, Packet, Pid, Stray, Wire
from tests.unit import vector_file
from tests.unit.usb.fake_clock import FakeClock
from tests.unit.vector_file import Vector, parse_bytes, same

DIRECTORY = Path(__file__).parent / "vectors"
LONGER_THAN_A_TRANSACTION_NS = 200_000
UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
ALIASES = {"write": Alias.NORMAL, "set": Alias.SET, "clear": Alias.CLEAR, "xor": Alias.XOR}


class VectorFile(vector_file.VectorFile):
    """All vectors of the directory, with the names and macros they share."""

    def __init__(self) -> None:
        names = DIRECTORY / "names.vec"
        super().__init__(names, *(path for path in sorted(DIRECTORY.glob("*.vec")) if path != names))


class Model(Wire, Protocol):
    """A controller on a bench: `Wire` on one side, registers, DPSRAM and the interrupt on the other.

    It keeps what its listener is told in `told`, and ends each transaction when its time has passed.
    """

    told: list[str]

    @property
    def cover(self) -> Cover:
        """What it has been through (`rp2040.usb_coverage`)."""

    @property
    def irq(self) -> bool:
        """The level of the interrupt."""

    def read(self, register: int) -> int:
        """The firmware reads a register."""

    def write(self, register: int, value: int, alias: Alias) -> None:
        """The firmware writes a register."""

    def read_memory(self, offset: int, length: int) -> bytes:
        """What DPSRAM holds."""

    def write_word(self, offset: int, value: int) -> None:
        """The firmware writes a word of DPSRAM."""

    def write_bytes(self, offset: int, data: bytes) -> None:
        """The firmware writes bytes of DPSRAM."""

    def wait(self, length_ns: int) -> None:
        """Emulated time passes."""

    def sanitize(self) -> None:
        """Note misuse from here on, of a B2 with clk_sys at 125 MHz and clk_usb at 48."""

    def clocks(self, clk_sys: int, clk_usb: int) -> None:
        """Other frequencies, in MHz."""

    def chip(self, revision: str) -> None:
        """Another revision."""

    def erratum(self, name: str) -> None:
        """The silicon has a fault."""

    def hold(self, held: bool) -> None:
        """The block's reset line."""

    def unaligned(self, offset: int, size: int) -> None:
        """The firmware writes bytes of DPSRAM that are not aligned."""

    def found(self) -> list[str]:
        """What was noted since the last look: the check, and the endpoint where it has one."""


class Listener:
    """Notes what a model tells its host, as the vectors write it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pull_up_changed(self, attached: bool) -> None:
        self.told.append("attach" if attached else "detach")

    def remote_wakeup(self) -> None:
        self.told.append("wakeup")

    def endpoint_ready(self, endpoint_address: int) -> None:
        self.told.append(f"ready:{endpoint_address:#04x}")


class PythonModel(CountingUsbController, Listener):
    """The embedded engine's model, alone."""

    def __init__(self) -> None:
        Listener.__init__(self)
        self.memory = Dpsram()
        self.clock = FakeClock()
        self.irq = False
        self.unmodelled = Unmodelled(lambda: 0)
        super().__init__(self.memory, self.clock, self._set_irq, self.unmodelled)
        self.listener = self

    def _set_irq(self, level: bool) -> None:
        self.irq = level

    def read_memory(self, offset: int, length: int) -> bytes:
        return self.memory.read(offset, length)

    def write_word(self, offset: int, value: int) -> None:
        self.memory.words[offset >> 2] = value
        self._told(offset)

    def write_bytes(self, offset: int, data: bytes) -> None:
        self.memory.write(offset, data)
        self._told(offset)

    def _told(self, offset: int) -> None:
        """As the machine does it: control words always, buffers where the sanitizer guards them."""
        if offset < BUFFERS or (self.sanitizer is not None and self.around.pieces >> (offset >> 6) & 1):
            self.dpram_updated(offset)

    def wait(self, length_ns: int) -> None:
        self.clock.run_until(lambda: False, self.clock.now_ns + length_ns)

    def sanitize(self) -> None:
        self.around = BenchAround(self)
        self.sanitizer = UsbSanitizer(self, self.around)

    def clocks(self, clk_sys: int, clk_usb: int) -> None:
        self.around.mhz = clk_sys, clk_usb

    def chip(self, revision: str) -> None:
        self.around.is_b2 = revision == "B2"

    def erratum(self, name: str) -> None:
        self.have(self.errata | {name})

    def unaligned(self, offset: int, size: int) -> None:
        assert self.sanitizer is not None
        self.sanitizer.memory_written(offset | size << 16)

    def found(self) -> list[str]:
        assert self.sanitizer is not None
        misuses = list(self.sanitizer.misuses.values())
        self.sanitizer.misuses.clear()
        return [each.check + ("" if each.endpoint is None else f":{each.endpoint:#04x}") for each in misuses]


class BenchAround:
    """No processor: everything is done from one place."""

    def __init__(self, model: PythonModel) -> None:
        self._model = model
        self.mhz = 125, 48
        self.is_b2 = True

    def where(self) -> Where:
        return Where("core0")

    def now_ns(self) -> int:
        return self._model.clock.now_ns

    def frequencies(self) -> tuple[int, int]:
        return self.mhz[0] * 1_000_000, self.mhz[1] * 1_000_000

    def abort_works(self) -> bool:
        return self.is_b2

    def guard(self, pieces: int) -> None:
        self.pieces = pieces


class Bench:
    """Runs vectors: the firmware and the host of a model are the vector."""

    def __init__(self, file: VectorFile, model: Model) -> None:
        self.file = file
        self.model = model

    def run(self, vector: Vector) -> None:
        for step in self.file.expanded(vector):
            try:
                self._do(*step.words)
            except AssertionError as error:
                raise AssertionError(f"{step.where}: {' '.join(step.words)}: {error}") from None

    def _do(self, verb: str, *words: str) -> None:
        value, model = self.file.value, self.model
        if verb in ALIASES:
            model.write(value(words[0]), value(words[1]), ALIASES[verb])
        elif verb == "read":
            mask = value(words[2]) if words[1] == "&" else 0xFFFFFFFF
            same(model.read(value(words[0])) & mask, value(words[-1]))
        elif verb == "dpram" and words[1] == "=":
            same(int.from_bytes(model.read_memory(value(words[0]), 4), "little"), value(words[2]))
        elif verb == "dpram":
            model.write_word(value(words[0]), value(words[1]))
        elif verb == "bytes" and words[1] == "=":
            expected = parse_bytes(words[2:])
            same(model.read_memory(value(words[0]), len(expected)), expected)
        elif verb == "bytes":
            model.write_bytes(value(words[0]), parse_bytes(words[1:]))
        elif verb == "wait":
            model.wait(int(words[0][:-2]) * UNITS[words[0][-2:]])
        elif verb == "irq":
            same(model.irq, words[0] == "1")
        elif verb == "seen":
            told, model.told = model.told, []
            same(told, [] if words == ("nothing",) else list(words))
        elif verb in ("setup", "out", "in", "stray"):
            arrow = words.index("->")
            self._transaction(verb, words[:arrow], words[arrow + 1 :])
        elif verb == "found":
            same(model.found(), [] if words == ("nothing",) else list(words))
        elif verb in ("sanitize", "clocks", "chip", "hold", "unaligned", "erratum"):
            self._sanitizer(verb, words)
        elif verb in ("ack", "noack"):
            model.in_handshake(value(words[0]), value(words[1]), verb == "ack")
            model.wait(LONGER_THAN_A_TRANSACTION_NS)
        else:
            self._line(verb, words)

    def _sanitizer(self, verb: str, words: tuple[str, ...]) -> None:
        model = self.model
        if verb == "sanitize":
            model.sanitize()
        elif verb == "clocks":
            model.clocks(int(words[0]), int(words[1]))
        elif verb == "chip":
            model.chip(words[0])
        elif verb == "erratum":
            model.erratum(words[0])
        elif verb == "hold":
            model.hold(words[0] == "on")
        else:
            model.unaligned(self.file.value(words[0]), int(words[1]))

    def _line(self, verb: str, words: tuple[str, ...]) -> None:
        model = self.model
        actions: dict[tuple[str, ...], Callable[[], None]] = {
            ("vbus", "on"): lambda: model.vbus(True),
            ("vbus", "off"): lambda: model.vbus(False),
            ("reset", "begin"): model.reset_begin,
            ("reset", "end"): model.reset_end,
            ("resume", "begin"): model.resume_begin,
            ("resume", "end"): model.resume_end,
            ("idle",): model.idle,
        }
        if verb == "sof":
            model.sof(self.file.value(words[0]))
        else:
            actions[(verb, *words)]()

    def _transaction(self, verb: str, words: tuple[str, ...], expected: tuple[str, ...]) -> None:
        if verb == "stray":
            token = [self.file.value(word) for word in words[1:]] or [0, 0]
            same(describe(self.model.stray(Stray(words[0]), *token)), describe(parse_answer(expected)))
            return
        fault = None
        if words and words[-1].startswith("!"):
            fault, words = Fault(words[-1][1:]), words[:-1]
        address, endpoint = self.file.value(words[0]), self.file.value(words[1])
        answer: Packet | None
        if verb == "setup":
            answer = self.model.setup(address, endpoint, parse_bytes(words[2:]), fault)
        elif verb == "out":
            answer = self.model.out(address, endpoint, Pid[words[2]], parse_bytes(words[3:]), fault)
        else:
            answer = self.model.in_(address, endpoint, fault)
        if verb != "in":
            # Let the transaction's time pass: what is on the bus next is the vector's business.
            self.model.wait(LONGER_THAN_A_TRANSACTION_NS)
        same(describe(answer), describe(parse_answer(expected)))


def parse_answer(words: tuple[str, ...]) -> Packet | None:
    """`silence`, a handshake, or a data packet."""
    return None if words == ("silence",) else Packet(Pid[words[0]], parse_bytes(words[1:]))


def describe(packet: Packet | None) -> str:
    """The answer as a vector would write it."""
    return "silence" if packet is None else f"{packet.pid.name} {packet.data.hex(' ')}".strip()

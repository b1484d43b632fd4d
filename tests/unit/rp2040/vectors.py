"""Reads and runs the vectors of `vectors/` (their language: `vectors/README.md`) on the Python model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from renode_pico.rp2040.dpsram import Dpsram
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb_controller import UsbController
from renode_pico.rp2040.usb_registers import Alias
from renode_pico.usb.wire import Fault, Packet, Pid
from tests.unit.usb.fake_clock import FakeClock

DIRECTORY = Path(__file__).parent / "vectors"
LONGER_THAN_A_TRANSACTION_NS = 200_000
UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
ALIASES = {"write": Alias.NORMAL, "set": Alias.SET, "clear": Alias.CLEAR, "xor": Alias.XOR}


@dataclass(frozen=True, slots=True)
class Step:
    """One line: where it stands and its words."""

    where: str
    words: tuple[str, ...]


@dataclass(slots=True)
class Vector:
    """A named sequence of steps and the rows it proves."""

    name: str
    rows: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class VectorFile:
    """All vectors of the directory, with the names and macros they share."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.macros: dict[str, list[Step]] = {}
        self.vectors: list[Vector] = []
        self._read(DIRECTORY / "names.vec")
        for path in sorted(DIRECTORY.glob("*.vec")):
            if path.name != "names.vec":
                self._read(path)

    def _read(self, path: Path) -> None:
        macro: list[Step] | None = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = tuple(line.split("#", 1)[0].split())
            if not words:
                continue
            step = Step(f"{path.name}:{number}", words)
            if words[0] == "let":
                self.names[words[1]] = int(words[2], 0)
            elif words[0] == "macro":
                macro = self.macros[words[1]] = []
            elif words[0] == "end":
                macro = None
            elif macro is not None:
                macro.append(step)
            elif words[0] == "==":
                self.vectors.append(Vector(" ".join(words[1:])))
            elif words[0] == "rows":
                self.vectors[-1].rows += words[1:]
            else:
                self.vectors[-1].steps.append(step)

    def value(self, text: str) -> int:
        """A number, a name, or several joined with `|`."""
        total = 0
        for part in text.split("|"):
            total |= self.names[part] if part in self.names else int(part, 0)
        return total

    def expanded(self, vector: Vector) -> Iterator[Step]:
        """The steps with macros replaced by theirs."""
        yield from self._expand(vector.steps)

    def _expand(self, steps: list[Step]) -> Iterator[Step]:
        for step in steps:
            if step.words[0] in self.macros:
                yield from self._expand(self.macros[step.words[0]])
            else:
                yield step


class Bench:
    """A controller on a bench: its firmware, host and listener are the vector."""

    def __init__(self, file: VectorFile) -> None:
        self.file = file
        self.clock = FakeClock()
        self.memory = Dpsram()
        self.level = False
        self.told: list[str] = []
        self.unmodelled = Unmodelled(lambda: 0)
        self.usb = UsbController(self.memory, self.clock, self._interrupt, self.unmodelled)
        self.usb.listener = self

    def _interrupt(self, level: bool) -> None:
        self.level = level

    # WireListener

    def pull_up_changed(self, attached: bool) -> None:
        self.told.append("attach" if attached else "detach")

    def remote_wakeup(self) -> None:
        self.told.append("wakeup")

    def endpoint_ready(self, endpoint_address: int) -> None:
        self.told.append(f"ready:{endpoint_address:#04x}")

    # Steps

    def run(self, vector: Vector) -> None:
        for step in self.file.expanded(vector):
            try:
                self._do(*step.words)
            except AssertionError as error:
                raise AssertionError(f"{step.where}: {' '.join(step.words)}: {error}") from None

    def _do(self, verb: str, *words: str) -> None:
        value = self.file.value
        if verb in ALIASES:
            self.usb.write(value(words[0]), value(words[1]), ALIASES[verb])
        elif verb == "read":
            mask = value(words[2]) if words[1] == "&" else 0xFFFFFFFF
            self._same(self.usb.read(value(words[0])) & mask, value(words[-1]))
        elif verb == "dpram":
            self._dpram(value(words[0]), words[1:])
        elif verb == "bytes":
            self._bytes(value(words[0]), words[1:])
        elif verb == "wait":
            self._pass(int(words[0][:-2]) * UNITS[words[0][-2:]])
        elif verb == "irq":
            self._same(self.level, words[0] == "1")
        elif verb == "seen":
            told, self.told = self.told, []
            self._same(told, [] if words == ("nothing",) else list(words))
        elif verb in ("setup", "out", "in"):
            arrow = words.index("->")
            self._transaction(verb, words[:arrow], words[arrow + 1 :])
        elif verb in ("ack", "noack"):
            self.usb.in_handshake(value(words[0]), value(words[1]), verb == "ack")
            self._end()
        else:
            self._line(verb, words)

    def _dpram(self, offset: int, words: tuple[str, ...]) -> None:
        if words[0] == "=":
            self._same(self.memory.words[offset >> 2], self.file.value(words[1]))
        else:
            self.memory.words[offset >> 2] = self.file.value(words[0])
            self.usb.dpram_updated(offset)

    def _bytes(self, offset: int, words: tuple[str, ...]) -> None:
        if words[0] == "=":
            expected = parse_bytes(words[1:])
            self._same(self.memory.read(offset, len(expected)), expected)
        else:
            self.memory.write(offset, parse_bytes(words))
            self.usb.dpram_updated(offset)

    def _line(self, verb: str, words: tuple[str, ...]) -> None:
        usb = self.usb
        actions: dict[tuple[str, ...], Callable[[], None]] = {
            ("vbus", "on"): lambda: usb.vbus(True),
            ("vbus", "off"): lambda: usb.vbus(False),
            ("reset", "begin"): usb.reset_begin,
            ("reset", "end"): usb.reset_end,
            ("resume", "begin"): usb.resume_begin,
            ("resume", "end"): usb.resume_end,
            ("idle",): usb.idle,
        }
        if verb == "sof":
            usb.sof(self.file.value(words[0]))
        else:
            actions[(verb, *words)]()

    def _transaction(self, verb: str, words: tuple[str, ...], expected: tuple[str, ...]) -> None:
        fault = None
        if words and words[-1].startswith("!"):
            fault, words = Fault(words[-1][1:]), words[:-1]
        address, endpoint = self.file.value(words[0]), self.file.value(words[1])
        answer: Packet | None
        if verb == "setup":
            answer = self.usb.setup(address, endpoint, parse_bytes(words[2:]), fault)
        elif verb == "out":
            answer = self.usb.out(address, endpoint, Pid[words[2]], parse_bytes(words[3:]), fault)
        else:
            answer = self.usb.in_(address, endpoint, fault)
        if verb != "in":
            self._end()
        self._same(describe(answer), describe(parse_answer(expected)))

    def _end(self) -> None:
        """Let the transaction's time pass: what is on the bus next is the vector's business."""
        self._pass(LONGER_THAN_A_TRANSACTION_NS)

    def _pass(self, length_ns: int) -> None:
        self.clock.run_until(lambda: False, self.clock.now_ns + length_ns)

    def _same(self, seen: object, expected: object) -> None:
        shown = hex(seen) if isinstance(seen, int) and not isinstance(seen, bool) else seen
        assert seen == expected, f"it is {shown}"


def parse_bytes(words: tuple[str, ...]) -> bytes:
    """Two digits each; `64*aa` repeats."""
    data = bytearray()
    for word in words:
        count, _, digits = word.rpartition("*")
        data += bytes.fromhex(digits) * int(count or "1")
    return bytes(data)


def parse_answer(words: tuple[str, ...]) -> Packet | None:
    """`silence`, a handshake, or a data packet."""
    return None if words == ("silence",) else Packet(Pid[words[0]], parse_bytes(words[1:]))


def describe(packet: Packet | None) -> str:
    """The answer as a vector would write it."""
    return "silence" if packet is None else f"{packet.pid.name} {packet.data.hex(' ')}".strip()

"""Robot Framework keywords for the chip itself: boards, their UARTs, pins, clocks, memory (part of `PicoLibrary`).

The words for UARTs are Renode's own (`Create Terminal Tester`, `Wait For Line On Uart` …), with what they mean there,
so that a suite that drives a board through a UART needs no other words on the embedded engine.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robot.api.deco import keyword

from renode_pico.board import Board
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.protocol import Engine
from renode_pico.engine.select import EngineName
from renode_pico.rp2040.clocks import Generator
from renode_pico.rp2040.uart import DR_FE, DR_PE

CTRL_D, PROMPT = b"\x04", ">>>"
NUMBER_OF_UART = re.compile(r"(?:sysbus\.)?uart([01])")
RTC_1, RTC_0 = 0x4005_C018, 0x4005_C01C
"""Date and time; who reads the time finds the date that belongs to it."""
INSTANT = 1e-4
"""Emulated seconds in which a core has left the reset vector."""


@dataclass(slots=True)
class TerminalTester:
    """What a UART has said: whole lines, and the one that has not ended. What was waited for is taken away."""

    engine: Engine
    number: int
    timeout: float
    lines: list[str] = field(default_factory=list)
    unfinished: str = ""

    def hears(self, engine: Engine, number: int) -> bool:
        """Whether it is at this UART."""
        return self.engine is engine and self.number == number

    def receive(self) -> None:
        """Take what has come."""
        *ended, self.unfinished = (self.unfinished + self.engine.uart(self.number).read().decode("latin-1")).split("\n")
        self.lines += ended

    def wait(self, pattern: str, timeout: float | None, *, is_regex: bool, unfinished: bool) -> dict[str, Any]:
        """Let time pass until a line contains `pattern`, or matches it; it and those before it are taken away."""
        look = re.compile(pattern if is_regex else re.escape(pattern))
        found: list[dict[str, Any]] = []

        def there() -> bool:
            self.receive()
            for at, line in enumerate([*self.lines, self.unfinished] if unfinished else self.lines):
                if match := look.search(line):
                    found.append({"line": line, "timestamp": self.engine.now, "groups": list(match.groups())})
                    self.unfinished = "" if at == len(self.lines) else self.unfinished
                    del self.lines[: at + 1]
                    return True
            return False

        limit = self.timeout if timeout is None else timeout
        if not there() and not self.engine.run_until(there, limit):
            said = "\n".join([*self.lines, self.unfinished])
            raise AssertionError(f"UART{self.number} did not say {pattern!r} within {limit:g} emulated s, but:\n{said}")
        return found[0]


class Warnings(logging.Handler):
    """Keeps what was warned about."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self.texts.append(record.getMessage())


class ChipKeywords:
    """The mixin: whoever takes it holds the boards."""

    _engine: EngineName

    def __init__(self) -> None:
        self._testers: list[TerminalTester] = []
        self._passed: dict[int, int] = {}
        self._warnings: Warnings | None = None

    @property
    def board(self) -> Board:
        """The board of this test."""
        raise NotImplementedError

    def _begin_board(self, name: str, make: Callable[[], Board]) -> None:
        """Make another board and turn to it."""
        raise NotImplementedError

    def _end_boards(self) -> None:
        """No board is there any more."""
        raise NotImplementedError

    def _forget_chips(self) -> None:
        """What belonged to boards that have ended."""
        self._testers.clear()
        self._passed.clear()
        if self._warnings is not None:
            logging.getLogger("renode_pico.unmodelled").removeHandler(self._warnings)
            self._warnings = None

    @property
    def embedded(self) -> EmbeddedEngine:
        """The board's engine, for what only the embedded one does here."""
        engine = self.board.engine
        if not isinstance(engine, EmbeddedEngine):
            raise AssertionError("this word is for the embedded engine; on Renode take pico_renode.resource")
        return engine

    # Boards

    @keyword
    def create_pico(
        self,
        name: str = "pico",
        firmware: str = "uart",
        flash: str = "",
        cores: int = 1,
        revision: str = "",
        platform: str = "",
        flash_latency: float = 0,
    ) -> None:
        """A powered board that nothing has executed on yet; what follows is about this one.

        `firmware`: a file, or cdc, uart, uart-cdc. `flash`: a file that keeps the flash. `revision`: B1, or B2.
        `platform`: Renode's description of a board, which this engine has no use for. `flash_latency`: what a read past
        the XIP cache costs, 1 as on the chip.
        """
        if platform:
            raise AssertionError(f"platform {platform}: platform descriptions are Renode's")
        path = Path(flash) if flash else None
        self._begin_board(
            name,
            lambda: Board(
                firmware,
                engine=self._engine,
                flash_file=path,
                cores=int(cores),
                revision=revision or None,
                flash_latency=float(flash_latency),
            ),
        )

    @keyword
    def start_emulation(self) -> None:
        """Nothing here: time passes whenever something is waited for."""

    @keyword
    def the_power_is_cut(self) -> None:
        """All boards are gone; files keep what was in their flash."""
        self._end_boards()

    @keyword
    def the_emulation_runs_for(self, seconds: float) -> None:
        """Emulated time passes."""
        self.board.engine.run(float(seconds))

    @keyword
    def emulated_milliseconds(self) -> float:
        """Since power-on."""
        return self.board.engine.now * 1000

    @keyword
    def executed_instructions(self) -> int:
        """Those of all cores since power-on."""
        return self.board.engine.instructions

    # UARTs

    @keyword
    def create_terminal_tester(self, uart: str, timeout: float = 8.0, machine: str = "", **how: str) -> int:
        """Hear `sysbus.uart0` or `sysbus.uart1` from now on. `timeout`: emulated seconds. Returns its `testerId`.

        Time stands while nothing is waited for, as with `defaultPauseEmulation`. `machine`: the board's name is not
        needed, it is the one made last.
        """
        found = NUMBER_OF_UART.fullmatch(uart)
        if found is None:
            raise AssertionError(f"{uart}: there are sysbus.uart0 and sysbus.uart1")
        self.board.engine.uart(int(found[1])).read()
        self._testers.append(TerminalTester(self.board.engine, int(found[1]), float(timeout)))
        return len(self._testers) - 1

    def _tester(self, number: int | str | None) -> TerminalTester:
        if not self._testers:
            raise AssertionError("no UART is heard: 'Create Terminal Tester' comes first")
        return self._testers[-1 if number is None else int(number)]

    @keyword
    def wait_for_line_on_uart(
        self, pattern: str, timeout: float | None = None, testerId: int | None = None, treatAsRegex: bool = False
    ) -> dict[str, Any]:
        """Until a whole line contains this, or matches it. Returns `line`, `timestamp` and the match's `groups`."""
        tester = self._tester(testerId)
        return tester.wait(pattern, _seconds(timeout), is_regex=treatAsRegex, unfinished=False)

    @keyword
    def wait_for_prompt_on_uart(
        self, pattern: str, timeout: float | None = None, testerId: int | None = None, treatAsRegex: bool = False
    ) -> dict[str, Any]:
        """The same; the line need not have ended."""
        tester = self._tester(testerId)
        return tester.wait(pattern, _seconds(timeout), is_regex=treatAsRegex, unfinished=True)

    @keyword
    def write_to_uart(self, text: str, testerId: int | None = None) -> None:
        """Characters for the chip's RX pin, at the pace of the line."""
        tester = self._tester(testerId)
        tester.engine.uart(tester.number).write(text.encode())

    @keyword
    def write_char_on_uart(self, character: str | int, testerId: int | None = None) -> None:
        """One of them, or its code."""
        tester = self._tester(testerId)
        code = bytes([character]) if isinstance(character, int) else character.encode()
        tester.engine.uart(tester.number).write(code)

    @keyword
    def the_uart_receives_a_break(self, uart: int) -> None:
        """RX is low for longer than a character."""
        self.embedded.chip.uarts[int(uart)].receive_break()

    @keyword
    def the_uart_receives(self, uart: int, character: str, *damage: str) -> None:
        """A character by its code; `damage`: no stop bit, wrong parity."""
        errors = {"no stop bit": DR_FE, "wrong parity": DR_PE}
        chosen = 0
        for each in damage:
            chosen |= errors[each]
        self.embedded.chip.uarts[int(uart)].receive(bytes([int(character, 0)]), chosen)

    # Pins and clocks

    @keyword
    def the_pin_is_let_go(self, pin: int) -> None:
        """Nothing outside drives it any more."""
        self.board.engine.release_gpio(int(pin))

    @keyword
    def a_wire_leads_from(self, source: int, target: int) -> None:
        """The second GPIO has the level of the first one from now on."""
        self.embedded.chip.wires.connect(int(source), int(target))

    @keyword
    def the_clock_input_sees(self, pin: int, hertz: int) -> None:
        """An oscillator at GPIO20 or GPIO22; 0 Hz: none."""
        self.board.set_clock_input(int(pin), int(hertz))

    @keyword
    def the_system_clock_is(self, hertz: int) -> None:
        """What clk_sys runs at; 0: it stands still."""
        is_now = self.embedded.chip.clocks.frequency[Generator.SYS]
        assert is_now == int(hertz), f"clk_sys runs at {is_now} Hz, not {hertz}"

    @keyword
    def the_calendar_says(self, text: str) -> None:
        """Date and time of the RTC: 2024-01-01 00:00:00."""
        time, date = self.board.engine.peek(RTC_0), self.board.engine.peek(RTC_1)
        says = (
            f"{date >> 12:04}-{date >> 8 & 15:02}-{date & 31:02} "
            f"{time >> 16 & 31:02}:{time >> 8 & 63:02}:{time & 63:02}"
        )
        assert says == text, f"the calendar says {says}, not {text}"

    # Cores and memory

    @keyword
    def the_core_begins_at(self, vector: str, stack: str) -> None:
        """Core 0, on a board that has just been made: the reset vector and the stack pointer of the boot ROM."""
        core = self.embedded.chip.machine.core
        begins = core(0, 15) | 1, core(0, 13)
        assert begins == (int(vector, 0), int(stack, 0)), "it begins at {:#x} with SP = {:#x}".format(*begins)
        self.board.engine.run(INSTANT)
        assert core(0, 15) | 1 != int(vector, 0), "it does not run"

    @keyword
    def the_core_is_at(self, *addresses: str) -> None:
        """Core 0 stands at this address; between two of them, the second one excluded."""
        first, *end = (int(address, 0) for address in addresses)
        pc = self.board.engine.pc & ~1
        assert first <= pc < (end[0] if end else first + 1), f"core 0 is at {pc:#010x}"

    @keyword
    def the_core_goes_to(self, address: str) -> None:
        """Core 0 goes on there."""
        self.embedded.chip.machine.set_core(0, 15, int(address, 0))

    @keyword
    def it_is_noted_who_comes_by(self, address: str) -> None:
        """From now on, each time that a core is about to execute what is there."""
        at = int(address, 0)
        self._passed[at] = 0

        def passes() -> None:
            self._passed[at] += 1

        self.embedded.at_address(at, passes)

    @keyword
    def a_core_has_come_by(self, address: str) -> None:
        """Since It Is Noted Who Comes By."""
        assert self._passed[int(address, 0)], f"no core has been at {address}"

    @keyword
    def no_core_has_come_by(self, address: str) -> None:
        """Since It Is Noted Who Comes By."""
        assert not self._passed[int(address, 0)], f"a core has been at {address}"

    @keyword
    def the_memory_is_written(self, address: str, *words: str) -> None:
        """Words into RAM, as a debugger does."""
        content = b"".join(int(word, 0).to_bytes(4, "little") for word in words)
        self.board.engine.write_memory(int(address, 0), content)

    # Flash

    @keyword
    def the_flash_is_erased(self) -> None:
        """All of it, by an external programmer."""
        self.board.engine.load_flash(b"\xff" * len(self.board.engine.flash()), 0)

    @keyword
    def the_flash_is_filled_with(self, value: str, offset: str, length: str) -> None:
        """Bytes of this value, from there on, by an external programmer."""
        self.board.engine.load_flash(bytes([int(value, 0)]) * int(length, 0), int(offset, 0))

    @keyword
    def the_flash_takes(self, times: float) -> None:
        """How often as long as typical to erase and to program; 0: no time."""
        self.embedded.chip.flash.time_scale = float(times)

    @keyword
    def a_read_of_the_flash_takes(self, times: float) -> None:
        """How often as long as on the chip, where the XIP cache does not answer; 0: no time."""
        self.embedded.chip.xip_ctrl.flash_latency = float(times)

    # What is not modelled

    @keyword
    def the_warnings_are_kept(self) -> None:
        """Of what nobody models, from now on."""
        self._warnings = Warnings()
        logging.getLogger("renode_pico.unmodelled").addHandler(self._warnings)

    @keyword
    def it_was_warned_once_of(self, block: str, register: str, accesses: int) -> None:
        """A register that does nothing, by its name in the header, since The Warnings Are Kept; so many accesses."""
        name = f"{block}.{register}".upper()
        assert self._warnings is not None, "The Warnings Are Kept comes first"
        said = [text for text in self._warnings.texts if text.startswith(f"{name} ") and "(PC 0x" in text]
        count = self.board.engine.unmodelled.get(name, 0)
        assert len(said) == 1, f"of {name} there were {len(said)} warnings: {self._warnings.texts}"
        assert count == int(accesses), f"{name} was touched {count} times"


def _seconds(timeout: float | str | None) -> float | None:
    return None if timeout is None else float(timeout)

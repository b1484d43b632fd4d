"""The REPL's raw mode, against a board made of plain Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renode_pico.errors import Disconnected, FirmwareError, ScriptError, Timeout, UsageError
from renode_pico.micropython.literal import parse_literal
from renode_pico.micropython.repl import BOOT_TIME, Repl
from renode_pico.usb.meanwhile import Meanwhile


class FakeBoard:
    """Answers as pyexec.c does. `run` gives (output, traceback) for a program; None means that it never ends."""

    def __init__(self, *, paste: str = "yes", boot_time: float = 0.1, window: int = 16) -> None:
        self.now = 0.0
        self.paste = paste
        self.window = window
        self.run: Callable[[bytes], tuple[bytes, bytes] | None] = lambda code: (b"", b"")
        self.programs: list[bytes] = []
        self.interrupts = 0
        self.stop_pasting_after: int | None = None
        self.chunk = 1000
        self._out: list[tuple[float, bytes]] = [(boot_time, b"MicroPython v1.25\r\n>>> ")]
        self._boot_time = boot_time
        self._early = b""
        self._state = "friendly"
        self._code = bytearray()
        self._left = 0
        self._granted = 0
        self.most_unread = 0

    def write(self, data: bytes) -> None:
        for at in range(len(data)):
            self._key(data[at : at + 1])

    def meanwhile(self) -> Meanwhile:
        return Meanwhile(dict)

    def read(self, timeout: float, until: bytes = b"") -> bytes:
        if not self._out or self._out[0][0] > self.now + timeout:
            self.now += timeout
            raise Timeout("nothing")
        time, data = self._out.pop(0)
        self.now = max(self.now, time) + 0.001
        if len(data) > self.chunk:
            self._out.insert(0, (self.now, data[self.chunk :]))
            data = data[: self.chunk]
        if self._state == "pasting" and data == b"\x01":
            self._granted += self.window
        return data

    def send(self, data: bytes) -> None:
        if data:
            self._out.append((max(self.now, self._boot_time), data))

    def _key(self, key: bytes) -> None:
        if key == b"\x03":
            self.interrupts += 1
        match self._state:
            case "running":
                if key == b"\x03":
                    self._state = "raw"
                    self.send(b"\x04Traceback\r\nKeyboardInterrupt: \r\n\x04>")
            case "friendly":
                if key == b"\x01":
                    self._raw_banner()
                elif key == b"\x04":
                    self.send(b"MPY: soft reboot\r\n")
                    self.send(b"MicroPython v1.25\r\n>>> ")
                elif key in b"\r\x02\x03":
                    self.send(b"\r\n>>> ")
            case "raw":
                self._raw(key)
            case "pasting":
                self._pasting(key)

    def _raw_banner(self) -> None:
        self._state = "raw"
        self._code.clear()
        self.send(b"\r\nraw REPL; CTRL-B to exit\r\n>")

    def _raw(self, key: bytes) -> None:
        if key == b"\x02":
            self._state = "friendly"
            self.send(b"\r\nMicroPython v1.25\r\n>>> ")
        elif key == b"\x03":
            self._code.clear()
        elif key == b"\x04":
            self.send(b"OK")
            self._execute()
        elif key == b"\x01":
            if self._code.startswith(b"\x05A") and self.paste != "unknown":
                self._code.clear()
                if self.paste == "yes":
                    self._state = "pasting"
                    self._left = self.window
                    self._granted = 2 * self.window
                    self.send(b"R\x01" + bytes([self.window, 0, 1]))
                else:
                    self.send(b"R\x00")
            else:
                self._code.clear()
                self.send(b"raw REPL; CTRL-B to exit\r\n>")
        else:
            self._code += key

    def _pasting(self, key: bytes) -> None:
        if key == b"\x04":
            if self.stop_pasting_after is None or len(self._code) < self.stop_pasting_after:
                self.send(b"\x04")
            self._execute()
            return
        self._code += key
        self.most_unread = max(self.most_unread, len(self._code) - self._granted + 2 * self.window)
        if self.stop_pasting_after is not None and len(self._code) == self.stop_pasting_after:
            self.send(b"\x04")
        self._left -= 1
        if self._left == 0:
            self._left = self.window
            self.send(b"\x01")

    def _execute(self) -> None:
        code = bytes(self._code)
        self._code.clear()
        self.programs.append(code)
        result = self.run(code)
        if result is None:
            self._state = "running"
            return
        self._state = "raw"
        self.send(result[0] + b"\x04" + result[1] + b"\x04>")


def test_should_run_a_program_and_return_its_output() -> None:
    board = FakeBoard()
    board.run = lambda code: (b"42\r\n", b"")
    assert Repl(board).exec("print(6*7)") == b"42\r\n"
    assert board.programs == [b"print(6*7)"]


def test_should_leave_the_board_alone_until_it_has_booted() -> None:
    board = FakeBoard(boot_time=1.5)
    interrupted_at: list[float] = []
    original = board._key
    board._key = lambda key: (key == b"\x03" and interrupted_at.append(board.now), original(key))[1]  # type: ignore[method-assign, func-returns-value]
    Repl(board).exec("pass")
    assert min(interrupted_at) >= 1.5


def test_should_interrupt_a_program_that_runs_at_boot() -> None:
    board = FakeBoard(boot_time=1e9)
    board._out.clear()
    board._boot_time = 0
    board._state = "running"
    repl = Repl(board)
    assert repl.exec("pass") == b""
    assert board.now >= BOOT_TIME


def test_should_find_a_board_that_was_left_in_raw_mode_without_waiting() -> None:
    board = FakeBoard()
    Repl(board).exec("pass")
    begun = board.now
    Repl(board).exec("pass")
    assert board.now - begun < 0.5


@pytest.mark.parametrize("paste", ["yes", "no", "unknown"])
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 32, 33, 1000])
def test_should_send_programs_of_any_length(paste: str, length: int) -> None:
    board = FakeBoard(paste=paste)
    repl = Repl(board)
    code = bytes(at % 26 + 97 for at in range(length))
    for _ in range(2):
        repl.exec(code)
    assert board.programs[-2:] == [code, code]


def test_should_never_send_more_than_the_window_allows() -> None:
    board = FakeBoard(window=8)
    Repl(board).exec(b"x" * 500)
    assert board.programs == [b"x" * 500]
    assert 8 < board.most_unread <= 16


def test_should_raise_the_devices_traceback() -> None:
    board = FakeBoard()
    board.run = lambda code: (b"before\r\n", b"Traceback (most recent call last):\r\n  File\r\nValueError: 7\r\n")
    with pytest.raises(ScriptError, match="ValueError: 7") as caught:
        Repl(board).exec("raise ValueError(7)")
    assert caught.value.traceback == "Traceback (most recent call last):\n  File\nValueError: 7\n"


def test_should_pass_output_on_as_it_comes() -> None:
    board = FakeBoard()
    board.chunk = 10
    board.run = lambda code: (b"0123456789" * 5, b"")
    pieces: list[bytes] = []
    output = Repl(board).exec("...", on_output=pieces.append)
    assert output == b"0123456789" * 5
    assert b"".join(pieces) == output
    assert len(pieces) >= 5


@pytest.mark.parametrize("paste", ["yes", "no", "unknown"])
def test_should_put_first_what_the_board_prints_between_programs(paste: str) -> None:
    board = FakeBoard(paste=paste)
    board.run = lambda code: (b"done\r\n", b"")
    repl = Repl(board)
    repl.enter_raw()
    seen: list[bytes] = []
    board.send(b"Traceback (most recent call last):\r\n")
    assert repl.exec("1", on_output=seen.append) == b"Traceback (most recent call last):\r\ndone\r\n"
    assert b"".join(seen) == b"Traceback (most recent call last):\r\ndone\r\n"


def test_should_take_no_value_from_what_the_board_prints_between_programs() -> None:
    board = FakeBoard()
    board.run = lambda code: (b"42\r\n", b"")
    repl = Repl(board)
    repl.enter_raw()
    board.send(b"tick\r\n")
    assert repl.eval("6 * 7") == 42


def test_should_give_up_at_the_deadline_and_interrupt_before_the_next_program() -> None:
    board = FakeBoard()
    repl = Repl(board)
    repl.exec("pass")
    board.run = lambda code: None
    begun = board.now
    with pytest.raises(Timeout, match="end of the program, given 3 s"):
        repl.exec("while True: pass", timeout=3)
    assert board.now - begun == pytest.approx(3, abs=0.01)
    board.run = lambda code: (b"fine\r\n", b"")
    assert repl.exec("pass") == b"fine\r\n"
    assert board.interrupts >= 1


def test_should_stop_sending_when_the_board_says_so() -> None:
    board = FakeBoard()
    board.stop_pasting_after = 8
    board.run = lambda code: (b"", b"SyntaxError: invalid syntax\r\n")
    with pytest.raises(ScriptError, match="SyntaxError"):
        Repl(board).exec(b"x" * 400)
    assert len(board.programs[0]) < 400


def test_should_take_values_over() -> None:
    board = FakeBoard()
    board.run = lambda code: (b"[1, (2.5, b'x'), bytearray(b'yz'), None, True, {'a': -1}]\r\n", b"")
    assert Repl(board).eval("it") == [1, (2.5, b"x"), bytearray(b"yz"), None, True, {"a": -1}]
    assert board.programs == [b"print(repr(it))"]


def test_should_say_which_value_cannot_be_taken_over() -> None:
    board = FakeBoard()
    board.run = lambda code: (b"<function at 0x2000>\r\n", b"")
    with pytest.raises(UsageError, match="<function at 0x2000>"):
        Repl(board).eval("it")


def test_should_soft_reset_from_raw_mode() -> None:
    board = FakeBoard()
    repl = Repl(board)
    repl.exec("pass")
    repl.soft_reset()
    assert board._state == "friendly"
    repl.exec("again")
    assert board.programs[-1] == b"again"


def test_should_not_take_something_else_for_a_repl() -> None:
    board = FakeBoard()
    repl = Repl(board)
    repl.enter_raw()
    board._raw = lambda key: board.send(b"login: ") if key == b"\x01" else None  # type: ignore[method-assign]
    with pytest.raises(FirmwareError, match="b'login: '"):
        repl.exec("pass", timeout=1)


def test_should_let_a_lost_port_through() -> None:
    board = FakeBoard()
    repl = Repl(board)
    repl.exec("pass")

    def gone(timeout: float, until: bytes = b"") -> bytes:
        raise Disconnected("gone")

    board.read = gone  # type: ignore[method-assign]
    with pytest.raises(Disconnected):
        repl.exec("pass")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.binary().map(bytearray),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_should_read_back_what_repr_wrote(value: object) -> None:
    assert parse_literal(repr(value)) == value


@pytest.mark.parametrize("text", ["", "foo", "f(1)", "bytearray('x')", "1 +", "__import__('os')", "set([1])"])
def test_should_refuse_what_is_no_literal(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_literal(text)

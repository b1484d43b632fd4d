"""The end of a program is told as what it is: main() returned, exit(), a panic, a fault with its place."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import FirmwareError, ProgramEnded
from renode_pico.firmware import find_image

ENDS = "chip/ends"
BEGIN = 0.05
"""Emulated seconds until the program waits for its order."""


def end(pico: Board, how: str) -> FirmwareError:
    """Run the program to its end; the error that tells it."""
    pico.engine.run(BEGIN)
    assert b"how?" in pico.engine.uart(0).read()
    pico.engine.uart(0).write(how.encode())
    with pytest.raises(FirmwareError) as caught:
        pico.engine.run(10)
    return caught.value


@pytest.mark.pico(firmware=ENDS)
@pytest.mark.parametrize(("how", "status"), [("r", 0), ("s", 7)])
def test_main_has_returned(pico: Board, how: str, status: int) -> None:
    error = end(pico, how)
    assert isinstance(error, ProgramEnded)
    assert error.status == status
    assert str(error).startswith(f"ends.uf2: main() returned {status} (at 0.0")


@pytest.mark.pico(firmware=ENDS)
def test_exit_was_called(pico: Board) -> None:
    error = end(pico, "e")
    assert isinstance(error, ProgramEnded)
    assert error.status == 3
    assert "exit(3) in finish < main" in str(error)


@pytest.mark.pico(firmware=ENDS)
@pytest.mark.parametrize(
    ("how", "text"), [("p", "panic: out of cheese after 42 in finish < main"), ("a", "panic: Hard assert in ")]
)
def test_a_panic_is_quoted(pico: Board, how: str, text: str) -> None:
    error = end(pico, how)
    assert not isinstance(error, ProgramEnded)
    assert text in str(error)


@pytest.mark.pico(firmware=ENDS)
@pytest.mark.parametrize(
    ("how", "text"),
    [("b", "breakpoint 0 at 0x1000"), ("i", "interrupt 26, which nobody handles, at 0x1000")],
)
def test_a_crash_is_told_with_its_place(pico: Board, how: str, text: str) -> None:
    error = end(pico, how)
    assert not isinstance(error, ProgramEnded)
    assert text in str(error)
    assert re.search(r" in (irq_set_pending < )?finish < main ", str(error))  # the instruction the interrupt comes at


@pytest.mark.pico(firmware=ENDS)
@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("u", "unaligned access to 0x20000001"),
        ("m", "read from 0x60000000, where nothing is"),
        ("d", "undefined instruction 0xde00"),
    ],
)
@pytest.mark.engine("embedded", reason="Renode's core takes no HardFault for these yet")
def test_a_hard_fault_is_told_with_place_and_cause(pico: Board, how: str, cause: str) -> None:
    error = end(pico, how)
    assert not isinstance(error, ProgramEnded)
    assert "ends.uf2: HardFault at 0x1000" in str(error)
    assert " in " in str(error)
    assert "main: " in str(error)
    assert cause in str(error)


@pytest.mark.pico(firmware=ENDS)
def test_it_is_told_at_once_and_with_the_time_of_its_happening(pico: Board) -> None:
    begin = time.process_time()
    error = end(pico, "r")
    assert time.process_time() - begin < 5, "a core that stands at a breakpoint costs nothing"
    assert pico.engine.now < BEGIN + 0.2
    assert f"(at {BEGIN:.3f}" in str(error)
    with pytest.raises(ProgramEnded):
        pico.engine.run(0.1)
    pico.reset()
    pico.engine.run(BEGIN)
    assert b"how?" in pico.engine.uart(0).read(), "another life after a reset"


def test_without_symbols_it_is_still_known_who_ended_it(pico: Board, tmp_path: Path) -> None:
    pico.close()
    engine: EngineName = "renode" if pico.engine.name == "renode" else "embedded"
    image = tmp_path / "plain.uf2"
    shutil.copy(find_image(ENDS), image)
    for how, text in (("s", "main() returned 7"), ("e", "exit(3)")):
        with Board(image, engine=engine) as pico:
            assert f"plain.uf2: {text} (at" in str(end(pico, how))

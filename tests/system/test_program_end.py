"""The end of a program is told as what it is: main() returned, exit(), a panic, a fault with its place."""

from __future__ import annotations

import re
import shutil
import struct
import time
from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import FirmwareError, ProgramEnded
from renode_pico.firmware import find_image
from renode_pico.pytest_plugin import engine_of
from tests.unit.embedded_programs import BAD_LOAD, image

ENDS = "chip/ends"
BEGIN = 0.05
"""Emulated seconds until the program waits for its order."""
LDR, UDF = 0x6800, 0xDE00
"""ldr Rt, [Rn] and udf, without the bits that say which registers and which number."""


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
def test_what_is_typed_before_the_program_listens_is_lost(pico: Board) -> None:
    pico.engine.uart(0).write(b"s")
    error = end(pico, "r")
    assert isinstance(error, ProgramEnded)
    assert error.status == 0


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


@pytest.mark.row("P11.dead-firmware")
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


@pytest.mark.row("P11.dead-firmware", "P11.place", "P11.stack-trace")
@pytest.mark.pico(firmware=ENDS)
@pytest.mark.parametrize(
    ("how", "cause", "callers", "code"),
    [
        ("u", "unaligned access to 0x20000001", "read_from < finish < main", LDR),
        ("m", "read from 0x60000000, where nothing is", "read_from < finish < main", LDR),
        ("d", "undefined instruction 0xde00", "finish < main", UDF),
    ],
)
def test_a_hard_fault_is_told_with_place_and_cause(pico: Board, how: str, cause: str, callers: str, code: int) -> None:
    error = end(pico, how)
    assert not isinstance(error, ProgramEnded)
    found = re.search(r"ends\.uf2: HardFault at (0x1000\w+) in (.+?): ", str(error))
    assert found is not None
    assert found[2] == callers
    place = int(found[1], 16)
    assert pico.engine.peek(place & ~3) >> 8 * (place & 2) & 0xFFC0 == code, "the instruction itself"
    assert cause in str(error)
    assert pico.engine.now < BEGIN + 0.2


@pytest.mark.row("P11.dead-firmware")
@pytest.mark.pico(firmware=ENDS)
def test_a_jump_to_nowhere_is_a_hard_fault_there(pico: Board) -> None:
    error = str(end(pico, "j"))
    assert "ends.uf2: HardFault at 0x60000000 in finish < main: " in error
    assert "nothing to execute at 0x60000000" in error


LOCK_UP = (0x4803, 0x4904, 0x6001, 0x2001, 0x6801, 0xE7FE, 0xBF00, 0xBF00, 0xED08, 0xE000, 0x0100, 0x1000)
"""ldr r0, =VTOR; ldr r1, =0x10000100; str r1, [r0]; then movs r0, #1; ldr r1, [r0], which is the handler, too"""
HANDLER = 0x2004_1F07
"""Where the boot ROM runs the second stage, at its fourth instruction."""


@pytest.mark.row("P11.dead-firmware")
@pytest.mark.parametrize(
    ("program", "text"),
    [
        (BAD_LOAD, "before the firmware has its own vector table: the boot ROM's handler sleeps for ever"),
        (LOCK_UP, "inside the hard fault handler, after bus fault: unaligned access to 0x00000001 (PC 0x20041f08)"),
    ],
)
def test_a_core_that_does_not_go_on_is_told(
    program: tuple[int, ...], text: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    table = struct.pack("<4I", 0x2004_2000, HANDLER, HANDLER, HANDLER)
    path = image(tmp_path / "dead.bin", program, table)
    engine = cast(EngineName, engine_of(request.config))
    with Board(path, engine=engine) as pico, pytest.raises(FirmwareError, match=re.escape(text)):
        pico.engine.run(0.2)


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

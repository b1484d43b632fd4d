"""Row R1: the consoles of images that have no UART: SEGGER's RTT and semihosting."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.engine.protocol import Uart
from renode_pico.errors import FirmwareError, ProgramEnded
from renode_pico.firmware import find_image
from renode_pico.run.rtt import RttConsole, Where, rtt_of
from tests.system.test_command_line import run
from tests.system.test_run import ended, engine, piped

__all__ = ["engine"]


@pytest.mark.row("R1.consoles", "R1.expect")
def test_rtt_is_shown_and_typed_to(engine: str) -> None:
    done = piped("hello!", "chip/rtt", "--engine", engine, "--expect", "HELLO", "--expect", "line 99", "--timeout", "3")
    assert done.returncode == 0, done.stderr
    assert "seen on rtt" in ended(done)
    assert done.stdout.splitlines() == ["rtt ready", "HELLO" + "line 0 of what is long"] + [
        f"line {number} of what is long" for number in range(1, 100)
    ]


@pytest.mark.row("R1.consoles")
def test_rtt_is_found_in_ram_where_there_are_no_symbols(engine: str, tmp_path: Path) -> None:
    image = tmp_path / "plain.uf2"
    shutil.copy(find_image("chip/rtt"), image)
    done = run("run", image, "--engine", engine, "--expect", "rtt ready", "--timeout", "1")
    assert (done.returncode, done.stdout) == (0, "rtt ready\n"), done.stderr


@pytest.mark.row("R1.consoles", "R1.end-of-program")
@pytest.mark.parametrize(("keys", "code"), [("abq", 0), ("f", 5)])
def test_semihosting_is_shown_and_typed_to_and_ends_the_program(
    engine: str, tmp_path: Path, keys: str, code: int
) -> None:
    image = tmp_path / "plain.uf2"  # without symbols
    shutil.copy(find_image("chip/semihosting"), image)
    done = piped(keys, image, "--engine", engine, "--timeout", "3")
    assert done.returncode == (1 if code else 0), done.stderr
    assert done.stdout.splitlines() == ["semihosting ready", *(f"heard {key}" for key in keys[:-1])]
    assert f"exit({code}) by semihosting" in ended(done)


def test_images_without_them_have_neither(engine: str) -> None:
    done = run("run", "chip/hello", "--engine", engine, "--keys", "rtt", "--expect", "hello", "--timeout", "1")
    assert done.returncode == 0
    assert rtt_of(find_image("chip/hello")) is None
    assert rtt_of(find_image("chip/rtt")) not in (None, Where(None))


@pytest.mark.pico(firmware="chip/semihosting")
def test_without_a_host_a_semihosting_call_is_the_end_and_another_life_begins_with_a_reset(pico: Board) -> None:
    with pytest.raises(
        FirmwareError, match=r"breakpoint 171 at 0x1000\w{4} with no debugger .* stdio_semihosting_out"
    ) as caught:
        pico.engine.run(0.5)
    assert not isinstance(caught.value, ProgramEnded)
    console: Uart = pico.engine.enable_semihosting()
    pico.reset()
    console.write(b"xq")
    with pytest.raises(ProgramEnded, match=r"exit\(0\) by semihosting"):
        pico.engine.run(1)
    assert console.read().replace(b"\r", b"") == b"semihosting ready\nheard x\n"
    pico.reset()
    pico.engine.run(0.1)
    assert console.read().replace(b"\r", b"") == b"semihosting ready\n"


@pytest.mark.pico(firmware="chip/rtt")
def test_a_spoiled_control_block_ends_nothing(pico: Board) -> None:
    where = rtt_of(pico.firmware)
    assert where is not None
    assert where.address is not None
    console = RttConsole(pico.engine, where)
    pico.engine.run(0.1)
    assert console.take() == b"rtt ready\r\n"
    up = where.address + 24
    for offset, value in ((4, 0x4000_0000), (8, 0), (8, 0xFFFF_FFFF), (12, 0xFFFF), (16, 0xFFFF_FFFF)):
        sound = pico.engine.read_memory(up, 24)
        pico.engine.write_memory(up + offset, value.to_bytes(4, "little"))
        console.send(b"x")
        pico.engine.run(0.005)
        assert console.take() == b""
        pico.engine.write_memory(up, sound)
    pico.reset()
    pico.engine.run(0.1)
    assert b"rtt ready" in console.take(), "it is found again after a reset"

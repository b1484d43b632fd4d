"""The sanitizer: each misuse of firmware/chip/usb_misuse is told with PC, function and line, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import TransactionError
from renode_pico.micropython.repl import Repl
from renode_pico.pytest_plugin import engine_of
from renode_pico.rp2040.usb_sanitizer import Check
from renode_pico.sanitizer.findings import Finding
from renode_pico.usb.requests import set_address
from renode_pico.usb.transfer import Pipe, TransferType
from tests.system import registers as reg
from tests.system.conftest import app

pytestmark = pytest.mark.usefixtures("own_board")

SOURCE = Path(__file__).resolve().parents[2] / "firmware" / "chip" / "usb_misuse" / "main.c"
MARK = re.compile(r"// misuse: ([a-z-]+)")
DEFAULT = Pipe(0, 0, TransferType.CONTROL, 64)
BULK = Pipe(1, 0x81, TransferType.BULK, 64)
LINES = {
    match[1]: number for number, line in enumerate(SOURCE.read_text().splitlines(), 1) if (match := MARK.search(line))
}
FUNCTIONS = {check: check.replace("-", "_") for check in Check} | {Check.ABORT: "abort_endpoint"}
CODE = range(0x1000_0100, 0x1020_0000)


def misused(engine: str, revision: str) -> list[Finding]:
    """What is found in a run of the program, whose host does its part."""
    said = bytearray()
    with Board("chip/usb_misuse", engine=cast(EngineName, engine), revision=revision, sanitize=True) as board:
        host, uart = board.host, board.engine.uart(0)

        def says(word: bytes) -> bool:
            said.extend(uart.read())
            return word in said

        host.plug()
        assert board.engine.run_until(lambda: says(b"ready"), 1.0)
        host.wait_attached()
        host.reset()
        with pytest.raises(TransactionError):
            host.wait(host.submit(DEFAULT, setup=set_address(1)))
        host.reset()
        host.wait(host.submit(DEFAULT, setup=set_address(1)))
        host.run(0.002)
        for _ in range(3):
            host.wait(host.submit(BULK, length=4))
        assert board.engine.run_until(lambda: says(b"done"), 1.0)
        return board.findings


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> dict[Check, Finding]:
    """Each finding on a B1, where everything is misuse that can be, by its check."""
    findings = misused(engine_of(request.config), "B1")
    by_check = {each.misuse.check: each for each in findings}
    assert len(findings) == len(by_check), "a check was found in a second place"
    return by_check


def test_every_check_has_its_line_and_is_found_once(found: dict[Check, Finding]) -> None:
    assert sorted(LINES) == sorted(Check)
    assert sorted(found) == sorted(Check)
    assert all(each.misuse.count == 1 for each in found.values())


@pytest.mark.parametrize("check", list(Check))
@pytest.mark.row("Y6.pc", "Y6.function", "Y6.line")
def test_a_misuse_is_told_with_pc_function_and_line(found: dict[Check, Finding], check: Check) -> None:
    finding = found[check]
    assert finding.misuse.where.master == "core0"
    assert finding.misuse.where.pc in CODE
    assert finding.place.function == FUNCTIONS[check]
    assert (Path(finding.place.file).name, finding.place.line) == ("main.c", LINES[check])
    assert f"{finding.misuse.where.pc:#010x}, in {FUNCTIONS[check]} at main.c:{LINES[check]}" in str(finding)


def test_a_b2_aborts(request: pytest.FixtureRequest) -> None:
    checks = [each.misuse.check for each in misused(engine_of(request.config), "B2")]
    assert sorted(checks) == sorted(set(Check) - {Check.ABORT})


ARMS = """
import micropython
@micropython.asm_thumb
def arms(r0, r1, r2, r3):
    label(again)
    str(r2, [r1, 0])
    mov(r4, 12)
    label(wait)
    sub(r4, 3)
    bpl(wait)
    str(r3, [r1, 0])
    # ... and takes it back, with the endpoint switched off
    mov(r5, r1)
    sub(r5, 0x80)
    mov(r4, 0)
    ldr(r6, [r5, 0])
    str(r4, [r5, 0])
    str(r4, [r1, 0])
    str(r6, [r5, 0])
    sub(r0, 1)
    bne(again)
"""


@pytest.mark.pico(firmware="uart", files={"boot.py": app("vendor_control.py")})
def test_a_delay_of_twelve_cycles_is_enough_wherever_a_frame_begins(pico: Board, console: Repl) -> None:
    """Frames begin at many of its instructions; each ends what Renode executes in one go, and time must go on."""
    assert pico.device.configuration
    control, buffers = reg.endpoint_control(0x8F), reg.buffer_control(0x8F)
    console.exec(ARMS)
    console.exec(f"from machine import mem32; mem32[{control:#x}] = {reg.ENABLE | 2 << 26 | 0xF80:#x}")
    begin = pico.host.now
    console.exec(f"arms(60000, {buffers:#x}, {reg.FULL | 4:#x}, {reg.FULL | reg.AVAILABLE | 4:#x})")
    assert pico.host.now - begin > 0.015
    assert pico.findings == []

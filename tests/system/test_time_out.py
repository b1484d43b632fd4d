"""A wait that ends in a time-out names what the firmware touched meanwhile and nobody models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.errors import FirmwareError, RenodePicoError, Timeout
from renode_pico.micropython.repl import Repl
from renode_pico.pytest_plugin import engine_of
from tests.system.test_command_line import run

NAK_POLL = 0x5011_006C
"""Of the USB controller's host mode, which no engine has."""
ASKS_FOR_EVER = f"import machine\nprint('on')\nwhile True: machine.mem32[{NAK_POLL:#x}] = 1"


def times(error: pytest.ExceptionInfo[RenodePicoError]) -> int:
    """How often the message says that NAK_POLL was touched."""
    sentence = str(error.value).partition("; not modelled, but touched meanwhile: ")[2]
    assert "NAK_POLL" in sentence, str(error.value)
    return int(sentence.partition(" time")[0].rpartition(" ")[2].replace(",", ""))


@pytest.mark.pico(firmware="uart")
def test_the_repl_names_it(console: Repl) -> None:
    with pytest.raises(Timeout, match=r"the last that came is b'on\\r\\n'; not modelled") as error:
        console.exec(ASKS_FOR_EVER, timeout=0.05)
    assert times(error) > 100


@pytest.mark.pico(firmware="uart", files={"main.py": ASKS_FOR_EVER})
def test_a_device_that_never_attaches_says_why_perhaps(pico: Board) -> None:
    pico.engine.run(0.3)
    with pytest.raises(FirmwareError, match="no USB device attached") as error:
        pico.enumerate(timeout=0.05)
    assert times(error) > 100


def test_a_run_from_the_command_line_names_it(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text(ASKS_FOR_EVER)
    engine = engine_of(request.config)
    done = run("run", "uart", "--engine", engine, "--main", program, "--expect", "never", "--timeout", "0.3")
    assert done.returncode == 1
    assert re.search(r"not seen: 'never'; not modelled, but touched meanwhile: .*NAK_POLL.* [0-9,]+ times", done.stderr)


@pytest.mark.pico(firmware="cdc")
def test_the_usb_host_and_the_port_name_it_and_only_what_was_touched_since(pico: Board) -> None:
    repl = pico.repl()
    repl.exec(f"import machine; machine.mem32[{NAK_POLL:#x}] = 1")
    with pytest.raises(Timeout) as before:
        pico.host.wait_attach_count(9, timeout=0.01)
    assert "not modelled" not in str(before.value), "that was before the wait"
    with pytest.raises(Timeout) as whole:
        repl.exec(ASKS_FOR_EVER, timeout=0.05)
    with pytest.raises(Timeout) as a_tenth:
        pico.host.wait_attach_count(9, timeout=0.005)
    assert 5 * times(a_tenth) < times(whole)
    with pytest.raises(Timeout) as port:
        pico.cdc().read_until(b"never", timeout=0.005)
    assert times(port) > 10

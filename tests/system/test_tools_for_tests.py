"""The pytest fixtures and the Robot library, as somebody else's project uses them (row T7)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from renode_pico.board import Board
from tests.processes import run
from tests.system.conftest import app

ROOT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest
from renode_pico.errors import Stall
from renode_pico.usb.transfer import Setup

def test_everything_is_there(pico, usb, cdc, repl):
    assert usb.product == "Board in FS mode"
    assert repl.eval("6 * 7") == 42
    cdc.write(b"")
    with pytest.raises(Stall):
        usb.control_in(Setup(0xC0, 0x55, 0, 0, 8))

@pytest.mark.pico(firmware="uart", files={"main.py": open("device.py").read()})
def test_my_own_device(pico, usb):
    assert usb.descriptor.idVendor == 0xF055
    usb.endpoint(0x01).write(b"there and back")
    assert usb.endpoint(0x81).read(64) == b"there and back"

@pytest.mark.engine("nobody", reason="to see the reason")
def test_for_another_engine(pico):
    raise AssertionError
"""


@pytest.mark.row("T7.fixtures")
def test_the_fixtures_serve_a_project_of_its_own(pico: Board, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "device.py").write_text(app("vendor_bulk.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--engine", pico.engine.name]
    done = run([*command, str(tmp_path)], cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 1 skipped" in done.stdout
    assert "to see the reason" in done.stdout


def test_the_report_of_a_failed_test_has_the_tracebacks_of_the_board(pico: Board, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n@pytest.mark.pico(files={'main.py': 'import nonexistent'})\n"
        "def test_it(usb):\n    assert usb.descriptor.idVendor == 0xF055\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--engine", pico.engine.name]
    done = run([*command, str(tmp_path)], cwd=tmp_path, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ImportError: no module named 'nonexistent'" in done.stdout


@pytest.mark.row("T7.keyword-documentation")
def test_the_robot_library_documents_every_word_of_the_suites(pico: Board, tmp_path: Path) -> None:
    page = tmp_path / "keywords.json"
    command = [sys.executable, "-m", "robot.libdoc", "renode_pico.robot_library.PicoLibrary", str(page)]
    assert run(command).returncode == 0
    documented = {each["name"] for each in json.loads(page.read_text())["keywords"] if each["shortdoc"].strip()}
    own = {"Take The Board From"}  # a step of the Renode resource itself
    words = words_of("usb_renode.resource") | words_of("pico_renode.resource")
    beside = words_of("usb_embedded.resource") | words_of("pico_embedded.resource") | words_of("Devices.py")
    there = {word.lower() for word in documented | beside | words_of("pico.resource")}
    assert sorted(word for word in words - own if word.lower() not in there) == []


def words_of(name: str) -> set[str]:
    """The keywords of a file in robot/resources."""
    text = (ROOT / "robot" / "resources" / name).read_text()
    if name.endswith(".py"):
        return {word.replace("_", " ") for word in re.findall(r"@keyword(?:\(.*\))?\n    def (\w+)", text)}
    return {line.strip() for line in text.split("*** Keywords ***")[1].splitlines() if line and not line[0].isspace()}


SUITE = """
*** Settings ***
Library    renode_pico.robot_library.PicoLibrary    engine=${ENGINE}

*** Test Cases ***
Should Stall What It Does Not Know
    Given A Pico Running    ${APPS}/vendor_control.py
    When The Host Requests    bmRequestType=0xC0    bRequest=0x55    wLength=8
    Then The Request Is Stalled
    And The Tree Contains    ID f055:9001

Should Fail When The Device Does Not Do It
    Given A Pico Running    ${APPS}/vendor_control.py
    When The Host Requests    bmRequestType=0x80    bRequest=0    wLength=2
    Then The Request Is Stalled
"""


@pytest.mark.row("T7.robot-library")
def test_the_robot_library_serves_a_project_of_its_own(pico: Board, tmp_path: Path) -> None:
    suite = tmp_path / "mine.robot"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "robot", "--outputdir", str(tmp_path), "--variable", f"ENGINE:{pico.engine.name}"]
    command += ["--variable", f"APPS:{ROOT / 'firmware' / 'apps'}", str(suite)]
    done = run(command, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 tests, 1 passed, 1 failed" in done.stdout
    assert re.search(r"Should Stall What It Does Not Know +\| PASS", done.stdout)


TICKING = """
from machine import Timer
timer = Timer(period=20, mode=Timer.ONE_SHOT, callback=lambda timer: print("tick"))
"""


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("usb", marks=pytest.mark.pico(firmware="cdc")),
        pytest.param("uart", marks=pytest.mark.pico(firmware="uart")),
    ],
)
def test_what_a_callback_prints_between_programs_is_kept_and_breaks_nothing(pico: Board, wire: str) -> None:
    repl = pico.repl() if wire == "usb" else pico.uart_repl()
    repl.exec(TICKING)
    pico.engine.run(0.1)
    assert repl.exec("print('done')") == b"tick\r\ndone\r\n"
    repl.exec(TICKING)
    pico.engine.run(0.1)
    assert repl.eval("6 * 7") == 42

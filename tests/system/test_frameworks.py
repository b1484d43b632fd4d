"""Other people's test frameworks take an emulated board for one of theirs (row K4)."""

from __future__ import annotations

import importlib.util
import os
import pty
import sys
from pathlib import Path

import pytest
import serial

from renode_pico.pytest_plugin import engine_of
from tests.processes import program, run

CONFTEST = 'pytest_plugins = ["renode_pico.frameworks.pytest_embedded"]\n'
EMBEDDED = r'''
import pexpect
import pytest


def test_a_prompt_and_an_answer(dut):
    dut.expect(">>> ")
    dut.write("print(6 * 7)")
    dut.expect_exact("42", timeout=1)
    assert dut.board.device.product == "Board in FS mode"


def test_what_is_not_said_is_a_time_out_in_emulated_seconds(dut):
    dut.expect(">>> ")
    before = dut.board.engine.now
    with pytest.raises(pexpect.TIMEOUT, match="Not found"):
        dut.expect("never", timeout=0.25)
    assert 0.25 <= dut.board.engine.now - before < 0.251


@pytest.mark.pico(firmware="uart")
def test_firmware_that_speaks_on_its_uart(dut):
    version = dut.expect(r"MicroPython v(\d+)\.\d+")
    assert version.group(1) == b"1"
    dut.write(b"6*7\r")
    dut.expect(r"\n42")


UNITY = """
print("test_one.c:10:test_adds:PASS")
print("test_one.c:20:test_takes_away:PASS")
print()
print("-----------------------")
print("2 Tests 0 Failures 0 Ignored")
print("OK")
"""


@pytest.mark.pico(firmware="uart", files={"main.py": UNITY})
def test_unitys_own_report(dut):
    dut.expect_unity_test_output(timeout=5)
    assert [case.name for case in dut.testsuite.testcases] == ["test_adds", "test_takes_away"]
'''


def needs(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not here: pip install {package}")


@pytest.mark.row("K4.pytest-embedded")
def test_pytest_embedded_has_a_service(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    needs("pytest_embedded", "pytest-embedded")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(EMBEDDED)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    command += ["--embedded-services", "renode-pico", "--engine", engine_of(request.config)]
    done = run(command, cwd=tmp_path, env=clean, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


JUMPSTARTER = """
import sys
from jumpstarter.common.utils import serve
from renode_pico.firmware import find_image
from renode_pico.frameworks.jumpstarter import RenodePico

images = {name: find_image(name).with_suffix(".bin").read_bytes() for name in ("cdc", "uart-cdc")}
at = next(at for at in range(4096, 1 << 20, 4) if len({image[at : at + 4] for image in images.values()}) == 2)

def runs(board, name):
    with board.console.pexpect() as console:
        console.send(b"\\r")
        console.expect_exact(b">>> ", timeout=300)
        console.send(f"__import__('machine').mem32[{0x10000000 + at}] & 0xffffffff\\r".encode())
        console.expect(rb"\\n(\\d+)\\r", timeout=300)
        assert int(console.match[1]) == int.from_bytes(images[name][at : at + 4], "little"), name

with serve(RenodePico(engine=sys.argv[1])) as board:
    board.power.on()
    runs(board, "cdc")
    board.flasher.flash(str(find_image("uart-cdc")))
    runs(board, "uart-cdc")
    board.power.off()
    board.flasher.flash(str(find_image("cdc")))
    board.power.on()
    runs(board, "cdc")
print("all done")
"""


@pytest.mark.row("K4.jumpstarter")
def test_jumpstarter_powers_flashes_and_talks(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    needs("jumpstarter_driver_opendal", "jumpstarter jumpstarter-driver-opendal jumpstarter-driver-pyserial")
    done = run([sys.executable, "-c", JUMPSTARTER, engine_of(request.config)], cwd=tmp_path, timeout=300)
    assert "all done" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.row("K4.twister")
def test_a_program_at_twisters_serial_pty_is_heard(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As twister's `--device-serial-pty` does it: the program has the master's end, twister reads the other."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "renode_pico", "run", "uart", "--quiet", "--engine", engine_of(request.config)]
    with program(command, stdin=master, stdout=master, stderr=master), serial.Serial(os.ttyname(slave)) as port:
        port.timeout = 300
        assert b"MicroPython v1." in port.read_until(b">>> ")
        port.write(b"print(6 * 7)\r")
        assert port.read_until(b"\r\n42").endswith(b"\r\n42")
    os.close(master)
    os.close(slave)

"""Enumeration as an operating system does it, on real firmware: busy boards, boards that become others, lies."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine
from renode_pico.engine.select import EngineName
from renode_pico.errors import DescriptorError, UsbError
from tests.system.conftest import app
from tests.system.test_command_line import run

DEVICE = bytes([18, 1, 0, 2, 0xFF, 0, 0, 64, 0x34, 0x12, 1, 0, 0, 1, 0, 0, 0, 1])
CONFIGURATION = bytes.fromhex(
    "0902 2000 01 01 00 80 32  0904 00 00 02 ff 00 00 00  0705 01 02 4000 00  0705 81 02 4000 00"
)
LIES = bytes.fromhex("0902 2000 04 01 00 80 32  0904 00 00 03 ff 00 00 00  0705 01 02 4000 00 0705 81 02 4000 00")
"""4 interfaces, 3 endpoints."""


def main_of(device: bytes, configuration: bytes, milliseconds: int = 0) -> str:
    """A main.py that becomes that device after a while."""
    return (
        f"import machine, time\ntime.sleep_ms({milliseconds})\nd = machine.USBDevice()\n"
        f"d.config({device!r}, {configuration!r}, None)\nd.active(True)\n"
    )


def busy_main() -> str:
    """A main.py that takes some tenths of a second to compile."""
    return "\n".join(["def f():", *(f"    a{i % 7} = {i} + len('x')" for i in range(1500)), "print('ready')"])


@pytest.mark.row("R5.retries")
@pytest.mark.pico(firmware="cdc", files={"main.py": busy_main()})
def test_a_board_that_compiles_meanwhile_is_enumerated(pico: Board) -> None:
    device = pico.enumerate()
    assert device.product == "Board in FS mode"
    assert 0.2 < pico.engine.now < 1.5
    assert device.problems
    assert all("attempt" in problem for problem in device.problems)


@pytest.mark.row("R5.strict")
@pytest.mark.pico(firmware="cdc", files={"main.py": busy_main()}, temper="strict")
def test_a_strict_host_does_not_try_again(pico: Board) -> None:
    with pytest.raises(UsbError):
        pico.enumerate()
    assert pico.engine.now < 0.3


@pytest.mark.row("R5.detach")
@pytest.mark.parametrize("milliseconds", [110, 130, 134, 141])
def test_what_comes_in_a_devices_place_is_enumerated(pico: Board, milliseconds: int) -> None:
    pico.close()
    files = {"main.py": main_of(DEVICE, CONFIGURATION, milliseconds).encode()}
    with Board("cdc", engine=cast(EngineName, pico.engine.name), files=files) as board:
        board.enumerate()
        board.engine.run(0.25)  # where the first device was there to the end of its enumeration
        assert (board.device.descriptor.idVendor, board.device.problems) == (0x1234, ())
        assert board.device.present


@pytest.mark.row("R5.lenient")
@pytest.mark.pico(firmware="uart", files={"main.py": main_of(DEVICE, LIES)})
def test_lies_that_linux_forgives_are_problems(pico: Board) -> None:
    device = pico.enumerate()
    text = "\n".join(device.problems)
    for word in ("bNumEndpoints", "bNumInterfaces is 4, but 1"):
        assert word in text
    assert len(device.problems) == 2
    assert device.configuration.raw == LIES


@pytest.mark.row("R5.strict")
@pytest.mark.pico(firmware="uart", files={"main.py": main_of(DEVICE, LIES)}, temper="strict")
def test_lies_are_errors_of_a_strict_host(pico: Board) -> None:
    with pytest.raises(DescriptorError, match="bNumEndpoints"):
        pico.enumerate()


@pytest.mark.row("R5.lenient", "R5.strict")
def test_lsusb_prints_the_problems(pico: Board, tmp_path: Path) -> None:
    pico.close()
    main = tmp_path / "main.py"
    main.write_text(main_of(DEVICE, LIES))

    def lsusb(*options: str) -> subprocess.CompletedProcess[str]:
        return run("lsusb", "--engine", pico.engine.name, "--firmware", "uart", "--main", main, *options)

    lenient = lsusb()
    assert lenient.returncode == 0, lenient.stderr
    assert lenient.stdout.splitlines()[0].startswith("Bus 001 Device 001: ID 1234:0001")
    assert [line.partition(":")[0] for line in lenient.stdout.splitlines()[1:]] == ["Problem"] * 2
    strict = lsusb("--strict")
    assert (strict.returncode, strict.stdout) == (1, "")
    assert "bNumEndpoints" in strict.stderr


@pytest.mark.pico(firmware="uart")
def test_a_device_that_has_come_back_is_taken_up_again(pico: Board) -> None:
    console = pico.uart_repl()
    console.exec(app("vendor_bulk.py"))
    first = pico.device
    console.exec("usb.active(False)")
    pico.host.wait_attached(False)
    assert pico.device is first
    console.exec("usb.active(True)")
    pico.host.wait_attached()
    assert pico.device is not first
    assert pico.device.present


@pytest.mark.engine("renode", reason="the monitor's host is Renode's own")
@pytest.mark.row("R5.retries")
@pytest.mark.pico(firmware="cdc", files={"main.py": busy_main()})
def test_the_monitors_host_tries_again(pico: Board) -> None:
    monitor = cast(RenodeEngine, pico.engine).runtime
    monitor.command("usb_host Plug")
    tree = monitor.command("usb_host Enumerate")
    assert '"Board in FS mode"' in tree
    assert "Problem: attempt 1 to enumerate it" in tree

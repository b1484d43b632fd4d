"""Row T8: GDB on the firmware's ELF with symbols, while the host enumerates the device."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.engine.embedded_backtrace import find_elf
from renode_pico.engine.renode import RenodeEngine
from tests.processes import program

GDB = shutil.which("gdb-multiarch")
WALL_LIMIT = 60
"""Seconds after which a debugger that hangs is ended: without it the core would stay halted for ever."""

pytestmark = [
    pytest.mark.engine("renode", reason="GDB's server is Renode's"),
    pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed: apt-get install gdb-multiarch"),
]


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(function: str) -> tuple[str, ...]:
    """Go on to a breakpoint. Each end of a wait of the host's is a stop for GDB, too."""
    return (
        f"set $wanted = (unsigned int) &{function} & ~1",
        "while (unsigned int) $pc < $wanted || (unsigned int) $pc > $wanted + 16",
        "continue",
        "end",
    )


@pytest.fixture
def elf(pico: Board) -> Path:
    """The firmware with its symbols."""
    path = find_elf(pico.firmware)
    if path is None:
        pytest.skip(f"{pico.firmware} has no ELF file beside it: make firmware")
    return path


@pytest.fixture
def gdb(pico: Board, elf: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """GDB, connected; it stops in the USB interrupt, says how it came there, and lets go."""
    assert isinstance(pico.engine, RenodeEngine)
    assert GDB is not None
    port = free_port()
    pico.engine.runtime.command('mach set "pico"')
    pico.engine.runtime.command(f"machine StartGdbServer {port} false")
    script = (
        "set pagination off",
        "set confirm off",
        f"target remote 127.0.0.1:{port}",
        "break dcd_rp2040_irq",
        "echo CONNECTED\\n",
        *until("dcd_rp2040_irq"),
        "backtrace",
        "delete",
        "break dcd_edpt_open",
        *until("dcd_edpt_open"),
        "backtrace",
        "delete",
        "detach",
    )
    commands = tmp_path / "commands.gdb"
    commands.write_text("\n".join(script) + "\n")
    command = [GDB, "-nx", "-q", "-batch", "-x", str(commands), str(elf)]
    with program(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watchdog = threading.Timer(WALL_LIMIT, process.kill)
        watchdog.start()
        yield process
        watchdog.cancel()
    pico.engine.runtime.command("machine StopGdbServer")


@pytest.mark.row("T8.symbols")
def test_a_breakpoint_in_the_usb_interrupt_while_the_device_is_enumerated(
    pico: Board, gdb: subprocess.Popen[str]
) -> None:
    assert gdb.stdout is not None
    before = []
    for line in gdb.stdout:
        before.append(line)
        if "CONNECTED" in line:
            break
    else:
        pytest.fail("GDB did not connect: " + "".join(before))
    device = pico.enumerate()
    said = gdb.stdout.read()
    irq, opened = said.split("Breakpoint 2, ")
    assert "Breakpoint 1, dcd_rp2040_irq" in irq
    assert re.search(r"^#0 +dcd_rp2040_irq \(\) at \S+/dcd_rp2040\.c:\d+$", irq, re.MULTILINE)
    # below it lies the SDK's chain of handlers, code made at run time that no debugger can see through
    assert re.search(r"^#1 .* in irq_handler_chain_slots", irq, re.MULTILINE)
    names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+)", opened, re.MULTILINE)
    assert names[0] == "dcd_edpt_open"
    assert {"cdcd_open", "tud_task_ext"} <= set(names)
    assert "detached" in said
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0x2E8A, 0x0005)
    assert pico.exec("print(6*7)") == b"42\r\n"

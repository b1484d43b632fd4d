"""Row T8: GDB on the firmware's ELF with symbols, while the host enumerates the device. Row R3: GDB on both engines."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.embedded_backtrace import find_elf, symbol_values
from renode_pico.engine.renode import LR, PC, SP, RenodeEngine
from renode_pico.errors import FirmwareError, ProgramEnded, UsageError
from renode_pico.firmware import find_image
from renode_pico.pytest_plugin import engine_of
from tests.processes import program
from tests.remote_protocol import Client
from tests.system.gdb_session import GDB, INTERRUPT, LOST, SLICE, WALL_LIMIT, WHY_NOT, GdbProcess, debug, free_port
from tests.system.test_command_line import COMMAND

CORES = "chip/cores"
CHIP_ID = 0x4000_0000
"""SYSINFO.CHIP_ID."""
TYPED = 0.02
"""Emulated seconds after which the program of `chip/ends` waits for a character."""
RESET_VECTOR, FIRST_SP = 0xEE, 0x2004_1F00
"""Of the boot ROM of the RP2040."""
FEW_INSTRUCTIONS = 2e-6
LOOKS = 5
"""Questions asked after each stop: each gets its own answer."""

pytestmark = pytest.mark.skipif(GDB is None, reason=WHY_NOT)
on_renode = pytest.mark.engine("renode", reason="Renode's own server, driven in the middle of an enumeration")


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
        f"set remotetimeout {WALL_LIMIT}",
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


@on_renode
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


@pytest.fixture
def port(pico: Board) -> int:
    """Where the board waits for GDB."""
    chosen = free_port()
    pico.start_gdb(chosen)
    return chosen


def thread_of(core: int, threads: str) -> str:
    """The number of the thread that is a core, by what `info threads` says."""
    found = re.finditer(r"(\d+) +Thread \d+ .*?(?:core |cpu)(\d)", threads)
    return next(match[1] for match in found if int(match[2]) == core)


def symbol(pico: Board, name: str) -> int:
    """Where a variable is."""
    elf = find_elf(pico.firmware)
    assert elf is not None
    return symbol_values(elf)[name]


def sent(register: int) -> str:
    """A register as GDB's protocol carries it."""
    return register.to_bytes(4, "little").hex()


def number_in(text: str) -> int:
    """The value that GDB prints: `$1 = 42`."""
    return int(text.rpartition("= ")[2], 0)


@pytest.mark.pico(firmware=CORES, cores=2)
@pytest.mark.row("R3.break", "R3.both-cores")
def test_breakpoints_on_both_cores(pico: Board, port: int, tmp_path: Path) -> None:
    commands = ["info threads", "break add", "continue", "backtrace", "info args", "delete"]
    commands += ["hbreak square", "continue", "info threads", "backtrace", "continue", "print number", "detach"]
    said = dict(enumerate(debug(pico, port, commands, tmp_path)))
    first, second = thread_of(0, said[0]), thread_of(1, said[0])
    assert {first, second} == {"1", "2"}
    assert said[0].count("0x000000ee") == 2, "the board stands at its first instruction until GDB lets it go"
    assert re.search(rf"Thread {first} .*hit Breakpoint 1, add \(to=0, number=", said[2])
    assert re.search(r"^#1 .* in main \(\) at .*main\.c:\d+$", said[3], re.MULTILINE)
    assert "number = 1\n" in said[4]
    assert re.search(rf"Thread {second} .*hit Breakpoint 2, square \(number=1\)", said[7])
    assert re.search(rf"^\* {second} .*square \(number=1\)", said[8], re.MULTILINE)
    assert re.search(r"^#1 .*in core1_main \(\)", said[9], re.MULTILINE)
    assert re.search(rf"Thread {second} .*hit Breakpoint 2, square \(number=2\)", said[10])
    assert number_in(said[11]) == 2
    assert "detached" in said[12]
    before = pico.engine.peek(symbol(pico, "sum"))
    pico.engine.run(0.01)
    assert pico.engine.peek(symbol(pico, "sum")) > before, "the board goes on"


@on_renode
@pytest.mark.pico(firmware=CORES, cores=2)
def test_registers_are_seen_and_set_before_the_board_has_run(pico: Board, port: int) -> None:
    client = Client(port)
    for thread in (1, 2):
        assert client.ask(f"Hg{thread}") == "OK"
        assert [client.ask(f"p{number:x}") for number in (PC, SP)] == [sent(RESET_VECTOR), sent(FIRST_SP)]
    for number, value in {0: 7, LR: RESET_VECTOR | 1, PC: symbol(pico, "square") & ~1}.items():
        assert client.ask(f"P{number:x}={sent(value)}") == "OK"
    client.send("vCont;c")
    pico.engine.run(FEW_INSTRUCTIONS)
    assert pico.engine.peek(symbol(pico, "squared")) == 49


@on_renode
@pytest.mark.pico(firmware=CORES, cores=2)
def test_a_step_of_a_board_that_has_not_run_waits_for_who_lets_it(pico: Board, port: int) -> None:
    if pico.engine.version.startswith("Renode 1.15"):
        pytest.skip("Renode 1.15 does not step one of two cores before they have run")
    client = Client(port)
    asked = ["Hg2", "vCont;s:2", f"p{PC:x}", "Hg1", f"p{PC:x}"]
    for packet in [*asked, "vCont;c"]:
        client.send(packet)
    pico.engine.run(SLICE)
    assert [client.answer() for _ in asked] == ["OK", "T05thread:02;", sent(RESET_VECTOR + 2), "OK", sent(RESET_VECTOR)]
    assert pico.engine.now == pytest.approx(SLICE, abs=FEW_INSTRUCTIONS), "nothing else lets time pass"
    pico.engine.run(SLICE)
    assert pico.engine.now == pytest.approx(2 * SLICE, abs=FEW_INSTRUCTIONS)


@pytest.mark.pico(firmware=CORES, cores=2)
@pytest.mark.row("R3.watch", "R3.step", "R3.memory")
def test_watchpoints_steps_memory_and_registers(pico: Board, port: int, tmp_path: Path) -> None:
    commands = ["watch sum", "continue", "continue", "delete", "rwatch table[0]", "continue", "delete"]
    said = ["break add", "continue", "delete", "print $pc", "stepi", "print $pc", "finish", "next", "step"]
    ask = ["print/x table[1]", "set var table[1] = 0x1234", "x/2xw &table[0]", "print/x *(unsigned *) 0x40000000"]
    ask += ["print/x $sp", "print $xpsr & 0x1ff", "x/1xh add", "break add", "continue", "print number"]
    ask += ["set var $r1 = 1000", "print number", "detach"]
    answers = debug(pico, port, commands + said + ask, tmp_path)
    watched, stepped, asked = answers[:7], answers[7:16], answers[16:]

    assert [re.findall(r"(?:Old|New) value = (\d+)", stop) for stop in watched[1:3]] == [["0", "1"], ["1", "3"]]
    assert "main ()" in watched[1]
    assert re.search(r"hit Hardware read watchpoint 2: table\[0\]\s+Value = 287454020", watched[5])

    assert "add (to=" in stepped[1]
    before, after = (int(re.search(r"0x[0-9a-f]+", stepped[number])[0], 16) for number in (3, 5))  # type: ignore[index]
    assert after == before + 2
    assert re.search(r"^main \(\) at .*Value returned is ", stepped[6], re.MULTILINE | re.DOTALL)
    lines = [int(re.search(r"^(?:0x\w+\s+)?(\d+)\t", step, re.MULTILINE)[1]) for step in stepped[6:9]]  # type: ignore[index]
    assert lines[0] < lines[1] < lines[2]

    assert number_in(asked[0]) == 0x55667788
    assert asked[2].split()[-2:] == ["0x11223344", "0x00001234"]
    assert number_in(asked[3]) == pico.engine.peek(CHIP_ID)
    assert 0x20040000 < number_in(asked[4]) < 0x20042000
    assert number_in(asked[5]) == 0, "in no exception"
    assert re.search(r"<add>:\t0x[0-9a-f]{4}$", asked[6].strip())
    assert number_in(asked[11]) == 1000 != number_in(asked[9])
    assert pico.engine.peek(symbol(pico, "table") + 4) == 0x1234


@pytest.mark.pico(firmware=CORES, cores=2)
def test_it_is_interrupted_reset_left_and_come_back_to(pico: Board, port: int, tmp_path: Path) -> None:
    # what it has got to when Ctrl-C comes depends on how busy this machine is
    begun = ["watch sum", "continue", "delete"]
    commands = [INTERRUPT, "continue", "print sum > 0", "monitor reset init", "maintenance flush register-cache"]
    commands += ["info threads", "break main", "continue", "delete", "detach"]
    said = debug(pico, port, begun + commands, tmp_path)[len(begun) :]
    assert "received signal SIGINT" in said[1]
    assert number_in(said[2]) == 1
    assert len(re.findall(r"0x000000ee in ", said[5])) == 2, "both cores are where the chip begins"
    assert re.search(r"hit Breakpoint 2, main \(\)", said[7])

    def runs() -> bool:
        before = pico.engine.peek(symbol(pico, "sum"))
        pico.engine.run(0.01)
        return pico.engine.peek(symbol(pico, "sum")) > before

    assert runs()
    assert "hit Breakpoint 1, add" in debug(pico, port, ["break add", "continue", "kill"], tmp_path)[1]
    assert runs(), "the board outlives a debugger that kills its program"
    debug(pico, port, ["break add", "python import os; os.kill(os.getpid(), 9)"], tmp_path, finished=False)
    assert runs(), "breakpoints of a debugger that is gone stop nobody"


@pytest.mark.pico(firmware="chip/ends")
def test_a_fault_a_breakpoint_and_a_lock_up_of_the_program_stop_for_gdb(pico: Board, port: int, tmp_path: Path) -> None:
    pico.engine.at(TYPED, lambda: pico.engine.uart(0).write(b"u"))
    commands = ["continue", "backtrace", "continue", "print $pc == (unsigned) &isr_hardfault"]
    commands += ["set var $pc = 0x60000000", "continue", "print/x $pc"]
    commands += [
        "monitor reset halt",
        "maintenance flush register-cache",
        "print/x $pc",
        "break main",
        "continue",
        "detach",
    ]
    said = debug(pico, port, commands, tmp_path)
    assert "SIGTRAP" in said[0]
    assert "isr_hardfault" in said[1]
    assert re.search(r"read_from .*finish .*main ", said[1], re.DOTALL)
    assert "SIGTRAP" in said[2], "a breakpoint of the program is not passed by"
    assert number_in(said[3]) == 1
    assert "SIGSEGV" in said[5], "a fault in the handler of one is the end, and may be looked at before it"
    assert number_in(said[6]) == 0x60000000
    assert number_in(said[9]) == 0xEE, "where the chip begins"
    assert re.search(r"Breakpoint 1, main \(\)", said[11]), "a reset undoes the end"


@pytest.mark.pico(firmware="chip/semihosting")
def test_a_program_that_ended_by_semihosting_begins_anew_with_a_reset(pico: Board, port: int, tmp_path: Path) -> None:
    console = pico.engine.enable_semihosting()
    console.write(b"q")
    begin = ["monitor reset", "maintenance flush register-cache", "break main", "continue", "delete", "detach"]
    said = debug(pico, port, ["continue", *begin], tmp_path)
    assert "SIGSEGV" in said[0], "exit() is an end that may be looked at"
    assert re.search(r"Breakpoint 1, main \(\)", said[4])
    console.write(b"xf")
    with pytest.raises(ProgramEnded, match=r"exit\(5\) by semihosting"):
        pico.engine.run(0.5)
    assert console.read().replace(b"\r", b"") == b"semihosting ready\nsemihosting ready\nheard x\n"


@pytest.mark.pico(firmware="chip/cores", cores=2)
@pytest.mark.parametrize("reset", ["reset", "reset halt", "reset run"])
def test_a_reset_by_any_name_leaves_the_cores_where_they_begin(
    reset: str, pico: Board, port: int, tmp_path: Path
) -> None:
    commands = ["break add", "continue", f"monitor {reset}", "monitor halt", "maintenance flush register-cache"]
    said = debug(pico, port, [*commands, "info threads", "continue", "print sum", "detach"], tmp_path)
    assert said[2].strip() == said[3].strip() == ""
    assert len(re.findall(r"0x000000ee in ", said[5])) == 2
    assert "hit Breakpoint 1, add" in said[6]
    assert number_in(said[7]) == 0, "from the beginning"


@pytest.mark.pico(firmware=CORES, cores=2)
@pytest.mark.parametrize("end", ["detach", "kill"])
def test_a_board_that_was_interrupted_goes_on_when_gdb_lets_go(
    end: str, pico: Board, port: int, tmp_path: Path
) -> None:
    said = debug(pico, port, [INTERRUPT, "continue", end], tmp_path)
    assert "received signal SIGINT" in said[1]
    began = pico.engine.now
    pico.engine.run(0.01)
    assert pico.engine.now > began


@pytest.mark.pico(firmware="chip/ends")
def test_the_server_stays_where_the_board_goes_back(
    pico: Board, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    pico.engine.run(TYPED)
    before = pico.engine.snapshot()
    port: int = request.getfixturevalue("port")
    pico.engine.restore(before)
    pico.engine.uart(0).write(b"s")
    with pytest.raises(UsageError, match="runs already"):
        pico.engine.start_gdb(port)

    def goes_on() -> None:
        with suppress(ProgramEnded):  # once GDB has let go
            pico.engine.run(SLICE)

    said = GdbProcess(pico.firmware, port, ["break finish", "continue", "delete", "detach"], tmp_path).run(goes_on)
    assert "Breakpoint 1, finish (how=" in said[1]
    pico.engine.restore(before)
    pico.engine.uart(0).write(b"s")
    with pytest.raises(FirmwareError, match=re.escape("main() returned 7")):
        pico.engine.run(0.1)


@pytest.mark.pico(firmware="chip/ends")
def test_points_of_a_debugger_that_is_lost_while_the_board_runs_stop_nobody(
    pico: Board, port: int, tmp_path: Path
) -> None:
    lost = ["break main", "continue", "delete", "break finish", "watch *(int *) 0x20001000", LOST, "continue"]
    debug(pico, port, lost, tmp_path, finished=False)
    pico.engine.uart(0).write(b"s")
    with pytest.raises(FirmwareError, match=re.escape("main() returned 7")):
        pico.engine.run(0.1)
    pico.reset()
    start = ["monitor reset", "maintenance flush register-cache", "break main", "continue", "delete"]
    call = ["set var $pc = (unsigned) &finish & ~1", "set var $r0 = 'b'", "continue", "x/i $pc"]
    said = debug(pico, port, [*start, *call, "monitor reset", "detach"], tmp_path)
    assert "SIGTRAP" in said[7]
    assert "bkpt" in said[8], "not at the breakpoint of the one before"


@pytest.mark.pico(firmware=CORES, cores=2)
def test_gdb_is_told_of_each_stop_once(pico: Board, port: int) -> None:
    """A second packet about the same stop would be taken for the answer to what GDB sends next."""
    add = symbol(pico, "add") & ~1
    core = 1 if isinstance(pico.engine, EmbeddedEngine) else 2
    stops = ["vCont;c", *[f"vCont;s:{core}"] * 3, "vCont;c", "vCont;c"]
    packets = ["?", f"Z1,{add:x},2", *[packet for stop in stops for packet in (stop, *["qC"] * LOOKS)]]
    words = [sys.executable, "-m", "tests.remote_protocol", str(port), *packets]
    with program(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as client:
        while client.poll() is None:
            pico.engine.run(SLICE)
        assert client.stdout is not None
        said = client.stdout.read().split()[2:]
    assert len(said) == len(packets) - 2
    assert all(
        answer.startswith("T05" if packet[0] == "v" else "QC") for packet, answer in zip(packets[2:], said, strict=True)
    ), said
    pico.engine.run(SLICE)


@pytest.mark.pico(firmware=CORES, cores=2)
def test_a_board_goes_on_that_was_left_after_a_step(pico: Board, port: int, tmp_path: Path) -> None:
    said = debug(pico, port, ["break add", "continue", "delete", "stepi", "detach"], tmp_path)
    assert "hit Breakpoint 1, add" in said[1]
    before = pico.engine.peek(symbol(pico, "sum"))
    pico.engine.run(SLICE)
    assert pico.engine.peek(symbol(pico, "sum")) > before


def test_a_port_that_is_taken_is_refused(pico: Board) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match=r"GDB's port \d+: "):
            pico.start_gdb(taken.getsockname()[1])


@pytest.mark.parametrize("command", ["run", "serve"])
def test_commands_let_gdb_in(command: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine = engine_of(request.config)
    request.node.user_properties.append(("engine", engine))
    port, commands = free_port(), ["break add", "continue", "print sum", "kill"]
    words = [*COMMAND, command, "--firmware", CORES, "--cores", "2", "--engine", engine, "--gdb", str(port)]
    with program(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as board:
        said = GdbProcess(find_image(CORES), port, commands, tmp_path).run(lambda: time.sleep(0.05))
        board.terminate()
        assert board.stdout is not None
        shown = board.stdout.read()
    assert f"target remote 127.0.0.1:{port}" in shown
    assert "hit Breakpoint 1, add (to=0" in said[1]
    assert number_in(said[2]) == 0

"""Row R1: `renode-pico run` shows the consoles of any firmware and ends as it is told, each end with its exit code."""

from __future__ import annotations

import itertools
import os
import pty
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from renode_pico.pytest_plugin import engine_of
from tests import processes
from tests.system.test_command_line import COMMAND, expect_one_line, run

LIMIT = 300


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine this run is about, noted for the matrix."""
    request.node.user_properties.append(("engine", engine_of(request.config)))
    return engine_of(request.config)


def piped(text: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `renode-pico run` with a text on its standard input, which ends with it."""
    return run("run", *arguments, input=text)


def ended(done: subprocess.CompletedProcess[str]) -> str:
    """The line that says why a run has ended."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("end ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("end").strip()


@pytest.mark.row("R1.consoles", "R1.expect")
def test_firmware_without_usb_shows_its_uart_until_what_is_expected(engine: str) -> None:
    done = run("run", "chip/hello", "--engine", engine, "--expect", "hello", "--timeout", "5")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert re.fullmatch(r"'hello' seen on uart0, at 0\.0\d\d s", ended(done))


@pytest.mark.row("R1.expect", "R1.time-out")
def test_what_is_expected_is_not_seen(engine: str) -> None:
    done = run("run", "chip/hello", "--engine", engine, "--expect", "hello", "--expect", "bye", "--timeout", "0.5")
    assert done.returncode == 1
    assert ended(done) == "time-out after 0.5 s; not seen: 'bye', at 0.500 s"


@pytest.mark.row("R1.fail")
def test_what_must_not_be_seen(engine: str) -> None:
    done = run("run", "chip/hello", "--engine", engine, "--fail", "/^h.l+o$/", "--timeout", "5")
    assert done.returncode == 1
    assert ended(done).startswith("/^h.l+o$/ seen on uart0: hello, at 0.0")


@pytest.mark.row("R1.time-out")
def test_a_time_out_with_nothing_expected_is_no_failure(engine: str) -> None:
    done = run("run", "chip/hello", "--engine", engine, "--timeout", "0.25")
    assert done.returncode == 0
    assert ended(done) == "time-out after 0.25 s, at 0.250 s"


@pytest.mark.row("R1.time-out")
def test_a_time_out_comes_in_the_middle_of_an_enumeration(engine: str) -> None:
    done = run("run", "cdc", "--engine", engine, "--timeout", "0.15")
    assert done.returncode == 0
    match = re.fullmatch(r"time-out after 0\.15 s, at (0\.\d+) s", ended(done))
    assert match, done.stderr
    late = 0.0 if engine == "embedded" else 0.1
    assert 0.15 <= float(match[1]) <= 0.15 + late
    assert "device " not in done.stderr


@pytest.mark.row("R1.consoles")
def test_a_cdc_port_is_shown_and_typed_to(engine: str) -> None:
    done = piped("print(6 * 7)\n", "cdc", "--engine", engine, "--expect", "/^42$/", "--timeout", "10")
    assert done.returncode == 0, done.stderr
    assert "/^42$/ seen on cdc0" in ended(done)
    assert ">>> print(6 * 7)" in done.stdout
    assert "device   2e8a:0005" in done.stderr


def test_two_consoles_at_once_and_keys_for_a_chosen_one(engine: str) -> None:
    arguments = ("uart-cdc", "--engine", engine, "--keys", "uart0", "--expect", "/^42$/", "--timeout", "10")
    done = piped("print(6 * 7)\n", *arguments)
    assert done.returncode == 0, done.stderr
    assert "seen on uart0" in ended(done) or "seen on cdc0" in ended(done)  # its REPL is on both


def test_uart1_is_shown_when_asked_for(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text("from machine import UART, Pin\nUART(1, 115200, tx=Pin(4), rx=Pin(5)).write('from uart1\\n')\n")
    arguments = ("run", "cdc", "--engine", engine, "--main", program, "--expect", "from uart1", "--timeout", "3")
    done = run(*arguments, "--uart", "1")
    assert done.returncode == 0, done.stderr
    assert "seen on uart1" in ended(done)
    assert run(*arguments).returncode == 1


def test_a_pin_is_driven_at_its_time(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text(
        "from machine import Pin\nimport time\np = Pin(3, Pin.IN)\n"
        "while not p.value(): pass\n"
        "print('high at %d ms' % time.ticks_ms())\n"
    )
    done = run(
        *("run", "cdc", "--engine", engine, "--main", program),
        *("--set", "gpio3=0", "--set", "gpio3=1@1.5s", "--expect", "/^high at 1(49|50|51)[0-9] ms$/", "--timeout", "3"),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_timetable_is_kept_while_the_host_enumerates_the_device(engine: str, tmp_path: Path) -> None:
    waves = tmp_path / "pins.vcd"
    times = range(50, 500, 10)  # in milliseconds: the cable is in at 0 s, the device is configured before 0.4 s
    driven = [word for time in times for word in ("--set", f"gpio3={time // 10 % 2}@{time}ms")]
    done = run("run", "cdc", "--engine", engine, *driven, "--timeout", "0.5", "--vcd", waves, "--pins", "gpio3")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^device   2e8a:0005 .* at 0\.[1-4]", done.stderr, re.MULTILINE), done.stderr
    changes = [int(time) for time in re.findall(r"^#(\d+)$", waves.read_text(), re.MULTILINE)]
    assert changes[-len(times) - 1 : -1] == pytest.approx([time * 1_000_000 for time in times], abs=1000)


@pytest.mark.row("R1.end-of-program")
@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ("r", 0, "main() returned 0"),
        ("s", 1, "main() returned 7"),
        ("e", 1, "exit(3)"),
        ("p", 1, "panic: out of cheese"),
    ],
)
def test_the_end_of_the_program_ends_it(engine: str, how: str, code: int, reason: str) -> None:
    done = piped(how, "chip/ends", "--engine", engine, "--timeout", "5")
    assert done.returncode == code
    assert done.stdout.splitlines()[:2] == ["how?", how]
    assert f"ends.uf2: {reason}" in ended(done)


@pytest.mark.row("R1.end-of-program")
def test_what_uarts_still_hold_when_main_returns_is_shown_and_looked_at(engine: str) -> None:
    done = piped("f", "chip/ends", "--engine", engine, "--expect", "left in the FIFO", "--timeout", "5")
    assert (done.returncode, done.stdout.splitlines()) == (0, ["how?", "f", "left in the FIFO"])
    done = piped("f", "chip/ends", "--engine", engine, "--fail", "FIFO", "--timeout", "5")
    assert done.returncode == 1
    assert "FIFO' seen on uart0" in ended(done)


@pytest.mark.row("R1.end-of-program")
def test_core_1_goes_on_when_main_returns(engine: str) -> None:
    done = piped("c", "chip/ends", "--engine", engine, "--cores", "2", "--timeout", "5")
    assert (done.returncode, done.stdout.splitlines()) == (0, ["how?", "c", "core 1 goes on"])
    assert "main() returned 0" in ended(done)
    done = piped("c", "chip/ends", "--engine", engine, "--cores", "2", "--expect", "never said", "--timeout", "1.5")
    assert done.returncode == 1
    assert "not seen: 'never said'" in ended(done)


@pytest.mark.row("R1.end-of-program")
def test_a_program_that_ends_without_saying_what_is_expected_has_failed(engine: str) -> None:
    done = piped("r", "chip/ends", "--engine", engine, "--expect", "bye", "--timeout", "5")
    assert done.returncode == 1
    assert "not seen: 'bye'" in ended(done)


def test_pins_are_written_as_a_waveform(engine: str, tmp_path: Path) -> None:
    program, waves = tmp_path / "main.py", tmp_path / "pins.vcd"
    program.write_text(
        "from machine import Pin\nimport time\np = Pin(25, Pin.OUT)\n"
        "for i in range(3): p.value(1); time.sleep_ms(10); p.value(0); time.sleep_ms(20)\n"
    )
    done = run(
        *("run", "cdc", "--engine", engine, "--main", program, "--timeout", "0.3"),
        *("--vcd", waves, "--pins", "gp3,gpio25", "--set", "gpio3=1@0.2s"),
    )
    assert done.returncode == 0, done.stderr
    text = waves.read_text()
    assert "$timescale 1 ns $end" in text
    names = dict(reversed(found) for found in re.findall(r"\$var wire 1 (\S+) (\w+) \$end", text))
    assert set(names) == {"gpio3", "gpio25"}
    changes = [
        (int(time), value) for time, value, name in re.findall(r"#(\d+)\n([01])(\S+)", text) if name == names["gpio25"]
    ]
    led = [(time, value) for time, value in changes if time]
    assert [value for _, value in led] == ["1", "0"] * 3
    lengths = [b - a for (a, _), (b, _) in itertools.pairwise(led)]
    assert lengths == pytest.approx([10e6, 20e6] * 2 + [10e6], abs=0.2e6)
    assert re.search(rf"^1{re.escape(names['gpio3'])}$", text, re.MULTILINE)


def test_the_result_is_a_junit_report(engine: str, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    arguments = ("--expect", "hello", "--expect", "bye", "--fail", "panic", "--timeout", "0.2", "--junit", report)
    assert run("run", "chip/hello", "--engine", engine, *arguments).returncode == 1
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    cases = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    assert {name for name, failure in cases.items() if failure is not None} == {"shows 'bye'", "ends well"}
    assert "never shows 'panic'" in cases
    output = suite.find("testcase[@name='ends well']/system-out")
    assert output is not None
    assert (output.text or "").strip() == "hello"


@pytest.mark.engine("embedded", reason="an image is looked at before there is an engine")
@pytest.mark.parametrize(("more", "warned"), [([], True), (["--bootsel"], False), (["--quiet"], False)])
def test_why_the_boot_rom_does_not_start_an_image_is_told(more: list[str], warned: bool, tmp_path: Path) -> None:
    path = tmp_path / "flat.bin"
    path.write_bytes(bytes(1024))
    done = run("run", path, "--engine", "embedded", "--timeout", "0.001", *more)
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("flat.bin: the boot ROM does not start it")]
    assert len(lines) == warned, done.stderr


@pytest.mark.engine("embedded", reason="Renode's own log has it there")
def test_what_is_not_modelled_is_told_as_it_is_touched_but_not_if_quiet(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("import machine\nmachine.mem32[0x5011_0054] = 2\n")
    words: list[str | Path] = ["run", "cdc", "--engine", "embedded", "--main", path, "--timeout", "0.2"]
    told, quiet = run(*words), run(*words, "--quiet")
    assert "\nUSBCTRL_REGS.INT_EP_CTRL belongs to the host mode, which is not modelled (PC 0x" in told.stderr
    assert quiet.stderr == ""
    assert told.stdout.rstrip("\n") == quiet.stdout


def test_wrong_usage_is_refused(engine: str, tmp_path: Path) -> None:
    at = ("run", "chip/hello", "--engine", engine)
    expect_one_line(run(*at, "--expect", "/(/"), 2, "no regular expression")
    expect_one_line(run(*at, "--expect", ""), 2, "empty")
    expect_one_line(run(*at, "--set", "gpio30=1"), 2, "GPIO0 to GPIO29")
    expect_one_line(run(*at, "--set", "gpio3=1@never"), 2, "is no time")
    expect_one_line(run(*at, "--press", "reset@1s"), 2, "button", "reset")
    expect_one_line(run("run", tmp_path / "missing.uf2"), 2, "missing.uf2", "no such file")
    times = ["--timeout 0", "--timeout nan", "--timeout 1e300", "--speed nan", "--speed 1e-300"]
    for arguments in ("--pins 1", "--firmware cdc", *times):
        done = run(*at, *arguments.split())
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr


def test_a_terminal_gets_keys_at_once_and_ctrl_bracket_ends(engine: str) -> None:
    master, slave = pty.openpty()
    command = [*COMMAND, "run", "cdc", "--engine", engine]
    with processes.program(command, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        deadline = time.monotonic() + LIMIT
        try:
            while b">>> " not in shown and time.monotonic() < deadline:
                shown += os.read(master, 4096)
            os.write(master, b"print(6*7)\r")
            while b"\n42" not in shown and time.monotonic() < deadline:
                shown += os.read(master, 4096)
            os.write(master, b"\x1d")
            assert process.wait(timeout=LIMIT) == 0
        finally:
            os.close(master)
    assert b"\n42" in shown
    assert b"Ctrl-] ends" in shown


def test_sigterm_ends_it(engine: str) -> None:
    command = [*COMMAND, "run", "chip/hello", "--engine", engine]
    pipe = subprocess.PIPE
    with processes.program(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"hello"
        process.terminate()
        assert process.wait(timeout=LIMIT) == 130

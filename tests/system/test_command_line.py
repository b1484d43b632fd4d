"""The command line as a newcomer meets it: what works, and what bad input is answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from renode_pico.cli import main
from renode_pico.firmware import find_image
from renode_pico.pytest_plugin import engine_of
from tests import processes

COMMAND = [sys.executable, "-m", "renode_pico"]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine this run is about."""
    return engine_of(request.config)


def run(*arguments: str | Path, alone: bool = False, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run `renode-pico`: as a program of its own where that is asked for (`alone`), else in this process."""
    words = [*map(str, arguments)]
    if not alone:
        return processes.run_here(main, words, input)
    return processes.run([*COMMAND, *words], input=input)


def expect_one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """An error is one line that says what and where, with the right exit code, and no traceback of ours."""
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0]


def test_exec_prints_what_the_program_prints(engine: str) -> None:
    done = run("exec", "--engine", engine, "-c", "print(6 * 7)", alone=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "42", "")


def test_a_traceback_on_the_device_goes_to_stderr_with_exit_code_1(engine: str, tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("print('before')\n1 // 0\n")
    done = run("exec", "--engine", engine, script)
    assert done.returncode == 1
    assert done.stdout.strip() == "before"
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: divide by zero"


def test_code_that_never_returns_meets_its_deadline(engine: str) -> None:
    done = run("exec", "--engine", engine, "--timeout", "0.2", "-c", "while True: pass")
    expect_one_line(done, 1, "0.2 s", "emulated")


def test_lsusb_prints_the_tree_and_its_json(engine: str, tmp_path: Path) -> None:
    boot = tmp_path / "boot.py"
    boot.write_text(
        "import machine; u = machine.USBDevice(); u.builtin_driver = b = u.BUILTIN_DEFAULT\n"
        "u.config(b.desc_dev[:10] + b'\\xad\\xde' + b.desc_dev[12:], b.desc_cfg, None); u.active(True)\n"
    )
    done = run("lsusb", "-v", "--engine", engine, "--boot", boot)
    assert done.returncode == 0, done.stderr
    assert "idVendor           0x2e8a" in done.stdout
    assert "idProduct          0xdead" in done.stdout, "boot.py has run"
    assert "bEndpointAddress     0x82  EP 2 IN" in done.stdout


def test_lsusb_json(engine: str) -> None:
    done = run("lsusb", "--json", "--engine", engine)
    assert done.returncode == 0, done.stderr
    text = json.dumps(json.loads(done.stdout))
    assert "Board in FS mode" in text


@pytest.mark.parametrize("firmware", ["cdc", "uart"])
def test_lsusb_says_what_main_has_ended_with(engine: str, firmware: str, tmp_path: Path) -> None:
    """The board's own complaint was lost, and all looked well."""
    main = tmp_path / "main.py"
    main.write_text("import time\ntime.sleep_ms(250)\nimport nonexistent\n")
    done = run("lsusb", "--engine", engine, "--firmware", firmware, "--main", main)
    assert done.returncode == (0 if firmware == "cdc" else 1)
    said = [line for line in done.stderr.splitlines() if line.startswith("board: ")]
    assert said[0] == "board: Traceback (most recent call last):"
    assert said[-1] == "board: ImportError: no module named 'nonexistent'"


HEAVY = ("littlefs", "rich", "jinja2", "elftools", "pcapng", "serial", "pygments")


def test_lsusb_loads_nothing_that_it_does_not_need() -> None:
    """It is what somebody tries first: 0.45 s from the shell's prompt (bench.py measures it)."""
    command = [sys.executable, "-X", "importtime", "-m", "renode_pico", "lsusb", "--engine", "embedded"]
    done = processes.run(command)
    assert "2e8a:0005" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "renode_pico.board" in imported
    assert not imported.intersection(HEAVY)


def test_demo_does_the_main_job(engine: str, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    done = run("demo", "--engine", engine, "--json", results)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(results.read_text())
    assert document["good"] is True
    assert document["engine"] == engine
    assert len(document["steps"]) == 7
    assert all(step["good"] for step in document["steps"])
    assert all(step["transactions"] > 0 for step in document["steps"])


def test_trace_saves_every_transaction(engine: str, tmp_path: Path) -> None:
    trace = tmp_path / "bus.txt"
    done = run("trace", "-o", trace, "lsusb", "--engine", engine)
    assert done.returncode == 0, done.stderr
    assert "2e8a:0005" in done.stdout
    text = trace.read_text()
    assert text.count("SETUP") >= 8


def test_repl_takes_lines_from_a_pipe(engine: str) -> None:
    done = run("repl", "--engine", engine, input="print(6 * 7)\r", alone=True)
    assert done.returncode == 0, done.stderr
    assert "\n42" in done.stdout.replace("\r", "")


def broken_images(folder: Path) -> dict[str, tuple[Path, str]]:
    """Images that no Pico can run: name, path, a word of the complaint."""
    good = find_image("cdc").read_bytes()
    truncated, empty, text, family, large = (
        folder / f"{n}.uf2" for n in ("truncated", "empty", "text", "family", "big")
    )
    truncated.write_bytes(good[:100_000])
    empty.write_bytes(b"")
    text.write_text("hello\n")
    family.write_bytes(b"".join(block[:28] + b"\x57\x2a\xff\xe5" + block[32:] for block in blocks(good)))
    large.with_suffix(".bin").write_bytes(bytes(2 * 1024 * 1024 + 1))
    pipe = folder / "pipe.uf2"
    os.mkfifo(pipe)
    return {
        "truncated": (truncated, "truncated"),
        "empty": (empty, "empty"),
        "text": (text, "not a UF2"),
        "family": (family, "family"),
        "large": (large.with_suffix(".bin"), "flash"),
        "pipe": (pipe, "is a pipe"),
        "missing": (folder / "missing.uf2", "no such file"),
    }


def blocks(image: bytes) -> list[bytes]:
    """The 512-byte blocks of a UF2 file."""
    return [image[at : at + 512] for at in range(0, len(image), 512)]


@pytest.mark.parametrize("name", ["truncated", "empty", "text", "family", "large", "pipe", "missing"])
def test_an_image_that_cannot_run_is_refused(engine: str, tmp_path: Path, name: str) -> None:
    path, word = broken_images(tmp_path)[name]
    expect_one_line(run("lsusb", "--engine", engine, "--firmware", path), 2, path.name, word)


def test_firmware_without_usb_never_attaches(engine: str) -> None:
    expect_one_line(run("lsusb", "--engine", engine, "--firmware", "uart"), 1, "uart.uf2", "no USB device attached")


def test_wrong_usage_is_exit_code_2(engine: str) -> None:
    for arguments in (
        ["exec"],
        ["exec", "-c", "1", "nosuch.py"],
        ["bogus"],
        ["lsusb", "--engine", "abacus"],
        ["trace", "doctor"],
    ):
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert "Error:" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_one_word_and_no_stray_process(engine: str, number: signal.Signals) -> None:
    command = [*COMMAND, "exec", "--engine", engine, "--timeout", "100000", "-c", "print('on')\nwhile True: pass"]
    pipe = subprocess.PIPE
    with processes.program(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip() == "on"
        process.send_signal(number)
        process.wait(timeout=processes.WALL_LIMIT)
        assert process.returncode == 130
        assert process.stderr.read().strip() == "interrupted"


def test_doctor_lists_engines_firmware_and_tools() -> None:
    done = run("doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = {(finding["kind"], finding["name"]): finding for finding in json.loads(done.stdout)}
    assert found["engine", "embedded"]["found"] is True
    assert found["firmware", "cdc"]["found"] is True
    assert ("engine", "renode") in found
    assert found["tool", "tshark"]["advice"]
    assert found["tool", "mpremote"]["found"] is True  # installed beside this Python

"""Row R2: one set of options on every command that boots a board; what cannot have an effect is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from renode_pico.board import Board
from renode_pico.cli.app import COMMANDS, cli, run_cli
from renode_pico.cli.options import board_options
from renode_pico.errors import UsageError
from renode_pico.micropython.filesystem import read_flash
from renode_pico.pytest_plugin import engine_of
from tests.system.test_command_line import run

BOOTING = {
    "run": (),
    "demo": (),
    "lsusb": (),
    "exec": ("-c", "1"),
    "repl": (),
    "serve": (),
    "top": (),
    "verify": ("--only", "AT4"),
    "fuzz": ("--cases", "1"),
}
"""Every command that boots a board, with the least that it needs."""
OTHERS = {"replay", "campaign", "doctor", "trace", "picture", "new", "path", "setup"}
TALK_TO_MICROPYTHON = ("exec", "repl", "demo")
OTHER_FIRMWARE = "chip/hello"

Refused = Callable[..., str]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine this run is about, noted for the matrix."""
    request.node.user_properties.append(("engine", engine_of(request.config)))
    return engine_of(request.config)


@pytest.fixture
def refused(engine: str, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused: exit code 2, nothing on stdout, one line of reason, which is returned."""

    def run_refused(command: str, *arguments: str | Path) -> str:
        code = run_cli([command, *BOOTING[command], "--engine", engine, *map(str, arguments)])
        output, errors = capsys.readouterr()
        assert (code, output) == (2, ""), errors
        return errors.strip().splitlines()[-1]

    return run_refused


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file for the board."""
    path = tmp_path / "program.py"
    path.write_text("print('installed')\n")
    return path


def test_every_command_is_known_here() -> None:
    assert {*BOOTING, *OTHERS} >= {*COMMANDS}


@pytest.mark.row("R2.one-set")
@pytest.mark.parametrize("name", BOOTING)
def test_every_command_that_boots_a_board_has_every_option_of_a_board(engine: str, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    shared = click.command()(board_options(lambda options: None)).params
    have = {parameter.name: parameter.to_info_dict() for parameter in command.params}
    assert len(shared) >= 11
    for parameter in shared:
        assert have[parameter.name] == parameter.to_info_dict()


@pytest.mark.row("R2.refused")
@pytest.mark.parametrize("name", BOOTING)
@pytest.mark.parametrize("option", ["--boot", "--main", "--files"])
def test_files_for_what_is_not_micropython_are_refused(refused: Refused, program: Path, name: str, option: str) -> None:
    value = f"{program}:lib/program.py" if option == "--files" else str(program)
    reason = refused(name, "--firmware", OTHER_FIRMWARE, option, value)
    assert "hello.uf2 is not MicroPython" in reason


@pytest.mark.parametrize("name", TALK_TO_MICROPYTHON)
def test_a_command_that_talks_to_micropython_says_so_to_other_firmware(refused: Refused, name: str) -> None:
    reason = refused(name, "--firmware", OTHER_FIRMWARE)
    assert f"hello.uf2 is not MicroPython, and {name} talks to MicroPython's REPL" in reason
    assert f"renode-pico run {OTHER_FIRMWARE}" in reason


@pytest.mark.parametrize("name", TALK_TO_MICROPYTHON)
def test_the_boot_roms_loader_has_no_repl(refused: Refused, name: str) -> None:
    assert "no REPL" in refused(name, "--bootsel")


@pytest.mark.parametrize("name", sorted(set(BOOTING) - set(TALK_TO_MICROPYTHON)))
def test_the_boot_roms_loader_reads_no_files(refused: Refused, program: Path, name: str) -> None:
    reason = refused(name, "--bootsel", "--main", program)
    assert "--bootsel" in reason
    assert "main.py" in reason


@pytest.mark.parametrize("name", BOOTING)
@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("nowhere", "no such directory"),
        ("nosuch.py:lib/x.py", "no such file nosuch.py"),
        ("{program}:", "FILE:PATH"),
        ("{program}:main.py", "two files are to become main.py"),
    ],
)
def test_files_that_are_not_there_or_there_twice_are_refused(
    refused: Refused, program: Path, name: str, argument: str, word: str
) -> None:
    assert word in refused(name, "--main", program, "--files", argument.format(program=program))


@pytest.mark.parametrize("name", BOOTING)
@pytest.mark.parametrize(
    ("option", "value"), [("--cores", "3"), ("--cores", "0"), ("--revision", "A2"), ("--mips", "0"), ("--gdb", "70000")]
)
def test_values_that_no_board_can_have_are_refused(refused: Refused, name: str, option: str, value: str) -> None:
    assert option in refused(name, option, value)


@pytest.mark.row("R2.one-set")
def test_a_directory_becomes_the_boards_files(engine: str, tmp_path: Path) -> None:
    for name, text in {
        "lib/umqtt/simple.py": "NAME = 'simple'",
        "data/table.bin": "1 2 3",
        ".git/config": "hidden",
        "lib/__pycache__/x.pyc": "cache",
        "main.py": "open('ran', 'w').close()",
    }.items():
        path = tmp_path / "board" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    extra = tmp_path / "one:two.py"
    extra.write_text("WHERE = 'two'")
    code = (
        "import os, umqtt.simple, deep.er; print(umqtt.simple.NAME, deep.er.WHERE, open('data/table.bin').read());"
        "print(sorted(os.listdir()), os.listdir('lib'))"
    )
    done = run(
        *("exec", "--engine", engine, "-c", code, "--files", tmp_path / "board", "--files", f"{extra}:/lib/deep/er.py")
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "simple two 1 2 3"
    assert second == "['data', 'lib', 'main.py', 'ran'] ['deep', 'umqtt']"


@pytest.mark.row("R2.one-set")
def test_the_revision_is_what_sysinfo_tells_the_firmware(engine: str) -> None:
    code = "import machine; print(machine.mem32[0x40000000] >> 28)"
    for arguments, revision in (((), "2"), (("--revision", "B1"), "1"), (("--revision", "B2"), "2")):
        done = run("exec", "--engine", engine, "-c", code, *arguments)
        assert (done.returncode, done.stdout.strip()) == (0, revision), done.stderr


def test_a_kept_flash_gets_further_files_beside_those_it_holds(engine: str, tmp_path: Path, program: Path) -> None:
    flash = tmp_path / "pico.flash"
    code = "with open('kept', 'w') as f: f.write('by the board')"
    assert run("exec", "--engine", engine, "-c", code, "--flash", flash).returncode == 0
    done = run("exec", "--engine", engine, "-c", "import program", "--flash", flash, "--files", f"{program}:program.py")
    assert (done.returncode, done.stdout.strip()) == (0, "installed"), done.stderr
    files = read_flash(flash.read_bytes())
    assert files["kept"] == b"by the board"
    assert files["program.py"] == program.read_bytes()


@pytest.mark.row("R4.bootsel", "R4.command-line")
def test_the_boot_button_brings_the_boot_roms_device(engine: str) -> None:
    done = run("lsusb", "--engine", engine, "--bootsel")
    assert done.returncode == 0, done.stderr
    assert re.search(r"2e8a:0003 .*RP2 Boot", done.stdout)


def test_fixtures_and_boards_refuse_the_same(engine: str) -> None:
    with pytest.raises(UsageError, match=r"hello\.uf2 is not MicroPython"):
        Board(OTHER_FIRMWARE, engine=engine, files={"main.py": b"1"})  # type: ignore[arg-type]
    with Board(OTHER_FIRMWARE, engine=engine) as board:  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"hello\.uf2 is not MicroPython"):
            board.exec("print(1)")
        with pytest.raises(UsageError, match="nosuch"):
            board.press("nosuch")

"""The core's library: compiled, or as WebAssembly where nothing can be compiled; the same machine either way."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from renode_pico.cli.doctor import core_in_use
from renode_pico.core import build, machine
from renode_pico.core.build import compile_to, fingerprint, library, wasm_file
from renode_pico.core.machine import Machine
from renode_pico.core.native import NativeCore
from renode_pico.errors import EngineMissing, UsageError
from tests.processes import run
from tests.unit.core.small_machine import NOTES, SmallMachine
from tests.unit.core.test_snapshots import BUSY


def run_busy() -> tuple[object, ...]:
    small = SmallMachine(BUSY)
    small.machine.set_core(0, 1, NOTES)
    small.machine.set_core(0, 3, 1664525)
    kept = small.machine.snapshot()
    small.run(30_000)
    first = bytes(small.machine.sram)
    small.machine.restore(kept)
    small.run(30_000)
    assert bytes(small.machine.sram) == first
    m = small.machine
    return first, m.cycles, m.now_ns, m.instructions(0), [m.core(0, number) for number in range(32)]


@pytest.mark.row("E4.same-traces", engine="embedded")
def test_both_run_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for kind, name in (("compiled", "compiled"), ("wasm", "WebAssembly")):
        monkeypatch.setenv("RENODE_PICO_CORE", kind)
        assert machine.load().kind == name
        results.append(run_busy())
    assert results[0] == results[1]


@pytest.mark.row("E4.doctor", engine="embedded")
def test_doctor_says_which_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, said in (("compiled", "compiled, "), ("wasm", "WebAssembly by wasmtime")):
        monkeypatch.setenv("RENODE_PICO_CORE", kind)
        finding = core_in_use()
        assert (finding.kind, finding.name, finding.found) == ("core", "embedded", True)
        assert said in finding.detail


def test_the_webassembly_is_of_these_sources() -> None:
    assert fingerprint().encode() in wasm_file().read_bytes(), "python -m renode_pico.core.build --wasm"


@pytest.fixture
def nothing_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The next machine looks for its library anew, and the package has none with it."""
    monkeypatch.delenv("RENODE_PICO_CORE", raising=False)
    monkeypatch.setattr(build, "shipped", lambda: tmp_path / "nothing.so")
    machine._native.cache_clear()
    machine._tell_once.cache_clear()
    yield
    machine._native.cache_clear()


@pytest.mark.row("E4.runs", engine="embedded")
@pytest.mark.usefixtures("nothing_shipped")
def test_without_a_compiler_it_says_so_once_and_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("RENODE_PICO_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    assert Machine(1).kind == "WebAssembly"
    assert Machine(1).kind == "WebAssembly"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "install gcc or clang" in told[0]


@pytest.mark.usefixtures("nothing_shipped")
def test_where_nothing_can_be_kept_it_says_so_and_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RENODE_PICO_CACHE", str(tmp_path / "file"))
    assert Machine(1).kind == "WebAssembly"
    (told,) = (record.getMessage() for record in caplog.records)
    assert "Not a directory; RENODE_PICO_CACHE names another folder" in told


LEAVES = """
import sys
from renode_pico.core.machine import Machine
def main():
    kept = Machine(1)
    kept.itself = kept
    print(kept.kind)
    sys.exit()
main()
"""


def test_the_process_ends_without_a_word() -> None:
    done = run([sys.executable, "-c", LEAVES], env=os.environ | {"RENODE_PICO_CORE": "wasm"})
    assert (done.stdout, done.stderr) == ("WebAssembly\n", "")


def test_one_that_is_asked_for_is_not_replaced_by_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENODE_PICO_CORE", "compiled")
    monkeypatch.setenv("RENODE_PICO_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    machine._native.cache_clear()
    with pytest.raises(EngineMissing, match="needs a C compiler"):
        machine.load()
    machine._native.cache_clear()
    monkeypatch.setenv("RENODE_PICO_CORE", "faster")
    with pytest.raises(UsageError, match="compiled and wasm"):
        machine.load()


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(EngineMissing, match="no space left"):
        compile_to(tmp_path / "out" / "core.so")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_either_compiler_makes_it(compiler: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    monkeypatch.setenv("CC", compiler)
    compile_to(tmp_path / "core.so", flags=("-O0",))
    assert NativeCore(str(tmp_path / "core.so")).kind == "compiled"


def test_the_library_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENODE_PICO_CACHE", str(tmp_path))
    made = library()
    assert made.is_relative_to(tmp_path)
    stamp = made.stat().st_mtime_ns
    assert library() == made
    assert made.stat().st_mtime_ns == stamp
    assert fingerprint().encode() in made.read_bytes()

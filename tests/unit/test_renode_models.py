"""The models' assembly is compiled once, and only when something it is made of changed."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from renode_pico.errors import RenodePicoError
from renode_pico.renode_models import RenodeInstallation, Runtime, boot_rom, find_renode, prepare, sources
from renode_pico.renode_models.__main__ import main
from tests.unit.renode_layouts import built_for_mono, executable

FAKE_MCS = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
if [ -f "$(dirname "$0")/fail" ]; then
    echo "Model.cs(1,2): error CS1002: ; expected"
    echo "Compilation failed: 1 error(s), 0 warnings"
    exit 1
fi
for argument in "$@"; do
    case "$argument" in -out:*) echo assembly > "${argument#-out:}";; esac
done
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("RENODE_PICO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def installation(tmp_path: Path) -> RenodeInstallation:
    return find_renode(built_for_mono(tmp_path / "renode"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("renode/models/RP2040_A.cs", "renode/models/RP2040_B.cs", "renode/host/UsbC.cs"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("class A {}")
    return root


@pytest.fixture
def mcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that only notes its calls; returns its directory."""
    executable(tmp_path / "bin" / "mcs", FAKE_MCS)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def calls(mcs: Path) -> list[str]:
    return (mcs / "calls").read_text().splitlines() if (mcs / "calls").exists() else []


def test_the_boot_rom_is_16_kib_and_begins_with_the_chips_vectors() -> None:
    image = boot_rom()
    assert len(image) == 0x4000
    # stack pointer, reset vector, and the magic "Mu" with the version at 0x10 (datasheet 2.8.3)
    assert image[:8].hex() == "001f0420ef000000"
    assert image[0x10:0x13] == b"Mu\x01"


def test_prepare_writes_the_boot_rom_and_its_licence(
    checkout: Path, installation: RenodeInstallation, mcs: Path, cache: Path
) -> None:
    made = prepare(checkout, renode=installation)
    assert made.boot_rom == cache / "bootrom.bin"
    assert made.boot_rom.read_bytes() == boot_rom()
    assert "BSD-3-Clause" in (cache / "bootrom-LICENSE.txt").read_text()


def test_prepare_compiles_all_sources_into_one_assembly(
    checkout: Path, installation: RenodeInstallation, mcs: Path, cache: Path
) -> None:
    made = prepare(checkout, renode=installation)
    assert made.compiled
    assert made.assembly is not None
    assert made.assembly.parents[1] == cache / "models" / "1.16.1-mono"
    assert made.assembly.read_text() == "assembly\n"
    (call,) = calls(mcs)
    for path in sources(checkout):
        assert str(path) in call
    assert "Infrastructure.dll" in call
    assert "mcs.dll" not in call


def test_prepare_compiles_once(checkout: Path, installation: RenodeInstallation, mcs: Path) -> None:
    prepare(checkout, renode=installation)
    assert not prepare(checkout, renode=installation).compiled
    assert len(calls(mcs)) == 1


@pytest.mark.parametrize("what", ["changed", "added", "removed", "renode built anew"])
def test_prepare_compiles_again_when_something_changed(
    checkout: Path, installation: RenodeInstallation, mcs: Path, what: str
) -> None:
    prepare(checkout, renode=installation)
    if what == "changed":
        (checkout / "renode/models/RP2040_A.cs").write_text("class B {}")
    elif what == "added":
        (checkout / "renode/host/UsbD.cs").write_text("class D {}")
    elif what == "removed":
        (checkout / "renode/models/RP2040_B.cs").unlink()
    else:
        assert installation.assemblies is not None
        later = time.time() + 10
        os.utime(installation.assemblies / "Infrastructure.dll", (later, later))
    assert prepare(checkout, renode=installation).compiled
    assert len(calls(mcs)) == 2


def test_going_back_to_sources_that_were_compiled_compiles_nothing(
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    first = prepare(checkout, renode=installation)
    (checkout / "renode/models/RP2040_A.cs").write_text("class B {}")
    assert prepare(checkout, renode=installation).assembly != first.assembly
    (checkout / "renode/models/RP2040_A.cs").write_text("class A {}")
    assert prepare(checkout, renode=installation) == replace(first, compiled=False)


def test_assemblies_that_nobody_uses_are_removed_after_a_month(
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    first = prepare(checkout, renode=installation).assembly
    assert first is not None
    (checkout / "renode/models/RP2040_A.cs").write_text("class B {}")
    prepare(checkout, renode=installation)
    assert first.is_file()
    old = time.time() - 31 * 86400
    os.utime(first.parent, (old, old))
    (checkout / "renode/models/RP2040_A.cs").write_text("class C {}")
    prepare(checkout, renode=installation)
    assert not first.exists()


def test_an_error_of_the_compiler_is_told_and_leaves_nothing_behind(
    checkout: Path, installation: RenodeInstallation, mcs: Path, cache: Path
) -> None:
    (mcs / "fail").touch()
    with pytest.raises(RenodePicoError, match=r"do not compile: Model.cs\(1,2\): error CS1002"):
        prepare(checkout, renode=installation)
    assert not list(cache.rglob("*.dll"))
    (mcs / "fail").unlink()
    assert prepare(checkout, renode=installation).compiled


def test_a_renode_on_net_compiles_by_itself(checkout: Path, installation: RenodeInstallation, mcs: Path) -> None:
    made = prepare(checkout, renode=replace(installation, runtime=Runtime.DOTNET))
    assert made.assembly is None
    assert "itself" in made.note
    assert calls(mcs) == []


def test_a_renode_on_net_takes_the_assembly_made_for_mono_but_not_the_other_way_round(
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    on_net = replace(installation, runtime=Runtime.DOTNET)
    for_mono = prepare(checkout, renode=installation).assembly
    assert for_mono is not None
    assert prepare(checkout, renode=on_net).assembly == for_mono
    for_net = for_mono.parents[2] / "1.16.1-dotnet" / for_mono.parent.name / for_mono.name
    for_net.parent.mkdir(parents=True)
    for_mono.rename(for_net)
    assert prepare(checkout, renode=on_net).assembly == for_net
    assert prepare(checkout, renode=installation).assembly == for_mono
    assert len(calls(mcs)) == 2


def test_a_cache_that_cannot_be_a_folder_is_told(cache: Path, checkout: Path, installation: RenodeInstallation) -> None:
    cache.write_text("a file")
    with pytest.raises(RenodePicoError, match="RENODE_PICO_CACHE"):
        prepare(checkout, renode=installation)


def test_the_program_prints_one_line_for_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--renode", "/nowhere/renode"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: Renode is not there")
    assert captured.err.count("\n") == 1

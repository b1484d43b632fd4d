"""The models' assembly is compiled once, and only when something it is made of changed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from renode_pico.errors import EngineMissing, RenodePicoError
from renode_pico.renode_models import RenodeInstallation, boot_rom, find_renode, prepare, sources
from renode_pico.renode_models.__main__ import main

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


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def version_resource(version: str) -> bytes:
    return b"MZ..." + "FileVersion".encode("utf-16-le") + b"\0\0\0\0" + version.encode("utf-16-le") + b"\0\0\0\0"


@pytest.fixture
def installation(tmp_path: Path) -> RenodeInstallation:
    """A directory that looks like a Renode built for Mono."""
    assemblies = tmp_path / "renode" / "output" / "bin" / "Release"
    assemblies.mkdir(parents=True)
    (assemblies / "Infrastructure.dll").write_bytes(b"heart")
    (assemblies / "Migrant.dll").write_bytes(b"serialiser")
    (assemblies / "mcs.dll").write_bytes(b"compiler")
    (assemblies / "Renode.exe").write_bytes(version_resource("1.16.1.17589"))
    return find_renode(executable(tmp_path / "renode" / "renode", "#!/bin/sh\n"))


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
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    made = prepare(checkout, renode=installation)
    assert made.boot_rom.read_bytes() == boot_rom()
    assert "BSD-3-Clause" in (made.boot_rom.parent / "bootrom-LICENSE.txt").read_text()


def test_prepare_compiles_all_sources_into_one_assembly(
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    made = prepare(checkout, renode=installation)
    assert made.compiled
    assert made.assembly == checkout / "build/renode/1.16.1/renode_pico_models.dll"
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


@pytest.mark.parametrize("what", ["changed", "added", "removed", "renode"])
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
        (installation.assemblies / "Infrastructure.dll").write_bytes(b"another heart")
    assert prepare(checkout, renode=installation).compiled
    assert len(calls(mcs)) == 2


def test_an_error_of_the_compiler_is_told_and_leaves_nothing_behind(
    checkout: Path, installation: RenodeInstallation, mcs: Path
) -> None:
    (mcs / "fail").touch()
    with pytest.raises(RenodePicoError, match=r"do not compile: Model.cs\(1,2\): error CS1002"):
        prepare(checkout, renode=installation)
    assert not list((checkout / "build").rglob("*.dll"))
    (mcs / "fail").unlink()
    assert prepare(checkout, renode=installation).compiled


def test_a_renode_on_net_compiles_by_itself(checkout: Path, installation: RenodeInstallation, mcs: Path) -> None:
    (installation.assemblies / "Renode.dll").write_bytes(b"")
    made = prepare(checkout, renode=find_renode(installation.launcher))
    assert made.assembly is None
    assert ".NET" in made.note
    assert calls(mcs) == []


def test_find_renode_reads_the_version_without_starting_it(installation: RenodeInstallation) -> None:
    assert installation.version == "1.16.1"
    assert installation.mono


def test_find_renode_knows_the_assemblies_of_1_15(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "Emulator.dll").write_bytes(b"")
    (tmp_path / "bin" / "Renode.exe").write_bytes(version_resource("1.15.3.13087"))
    assert find_renode(executable(tmp_path / "renode", "#!/bin/sh\n")).version == "1.15.3"


def test_find_renode_looks_into_a_launcher_script(installation: RenodeInstallation, tmp_path: Path) -> None:
    script = executable(tmp_path / "elsewhere" / "renode", f'#!/bin/sh\nexec {installation.launcher} "$@"\n')
    assert find_renode(script).assemblies == installation.assemblies


def test_find_renode_takes_the_launcher_from_the_environment(
    installation: RenodeInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE", str(installation.launcher))
    assert find_renode() == installation


def test_a_missing_renode_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(EngineMissing, match="set RENODE"):
        find_renode("/nowhere/renode")


def test_a_program_that_is_no_renode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no Renode"):
        find_renode(executable(tmp_path / "renode", "#!/bin/sh\n"))


def test_the_program_prints_one_line_for_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--renode", "/nowhere/renode"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: Renode is not there")
    assert captured.err.count("\n") == 1

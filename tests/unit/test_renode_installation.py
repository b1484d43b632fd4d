"""Which Renode, which runtime, which layout, usable by what: every layout of a release, and what the variables name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from renode_pico.engine import select
from renode_pico.engine.protocol import BoardConfig
from renode_pico.engine.renode_runtime import first_line
from renode_pico.errors import EngineMissing
from renode_pico.renode_models import Layout, Runtime, find_renode, installation, look_for_renode
from tests.unit import renode_layouts as layouts

RUNTIME_PRESENT = installation.runtime_present
VARIABLES = (*installation.PYRENODE_VARIABLES, "PYRENODE_RUNTIME", "PYRENODE_BUILD_OUTPUT", "RENODE")


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is named, set up or on the path; pyrenode3, Mono and .NET are there. Returns the folder of the path."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RENODE_PICO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(installation, "pyrenode_present", lambda: True)
    monkeypatch.setattr(installation, "runtime_present", lambda runtime: True)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def on_path(bare: Path, launcher: Path) -> None:
    (bare / "renode").symlink_to(launcher)


@pytest.mark.parametrize(
    ("make", "runtime", "layout", "pyrenode"),
    [
        (layouts.built_for_mono, Runtime.MONO, Layout.BUILD,
         {"PYRENODE_RUNTIME": "mono", "PYRENODE_BUILD_DIR": "", "PYRENODE_BUILD_OUTPUT": "output/bin/Release"}),
        (layouts.built_for_dotnet, Runtime.DOTNET, Layout.BUILD,
         {"PYRENODE_RUNTIME": "coreclr", "PYRENODE_BUILD_DIR": "", "PYRENODE_BUILD_OUTPUT": "output/bin/Release"}),
        (layouts.dotnet_package, Runtime.DOTNET, Layout.PACKAGE,
         {"PYRENODE_RUNTIME": "coreclr", "PYRENODE_BUILD_DIR": "", "PYRENODE_BUILD_OUTPUT": "bin"}),
        (layouts.dotnet_deb, Runtime.DOTNET, Layout.PACKAGE,
         {"PYRENODE_RUNTIME": "coreclr", "PYRENODE_BUILD_DIR": "opt/renode", "PYRENODE_BUILD_OUTPUT": "bin"}),
        (layouts.mono_package, Runtime.MONO, Layout.PACKAGE,
         {"PYRENODE_RUNTIME": "mono", "PYRENODE_BUILD_DIR": "opt/renode", "PYRENODE_BUILD_OUTPUT": "bin"}),
        (layouts.dotnet_portable, Runtime.DOTNET, Layout.PORTABLE,
         {"PYRENODE_RUNTIME": "coreclr", "PYRENODE_BIN": "renode"}),
    ],
)  # fmt: skip
def test_each_layout_of_a_release_is_known_and_told_to_pyrenode3_in_its_words(
    tmp_path: Path,
    bare: Path,
    make: Callable[[Path], Path],
    runtime: Runtime,
    layout: Layout,
    pyrenode: dict[str, str],
) -> None:
    folder = tmp_path / "renode_1.16.1-somewhere"
    on_path(bare, make(folder))
    here = look_for_renode()
    assert here.problem == ""
    found = here.installation
    assert found is not None
    assert (found.runtime, found.layout, found.version) == (runtime, layout, "1.16.1")
    places = {
        name: str(folder / value) if name[9:] in ("BUILD_DIR", "BIN") else value for name, value in pyrenode.items()
    }
    assert found.pyrenode == places
    assert select.choose("auto") == "renode"


def test_a_portable_release_for_mono_is_known_and_left_to_the_monitor(tmp_path: Path, bare: Path) -> None:
    on_path(bare, layouts.mono_portable(tmp_path / "renode_1.16.1_portable"))
    here = look_for_renode()
    assert here.installation is not None
    assert (here.installation.runtime, here.installation.layout) == (Runtime.MONO, Layout.PORTABLE)
    assert "take the .NET one ('renode-pico setup renode' gets it" in here.problem
    assert select.choose("auto") == "embedded"
    with pytest.raises(EngineMissing, match=r"take the \.NET one"):
        select.choose("renode")


@pytest.mark.parametrize("what", ["nothing", "no Renode", "too old", "no pyrenode3", "no .NET"])
def test_auto_takes_the_embedded_engine_whenever_renode_cannot_be_used(
    tmp_path: Path, bare: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "no Renode":
        on_path(bare, layouts.executable(tmp_path / "other", "#!/bin/sh\n"))
    elif what == "too old":
        layouts.assemblies(tmp_path / "old" / "bin", "Renode.exe", "1.14.0")
        on_path(bare, layouts.executable(tmp_path / "old" / "renode", "#!/bin/sh\n"))
    elif what != "nothing":
        on_path(bare, layouts.built_for_dotnet(tmp_path / "renode"))
        missing = "pyrenode_present" if what == "no pyrenode3" else "runtime_present"
        monkeypatch.setattr(installation, missing, lambda *_: False)
    reasons = {
        "nothing": "no program 'renode'",
        "no Renode": "no Renode that this package knows",
        "too old": "1.14.0 is too old",
        "no pyrenode3": "pip install git",
        "no .NET": "needs .NET, which is not here",
    }
    assert reasons[what] in look_for_renode().problem
    assert reasons[what] in select.probe("renode").advice
    assert select.choose("auto") == "embedded"
    with pytest.raises(EngineMissing, match="engine 'renode' is not available"):
        select.choose("renode")


def test_mono_without_its_library_is_told(tmp_path: Path, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "runtime_present", RUNTIME_PRESENT)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("sys.platform", "linux")
    layouts.executable(bare / "mono", "#!/bin/sh\n")
    on_path(bare, layouts.built_for_mono(tmp_path / "renode"))
    assert "needs Mono as a library, which is not here: apt-get install" in look_for_renode().problem


def test_what_a_runtime_failed_of_is_told_in_one_line() -> None:
    error = RuntimeError("Failed to create a .NET runtime (mono) using the\n   parameters {}.")
    assert first_line(error) == "Failed to create a .NET runtime (mono) using the"
    error.__cause__ = RuntimeError("Could not find libmono\n at System.Loader")
    assert first_line(error) == "Could not find libmono"


def test_auto_goes_on_with_the_embedded_engine_when_renode_does_not_load(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, bare: Path
) -> None:
    from renode_pico.engine import embedded, renode

    def broken(config: BoardConfig) -> None:
        raise EngineMissing("Renode cannot be loaded: its code is damaged")

    on_path(bare, layouts.built_for_mono(tmp_path / "renode"))
    monkeypatch.setattr(renode, "RenodeEngine", broken)
    monkeypatch.setattr(embedded, "EmbeddedEngine", lambda config, **_: "the embedded engine")
    config = BoardConfig(firmware=Path("any.uf2"))
    assert select.create("auto", config) == "the embedded engine"  # type: ignore[comparison-overlap]
    assert "damaged. Taking the embedded engine" in caplog.text
    with pytest.raises(EngineMissing, match="damaged"):
        select.create("renode", config)


def test_a_portable_release_is_asked_for_its_version_only_on_demand(tmp_path: Path, bare: Path) -> None:
    layouts.dotnet_portable(tmp_path / "anywhere")
    launcher = layouts.executable(tmp_path / "anywhere" / "renode", b"\x7fELF")
    on_path(bare, launcher)
    assert look_for_renode().version == f"Renode on .NET (portable release, {launcher})"
    assert installation.renode_version(launcher) == ""  # it is no program that this machine can run


def test_a_launcher_is_asked_for_its_version(tmp_path: Path) -> None:
    launcher = layouts.executable(tmp_path / "renode", layouts.LAUNCHER.format(version="1.16.1"))
    assert installation.renode_version(launcher) == "1.16.1"


def test_find_renode_knows_the_assemblies_of_1_15(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin" / "Emulator.dll").write_bytes(b"")
    (tmp_path / "bin" / "Renode.exe").write_bytes(layouts.version_resource("1.15.3.13087"))
    assert find_renode(layouts.executable(tmp_path / "renode", "#!/bin/sh\n")).version == "1.15.3"


def test_find_renode_looks_into_a_launcher_script(tmp_path: Path) -> None:
    launcher = layouts.built_for_mono(tmp_path / "renode")
    script = layouts.executable(tmp_path / "elsewhere" / "renode", f'#!/bin/sh\nexec {launcher} "$@"\n')
    assert find_renode(script).assemblies == find_renode(launcher).assemblies


def test_what_is_named_comes_before_what_was_set_up_and_that_before_the_path(
    tmp_path: Path, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(bare, layouts.built_for_mono(tmp_path / "path"))
    assert find_renode().named_by == "PATH"
    record = installation.set_up_record()
    record.parent.mkdir()
    record.write_text(json.dumps({"launcher": str(layouts.dotnet_portable(tmp_path / "set up"))}))
    assert (find_renode().named_by, find_renode().root) == ("setup", tmp_path / "set up")
    monkeypatch.setenv("RENODE", str(layouts.built_for_dotnet(tmp_path / "named")))
    assert (find_renode().named_by, find_renode().root) == ("RENODE", tmp_path / "named")
    layouts.dotnet_package(tmp_path / "pyrenode")
    monkeypatch.setenv("PYRENODE_BUILD_DIR", str(tmp_path / "pyrenode"))
    monkeypatch.setenv("PYRENODE_BUILD_OUTPUT", "bin")
    assert (find_renode().named_by, find_renode().root) == ("PYRENODE_BUILD_DIR", tmp_path / "pyrenode")
    assert find_renode(tmp_path / "path" / "renode").root == tmp_path / "path"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"launcher": "/nowhere/renode"}'])
def test_a_record_of_a_renode_that_is_gone_is_passed_over(tmp_path: Path, bare: Path, text: str) -> None:
    on_path(bare, layouts.built_for_mono(tmp_path / "path"))
    installation.set_up_record().parent.mkdir()
    installation.set_up_record().write_text(text)
    assert find_renode().named_by == "PATH"


def test_pyrenode3s_own_variable_for_a_portable_release_needs_no_runtime_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYRENODE_BIN", str(layouts.dotnet_portable(tmp_path / "renode")))
    found = find_renode()
    assert found.pyrenode["PYRENODE_RUNTIME"] == "coreclr"


@pytest.mark.parametrize("name", installation.PYRENODE_VARIABLES)
def test_a_variable_that_names_nothing_is_told_with_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with pytest.raises(EngineMissing, match=name):
        find_renode()


def test_a_missing_renode_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(EngineMissing, match=r"set RENODE to its launcher.*renode-pico setup renode"):
        find_renode()


def test_a_program_that_is_no_renode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no Renode"):
        find_renode(layouts.executable(tmp_path / "renode", "#!/bin/sh\n"))

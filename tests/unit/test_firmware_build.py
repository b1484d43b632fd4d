"""firmware/build.py: what it decides, refuses and keeps. Nothing is downloaded or compiled here."""

import hashlib
import io
import json
import os
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "firmware"))

import uf2  # noqa: E402
from fwbuild import (  # noqa: E402
    apt_sources,
    checkout,
    chip,
    cli,
    command,
    compiling,
    download,
    files,
    fingerprint,
    image,
    layout,
    lock,
    pins,
    toolchain,
    unpack,
    variants,
)
from fwbuild.errors import FirmwareError, ToolMissing, UsageError  # noqa: E402
from fwbuild.layout import Layout  # noqa: E402
from fwbuild.pins import Package  # noqa: E402
from fwbuild.report import Report  # noqa: E402

CHAIN = {"gcc": "arm-none-eabi-gcc 12.2.1", "libc": "0123"}


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small firmware/ folder, with the real variants and pins, and an environment that points nowhere else."""
    for name in (layout.CACHE_VARIABLE, "MICROPYTHON_DIR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "firmware"
    real = REPOSITORY / "firmware"
    copied = ["sources.toml", *(f"variants/{path.name}" for path in (real / "variants").glob("*.toml"))]
    made = ["build.py", "uf2.py", "fwbuild/cli.py", "manifest.py", "modules/pyb.py", "modules/README.md"]
    made += ["cmodules/micropython.cmake", "cmodules/a/a.c", "shims/usb_without_cdc.h", "shims/other.h"]
    made += ["patches/a.patch", "apps/probe.py"]
    for name in copied:
        write(folder / name, (real / name).read_text(encoding="utf-8"))
    for name in made:
        write(folder / name, f"first content of {name}\n")
    return folder


@pytest.fixture
def where(firmware: Path) -> Layout:
    return layout.layout(firmware, {})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def inputs_of(firmware: Path, name: str) -> str:
    """The hash of a variant's inputs, everything read anew."""
    place = layout.layout(firmware, {})
    [variant] = variants.load(place.variants, [name])
    return fingerprint.inputs(place, unpack.source_tree(place, pins.load(place.pins)), variant)


class TestEditions:
    """Another pinned MicroPython beside the usual one."""

    @pytest.fixture
    def both(self, firmware: Path) -> Path:
        write(firmware / "sources-9.9.toml", (firmware / "sources.toml").read_text().replace("v1.25.0", "v9.9"))
        return firmware

    def test_it_lies_apart(self, both: Path) -> None:
        usual, other = layout.layout(both, {}), layout.layout(both, {}, edition="9.9")
        assert layout.editions(both) == ["9.9"]
        assert other.out == usual.out / "micropython-9.9"
        assert other.sources != usual.sources
        trees = [unpack.source_tree(place, pins.load(place.pins)) for place in (usual, other)]
        assert trees[0].key != trees[1].key
        assert trees[1].environment["MICROPY_GIT_TAG"] == "v9.9"

    def test_only_variants_are_built_of_it(self, both: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--check", "--edition", "9.9"], both) == 1
        printed = capsys.readouterr().out
        assert "micropython-9.9/cdc.uf2" in printed
        assert "/out/chip" not in printed

    @pytest.mark.parametrize("more", [["--chip"], ["--micropython", "."]])
    def test_it_goes_with_neither_programs_nor_a_checkout(self, both: Path, more: list[str]) -> None:
        assert cli.main(["--edition", "9.9", *more], both) == 2

    def test_an_unknown_one_is_refused_with_those_there_are(
        self, both: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--edition", "9.8"], both) == 2
        assert "9.9" in capsys.readouterr().err

    def test_a_package_may_come_from_another_suite(self) -> None:
        path = REPOSITORY / "firmware" / "sources-1.26.1.toml"
        suites = {package.name: package.suite for package in pins.load(path).packages}
        assert suites == {"micropython": "", "pico-sdk-source": "trixie", "tinyusb-source": ""}


class TestInputsHash:
    @pytest.mark.parametrize(
        "name",
        [
            "build.py",
            "fwbuild/cli.py",
            "uf2.py",
            "manifest.py",
            "modules/pyb.py",
            "cmodules/a/a.c",
            "cmodules/micropython.cmake",
            "shims/usb_without_cdc.h",
            "patches/a.patch",
        ],
    )
    def test_it_changes_with_each_input(self, firmware: Path, name: str) -> None:
        before = inputs_of(firmware, "uart")
        write(firmware / name, "second content\n")
        assert inputs_of(firmware, "uart") != before

    @pytest.mark.parametrize("name", ["modules/new.py", "modules/package/new.mpy", "cmodules/b.c", "patches/b.patch"])
    def test_it_changes_when_a_file_comes_and_goes(self, firmware: Path, name: str) -> None:
        before = inputs_of(firmware, "uart")
        write(firmware / name, "")
        assert inputs_of(firmware, "uart") != before
        (firmware / name).unlink()
        assert inputs_of(firmware, "uart") == before

    @pytest.mark.parametrize(
        "name", ["modules/README.md", "fwbuild/__pycache__/cli.pyc", "apps/probe.py", "shims/other.h", ".gitignore"]
    )
    def test_it_ignores_what_is_not_built_in(self, firmware: Path, name: str) -> None:
        before = inputs_of(firmware, "uart")
        write(firmware / name, "second content\n")
        assert inputs_of(firmware, "uart") == before

    def test_a_renamed_module_is_another_image(self, firmware: Path) -> None:
        before = inputs_of(firmware, "uart")
        (firmware / "modules" / "pyb.py").rename(firmware / "modules" / "pyc.py")
        assert inputs_of(firmware, "uart") != before

    def test_it_changes_with_the_variants_own_settings_only(self, firmware: Path) -> None:
        uart, cdc = inputs_of(firmware, "uart"), inputs_of(firmware, "cdc")
        settings = firmware / "variants" / "uart.toml"
        write(settings, settings.read_text(encoding="utf-8").replace("REPL=1", "REPL=0"))
        assert inputs_of(firmware, "uart") != uart
        assert inputs_of(firmware, "cdc") == cdc

    @pytest.mark.parametrize(("old", "new"), [("2.1.1-1", "2.1.1-2"), ("507a3ca3", "607a3ca3"), ("1744727310", "1")])
    def test_it_changes_with_each_pin(self, firmware: Path, old: str, new: str) -> None:
        before = inputs_of(firmware, "uart")
        sources = firmware / "sources.toml"
        write(sources, sources.read_text(encoding="utf-8").replace(old, new))
        assert inputs_of(firmware, "uart") != before


class TestPrograms:
    @pytest.fixture(autouse=True)
    def two_programs(self, firmware: Path) -> None:
        for name in ("CMakeLists.txt", "shared.h", "blink/main.c", "blink/part.c", "echo/main.c", "notes/README.md"):
            write(firmware / "chip" / name, f"first content of {name}\n")

    @staticmethod
    def inputs_of(firmware: Path, name: str) -> str:
        place = layout.layout(firmware, {})
        return chip.inputs(place, unpack.source_tree(place, pins.load(place.pins)), name)

    def test_a_folder_with_a_main_is_a_program(self, where: Layout) -> None:
        assert chip.choose(where.chip, None) == chip.choose(where.chip, []) == ["blink", "echo"]
        assert chip.choose(where.chip, ["echo", "echo"]) == ["echo"]

    def test_an_unknown_one_is_wrong_usage_and_lists_those_there_are(
        self, firmware: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--chip", "blink", "nope"], firmware) == 2
        assert "no such program: nope; there are: blink, echo" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["chip/CMakeLists.txt", "chip/shared.h", "chip/blink/part.c", "fwbuild/cli.py"])
    def test_its_hash_changes_with_what_it_is_made_of(self, firmware: Path, name: str) -> None:
        before = self.inputs_of(firmware, "blink")
        write(firmware / name, "second content\n")
        assert self.inputs_of(firmware, "blink") != before

    @pytest.mark.parametrize("name", ["chip/echo/main.c", "modules/pyb.py", "manifest.py"])
    def test_its_hash_is_its_own(self, firmware: Path, name: str) -> None:
        before = self.inputs_of(firmware, "blink")
        write(firmware / name, "second content\n")
        assert self.inputs_of(firmware, "blink") == before

    def test_a_program_is_no_part_of_micropython(self, firmware: Path) -> None:
        before = inputs_of(firmware, "uart")
        write(firmware / "chip" / "blink" / "main.c", "second content\n")
        assert inputs_of(firmware, "uart") == before

    @pytest.mark.parametrize(
        ("options", "shown"),
        [
            ([], ["cdc", "uart", "uart-cdc", "blink", "echo"]),
            (["--chip"], ["blink", "echo"]),
            (["--chip", "echo"], ["echo"]),
            (["--variants"], ["cdc", "uart", "uart-cdc"]),
            (["--variants", "cdc", "--chip", "echo"], ["cdc", "echo"]),
        ],
    )
    def test_only_what_is_named_is_built(
        self, firmware: Path, capsys: pytest.CaptureFixture[str], options: list[str], shown: list[str]
    ) -> None:
        assert cli.main(["--check", *options], firmware) == 1
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == shown


class TestFinishedImages:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        objects = tmp_path / "objects"
        write(objects / "firmware.elf", "ELF")
        write(objects / "firmware.bin", "BIN")
        image.publish(tmp_path / "out", "cdc", objects, {"inputs": "abc", "toolchain": CHAIN})
        return tmp_path / "out"

    def test_they_are_current_for_the_same_inputs(self, out: Path) -> None:
        assert image.is_current(out, "cdc", "abc", CHAIN)

    def test_without_a_tool_chain_they_are_taken_as_they_are(self, out: Path) -> None:
        assert image.is_current(out, "cdc", "abc", None)

    def test_other_inputs_make_them_stale(self, out: Path) -> None:
        assert not image.is_current(out, "cdc", "abd", CHAIN)

    def test_another_compiler_makes_them_stale(self, out: Path) -> None:
        assert not image.is_current(out, "cdc", "abc", {**CHAIN, "gcc": "arm-none-eabi-gcc 14.2.1"})

    @pytest.mark.parametrize("suffix", ["elf", "bin", "uf2"])
    def test_a_changed_file_makes_them_stale(self, out: Path, suffix: str) -> None:
        path = out / f"cdc.{suffix}"
        path.write_bytes(path.read_bytes()[:-1])
        assert not image.is_current(out, "cdc", "abc", CHAIN)

    @pytest.mark.parametrize("suffix", ["elf", "bin", "uf2", "json"])
    def test_a_missing_file_makes_them_stale(self, out: Path, suffix: str) -> None:
        (out / f"cdc.{suffix}").unlink()
        assert not image.is_current(out, "cdc", "abc", CHAIN)

    def test_a_torn_record_makes_them_stale(self, out: Path) -> None:
        record = out / "cdc.json"
        record.write_bytes(record.read_bytes()[:40])
        assert not image.is_current(out, "cdc", "abc", CHAIN)

    @pytest.mark.parametrize("interrupted_at", ["cdc.elf", "cdc.bin", "cdc.uf2", "cdc.json"])
    def test_an_interrupted_publish_leaves_nothing_that_looks_done(
        self, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted_at: str
    ) -> None:
        whole = files.write_atomically

        def interrupted(path: Path, content: bytes) -> None:
            if path.name == interrupted_at:
                raise KeyboardInterrupt
            whole(path, content)

        monkeypatch.setattr(image, "write_atomically", interrupted)
        with pytest.raises(KeyboardInterrupt):
            image.publish(out, "cdc", tmp_path / "objects", {"inputs": "abc", "toolchain": CHAIN})
        assert not image.is_current(out, "cdc", "abc", CHAIN)

    def test_the_record_names_each_image(self, out: Path) -> None:
        record = json.loads((out / "cdc.json").read_text(encoding="utf-8"))
        assert record["images"].keys() == {"cdc.elf", "cdc.bin", "cdc.uf2"}
        assert record["images"]["cdc.bin"]["bytes"] == 3


class TestDownload:
    CONTENT = b"a Debian package, whole"

    @pytest.fixture
    def package(self) -> Package:
        digest = hashlib.sha256(self.CONTENT).hexdigest()
        return Package("thing", "1.0-1", "binary", "thing_1.0-1_all.deb", digest, "usr", "thing")

    @staticmethod
    def giving(content: bytes, name: str = "thing_1.0-1_all.deb") -> Callable[[Package, Path], None]:
        def downloader(_package: Package, folder: Path) -> None:
            (folder / name).write_bytes(content)

        return downloader

    def test_a_whole_file_is_kept(self, package: Package, tmp_path: Path) -> None:
        download.download(package, tmp_path, self.giving(self.CONTENT))
        assert [path.name for path in tmp_path.iterdir()] == [package.file]
        assert download.missing((package,), tmp_path) == []

    def test_a_truncated_file_is_refused_and_nothing_is_kept(self, package: Package, tmp_path: Path) -> None:
        with pytest.raises(FirmwareError, match=r"not the pinned file.*nothing was kept") as refused:
            download.download(package, tmp_path, self.giving(self.CONTENT[:-1]))
        assert f"{len(self.CONTENT) - 1} bytes" in str(refused.value)
        assert package.sha256 in str(refused.value)
        assert list(tmp_path.iterdir()) == []

    def test_another_file_is_refused_and_nothing_is_kept(self, package: Package, tmp_path: Path) -> None:
        with pytest.raises(FirmwareError, match=r"expected the file thing_1\.0-1_all\.deb, downloaded other\.deb"):
            download.download(package, tmp_path, self.giving(self.CONTENT, "other.deb"))
        assert list(tmp_path.iterdir()) == []

    def test_an_interrupted_download_leaves_nothing(self, package: Package, tmp_path: Path) -> None:
        def interrupted(_package: Package, folder: Path) -> None:
            (folder / package.file).write_bytes(self.CONTENT[:5])
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            download.download(package, tmp_path, interrupted)
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_cached_file_counts_as_missing_and_goes(self, package: Package, tmp_path: Path) -> None:
        (tmp_path / package.file).write_bytes(self.CONTENT[:-1])
        assert download.missing((package,), tmp_path) == [package]
        assert list(tmp_path.iterdir()) == []


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def no_tools(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No tool chain, no root: nothing can be built or installed by accident."""

        def refuse(words: list[str], **_: object) -> None:
            pytest.fail(f"ran {words}")

        monkeypatch.setattr(toolchain, "run", refuse)
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        absent = tuple(replace(tool, is_there=lambda: False) for tool in toolchain.TOOLS)
        monkeypatch.setattr(toolchain, "TOOLS", absent)
        monkeypatch.setattr(toolchain, "identity", lambda: None)
        monkeypatch.setattr("os.geteuid", lambda: 1000)

    def test_an_unknown_variant_is_wrong_usage_and_lists_those_there_are(
        self, firmware: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--variants", "cdc", "nope"], firmware) == 2
        assert "no such variant: nope; there are: cdc, uart, uart-cdc" in capsys.readouterr().err

    def test_an_unknown_option_is_wrong_usage(self, firmware: Path) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.main(["--nope"], firmware)
        assert ended.value.code == 2

    def test_no_jobs_at_all_is_wrong_usage(self, firmware: Path) -> None:
        assert cli.main(["--jobs", "0"], firmware) == 2

    def test_missing_tools_are_named_with_the_command_that_brings_them(
        self, firmware: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--variants", "cdc"], firmware) == 3
        said = capsys.readouterr().err
        packages = "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib cmake ninja-build make"
        assert f"apt-get install --no-install-recommends {packages} gcc libc6-dev" in said

    def test_only_what_is_missing_is_named(
        self, firmware: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there = {True: lambda: True, False: lambda: False}
        tools = tuple(replace(tool, is_there=there[tool.name != "ninja"]) for tool in toolchain.TOOLS)
        monkeypatch.setattr(toolchain, "TOOLS", tools)
        assert cli.main([], firmware) == 3
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.strip() == "apt-get install --no-install-recommends ninja-build"

    def test_check_says_what_is_to_build_and_builds_nothing(
        self, firmware: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--check", "--variants", "uart"], firmware) == 1
        assert capsys.readouterr().out.split()[:3] == ["uart", "to", "build"]
        assert not (firmware / "build").exists()

    def test_finished_images_need_no_tools(
        self, firmware: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objects = tmp_path / "objects"
        write(objects / "firmware.elf", "ELF")
        write(objects / "firmware.bin", "BIN")
        record = {"inputs": inputs_of(firmware, "cdc"), "toolchain": CHAIN}
        image.publish(firmware / "build" / "out", "cdc", objects, record)
        monkeypatch.chdir(tmp_path)
        assert cli.main(["--variants", "cdc"], firmware) == 0
        assert capsys.readouterr().out == "cdc       up to date  firmware/build/out/cdc.uf2\n"

    def test_print_paths_names_sources_and_images(self, firmware: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--print-paths", "--variants", "uart"], firmware) == 0
        paths = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
        assert paths["micropython"] == str(firmware / "build" / "src" / "micropython")
        assert paths["uart.elf"] == str(firmware / "build" / "out" / "uart.elf")
        assert "cdc.elf" not in paths

    def test_the_cache_can_be_elsewhere(
        self, firmware: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(layout.CACHE_VARIABLE, str(tmp_path / "cache"))
        cli.main(["--print-paths"], firmware)
        assert f"{tmp_path}/cache/firmware/out/cdc.uf2" in capsys.readouterr().out


class TestInstallingTools:
    @pytest.fixture
    def commands(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """As root on Debian; the commands that were run."""
        ran: list[list[str]] = []
        monkeypatch.setattr("os.geteuid", lambda: 0)
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(toolchain, "run", lambda words, **_: ran.append(list(words)))
        return ran

    def test_nothing_is_installed_when_everything_is_there(self, commands: list[list[str]]) -> None:
        there = toolchain.Tool("cmake", "cmake", lambda: True)
        toolchain.require([there], Report(io.StringIO()), io.StringIO())
        assert commands == []

    def test_root_installs_what_is_missing_and_no_more(self, commands: list[list[str]]) -> None:
        there = toolchain.Tool("cmake", "cmake", lambda: True)
        ninja = toolchain.Tool("ninja", "ninja-build", lambda: bool(commands))
        toolchain.require([there, ninja], Report(io.StringIO()), io.StringIO())
        assert [words[:2] for words in commands] == [["apt-get", "update"], ["apt-get", "install"]]
        assert commands[1][-1] == "ninja-build"
        assert "cmake" not in commands[1]

    def test_an_installation_that_brings_nothing_is_a_missing_tool(self, commands: list[list[str]]) -> None:
        ninja = toolchain.Tool("ninja", "ninja-build", lambda: False)
        with pytest.raises(ToolMissing, match="ninja-build"):
            toolchain.require([ninja], Report(io.StringIO()), io.StringIO())
        assert commands


class TestAptSources:
    STANZAS = """\
Types: deb
# a comment
URIs: mirror:one
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: mirror:security
Suites: bookworm-security
Components: main
"""

    def test_stanzas_keep_mirror_and_key_and_change_the_suite(self) -> None:
        [stanza] = apt_sources.rewrite_stanzas(self.STANZAS, "trixie")
        assert set(stanza.splitlines()) == {
            "Types: deb deb-src",
            "Uris: mirror:one",
            "Suites: trixie",
            "Components: main",
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
        }

    @pytest.mark.parametrize("suite", ["trixie", "sid", "stable", "forky"])
    def test_any_suite_of_debian_will_do(self, suite: str) -> None:
        [stanza] = apt_sources.rewrite_stanzas(self.STANZAS.replace("bookworm ", f"{suite} "), "trixie")
        assert "Suites: trixie\n" in stanza

    @pytest.mark.parametrize(
        ("old", "new"), [("bookworm ", "nodistro "), ("main contrib", "stable"), ("Types: deb\n#", "Enabled: no\n#")]
    )
    def test_other_archives_are_left_out(self, old: str, new: str) -> None:
        assert apt_sources.rewrite_stanzas(self.STANZAS.replace(old, new), "trixie") == []

    def test_a_key_inside_the_stanza_stays_whole(self) -> None:
        key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n"
        [stanza] = apt_sources.rewrite_stanzas(f"URIs: x\nSuites: sid\nComponents: main\n{key}", "trixie")
        assert "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END" in stanza

    def test_lines_keep_their_options(self) -> None:
        line = "deb [arch=amd64 signed-by=/k.gpg] mirror:one bookworm main contrib # comment"
        assert apt_sources.rewrite_lines(line, "trixie") == [
            "deb [arch=amd64 signed-by=/k.gpg] mirror:one trixie main",
            "deb-src [arch=amd64 signed-by=/k.gpg] mirror:one trixie main",
        ]

    @pytest.mark.parametrize(
        "line", ["# deb mirror:one bookworm main", "deb mirror:one bookworm-security main", "deb mirror:x noble main"]
    )
    def test_other_lines_are_left_out(self, line: str) -> None:
        assert apt_sources.rewrite_lines(line, "trixie") == []

    def test_a_machine_without_debians_archive_has_no_sources(self, tmp_path: Path) -> None:
        write(tmp_path / "sources.list", "deb mirror:x noble main\n")
        assert apt_sources.from_folder(tmp_path, "trixie") == {}

    def test_disabled_files_are_not_read(self, tmp_path: Path) -> None:
        write(tmp_path / "sources.list.d" / "a.sources.disabled", self.STANZAS)
        assert apt_sources.from_folder(tmp_path, "trixie") == {}
        write(tmp_path / "sources.list.d" / "a.sources", self.STANZAS)
        assert apt_sources.from_folder(tmp_path, "trixie").keys() == {"renode-pico.sources"}


class TestCheckout:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "micropython"
        for name in ("ports/rp2/CMakeLists.txt", "py/obj.c", *checkout.NEEDED.values()):
            write(folder / name, "x")
        return folder

    def test_what_is_no_checkout_is_wrong_usage(self, tmp_path: Path, where: Layout) -> None:
        with pytest.raises(UsageError, match="is no MicroPython checkout"):
            checkout.source_tree(tmp_path, where)

    def test_missing_submodules_are_named_with_the_command_that_brings_them(self, folder: Path, where: Layout) -> None:
        (folder / checkout.NEEDED["lib/tinyusb"]).unlink()
        with pytest.raises(UsageError, match=r"lacks lib/tinyusb; (?s:.*)BOARD=RPI_PICO submodules"):
            checkout.source_tree(folder, where)

    def test_an_edited_file_is_another_source(self, folder: Path, where: Layout) -> None:
        before = checkout.source_tree(folder, where).identity
        write(folder / "py" / "obj.c", "longer")
        assert checkout.source_tree(folder, where).identity != before

    def test_build_folders_and_tests_are_not_sources(self, folder: Path, where: Layout) -> None:
        before = checkout.source_tree(folder, where).identity
        write(folder / "ports" / "rp2" / "build-RPI_PICO" / "firmware.elf", "x")
        write(folder / "tests" / "a.py", "x")
        assert checkout.source_tree(folder, where).identity == before


class TestUf2:
    @staticmethod
    def blocks(content: bytes) -> list[tuple[int, ...]]:
        assert len(content) % uf2.BLOCK_SIZE == 0
        starts = range(0, len(content), uf2.BLOCK_SIZE)
        return [struct.unpack_from("<8I", content, start) for start in starts]

    @given(st.binary(min_size=1, max_size=5000))
    def test_the_pages_are_the_image_filled_up_with_zeros(self, content: bytes) -> None:
        made = uf2.from_binary(content)
        pages = b"".join(made[at + 32 : at + 32 + 256] for at in range(0, len(made), 512))
        assert pages[: len(content)] == content
        assert len(pages) - len(content) < 256
        assert not any(pages[len(content) :])

    @given(st.binary(min_size=1, max_size=5000))
    def test_every_block_says_where_it_belongs(self, content: bytes) -> None:
        blocks = self.blocks(uf2.from_binary(content))
        for number, block in enumerate(blocks):
            first, second, flags, address, size, index, count, family = block
            assert (first, second, flags) == (0x0A324655, 0x9E5D5157, 0x2000)
            assert (address, size) == (0x10000000 + 256 * number, 256)
            assert (index, count, family) == (number, len(blocks), 0xE48BFF56)

    @given(st.binary(min_size=1, max_size=600))
    def test_every_block_ends_with_the_magic_number_behind_zeros(self, content: bytes) -> None:
        made = uf2.from_binary(content)
        for start in range(0, len(made), 512):
            assert made[start + 288 : start + 508] == bytes(220)
            assert made[start + 508 : start + 512] == bytes.fromhex("306fb10a")

    def test_another_base_moves_every_block(self) -> None:
        addresses = [block[3] for block in self.blocks(uf2.from_binary(bytes(300), base=0x20000000))]
        assert addresses == [0x20000000, 0x20000100]

    def test_an_empty_image_is_refused(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            uf2.from_binary(b"")

    def test_a_base_inside_a_page_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not a multiple of 256"):
            uf2.from_binary(b"x", base=0x10000001)


class TestCommands:
    @staticmethod
    def run(tmp_path: Path, script: str, environment: dict[str, str] | None = None) -> str:
        log = tmp_path / "log"
        with log.open("w", encoding="utf-8") as file:
            command.run([sys.executable, "-c", script], log=file, environment=environment or {})
        return log.read_text(encoding="utf-8")

    def test_everything_printed_goes_to_the_log(self, tmp_path: Path) -> None:
        said = self.run(tmp_path, "import os; print('out', flush=True); os.write(2, b'err')")
        assert said.endswith("out\nerr")

    def test_a_failure_shows_the_error_and_names_the_log(self, tmp_path: Path) -> None:
        script = "print('noise\\n' * 500 + 'a.c:1: error: no\\n  here\\n' + 'noise\\n' * 500); raise SystemExit(4)"
        with pytest.raises(FirmwareError) as failed:
            self.run(tmp_path, script)
        said = str(failed.value)
        assert "exit code 4" in said
        assert "a.c:1: error: no" in said
        assert str(tmp_path / "log") in said
        assert len(said.splitlines()) < 10

    def test_a_compilers_command_line_is_cut(self) -> None:
        [line] = command.relevant(["FAILED: " + "x" * 10_000])
        assert len(line) < 250

    def test_without_an_error_line_the_end_is_shown(self) -> None:
        assert command.relevant([str(number) for number in range(1000)])[-1] == "999"

    def test_a_program_that_is_not_there_is_a_missing_tool(self, tmp_path: Path) -> None:
        with pytest.raises(ToolMissing, match="no-such-program"):
            command.run(["no-such-program"], log=io.StringIO(), environment={})

    def test_what_could_change_the_image_is_not_passed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("CFLAGS", "CFLAGS_EXTRA", "PICO_SDK_PATH", "MICROPY_GIT_TAG", "MAKEFLAGS"):
            monkeypatch.setenv(name, "x")
        assert "x" not in command.clean_environment().values()

    def test_an_interrupted_program_is_ended(self, tmp_path: Path) -> None:
        process: list[int] = []

        def interrupted(line: str) -> None:
            process.append(int(line))
            raise KeyboardInterrupt

        script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
        log = (tmp_path / "log").open("w", encoding="utf-8")
        with log, pytest.raises(KeyboardInterrupt):
            command.run([sys.executable, "-c", script], log=log, environment={}, on_line=interrupted)
        with pytest.raises(ProcessLookupError):
            os.kill(process[0], 0)


class TestIncrementalBuilds:
    """When the times of files would mislead ninja (compiling._times_mislead)."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        write(tmp_path / "a.c", "int a;")
        return tmp_path / "a.c"

    @pytest.fixture
    def record(self, tmp_path: Path, source: Path) -> Path:
        write(tmp_path / "record", json.dumps({str(source): "old hash"}))
        return tmp_path / "record"

    @staticmethod
    def newer(path: Path, than: Path, seconds: int) -> None:
        time = than.stat().st_mtime + seconds
        os.utime(path, (time, time))

    def test_an_unchanged_file_does_not(self, record: Path, source: Path) -> None:
        self.newer(source, record, -5)
        assert not compiling._times_mislead(record, {str(source): "old hash"})

    def test_a_changed_newer_file_does_not(self, record: Path, source: Path) -> None:
        self.newer(source, record, 5)
        assert not compiling._times_mislead(record, {str(source): "new hash"})

    def test_a_changed_file_that_is_older_does(self, record: Path, source: Path) -> None:
        self.newer(source, record, -5)
        assert compiling._times_mislead(record, {str(source): "new hash"})

    def test_a_file_that_has_gone_does(self, record: Path) -> None:
        assert compiling._times_mislead(record, {})


def test_a_second_build_waits_for_the_first(tmp_path: Path) -> None:
    said = io.StringIO()
    second_has_it = threading.Event()

    def second() -> None:
        with lock.locked(tmp_path / "lock", Report(said)):
            second_has_it.set()

    thread = threading.Thread(target=second)
    with lock.locked(tmp_path / "lock", Report(io.StringIO())):
        thread.start()
        assert not second_has_it.wait(0.2)
    thread.join(10)
    assert second_has_it.is_set()
    assert "waiting for another firmware build" in said.getvalue()


def test_a_stage_that_fails_says_so() -> None:
    said = io.StringIO()
    with pytest.raises(FirmwareError), Report(said).stage("cdc: compile"):
        raise FirmwareError
    assert said.getvalue().rstrip().endswith("failed")


def test_the_variants_are_those_the_project_promises(firmware: Path) -> None:
    loaded = {variant.name: variant for variant in variants.load(firmware / "variants", None)}
    assert loaded.keys() == {"cdc", "uart", "uart-cdc"}
    assert loaded["cdc"].defines == ()
    assert set(loaded["uart"].defines) == {"MICROPY_HW_ENABLE_UART_REPL=1", "MICROPY_HW_USB_CDC=0"}
    assert loaded["uart-cdc"].defines == ("MICROPY_HW_ENABLE_UART_REPL=1",)
    for variant in loaded.values():
        assert all((REPOSITORY / "firmware" / "shims" / shim.header).is_file() for shim in variant.shims)


@pytest.mark.parametrize(
    ("version", "needed"), [("1.9.4", True), ("1.25.0", True), ("1.26.1", True), ("1.27.0", False), ("2.0.0", False)]
)
def test_a_shim_is_for_the_versions_before_the_one_named(version: str, needed: bool) -> None:
    assert variants.Shim("a.h", before="1.27").is_for(version) is needed


def test_a_shim_without_its_version_is_wrong_usage(firmware: Path) -> None:
    settings = firmware / "variants" / "uart.toml"
    write(settings, settings.read_text(encoding="utf-8").replace("before", "after"))
    with pytest.raises(UsageError, match="a version it is needed before"):
        variants.load(firmware / "variants", ["uart"])


def test_a_misspelt_setting_of_a_variant_is_wrong_usage(firmware: Path) -> None:
    settings = firmware / "variants" / "cdc.toml"
    write(settings, settings.read_text(encoding="utf-8").replace("defines", "define"))
    with pytest.raises(UsageError, match="a variant has description, board, defines, and may have shims"):
        variants.load(firmware / "variants", ["cdc"])


def test_no_machines_path_or_registry_is_committed() -> None:
    for path in (REPOSITORY / "firmware" / "fwbuild").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path
        assert "/work/" not in text, path


def test_the_dev_container_has_what_the_build_needs() -> None:
    command = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text())["onCreateCommand"]
    assert {tool.package for tool in (*toolchain.TOOLS, toolchain.PATCH)} <= set(command.split())


class TestAPathWithASpace:
    """make takes it for two: firmware is compiled elsewhere, and told of by paths without a space."""

    @pytest.fixture
    def spaced(self, tmp_path: Path, firmware: Path) -> Path:
        folder = tmp_path / "my clone" / "firmware"
        folder.parent.mkdir()
        return firmware.rename(folder)

    def test_sources_and_objects_are_in_the_users_cache_and_images_where_they_are_looked_for(
        self, spaced: Path, tmp_path: Path
    ) -> None:
        place = layout.layout(spaced, {"XDG_CACHE_HOME": str(tmp_path / "cache")})
        for folder in (place.sources, place.objects, place.apt, place.spelled(place.chip)):
            assert folder.is_relative_to(tmp_path / "cache" / "renode-pico")
        assert place.out == spaced / "build" / "out"
        place.prepare()
        (place.sources / "pico-sdk").mkdir(parents=True)
        assert (spaced / "build" / "src" / "pico-sdk").is_dir()
        assert place.spelled(place.manifest).read_text() == place.manifest.read_text()
        place.prepare()  # as each build does

    def test_two_clones_have_a_folder_each(self, spaced: Path) -> None:
        other = spaced.with_name("firmware 2")
        environment = {"HOME": "/home/somebody"}
        works = {layout.layout(folder, environment).work for folder in (spaced, other)}
        assert len(works) == 2
        assert all(work.is_relative_to("/home/somebody/.cache/renode-pico") for work in works)

    def test_a_cache_without_a_space_is_taken_as_it_is(self, spaced: Path, tmp_path: Path) -> None:
        place = layout.layout(spaced, {layout.CACHE_VARIABLE: str(tmp_path / "cache")})
        assert place.work == place.root == tmp_path / "cache" / "firmware"
        place.prepare()
        assert " " not in str(place.spelled(place.user_c_modules))
        assert place.spelled(place.user_c_modules).is_file()

    def test_without_a_folder_that_has_none_it_is_wrong_usage(
        self, spaced: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "/home/some body/.cache")
        assert cli.main(["--check"], spaced) == 2
        said = capsys.readouterr().err
        assert "make takes a path with a space for two; RENODE_PICO_CACHE names a folder without" in said
        assert len(said.splitlines()) == 1

    def test_a_path_without_one_changes_nothing(self, where: Layout) -> None:
        assert where.work == where.root
        assert where.spelled(where.manifest) == where.manifest
        where.prepare()
        assert not where.root.exists()

    def test_a_checkout_of_micropython_with_one_is_refused(self, tmp_path: Path, where: Layout) -> None:
        folder = tmp_path / "my micropython"
        for name in ("ports/rp2/CMakeLists.txt", *checkout.NEEDED.values()):
            write(folder / name, "x")
        with pytest.raises(UsageError, match="cannot compile a checkout whose path has a space"):
            checkout.source_tree(folder, where)

"""firmware/examples.py: TinyUSB's examples from a pinned source package, or the reason why not. Nothing is compiled."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import shutil
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "firmware"))

import examples  # noqa: E402
from fwbuild import apt_sources, pool  # noqa: E402
from fwbuild.errors import FirmwareError  # noqa: E402
from fwbuild.layout import CACHE_VARIABLE, Layout  # noqa: E402
from fwbuild.pins import Package  # noqa: E402

POOL = "/debian/pool/main/t/tinyusb/"
FILE = "tinyusb_0.18.0+dfsg.orig.tar.xz"
TUSB_OPTION = "#define TUSB_VERSION_MAJOR     0\n#define TUSB_VERSION_MINOR     18\n#define TUSB_VERSION_REVISION  0\n"

needs_apt = pytest.mark.skipif(not Path(pool.HELPER).is_file(), reason=f"this machine has no {pool.HELPER}")


def tarball(*left_out: str) -> bytes:
    """Something like the source package, without some of its files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz") as archive:
        for path in examples.NEEDED:
            if path.as_posix() not in left_out:
                text = (TUSB_OPTION if path.name == "tusb_option.h" else "# CMake\n").encode()
                member = tarfile.TarInfo(f"tinyusb-0.18.0+dfsg/{path}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


class Mirror:
    """A Debian archive on this machine. files: what it has; asked: the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.replace("%2b", "+")
                mirror.asked.append(path)
                content = mirror.files.get(path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """What RENODE_PICO_APT_SOURCES names."""
    served = Mirror()
    sources = tmp_path / "mirror.sources"
    sources.write_text(f"Types: deb deb-src\nURIs: http://127.0.0.1:{served.port}/debian\nSuites: trixie\n")
    monkeypatch.setenv("RENODE_PICO_APT_SOURCES", str(sources))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A firmware/ folder whose pins are of `tarball()`, with a pico-sdk, and a tool chain that compiles nothing."""
    for name in (CACHE_VARIABLE, examples.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "firmware"
    folder.mkdir()
    for name in ("examples.py", "uf2.py", "sources.toml"):
        shutil.copy(REPOSITORY / "firmware" / name, folder)
    pin(folder, tarball())
    sdk = folder / "build" / "src" / "pico-sdk"
    sdk.mkdir(parents=True)
    (sdk / "pico_sdk_init.cmake").touch()
    monkeypatch.setattr("fwbuild.toolchain.identity", lambda: {"gcc": "12.2"})
    return folder


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that would have been compiled; each gives two examples."""
    folders: list[Path] = []

    def compile_(where: Layout, source: Path, *_: object) -> None:
        folders.append(source)
        for name in ("cdc_msc", "midi_test"):
            (where.objects / "tinyusb" / name).mkdir(parents=True, exist_ok=True)
            for suffix in ("elf", "bin"):
                (where.objects / "tinyusb" / name / f"{name}.{suffix}").write_bytes(b"x" * 256)

    monkeypatch.setattr(examples, "_compile", compile_)
    return folders


def pin(firmware: Path, content: bytes) -> None:
    text = (REPOSITORY / "firmware" / "examples.toml").read_text()
    pinned = examples.pinned(REPOSITORY / "firmware" / "examples.toml").package.sha256
    (firmware / "examples.toml").write_text(text.replace(pinned, hashlib.sha256(content).hexdigest()))


def left_out(firmware: Path) -> str:
    return (firmware / "build" / "out" / "tinyusb" / examples.LEFT_OUT).read_text()


@needs_apt
class TestTheSourcePackage:
    def test_it_is_downloaded_once_verified_and_built(
        self, firmware: Path, mirror: Mirror, compiled: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mirror.files[POOL + FILE] = tarball()
        assert examples.main([], firmware) == 0
        assert capsys.readouterr().out.endswith("TinyUSB's examples: built (2)\n")
        assert compiled == [firmware / "build/obj/tinyusb-source/tinyusb-0.18.0+dfsg"]
        record = json.loads((firmware / "build/out/tinyusb/cdc_msc.json").read_text())
        assert record["source"] == "Debian trixie: tinyusb 0.18.0+dfsg-1"
        assert record["versions"] == {"tinyusb": "0.18.0"}
        assert examples.main([], firmware) == 0
        assert capsys.readouterr().out == "TinyUSB's examples: up to date (2)\n"
        assert mirror.asked == [POOL + FILE]

    def test_an_archive_without_it_is_told_in_one_line_and_asked_once_a_day(
        self,
        firmware: Path,
        mirror: Mirror,
        compiled: list[Path],
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for _ in range(2):
            assert examples.main([], firmware) == 0
            [line] = capsys.readouterr().out.splitlines()
            reason = f"the archive has no {POOL[8:]}{FILE}: HTTP 404 Not Found"
            assert line.startswith(f"TinyUSB's examples are left out: {reason}")
            assert examples.VARIABLE in line
            assert left_out(firmware).startswith(reason)
        assert len(mirror.asked) == 1
        assert examples.main(["--again"], firmware) == 0
        assert len(mirror.asked) == 2
        tomorrow = time.time() + 25 * 3600
        monkeypatch.setattr("fwbuild.pool.time.time", lambda: tomorrow)
        mirror.files[POOL + FILE] = tarball()
        assert examples.main([], firmware) == 0
        assert (len(mirror.asked), len(compiled)) == (3, 1)
        assert not (firmware / "build/out/tinyusb" / examples.LEFT_OUT).exists()

    def test_another_pin_is_asked_for_at_once(self, firmware: Path, mirror: Mirror, compiled: list[Path]) -> None:
        examples.main([], firmware)
        other = tarball() + b"\n"
        pin(firmware, other)
        mirror.files[POOL + FILE] = tarball()
        examples.main([], firmware)
        assert len(mirror.asked) == 2
        assert "not the pinned file" in left_out(firmware)  # what came is not what is pinned now
        assert not (firmware / "build/dl" / FILE).exists()
        assert compiled == []

    def test_a_machine_that_reaches_no_archive_goes_on(
        self, firmware: Path, mirror: Mirror, compiled: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mirror.server.shutdown()
        mirror.server.server_close()
        assert examples.main([], firmware) == 0
        assert "refused" in capsys.readouterr().out
        assert compiled == []

    @pytest.mark.parametrize("lacking", [path.as_posix() for path in examples.NEEDED])
    def test_a_package_without_what_they_are_made_of_is_told_so(
        self, firmware: Path, mirror: Mirror, compiled: list[Path], lacking: str
    ) -> None:
        content = mirror.files[POOL + FILE] = tarball(lacking)
        pin(firmware, content)
        assert examples.main([], firmware) == 0
        assert left_out(firmware) == f"{FILE} has no {lacking}: Debian has left it out"
        assert compiled == []

    def test_what_does_not_compile_is_left_out_and_the_rest_is_there(
        self, firmware: Path, mirror: Mirror, compiled: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mirror.files[POOL + FILE] = tarball()
        some = examples._compile

        def failing(*arguments: object) -> FirmwareError:
            some(*arguments)  # type: ignore[arg-type]
            return FirmwareError("ninja failed (exit code 1):\n  images.h: no such file")

        monkeypatch.setattr(examples, "_compile", failing)
        assert examples.main([], firmware) == 1
        assert sorted(path.name for path in (firmware / "build/out/tinyusb").glob("*.uf2")) == [
            "cdc_msc.uf2",
            "midi_test.uf2",
        ]
        assert left_out(firmware) == "they do not all compile: ninja failed (exit code 1):"
        assert examples.main(["--check"], firmware) == 1


class TestACheckout:
    @pytest.fixture
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "my tinyusb"
        for path in examples.NEEDED:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(TUSB_OPTION)
        monkeypatch.setenv(examples.VARIABLE, str(folder))
        return folder

    def test_it_takes_the_place_of_the_package(
        self, firmware: Path, mirror: Mirror, compiled: list[Path], checkout: Path
    ) -> None:
        assert examples.main([], firmware) == 0
        assert mirror.asked == []
        assert [folder.resolve() for folder in compiled] == [checkout]
        assert " " not in compiled[0].relative_to(firmware).as_posix()  # a link, as make splits a path with a space
        record = json.loads((firmware / "build/out/tinyusb/midi_test.json").read_text())
        assert record["source"] == "TinyUSB 0.18.0 (PICO_TINYUSB_PATH)"

    def test_a_change_in_it_is_built(self, firmware: Path, compiled: list[Path], checkout: Path) -> None:
        examples.main([], firmware)
        examples.main([], firmware)
        assert len(compiled) == 1
        (checkout / "src" / "tusb_option.h").write_text(TUSB_OPTION.replace("18", "19"))
        examples.main([], firmware)
        assert len(compiled) == 2

    def test_a_folder_that_is_none_is_wrong_usage(
        self, firmware: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(examples.VARIABLE, str(tmp_path / "nowhere"))
        assert examples.main(["--check"], firmware) == 2
        assert "nowhere has no examples/device/CMakeLists.txt" in capsys.readouterr().err


def test_archives_are_read_from_either_format() -> None:
    assert apt_sources.archives("deb [signed-by=/k.gpg] mirror:one trixie main\ndeb-src mirror:one trixie main\n") == [
        "mirror:one"
    ]
    assert apt_sources.archives("Types: deb\nURIs: mirror:one mirror:two\nSuites: sid\n\nURIs: mirror:three\n") == [
        "mirror:one",
        "mirror:two",
        "mirror:three",
    ]


def test_a_file_is_where_debian_puts_it() -> None:
    package = Package("libusb", "1-1", "source", "libusb_1.orig.tar.xz", "", "", "")
    assert pool.path(package) == "pool/main/libu/libusb/libusb_1.orig.tar.xz"


def test_a_machine_without_debians_archive_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, firmware: Path
) -> None:
    monkeypatch.setattr(pool, "HELPER", sys.executable)
    monkeypatch.setattr(pool, "ETC_APT", tmp_path)
    monkeypatch.delenv("RENODE_PICO_APT_SOURCES", raising=False)
    assert examples.main([], firmware) == 0
    assert "none of this machine's apt sources is Debian's archive" in left_out(firmware)

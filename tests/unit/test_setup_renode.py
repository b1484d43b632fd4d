"""`renode-pico setup renode` against a server of its own, with an archive laid like a release (row K2)."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import platform
import resource
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from renode_pico.cli import main
from renode_pico.renode_models import find_renode
from renode_pico.setup import download, release
from tests.processes import run, run_here
from tests.unit import renode_layouts as layouts

VERSION = "1.16.1"
NAME = f"renode-{VERSION}.linux-portable-dotnet.tar.gz"


def archive(version: str = VERSION, launcher: str = layouts.LAUNCHER, padding: int = 300_000) -> bytes:
    """A tar.gz with one top folder, a launcher that answers --version, and .so files beside it."""
    content = io.BytesIO()
    files = {
        "renode": launcher.format(version=version).encode(),
        ".renode-root": b"",
        "libcoreclr.so": os.urandom(padding),
        "platforms/cpus/cortex-m.repl": b"",
        "renode-test": b"#!/bin/sh\n",
    }
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"renode_{version}-dotnet_portable/{name}")
            member.size, member.mode = len(data), 0o755
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


@dataclass
class Server:
    """Serves one file. `cuts`: after how many bytes each of the next answers is cut off."""

    content: bytes
    port: int = 0
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sum(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if not handler.path.endswith(NAME) or self.status != 200:
            handler.send_error(self.status if self.status != 200 else 404)
            return
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        mark = f'"{self.sum()[:8]}"'
        begin = 0
        if wanted and self.ranges and handler.headers.get("If-Range") == mark:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if begin else 200)
        rest = self.content[begin:]
        handler.send_header("Content-Length", str(len(rest)))
        handler.send_header("ETag", mark)
        handler.end_headers()
        handler.wfile.write(rest[: self.cuts.pop(0)] if self.cuts else rest)
        handler.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    serves = Server(archive())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serves.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serves.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield serves
    listening.shutdown()
    listening.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no Renode: neither on the path nor named."""
    folder = tmp_path / "home of somebody"
    monkeypatch.setenv("RENODE_PICO_DATA", str(folder / "data"))
    monkeypatch.setenv("RENODE_PICO_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in ("RENODE", "PYRENODE_PKG", "PYRENODE_BUILD_DIR", "PYRENODE_BIN", "PYRENODE_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    return folder / "data"


@pytest.fixture
def releases(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Renode's page of releases is that server."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("another archive is for this machine")
    monkeypatch.setenv("RENODE_PICO_RELEASES", server.url)
    return server


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    output: str
    errors: str


def renode_pico(*arguments: str, preload: str = "") -> Said:
    program = f"{preload}\nfrom renode_pico.cli import main\nmain({list(arguments)!r})"
    done = run([sys.executable, "-c", program], env=dict(os.environ))
    return Said(done.returncode, done.stdout, done.stderr)


def setup(*arguments: str, preload: str = "") -> Said:
    """Set Renode up: in this process, which is quicker, unless something is to be different in it."""
    words = ("setup", "renode", "--without-pyrenode3", *arguments)
    if preload:
        return renode_pico(*words, preload=preload)
    done = run_here(main, words)
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.row("K2.download")
def test_it_is_downloaded_checked_and_found(releases: Server, home: Path) -> None:
    said = setup("--sha256", releases.sum())
    assert said.code == 0, said
    assert f"downloading {releases.url}/v{VERSION}/{NAME}" in said.output
    assert "as it should be" in said.output
    found = find_renode()
    assert (found.version, found.named_by) == (VERSION, "setup")
    assert found.launcher == home / "renode" / f"renode-{VERSION}" / "renode"
    assert not list((home / "downloads").iterdir()), "the archive is not needed any more"
    again = setup()
    assert (again.code, len(releases.asked)) == (0, 1)
    assert "is set up already" in again.output


@pytest.mark.row("K2.resume")
def test_a_connection_that_is_cut_is_gone_on_with(releases: Server) -> None:
    releases.cuts = [100_000, 50_000, 1000]
    said = setup()
    assert said.code == 0, said
    assert releases.asked == [None, "bytes=100000-", "bytes=150000-", "bytes=151000-"]


@pytest.mark.row("K2.resume")
def test_a_server_that_gives_nothing_more_is_given_up_and_the_next_call_goes_on(releases: Server, home: Path) -> None:
    releases.cuts = [100_000, 0, 0, 0]
    said = setup()
    assert said.code == 3
    assert "cut off after 100000 bytes" in said.errors
    assert said.errors.count("\n") == 1
    releases.cuts, releases.asked = [], []
    assert setup().code == 0
    assert releases.asked == ["bytes=100000-"]


@pytest.mark.row("K2.resume")
@pytest.mark.parametrize("what", ["no ranges", "another file"])
def test_where_the_rest_cannot_be_had_it_begins_anew(releases: Server, what: str) -> None:
    releases.cuts = [100_000, 0, 0, 0]
    assert setup().code == 3
    releases.cuts = []
    if what == "no ranges":
        releases.ranges = False
    else:
        releases.content = archive()
    assert setup("--sha256", releases.sum()).code == 0


@pytest.mark.row("K2.check")
def test_a_wrong_sum_is_refused_and_the_file_is_not_kept(releases: Server, home: Path) -> None:
    said = setup("--sha256", "0" * 64)
    assert said.code == 1
    assert f"its sha256 is {releases.sum()}, not {'0' * 64} as it should be" in said.errors
    assert not list((home / "downloads").iterdir())
    assert not (home / "renode").exists()


@pytest.mark.row("K2.check")
def test_without_a_published_sum_it_is_remembered_and_another_one_is_refused(releases: Server) -> None:
    said = setup()
    assert f"sha256 {releases.sum()} (nothing says what it should be; it is remembered)" in said.output
    first = releases.sum()
    assert renode_pico("setup", "renode", "--remove").code == 0
    releases.content = archive()
    said = setup()
    assert said.code == 1
    assert f"not {first} as it should be" in said.errors


def test_the_release_pages_own_sum_is_taken(server: Server, tmp_path: Path) -> None:
    page = tmp_path / "v1.16.1"
    page.write_text(json.dumps({"assets": [{"name": "x"}, {"name": NAME, "digest": "sha256:ABC"}]}))
    assert release.published_sha256(VERSION, NAME, tmp_path.as_uri()) == "abc"
    page.write_text(json.dumps({"assets": [{"name": NAME, "digest": None}]}))
    assert release.published_sha256(VERSION, NAME, tmp_path.as_uri()) is None
    assert release.published_sha256(VERSION, NAME, server.url) is None


@pytest.mark.row("K2.check")
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<html>not an archive</html>", "cannot be unpacked"),
        (archive()[:200_000], "cannot be unpacked"),
        (archive("1.15.3"), "the archive holds Renode 1.15.3, not 1.16.1"),
        (archive(launcher="#!/bin/sh\nexit 1\n"), "does not start here"),
    ],
)
def test_what_is_no_renode_is_refused_and_nothing_of_it_stays(
    releases: Server, home: Path, content: bytes, complaint: str
) -> None:
    assert setup().code == 0
    before = find_renode()
    releases.content = content
    said = setup("--version", VERSION, "--from", f"{releases.url}/{NAME}")
    assert said.code in (1, 3)
    assert complaint in said.errors
    assert said.errors.count("\n") == 1
    assert find_renode() == before
    assert [path.name for path in (home / "renode").iterdir()] == [f"renode-{VERSION}"]


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as tar:
        tar.add(__file__, "folder/file")
    said = setup("--from", str(tmp_path / "other.tar.gz"))
    assert said.code == 1
    assert "no release of Renode: there is no program 'renode' in it" in said.errors


@pytest.mark.parametrize("limit", [100_000, 250_000])
def test_a_full_disk_is_told_and_leaves_the_way_free(releases: Server, home: Path, limit: int) -> None:
    # a file that may not grow further: the system call fails as it does on a full disk
    said = setup(preload=f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))")
    assert said.code == 3
    assert "File too large" in said.errors
    assert "RENODE_PICO_DATA name another place" in said.errors
    assert setup().code == 0
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_no_room_to_unpack_is_told_too(releases: Server, home: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(releases.content)
    preload = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    said = setup("--from", str(tmp_path / NAME), preload=preload)
    assert said.code == 1
    assert "cannot be unpacked" in said.errors
    assert "RENODE_PICO_DATA name another place" in said.errors
    assert said.errors.count("\n") == 1
    assert not list((home / "renode").iterdir())


def test_without_a_network_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENODE_PICO_RELEASES", "http://127.0.0.1:9")
    said = setup()
    assert said.code == 3
    assert "Connection refused; without a network, fetch the file elsewhere and give it with --from FILE" in said.errors


def test_a_page_that_is_not_there_is_told(releases: Server) -> None:
    releases.status = 404
    said = setup("--version", "9.9.9")
    assert said.code == 3
    assert "the server says 404" in said.errors


@pytest.mark.row("K2.found")
def test_from_a_file_without_a_network_with_pyrenode3_every_command_finds_it(
    tmp_path: Path, home: Path, lay_core: Callable[[Path], None]
) -> None:
    lay_core(home.parent / "cache")
    (tmp_path / NAME).write_bytes(archive())
    said = renode_pico(
        "setup", "renode", "--from", str(tmp_path / NAME), "--dir", str(tmp_path / "some where"),
        "--pyrenode3", str(pyrenode3_wheel(tmp_path)),
    )  # fmt: skip
    assert said.code == 0, said
    assert (tmp_path / NAME).is_file(), "a file of the user's own stays"
    launcher = tmp_path / "some where" / f"renode-{VERSION}" / "renode"
    engines = {found["name"]: found for found in json.loads(renode_pico("doctor", "--json").output)}
    assert f"Renode {VERSION} on .NET (portable release, {launcher})" in engines["renode"]["detail"]
    assert engines["renode-test"]["detail"] == str(launcher.with_name("renode-test"))
    for arguments in (["exec", "-c", "print(1)"], ["lsusb"], ["demo"]):
        said = renode_pico(*arguments, "--engine", "renode")
        assert said.code == 3
        assert f"pyrenode3 was told coreclr and {launcher}" in said.errors
    # auto goes on without it
    said = renode_pico("exec", "-c", "print(6 * 7)")
    assert (said.code, said.output.strip()) == (0, "42")


@pytest.mark.row("K2.remove")
def test_remove_undoes_it_all(tmp_path: Path, home: Path) -> None:
    (tmp_path / NAME).write_bytes(archive())
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "other").touch()
    assert setup("--from", str(tmp_path / NAME), "--dir", str(tmp_path / "place")).code == 0
    said = renode_pico("setup", "renode", "--remove")
    assert said.code == 0
    assert f"removing {tmp_path}/place/renode-{VERSION}" in said.output
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["other"]
    assert [path.name for path in home.iterdir()] == ["sums.json"]
    assert "no Renode was set up" in renode_pico("setup", "renode", "--remove").output
    assert renode_pico("exec", "--engine", "renode", "-c", "1").code == 3


def test_a_folder_that_is_somebody_elses_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(archive())
    (tmp_path / "place" / f"renode-{VERSION}").mkdir(parents=True)
    said = setup("--from", str(tmp_path / NAME), "--dir", str(tmp_path / "place"))
    assert said.code == 2
    assert "is there already" in said.errors


@pytest.mark.parametrize(
    "arguments",
    [["--remove", "--version", "1.16.1"], ["--from", "/nowhere/file"], ["--pyrenode3", "x"]],
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    assert setup(*arguments).code == 2


def test_an_archive_that_reaches_out_of_its_folder_is_refused(tmp_path: Path, home: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("../../outside")
        tar.addfile(member, io.BytesIO())
    said = setup("--from", str(tmp_path / "bad.tar.gz"))
    assert said.code == 1
    assert not list(home.parent.rglob("outside"))


def test_the_next_try_of_an_interrupted_download_asks_for_the_rest_only_when_the_server_can(tmp_path: Path) -> None:
    assert download.noted(tmp_path / "nothing") == {}
    (tmp_path / "damaged").write_text("[1]")
    assert download.noted(tmp_path / "damaged") == {}


def pyrenode3_wheel(folder: Path) -> Path:
    """A pyrenode3 that only says what it was told."""
    path = folder / "pyrenode3-0.0.1-py3-none-any.whl"
    told = "{os.environ['PYRENODE_RUNTIME']} and {os.environ['PYRENODE_BIN']}"
    code = f'import os\nraise ImportError(f"pyrenode3 was told {told}")\n'
    about = "pyrenode3-0.0.1.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("pyrenode3/__init__.py", code)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: pyrenode3\nVersion: 0.0.1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path

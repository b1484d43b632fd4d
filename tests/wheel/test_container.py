"""The image of Dockerfile, built and used by a user without rights (row K3).

Renode's release cannot be had everywhere: what is set up inside is a stand-in, laid like it. docs/ci.md says what was
tried by hand with a real one.
"""

from __future__ import annotations

import configparser
import hashlib
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest

from tests.processes import run
from tests.unit.test_setup_renode import NAME, VERSION, archive, pyrenode3_wheel
from tests.wheel.conftest import ROOT, SLOW

WANTED = "docker.io/library/python:3.12-slim"
"""What Dockerfile begins with."""
MADE = "localhost/renode-pico-base"
"""What is made in its place where that cannot be had."""
IMAGE = "localhost/renode-pico"
STORE = platformdirs.user_cache_path("renode-pico-tests") / "containers"
CERTIFICATES = Path("/etc/ssl/certs")
MAIN = "print('hello from', 6 * 7)\n"
TEST = "def test_there(usb):\n    assert usb.product == 'Board in FS mode'\n"


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah, with a store of its own; `options` are of every build and run."""

    options: Sequence[str]

    def do(self, command: str, *words: str | Path, timeout: float = SLOW) -> tuple[int, str]:
        """One of its commands: exit code and everything it said."""
        place = ["--root", str(STORE), "--runroot", str(STORE / "run")]
        done = run(["buildah", *place, command, *words], timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    def must(self, command: str, *words: str | Path) -> str:
        """The same; it must end well. The last line."""
        code, said = self.do(command, *words)
        assert code == 0, f"buildah {command}: {said}"
        return (said.strip().splitlines() or [""])[-1]

    def run(self, container: str, *words: str, user: str = "pico", **environment: str) -> tuple[int, str]:
        """Run a program in a container."""
        given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return self.do("run", *self.options, "--user", user, *given, container, "--", *words)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """buildah as it can be used here: with this machine's certificates and index of packages, without namespaces."""
    if shutil.which("buildah") is None:
        pytest.skip("there is nothing here to build an image with: apt-get install buildah")
    STORE.mkdir(parents=True, exist_ok=True)
    options = ["--isolation", "chroot"]
    if CERTIFICATES.is_dir():
        options += ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    settings = configparser.ConfigParser(interpolation=None)
    said = run([sys.executable, "-m", "pip", "config", "list"]).stdout
    for line in said.splitlines():
        name, _, value = line.partition("=")
        if name.rpartition(".")[2] in ("cert", "index-url", "proxy"):
            settings.read_dict({"global": {name.rpartition(".")[2]: value.strip("'")}})
    path = tmp_path_factory.mktemp("pip") / "pip.conf"
    with path.open("w") as stream:
        settings.write(stream)
    made = Buildah([*options, "--volume", f"{path}:/etc/pip.conf:ro"])
    code, said = made.do("images")
    if code:
        pytest.skip(f"buildah cannot be used here: {said.strip().splitlines()[-1]}")
    return made


@pytest.fixture(scope="module")
def base(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the image begins with: Python's own, or a small Debian with Python where no registry is reached."""
    for name in (WANTED, MADE):
        if buildah.do("inspect", "--type", "image", name)[0] == 0:
            return name
    code, said = buildah.do("pull", "--quiet", WANTED)
    if code == 0:
        return WANTED
    why = said.strip().splitlines()[-1]
    if shutil.which("mmdebstrap") is None:
        pytest.skip(f"{WANTED} cannot be had ({why}), and mmdebstrap is not here")
    folder = tmp_path_factory.mktemp("base")
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
    packages = "--include=python3,python3-venv,ca-certificates"
    done = run(["mmdebstrap", "--quiet", "--variant=minbase", packages, suite, folder / "base.tar"], timeout=SLOW)
    if done.returncode:
        pytest.skip(f"{WANTED} cannot be had ({why}), nor a Debian: {done.stderr.strip().splitlines()[-1]}")
    (folder / "Dockerfile").write_text("FROM scratch\nADD base.tar /\nENV LANG=C.UTF-8\n")
    buildah.must("bud", "--quiet", "--tag", MADE, folder)
    (folder / "base.tar").unlink()
    return MADE


@pytest.fixture(scope="module")
def image(buildah: Buildah, base: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image, from what `make dist` leaves and an archive of Renode beside it. Kept while nothing of it changes."""
    files = (ROOT / "Dockerfile", ROOT / ".dockerignore", wheel, Path(__file__))
    mark = hashlib.sha256(base.encode() + b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    if buildah.do("inspect", "--type", "image", f"{IMAGE}:{mark}")[0] == 0:
        return f"{IMAGE}:{mark}"
    old = buildah.must("images", "--all", "--quiet", "--filter", f"reference={IMAGE}").split()
    if old:
        buildah.must("rmi", "--force", *old)
    context = tmp_path_factory.mktemp("context")
    dist = context / "dist"
    dist.mkdir()
    for path in files[:2]:
        shutil.copy(path, context)
    shutil.copy(wheel, dist)
    (dist / "renode_pico-0.2.0.tar.gz").write_bytes(b"the source distribution, which is of no use in an image")
    (dist / NAME).write_bytes(archive(padding=1000))
    pyrenode3_wheel(dist)
    buildah.must(
        "bud", *buildah.options, "--tag", f"{IMAGE}:{mark}", "--build-arg", f"BASE={base}",
        "--build-arg", f"RENODE_FROM={NAME}", context,
    )  # fmt: skip
    return f"{IMAGE}:{mark}"


@pytest.fixture(scope="module")
def container(buildah: Buildah, image: str) -> Iterator[str]:
    """A container of it."""
    name = buildah.must("from", image)
    yield name
    buildah.must("rm", name)


@pytest.mark.row("K3.container")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["doctor"], f"Renode {VERSION} on .NET (portable release, /opt/renode-pico/data/renode/"),
        (["lsusb", "--engine", "embedded"], "2e8a:0005 MicroPython Board in FS mode"),
        (["demo", "--engine", "embedded"], "reset the bus in a transfer        ok"),
    ],
)
def test_a_user_without_rights_has_everything(
    buildah: Buildah, container: str, command: Sequence[str], says: str
) -> None:
    code, said = buildah.run(container, "sh", "-c", 'id -u; test ! -w /etc && exec renode-pico "$@"', "sh", *command)
    assert (code, said.split()[0]) == (0, "1000"), said
    assert says in said


@pytest.mark.row("K3.container")
def test_what_is_mounted_is_run_and_tested(buildah: Buildah, container: str, tmp_path: Path) -> None:
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / "main.py").write_text(MAIN)
    (tmp_path / "test_it.py").write_text(TEST)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o777)
    mounted = Buildah([*buildah.options, "--volume", f"{tmp_path}:/work"])
    code, said = mounted.run(
        container, "renode-pico", "run", "uart", "--engine", "embedded", "--files", "device",
        "--expect", "hello from 42", "--timeout", "5", "--junit", "report.xml",
    )  # fmt: skip
    assert code == 0, said
    assert "<testcase" in (tmp_path / "report.xml").read_text()
    code, said = mounted.run(container, "pytest", "-q", "--engine", "embedded")
    assert code == 0, said
    assert "1 passed" in said


@pytest.mark.row("K3.container")
def test_a_service_that_runs_it_as_somebody_else_finds_renode_too(buildah: Buildah, container: str) -> None:
    code, said = buildah.run(container, "renode-pico", "doctor", user="1234", HOME="/tmp/home")
    assert code == 0, said
    assert f"/opt/renode-pico/data/renode/renode-{VERSION}/renode" in said


@pytest.mark.row("K3.container")
def test_nothing_else_of_the_checkout_is_in_it(buildah: Buildah, container: str, wheel: Path) -> None:
    code, said = buildah.run(container, "ls", "-A", "/tmp/dist", "/work")
    assert code == 0, said
    assert {line for line in said.splitlines() if line and not line.endswith(":")} == {
        wheel.name,
        NAME,
        "pyrenode3-0.0.1-py3-none-any.whl",
    }

"""Which Renode is on this machine: one answer for the engines, `auto`, `doctor`, the models and `setup`.

Renode's releases come in four layouts, and a build of one's own is a fifth:

| layout | runtime | assemblies | what the Python engine tells pyrenode3 |
|---|---|---|---|
| build | Mono or .NET | `output/bin/Release/` | PYRENODE_BUILD_DIR |
| package (.deb, .rpm, `linux-dotnet.tar.gz`) | Mono or .NET | `bin/` | PYRENODE_BUILD_DIR, PYRENODE_BUILD_OUTPUT |
| `linux-portable-dotnet.tar.gz` | .NET, inside | inside the launcher | PYRENODE_BIN |
| `linux-portable.tar.gz` | Mono, inside | inside the launcher | nothing: pyrenode3 cannot load it |

All of them run scripts and Robot suites.
"""

from __future__ import annotations

import ctypes.util
import dataclasses
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from renode_pico.errors import EngineMissing
from renode_pico.places import data

CORE_ASSEMBLIES = ("Infrastructure.dll", "Emulator.dll")
"""The heart of Renode: one assembly since 1.16, two before."""
OLDEST = (1, 15, 3)
RELEASES = "https://github.com/renode/renode/releases"
ADVICE = f"'renode-pico setup renode' gets it; or install 1.15.3 or newer from {RELEASES}"
PYRENODE_COMMIT = "dde4a47660ef1b8874a91ed514a0bd04b33a5add"
"""The pyrenode3 that was tried; it has no releases."""
PYRENODE_SOURCE = f"git+https://github.com/antmicro/pyrenode3.git@{PYRENODE_COMMIT}"
PYRENODE_ADVICE = f"pip install {PYRENODE_SOURCE}"
PYRENODE_VARIABLES = ("PYRENODE_PKG", "PYRENODE_BUILD_DIR", "PYRENODE_BIN")
BUILD_OUTPUT = "output/bin/Release"


class Runtime(Enum):
    """What runs Renode's assemblies; the value is pyrenode3's name for it."""

    MONO = "mono"
    DOTNET = "coreclr"

    def __str__(self) -> str:
        return "Mono" if self is Runtime.MONO else ".NET"


class Layout(Enum):
    """How a Renode lies on disk."""

    BUILD = "built from source"
    PACKAGE = "package"
    PORTABLE = "portable release"
    ARCHIVE = "package archive"


@dataclass(frozen=True, slots=True)
class RenodeInstallation:
    """A Renode on this machine.

    `launcher`: the program to start; None for an archive, which only pyrenode3 unpacks. `root`: the folder with its
    `platforms/`. `assemblies`: the folder with its .dll files, None where they are inside the launcher. `version`: e.g.
    `1.16.1`, or `unknown`. `named_by`: what led to it, e.g. `PATH`.
    """

    launcher: Path | None
    root: Path
    assemblies: Path | None
    runtime: Runtime
    layout: Layout
    version: str = "unknown"
    named_by: str = "PATH"

    @property
    def mono(self) -> bool:
        """Whether it runs on Mono."""
        return self.runtime is Runtime.MONO

    @property
    def test_launcher(self) -> Path | None:
        """Its `renode-test`, which runs Robot suites."""
        beside = self.root / "renode-test"
        if os.access(beside, os.X_OK):
            return beside
        found = shutil.which("renode-test")
        return Path(found) if found else None

    @property
    def pyrenode(self) -> dict[str, str]:
        """The environment in which pyrenode3 loads this Renode; what the user has set himself is not in it."""
        environment = {"PYRENODE_RUNTIME": self.runtime.value}
        if self.layout is Layout.PORTABLE:
            environment["PYRENODE_BIN"] = str(self.launcher)
        elif self.assemblies is not None:
            environment["PYRENODE_BUILD_DIR"] = str(self.root)
            environment["PYRENODE_BUILD_OUTPUT"] = str(self.assemblies.relative_to(self.root))
        return environment

    def describe(self) -> str:
        """Say which one it is, for a person: `Renode 1.16.1 on .NET (portable release, /opt/renode/renode)`."""
        version = "" if self.version == "unknown" else f" {self.version}"
        return f"Renode{version} on {self.runtime} ({self.layout.value}, {self.launcher or self.root})"


@dataclass(frozen=True, slots=True)
class RenodeHere:
    """What `look_for_renode` found. `problem` is empty when the Python engine can use it, else it says what to do."""

    installation: RenodeInstallation | None
    problem: str

    @property
    def version(self) -> str:
        """What was found, for a person; empty when there is none."""
        return self.installation.describe() if self.installation else ""


def look_for_renode(*, ask_version: bool = False) -> RenodeHere:
    """Find Renode and say whether the Python engine can use it, without loading it.

    ask_version: start `renode --version` (a second) where the files do not tell the version.
    """
    try:
        found = find_renode()
    except EngineMissing as error:
        return RenodeHere(None, str(error))
    if ask_version and found.version == "unknown" and found.launcher:
        found = dataclasses.replace(found, version=renode_version(found.launcher) or "unknown")
    return RenodeHere(found, engine_problem(found))


def engine_problem(found: RenodeInstallation) -> str:
    """Say why the Python engine cannot use a Renode; empty when nothing speaks against it."""
    if too_old(found.version):
        return f"Renode {found.version} is too old: {ADVICE}"
    if found.layout is Layout.PORTABLE and found.mono:
        return (
            f"{found.launcher} is a portable release for Mono, which runs scripts and Robot suites but cannot be "
            f"loaded into Python: take the .NET one ({ADVICE})"
        )
    if found.layout is not Layout.PORTABLE and not runtime_present(found.runtime):
        package = (
            "apt-get install mono-devel libmonosgen-2.0-1" if found.mono else "https://dotnet.microsoft.com/download"
        )
        library = " as a library" if found.mono else ""
        return f"{found.describe()} needs {found.runtime}{library}, which is not here: {package}"
    if not pyrenode_present():
        return f"Renode is here, pyrenode3 is not: {PYRENODE_ADVICE}"
    return ""


def find_renode(launcher: str | os.PathLike[str] | None = None) -> RenodeInstallation:
    """Find Renode: the given launcher, else what PYRENODE_* or RENODE name, what was set up, `renode` on the path.

    Raises EngineMissing.
    """
    if launcher is not None:
        return by_launcher(os.fspath(launcher), "the command line")
    named = next(((name, os.environ[name]) for name in PYRENODE_VARIABLES if os.environ.get(name)), None)
    if named is not None:
        return by_pyrenode(*named)
    if os.environ.get("RENODE"):
        return by_launcher(os.environ["RENODE"], "RENODE")
    recorded = set_up_launcher()
    if recorded is not None:
        return by_launcher(os.fspath(recorded), "setup")
    return by_launcher("renode", "PATH")


def set_up_record() -> Path:
    """The file in which `setup renode` notes what it has set up."""
    return data() / "renode.json"


def set_up_launcher() -> Path | None:
    """The launcher of the Renode that `renode-pico setup renode` has set up, if that is still there."""
    try:
        launcher = Path(json.loads(set_up_record().read_text())["launcher"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return launcher if launcher.is_file() else None


def by_launcher(name: str, named_by: str) -> RenodeInstallation:
    """Describe the Renode that a program starts. Raises EngineMissing."""
    found = shutil.which(name)
    if found is None:
        hint = "set RENODE to its launcher" if named_by == "PATH" else f"named by {named_by}"
        raise EngineMissing(f"Renode is not there: no program {name!r} ({hint}); {ADVICE}")
    launcher = Path(found).resolve()
    script = _script(launcher)
    for program in (launcher, *_named_in(script)):
        for folder in (program.parent / BUILD_OUTPUT, program.parent / "bin", program.parent):
            if _holds_renode(folder):
                return _with_assemblies(folder, launcher, named_by)
    dotnet = any(launcher.parent.glob("libcoreclr.*"))
    if (dotnet or not script) and _is_a_root(launcher.parent):
        runtime = Runtime.DOTNET if dotnet else Runtime.MONO
        version = ".".join(map(str, version_numbers(launcher.parent.name))) or "unknown"
        return RenodeInstallation(launcher, launcher.parent, None, runtime, Layout.PORTABLE, version, named_by)
    raise EngineMissing(
        f"{launcher} (named by {named_by}) is no Renode that this package knows: there is neither Renode's code nor "
        f"its platforms/ beside it; {ADVICE}"
    )


def by_pyrenode(variable: str, value: str) -> RenodeInstallation:
    """Describe the Renode that one of pyrenode3's own variables names. Raises EngineMissing."""
    path = Path(value).absolute()
    if variable == "PYRENODE_BIN":
        return by_launcher(value, variable)
    if variable == "PYRENODE_PKG":
        if not path.is_file():
            raise EngineMissing(f"{variable}={value}: there is no such file")
        runtime = Runtime(os.environ.get("PYRENODE_RUNTIME", "mono"))
        return RenodeInstallation(None, path.parent, None, runtime, Layout.ARCHIVE, named_by=variable)
    folder = path / os.environ.get("PYRENODE_BUILD_OUTPUT", BUILD_OUTPUT)
    if not _holds_renode(folder):
        raise EngineMissing(
            f"{variable}={value}: there is no Renode in {folder} (PYRENODE_BUILD_OUTPUT names its folder)"
        )
    launcher = path / "renode"
    found = _with_assemblies(folder, launcher, variable)
    return dataclasses.replace(found, root=path, launcher=launcher if launcher.is_file() else None)


def _with_assemblies(folder: Path, launcher: Path, named_by: str) -> RenodeInstallation:
    built = folder.parts[-3:] == tuple(BUILD_OUTPUT.split("/"))
    return RenodeInstallation(
        launcher,
        folder.parents[2] if built else folder.parent,
        folder,
        _runtime_of(folder),
        Layout.BUILD if built else Layout.PACKAGE,
        _version_of(folder),
        named_by,
    )


def _holds_renode(folder: Path) -> bool:
    return any((folder / name).is_file() for name in CORE_ASSEMBLIES)


def _is_a_root(folder: Path) -> bool:
    return (folder / ".renode-root").exists() or (folder / "platforms").is_dir()


def _script(launcher: Path) -> str:
    """The text of a launcher that is a script; packages put a few lines of shell into /usr/bin."""
    with launcher.open("rb") as stream:
        head = stream.read(4096)
    return head.decode(errors="replace") if head.startswith(b"#!") else ""


def _named_in(script: str) -> list[Path]:
    """The programs that a launcher script starts."""
    named = re.findall(r"(/[^\s\"'$]*(?:renode|Renode\.exe|Renode\.dll))\b", script)
    return [Path(name).resolve() for name in named]


def _version_of(assemblies: Path) -> str:
    """Renode's version without starting it: from the version resource of its program."""
    for name in ("Renode.exe", "Renode.dll"):
        path = assemblies / name
        if path.is_file():
            key = "FileVersion".encode("utf-16-le")
            found = re.search(re.escape(key) + rb"\x00*((?:[0-9.]\x00)+)", path.read_bytes())
            if found:
                return ".".join(found.group(1).decode("utf-16-le").split(".")[:3])
    return "unknown"


def _runtime_of(assemblies: Path) -> Runtime:
    build_type = assemblies / "build_type"
    if build_type.is_file():
        return Runtime.MONO if build_type.read_text().strip() == "mono" else Runtime.DOTNET
    mono = (assemblies / "Renode.exe").is_file() and not (assemblies / "Renode.dll").is_file()
    return Runtime.MONO if mono else Runtime.DOTNET


def runtime_present(runtime: Runtime) -> bool:
    """Say whether Mono or .NET can be loaded into Python on this machine, for a Renode that does not bring it.

    Debian's `mono` is a program of its own, which does not need Mono's library.
    """
    if runtime is Runtime.MONO:
        found = ctypes.util.find_library("monosgen-2.0")
        return bool(found or (sys.platform != "linux" and shutil.which("mono")))
    folders = (os.environ.get("DOTNET_ROOT"), "/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet")
    return bool(shutil.which("dotnet")) or any(folder and (Path(folder) / "host").is_dir() for folder in folders)


def pyrenode_folder() -> Path:
    """Where `setup renode` puts pyrenode3 for this Python, whose own environment it leaves alone."""
    return data() / f"python{sys.version_info.major}.{sys.version_info.minor}"


def pyrenode_present() -> bool:
    """Say whether pyrenode3 can be imported; what `setup renode` has installed is made importable, and comes first."""
    folder = str(pyrenode_folder())
    if folder not in sys.path and Path(folder).is_dir():
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
    return importlib.util.find_spec("pyrenode3") is not None


def renode_version(launcher: str | os.PathLike[str]) -> str:
    """Ask Renode for its version, e.g. `1.16.1`; empty when it does not say."""
    try:
        done = subprocess.run(
            [launcher, "--version"], capture_output=True, text=True, timeout=60, stdin=subprocess.PIPE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ".".join(map(str, version_numbers(done.stdout)))


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, e.g. (1, 16, 1); empty when there are not three."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def too_old(version: str) -> bool:
    """Say whether this package cannot work with that Renode; an unknown version gets the benefit of the doubt."""
    numbers = version_numbers(version)
    return bool(numbers) and numbers < OLDEST

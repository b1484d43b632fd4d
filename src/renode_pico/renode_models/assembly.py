"""The models as one assembly, and the boot ROM's image, in the user's cache.

An assembly stands under the version and the runtime of the Renode it was compiled for, and a hash of its sources:

    CACHE/models/1.16.1-mono/0f3a…/renode_pico_models.dll

`renode/pico.py` looks there too, under the same names, and puts there what Renode's own compiler has made.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from renode_pico.errors import RenodePicoError
from renode_pico.places import cache, keep, made, share
from renode_pico.renode_models.bootrom import boot_rom, boot_rom_licence
from renode_pico.renode_models.installation import CORE_ASSEMBLIES, RenodeInstallation, find_renode

ASSEMBLY = "renode_pico_models.dll"
BOOT_ROM = "bootrom.bin"
SOURCE_DIRECTORIES = ("models", "host")
KEEP_SECONDS = 30 * 86400
"""How long an assembly of other sources stays in the cache."""

# what `mcs` and the compiler inside Renode 1.15 both accept
_LANGUAGE = "-langversion:7"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` made: the boot ROM, and the assembly (None where Renode compiles the sources itself)."""

    boot_rom: Path
    assembly: Path | None
    compiled: bool
    note: str = ""


def sources(root: Path | None = None) -> list[Path]:
    """The C# files that make up the models and the host, in a fixed order."""
    base = (root or share()) / "renode"
    return [path for directory in SOURCE_DIRECTORIES for path in sorted((base / directory).glob("*.cs"))]


def sources_hash(root: Path | None = None) -> str:
    """What an assembly of these sources is kept under; `renode/pico.py` calculates the same."""
    made_of = hashlib.sha256()
    for path in sources(root):
        made_of.update(path.name.encode() + b"\n" + path.read_bytes())
    return made_of.hexdigest()[:16]


def prepare_boot_rom() -> Path:
    """Put the boot ROM's image where Renode's scripts look for it, and its licence beside it.

    Raises EngineMissing (the package that carries it is not there) and RenodePicoError (the cache cannot be written).
    """
    keep(cache() / "bootrom-LICENSE.txt", boot_rom_licence())
    return keep(cache() / BOOT_ROM, boot_rom())


def prepare(
    root: Path | None = None, *, renode: RenodeInstallation | None = None, compiler: str | None = None
) -> Prepared:
    """Make the cache ready for a Renode: the boot ROM, and the models' assembly when there is a compiler for it.

    `root`: the folder with `renode/`, where not the package's own. `renode`: the installation to compile for, found
    when not given. `compiler`: the C# compiler, `mcs` when not given. Compiles only when there is no assembly of these
    sources, or Renode is newer than it. Raises EngineMissing (no Renode, no boot ROM) and RenodePicoError (the models
    do not compile).
    """
    rom = prepare_boot_rom()
    installation = renode or find_renode()
    key = sources_hash(root)
    ready = find_assembly(installation, key)
    if ready is not None:
        os.utime(ready.parent)  # it is in use: see _forget_old
        return Prepared(rom, ready, False)
    mcs = shutil.which(compiler or "mcs")
    if not installation.mono or installation.assemblies is None or mcs is None:
        return Prepared(rom, None, False, "Renode compiles the models itself when it first loads them, and keeps them")
    assembly = _folder(installation.version, installation.runtime.name, key) / ASSEMBLY
    made(assembly.parent)
    _compile(mcs, sources(root), installation, assembly)
    _forget_old(assembly.parent)
    return Prepared(rom, assembly, True)


def find_assembly(installation: RenodeInstallation, key: str) -> Path | None:
    """The assembly of the sources with this hash that a Renode can load: on .NET also the one made for Mono."""
    for runtime in (installation.runtime.name, "MONO"):
        assembly = _folder(installation.version, runtime, key) / ASSEMBLY
        if assembly.is_file() and assembly.stat().st_mtime >= _newest_core(installation):
            return assembly
    return None


def _folder(version: str, runtime: str, key: str) -> Path:
    return cache() / "models" / f"{version}-{runtime.lower()}" / key


def _newest_core(installation: RenodeInstallation) -> float:
    """When Renode itself was last made: a Renode built anew wants its models compiled anew."""
    if installation.assemblies is None:
        return 0.0
    core = [installation.assemblies / name for name in CORE_ASSEMBLIES]
    return max((path.stat().st_mtime for path in core if path.is_file()), default=0.0)


def _forget_old(folder: Path) -> None:
    """Remove assemblies of other sources that nobody has used for a while."""
    for other in folder.parent.iterdir():
        if other != folder and other.stat().st_mtime < time.time() - KEEP_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _compile(compiler: str, files: list[Path], installation: RenodeInstallation, assembly: Path) -> None:
    with tempfile.TemporaryDirectory(dir=assembly.parent) as work:
        made = Path(work) / ASSEMBLY
        command = [compiler, "-target:library", _LANGUAGE, "-nologo", "-unsafe+", "-optimize+", f"-out:{made}"]
        command += [f"-r:{path}" for path in _references(installation)]
        command += [os.fspath(path) for path in files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in (done.stdout + done.stderr).splitlines() if "error CS" in line]
            raise RenodePicoError("the Renode models do not compile: " + (errors[0] if errors else done.stderr.strip()))
        # Renode loads an assembly by its path: a half written one must never be seen
        made.replace(assembly)


def _references(installation: RenodeInstallation) -> list[Path]:
    assert installation.assemblies is not None
    names = ("*.dll", "Renode.exe")
    skipped = {"mcs.dll", "IronPython.StdLib.dll"}
    return sorted(
        path
        for pattern in names
        for path in installation.assemblies.glob(pattern)
        if path.name not in skipped and not path.name.startswith("System.")
    )

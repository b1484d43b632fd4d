"""Folders that are laid like Renode's releases and builds, with a launcher that only answers --version."""

from __future__ import annotations

import stat
from pathlib import Path

LAUNCHER = '#!/bin/sh\necho "Renode v{version}.17589"\n'
DOTNET_LAUNCHER = '#!/usr/bin/env bash\n\nLAUNCHER=dotnet\n\n$LAUNCHER {folder}/Renode.dll "$@"\n'


def executable(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def version_resource(version: str) -> bytes:
    return b"MZ..." + "FileVersion".encode("utf-16-le") + b"\0\0\0\0" + version.encode("utf-16-le") + b"\0\0\0\0"


def assemblies(folder: Path, program: str, version: str = "1.16.1") -> Path:
    """The .dll files; `program`: Renode.exe on Mono, Renode.dll on .NET."""
    folder.mkdir(parents=True)
    (folder / "Infrastructure.dll").write_bytes(b"heart")
    (folder / "Migrant.dll").write_bytes(b"serialiser")
    (folder / "mcs.dll").write_bytes(b"compiler")
    (folder / program).write_bytes(version_resource(f"{version}.17589"))
    return folder


def root(folder: Path) -> Path:
    (folder / "platforms").mkdir(parents=True, exist_ok=True)
    (folder / ".renode-root").touch()
    return folder


def built_for_mono(folder: Path) -> Path:
    assemblies(root(folder) / "output/bin/Release", "Renode.exe")
    return executable(folder / "renode", "#!/bin/sh\n")


def built_for_dotnet(folder: Path) -> Path:
    made = assemblies(root(folder) / "output/bin/Release", "Renode.dll")
    (made / "build_type").write_text("dotnet\n")
    return executable(folder / "renode", "#!/bin/sh\n")


def dotnet_package(folder: Path) -> Path:
    """linux-dotnet.tar.gz: a script beside bin/."""
    assemblies(root(folder) / "bin", "Renode.dll")
    return executable(folder / "renode", DOTNET_LAUNCHER.format(folder='$(dirname "${BASH_SOURCE[0]}")/bin'))


def dotnet_deb(folder: Path) -> Path:
    """A .deb: the script in /usr/bin names /opt/renode/bin."""
    made = assemblies(root(folder / "opt/renode") / "bin", "Renode.dll")
    return executable(folder / "usr/bin/renode", DOTNET_LAUNCHER.format(folder=made))


def mono_package(folder: Path) -> Path:
    made = assemblies(root(folder / "opt/renode") / "bin", "Renode.exe")
    return executable(folder / "usr/bin/renode", f'#!/bin/sh\nmono $MONO_OPTIONS {made}/Renode.exe "$@"\n')


def dotnet_portable(folder: Path) -> Path:
    """linux-portable-dotnet.tar.gz: one program that holds the assemblies, .so files beside it."""
    for name in ("libcoreclr.so", "libhostfxr.so", "libclrjit.so", "libSystem.Native.so"):
        (root(folder) / name).write_bytes(b"\x7fELF")
    executable(folder / "renode-test", "#!/bin/sh\n")
    return executable(folder / "renode", b"\x7fELF single file")


def mono_portable(folder: Path) -> Path:
    """linux-portable.tar.gz."""
    (root(folder) / "libmono-btls-shared.so").write_bytes(b"\x7fELF")
    return executable(folder / "renode", b"\x7fELF mkbundle")

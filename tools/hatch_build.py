"""What goes into the wheel beside the Python files: everything that Renode, Robot and the boards read.

It lies under `renode_pico/share/` as it lies in a checkout, so that `renode_pico.places.share` finds both alike. An
editable install uses the checkout itself and gets nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHARE = "renode_pico/share"
FOLDERS = ("renode", "platforms", "robot/resources", "firmware/apps", "firmware/modules")
IMAGES = "firmware/build/out"
VARIANTS = ("cdc", "uart", "uart-cdc")
KINDS = ("uf2", "elf", "json")
SMALL_ENOUGH = (".git", "__pycache__")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the shared files to wheels, and the images to source distributions."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is `editable` for an editable install."""
        if version == "editable":
            return
        # not "renode-...": Renode clears away what is called so and belongs to no process
        self.work = Path(tempfile.mkdtemp(prefix="pico-build-"))
        root, include = Path(self.root), build_data["force_include"]
        images = self.images(root / IMAGES)
        if self.target_name == "sdist":
            include.update({str(path): f"{IMAGES}/{path.name}" for path in images})
            return
        for folder in FOLDERS:
            for path in sorted((root / folder).rglob("*")):
                if path.is_file() and not set(path.parts) & set(SMALL_ENOUGH):
                    include[str(path)] = f"{SHARE}/{path.relative_to(root).as_posix()}"
        self.add_core(root, build_data)
        include[str(root / "firmware" / "LICENSES.txt")] = f"{SHARE}/firmware/LICENSES.txt"
        include.update({str(path): f"{SHARE}/{IMAGES}/{path.name}" for path in images})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling when the archive is written."""
        if version != "editable":
            shutil.rmtree(self.work, ignore_errors=True)

    def images(self, folder: Path) -> list[Path]:
        """The MicroPython images, their symbols compressed. None where they have not been built, with a warning."""
        found = [folder / f"{variant}.{kind}" for variant in VARIANTS for kind in KINDS]
        missing = [path.name for path in found if not path.is_file()]
        if missing:
            if os.environ.get("RENODE_PICO_DIST"):
                raise RuntimeError(f"no {', '.join(missing)} in {folder}: run 'make firmware' first")
            self.app.display_warning(f"no firmware images in {folder}: the package is made without them")
            return []
        return [self.compressed(path) if path.suffix == ".elf" else path for path in found]

    def add_core(self, root: Path, build_data: dict[str, Any]) -> None:
        """The embedded engine's core, compiled for this machine, and the wheel's tag that says so.

        Without a C compiler the wheel is for any machine, and compiles the core when it is first used.
        """
        sys.path.insert(0, str(root / "src"))
        try:
            from renode_pico.core.build import NAME, compile_to, compiler
        finally:
            sys.path.remove(str(root / "src"))
        if compiler() is None or sys.platform != "linux":
            self.app.display_warning("the embedded engine's core is not compiled: there is no C compiler")
            return
        made = self.work / f"{NAME}.so"
        compile_to(made, flags=("-s",))
        build_data["force_include"][str(made)] = f"renode_pico/core/{made.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(made)}"

    def compressed(self, elf: Path) -> Path:
        """An ELF with its debug sections compressed, which GDB, pyelftools and Renode read as they are."""
        made = self.work / elf.name
        objcopy = shutil.which("arm-none-eabi-objcopy") or shutil.which("objcopy")
        if objcopy is not None:
            done = subprocess.run([objcopy, "--compress-debug-sections=zlib", elf, made], check=False)
            if done.returncode == 0:
                return made
        self.app.display_warning(f"{elf.name} is not compressed: there is no objcopy that can")
        return elf


def platform_tag(library: Path) -> str:
    """The oldest Linux that a library runs on, as PEP 600 writes it: by the versions of glibc that it uses."""
    from elftools.elf.elffile import ELFFile

    with library.open("rb") as stream:
        needed = ELFFile(stream).get_section_by_name(".gnu.version_r")
        names = [one.name for _, versions in needed.iter_versions() for one in versions] if needed else []
    found = [tuple(map(int, name.removeprefix("GLIBC_").split(".")[:2])) for name in names if name[:6] == "GLIBC_"]
    major, minor = max(found, default=(2, 17))
    return f"manylinux_{major}_{max(minor, 17)}_{platform.machine()}"

"""Compiling one variant: mpy-cross, cmake, ninja. A folder of object files is kept for each variant."""

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from fwbuild import fingerprint
from fwbuild.command import Command, clean_environment, run
from fwbuild.files import files_under, remove, sha256, write_atomically
from fwbuild.layout import Layout
from fwbuild.report import Report
from fwbuild.tree import SourceTree
from fwbuild.variants import Variant

# What DWARF and __FILE__ say instead of this machine's folders. out/gdbinit translates it back.
MAPPED_ROOT = "/renode-pico"
NINJA_STEP = re.compile(r"^\[(\d+)/(\d+)\]")
CONFIGURED = "renode-pico-configured.json"
C_INPUTS = "renode-pico-c-inputs.json"


class Compiler:
    """Compiles variants from one source tree."""

    def __init__(self, layout: Layout, tree: SourceTree, toolchain: dict[str, str], jobs: int, report: Report) -> None:
        self._layout = layout
        self._tree = tree
        self._toolchain = toolchain
        self._jobs = jobs
        self._report = report
        self._objects = layout.objects / tree.key

    def mpy_cross(self, log: TextIO) -> Path:
        """The compiler for frozen modules, built from the same sources for this machine.

        make runs in the source tree but writes to ours; the stamp is what says that it got to its end.
        """
        folder = self._objects / "mpy-cross"
        program, stamp = folder / "mpy-cross", folder / "renode-pico-done"
        done = stamp.is_file() and stamp.read_text(encoding="utf-8") == self._tree.identity
        if done and program.is_file():
            return program
        if not (stamp.is_file() and self._tree.follows_changes):
            remove(folder)
        stamp.unlink(missing_ok=True)
        where = self._tree.micropython / "mpy-cross"
        command: Command = ["make", "-C", where, f"BUILD={folder}", "USER_C_MODULES=", f"-j{self._jobs}"]
        with self._report.stage("mpy-cross"):
            run(command, log=log, environment=self._environment())
        write_atomically(stamp, self._tree.identity.encode())
        return program

    def firmware(self, variant: Variant, mpy_cross: Path, log: TextIO) -> Path:
        """Compile one variant; the folder that firmware.elf and firmware.bin are in.

        What is there from before is used as far as it can be: ninja goes by the times of files, so where these could
        mislead it, it starts afresh.
        """
        folder = self._objects / variant.name
        environment = self._environment(MICROPY_MPYCROSS=str(mpy_cross))
        configure = self._configure_command(variant, folder)
        flags = self._flags(variant)
        # Not the version's name: it goes into one header, which ninja always looks after.
        lasting = {name: value for name, value in environment.items() if not name.startswith("MICROPY_GIT_")}
        words = [str(word) for word in configure]
        configured = json.dumps([words, flags, lasting, self._toolchain], sort_keys=True)
        c_inputs = {str(path): sha256(path) for path in fingerprint.c_files(self._layout, variant)}
        if _read(folder / CONFIGURED) != configured or _times_mislead(folder / C_INPUTS, c_inputs):
            remove(folder)
            with self._report.stage(f"{variant.name}: cmake"):
                run(configure, log=log, environment={**environment, **flags})
            write_atomically(folder / CONFIGURED, configured.encode())
        write_atomically(folder / C_INPUTS, json.dumps(c_inputs).encode())
        # makemanifest.py compares times only, and does not see that a module has gone.
        remove(folder / "frozen_mpy")
        (folder / "frozen_content.c").unlink(missing_ok=True)
        with self._report.stage(f"{variant.name}: compile"):
            command: Command = ["ninja", "-C", folder, f"-j{self._jobs}"]
            run(command, log=log, environment=environment, on_line=self._ninja_progress())
        return folder

    def programs(self, log: TextIO) -> Path:
        """Compile the C programs of firmware/chip; the folder with their .elf and .bin.

        One project for all of them: the SDK's sources are compiled once, and ninja knows what is up to date.
        """
        folder = self._objects / "chip"
        settings = {
            "PICO_SDK_PATH": self._tree.pico_sdk,
            "TINYUSB_PATH": self._tree.tinyusb,
            "PICO_NO_PICOTOOL": "1",
            "Python3_EXECUTABLE": sys.executable,
        }
        definitions = [f"-D{name}={value}" for name, value in settings.items()]
        source = self._layout.spelled(self._layout.chip)
        configure: Command = ["cmake", "-S", source, "-B", folder, "-G", "Ninja", *definitions]
        flags = self._path_flags()
        environment = self._environment()
        configured = json.dumps(
            [[str(word) for word in configure], flags, environment, self._toolchain, self._tree.identity],
            sort_keys=True,
        )
        c_inputs = {str(path): sha256(path) for path in files_under(self._layout.chip)}
        if _read(folder / CONFIGURED) != configured or _times_mislead(folder / C_INPUTS, c_inputs):
            remove(folder)
            with self._report.stage("chip: cmake"):
                run(configure, log=log, environment={**environment, **flags})
            write_atomically(folder / CONFIGURED, configured.encode())
        write_atomically(folder / C_INPUTS, json.dumps(c_inputs).encode())
        with self._report.stage("chip: compile"):
            command: Command = ["ninja", "-C", folder, f"-j{self._jobs}"]
            run(command, log=log, environment=environment, on_line=self._ninja_progress())
        return folder

    def source_map(self) -> dict[str, Path]:
        """Which folder each name in the debug information stands for."""
        names = {
            f"{MAPPED_ROOT}/firmware": self._layout.spelled(self._layout.firmware),
            f"{MAPPED_ROOT}/build": self._layout.work,
        }
        if not self._tree.micropython.is_relative_to(self._layout.work):
            names[f"{MAPPED_ROOT}/micropython"] = self._tree.micropython
        return names

    def _configure_command(self, variant: Variant, folder: Path) -> Command:
        settings: dict[str, str | Path] = {
            "MICROPY_BOARD": variant.board,
            "MICROPY_DEF_BOARD": ";".join(variant.defines),
            "MICROPY_FROZEN_MANIFEST": self._layout.spelled(self._layout.manifest),
            "MICROPY_LIB_DIR": self._tree.micropython_lib,
            "PICO_SDK_PATH_OVERRIDE": self._tree.pico_sdk,
            "PICO_NO_PICOTOOL": "1",  # the SDK would clone it from the net; uf2.py does what is needed of it
            "Python3_EXECUTABLE": sys.executable,
        }
        if self._layout.user_c_modules.is_file():
            settings["USER_C_MODULES"] = self._layout.spelled(self._layout.user_c_modules)
        definitions = [f"-D{name}={value}" for name, value in settings.items()]
        return ["cmake", "-S", self._tree.port, "-B", folder, "-G", "Ninja", *definitions]

    def _flags(self, variant: Variant) -> dict[str, str]:
        """Compiler flags, as the variables cmake reads them from when it configures."""
        version = self._tree.micropython_version()
        folder = self._layout.spelled(self._layout.shims)
        headers = [folder / shim.header for shim in variant.shims if shim.is_for(version)]
        shims = [word for header in headers for word in ("-include", str(header))]
        flags = self._path_flags()
        return {**flags, "CFLAGS": " ".join(filter(None, [flags["CFLAGS"], shlex.join(shims)]))}

    def _path_flags(self) -> dict[str, str]:
        """Flags that keep this machine's folders out of what is compiled."""
        folders = [f"{folder}={name}" for name, folder in self.source_map().items()]
        mapped = shlex.join(f"-ffile-prefix-map={folder}" for folder in folders)
        assembly = shlex.join(f"-fdebug-prefix-map={folder}" for folder in folders)  # all that reaches the assembler
        return {"CFLAGS": mapped, "CXXFLAGS": mapped, "ASMFLAGS": assembly}

    def _environment(self, **extra: str) -> dict[str, str]:
        # The hash seed: boards/make-pins.py walks a set of names, and the Pico's GPIO25 has two (GP25, LED).
        # ninja's own progress: finished/total.
        fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "NINJA_STATUS": "[%f/%t] "}
        return clean_environment(**fixed, **self._tree.environment, **extra)

    def _ninja_progress(self) -> Callable[[str], None]:
        def show(line: str) -> None:
            match = NINJA_STEP.match(line)
            if match:
                finished, total = int(match[1]), int(match[2])
                self._report.progress(f"{100 * finished // total:3d} %  {finished}/{total}")

        return show


def empty_library(folder: Path) -> None:
    """An empty stand-in for micropython-lib, as the port's cmake wants to see one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").touch()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _times_mislead(record: Path, now: dict[str, str]) -> bool:
    """Whether ninja would overlook a change of our C files: one that is gone, or changed and yet not newer."""
    if not record.is_file():
        return bool(now)
    before: dict[str, str] = json.loads(record.read_text(encoding="utf-8"))
    since = record.stat().st_mtime
    changed = [path for path, content in now.items() if before.get(path) != content]
    return not before.keys() <= now.keys() or any(Path(path).stat().st_mtime <= since for path in changed)

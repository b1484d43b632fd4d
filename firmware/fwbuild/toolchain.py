"""The tools the build needs: are they there, which are they, and getting them on Debian."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fwbuild.command import clean_environment, run
from fwbuild.errors import FirmwareError, ToolMissing
from fwbuild.files import sha256
from fwbuild.report import Report

COMPILER = "arm-none-eabi-gcc"
LIBC_FOR_THE_CORE = ("-mcpu=cortex-m0plus", "-mthumb", "-print-file-name=libc.a")


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the build needs, the Debian package it is in, and how to see that it is there."""

    name: str
    package: str
    is_there: Callable[[], bool]


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _cross_library(name: str) -> Callable[[], bool]:
    # The compiler answers with the bare name when it cannot find the file.
    return lambda: Path(_output(COMPILER, f"-print-file-name={name}")).is_absolute()


def _host_headers() -> bool:
    return _succeeds(["gcc", "-E", "-x", "c", "-"], "#include <stdio.h>\n")


TOOLS = (
    Tool(COMPILER, "gcc-arm-none-eabi", _program(COMPILER)),
    Tool("the C library for Arm", "libnewlib-arm-none-eabi", _cross_library("libc.a")),
    Tool("the C++ library for Arm", "libstdc++-arm-none-eabi-newlib", _cross_library("libstdc++.a")),
    Tool("cmake", "cmake", _program("cmake")),
    Tool("ninja", "ninja-build", _program("ninja")),
    Tool("make", "make", _program("make")),
    Tool("gcc", "gcc", _program("gcc")),
    Tool("the C library's headers", "libc6-dev", _host_headers),
)
PATCH = Tool("patch", "patch", _program("patch"))


def missing(tools: Sequence[Tool] = TOOLS) -> list[Tool]:
    """Those of `tools` that are not on this machine."""
    return [tool for tool in tools if not tool.is_there()]


def identity() -> dict[str, str] | None:
    """What an image depends on of the tool chain: the compiler's version and its C library. None without a compiler."""
    version = _output(COMPILER, "--version")
    if not version:
        return None
    library = Path(_output(COMPILER, *LIBC_FOR_THE_CORE))
    return {"gcc": version.splitlines()[0], "libc": sha256(library) if library.is_file() else "missing"}


def require(tools: Sequence[Tool], report: Report, log: TextIO) -> None:
    """See that all `tools` are there; as root on Debian, install those that are not. Raises ToolMissing."""
    absent = missing(tools)
    if not absent:
        return
    if not _can_install():
        raise ToolMissing(_how_to_install(absent))
    with report.stage(f"installing {len(absent)} packages"):
        try:
            environment = clean_environment(DEBIAN_FRONTEND="noninteractive")
            run(["apt-get", "update", "-q"], log=log, environment=environment)
            packages = [tool.package for tool in absent]
            run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], log=log, environment=environment)
        except FirmwareError as failure:
            raise ToolMissing(f"{_how_to_install(absent)}\n  tried that: {failure}") from failure
    absent = missing(tools)
    if absent:
        raise ToolMissing(_how_to_install(absent))


def _how_to_install(absent: Sequence[Tool]) -> str:
    names = ", ".join(tool.name for tool in absent)
    packages = " ".join(tool.package for tool in absent)
    command = f"apt-get install --no-install-recommends {packages}"
    return f"the firmware's build needs {names}; on Debian or Ubuntu:\n  {command}"


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment())
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _succeeds(command: list[str], text: str) -> bool:
    try:
        return subprocess.run(command, input=text.encode(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False

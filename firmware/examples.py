#!/usr/bin/env python3
"""Build TinyUSB's own device examples for the Pico, from Debian's source package or somebody's checkout.

    python3 firmware/examples.py [--jobs N] [--check] [--again]
    PICO_TINYUSB_PATH=~/src/tinyusb python3 firmware/examples.py

Which source package is in firmware/examples.toml; it is downloaded once and verified. Where the archive does not have
it, one line says so, and again for a day without asking the archive (--again asks). A checkout that PICO_TINYUSB_PATH
names takes its place: the variable is the pico-sdk's own. They are built by their own CMake files with the pico-sdk
that MicroPython's build has unpacked, all that this TinyUSB builds for the Pico; the images go to
firmware/build/out/tinyusb, or the reason why there are none. Exit codes: 0 built, up to date or not to be had, 1 the
build failed, 2 wrong usage, 3 a tool is missing.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import signal
import sys
import tarfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fwbuild import image, toolchain
from fwbuild.cli import FIRMWARE, INTERRUPTED, end_like_interrupted
from fwbuild.command import Command, clean_environment, run
from fwbuild.compiling import MAPPED_ROOT
from fwbuild.errors import FirmwareError, ToolMissing, UsageError
from fwbuild.files import files_under, remove, sha256, write_atomically
from fwbuild.layout import Layout, has_space, layout, link
from fwbuild.lock import locked
from fwbuild.pins import Package
from fwbuild.pool import NotToBeHad, Pool, obtain
from fwbuild.report import Report

VARIABLE = "PICO_TINYUSB_PATH"
FOLDER = "tinyusb"
UNPACKED = "tinyusb-source"
EXAMPLES = Path("examples") / "device"
NEEDED = (EXAMPLES / "CMakeLists.txt", Path("src/tusb_option.h"), Path("hw/bsp/rp2040/family.cmake"))
READ = ("src", "lib/networking", "lib/lwip/src", "lib/SEGGER_RTT", "hw/bsp/rp2040", EXAMPLES.as_posix())
"""What the examples are made of, beside the files that lie directly in hw/bsp."""
RECORD = "renode-pico-configured.json"
LEFT_OUT = "left-out.txt"
"""Beside the images: why there are none, or not all."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """Somebody's TinyUSB, which may change."""

    folder: Path

    def said(self) -> str:
        """Where the examples come from, for their records."""
        return f"TinyUSB {version(self.folder)} ({VARIABLE})"

    def identity(self) -> Iterable[str]:
        """What changes when it does."""
        yield str(self.folder)
        yield from (f"{path}\0{sha256(path)}" for path in _read_files(self.folder))

    def fetch(self, where: Layout, report: Report, log: TextIO, *, again: bool) -> Path:
        """The folder to build from."""
        if not has_space(self.folder):
            return self.folder
        link(where.objects / UNPACKED, self.folder)
        return where.objects / UNPACKED


@dataclass(frozen=True, slots=True)
class Source:
    """Debian's source package."""

    suite: str
    package: Package

    def said(self) -> str:
        """Where the examples come from, for their records."""
        return f"Debian {self.suite}: {self.package.name} {self.package.version}"

    def identity(self) -> Iterable[str]:
        """What changes when it does."""
        yield self.package.sha256

    def fetch(self, where: Layout, report: Report, log: TextIO, *, again: bool) -> Path:
        """The folder to build from, downloaded and unpacked. Raises NotToBeHad."""
        cached = (where.downloads / self.package.file).is_file()
        if not cached:
            report.progress(self.package.name)
        obtain(self.package, where.downloads, Pool(self.suite, log).download, again=again)
        whole = where.objects / UNPACKED
        remove(whole)
        with tarfile.open(where.downloads / self.package.file) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # its SHA-256 was verified
            archive.extractall(whole)
        folders = [path for path in whole.iterdir() if path.is_dir()]
        found = next((folder for folder in (whole, *folders) if not lacks(folder)), None)
        if found is None:
            lacking = lacks(folders[0] if len(folders) == 1 else whole)
            raise NotToBeHad(f"{self.package.file} has no {lacking}: Debian has left it out")
        return found


Origin = Checkout | Source


def pinned(path: Path) -> Source:
    """What a file like firmware/examples.toml says."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return Source(content["suite"], Package(**content["package"]))


def main(arguments: Sequence[str], firmware: Path = FIRMWARE) -> int:
    """Do what the command line asks; the exit code."""
    parser = argparse.ArgumentParser(description="Build TinyUSB's device examples.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile N files at a time")
    parser.add_argument("--check", action="store_true", help="build nothing; 1 if there was something to build")
    parser.add_argument("--again", action="store_true", help="ask the archive again for what it did not have")
    options = parser.parse_args(arguments)
    try:
        if options.jobs < 1:
            raise UsageError("--jobs: at least one")
        where = layout(firmware, os.environ)
        named = os.environ.get(VARIABLE, "")
        origin: Origin = _checkout(named) if named else pinned(where.firmware / "examples.toml")
        return _build(where, origin, options.jobs, check=options.check, again=options.again)
    except FirmwareError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was finished before is kept", file=sys.stderr)
        return INTERRUPTED


def _checkout(named: str) -> Checkout:
    folder = Path(named).expanduser().absolute()
    lacking = lacks(folder)
    if lacking:
        raise UsageError(f"{VARIABLE}: {folder} has no {lacking}: it takes a checkout of TinyUSB")
    return Checkout(folder)


def _build(where: Layout, origin: Origin, jobs: int, *, check: bool, again: bool) -> int:
    sdk = where.sources / "pico-sdk"
    if not (sdk / "pico_sdk_init.cmake").is_file():
        raise UsageError(f"there is no pico-sdk in {sdk}: build the other firmware first (firmware/build.py)")
    chain = toolchain.identity()
    if chain is None:
        raise ToolMissing(f"{toolchain.COMPILER} does not run")
    inputs = _inputs(where, origin, sdk)
    if is_current(where, inputs, chain):
        print(f"TinyUSB's examples: up to date ({len(finished(where))})")
        return 0
    if check:
        print("TinyUSB's examples: to build")
        return 1
    report = Report()
    out = where.out / FOLDER
    where.logs.mkdir(parents=True, exist_ok=True)
    with locked(where.lock, report), (where.logs / "tinyusb.log").open("w", encoding="utf-8") as log:
        where.prepare()
        try:
            source = origin.fetch(where, report, log, again=again)
        except NotToBeHad as reason:
            write_atomically(out / LEFT_OUT, f"{reason}".encode())
            print(f"TinyUSB's examples are left out: {reason}; {VARIABLE} names a checkout to take in its place")
            return 0
        remove(out)
        folder = where.objects / FOLDER
        begun = folder / RECORD  # what an interrupted build has compiled is used by the next one of the same inputs
        made_of = json.dumps([inputs, chain, str(source)])
        if not begun.is_file() or begun.read_text(encoding="utf-8") != made_of:
            remove(folder)
            write_atomically(begun, made_of.encode())
        failure = _compile(where, source, sdk, jobs, report, log)
        names = _compiled(where)
        record = {
            "inputs": inputs,
            "source": origin.said(),
            "versions": {"tinyusb": version(source)},
            "toolchain": chain,
        }
        for name in names:
            image.publish(out, name, where.objects / FOLDER / name, record, stem=name)
        if failure:
            write_atomically(out / LEFT_OUT, f"they do not all compile: {str(failure).splitlines()[0]}".encode())
            raise failure
        write_atomically(out / RECORD, json.dumps({"inputs": inputs, "toolchain": chain, "names": names}).encode())
    print(f"TinyUSB's examples: built ({len(names)})")
    return 0


def _compile(where: Layout, source: Path, sdk: Path, jobs: int, report: Report, log: TextIO) -> FirmwareError | None:
    """Compile what can be; what went wrong with the rest."""
    folder = where.objects / FOLDER
    flags = shlex.join(
        f"-ffile-prefix-map={path}={MAPPED_ROOT}/{name}" for path, name in ((where.work, "build"), (source, FOLDER))
    )
    environment = clean_environment(CFLAGS=flags, CXXFLAGS=flags, SOURCE_DATE_EPOCH="0")
    settings = {
        "FAMILY": "rp2040",
        "BOARD": "raspberry_pi_pico",
        "PICO_SDK_PATH": sdk,
        VARIABLE: source,
        "PICO_NO_PICOTOOL": "1",
        "Python3_EXECUTABLE": sys.executable,
    }
    definitions = [f"-D{name}={value}" for name, value in settings.items()]
    configure: Command = ["cmake", "-S", source / EXAMPLES, "-B", folder, "-G", "Ninja", *definitions]
    try:
        with report.stage("tinyusb: cmake"):
            run(configure, log=log, environment=environment)
        with report.stage("tinyusb: compile"):
            run(["ninja", "-k0", "-C", folder, f"-j{jobs}"], log=log, environment=environment)
    except FirmwareError as failure:
        return failure
    return None


def _compiled(where: Layout) -> list[str]:
    found = (where.objects / FOLDER).glob("*/*.elf")
    return sorted(path.stem for path in found if path.stem == path.parent.name and path.with_suffix(".bin").is_file())


def finished(where: Layout) -> list[str]:
    """The examples that are built."""
    return sorted(path.stem for path in (where.out / FOLDER).glob("*.uf2"))


def is_current(where: Layout, inputs: str, chain: dict[str, str]) -> bool:
    """Whether all examples of exactly these inputs are there."""
    out = where.out / FOLDER
    try:
        names = json.loads((out / RECORD).read_bytes())["names"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(names) and all(image.is_current(out, name, inputs, chain) for name in names)


def version(folder: Path) -> str:
    """The version that the sources state."""
    text = (folder / "src" / "tusb_option.h").read_text(encoding="utf-8", errors="replace")
    numbers = re.findall(r"#define TUSB_VERSION_(?:MAJOR|MINOR|REVISION)\s+\(?(\d+)", text)
    return ".".join(numbers)


def lacks(folder: Path) -> str:
    """What the examples cannot be built without and is not there; empty if everything is."""
    return next((path.as_posix() for path in NEEDED if not (folder / path).is_file()), "")


def _inputs(where: Layout, origin: Origin, sdk: Path) -> str:
    """The hash of everything that goes into them but the tool chain."""
    digest = hashlib.sha256(f"{sdk}\0".encode())
    for path in (where.firmware / "examples.py", where.firmware / "uf2.py", where.pins):  # which pico-sdk
        digest.update(f"{path.name}\0{sha256(path)}\n".encode())
    for part in origin.identity():
        digest.update(f"{part}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _read_files(checkout: Path) -> Iterable[Path]:
    yield from (path for path in sorted((checkout / "hw" / "bsp").glob("*.*")) if path.is_file())
    for name in READ:
        if (checkout / name).is_dir():
            yield from files_under(checkout / name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_like_interrupted)
    sys.exit(main(sys.argv[1:]))

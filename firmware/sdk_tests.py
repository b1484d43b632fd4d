#!/usr/bin/env python3
"""Build tests of the pico-sdk's own that use both cores, as Raspberry Pi has written them.

    python3 firmware/sdk_tests.py [--jobs N] [--check]

Which, and of what, is in firmware/sdk_tests.toml: Debian's source package of the pico-sdk is downloaded once, verified,
and built by its own CMake files, with the TinyUSB that MicroPython's build has unpacked. The images go to
firmware/build/out/pico-sdk. Exit codes: 0 built or up to date, 1 the build failed, 2 wrong usage, 3 a tool is missing.
"""

import argparse
import hashlib
import os
import signal
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fwbuild import download, image, toolchain
from fwbuild.apt import Apt
from fwbuild.cli import FIRMWARE, INTERRUPTED, end_like_interrupted
from fwbuild.command import Command, clean_environment, run
from fwbuild.compiling import MAPPED_ROOT
from fwbuild.errors import FirmwareError, ToolMissing, UsageError
from fwbuild.files import remove, sha256
from fwbuild.layout import Layout, layout
from fwbuild.lock import locked
from fwbuild.pins import Package
from fwbuild.report import Report

FOLDER = "pico-sdk"
OBJECTS = "pico-sdk-tests"


@dataclass(frozen=True, slots=True)
class Pinned:
    """What firmware/sdk_tests.toml says."""

    suite: str
    programs: tuple[str, ...]
    package: Package


def pinned(path: Path) -> Pinned:
    """Read it."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return Pinned(content["suite"], tuple(content["programs"]), Package(**content["package"]))


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; the exit code."""
    parser = argparse.ArgumentParser(description="Build tests of the pico-sdk's own that use both cores.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile N files at a time")
    parser.add_argument("--check", action="store_true", help="build nothing; 1 if there was something to build")
    options = parser.parse_args(arguments)
    try:
        if options.jobs < 1:
            raise UsageError("--jobs: at least one")
        return _build(layout(FIRMWARE, os.environ), options.jobs, check=options.check)
    except FirmwareError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was finished before is kept", file=sys.stderr)
        return INTERRUPTED


def _build(where: Layout, jobs: int, *, check: bool) -> int:
    wanted = pinned(where.firmware / "sdk_tests.toml")
    tinyusb = where.sources / "tinyusb"
    if not (tinyusb / "src" / "tusb.h").is_file():
        raise UsageError(f"there is no TinyUSB in {tinyusb}: build the other firmware first (firmware/build.py)")
    chain = toolchain.identity()
    if chain is None:
        raise ToolMissing(f"{toolchain.COMPILER} does not run")
    inputs = _inputs(where)
    out = where.out / FOLDER
    if all(image.is_current(out, name, inputs, chain) for name in wanted.programs):
        print(f"the pico-sdk's own tests: up to date ({len(wanted.programs)})")
        return 0
    if check:
        print("the pico-sdk's own tests: to build")
        return 1
    report = Report()
    with locked(where.lock, report), (where.logs / f"{OBJECTS}.log").open("w", encoding="utf-8") as log:
        where.prepare()
        if download.missing((wanted.package,), where.downloads):
            with report.stage(f"{wanted.package.name}: download"):
                apt = Apt(where.apt, wanted.suite, log)
                try:
                    apt.update()
                    download.download(wanted.package, where.downloads, apt.download)
                finally:
                    remove(where.apt)
        objects = where.objects / OBJECTS
        remove(objects)
        source = objects / wanted.package.inside
        with tarfile.open(where.downloads / wanted.package.file) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # its SHA-256 was verified
            archive.extractall(objects)
        flags = f"-ffile-prefix-map={objects}={MAPPED_ROOT}/{FOLDER} -ffile-prefix-map={where.work}={MAPPED_ROOT}/build"
        environment = clean_environment(CFLAGS=flags, CXXFLAGS=flags, SOURCE_DATE_EPOCH="0")
        settings = {
            "PICO_BOARD": "pico",
            "PICO_NO_PICOTOOL": "1",
            "PICO_SDK_TESTS_ENABLED": "1",
            "PICO_TINYUSB_PATH": tinyusb,
            "Python3_EXECUTABLE": sys.executable,
        }
        definitions = [f"-D{name}={value}" for name, value in settings.items()]
        configure: Command = ["cmake", "-S", source, "-B", objects / "build", "-G", "Ninja", *definitions]
        with report.stage(f"{OBJECTS}: cmake"):
            run(configure, log=log, environment=environment)
        with report.stage(f"{OBJECTS}: compile"):
            run(["ninja", "-C", objects / "build", f"-j{jobs}", *wanted.programs], log=log, environment=environment)
        record = {
            "inputs": inputs,
            "source": f"Debian {wanted.suite}: {wanted.package.name} {wanted.package.version}",
            "versions": {"pico-sdk": wanted.package.version.partition("-")[0]},
            "toolchain": chain,
        }
        for name in wanted.programs:
            elf = next((objects / "build" / "test").rglob(f"{name}.elf"))
            image.publish(out, name, elf.parent, record, stem=name)
    print(f"the pico-sdk's own tests: built ({len(wanted.programs)})")
    return 0


def _inputs(where: Layout) -> str:
    """The hash of everything that goes into them but the tool chain."""
    digest = hashlib.sha256()
    for name in ("sdk_tests.py", "sdk_tests.toml", "uf2.py"):
        digest.update(f"{name}\0{sha256(where.firmware / name)}\n".encode())
    digest.update(sha256(where.pins).encode())  # which TinyUSB
    return digest.hexdigest()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_like_interrupted)
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Build TinyUSB's own device examples for the Pico, from a checkout that PICO_TINYUSB_PATH names.

    PICO_TINYUSB_PATH=~/src/tinyusb python3 firmware/examples.py [--jobs N] [--check]

The variable is the pico-sdk's own. Debian's package of TinyUSB has the stack without the examples, so they come from
somebody's checkout, with the pico-sdk that MicroPython's build has unpacked. They are built by their own CMake files,
all that this TinyUSB builds for the Pico; the images go to firmware/build/out/tinyusb. Without the variable, nothing is
done. Exit codes: 0 built, up to date or not asked for, 1 the build failed, 2 wrong usage, 3 a tool is missing.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from fwbuild import image, toolchain
from fwbuild.cli import FIRMWARE, INTERRUPTED, end_like_interrupted
from fwbuild.command import Command, clean_environment, run
from fwbuild.compiling import MAPPED_ROOT
from fwbuild.errors import FirmwareError, ToolMissing, UsageError
from fwbuild.files import files_under, remove, sha256, write_atomically
from fwbuild.layout import Layout, layout
from fwbuild.lock import locked
from fwbuild.report import Report

VARIABLE = "PICO_TINYUSB_PATH"
FOLDER = "tinyusb"
EXAMPLES = Path("examples") / "device"
READ = ("src", "lib/networking", "lib/lwip/src", "lib/SEGGER_RTT", "hw/bsp/rp2040", EXAMPLES.as_posix())
"""What the examples are made of, beside the files that lie directly in hw/bsp."""
RECORD = "renode-pico-configured.json"


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; the exit code."""
    parser = argparse.ArgumentParser(description="Build TinyUSB's device examples from $PICO_TINYUSB_PATH.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile N files at a time")
    parser.add_argument("--check", action="store_true", help="build nothing; 1 if there was something to build")
    options = parser.parse_args(arguments)
    where = layout(FIRMWARE, os.environ)
    try:
        named = os.environ.get(VARIABLE, "")
        if not named:
            print(f"TinyUSB's examples are left out: {VARIABLE} names no checkout of TinyUSB")
            return 0
        checkout = Path(named).expanduser().absolute()
        if not (checkout / EXAMPLES / "CMakeLists.txt").is_file():
            raise UsageError(f"{VARIABLE}: {checkout} has no {EXAMPLES}: it takes a checkout of TinyUSB")
        if options.jobs < 1:
            raise UsageError("--jobs: at least one")
        return _build(where, checkout, options.jobs, check=options.check)
    except FirmwareError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was finished before is kept", file=sys.stderr)
        return INTERRUPTED


def _build(where: Layout, checkout: Path, jobs: int, *, check: bool) -> int:
    sdk = where.sources / "pico-sdk"
    if not (sdk / "pico_sdk_init.cmake").is_file():
        raise UsageError(f"there is no pico-sdk in {sdk}: build the other firmware first (firmware/build.py)")
    chain = toolchain.identity()
    if chain is None:
        raise ToolMissing(f"{toolchain.COMPILER} does not run")
    inputs = _inputs(where, checkout, sdk)
    if is_current(where, inputs, chain):
        print(f"TinyUSB's examples: up to date ({len(finished(where))})")
        return 0
    if check:
        print("TinyUSB's examples: to build")
        return 1
    report = Report()
    with locked(where.lock, report), (where.logs / "tinyusb.log").open("w", encoding="utf-8") as log:
        folder = where.objects / FOLDER
        remove(folder)
        flags = shlex.join(
            f"-ffile-prefix-map={path}={MAPPED_ROOT}/{name}"
            for path, name in ((checkout, FOLDER), (where.root, "build"))
        )
        environment = clean_environment(CFLAGS=flags, CXXFLAGS=flags, SOURCE_DATE_EPOCH="0")
        settings = {
            "FAMILY": "rp2040",
            "BOARD": "raspberry_pi_pico",
            "PICO_SDK_PATH": sdk,
            VARIABLE: checkout,
            "PICO_NO_PICOTOOL": "1",
            "Python3_EXECUTABLE": sys.executable,
        }
        definitions = [f"-D{name}={value}" for name, value in settings.items()]
        configure: Command = ["cmake", "-S", checkout / EXAMPLES, "-B", folder, "-G", "Ninja", *definitions]
        with report.stage("tinyusb: cmake"):
            run(configure, log=log, environment=environment)
        with report.stage("tinyusb: compile"):
            run(["ninja", "-C", folder, f"-j{jobs}"], log=log, environment=environment)
        names = sorted(path.stem for path in folder.glob("*/*.elf") if path.stem == path.parent.name)
        out = where.out / FOLDER
        remove(out)
        for name in names:
            record = {
                "inputs": inputs,
                "source": f"TinyUSB {version(checkout)} ({VARIABLE})",
                "versions": {"tinyusb": version(checkout)},
                "toolchain": chain,
            }
            image.publish(out, name, folder / name, record, stem=name)
        write_atomically(out / RECORD, json.dumps({"inputs": inputs, "toolchain": chain, "names": names}).encode())
    print(f"TinyUSB's examples: built ({len(names)})")
    return 0


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


def version(checkout: Path) -> str:
    """The version that the sources state."""
    text = (checkout / "src" / "tusb_option.h").read_text(encoding="utf-8", errors="replace")
    numbers = re.findall(r"#define TUSB_VERSION_(?:MAJOR|MINOR|REVISION)\s+\(?(\d+)", text)
    return ".".join(numbers)


def _inputs(where: Layout, checkout: Path, sdk: Path) -> str:
    digest = hashlib.sha256(f"{checkout}\0{sdk}\0".encode())
    for path in _read_files(where, checkout):
        digest.update(f"{path}\0{sha256(path)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _read_files(where: Layout, checkout: Path) -> Iterable[Path]:
    yield where.firmware / "examples.py"
    yield where.firmware / "uf2.py"
    yield where.pins  # which pico-sdk
    yield from (path for path in sorted((checkout / "hw" / "bsp").glob("*.*")) if path.is_file())
    for name in READ:
        if (checkout / name).is_dir():
            yield from files_under(checkout / name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_like_interrupted)
    sys.exit(main(sys.argv[1:]))

"""Boot each image that the build makes on each engine there is, and write docs/firmware-that-runs.md.

    python tools/firmware_that_runs.py [--engine embedded|renode ...] [--image NAME ...] [--check]

Each is enumerated by a strict host; what functions its class drivers find is what the page says of it. Emulated time is
the same in every run; processor seconds are this machine's. --check writes nothing and fails where one does not run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from renode_pico.board import Board
from renode_pico.errors import RenodePicoError, UsageError
from renode_pico.usb.classes.cdc import cdc_ports
from renode_pico.usb.device import Device

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "firmware" / "build" / "out"
PAGE = ROOT / "docs" / "firmware-that-runs.md"
EXAMPLES = "tinyusb"
IDLE = 0.5
"""Emulated seconds over which the processor time is taken, the device configured and left alone."""
HEAD = """# Firmware that runs

Written by `python tools/firmware_that_runs.py`: each image with a USB device that the build makes, booted, plugged in,
enumerated by a strict host (no lie forgiven, one attempt), looked at by the class drivers ([host.md](host.md)). What
its functions do is in the suites, `tests/system`. `firmware/chip/usb_*` are made of TinyUSB's stack as Debian's
`tinyusb-source` has it. `tinyusb/*` are TinyUSB's own examples, built by their own CMake files from Debian's source
package or a checkout ([firmware.md](firmware.md)); they do their jobs in `tests/system/foreign`.

| image | from | engine | found | enumerated after, emulated | processor seconds per emulated second, idle |
|---|---|---|---|---|---|
"""
WITHOUT_USB = ("board_test",)
"""Examples of TinyUSB's that are no USB device."""
DRIVERS: dict[str, Callable[[Device], str]] = {
    "serial ports": lambda device: str(len(cdc_ports(device)) or ""),
    "HID": lambda device: f"{device.hid.application:#x}",
    "mass storage": lambda device: f"{device.msc.disk.block_count} blocks",
    "MIDI": lambda device: str(device.midi.interface.bInterfaceNumber),
    "DFU": lambda device: "runtime" if device.dfu.runtime else "loader",
    "USBTMC": lambda device: "USB488" if device.usbtmc.usb488 else "plain",
    "Ethernet": lambda device: "NCM" if device.net.ncm else "ECM",
    "audio": lambda device: f"UAC{device.audio.version}, {device.audio.rate()} Hz",
    "video": lambda device: ", ".join(f"{each.fourcc} {each.width}x{each.height}" for each in device.video.formats),
    "WebUSB": lambda device: device.platform.landing_page(),
}


def images() -> list[tuple[str, str]]:
    """Name and origin of each image that has a USB device."""
    found = [("cdc", "MicroPython"), ("uart-cdc", "MicroPython")]
    programs = sorted(path.parent.name for path in (ROOT / "firmware" / "chip").glob("*/tusb_config.h"))
    return found + [(f"chip/{name}", "TinyUSB") for name in programs]


def examples() -> list[tuple[str, str]]:
    """The same of TinyUSB's device examples, where they are built."""
    built = sorted(path.stem for path in (OUT / EXAMPLES).glob("*.uf2"))
    return [(f"{EXAMPLES}/{name}", "TinyUSB") for name in built if name not in WITHOUT_USB]


def lines(wanted: Callable[[str], bool]) -> list[str]:
    """What the page says now of the images whose names are `wanted`."""
    found = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [line for line in found if wanted(line.split("`")[1])]


def version(name: str, origin: str) -> str:
    """The version of what an image is made of, from the build's record beside it."""
    record = json.loads((OUT / f"{name}.json").read_text())
    versions = record.get("versions", {})
    if origin == "MicroPython":
        return f"MicroPython {versions['micropython']}"
    if name.startswith(f"{EXAMPLES}/"):
        return f"TinyUSB {versions['tinyusb']}, its example"
    package = next(part for part in record["source"].split(", ") if "tinyusb" in part)
    return f"TinyUSB {package.rpartition(' ')[2]}"


def functions(device: Device) -> str:
    """What the class drivers find."""
    found = []
    for name, look in DRIVERS.items():
        try:
            value = look(device)
        except UsageError:
            continue
        if value:
            found.append(f"{name} ({value})")
    return ", ".join(found) or "vendor-specific"


def row(name: str, origin: str, engine: str) -> str:
    """One line of the page. Raises what goes wrong."""
    with Board(name, engine=engine, temper="strict") as board:  # type: ignore[arg-type]
        device = board.enumerate()
        enumerated = board.engine.now
        found = functions(device)
        begun = time.process_time()
        board.engine.run(IDLE)
        cost = (time.process_time() - begun) / IDLE
    return f"| `{name}` | {version(name, origin)} | {engine} | {found} | {1000 * enumerated:.0f} ms | {cost:.2g} |"


def row_of_a_process(name: str, origin: str, engine: str) -> str:
    """The same from a process of its own, as each of Renode's boards costs the next one."""
    command = [sys.executable, __file__, "--row", name, origin, engine]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RenodePicoError(f"{name} on {engine}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Write the page, or one row; the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/firmware-that-runs.md.")
    parser.add_argument("--engine", action="append", choices=["embedded", "renode"])
    parser.add_argument("--image", action="append", metavar="NAME", help="only this one; the page's other lines stay")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--row", nargs=3, metavar=("IMAGE", "FROM", "ENGINE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.row:
        print(row(*options.row))
        return 0
    everything = images() + examples()
    chosen = [each for each in everything if not options.image or each[0] in options.image]
    rows, failures = [], []
    for name, origin in chosen:
        for engine in options.engine or ["embedded", "renode"]:
            try:
                rows.append(row_of_a_process(name, origin, engine))
                print(rows[-1], flush=True)
            except RenodePicoError as error:
                failures.append(str(error))
                print(error, file=sys.stderr)
    done = {name for name, _ in chosen}
    # TinyUSB's examples are not on every machine.
    known = {name for name, _ in everything}
    rows += lines(lambda name: name not in done and (name in known or name.startswith(f"{EXAMPLES}/")))
    order = [name for name, _ in images()]
    rows.sort(key=lambda line: ((order.index(name) if (name := line.split("`")[1]) in order else len(order)), name))
    if not options.check and not failures:
        PAGE.write_text(HEAD + "\n".join(rows) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

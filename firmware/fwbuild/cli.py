"""The command line: what is asked for, in which order it is done, and the exit code.

0 built or up to date, 1 the build failed, 2 wrong usage, 3 a tool is missing, 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from fwbuild import checkout, fingerprint, image, pins, toolchain, unpack, variants
from fwbuild.errors import FirmwareError, UsageError
from fwbuild.layout import CACHE_VARIABLE, Layout, layout
from fwbuild.report import Report
from fwbuild.tree import SourceTree
from fwbuild.variants import Variant

FIRMWARE = Path(__file__).resolve().parent.parent
INTERRUPTED = 130


def main(arguments: Sequence[str], firmware: Path = FIRMWARE) -> int:
    """Do what the command line asks; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _act(options, firmware)
    except FirmwareError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was finished before is kept", file=sys.stderr)
        return INTERRUPTED


def _act(options: argparse.Namespace, firmware: Path) -> int:
    where = layout(firmware, os.environ, options.out)
    wanted = variants.load(where.variants, options.variants)
    pinned = pins.load(where.pins)
    folder = options.micropython or os.environ.get("MICROPYTHON_DIR")
    tree = checkout.source_tree(Path(folder), where) if folder else unpack.source_tree(where, pinned)
    if options.print_paths:
        return _print_paths(where, tree, wanted)
    if options.jobs < 1:
        raise UsageError("--jobs: at least one")
    current = _up_to_date(where, tree, wanted)
    if options.check:
        return _check(where, wanted, current)
    if len(current) < len(wanted):
        from fwbuild import pipeline  # what only a build needs is not loaded to say that there is none

        pipeline.Pipeline(where, tree, pinned if not folder else None, options.jobs, Report()).build(wanted)
        return 0
    _print_states(where, wanted, dict.fromkeys(current, "up to date"))
    return 0


def _up_to_date(where: Layout, tree: SourceTree, wanted: list[Variant]) -> list[str]:
    chain = toolchain.identity()
    return [
        variant.name
        for variant in wanted
        if image.is_current(where.out, variant.name, fingerprint.inputs(where, tree, variant), chain)
    ]


def _check(where: Layout, wanted: list[Variant], current: list[str]) -> int:
    _print_states(where, wanted, {name.name: "up to date" if name.name in current else "to build" for name in wanted})
    return 0 if len(current) == len(wanted) else 1


def _print_states(where: Layout, wanted: list[Variant], states: dict[str, str]) -> None:
    for variant in wanted:
        print(image.state_line(where.out, variant.name, states[variant.name]))


def _print_paths(where: Layout, tree: SourceTree, wanted: list[Variant]) -> int:
    named = {
        "micropython": tree.micropython,
        "pico-sdk": tree.pico_sdk,
        "hardware_regs": tree.hardware_regs,
        "tinyusb": tree.tinyusb,
        "downloads": where.downloads,
        "objects": where.objects,
        "logs": where.logs,
        "out": where.out,
    }
    for variant in wanted:
        named |= {path.name: path for path in image.paths(where.out, variant.name).values()}
    for name, path in named.items():
        print(f"{name:<14} {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py",
        description="Build MicroPython for the Raspberry Pi Pico, as the variants in firmware/variants/.",
        epilog=f"Everything generated goes to firmware/build/, or to $${CACHE_VARIABLE}/firmware. "
        "Exit codes: 0 built or up to date, 1 the build failed, 2 wrong usage, 3 a tool is missing.".replace("$$", "$"),
    )
    parser.add_argument("--variants", nargs="*", metavar="NAME", help="which to build (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile N files at a time")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the images go (default: firmware/build/out)")
    parser.add_argument("--micropython", metavar="DIR", help="build this MicroPython checkout (or: MICROPYTHON_DIR)")
    parser.add_argument("--print-paths", action="store_true", help="say where everything is, build nothing")
    parser.add_argument("--check", action="store_true", help="say what would be built, build nothing; 1 if anything")
    return parser


def end_like_interrupted(_signal: int, _frame: FrameType | None) -> None:
    """A signal handler: what Ctrl-C does, so that programs being run are ended too."""
    raise KeyboardInterrupt

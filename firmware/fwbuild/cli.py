"""The command line: what is asked for, in which order it is done, and the exit code.

0 built or up to date, 1 the build failed, 2 wrong usage, 3 a tool is missing, 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from fwbuild import checkout, chip, fingerprint, image, pins, toolchain, unpack, variants
from fwbuild.errors import FirmwareError, UsageError
from fwbuild.layout import CACHE_VARIABLE, Layout, editions, layout
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
    if options.edition and options.edition not in editions(firmware):
        raise UsageError(f"no such edition: {options.edition}; there are: {', '.join(editions(firmware))}")
    where = layout(firmware, os.environ, options.out, options.edition)
    both = options.variants is None and options.chip is None and not options.edition
    every = both or options.variants is not None or options.edition
    wanted = variants.load(where.variants, options.variants) if every else []
    programs = chip.choose(where.chip, options.chip) if both or options.chip is not None else []
    pinned = pins.load(where.pins)
    folder = options.micropython or ("" if options.edition else os.environ.get("MICROPYTHON_DIR"))
    if options.edition and (options.micropython or options.chip is not None):
        raise UsageError("--edition is a pinned MicroPython: it goes with neither --micropython nor --chip")
    tree = checkout.source_tree(Path(folder), where) if folder else unpack.source_tree(where, pinned)
    if options.print_paths:
        return _print_paths(where, tree, wanted, programs)
    if options.jobs < 1:
        raise UsageError("--jobs: at least one")
    states = _states(where, tree, wanted, programs)
    if options.check:
        _print_states(states)
        return 0 if all(current for _, _, current in states) else 1
    if not all(current for _, _, current in states):
        from fwbuild import pipeline  # what only a build needs is not loaded to say that there is none

        pipeline.Pipeline(where, tree, pinned if not folder else None, options.jobs, Report()).build(wanted, programs)
        return 0
    _print_states(states)
    return 0


def _states(
    where: Layout, tree: SourceTree, wanted: list[Variant], programs: list[str]
) -> list[tuple[Path, str, bool]]:
    """For each image: the folder it goes to, its name, and whether it is up to date."""
    chain = toolchain.identity()
    inputs = [(where.out, variant.name, fingerprint.inputs(where, tree, variant)) for variant in wanted]
    inputs += [(chip.out(where), name, chip.inputs(where, tree, name)) for name in programs]
    return [(out, name, image.is_current(out, name, made_of, chain)) for out, name, made_of in inputs]


def _print_states(states: list[tuple[Path, str, bool]]) -> None:
    for out, name, current in states:
        print(image.state_line(out, name, "up to date" if current else "to build"))


def _print_paths(where: Layout, tree: SourceTree, wanted: list[Variant], programs: list[str]) -> int:
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
    for program in programs:
        named |= {f"{chip.FOLDER}/{path.name}": path for path in image.paths(chip.out(where), program).values()}
    for name, path in named.items():
        print(f"{name:<14} {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py",
        description="Build MicroPython for the Raspberry Pi Pico, as the variants in firmware/variants/, and the C "
        "programs in firmware/chip/. With --variants or --chip, only what it names.",
        epilog=f"Everything generated goes to firmware/build/, or to $${CACHE_VARIABLE}/firmware. "
        "Exit codes: 0 built or up to date, 1 the build failed, 2 wrong usage, 3 a tool is missing.".replace("$$", "$"),
    )
    parser.add_argument("--variants", nargs="*", metavar="NAME", help="variants to build (default: all)")
    parser.add_argument("--chip", nargs="*", metavar="NAME", help="C programs to build (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile N files at a time")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the images go (default: firmware/build/out)")
    parser.add_argument("--micropython", metavar="DIR", help="build this MicroPython checkout (or: MICROPYTHON_DIR)")
    parser.add_argument(
        "--edition", default="", metavar="VERSION", help="another pinned MicroPython: sources-VERSION.toml"
    )
    parser.add_argument("--print-paths", action="store_true", help="say where everything is, build nothing")
    parser.add_argument("--check", action="store_true", help="say what would be built, build nothing; 1 if anything")
    return parser


def end_like_interrupted(_signal: int, _frame: FrameType | None) -> None:
    """A signal handler: what Ctrl-C does, so that programs being run are ended too."""
    raise KeyboardInterrupt

"""The core in C against unicorn (QEMU) with random programs that take exceptions: the same end, registers and memory.

    python tools/fuzz_core.py [--programs N] [--first SEED]

Each program has a seed of its own, so a difference is repeated by `--programs 1 --first SEED`. What they are made of,
and which part of the oracle is unicorn's: `tests/unit/core/exception_programs.py`. Exit codes: 0 no difference, 1 one
was found (its seed is printed), 2 the command line makes no sense.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.unit.core.exception_programs import Comparison

REPORT_EACH = 10_000


def main() -> int:
    """Run the programs of consecutive seeds until one of them differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    options = parser.parse_args()
    if options.programs < 1:
        parser.error("--programs: at least one")
    comparison = Comparison()
    begin = time.monotonic()
    for done in range(options.programs):
        difference = comparison.difference(options.first + done)
        if difference:
            print(f"seed {options.first + done}: {difference}")
            return 1
        if (done + 1) % REPORT_EACH == 0:
            print(f"{done + 1} programs, {time.monotonic() - begin:.0f} s", flush=True)
    last = options.first + options.programs - 1
    taken = ", ".join(f"{count} {name}" for name, count in comparison.taken.items())
    print(f"{options.programs} programs, seeds {options.first} to {last}, no difference; taken: {taken}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

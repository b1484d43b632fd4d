"""The core in C under AddressSanitizer and UBSan, with random memories, registers, interrupts and accesses.

    python tools/sanitize.py [--runs N] [--seed N]

Exit codes: 0 clean, 1 something was found (the report and its seed are printed), 3 no compiler with sanitizers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from renode_pico.core.build import HERE, compiler, units

HARNESS = Path(__file__).resolve().parent.parent / "tests" / "sanitize" / "fuzz_core.c"
FLAGS = (
    "-std=gnu11", "-O1", "-g", "-fno-strict-aliasing", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip


def main() -> int:
    """Compile the harness and run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    command = compiler()
    if command is None:
        print("a C compiler is needed: apt-get install gcc", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "fuzz_core"
        built = subprocess.run([*command, *FLAGS, f"-I{HERE}", "-o", str(program), str(HARNESS), *units()], check=False)
        if built.returncode:
            print(f"{command[0]} cannot build it with its sanitizers", file=sys.stderr)
            return 3
        done = subprocess.run([str(program), str(options.seed), str(options.runs)], check=False)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m renode_pico.renode_models`: prepare `build/renode/` and print what was made."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from renode_pico.errors import RenodePicoError
from renode_pico.renode_models.assembly import prepare
from renode_pico.renode_models.installation import find_renode


def main(arguments: list[str] | None = None) -> int:
    """Prepare `build/renode/`; 0 when it is ready, else the error's own exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m renode_pico.renode_models",
        description="Compile the RP2040's models for the installed Renode and extract the boot ROM, into build/renode.",
    )
    parser.add_argument(
        "--renode", metavar="LAUNCHER", help="the renode to compile for (default: $RENODE, else the one on the path)"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="another directory than build/renode")
    options = parser.parse_args(arguments)
    try:
        made = prepare(renode=find_renode(options.renode), output=options.output)
    except RenodePicoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"boot ROM: {made.boot_rom}")
    if made.assembly is None:
        print(f"models:   {made.note}")
    else:
        print(f"models:   {made.assembly} ({'compiled' if made.compiled else 'up to date'})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

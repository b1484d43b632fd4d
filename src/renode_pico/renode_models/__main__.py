"""`python -m renode_pico.renode_models`: compile the models ahead of the first start, and print what was made."""

from __future__ import annotations

import argparse
import sys

from renode_pico.errors import RenodePicoError
from renode_pico.renode_models.assembly import prepare
from renode_pico.renode_models.installation import find_renode


def main(arguments: list[str] | None = None) -> int:
    """Prepare the cache; 0 when it is ready, else the error's own exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m renode_pico.renode_models",
        description="Compile the RP2040's models for the installed Renode and extract the boot ROM, into the cache.",
    )
    parser.add_argument(
        "--renode", metavar="LAUNCHER", help="the renode to compile for (default: the one that is found)"
    )
    options = parser.parse_args(arguments)
    try:
        installation = find_renode(options.renode)
        made = prepare(renode=installation)
    except RenodePicoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"Renode:   {installation.describe()}, named by {installation.named_by}")
    print(f"boot ROM: {made.boot_rom}")
    if made.assembly is None:
        print(f"models:   {made.note}")
    else:
        print(f"models:   {made.assembly} ({'compiled' if made.compiled else 'up to date'})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

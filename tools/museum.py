"""Print the museum: exhibit, engine, and what became of the device with the fault and without (`make museum`)."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from renode_pico.engine.select import ENGINES, probe  # noqa: E402
from tests.system.museum import EXHIBITS, WORKS, outcome  # noqa: E402


def main() -> int:
    """The table; 1 when an exhibit is not what it claims to be."""
    good = True
    print(f"{'exhibit':<24} {'engine':<9} {'verdict':<8} with the fault")
    for engine in ENGINES:
        found = probe(engine, ask_version=False)
        if not found.available:
            print(f"{'(all)':<24} {engine:<9} {'skipped':<8} {found.advice}")
            continue
        for exhibit in EXHIBITS:
            faulty, mended = (outcome(exhibit, engine, faulty=fault) for fault in (True, False))
            passes = exhibit.fails in faulty and mended == WORKS
            good = good and passes
            print(f"{exhibit.name:<24} {engine:<9} {'pass' if passes else 'FAIL':<8} {_short(faulty)}", flush=True)
            if mended != WORKS:
                print(f"{'':<43} mended: {_short(mended)}")
    return 0 if good else 1


def _short(text: str) -> str:
    return text if len(text) <= 110 else f"... {text[-106:]}"


if __name__ == "__main__":
    sys.exit(main())

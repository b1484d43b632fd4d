"""From the start of a Renode process to MicroPython's prompt over USB: cold, and from a saved state; part by part.

    python bench/start.py [--runs 5]

Used by bench.py. The time counts when the line with the answer is there, not when the process has ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "bench"))

from measure import IMAGE, Row, show  # noqa: E402

from renode_pico.renode_models import find_renode, prepare  # noqa: E402

COLD_LIMIT = 4.5
SAVED_LIMIT = 2.5
LIMIT = 30
"""Seconds after which a Renode that says nothing is ended: at an error in a script it waits for a person."""

COLD = """\
echo "part: Renode itself"
include @{root}/renode/pico.py
pico_load_models @{root}/renode
echo "part: models"
$platform=@{root}/platforms/boards/rpi_pico_single.repl
$firmware=@{image}
include @{root}/renode/rpi_pico.resc
emulation SetGlobalAdvanceImmediately true
emulation CreateUsbHost "usb_host"
connector Connect sysbus.usb usb_host
usb_host Plug
echo "part: platform and image"
usb_host RunFor 0.3
echo "part: boot, enumeration, prompt"
sysbus.usb.cdc0 BytesReceived
"""
SAVE = "Save @{state}\n"
SAVED = """\
echo "part: Renode itself"
include @{root}/renode/pico.py
pico_load_models @{root}/renode
echo "part: models"
Load @{state}
mach set 0
emulation SetGlobalAdvanceImmediately true
echo "part: state"
sysbus.usb.cdc0 WriteLine "1"
usb_host RunFor 0.05
echo "part: an answer"
sysbus.usb.cdc0 BytesReceived
"""


def renode_process(script: str, folder: Path) -> dict[str, float]:
    """Run a script in a new Renode; when each part was done, seconds, and the number that its last command printed."""
    path = folder / "bench.resc"
    path.write_text(script + 'echo "part: end"\nquit\n')
    launcher = shutil.which("renode") or "renode"
    begin = time.monotonic()
    process = subprocess.Popen(
        [launcher, "--disable-xwt", "--console", "--plain", path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    watchdog = threading.Timer(LIMIT, os.killpg, (process.pid, 9))
    watchdog.start()
    parts: dict[str, float] = {}
    said = []
    try:
        assert process.stdout is not None
        for said_line in process.stdout:
            said.append(said_line)
            line = said_line.strip()  # 1.15 begins and ends its lines with carriage returns
            if line.startswith("part: "):
                parts[line.removeprefix("part: ").strip()] = time.monotonic() - begin
            elif line.startswith("0x"):
                parts["bytes"] = int(line, 16)
            if "end" in parts:
                break
    finally:
        watchdog.cancel()
        os.killpg(process.pid, 9)
        process.wait()
    if not parts.get("bytes"):
        raise SystemExit(f"Renode did not get to the prompt: {''.join(said)[-2000:]}")
    return parts


def median_parts(runs: list[dict[str, float]]) -> tuple[float, str]:
    """Seconds to the last part, and what each took by itself, of the run in the middle."""
    chosen = sorted(runs, key=lambda parts: parts["end"])[len(runs) // 2]
    before, texts = 0.0, []
    for name, when in chosen.items():
        if name not in ("end", "bytes"):
            texts.append(f"{name} {when - before:.2f}")
            before = when
    return statistics.median(parts["end"] for parts in runs), ", ".join(texts)


def start(title: str, runs: int) -> Row:
    """Cold, or from a saved state, beside the limit that we set."""
    prepare(renode=find_renode())
    with tempfile.TemporaryDirectory(prefix="pico-bench-") as name:
        folder = Path(name)
        words = {"root": ROOT, "image": IMAGE, "state": folder / "pico.save"}
        script, limit = COLD, COLD_LIMIT
        if title == "from a saved state":
            renode_process((COLD + SAVE).format(**words), folder)
            script, limit = SAVED, SAVED_LIMIT
        found = [renode_process(script.format(**words), folder) for _ in range(runs)]
    seconds, parts = median_parts(found)
    print(f"start of Renode to the prompt over USB, {title}, seconds: {parts}", flush=True)
    return Row(
        f"start of Renode to the prompt, {title}", seconds, limit, seconds / limit, 1.0, f"the limit of {limit:g} s"
    )


def measurements(runs: int) -> list[tuple[str, Callable[[], Row]]]:
    """What there is to measure, by name."""
    return [
        ("start-cold", lambda: start("cold", runs)),
        ("start-saved", lambda: start("from a saved state", runs)),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    rows = [measure() for _, measure in measurements(parser.parse_args().runs)]
    for row in rows:
        print(show(row))
    return 1 if any(row.ratio > row.limit for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

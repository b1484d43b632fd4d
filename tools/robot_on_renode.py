"""Run Robot suites on Renode, several at once; what is said goes to the terminal as it comes.

    python tools/robot_on_renode.py [--jobs N] [--renode-test PROGRAM] --results DIR SUITE ...

`renode-test -j` starts a Renode for each suite, whose first board costs as much as the next ten. Here each of N
processes of `renode-test` goes through a share of the suites with one Renode: boards are reset between tests, as ever.
The shares are made even by what each suite took last. Results and logs go to DIR/1, DIR/2 ...; the exit code is 0 when
every test of every share has passed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from renode_pico.places import cache, keep

PASSES = re.compile(r"\+{5} (Starting test|Finished test .* with status (\x1b\[\d+m)?OK)")
"""What `renode-test` says of each test; the suite's line is enough of those that pass."""
SUITE_ENDS = re.compile(r"Suite (\S+) (finished successfully|failed) in ([\d.]+) seconds")
SECONDS_A_TEST = 3.0
"""What a test is taken to last in a suite that has not been run yet."""


def tests_in(suite: Path) -> int:
    """How many test cases there are in a suite."""
    _, _, cases = suite.read_text(encoding="utf-8").partition("*** Test Cases ***")
    return len(re.findall(r"^(?!\*|#)\S", cases.partition("\n*** ")[0], re.MULTILINE))


def shares(seconds: Mapping[str, float], count: int) -> list[list[str]]:
    """Cut suites into at most `count` shares that last about as long as each other; the longest first in each."""
    cut: list[list[str]] = [[] for _ in range(min(count, len(seconds)))]
    for suite in sorted(seconds, key=lambda name: (-seconds[name], name)):
        min(cut, key=lambda share: sum(seconds[other] for other in share)).append(suite)
    return cut


def durations_file() -> Path:
    """Where what each suite took last is kept."""
    return cache() / "suite-seconds.json"


def known_durations() -> dict[str, float]:
    """What each suite took last."""
    try:
        return {str(name): float(seconds) for name, seconds in json.loads(durations_file().read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


class Share:
    """One process of `renode-test` and what it says."""

    def __init__(self, number: int, program: str, suites: Sequence[str], results: Path) -> None:
        self.number = number
        self.seconds: dict[str, float] = {}
        folder = results / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        # Renode's console spins on a standard input at end of file: it gets an idle pipe.
        self.process = subprocess.Popen(
            [program, "-r", str(folder), *suites],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(folder / "console.log",), daemon=True)
        self._reader.start()

    def _read(self, log: Path) -> None:
        assert self.process.stdout is not None
        with log.open("w", encoding="utf-8") as file:
            for line in self.process.stdout:
                file.write(line)
                if found := SUITE_ENDS.search(line):
                    self.seconds[found[1]] = float(found[3])
                if not PASSES.match(line):
                    print(f"{self.number}| {line}", end="", flush=True)

    def wait(self) -> int:
        """Its exit code, when it has ended and everything it said was printed."""
        code = self.process.wait()
        self._reader.join()
        return code


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--renode-test", default="renode-test", metavar="PROGRAM")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    parser.add_argument("suites", nargs="+", metavar="SUITE")
    options = parser.parse_args()
    known = known_durations()
    seconds = {suite: known.get(suite, SECONDS_A_TEST * tests_in(Path(suite))) for suite in options.suites}
    running = [
        Share(number, options.renode_test, suites, options.results)
        for number, suites in enumerate(shares(seconds, options.jobs), 1)
    ]
    codes = [share.wait() for share in running]
    took = {suite: last for share in running for suite, last in share.seconds.items()}
    keep(durations_file(), (json.dumps(known | took, indent=1) + "\n").encode())
    unseen = sorted(set(options.suites) - set(took))
    if unseen:
        print(f"not run to their end: {', '.join(unseen)}")
    for share, code in zip(running, codes, strict=True):
        if code:
            print(f"share {share.number}: exit code {code}; {options.results / str(share.number) / 'log.html'}")
    return 1 if any(codes) or unseen else 0


if __name__ == "__main__":
    sys.exit(main())

"""Apply each mutant to a copy of the tree and run the tests that must notice: `make mutants`.

    python tests/mutants/run.py [--engine embedded|renode] [--jobs N] [--list] [WORD ...]

With words, only mutants whose name, file or rows contain one of them. One line a mutant: caught, or SURVIVED with the
tests that should have failed. Exit code 1 when one survived, 2 when one is stale or its tests fail without it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from renode_pico.renode_models import look_for_renode  # noqa: E402
from tests.mutants import robot_cases  # noqa: E402
from tests.mutants.catalogue import Mutant, mutants  # noqa: E402

LIMIT = 300
"""Seconds after which a test run that a mutant keeps from ending is ended; that counts as noticed."""
TESTS_A_MUTANT = 4
"""More than any mutant names: so many tests are given that time, all of them together accordingly more."""
TESTS_FAILED = 1
"""pytest's exit code when tests ran and some failed; any other but 0 means that they could not run."""
COMPILER = re.compile(r"the models do not compile.*|error CS\d+.*|core cannot be compiled.*")
"""A mutant that does not compile is not one that tests have noticed."""


class Fate(Enum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE"
    BROKEN = "BROKEN"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """What tests came to: whether they could run, those that failed, and what was printed."""

    can_run: bool
    failed: frozenset[str]
    output: str
    skipped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant's fate and the reason, one line."""

    mutant: Mutant
    fate: Fate
    reason: str
    seconds: float = 0.0


def _copy(source: str, target: str) -> None:
    """Copy a file of the firmware's; ELFs are large, and only ever read."""
    if source.endswith(".elf"):
        Path(target).symlink_to(source)
    else:
        shutil.copy2(source, target)


class Workspace:
    """A copy of the tree that mutants may spoil; the firmware comes along."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.edition = ""
        for path in tracked():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target)
        built, own = ROOT / "firmware" / "build", folder / "firmware" / "build"
        shutil.copytree(built / "out", own / "out", copy_function=_copy)
        for name in ("obj", "src"):  # for mpy-cross, for the sdk's headers
            if (built / name).is_dir():
                (own / name).symlink_to(built / name)

    def test(self, engine: str, tests: Iterable[str], flash: Iterable[tuple[str, str]], edition: str) -> Run:
        """Run tests of either kind, each kind in one process. `flash`: (module, file); `edition`: of MicroPython."""
        self.edition = edition
        chosen = list(dict.fromkeys(tests))
        cases = [test for test in chosen if robot_cases.is_case(test)]
        others = [test for test in chosen if test not in cases]
        runs = [self.pytest(engine, others, flash)] if others else []
        runs += [self.robot(engine, cases)] if cases else []
        return Run(
            can_run=all(run.can_run for run in runs),
            failed=frozenset().union(*(run.failed for run in runs)),
            output="".join(run.output for run in runs),
            skipped=frozenset().union(*(run.skipped for run in runs)),
        )

    def pytest(self, engine: str, chosen: list[str], flash: Iterable[tuple[str, str]]) -> Run:
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--usb-traces="]
        command += ["-p", "tests.mutants.flash_files", "--engine", engine, f"--junitxml={report}", "--tb=short"]
        command += [f"--flash-file={name}={self.root / file}" for name, file in flash]
        code, output = self._process([*command, *chosen], len(chosen))
        if code is None:
            return Run(True, frozenset(chosen), output)
        failed, skipped = (cases(report, *kinds) for kinds in (("failure", "error"), ("skipped",)))
        return Run(code in (0, TESTS_FAILED), frozenset(failed), output, frozenset(skipped))

    def robot(self, engine: str, chosen: list[str]) -> Run:
        results = self.root / "results"
        shutil.rmtree(results, ignore_errors=True)
        if engine == "renode" and not (self.root / "cache").exists():
            self._process([sys.executable, "-m", "renode_pico.renode_models"], 1)  # the boot ROM's image
        with robot_cases.nothing_else(self.root, chosen) as suites:
            _, output = self._process(robot_cases.command(engine, suites, results), len(chosen))
        return Run(True, frozenset(chosen) - robot_cases.passed(results, self.root), output)

    def _process(self, command: list[str], tests: int) -> tuple[int | None, str]:
        """Run so many tests: the exit code, None when they did not end, and what was printed."""
        limit = LIMIT * (1 + tests // TESTS_A_MUTANT)
        paths = [str(self.root / "src"), str(self.root)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
        if self.edition:
            images = self.root / "firmware" / "build" / "out" / f"micropython-{self.edition}"
            environment["RENODE_PICO_FIRMWARE"] = str(images)
        environment["RENODE_PICO_CACHE"] = str(self.root / "cache")  # nobody needs a mutant's assembly again
        process = subprocess.Popen(
            command, cwd=self.root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return None, f"did not end in {limit} s"
        return process.returncode, output

    def try_out(self, mutant: Mutant) -> Outcome:
        """Apply a mutant, run its tests, take it back."""
        path = self.root / mutant.file
        original = path.read_text()
        changed = mutant.apply(original)
        if changed is None:
            return Outcome(mutant, Fate.STALE, f"its old text is in {mutant.file} {original.count(mutant.old)} times")
        begin = time.monotonic()
        path.write_text(changed)
        try:
            flash = [(mutant.flash, mutant.file)] if mutant.flash else []
            run = self.test(mutant.engine, mutant.tests, flash, mutant.edition)
        finally:
            path.write_text(original)
        seconds = time.monotonic() - begin
        error = COMPILER.search(run.output)
        if error or not run.can_run:
            reason = error[0] if error else run.output[-300:]
            return Outcome(mutant, Fate.BROKEN, " ".join(reason.split()), seconds)
        passed = [test for test in mutant.tests if not any(covers(test, one) for one in run.failed)]
        if passed and all(any(covers(test, one) for one in run.skipped) for test in passed):
            return Outcome(mutant, Fate.SKIPPED, f"skipped here: {', '.join(passed)}", seconds)
        if passed:
            return Outcome(mutant, Fate.SURVIVED, ", ".join(passed), seconds)
        return Outcome(mutant, Fate.CAUGHT, ", ".join(test.rpartition("::")[2] for test in mutant.tests), seconds)


def tracked() -> list[str]:
    """What belongs to the tree: git's files and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return sorted(path for path in set(done.stdout.split("\0")) if path and (ROOT / path).is_file())


def cases(report: Path, *kinds: str) -> set[str]:
    """The node ids of some kinds of a JUnit file's cases: `failure`, `error`, `skipped`; none without the file."""
    found = set()
    for case in ET.parse(report).getroot().iter("testcase") if report.is_file() else ():
        if any(case.find(kind) is not None for kind in kinds):
            found.add(f"{str(case.get('classname')).replace('.', '/')}.py::{case.get('name')}")
    return found


def covers(selection: str, test: str) -> bool:
    """Whether a node id, with or without parameters, names a test."""
    return test == selection or test.startswith(f"{selection}[")


def sound(workspace: Workspace, chosen: Sequence[Mutant]) -> str:
    """Run all the tests without a mutant: what fails says nothing about mutants. Empty when all pass."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for mutant in chosen:
        flash_file = mutant.file if mutant.flash else ""
        groups.setdefault((mutant.engine, mutant.flash, flash_file, mutant.edition), []).extend(mutant.tests)
    for (engine, name, file, edition), tests in groups.items():
        run = workspace.test(engine, tests, [(name, file)] if name else [], edition)
        if run.failed or not run.can_run:
            return f"{engine}: {', '.join(sorted(run.failed))}\n{run.output[-3000:]}"
    return ""


def try_all(chosen: Sequence[Mutant], jobs: int) -> list[Outcome]:
    """Try them out in as many copies of the tree as there are jobs; print each as it is done."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        Path(folder).chmod(0o755)  # some tests are somebody else, who must be able to read the copies
        free: SimpleQueue[Workspace] = SimpleQueue()
        for number in range(jobs):
            free.put(Workspace(Path(folder) / str(number)))
        first = free.get()
        problem = sound(first, chosen)
        free.put(first)
        if problem:
            print(f"without any mutant there are failures: {problem}", file=sys.stderr)
            sys.exit(2)

        def one(mutant: Mutant) -> Outcome:
            workspace = free.get()
            try:
                outcome = workspace.try_out(mutant)
            finally:
                free.put(workspace)
            show(outcome)
            return outcome

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, chosen))


def show(outcome: Outcome) -> None:
    """Print one line."""
    mutant = outcome.mutant
    rows = " ".join(mutant.rows)
    spent = f" ({outcome.seconds:.1f} s)" if outcome.seconds else ""
    print(f"{outcome.fate.value:8} {rows:8} {mutant.name}: {outcome.reason}{spent}", flush=True)


def main() -> int:
    """Choose, try, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("embedded", "renode"), help="only mutants for this engine")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="print them and what they are to fail")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_args()
    chosen = [
        mutant
        for mutant in mutants()
        if options.engine in (None, mutant.engine)
        and (not options.words or any(mutant.is_about(word) for word in options.words))
    ]
    if options.list:
        for mutant in chosen:
            print(f"{' '.join(mutant.rows):8} {mutant.name} ({mutant.file}): {', '.join(mutant.tests)}")
        return 0
    begin = time.monotonic()
    missing = look_for_renode().problem if any(mutant.engine == "renode" for mutant in chosen) else ""
    skipped = [
        Outcome(m, Fate.SKIPPED, f"Renode is not here: {missing}") for m in chosen if missing and m.engine == "renode"
    ]
    for outcome in skipped:
        show(outcome)
    left = [mutant for mutant in chosen if mutant not in {outcome.mutant for outcome in skipped}]
    outcomes = (try_all(left, options.jobs) if left else []) + skipped
    counts = {fate: sum(outcome.fate is fate for outcome in outcomes) for fate in Fate}
    print(", ".join(f"{count} {fate.value}" for fate, count in counts.items() if count), end="")
    print(f", {time.monotonic() - begin:.0f} s")
    if counts[Fate.STALE] or counts[Fate.BROKEN] or not outcomes:
        return 2
    return 1 if counts[Fate.SURVIVED] else 0


if __name__ == "__main__":
    sys.exit(main())

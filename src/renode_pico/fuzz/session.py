"""A run of the fuzzer: programs made, run, judged; what is new is kept, what is wrong made small and written down."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from renode_pico.errors import RenodePicoError, UsageError
from renode_pico.fuzz.case_file import CaseFile, Setting, image_hash, read_case
from renode_pico.fuzz.coverage import News
from renode_pico.fuzz.files import write_text
from renode_pico.fuzz.grammar import LONGEST, Grammar, pick
from renode_pico.fuzz.judges import Finding, LeftOut
from renode_pico.fuzz.minimise import minimise
from renode_pico.fuzz.program import Action, Control, Program
from renode_pico.fuzz.replay import Replay, run_traced
from renode_pico.fuzz.target import Target

FRESH = 0.4
"""The share of programs that are made anew, not of one that was kept."""
NEIGHBOURS, NEAR, FAR = 12, 20, 3
"""Steps tried behind a program that took a new edge: of its own kind at most NEAR, and of others as many as make
NEIGHBOURS, but FAR at least."""
DEFAULT_CASES = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """One fault: the smallest program, the case number at which it was met first, the trace as text, its file."""

    finding: Finding
    program: Program
    case: int
    trace: str = ""
    path: Path | None = None


@dataclass(slots=True)
class Report:
    """What a run came to. Seconds are real ones. `progress`: (case, second, edges) whenever something was new."""

    firmware: str
    engine: str
    seed: int
    cases: int = 0
    tries: int = 0
    """Programs that were run beside the cases, to make them small."""
    seconds: float = 0.0
    edges: int = 0
    kept: int = 0
    reboots: int = 0
    unconfirmed: int = 0
    """Findings that did not come again when they were run once more with all time-outs."""
    left_out: int = 0
    """Distinct findings that were not to be told."""
    unit: str = "edges"
    interrupted: bool = False
    progress: list[tuple[int, float, int]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    compared: int = 0
    """Programs that were run on another engine, too."""


class Fuzzer:
    """Fuzzes one target.

    `corpus`: a directory of programs, read first, to which new ones are added. `out`: where findings go, as
    `NAME-1.toml`, `NAME-1.txt` (the trace), …; nothing is written without it. `tell`: lines for people. `without`:
    findings that are only counted.
    """

    def __init__(
        self,
        target: Target,
        setting: Setting,
        *,
        seed: int = 1,
        corpus: Path | None = None,
        out: Path | None = None,
        tell: Callable[[str], None] = lambda text: None,
        without: Iterable[LeftOut] = (),
    ) -> None:
        self.target = target
        self.setting = setting
        self._random = Random(seed)
        self._grammar = Grammar(target.device, self._random)
        self._out = out
        self._tell = tell
        self._without = tuple(without)
        self._corpus_folder = corpus
        self.corpus: list[Program] = []
        self._edges: list[Program] = []
        """Those of them that took a new edge."""
        self._steps: list[Action] = []
        """Actions that have shown something new by themselves."""
        self._varied: set[Hashable] = set()
        """Requests that were tried with other values and lengths."""
        self._first: list[Program] = [*self._read_corpus(), *self._grammar.seeds()][::-1]
        """What a run begins with, the next one last."""
        self._waiting: list[Program] = []
        """What is to be tried with what has been found, the next one last."""
        self._grow: deque[Program] = deque()
        """Programs that took a new edge, and whose neighbours have not been tried."""
        self._sha256 = image_hash(target.board.firmware)
        unit = target.novelty.unit
        self.report = Report(target.board.firmware.name, target.engine.version, seed, unit=unit)

    def run(
        self,
        cases: int | None = DEFAULT_CASES,
        seconds: float | None = None,
        *,
        each: Callable[[Report], None] = lambda report: None,
    ) -> Report:
        """Run so many cases, or for so many real seconds, whichever is over first; Ctrl-C ends it, too."""
        report, begin = self.report, time.monotonic()
        try:
            while (cases is None or report.cases < cases) and (seconds is None or report.seconds < seconds):
                self._one(self._next())
                report.seconds = time.monotonic() - begin
                each(report)
        except KeyboardInterrupt:
            report.interrupted = True
        report.seconds = time.monotonic() - begin
        report.edges = self.target.novelty.edges
        report.kept = len(self.corpus)
        report.progress.append((report.cases, report.seconds, report.edges))
        return report

    def _next(self) -> Program:
        if self._first:
            return self._first.pop()
        while not self._waiting and self._grow:
            self._waiting = self._neighbours(self._grow.popleft())
        if self._waiting:
            return self._waiting.pop()
        if not self.corpus or self._random.random() < FRESH:
            return self._grammar.make()
        pool = self._edges if self._edges and self._random.random() < 0.5 else self.corpus
        return self._grammar.mutate(pick(pool, self._random), pick(self.corpus, self._random), self._steps)

    def _one(self, program: Program) -> None:
        report, target = self.report, self.target
        outcome = target.run(program)
        report.cases += 1
        report.reboots += outcome.rebooted
        if not outcome.ended:
            news = target.novelty.news(outcome.behaviour)
            if news:
                self._keep(program, news)
        for finding in outcome.findings:
            if finding.key not in target.known:
                target.known.add(finding.key)
                if any(finding in each for each in self._without):
                    report.left_out += 1
                else:
                    self._write(finding, program)

    def _keep(self, program: Program, news: News) -> None:
        """Keep it with nothing in it that is not needed, and see what it comes to with what else is known."""
        report = self.report
        report.progress.append((report.cases, report.seconds, self.target.novelty.edges))
        program = self._trimmed(program)
        self.corpus.append(program)
        if self._corpus_folder is not None:
            path = self._corpus_folder / f"{program.name}.toml"
            if not path.exists():
                CaseFile(self.setting, program, self._sha256).write(path)
        if news is News.EDGE:
            if len(program.actions) == 1:
                self._waiting += self._behind_others(program.actions[0])
                self._steps.append(program.actions[0])
            self._edges.append(program)
            self._grow.append(program)

    def _neighbours(self, program: Program) -> list[Program]:
        """A program that took a new edge with each known step behind it that is of its kind, and some others; a request
        of a class or a vendor that is new also in its variants."""
        found: list[Program] = []
        last = program.actions[-1]
        if len(program.actions) < LONGEST:
            kind = _kind(last)
            near = list({_request(step): step for step in self._steps if kind and _kind(step) == kind}.values())
            other = [step for step in self._steps if not kind or _kind(step) != kind]
            near = self._random.sample(near, min(NEAR, len(near)))
            other = self._random.sample(other, min(max(FAR, NEIGHBOURS - len(near)), len(other)))
            found = [Program((*program.actions, step)) for step in other + near]
        if len(program.actions) == 1 and isinstance(last, Control) and _kind(last):
            request = _request(last)
            if request not in self._varied:
                self._varied.add(request)
                found += self._grammar.variants(last)
        return found

    def _behind_others(self, step: Action) -> list[Program]:
        """A new step behind programs that took a new edge and end with one of its kind: which of two is met first may
        not matter."""
        kind = _kind(step)
        if not kind or any(_request(step) == _request(other) for other in self._steps):
            return []
        near = [each for each in self._edges if len(each.actions) < LONGEST and _kind(each.actions[-1]) == kind]
        return [Program((*each.actions, step)) for each in self._random.sample(near, min(NEAR, len(near)))]

    def _trimmed(self, program: Program) -> Program:
        for at in reversed(range(len(program.actions))):
            shorter = Program(program.actions[:at] + program.actions[at + 1 :])
            if len(program.actions) > 1 and self._same(shorter):
                program = shorter
        return program

    def _same(self, program: Program) -> bool:
        self.report.tries += 1
        outcome = self.target.run(program)
        return not outcome.ended and self.target.novelty.same_news(outcome.behaviour)

    def _write(self, finding: Finding, program: Program) -> None:
        """Make it small, run it once more with its trace, write it down. One that is known in its smallest form is not
        told twice."""
        target = self.target

        def shows(candidate: Program) -> bool:
            self.report.tries += 1
            return target.run(candidate).shows(finding.key)

        small = minimise(program, shows)
        target.known, known = set(), target.known
        again = run_traced(target, small)  # with everything waited out, as a replay does
        target.known = known
        if not again.outcome.shows(finding.key):
            self.report.unconfirmed += 1
            return
        finding = next(each for each in again.outcome.findings if each.key == finding.key)
        if any(found.program == small and found.finding.judge == finding.judge for found in self.report.found):
            return
        self.note(finding, small, again)

    def note(self, finding: Finding, program: Program, run: Replay | None = None) -> None:
        """Write a finding down; `run`: the program with its trace."""
        run = run or run_traced(self.target, program)
        path = None
        if self._out is not None:
            path = self._out / f"{finding.judge}-{len(self.report.found) + 1}.toml"
            CaseFile(self.setting, program, self._sha256, finding, run.sha256).write(path)
            write_text(path.with_suffix(".txt"), run.trace)
        self.report.found.append(Found(finding, program, self.report.cases, run.trace, path))
        actions = f"{len(program.actions)} action{'s' if len(program.actions) != 1 else ''}"
        where = f" in {finding.stack}" if finding.stack and finding.judge != "crash" else ""
        self._tell(f"found    {finding.judge}: {finding.text}{where} (case {self.report.cases}, {actions})")

    def _read_corpus(self) -> list[Program]:
        folder = self._corpus_folder
        if folder is None:
            return []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths = sorted(folder.glob("*.toml"))
        except OSError as error:
            raise UsageError(f"corpus {folder}: {error.strerror or error}") from None
        programs = []
        for path in paths:
            try:
                programs.append(read_case(path).program)
            except RenodePicoError as error:
                self._tell(f"corpus   {error}: left out")
        return programs


def _kind(action: Action) -> int:
    """Of a request: standard (0), class or vendor (the type's bits in bmRequestType); what is no request is 0, too."""
    return action.setup.bmRequestType & 0x60 if isinstance(action, Control) else 0


def _request(action: Action) -> Hashable:
    """Which request it is, whatever its values."""
    return (action.setup.bmRequestType, action.setup.bRequest) if isinstance(action, Control) else action

"""The fuzzer: cases a second on both engines, what going back costs, and the budget for the ten planted faults.

python bench/fuzz.py        cases until all ten are found, for each of ten seeds
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable

from measure import ROOT, UART_IMAGE, Row
from renode_bench import renode_is_here

from renode_pico.engine.select import EngineName
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.program import Control, Program
from renode_pico.fuzz.session import Fuzzer, Report
from renode_pico.fuzz.target import Target
from renode_pico.usb.transfer import Setup

CASES_A_SECOND: dict[EngineName, int] = {"embedded": 500, "renode": 50}
RESTORE_MS = 0.5
BUDGET, SEEDS, ENOUGH = 2000, range(1, 11), 9
"""Nine of ten seeds must find all ten within so many cases."""
MAIN = """
import probe
probe.answer = lambda stage, request: b"12345678" if stage == 1 and request[6] else True
probe.start()
"""


def setting(engine: EngineName) -> Setting:
    """A MicroPython runtime device that answers what it is asked."""
    probe = (ROOT / "firmware" / "apps" / "probe.py").read_bytes()
    files = {"main.py": MAIN.encode(), "probe.py": probe}
    return Setting(str(UART_IMAGE.with_name("uart.uf2")), engine=engine, files=files)


def rate(engine: EngineName) -> Row:
    """Processor seconds of so many cases as are to be done in one: restore, three requests, judge."""
    requests = (Setup(0xA1, 1, 0, 0, 8), Setup(0x80, 6, 0x0100, 0, 18), Setup(0x21, 2, 5, 0, 0))
    program = Program(tuple(Control(setup) for setup in requests))
    cases = CASES_A_SECOND[engine]
    with setting(engine).open() as board:
        target = Target(board)
        outcome = target.run(program)
        assert [answer.ended for answer in outcome.answers] == ["completed"] * 3, outcome
        begin = time.process_time()
        for _ in range(cases):
            outcome = target.run(program)
            assert not outcome.findings
            target.novelty.news(outcome.behaviour)
        spent = time.process_time() - begin
    name = f"{cases} cases of three control requests on {engine}, CPU s"
    return Row(name, spent, 1.0, spent, 1.0, "the limit of 1 s")


def restore() -> Row:
    """Going back to the beginning after a case, on the embedded engine."""
    program = Program((Control(Setup(0xA1, 1, 0, 0, 8)),))
    times = []
    with setting("embedded").open() as board:
        target = Target(board)
        for _ in range(200):
            target.run(program, restore=False)
            begin = time.process_time()
            target.restore()
            times.append(time.process_time() - begin)
    spent = 1000 * sum(times) / len(times)
    return Row("restore, CPU ms", spent, RESTORE_MS, spent / RESTORE_MS, 1.0, f"the limit of {RESTORE_MS} ms")


def cases_needed(seed: int) -> int:
    """Cases until the ten faults of firmware/chip/faulty are found, twice the budget at most."""
    text = (ROOT / "firmware" / "chip" / "faulty" / "faults.toml").read_text(encoding="utf-8")
    faults = tomllib.loads(text)["fault"]
    faulty = Setting("chip/faulty")

    def enough(report: Report) -> None:
        found = [(each.finding.judge, f"{each.finding.text} {each.finding.stack}") for each in report.found]
        if all(any(judge == it["judge"] and it["shows"] in text for judge, text in found) for it in faults):
            raise KeyboardInterrupt

    with faulty.open() as board:
        return Fuzzer(Target(board), faulty, seed=seed).run(2 * BUDGET, each=enough).cases


def planted() -> Row:
    """Cases until the ten planted faults are found: the ninth best of ten seeds."""
    needed = sorted(cases_needed(seed) for seed in SEEDS)[ENOUGH - 1]
    name = f"cases until ten planted faults are found, {ENOUGH}th best of {len(SEEDS)} seeds"
    return Row(name, needed, BUDGET, needed / BUDGET, 1.0, f"the budget of {BUDGET}")


def measurements() -> list[tuple[str, Callable[[], Row]]]:
    """All of them, by name."""
    on_renode = [("fuzz-rate-renode", lambda: rate("renode"))] if renode_is_here() else []
    return [
        ("fuzz-rate", lambda: rate("embedded")),
        *on_renode,
        ("fuzz-restore", restore),
        ("fuzz-planted", planted),
    ]


if __name__ == "__main__":
    for seed in SEEDS:
        print(f"seed {seed:2}: {cases_needed(seed)} cases", flush=True)

"""The fuzzer: cases a second for a MicroPython runtime device, and the budget for the ten planted faults."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable

from measure import ROOT, UART_IMAGE, Row

from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.program import Control, Program
from renode_pico.fuzz.session import Fuzzer, Report
from renode_pico.fuzz.target import Target
from renode_pico.usb.transfer import Setup

CASES_A_SECOND = 500
BUDGET, SEED = 2500, 4
MAIN = """
import probe
probe.answer = lambda stage, request: b"12345678" if stage == 1 and request[6] else True
probe.start()
"""


def rate() -> Row:
    """Processor seconds of so many cases as are to be done in one: restore, three requests, judge."""
    requests = (Setup(0xA1, 1, 0, 0, 8), Setup(0x80, 6, 0x0100, 0, 18), Setup(0x21, 2, 5, 0, 0))
    program = Program(tuple(Control(setup) for setup in requests))
    probe = (ROOT / "firmware" / "apps" / "probe.py").read_bytes()
    files = {"main.py": MAIN.encode(), "probe.py": probe}
    setting = Setting(str(UART_IMAGE.with_name("uart.uf2")), files=files)
    with setting.open() as board:
        target = Target(board)
        outcome = target.run(program)
        assert [answer.ended for answer in outcome.answers] == ["completed"] * 3, outcome
        begin = time.process_time()
        for _ in range(CASES_A_SECOND):
            outcome = target.run(program)
            assert not outcome.findings
            target.novelty.news(outcome.behaviour)
        spent = time.process_time() - begin
    return Row(f"{CASES_A_SECOND} cases of three control requests, CPU s", spent, 1.0, spent, 1.0, "the limit of 1 s")


def planted() -> Row:
    """Cases until the ten faults of firmware/chip/faulty are found."""
    text = (ROOT / "firmware" / "chip" / "faulty" / "faults.toml").read_text(encoding="utf-8")
    faults = tomllib.loads(text)["fault"]
    setting = Setting("chip/faulty")

    def enough(report: Report) -> None:
        found = [(each.finding.judge, f"{each.finding.text} {each.finding.stack}") for each in report.found]
        if all(any(judge == it["judge"] and it["shows"] in text for judge, text in found) for it in faults):
            raise KeyboardInterrupt

    with setting.open() as board:
        report = Fuzzer(Target(board), setting, seed=SEED).run(2 * BUDGET, each=enough)
    ratio = report.cases / BUDGET
    return Row("cases until ten planted faults are found", report.cases, BUDGET, ratio, 1.0, f"the budget of {BUDGET}")


def measurements() -> list[tuple[str, Callable[[], Row]]]:
    """Both, by name."""
    return [("fuzz-rate", rate), ("fuzz-planted", planted)]

"""A run as JSON, as a JUnit report, and in lines for a terminal; `page` has the HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from renode_pico.run.report import clean
from renode_pico.verify.runner import Report
from renode_pico.verify.verdict import Result, Verdict

MARKS = {
    Verdict.PASS: "ok  ",
    Verdict.FAIL: "FAIL",
    Verdict.ADVICE: "note",
    Verdict.NOT_APPLICABLE: "n/a ",
    Verdict.DIED: "DIED",
}


def line(result: Result) -> str:
    """A result in one line."""
    item = result.item
    text = f"{MARKS[result.verdict]} {item.id:5} {item.says}"
    if result.verdict is Verdict.NOT_APPLICABLE:
        return f"{text} [{result.reason}]"
    if result.verdict.bad:
        lines = [
            text,
            f"     sent      {result.sent}",
            f"     came      {result.came}",
            f"     should be {result.should}",
        ]
        if result.died:
            lines.append(f"     died      {result.died}")
        lines.append(f"     at        {result.time:.6f} s, transaction {result.transaction}; {item.section}")
        return "\n".join(lines)
    return "\n".join([text, *(f"     {advice}" for advice in result.advice)])


def summary(report: Report) -> str:
    """The counts."""
    counts = [f"{report.count(verdict)} {verdict.value}" for verdict in Verdict if report.count(verdict)]
    return f"{report.device} {report.target} on {report.engine}, seed {report.seed}: {', '.join(counts)}"


def as_dict(report: Report) -> dict[str, Any]:
    """Plain values, the same for the same run."""
    return {
        "target": report.target,
        "engine": report.engine,
        "device": report.device,
        "seed": report.seed,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "items": [
            {
                "id": result.item.id,
                "pack": result.item.pack,
                "says": result.item.says,
                "section": result.item.section,
                "severity": result.item.severity.value,
                "verdict": result.verdict.value,
                "reason": result.reason,
                "sent": result.sent,
                "came": result.came,
                "should": result.should,
                "died": result.died,
                "advice": result.advice,
                "began": round(result.began, 9),
                "time": round(result.time, 9),
                "transactions": [result.begin, result.transaction],
                "packets": result.packets,
            }
            for result in report.results
        ],
    }


def write_json(path: Path, report: Report) -> None:
    """Write a run as JSON."""
    path.write_text(json.dumps(as_dict(report), indent=1) + "\n", encoding="utf-8")


def write_junit(path: Path, report: Report) -> None:
    """Write a run as a test suite with a case for each item."""
    from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(f"verify {report.target}")
    before = 0.0
    for result in report.results:
        case = TestCase(f"{result.item.id} {result.item.says}", f"verify.{result.item.pack}")
        case.time = max(0.0, result.time - before)
        before = result.time
        if result.verdict is Verdict.NOT_APPLICABLE:
            case.result = [Skipped(clean(result.reason))]
        elif result.verdict.bad:
            failure = Failure(clean(result.line))
            failure.text = clean("\n".join(result.packets))
            case.result = [failure]
        elif result.advice:
            case.system_out = clean("\n".join(result.advice))
        suite.add_testcase(case)
    suite.add_property("engine", report.engine)
    suite.add_property("device", report.device)
    suite.add_property("seed", str(report.seed))
    document = JUnitXml("renode-pico verify")
    document.add_testsuite(suite)
    document.write(str(path), pretty=True)

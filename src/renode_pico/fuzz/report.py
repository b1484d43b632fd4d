"""What a run came to, for people (one page), for CI (JUnit) and for code scanning (SARIF 2.1.0)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from junitparser import Failure, JUnitXml, TestCase, TestSuite

from renode_pico import __version__
from renode_pico.fuzz.files import write_text
from renode_pico.fuzz.judges import JUDGES
from renode_pico.fuzz.program import write_actions
from renode_pico.fuzz.session import Found, Report
from renode_pico.run.report import clean

SARIF_VERSION = "2.1.0"


def write_page(path: Path, reports: Sequence[Report], title: str) -> None:
    """Write one self-contained HTML page: coverage over cases, and each finding with program, stack and trace."""
    page = _environment().get_template("report.html.j2")
    text = page.render(title=title, reports=reports, judges=JUDGES, curve=_curve, program=_program)
    write_text(path, text)


def write_junit(path: Path, reports: Sequence[Report]) -> None:
    """Write a test suite for each run: a case for each judge, failed for each of its findings."""
    document = JUnitXml("renode-pico fuzz")
    for report in reports:
        suite = TestSuite(clean(f"fuzz {report.firmware}"))
        for judge, meaning in JUDGES.items():
            found = [each for each in report.found if each.finding.judge == judge]
            for number, each in enumerate(found, 1):
                case = TestCase(clean(f"{judge} {number}: {each.finding.text}"), clean(f"fuzz.{report.firmware}"))
                case.result = [
                    Failure(clean(f"{meaning}\n{each.finding.text}\n{each.finding.stack}\n{_program(each)}"))
                ]
                suite.add_testcase(case)
            if not found:
                suite.add_testcase(TestCase(clean(f"never {judge}: {meaning}"), clean(f"fuzz.{report.firmware}")))
        for name, value in (("engine", report.engine), ("seed", report.seed), ("cases", report.cases)):
            suite.add_property(name, str(value))
        document.add_testsuite(suite)
    document.write(str(path), pretty=True)


def write_sarif(path: Path, reports: Sequence[Report]) -> None:
    """Write the findings as a SARIF log; a finding's place is its program's file, or the image."""
    rules = [{"id": judge, "shortDescription": {"text": meaning}} for judge, meaning in JUDGES.items()]
    results = [
        {
            "ruleId": found.finding.judge,
            "level": "error",
            "message": {"text": found.finding.text + (f"\nin {found.finding.stack}" if found.finding.stack else "")},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(found, report)}}}],
            "partialFingerprints": {"renodePicoKey/v1": found.finding.key},
            "properties": {"program": _program(found), "case": found.case, "seed": report.seed},
        }
        for report in reports
        for found in report.found
    ]
    driver = {"name": "renode-pico fuzz", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": SARIF_VERSION,
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    write_text(path, json.dumps(log, indent=1) + "\n")


def _uri(found: Found, report: Report) -> str:
    return found.path.as_posix() if found.path is not None else report.firmware


def _program(found: Found) -> str:
    return write_actions(found.program.actions)


def _curve(report: Report) -> str:
    """The points of the curve in a field of 1000 by 200."""
    width, height = 1000 / max(report.cases, 1), 196 / max(report.edges, 1)
    return " ".join(
        f"{case * width:.1f},{198 - edges * height:.1f}" for case, _, edges in [(0, 0, 0), *report.progress]
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("renode_pico.fuzz"), autoescape=select_autoescape(["html.j2"]), trim_blocks=True
    )

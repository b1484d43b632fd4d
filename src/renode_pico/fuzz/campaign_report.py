"""A campaign's results as one page and as JUnit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from renode_pico.fuzz.campaign import Campaign
from renode_pico.fuzz.files import write_text
from renode_pico.run.report import clean

Entry = Mapping[str, Any]


def write_campaign_page(path: Path, name: str, entries: Sequence[Entry]) -> None:
    """Write one self-contained page: each finding once for an image, with the cases that met it; then all cases."""
    findings: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        for each in entry["result"].get("found", ()):
            key = entry["case"]["firmware"], each["key"]
            findings.setdefault(key, {"firmware": key[0], "cases": [], **each})["cases"].append(entry["name"])
    environment = Environment(
        loader=PackageLoader("renode_pico.fuzz"), autoescape=select_autoescape(["html.j2"]), trim_blocks=True
    )
    page = environment.get_template("campaign.html.j2")
    write_text(path, page.render(name=name, entries=entries, findings=list(findings.values())))


def write_campaign_junit(path: Path, campaign: Campaign, entries: Sequence[Entry]) -> None:
    """Write a test case for each case of the matrix; one that is not done is an error."""
    by_key = {entry["key"]: entry["result"] for entry in entries}
    suite = TestSuite(clean(campaign.name))
    for case in campaign.cases:
        test = TestCase(clean(case.name), clean(f"campaign.{campaign.name}"))
        result = by_key.get(case.key)
        if result is None:
            test.result = [Error("not done")]
        else:
            test.time = result["seconds"]
            bad = [Error(clean(result["error"]))] if "error" in result else []
            test.result = bad + [Failure(clean(f"{it['judge']}: {it['text']}")) for it in result.get("found", ())]
        suite.add_testcase(test)
    document = JUnitXml(clean(campaign.name))
    document.add_testsuite(suite)
    document.write(str(path), pretty=True)

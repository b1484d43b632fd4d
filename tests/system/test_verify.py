"""The verifier on real firmware (docs/verify-results.md), and its doors: command line, pytest, Robot."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from renode_pico.board import Board
from renode_pico.pytest_plugin import engine_of
from renode_pico.verify import report as reports
from renode_pico.verify.runner import verify as run_verifier
from renode_pico.verify.suite import Verify
from renode_pico.verify.table import choose, load_pack
from renode_pico.verify.target import BoardTarget
from tests.processes import WALL_LIMIT, program, run
from tests.system.test_command_line import run as command_line

ROOT = Path(__file__).parents[2]
RESULTS = (ROOT / "docs" / "verify-results.md").read_text()


def explained(engine: str) -> set[str]:
    """The items that docs/verify-results.md says fail on MicroPython's built-in port."""
    part = RESULTS.partition("## MicroPython's built-in port")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z]{2}\d+) \| (.*?) \|", part, re.MULTILINE)
    return {name for name, what in rows if engine == "embedded" or "embedded engine only" not in what}


def test_micropython_fails_what_is_explained_and_nothing_else(pico: Board) -> None:
    report = run_verifier(BoardTarget(pico), load_pack("chapter9").items)
    bad = {result.item.id: reports.line(result) for result in report.results if result.verdict.bad}
    expected = explained(pico.engine.name)
    assert bad.keys() == expected, "\n".join(line for name, line in bad.items() if name not in expected)


def test_a_run_is_the_same_again(request: pytest.FixtureRequest) -> None:
    items = choose(["chapter9"], ["AT4", "CP3", "RB4"])
    runs = []
    for _ in range(2):
        with Board("cdc", engine=engine_of(request.config)) as board:  # type: ignore[arg-type]
            runs.append(reports.as_dict(run_verifier(BoardTarget(board), items, seed=5)))
    assert runs[0] == runs[1]


def test_the_fixture_names_what_failed(pico: Board, verify: Verify) -> None:
    assert len(verify.chapter9("DE1", "SR1", "SR8", without=("SR8",)).results) == 2
    with pytest.raises(AssertionError, match=r"1 of 2 items failed\nFAIL SR8 "):
        verify.chapter9("DE1", "SR8")
    assert pico.device.get_status() == 0


def test_the_command_line_writes_its_reports(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reports = ("--junit", "j.xml", "--json", "j.json", "--html", "p.html")
    done = command_line("verify", "--engine", engine_of(request.config), "--only", "DE1,SR8,EP6", *reports)
    assert done.returncode == 1, done.stderr
    assert "FAIL SR8" in done.stdout
    assert "1 pass, 1 fail, 1 not applicable" in done.stdout
    verdicts = {item["id"]: item["verdict"] for item in json.loads((tmp_path / "j.json").read_text())["items"]}
    assert verdicts == {"SR8": "fail", "DE1": "pass", "EP6": "not applicable"}
    cases = ElementTree.parse(tmp_path / "j.xml").findall(".//testcase")
    assert [len(list(case)) for case in cases] == [1, 0, 1]
    page = (tmp_path / "p.html").read_text()
    place = re.search(r'href="p-trace\.html#(\d+)-(\d+)">transactions', page)
    assert place is not None
    assert int(place[1]) < int(place[2])
    assert (tmp_path / "p-trace.html").is_file()


@pytest.mark.engine("embedded", reason="the command line is the same, and no board is made")
def test_wrong_usage_is_told_in_a_line() -> None:
    for arguments, words in (
        (["--only", "SR99"], "item SR99: no such id"),
        (["--pack", "nothing"], "pack 'nothing': there are chapter9"),
        (["--device", "pico"], "give VID:PID in hexadecimal digits"),
        (["--usbip", "127.0.0.1"], "give --device VID:PID, too"),
        (["--only", ","], "--only: name an item"),
        (["--only", "SR8", "--without", "SR8"], "nothing is left to verify"),
        (["--only", "SR8", "--junit", "nowhere/report.xml"], "nowhere: no such folder"),
    ):
        done = command_line("verify", *arguments)
        assert done.returncode == 2, done
        assert words in done.stderr


@pytest.mark.engine("embedded", reason="the command line is the same")
def test_a_named_item_is_found_in_whatever_pack_it_is() -> None:
    done = command_line("verify", "--engine", "embedded", "--only", "CDC2,DE1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok   DE1 " in done.stdout
    assert "ok   CDC2 " in done.stdout


@pytest.mark.engine("embedded", reason="the command line is the same")
def test_firmware_that_is_no_usb_device_is_told_once() -> None:
    done = command_line("verify", "--engine", "embedded", "chip/hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("renode-pico: hello.uf2 has never appeared on the bus")
    assert done.stderr.count("\n") == 1


@pytest.mark.engine("embedded", reason="the command line is the same")
def test_ctrl_c_leaves_the_reports_of_what_was_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "renode_pico", "verify", "--engine", "embedded", "--json", "r.json"]
    pipe = subprocess.PIPE
    with program(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=WALL_LIMIT)
    assert (process.returncode, errors.strip()) == (130, "interrupted"), first + rest + errors
    items = json.loads((tmp_path / "r.json").read_text())["items"]
    assert items[0]["id"] == "AT1"
    assert len(items) < 98


@pytest.mark.engine("embedded", reason="what is added to pytest is the same, whatever emulates the board")
def test_pytest_has_a_test_for_each_item(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine = engine_of(request.config)
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "--usb-verify", "--engine", engine]
    command += ["-p", "no:cacheprovider", "-p", "no:pytest_embedded", "-k", "usb-verify and (DE1 or SR8 or EP6)"]
    done = run(command, cwd=tmp_path)
    assert "FAILED usb-verify::SR8 - FAIL SR8" in done.stdout, done.stdout + done.stderr
    assert "the device has no isochronous endpoint" in done.stdout
    assert "usb-verify::DE1 " not in done.stdout


@pytest.mark.engine("embedded", reason="the keyword is the fixture's object, tested on both")
def test_robot_has_a_keyword(tmp_path: Path) -> None:
    suite = tmp_path / "v.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    renode_pico.robot_library.PicoLibrary    engine=embedded\n"
        "*** Test Cases ***\nShould Pass\n    A Pico Running    cdc\n    Verify Chapter 9    DE1    SR1\n"
        "Should Fail\n    A Pico Running    cdc\n    Verify Chapter 9    DE1    SR8\n"
    )
    done = run([sys.executable, "-m", "robot", "--outputdir", str(tmp_path), str(suite)], cwd=ROOT)
    assert "2 tests, 1 passed, 1 failed" in done.stdout
    assert "FAIL SR8" in done.stdout

"""`renode-pico fuzz`: judges, corpus, the smallest program, replay (row Z1), and the ten planted faults (row Z2)."""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import cast

import pytest
from junitparser import JUnitXml

from renode_pico.engine.select import EngineName
from renode_pico.errors import UsageError
from renode_pico.firmware.find import find_image
from renode_pico.fuzz.case_file import CaseFile, Setting, image_hash, read_case
from renode_pico.fuzz.coverage import BehaviourCoverage
from renode_pico.fuzz.judges import JUDGES as JUDGE_NAMES
from renode_pico.fuzz.judges import Finding, LeftOut
from renode_pico.fuzz.program import Action, Control, Program, Receive, Reset, Send, Spoil, Suspend, Unplug, Wait
from renode_pico.fuzz.replay import replay, run_traced
from renode_pico.fuzz.report import write_junit, write_page, write_sarif
from renode_pico.fuzz.session import Fuzzer, Report
from renode_pico.fuzz.target import Outcome, Target
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Fault
from tests.processes import program
from tests.processes import run as run_process
from tests.system.test_command_line import run as command_line

FAULTY = Setting("chip/faulty")
FAULTS = tomllib.loads(
    (Path(__file__).parents[2] / "firmware" / "chip" / "faulty" / "faults.toml").read_text(encoding="utf-8")
)["fault"]
SEED, BUDGET = 4, 2000
"""The budget is printed; within it the seed finds all ten."""
CONSOLE, CLASS = 0x41, 0x21

pytestmark = pytest.mark.usefixtures("own_board")
JUDGES = pytest.mark.row("Z1.judges")
FAST = pytest.mark.engine("embedded", reason="thousands of cases: Renode runs some tens of them in a second")


@pytest.fixture(scope="module")
def faulty(request: pytest.FixtureRequest) -> Iterator[Target]:
    with replace(FAULTY, engine=cast(EngineName, engine_of(request.config))).open() as board:
        yield Target(board)


def control(kind: int, request: int, value: int = 0, length: int = 0, data: bytes = b"", **more: int) -> Control:
    if data:
        length = len(data)
    return Control(Setup(kind, request, value, 0, length), data, **more)


def run(target: Target, *actions: Action) -> Outcome:
    return target.run(Program(actions))


def is_fault(finding: Finding, fault: dict[str, str]) -> bool:
    return finding.judge == fault["judge"] and fault["shows"] in f"{finding.text} {finding.stack}"


# Each judge, by a program that a person wrote

BY_HAND: dict[str, tuple[Action, ...]] = {
    "a name longer than its buffer": (control(0x41, 1, data=b"n" * 40),),
    "an answer longer than what it is about": (control(0xC1, 2, length=64),),
    "a request neither answered nor stalled": (control(0x41, 3),),
    "an unaligned access": (control(0xC1, 4, value=5, length=4),),
    "a loop without end": (control(0x41, 5, value=3),),
    "a state that outlives a request that was cut off": (
        control(0x41, 6, data=bytes(200), leave_us=100),
        Reset(),
        control(0x41, 6, data=bytes(8)),
    ),
    "a toggle that goes on after SET_INTERFACE": (
        Receive(0x81, 8),
        Control(Setup(0x01, 11, 1, 0, 0)),
        Receive(0x81, 8),
    ),
    "a panic for a value that was not expected": (control(CLASS, 1, value=4),),
    "a pointer to what was released": (control(0x41, 7), control(0x41, 8), control(0x41, 9)),
    "a recursion deeper than the stack": (control(0x41, 10, value=29),),
}


LEAVE_OUT_ALL = [word for judge in JUDGE_NAMES for word in ("--without", judge)]
READS: tuple[Action, ...] = (
    control(0xC1, 2, length=24),
    Receive(0x81, 8),
    Send(0x01, b"12345678"),
    control(0x41, 1, data=b"a name"),
    Wait(700),
    control(0xC1, 4, value=8, length=4),
    Receive(0x81, 8),
)


@JUDGES
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["name"]).replace(" ", "-"))
def test_each_planted_fault_is_seen_by_its_judge(faulty: Target, fault: dict[str, str]) -> None:
    outcome = run(faulty, *BY_HAND[fault["name"]])
    assert any(is_fault(finding, fault) for finding in outcome.findings), outcome


@JUDGES
def test_what_a_good_host_does_to_it_is_no_finding(faulty: Target) -> None:
    outcome = run(
        faulty,
        control(0x41, 1, data=b"a short name"),
        control(0xC1, 2, length=24),
        control(0xC1, 4, value=8, length=4),
        control(0x41, 5, value=8),
        control(0x41, 6, data=bytes(100)),
        control(CLASS, 1, value=3),
        control(0x41, 7),
        control(0x41, 9),
        control(0x41, 10, value=3),
        Send(0x01, b"a command"),
        Suspend(5),
        Wait(3000),
        Unplug(20),
        Receive(0x81, 8),
    )
    assert outcome.findings == []
    assert [answer.ended for answer in outcome.answers] == ["completed"] * 10 + ["done"] * 3 + ["completed"]


@JUDGES
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("endpoint", [0x00, 0x80, 0x01, 0x81])
def test_faults_on_the_wire_are_not_taken_for_the_devices(faulty: Target, fault: Fault, endpoint: int) -> None:
    outcome = run(
        faulty,
        Spoil(fault, endpoint, 2, 1),
        control(0xC1, 2, length=24),
        Receive(0x81, 8),
        Receive(0x81, 8),
        Send(0x01, b"?"),
    )
    assert outcome.findings == []


@pytest.mark.row("Z1.replay")
def test_the_same_program_gives_the_same_trace_a_hundred_times_whatever_was_before(faulty: Target) -> None:
    program = Program((*BY_HAND["a toggle that goes on after SET_INTERFACE"], Suspend(3), *READS))
    first = run_traced(faulty, program)
    names = sorted(BY_HAND)
    for number in range(100):
        if number < len(names):
            run(faulty, *BY_HAND[names[number]])
        again = run_traced(faulty, program)
        assert again.trace == first.trace
        assert again.outcome == first.outcome


@pytest.mark.engine("renode", reason="the embedded engine has one way to go back only")
@pytest.mark.row("Z1.replay")
def test_going_back_in_place_is_what_loading_the_saved_emulation_is(faulty: Target) -> None:
    snapshot = faulty.snapshot
    program = Program((*READS, Unplug(3), *READS))
    in_place = run_traced(faulty, program)
    snapshot.in_place = None
    loaded = run_traced(faulty, program)
    assert snapshot.in_place is not None  # of the emulation that was loaded
    again = run_traced(faulty, program)
    assert in_place.trace == loaded.trace == again.trace


# A run


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path, Path]:
    """A run with a fixed seed until all ten are found, or the budget is used up; its corpus, and its findings."""
    corpus, out = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("out")

    def enough(report: Report) -> None:
        if all(any(is_fault(each.finding, fault) for each in report.found) for fault in FAULTS):
            raise KeyboardInterrupt

    with FAULTY.open() as board:
        fuzzer = Fuzzer(Target(board), FAULTY, seed=SEED, corpus=corpus, out=out)
        report = fuzzer.run(BUDGET, each=enough)
    return report, corpus, out


@FAST
@pytest.mark.row("Z2.planted")
def test_the_fuzzer_finds_all_ten_within_its_budget(planted: tuple[Report, Path, Path]) -> None:
    report, _, _ = planted
    cases = {
        fault["name"]: min((each.case for each in report.found if is_fault(each.finding, fault)), default=None)
        for fault in FAULTS
    }
    print(f"{report.cases} of {BUDGET} cases, {report.tries} tries, {report.seconds:.1f} s:")
    for name, case in cases.items():
        print(f"  {name}: case {case}")
    assert None not in cases.values()


@FAST
@pytest.mark.row("Z1.smallest")
def test_findings_are_as_small_as_a_person_would_write_them(planted: tuple[Report, Path, Path]) -> None:
    report, _, _ = planted
    for fault in FAULTS:
        best = min(len(each.program.actions) for each in report.found if is_fault(each.finding, fault))
        assert best <= len(BY_HAND[fault["name"]]), fault["name"]
    unaligned = next(each.program for each in report.found if "read_table" in each.finding.text)
    assert unaligned.actions[0].setup.wValue == 1  # type: ignore[union-attr]


@FAST
@pytest.mark.row("Z1.replay")
def test_replaying_a_findings_file_is_equal_to_the_bit(planted: tuple[Report, Path, Path]) -> None:
    report, _, _ = planted
    for found in report.found[:12]:
        assert found.path is not None
        case = read_case(found.path)
        assert case.program == found.program
        again = replay(case.setting, case.program)
        assert again.outcome.shows(found.finding.key)
        assert again.trace == found.path.with_suffix(".txt").read_text()
        assert again.sha256 == case.trace


@FAST
@pytest.mark.row("Z1.corpus")
def test_a_corpus_brings_a_new_run_to_where_the_old_one_was(planted: tuple[Report, Path, Path], tmp_path: Path) -> None:
    report, corpus, _ = planted
    kept = len(list(corpus.glob("*.toml")))
    assert kept > 50
    (corpus / "broken.toml").write_text("not = [toml")
    told: list[str] = []
    with FAULTY.open() as board:
        fuzzer = Fuzzer(Target(board), FAULTY, seed=2, corpus=corpus, tell=told.append)
        again = fuzzer.run(kept)
    assert any("broken.toml" in text for text in told)
    from_nothing = max(edges for case, _, edges in report.progress if case <= kept)
    assert again.edges > max(1.1 * from_nothing, 0.8 * report.edges)


@FAST
def test_a_seed_gives_the_same_run_again() -> None:
    runs = []
    for _ in range(2):
        with FAULTY.open() as board:
            fuzzer = Fuzzer(Target(board), FAULTY, seed=7)
            report = fuzzer.run(150)
            runs.append((fuzzer.corpus, [found.trace for found in report.found], report.edges))
    assert runs[0] == runs[1]


# On Renode


@pytest.fixture(scope="module")
def few(faulty: Target, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path, Path]:
    """A short run: what is seen of it is the same at some tens of cases in a second."""
    corpus, out = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("out")

    def enough(report: Report) -> None:
        if len(report.found) >= 2 and report.cases >= 200:
            raise KeyboardInterrupt

    setting = replace(FAULTY, engine="renode")
    report = Fuzzer(faulty, setting, seed=SEED, corpus=corpus, out=out).run(400, each=enough)
    faulty.known = set()
    return report, corpus, out


SLOW = pytest.mark.engine("renode", reason="the same is asked of the embedded engine with thousands of cases")


@SLOW
@JUDGES
@pytest.mark.row("Z1.smallest", "Z1.replay")
def test_a_short_run_finds_something_small_that_replays(
    few: tuple[Report, Path, Path], faulty: Target, tmp_path: Path
) -> None:
    report, _, _ = few
    assert len(report.found) >= 2
    assert report.unit == "behaviours"
    for found in report.found[:3]:
        assert len(found.program.actions) <= 2
        assert found.path is not None
        case = read_case(found.path)
        assert case.program == found.program
        again = run_traced(faulty, case.program)
        assert again.outcome.shows(found.finding.key)
        assert again.trace == found.path.with_suffix(".txt").read_text()
        assert again.sha256 == case.trace
    # and in another process, on a board of its own
    first = report.found[0].path
    assert first is not None
    done = command_line("replay", first, alone=True)
    assert done.returncode == 1
    assert "equal to the one in the file" in done.stdout


@SLOW
@pytest.mark.row("Z1.corpus")
def test_a_corpus_is_where_another_run_begins(few: tuple[Report, Path, Path], faulty: Target) -> None:
    report, corpus, _ = few
    kept = sorted(corpus.glob("*.toml"))
    assert len(kept) == report.kept > 50
    for path in kept[60:]:
        path.unlink()
    faulty.novelty = BehaviourCoverage()
    fuzzer = Fuzzer(faulty, replace(FAULTY, engine="renode"), seed=2, corpus=corpus)
    fuzzer.run(60)
    assert {program.name for program in fuzzer.corpus[:10]} <= {path.stem for path in kept[:60]}
    assert fuzzer.report.edges >= 60  # a behaviour at least for each program that was kept


@FAST
def test_reports_say_what_was_found(planted: tuple[Report, Path, Path], tmp_path: Path) -> None:
    report, _, _ = planted
    page, junit, sarif = tmp_path / "page.html", tmp_path / "junit.xml", tmp_path / "log.sarif"
    write_page(page, [report], "faulty")
    write_junit(junit, [report])
    write_sarif(sarif, [report])
    assert "set_mode" in page.read_text()
    assert sum(suite.failures for suite in JUnitXml.fromfile(str(junit))) == len(report.found)
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == [found.finding.judge for found in report.found]


# Files


@FAST
def test_a_programs_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    program = Program(
        (*(action for actions in BY_HAND.values() for action in actions), Spoil(Fault.CRC, 0x81, 2, 1), Unplug(3))
    )
    setting = replace(FAULTY, files={"main.py": b"print('\"')\n", "data.bin": b"\xff\x00"}, cores=1, revision="B1")
    sha = image_hash(find_image("chip/faulty"))
    case = CaseFile(setting, program, sha, Finding("crash", "key", 'a "text"\x7f', "a < b"), "0" * 64)
    path = tmp_path / "case.toml"
    case.write(path)
    assert read_case(path) == case


# In a project's own suite

SUITE = """
import pytest

@pytest.mark.pico(firmware="chip/faulty")
@pytest.mark.usb_fuzz(cases=CASES, seed=3)
def test_survives(pico, usb):
    assert usb.get_status() == 0
"""


@FAST
@pytest.mark.parametrize(("cases", "outcome", "text"), [(20, "1 passed", ""), (350, "1 failed", "usb_fuzz: ")])
def test_the_marker_fuzzes_what_a_test_leaves(tmp_path: Path, cases: int, outcome: str, text: str) -> None:
    (tmp_path / "test_it.py").write_text(SUITE.replace("CASES", str(cases)))
    done = run_process([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--engine", "embedded", tmp_path])
    assert outcome in done.stdout
    assert text in done.stdout


@FAST
def test_the_marker_leaves_judges_out(tmp_path: Path) -> None:
    without = [judge for judge in JUDGE_NAMES if judge != "dpsram"]
    (tmp_path / "test_it.py").write_text(SUITE.replace("CASES", f"350, without={without}"))
    (tmp_path / "test_wrong.py").write_text(SUITE.replace("CASES", "1, without=['crashes']"))
    done = run_process([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--engine", "embedded", tmp_path])
    assert "1 failed, 1 passed" in done.stdout
    assert "there is no judge 'crashes'; there are crash, watchdog" in done.stdout


# The command


@FAST
def test_the_command_writes_findings_that_replay(tmp_path: Path) -> None:
    fuzz = ("fuzz", "chip/faulty", "--cases", "360", "--seed", "1", "--out", tmp_path, "--quiet")
    done = command_line(*fuzz, "--junit", tmp_path / "junit.xml", "--sarif", tmp_path / "log.sarif")
    assert done.returncode == 1
    assert "findings in 360 cases" in done.stdout
    assert {"report.html", "junit.xml", "log.sarif"} <= {path.name for path in tmp_path.iterdir()}
    found = sorted(tmp_path.glob("*.toml"))[0]
    again = command_line("replay", found, "--html", tmp_path / "page.html", alone=True)
    assert again.returncode == 1
    assert "equal to the one in the file" in again.stdout
    assert (tmp_path / "page.html").stat().st_size > 10_000


@FAST
def test_what_is_left_out_is_counted_and_the_rest_is_told(tmp_path: Path) -> None:
    fuzz = ("fuzz", "chip/faulty", "--cases", "200", "--seed", "4", "--quiet")
    whole = command_line(*fuzz, "--out", tmp_path / "whole").stdout.splitlines()[:-1]
    words = ("--without", "endless", "--without", "chapter9:SR16")
    *rest, end = command_line(*fuzz, *words, "--out", tmp_path / "rest").stdout.splitlines()
    told = [line for line in whole if not line.startswith("found    endless: ") and "item SR16" not in line]
    assert told
    assert len(whole) - len(told) >= 2
    assert rest == told
    assert f"{len(told)} findings in 200 cases" in end
    assert f", {len(whole) - len(told)} left out" in end
    assert {path.name.partition("-")[0] for path in (tmp_path / "rest").glob("*.toml")} == {"toggle"}


@FAST
def test_all_that_is_left_out_is_no_failure(tmp_path: Path) -> None:
    done = command_line("fuzz", "chip/faulty", "--cases", "40", "--out", tmp_path, *LEAVE_OUT_ALL)
    assert "0 findings in 40 cases" in done.stdout
    assert done.returncode == 0


@FAST
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lies", "there is no judge 'lies'; there are crash, watchdog, dead"),
        ("sanitizer:", "'sanitizer:': after the colon a word of the finding is missing"),
    ],
)
def test_a_wrong_judge_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    done = command_line("fuzz", "chip/faulty", "--without", text, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@FAST
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("chip/faulty", "--seconds", "nan"), 2, "'--seconds': nan is not a number"),
        (("random.bin",), 2, "random.bin: the chip has started its boot ROM"),
        (("chip/hello",), 1, "no USB device attached"),
        (("uart", "--main", "dies.py"), 1, "HardFault"),
        (("chip/faulty", "--out", "random.bin/out"), 2, "random.bin/out: Not a directory"),
    ],
)
def test_what_cannot_be_fuzzed_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "random.bin").write_bytes(bytes(range(256)) * 16)
    (tmp_path / "dies.py").write_text("import machine\nmachine.mem32[0xF0000000]\n")
    done = command_line("fuzz", *arguments, "--cases", "1")
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.splitlines()[-1].startswith(("renode-pico: ", "Error: "))
    assert not done.stdout


@FAST
def test_interrupted_it_keeps_what_it_has(tmp_path: Path) -> None:
    """Ctrl-C in the middle: corpus, findings and the page are there, and the exit code says that there are some."""
    options = ("--seconds", "600", "--corpus", tmp_path / "corpus", "--out", tmp_path / "out", "--quiet")
    with program([sys.executable, "-m", "renode_pico", "fuzz", "chip/faulty", *options], stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"found")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
    assert process.returncode == 1
    assert rest.splitlines()[-1].startswith(b"end      ")
    assert (tmp_path / "out" / "report.html").stat().st_size > 1000
    kept = list((tmp_path / "corpus").iterdir())
    assert kept
    for path in kept:
        read_case(path)


@contextmanager
def limited(what: int, limit: int) -> Iterator[None]:
    """For this process, so much of something is all there is."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def test_a_file_that_there_is_no_room_for_is_named_and_not_left_in_part(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    case = CaseFile(FAULTY, Program(()), "0" * 64)
    # a file that may not grow further: the system call fails as it does on a full disk
    with limited(resource.RLIMIT_FSIZE, 50), pytest.raises(OSError, match=r"File too large: '.*case\.toml'"):
        case.write(path)
    assert not path.exists()
    case.write(path)
    assert read_case(path).sha256 == "0" * 64


def test_a_file_that_cannot_be_opened_is_named_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text("# mine")
    with limited(resource.RLIMIT_NOFILE, 0), pytest.raises(OSError, match=r"Too many open files: '.*case\.toml'"):
        CaseFile(FAULTY, Program(()), "0" * 64).write(path)
    assert path.read_text() == "# mine"


def test_a_word_of_the_key_is_what_is_left_out() -> None:
    revoked = Finding("sanitizer", "sanitizer revoked dcd_edpt_stall", "usb revoked: …")
    assert revoked in LeftOut.parse("sanitizer")
    assert revoked in LeftOut.parse("sanitizer:revoked")
    assert revoked in LeftOut.parse("sanitizer: dcd_edpt_stall")
    assert revoked not in LeftOut.parse("sanitizer:revoke")
    assert revoked not in LeftOut.parse("sanitizer:sanitizer")
    assert revoked not in LeftOut.parse("crash")


@FAST
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'format = 1' is missing"),
        ("format = 1\n[board]\nfirmware = 1", "firmware is 1, not a text"),
        ('format = 1\n[board]\nfirmware = "cdc"\n[[do]]\naction = "jump"', "action 1: no such action: 'jump'"),
        ('format = 1\n[board]\nfirmware = "cdc"\n[[do]]\naction = "wait"', "action 1: 'us' is missing"),
        ('format = 1\n[board]\nfirmware = "cdc"\n[[do]]\naction = "wait"\nus = -1', "us is -1, not a number from 0"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "case.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(says)):
        read_case(path)

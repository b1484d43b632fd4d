"""`renode-pico campaign` on Dask (row Z3): workers, the scheduler and the client killed for real."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen
from typing import Any

import pytest
from junitparser import JUnitXml

from renode_pico.errors import UsageError
from renode_pico.fuzz.campaign import Case, read_campaign
from renode_pico.fuzz.results import Results
from renode_pico.fuzz.worker import run_case
from tests.processes import program
from tests.processes import run as run_process

pytest.importorskip("distributed", reason="campaigns need Dask (extra 'campaign')")
CASES = 8
CAMPAIGN = f"""
[campaign]
name = "night"
seeds = {CASES - 1}

[[image]]
firmware = "chip/faulty"

[[pack]]
kind = "fuzz"
cases = 40

[[pack]]
kind = "tests"
path = "suite"
"""
SUITE = """
def test_its_name(pico, usb):
    assert usb.product == "faulty"

def test_that_fails(pico):
    assert pico.firmware.name == "another"
"""
PATIENCE = 300
"""Real seconds until something must have happened on a machine that is busy with other things."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A campaign of eight cases."""
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_it.py").write_text(SUITE)
    return path


class Site:
    """A scheduler, workers and clients, each a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.processes = 0

    def start(self, *arguments: str | Path, stderr: int = DEVNULL) -> Popen[Any]:
        return self.stack.enter_context(
            program([sys.executable, "-m", *arguments], stdin=DEVNULL, stdout=PIPE, stderr=stderr, cwd=self.folder)
        )

    def scheduler(self) -> tuple[Popen[Any], str]:
        self.processes += 1
        file = self.folder / f"scheduler-{self.processes}.json"
        options = ("--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", file)
        process = self.start("distributed.cli.dask_scheduler", *map(str, options))
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        return process, str(json.loads(file.read_text())["address"])

    def worker(self, address: str) -> Popen[Any]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self.start("distributed.cli.dask_worker", address, *options, "--death-timeout", "20")

    def client(self, address: str) -> Popen[Any]:
        out = self.folder / "out"
        return self.start(
            *("renode_pico", "campaign", "campaign.toml", "--scheduler", address, "--out", out, "--junit", "junit.xml"),
            stderr=STDOUT,
        )

    @property
    def done(self) -> list[str]:
        path = self.folder / "out" / "results.jsonl"
        return [json.loads(line)["key"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.stack:
        yield site


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.02)


def kill(process: Popen[Any]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def strip(result: dict[str, Any]) -> dict[str, Any]:
    """A result without how long it took."""
    return {name: value for name, value in result.items() if name != "seconds"}


@pytest.mark.row("Z3.lost-workers", "Z3.kill-9", "Z3.resume", "Z3.nothing-lost")
def test_nothing_is_lost_or_counted_twice_whoever_is_killed(site: Site, file: Path) -> None:
    scheduler, address = site.scheduler()
    first, _ = site.worker(address), site.worker(address)
    client = site.client(address)
    wait_for(lambda: len(site.done) >= 1)
    kill(first)  # in the middle of a case
    wait_for(lambda: len(site.done) >= 3)
    kill(client)
    before = site.done
    client = site.client(address)
    wait_for(lambda: len(site.done) >= 5)
    kill(scheduler)
    output, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 1
    assert "is gone with" in " ".join(output.decode().split())
    known = site.done
    assert known[: len(before)] == before
    assert len(known) < CASES

    scheduler, address = site.scheduler()
    site.worker(address)
    client = site.client(address)
    output, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 1  # there are findings
    assert f"{CASES} of {CASES} cases done" in output.decode()
    campaign = read_campaign(file)
    assert sorted(site.done) == sorted(case.key for case in campaign.cases)
    assert site.done[: len(known)] == known
    assert sum(suite.tests for suite in JUnitXml.fromfile(str(site.folder / "junit.xml"))) == CASES
    assert "that_fails" in (site.folder / "out" / "report.html").read_text()

    # and each is what it is without Dask
    entries = [json.loads(line) for line in (site.folder / "out" / "results.jsonl").read_text().splitlines()]
    case = next(case for case in campaign.cases if case.pack == "fuzz")
    direct = run_case(case, dict(campaign.payloads[case.image].files), {})
    assert [strip(entry["result"]) for entry in entries if entry["key"] == case.key] == [strip(direct)]


def test_on_this_machine_alone(tmp_path: Path, file: Path) -> None:
    verify = '[[pack]]\nkind = "verify"\nseeds = [0]\nonly = ["AT4", "AT12"]\n'
    file.write_text(CAMPAIGN.replace(f"seeds = {CASES - 1}", "seeds = [5]") + verify)
    command = [
        sys.executable,
        "-m",
        "renode_pico",
        "campaign",
        str(file),
        "--workers",
        "1",
        "--out",
        str(tmp_path / "o"),
    ]
    done = run_process(command, timeout=PATIENCE)
    assert "3 of 3 cases done, 0 with an error" in done.stdout
    entries = [json.loads(line) for line in (tmp_path / "o" / "results.jsonl").read_text().splitlines()]
    tests = next(entry["result"] for entry in entries if entry["case"]["pack"] == "tests")
    assert tests["count"] == 2
    verified = next(entry["result"] for entry in entries if entry["case"]["pack"] == "verify")
    assert verified == {"count": 2, "found": [], "seconds": verified["seconds"]}
    assert [found["key"].rpartition(".")[2] for found in tests["found"]] == ["test_that_fails"]


def test_a_campaign_leaves_judges_out(file: Path) -> None:
    """What is left out is counted, with the case's other results unchanged; it is a case of its own."""
    results = {}
    for without in ("", 'without = ["toggle", "chapter9:SR11", "crash:main"]'):
        file.write_text(CAMPAIGN.replace("cases = 40", f"cases = 250\n{without}").replace("seeds = 7", "seeds = [1]"))
        campaign = read_campaign(file)
        case = next(case for case in campaign.cases if case.pack == "fuzz")
        results[case.key] = run_case(case, dict(campaign.payloads[case.image].files), {})
    whole, rest = results.values()
    keys = [{found["key"] for found in result["found"]} for result in (whole, rest)]
    assert keys[1] == keys[0] - {"toggle 0x81", "chapter9 SR11"}
    assert rest["left_out"] == len(keys[0]) - len(keys[1]) == 2
    assert "left_out" not in whole


# The file of results


def some_case(seed: int) -> Case:
    return Case(f"case {seed}", "a.uf2", "0" * 64, "embedded", "fuzz", seed)


def test_a_torn_line_is_cut_off_and_its_case_done_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Results(path) as results:
        assert results.add(some_case(1), {"count": 1})
        assert not results.add(some_case(1), {"count": 2})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "torn')
    with Results(path) as results:
        assert list(results.by_key) == [some_case(1).key]
        results.add(some_case(2), {"count": 3})
    assert path.read_bytes().startswith(whole)
    assert len(path.read_bytes().splitlines()) == 2


def test_on_a_full_disk_the_file_is_named_and_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", full)
        return write(descriptor, data[:20])

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Results(path) as results:
        assert results.add(some_case(1), {"count": 1})
        whole = path.read_bytes()
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(OSError, match=r"No space left on device: '.*results\.jsonl'"):
            results.add(some_case(2), {"count": 2})
    assert len(path.read_bytes()) == len(whole) + 20
    with Results(path) as results:
        assert list(results.by_key) == [some_case(1).key]
    assert path.read_bytes() == whole


def test_two_campaigns_do_not_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Results(path), pytest.raises(UsageError, match="another campaign is writing"):
        Results(path)


def test_a_case_is_known_by_all_that_it_depends_on(file: Path) -> None:
    keys = {case.key for case in read_campaign(file).cases}
    assert len(keys) == CASES
    file.write_text(CAMPAIGN.replace("cases = 40", "cases = 41"))
    assert len(keys & {case.key for case in read_campaign(file).cases}) == 1  # the suite's
    (file.parent / "suite" / "test_it.py").write_text(SUITE + "\n")
    assert not keys & {case.key for case in read_campaign(file).cases}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("kind = \"tests\"", "kind = \"dance\""), "pack kind 'dance' is none of fuzz, tests, verify"),
        (("cases = 40", "casse = 40"), "'casse' is not known here"),
        (("path = \"suite\"", ""), "'path' is missing"),
        (("[[image]]", "[[imgae]]"), "'imgae' is not known here"),
        (("firmware = \"chip/faulty\"", "firmware = \"nothing.uf2\""), "nothing.uf2: no such file"),
        (("cases = 40", "cases = 0"), "cases = 0: a number of at least 1 is meant"),
        (("cases = 40", "only = [\"AT4\"]"), "'only' is not known here; there are kind, engines, seeds, cases"),
        (("cases = 40", "without = \"crash\""), "without = 'crash': a list of texts is meant"),
        (("cases = 40", "without = false"), "without = False: a list of texts is meant"),
        (("cases = 40", "without = [\"crashes\"]"), "there is no judge 'crashes'; there are crash, watchdog"),
        (("cases = 40", "engines = \"embedded\""), "engines = 'embedded': a list of texts is meant"),
        (("cases = 40", "seeds = 0"), "seeds = 0: how many, or a list of numbers, is meant"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_campaign_is_told_in_one_line(file: Path, change: tuple[str, str], says: str) -> None:
    file.write_text(CAMPAIGN.replace(*change))
    with pytest.raises(UsageError) as error:
        read_campaign(file)
    assert says in str(error.value)
    assert str(error.value).startswith(str(file.parent))
    assert "\n" not in str(error.value)

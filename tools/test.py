"""Run lint, types and every suite on every engine there is; print the matrix.

    python tools/test.py [--jobs N] [--engine embedded|renode ...] [--only STAGE ...] [--quick] [--list]

Results go to results/. The exit code is 0 when everything that ran passed. `--quick` (make test-quick) is what one runs
after each change: style, the unit tests, and a dozen tests of the firmware on the embedded engine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from debian_tools import install_debian_tools

from acceptance import VERSION_SUITES
from renode_pico.firmware import image_folder
from renode_pico.renode_models import look_for_renode
from renode_pico.renode_models.installation import ADVICE

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
RESULTS = ROOT / "results"
ROBOT_ON_RENODE = "robot on renode"
TICK = 0.1
"""Seconds between two looks at what runs."""
NEWS = 15.0
"""Seconds after which it is said what still runs, where nothing of it is to be seen."""


QUICK = (
    "tests/system/test_bus.py::test_a_bus_reset_returns_both_ends_to_address_0",
    "tests/system/test_bus.py::test_the_standard_requests_of_chapter_9",
    "tests/system/test_bus.py::test_an_idle_bus_suspends_and_the_host_resumes_it",
    "tests/system/test_usbdevice_config.py::test_the_host_reads_the_descriptors_byte_for_byte",
    "tests/system/test_usbdevice_config.py::test_active_attaches_and_detaches",
    "tests/system/test_usbdevice_control.py::test_an_in_request_runs_all_three_stages_with_the_same_request",
    "tests/system/test_usbdevice_control.py::test_a_stalled_request_leaves_endpoint_0_working",
    "tests/system/test_usbdevice_transfers.py::test_a_full_and_a_short_out_transfer",
    "tests/system/test_usbdevice_transfers.py::test_stall_is_seen_on_in_and_out_and_returns_the_state_before",
    "tests/system/vcp/test_vcp_ports.py::test_port_0_comes_by_itself_and_no_other",
    "tests/system/test_command_line.py::test_exec_prints_what_the_program_prints",
    "tests/system/test_command_line.py::test_lsusb_prints_the_tree_and_its_json",
)
"""One test for each thing that a change may break everywhere at once."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of the run. `engine` is empty for what needs none; `environment`: what is added to ours.

    `one_core`: it is one process, which others of that kind run beside.
    """

    name: str
    command: Sequence[str]
    engine: str = ""
    limit: int = 3000
    environment: Mapping[str, str] = field(default_factory=dict)
    one_core: bool = False


def stages(jobs: int) -> list[Stage]:
    """List what there is to run, in order: cheap and telling first, and the longest of those beside each other."""
    pytest = pytest_on(jobs)
    # one more than there are cores, as some tests wait for a client's clock; a Renode in each worker would be too much
    light = pytest_on(jobs + 1)
    # Robot on Renode gets half as many again: Renode sleeps for 0.1 s when it starts an emulation, as it does for each
    # line that is waited for, two fifths of the time
    robot = ["--xunit", "NONE", "--report", "NONE"]
    return [
        Stage("ruff check", [str(BIN / "ruff"), "check", "."], one_core=True),
        Stage("ruff format", [str(BIN / "ruff"), "format", "--check", "."], one_core=True),
        Stage(
            "wheel",
            [str(BIN / "pytest"), "-q", "--durations=5", "tests/wheel", f"--junitxml={RESULTS}/wheel.xml"],
            one_core=True,
        ),
        Stage("mypy", [str(BIN / "mypy")], one_core=True),
        Stage(
            "robot on embedded",
            [
                str(BIN / "robot"), "--loglevel", "INFO", "--console", "dotted", "--variable", "ENGINE:embedded",
                "--outputdir", str(RESULTS / "robot-embedded"), *robot, *robot_files(neutral=True),
            ],
            "embedded",
            one_core=True,
        ),
        Stage("unit", [*light, "tests/verify", "tests/unit", f"--junitxml={RESULTS}/unit.xml"]),
        Stage(
            "system on embedded",
            [*light, "tests/system", "--engine", "embedded", f"--junitxml={RESULTS}/system-embedded.xml"],
            "embedded",
        ),
        *editions(light, "embedded"),
        Stage("models for renode", [str(BIN / "python"), "-m", "renode_pico.renode_models"], "renode"),
        Stage(
            "system on renode",
            [*pytest, "tests/system", "--engine", "renode", f"--junitxml={RESULTS}/system-renode.xml"],
            "renode",
        ),
        *editions(pytest, "renode"),
        Stage(
            ROBOT_ON_RENODE,
            [
                str(BIN / "python"), "tools/robot_on_renode.py", "--jobs", str(jobs + (jobs + 1) // 2),
                "--renode-test", renode_test(), "--results", str(RESULTS / "robot-renode"), *robot_files(),
            ],
            "renode",
        ),
    ]  # fmt: skip


def pytest_on(workers: int) -> list[str]:
    """Pytest, so many tests at once: a worker keeps to a stretch of them, and to what a module's tests share."""
    return [str(BIN / "pytest"), "-q", "-n", str(workers), "--dist=worksteal", "--durations=5", "--durations-min=2"]


def editions(pytest: Sequence[str], engine: str) -> list[Stage]:
    """The other versions of MicroPython that are pinned, through the suites that are about MicroPython."""
    suites = sorted(
        str(path.relative_to(ROOT)) for name in VERSION_SUITES for path in (ROOT / "tests/system").glob(name)
    )
    return [
        Stage(
            f"micropython {version} on {engine}",
            [*pytest, *suites, "--engine", engine, f"--junitxml={RESULTS}/micropython-{version}-{engine}.xml"],
            engine,
            environment={"RENODE_PICO_FIRMWARE": str(image_folder() / f"micropython-{version}")},
        )
        for version in sorted(path.stem.removeprefix("sources-") for path in (ROOT / "firmware").glob("sources-*.toml"))
    ]


def quick_stages(jobs: int) -> list[Stage]:
    """List what one runs after each change."""
    of_all = {stage.name: stage for stage in stages(jobs)}
    system = of_all["system on embedded"]
    command = [part for part in system.command if part != "tests/system"] + list(QUICK)
    return [
        of_all["ruff check"],
        of_all["ruff format"],
        of_all["unit"],
        Stage("a dozen on embedded", command, "embedded"),
    ]


def robot_files(*, neutral: bool = False) -> list[str]:
    """List the suites; `neutral`: only those for any engine, which take their words from `*_${ENGINE}.resource`."""
    suites = sorted((ROOT / "robot").rglob("*.robot"))
    return [str(path.relative_to(ROOT)) for path in suites if not neutral or "_${ENGINE}.resource" in path.read_text()]


def renode_test() -> str:
    """The `renode-test` of the Renode that is used."""
    found = look_for_renode().installation
    launcher = found.test_launcher if found else None
    return str(launcher or "renode-test")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a stage has ended: its exit code, and the real seconds and seconds of a core that it took."""

    code: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        how = "ok" if self.code == 0 else f"exit code {self.code}"
        return f"{how}, {self.seconds:.1f} s ({self.cpu:.0f} s of a core)"


class Running:
    """A stage's command, in a process group of its own, so that nothing of it is left behind.

    `output`: the file for what it says, where that is not to be seen at once.
    """

    def __init__(self, stage: Stage, output: Path | None = None) -> None:
        self.stage = stage
        self.output = output
        self._begin = time.monotonic()
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
        environment |= stage.environment
        # Each of some 200 processes of Python would compile all it imports: 1 s of a core for a pytest.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if stage.name == ROBOT_ON_RENODE:  # which is run by a Python of Renode's own
            environment["PATH"] = os.environ["PATH"]
        file = output.open("wb") if output is not None else None
        # Renode's console spins on a standard input at end of file: give it an idle pipe.
        self._process = subprocess.Popen(
            stage.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT if file else None,
            start_new_session=True,
        )
        if file is not None:
            file.close()

    @property
    def seconds(self) -> float:
        """Real seconds since it was begun."""
        return time.monotonic() - self._begin

    def ended(self) -> Ended | None:
        """How it has ended, once it has; it is ended when it has taken too long."""
        process, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if process:
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self.stop()
            return Ended(self._process.returncode, self.seconds, usage.ru_utime + usage.ru_stime)
        if self.seconds < self.stage.limit:
            return None
        print(f"{self.stage.name}: not finished after {self.stage.limit} s, ended", flush=True)
        self.stop()
        return Ended(-1, self.seconds, 0.0)

    def stop(self) -> None:
        """End whatever is left of it."""
        try:
            os.killpg(self._process.pid, 9)
        except ProcessLookupError:
            return
        finally:
            self._process.wait()


def batches(chosen: Sequence[Stage]) -> Iterator[list[Stage]]:
    """Cut a list of stages into what may run beside each other, in order."""
    for _, found in groupby(enumerate(chosen), lambda item: -1 if item[1].one_core else item[0]):
        yield [stage for _, stage in found]


def run_batch(batch: Sequence[Stage], jobs: int) -> dict[str, Ended]:
    """Run stages, `jobs` at once. What one says that runs alone is seen at once; of others, when it has ended."""
    ended: dict[str, Ended] = {}
    waiting, running = list(batch), list[Running]()
    alone = min(jobs, len(batch)) == 1
    with tempfile.TemporaryDirectory() as folder:
        said = time.monotonic()
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    stage = waiting.pop(0)
                    if alone:
                        print(f"\n=== {stage.name}", flush=True)
                    running.append(Running(stage, None if alone else Path(folder, stage.name)))
                time.sleep(TICK)
                for one in [*running]:
                    if (end := one.ended()) is None:
                        continue
                    running.remove(one)
                    ended[one.stage.name] = end
                    if one.output is not None:
                        print(f"\n=== {one.stage.name}\n{one.output.read_text(errors='replace')}", end="")
                    print(f"--- {one.stage.name}: {end}", flush=True)
                    said = time.monotonic()
                if not alone and time.monotonic() - said > NEWS:
                    said = time.monotonic()
                    print("... " + ", ".join(f"{one.stage.name} {one.seconds:.0f} s" for one in running), flush=True)
        finally:
            for one in running:
                one.stop()
    return ended


def needs(stage: Stage) -> str:
    """Say what a stage lacks on this machine; empty when it can run."""
    if stage.engine != "renode":
        return ""
    found = look_for_renode()
    if stage.name == ROBOT_ON_RENODE:
        return "" if shutil.which(renode_test()) else f"there is no renode-test: {ADVICE}"
    if stage.name.startswith("models"):
        return "" if found.installation else found.problem
    return found.problem


def choose(options: argparse.Namespace) -> tuple[list[Stage], dict[str, str]]:
    """Return the stages to run, and for each engine that no stage runs on, why."""
    chosen: list[Stage] = []
    reasons: dict[str, str] = {}
    for stage in quick_stages(options.jobs) if options.quick else stages(options.jobs):
        named = not options.only or any(word in stage.name for word in options.only)
        if not named or (options.engine and stage.engine and stage.engine not in options.engine):
            reasons.setdefault(stage.engine, "not asked for")
        elif lack := needs(stage):
            reasons[stage.engine] = f"Renode is not here: {lack}"
            if look_for_renode().installation:
                print(f"{stage.name}: NOT RUN, {lack}")
        else:
            chosen.append(stage)
    ran = {stage.engine for stage in chosen if "models" not in stage.name}
    return chosen, {engine: reason for engine, reason in reasons.items() if engine and engine not in ran}


def main() -> int:
    """Run the stages, then the matrix."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--engine", action="append", choices=("embedded", "renode"), help="only these engines")
    parser.add_argument("--only", action="append", metavar="STAGE", help="only stages whose name contains this")
    parser.add_argument("--quick", action="store_true", help="only what one runs after each change")
    parser.add_argument("--list", action="store_true", help="say what would run, run nothing")
    options = parser.parse_args()
    if options.list:
        chosen, missing = choose(options)
        print("\n".join([stage.name for stage in chosen] + [f"not on {name}: {why}" for name, why in missing.items()]))
        return 0
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir()
    if not options.quick:
        install_debian_tools()
    begin = time.monotonic()
    chosen, missing = choose(options)
    ended: dict[str, Ended] = {}
    for batch in batches(chosen):
        ended |= run_batch(batch, options.jobs)
    bad = [name for name, end in ended.items() if end.code]
    print("\n   real    core", *(f"{e.seconds:7.1f} {e.cpu:7.1f}  {name}" for name, e in ended.items()), sep="\n")
    print(f"{time.monotonic() - begin:7.1f} {sum(end.cpu for end in ended.values()):7.1f}  s in all", flush=True)
    if options.quick:
        print(f"failed: {', '.join(bad)}" if bad else "passed; 'make test' runs everything")
        return 1 if bad else 0
    arguments = [f"--missing={engine}={reason}" for engine, reason in missing.items()]
    arguments += ["--partial"] if options.only else []
    matrix = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "matrix.py"), str(RESULTS), *arguments], cwd=ROOT, check=False
    )
    if bad:
        print(f"failed: {', '.join(bad)}")
    return 1 if bad or matrix.returncode else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)

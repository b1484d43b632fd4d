"""The GitHub action's steps, run as the shell that they are, and the other files for other machines (row K3)."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from renode_pico.cli.app import cli
from renode_pico.pytest_plugin import engine_of
from tests.processes import run
from tests.system.test_verify import explained

ROOT = Path(__file__).resolve().parents[2]
EXPRESSION = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


class Action:
    """action.yml, with inputs as a workflow gives them."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
        unknown = inputs.keys() - self.action["inputs"].keys()
        assert not unknown
        self.inputs = {name: inputs.get(name, about["default"]) for name, about in self.action["inputs"].items()}
        self.folder = folder
        self.said = ""

    def step(self, name: str, path: str = "") -> int:
        """Run the shell of a step; its exit code."""
        (step,) = [step for step in self.action["runs"]["steps"] if step["name"] == name]
        given = {key: EXPRESSION.sub(lambda found: self.inputs[found[1]], value) for key, value in step["env"].items()}
        files = {f"GITHUB_{name}": str(self.folder / name.lower()) for name in ("OUTPUT", "STEP_SUMMARY")}
        search = os.pathsep.join(part for part in (path, str(Path(sys.executable).parent), os.environ["PATH"]) if part)
        environment = os.environ | given | files | {"PATH": search}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = run(shell, cwd=self.folder, env=environment, timeout=300)
        self.said = done.stdout + done.stderr
        return done.returncode


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine this run is about."""
    return engine_of(request.config)


@pytest.mark.row("K3.action")
def test_what_is_expected_is_seen_reported_and_kept(engine: str, tmp_path: Path) -> None:
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / "main.py").write_text("print('hello from', 6 * 7)\nprint('bye')\n")
    action = Action(tmp_path, image="uart", files="device", expect="hello from 42\n/^bye/", engine=engine)
    assert action.step("Run") == 0, action.said
    results = tmp_path / "results"
    report = ElementTree.parse(results / "renode-pico.xml").getroot()
    assert report.find(".//testcase") is not None
    assert report.find(".//failure") is None
    assert "hello from 42" in (results / "console.txt").read_text()
    assert "<html" in (results / "bus.html").read_text()[:200].lower()
    assert (tmp_path / "output").read_text() == "report=results/renode-pico.xml\n"
    assert "hello from 42" in (tmp_path / "step_summary").read_text()


@pytest.mark.row("K3.action")
@pytest.mark.parametrize("inputs", [{"expect": "never"}, {"fail": "hello"}])
def test_what_fails_fails_the_step_and_is_reported_too(engine: str, tmp_path: Path, inputs: dict[str, str]) -> None:
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / "main.py").write_text("print('hello')\n")
    action = Action(tmp_path, image="uart", files="device", engine=engine, timeout="0.5", **inputs)
    assert action.step("Run") == 1
    report = ElementTree.parse(tmp_path / "results" / "renode-pico.xml").getroot()
    assert report.find(".//failure") is not None
    assert "'never'" in action.said or "'hello' seen" in action.said


@pytest.mark.engine("embedded", reason="the step hands the engine's name to a command that is tested on both")
def test_the_verifier_runs_its_packs_without_what_may_fail(tmp_path: Path) -> None:
    may_fail = explained("embedded") - {"SR8"}
    action = Action(tmp_path, image="cdc", verify="chapter9", **{"verify-without": ",".join(sorted(may_fail))})
    assert action.step("Verify") == 1
    results = tmp_path / "results"
    failures = ElementTree.parse(results / "verify.xml").findall(".//testcase/failure/..")
    assert [case.get("name", "").split()[0] for case in failures] == ["SR8"]
    assert (results / "verify-trace.html").is_file()
    assert "FAIL SR8" in (tmp_path / "step_summary").read_text()


@pytest.mark.row("K3.action")
@pytest.mark.parametrize(("package", "installed"), [("renode-pico==0.2.0", "renode-pico==0.2.0"), ("", str(ROOT))])
def test_it_installs_the_package_or_its_own_checkout(tmp_path: Path, package: str, installed: str) -> None:
    (tmp_path / "bin").mkdir()
    pip = tmp_path / "bin" / "pip"
    pip.write_text('#!/bin/sh\necho "$@"\n')
    pip.chmod(0o755)
    action = Action(tmp_path, package=package)
    install = next(step for step in action.action["runs"]["steps"] if step["name"] == "Install")
    install["env"]["ACTION"] = str(ROOT)
    assert action.step("Install", path=str(tmp_path / "bin")) == 0
    assert action.said.split() == ["install", "--quiet", installed]


def commands_in(text: str) -> list[list[str]]:
    """The `renode-pico` commands in a shell or YAML file."""
    found = re.findall(r"(?:run: |RUN |\|\| |command\": \"|^)(renode-pico [^\n\"]*)", text, re.MULTILINE)
    return [shlex.split(re.sub(r"\$\{\{[^}]*\}\}", "embedded", line)) for line in found]


@pytest.mark.row("K3.other-ci")
@pytest.mark.parametrize(
    "path",
    ["action.yml", "Dockerfile", "examples/traffic-light/.github/workflows/test.yml",
     "examples/traffic-light/.vscode/tasks.json", "docs/ci.md"],
)  # fmt: skip
def test_the_commands_in_it_are_commands_of_ours_with_options_that_exist(path: str) -> None:
    commands = commands_in((ROOT / path).read_text())
    assert commands
    for _, *words in commands:
        names = [word for word in words if not word.startswith("-")][: 2 if words[0] == "setup" else 1]
        shown = CliRunner().invoke(cli, [*names, "--help"])
        assert shown.exit_code == 0, words
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in shown.output, words


def test_the_json_files_are_json() -> None:
    for path in [*(ROOT / "examples").rglob(".vscode/*.json"), ROOT / ".devcontainer" / "devcontainer.json"]:
        assert json.loads(path.read_text())

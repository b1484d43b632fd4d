"""Links lead somewhere, commands exist, and the site is made of all of it (row K5)."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from renode_pico.cli.app import COMMANDS, cli
from tests.processes import run

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MADE = {"reference/keywords.html"}
"""What only the site has."""


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them, and its own."""
    text = page.read_text()
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


@pytest.mark.row("K5.links")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    lost = []
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or path in MADE:
            continue
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            lost.append(target)
    assert not lost


@pytest.mark.row("K5.site")
def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not here: pip install renode-pico[dev]")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = run(command, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    for name in ("index", "renode", "testing", "compatibility", "changelog"):
        assert (site / f"{name}.html").is_file()
    reference = (site / "reference.html").read_text()
    assert 'id="renode_pico.board.Board.enumerate"' in reference
    assert "Given A Pico Running" in (site / "reference" / "keywords.html").read_text() or (
        "A Pico Running" in (site / "reference" / "keywords.html").read_text()
    )
    assert (site / "trace-page.png").is_file()


def commands(page: Path) -> list[list[str]]:
    """The `renode-pico` commands in a page's examples, one list of words each."""
    found = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    blocks = [block for language, block in found if language in ("", "sh")]
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("renode-pico ")]


@pytest.mark.row("K5.examples")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    for words in commands(page):
        name, rest = words[0], words[1:]
        if name == "trace":  # runs another one
            inner = next(index for index, word in enumerate(rest) if word in COMMANDS)
            assert not [word for word in rest[:inner] if word.startswith("--")] or "--output" in rest or "--sof" in rest
            name, rest = rest[inner], rest[inner + 1 :]
        assert name in COMMANDS, f"{page.name}: renode-pico {' '.join(words)}"
        group = [rest[0]] if name == "setup" and rest else []
        shown = CliRunner().invoke(cli, [name, *group, "--help"]).output
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in shown, f"{page.name}: renode-pico {' '.join(words)}"


def test_every_page_is_in_the_sites_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name in contents, f"{page.name} is missing in mkdocs.yml"


@pytest.mark.row("P9.documented", engine="renode")
def test_the_arguments_of_renodes_platform_are_documented_with_what_they_are_without() -> None:
    """Each variable that the script gives a value of its own, and the dials of time by name."""
    page = (ROOT / "docs" / "renode.md").read_text()
    given = dict(re.findall(r"^\$(\w+)\?=(\S+)$", (ROOT / "renode" / "rpi_pico.resc").read_text(), re.MULTILINE))
    assert given.keys() >= {"mips", "flash", "platform", "revision"}
    for name, value in given.items():
        row = re.search(rf"^\| `\${name}` \| (.*?) \| (.+) \|$", page, re.MULTILINE)
        assert row is not None, name
        assert not value.isdigit() or row[1] == f"`{value}`"
    for dial in ("sysbus.psm InstructionsPerMicrosecond", "sysbus.ssi.flash TimeScale", "sysbus.xip_ctrl FlashLatency"):
        assert dial in page

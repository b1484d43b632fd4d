"""The verifier's packs beside chapter 9 on firmware (row Y2; tests/verify has the devices that are wrong)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.pytest_plugin import engine_of
from renode_pico.verify import report as reports
from renode_pico.verify.runner import Report, verify
from renode_pico.verify.table import choose, load_pack
from renode_pico.verify.target import BoardTarget
from renode_pico.verify.verdict import Verdict

pytestmark = pytest.mark.usefixtures("own_board")

USBTEST = load_pack("usbtest").items


APPS = Path(__file__).parents[2] / "firmware" / "apps"
FOUR = {path.name: path.read_bytes() for path in APPS.glob("*.py")} | {
    "main.py": b"import composite_four\nfour = composite_four.start()\n"
}


ECHO = {"main.py": (APPS / "vcp_echo.py").read_bytes()}


def run_of(firmware: str, engine: str, *packs: str, files: dict[str, bytes] | None = None) -> Report:
    with Board(firmware, engine=cast(EngineName, engine), files=files) as board:
        return verify(BoardTarget(board), choose(packs), seed=3)


@pytest.fixture(scope="module")
def usbtest(request: pytest.FixtureRequest) -> Report:
    """The 30 cases on firmware/chip/usbtest."""
    return run_of("chip/usbtest", engine_of(request.config), "usbtest")


@pytest.mark.row("Y2.usbtest")
@pytest.mark.parametrize("number", range(len(USBTEST)), ids=[item.id for item in USBTEST])
def test_the_cases_of_usbtest_pass_on_a_program_for_them(usbtest: Report, number: int) -> None:
    result = usbtest.results[number]
    assert result.verdict is Verdict.PASS, reports.line(result)


DFU_MODE = "DFU3 DFU4 DFU5 DFU6 DFU7 DFU8 DFU9 DFU10 DFU11"


@pytest.mark.row("Y2.class-packs")
@pytest.mark.parametrize(
    ("firmware", "files", "packs", "known", "without"),
    [
        pytest.param(
            "chip/usb_composite",
            None,
            "hid msc cdc midi",
            "HID3 HID5 HID9 MSC3 MSC8 MSC9 MSC13 MSC14 MSC15 MSC16 MSC17 MSC19 MSC24",
            "CDC5 CDC8 CDC9",
            id="composite",
        ),
        pytest.param("chip/usb_instrument", None, "dfu", "DFU3 DFU8 DFU9 DFU10 DFU11", "DFU12", id="instrument"),
        pytest.param("cdc", None, "cdc", "", "CDC5 CDC9", id="micropython"),
        pytest.param(
            "uart", FOUR, "hid msc midi dfu", "MSC3", f"HID3 HID5 HID8 MSC22 MIDI5 {DFU_MODE}", id="composite_four"
        ),
        pytest.param("uart", ECHO, "cdc", "", "CDC5", id="vcp_echo"),
    ],
)
def test_class_packs_find_what_is_known_and_nothing_else(
    request: pytest.FixtureRequest,
    firmware: str,
    files: dict[str, bytes] | None,
    packs: str,
    known: str,
    without: str,
) -> None:
    """`known`: what drivers do otherwise, as docs/verify-results.md explains; `without`: what they do not have."""
    report = run_of(firmware, engine_of(request.config), *packs.split(), files=files)
    bad = {result.item.id for result in report.results if result.verdict.bad}
    assert bad == set(known.split()), "\n".join(reports.line(each) for each in report.results if each.verdict.bad)
    assert {each.item.id for each in report.results if each.verdict is Verdict.NOT_APPLICABLE} == set(without.split())
    assert {each.item.id for each in report.results} == {item.id for item in choose(packs.split())}
    explained = (Path(__file__).parents[2] / "docs" / "verify-results.md").read_text(encoding="utf-8")
    assert all(f"`{identifier}`" in explained for identifier in bad)

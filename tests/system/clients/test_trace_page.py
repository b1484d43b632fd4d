"""The bus trace as a page in headless Chromium (row T6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.errors import Stall
from renode_pico.trace.html import HtmlTrace
from renode_pico.trace.session import TraceFile
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Fault
from renode_pico.verify.page import trace_beside, write_page
from renode_pico.verify.runner import verify
from renode_pico.verify.table import choose
from renode_pico.verify.target import BoardTarget
from tests.system.clients.conftest import PATIENCE, debian_program, needs
from tests.unit.trace.records import feed, long_trace


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all: it takes longer to start than a test to look at its page."""
    needs("selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = debian_program("chromium", "chromium")
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900", profile):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(debian_program("chromedriver", "chromium-driver")))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser: Any) -> Callable[..., Any]:
    """Open a page and wait until it has drawn itself; nothing may go wrong in it."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get("about:blank")
    browser.get_log("browser")  # what is there is of another test

    def show(path: Path, place: str = "") -> Any:
        browser.get(path.as_uri() + place)
        WebDriverWait(browser, PATIENCE).until(
            lambda page: page.execute_script("return document.documentElement.dataset.ready")
        )
        assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
        return browser

    return show


def text_of(page: Any, selector: str) -> str:
    return str(page.execute_script("return document.querySelector(arguments[0]).textContent", selector))


def rows(page: Any) -> list[str]:
    return list(page.execute_script("return [...document.querySelectorAll('#rows .row')].map(row => row.innerText)"))


def pixels(page: Any, canvas: str) -> int:
    """How many different colours a canvas shows."""
    script = """
        const canvas = document.getElementById(arguments[0]);
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    """
    return int(page.execute_script(script, canvas))


def kinds_shown(page: Any, canvas: str) -> set[str]:
    """Which kinds of transactions have their colour somewhere on a canvas."""
    script = """
        const canvas = document.getElementById(arguments[0]);
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const there = new Set();
        for (let k = 0; k < data.length; k += 4) there.add(data[k] << 16 | data[k + 1] << 8 | data[k + 2]);
        return Object.keys(SEVERITY).filter(kind => there.has(parseInt(view.colours[kind].slice(1), 16)));
    """
    return set(page.execute_script(script, canvas))


@pytest.fixture
def recorded(pico: Board, tmp_path: Path) -> Path:
    """The trace of a board: enumeration, REPL, a stall, a spoiled packet."""
    path = tmp_path / "board.html"
    with TraceFile(path).attach(pico.host):
        device = pico.device
        with pytest.raises(Stall):
            device.control_in(Setup(0xC0, 0x55, 0, 0, 8))
        pico.host.inject(Fault.CRC, endpoint_address=pico.cdc().function.bulk_out.bEndpointAddress)
        assert pico.repl().eval("6 * 7") == 42
    return path


@pytest.mark.row("T6.at-a-glance", "T6.timeline", "T6.transfers")
def test_a_boards_trace_is_read_at_a_glance(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    assert "2 with a stall or an error" in text_of(page, "#summary")
    assert any("SET_ADDRESS 1" in row for row in rows(page))
    assert any("attach" in row for row in rows(page))
    assert {"0.0", "1.0", "1.2 OUT", "1.2 IN"} <= set(page.execute_script("return trace.lanes.map(endpointName)"))
    assert {"setup", "in", "out"} <= kinds_shown(page, "lanes")
    assert pixels(page, "lanes") > 6
    assert pixels(page, "overview") > 3


@pytest.mark.row("T6.self-contained")
def test_the_page_asks_for_nothing_else(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    assert page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)") == []
    assert re.findall(r"(?:src|href)=[\"'](?!#|data:)[^\"']*", recorded.read_text()) == []


@pytest.mark.engine("embedded", reason="the page is made of the same records, whatever emulates the board")
def test_an_item_of_the_verifier_leads_to_its_transactions(
    pico: Board, tmp_path: Path, show: Callable[..., Any]
) -> None:
    path = tmp_path / "report.html"
    with TraceFile(trace_beside(path)).attach(pico.host):
        report = verify(BoardTarget(pico), choose(["chapter9"], ["DE4", "SR8", "SR10"]))
    write_page(path, report, trace_beside(path).name)
    link = re.search(r'href="(report-trace\.html)(#\d+-\d+)">transactions', path.read_text())
    assert link is not None
    page = show(tmp_path / link[1], link[2])
    assert "SET_CONFIGURATION 126" in text_of(page, "#rows .row.selected")


def test_descriptors_are_decoded_on_a_click(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    page.execute_script(
        "[...document.querySelectorAll('#rows .row')].find(r => r.innerText.includes('GET_DESCRIPTOR device')).click()"
    )
    details = text_of(page, "#details")
    assert "idVendor" in details
    assert "0x2e8a" in details


@pytest.mark.row("T6.stalls", "T6.errors")
def test_the_next_problem_is_one_key_away(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    assert {"stall", "error"} <= kinds_shown(page, "lanes")
    marked = "return [...document.querySelectorAll(arguments[0])].map(row => row.innerText).join('|')"
    assert "stalled" in page.execute_script(marked, "#rows .row.stall")
    assert "1 fault" in page.execute_script(marked, "#rows .row.error")
    page.execute_script("document.getElementById('problem').click()")
    assert "stalled" in text_of(page, "#details")
    page.execute_script("document.getElementById('problem').click()")
    assert "crc" in text_of(page, "#details")


def test_an_endpoint_can_be_hidden_and_words_can_be_searched(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    everything = page.execute_script("return view.rows.length")
    page.execute_script("document.querySelectorAll('#labels input')[0].click()")
    hidden = page.execute_script("return view.rows.length")
    page.execute_script(
        "const s = document.getElementById('search'); s.value = 'get_descriptor'; s.dispatchEvent(new Event('input'))"
    )
    found = rows(page)
    assert hidden < everything
    assert found
    assert all("GET_DESCRIPTOR" in row for row in found)


def test_zooming_in_shows_single_transactions(recorded: Path, show: Callable[[Path], Any]) -> None:
    page = show(recorded)
    page.execute_script("document.getElementById('problem').click()")
    page.execute_script("document.getElementById('lanes').dispatchEvent(new Event('dblclick'))")
    page.execute_script("drawLanes()")
    assert page.execute_script("return view.to - view.from") < 1e6
    page.execute_script("document.getElementById('fit').click()")
    assert page.execute_script("return view.to - view.from >= view.length")


def test_a_long_trace_stays_small_in_the_page(tmp_path: Path, show: Callable[[Path], Any], pico: Board) -> None:
    path = tmp_path / "long.html"
    with path.open("wb") as stream:
        writer = HtmlTrace(stream, title="100,000 transactions")
        for made in long_trace(100_000):
            feed(writer, [made])
        writer.close()
    page = show(path)
    assert "100,0" in text_of(page, "#summary")
    assert len(rows(page)) < 100
    page.execute_script("document.getElementById('scroll').scrollTop = 1e9")
    page.execute_script("drawRows()")
    assert page.execute_script("return view.rows.length") > 7000
    assert any("bulk IN" in row for row in rows(page))

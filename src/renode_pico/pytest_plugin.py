"""Fixtures for tests that plug a USB host into an emulated Pico.

pytest --engine embedded|renode|auto --firmware cdc|uart|uart-cdc|FILE

@pytest.mark.pico(firmware="uart-cdc", files={"boot.py": "..."})
@pytest.mark.row("D7.reset-cb")
def test_something(pico, usb, cdc): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import ENGINES, EngineName, choose
from renode_pico.errors import EngineMissing, UsageError
from renode_pico.micropython.repl import Repl
from renode_pico.trace.keep import KeptTrace
from renode_pico.usb.cdc import CdcPort
from renode_pico.usb.device import Device
from renode_pico.usb.temper import Temper


class UsbMisuse(pytest.PytestWarning):
    """The firmware of a test did something to the USB controller that silicon punishes at random."""


if TYPE_CHECKING:
    from renode_pico.verify.suite import Verify

TRACE = pytest.StashKey[KeptTrace]()
"""The trace of a test's board, until it is known whether the test has failed."""
BOARD = pytest.StashKey[Board]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command line options."""
    group = parser.getgroup("renode-pico", "an emulated Raspberry Pi Pico")
    group.addoption("--engine", choices=("auto", *ENGINES), default="auto", help="what emulates the board")
    group.addoption("--firmware", default=None, help="cdc, uart, uart-cdc or a UF2, ELF or binary file")
    group.addoption(
        "--usb-temper",
        choices=[temper.value for temper in Temper],
        default=Temper.LENIENT.value,
        help="lenient: as Linux takes a device that lies about itself; strict: the first lie is an error",
    )
    group.addoption(
        "--no-usb-sanitize",
        action="store_true",
        help="do not look for what the firmware does to the USB controller that it must not (as warnings)",
    )
    group.addoption(
        "--usb-traces",
        default="results/usb-traces",
        metavar="DIR",
        help="where the bus traces of failed tests are kept, for Wireshark and as a page; empty: none are made",
    )
    group.addoption(
        "--usb-verify",
        nargs="?",
        const="chapter9",
        default=None,
        metavar="PACKS",
        help="a test for each item of the verifier (docs/verify.md), on a board with --firmware: usb-verify::SR8",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers",
        "row(name, ..., engine=None): the parts of acceptance rows that the test proves; {argument} in a name is the "
        "value of the test's parameter; engine: whose model it tests, where no board takes part",
    )
    config.addinivalue_line(
        "markers",
        "pico(firmware=..., files={name: text}, temper=..., sanitize=..., errata=...): the board's firmware, the files "
        "in its flash, how its host takes a device that lies ('lenient' or 'strict'), whether misuse of the USB "
        "controller is told, faults of the silicon",
    )
    config.addinivalue_line(
        "markers",
        "usb_fuzz(cases=2000, seed=1, without=()): when the test has passed, fuzz the device that its board (`pico`) "
        "is then; without: judges that are left out",
    )
    config.addinivalue_line("markers", "engine(name, reason=...): the test is for this engine only, and why")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is for another engine; note which rows a test proves on which engine, for the matrix."""
    item.user_properties += [("row", name) for name in rows_of(item)]
    engine = engine_of(item.config) if has_board(item) else ""
    if engine:
        item.user_properties.append(("engine", engine))
    elif models := [marker.kwargs["engine"] for marker in item.iter_markers("row") if "engine" in marker.kwargs]:
        item.user_properties += [("engine", models[0]), ("board", "no")]
    for marker in item.iter_markers("engine"):
        if marker.args[0] != engine:
            pytest.skip(f"for the {marker.args[0]} engine only: {marker.kwargs['reason']}")


def has_board(item: pytest.Item) -> bool:
    """Whether a test runs firmware: on the fixture's board, or on its own where it says for which engine it is."""
    return "pico" in getattr(item, "fixturenames", ()) or item.get_closest_marker("engine") is not None


def rows_of(item: pytest.Item) -> list[str]:
    """What the `row` markers of a test name, parameters filled in."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return [name.format_map(parameters) for marker in item.iter_markers("row") for name in marker.args]


def engine_of(config: pytest.Config) -> str:
    """Return the engine this run uses."""
    try:
        return choose(cast(EngineName, config.getoption("--engine")))
    except EngineMissing as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Fuzz what a test with the marker `usb_fuzz` has left behind."""
    outcome: Any = yield
    marker = pyfuncitem.get_closest_marker("usb_fuzz")
    if marker is None or outcome.excinfo is not None:
        return
    from renode_pico.fuzz.marked import check

    board = pyfuncitem.funcargs.get("pico")
    if not isinstance(board, Board):
        raise pytest.UsageError(f"{pyfuncitem.nodeid}: usb_fuzz needs the fixture 'pico', whose device it fuzzes")
    try:
        findings = check(board, **marker.kwargs)
    except Exception as error:
        outcome.force_exception(error)
        return
    if findings:
        outcome.force_exception(pytest.fail.Exception(findings, pytrace=False))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep the bus traces of a test that has failed; its report says where they are, and what ended main.py."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if not report.failed:
        return
    if (trace := item.stash.get(TRACE, None)) is not None:
        del item.stash[TRACE]
        folder = Path(item.config.rootpath, item.config.getoption("--usb-traces"), engine_of(item.config))
        kept = trace.end(folder, item.nodeid)
        report.sections.append(("USB traces", "\n".join(str(path) for path in kept)))
    if (board := item.stash.get(BOARD, None)) is not None and (complaint := board.complaint()):
        report.sections.append(("What MicroPython says of itself", complaint))


def board_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Collect what the `pico` markers of a test ask for; the nearest marker wins."""
    options: dict[str, Any] = {
        "firmware": request.config.getoption("--firmware") or "cdc",
        "temper": request.config.getoption("--usb-temper"),
        "sanitize": not request.config.getoption("--no-usb-sanitize"),
    }
    for marker in reversed(list(request.node.iter_markers("pico"))):
        options |= marker.kwargs
    files: Mapping[str, str | bytes | Path] = options.pop("files", {})
    options["files"] = {name: file_content(content) for name, content in files.items()}
    return options


def file_content(content: str | bytes | Path) -> bytes:
    """Return the bytes of a file given as text, bytes or path."""
    if isinstance(content, Path):
        return content.read_bytes()
    return content.encode() if isinstance(content, str) else content


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items of `--usb-verify`."""
    packs = config.getoption("--usb-verify")
    if packs is None:
        return
    from renode_pico.verify.pytest_items import VerifyItems

    options = {"firmware": config.getoption("--firmware") or "cdc", "engine": engine_of(config)}
    names = tuple(name.strip() for name in packs.split(","))
    try:
        collector = VerifyItems.from_parent(
            session, name="usb-verify", nodeid="usb-verify", packs=names, options=options
        )
        items += collector.collect()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    config.add_cleanup(collector.close)


@pytest.fixture
def verify(pico: Board) -> Verify:
    """The verifier on the test's board: `verify.chapter9()`."""
    from renode_pico.verify.suite import Verify

    return Verify(pico)


@pytest.fixture
def pico(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A powered board, its cable not yet plugged in."""
    with Board(engine=cast(EngineName, engine_of(request.config)), **board_options(request)) as board:
        if request.config.getoption("--usb-traces"):
            request.node.stash[TRACE] = KeptTrace(board.host)
        request.node.stash[BOARD] = board
        yield board
        del request.node.stash[BOARD]
        trace = request.node.stash.get(TRACE, None)
        if trace is not None:
            del request.node.stash[TRACE]
            trace.end()
        for finding in board.findings:
            request.node.warn(UsbMisuse(finding))


@pytest.fixture
def usb(pico: Board) -> Device:
    """The device that the board's firmware presents, enumerated."""
    return pico.device


@pytest.fixture
def cdc(pico: Board, usb: Device) -> CdcPort:
    """The first CDC-ACM port, open."""
    return pico.cdc(0)


@pytest.fixture
def repl(pico: Board, usb: Device) -> Repl:
    """The REPL on the built-in USB port."""
    return pico.repl()

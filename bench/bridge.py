"""The bridges and the traces: what they cost beside the same without them.

    python bench/bridge.py [--engine embedded|renode] [--runs 3] [--only usbip|trace|page]

Used by bench.py; each pair runs in turns, and the median of the ratios counts.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from measure import Row, compare, show, wall  # noqa: E402

from renode_pico.board import Board  # noqa: E402
from renode_pico.engine.select import EngineName  # noqa: E402
from renode_pico.trace.session import traced  # noqa: E402

LOOPBACK = ROOT / "src" / "renode_pico" / "data" / "loopback.py"
SIZE, PIECE = 65536, 16384
TRANSACTIONS = 100_000
PAGE_LIMIT = 2.0


@contextmanager
def served(engine: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server as fast as the engine can; yields it and its USB/IP port once the device is there."""
    command = [sys.executable, "-m", "renode_pico", "serve", "--usbip", "--speed", "0", "--engine", engine]
    process = subprocess.Popen(
        [*command, "--boot", str(LOOPBACK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if match := re.match(r"usbip .* port (\d+)", line):
                port = int(match[1])
            if re.match("device +[0-9a-f]{4}:", line):
                break
        yield process, port
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=60)


def vendor_addresses(settings: Any) -> list[int]:
    """OUT and IN address of the vendor interface, of ours or of PyUSB's objects."""
    interface = next(each for each in settings if each.bInterfaceClass == 0xFF)
    endpoints = interface.endpoints if isinstance(interface.endpoints, tuple) else interface.endpoints()
    return sorted(endpoint.bEndpointAddress for endpoint in endpoints)


def in_process(board: Board) -> float:
    """Seconds for the data out and back with the host in this process."""
    device = board.device
    out, in_ = (device.endpoint(address) for address in vendor_addresses(device.configuration.interfaces))
    data, back = bytes(range(256)) * (SIZE // 256), b""
    begin = time.monotonic()
    for position in range(0, SIZE, PIECE):
        out.write(data[position : position + PIECE], timeout=60)
    while len(back) < SIZE:
        back += in_.read(PIECE, timeout=60)
    took = time.monotonic() - begin
    assert back == data
    return took


def over_usbip(device: Any) -> float:
    """Seconds for the same with PyUSB over USB/IP."""
    out, in_ = vendor_addresses(device.get_active_configuration())
    data, back = bytes(range(256)) * (SIZE // 256), b""
    begin = time.monotonic()
    for position in range(0, SIZE, PIECE):
        device.write(out, data[position : position + PIECE], 60000)
    while len(back) < SIZE:
        back += bytes(device.read(in_, PIECE, 60000))
    took = time.monotonic() - begin
    assert back == data
    return took


def looped_board(engine: str) -> Board:
    """A board whose boot.py sends back what it gets."""
    return Board(engine=cast(EngineName, engine), files={"boot.py": LOOPBACK.read_bytes()})


def usbip_throughput(engine: str, runs: int) -> Row:
    """Bulk throughput: at least 70 % of the in-process host's, so at most 1/0.7 of its time."""
    import usb.core
    from usbip_backend.backend import USBIPBackend

    with served(engine) as (server, port), looped_board(engine) as board:
        device = usb.core.find(idVendor=0x2E8A, backend=USBIPBackend("127.0.0.1", port, timeout=60))

        def alone() -> float:
            """The server runs on while it waits: stop it meanwhile."""
            server.send_signal(signal.SIGSTOP)
            try:
                return in_process(board)
            finally:
                server.send_signal(signal.SIGCONT)

        return compare(
            f"64 KiB each way, PyUSB over USB/IP ({engine})",
            lambda: over_usbip(device),
            alone,
            1 / 0.7,
            "the host in this process",
            runs,
        )


def trace_cost(engine: str, runs: int) -> Row:
    """Both traces together: less than 15 % of wall time."""
    with looped_board(engine) as board, tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / "bus.pcapng", Path(folder) / "bus.html"]

        def with_traces() -> float:
            with traced(board.host, outputs):
                return in_process(board)

        return compare(
            f"64 KiB each way with pcapng and HTML ({engine})",
            with_traces,
            lambda: in_process(board),
            1.15,
            "the same untraced",
            runs,
        )


def traced_command(engine: str, runs: int) -> Row:
    """The main job as a person runs it, with both traces and without."""
    with tempfile.TemporaryDirectory() as folder:
        job = ("demo", "--engine", engine)
        traced_job = ("trace", "-o", f"{folder}/bus.pcapng", "-o", f"{folder}/bus.html", *job)
        python = (sys.executable, "-m", "renode_pico")
        return compare(
            f"`renode-pico demo` with pcapng and HTML ({engine})",
            lambda: wall((*python, *traced_job)),
            lambda: wall((*python, *job)),
            1.15,
            "the same untraced",
            runs,
        )


def page_time(runs: int) -> Row:
    """Seconds until Chromium has drawn a page of 100,000 transactions."""
    import statistics

    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait

    from renode_pico.trace.html import HtmlTrace
    from tests.unit.trace.records import feed, long_trace

    ready = "return document.documentElement.dataset.ready"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.html"
        with path.open("wb") as stream:
            writer = HtmlTrace(stream, title="100,000 transactions")
            feed(writer, list(long_trace(TRANSACTIONS)))
            writer.close()
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"):
            options.add_argument(argument)
        browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            times = []
            for _ in range(runs):
                browser.get(path.as_uri())
                WebDriverWait(browser, 60).until(lambda page: page.execute_script(ready))
                times.append(int(browser.execute_script(ready)) / 1000)
        finally:
            browser.quit()
    took = statistics.median(times)
    return Row(f"page of {TRANSACTIONS:,} transactions", took, PAGE_LIMIT, took / PAGE_LIMIT, 1.0, "the limit of 2 s")


def measurements(engine: str, runs: int) -> list[tuple[str, Callable[[], Row]]]:
    """What there is to measure, by name."""
    return [
        ("usbip", lambda: usbip_throughput(engine, runs)),
        ("trace", lambda: trace_cost(engine, runs)),
        ("traced-run", lambda: traced_command(engine, runs)),
        ("page", lambda: page_time(runs)),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="embedded", choices=("embedded", "renode"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only")
    options = parser.parse_args()
    for name, measure in measurements(options.engine, options.runs):
        if options.only in (None, name):
            print(show(measure()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

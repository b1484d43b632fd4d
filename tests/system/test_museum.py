"""Each exhibit of the museum fails as it was published, and does not once it is mended (docs/museum.md)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import FirmwareError, TransactionError
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.transfer import Pipe, Setup
from renode_pico.usb.wire import Fault
from tests.system.museum import EXHIBITS, WORKS, Exhibit, outcome

pytestmark = pytest.mark.usefixtures("own_board")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "museum.md"
EACH = pytest.mark.parametrize("exhibit", [pytest.param(each, id=each.name) for each in EXHIBITS])


@EACH
@pytest.mark.row("Y5.fails")
def test_an_exhibit_fails_as_published(exhibit: Exhibit, request: pytest.FixtureRequest) -> None:
    assert exhibit.fails in outcome(exhibit, engine_of(request.config), faulty=True)


@EACH
@pytest.mark.row("Y5.mended")
def test_an_exhibit_works_once_it_is_mended(exhibit: Exhibit, request: pytest.FixtureRequest) -> None:
    assert outcome(exhibit, engine_of(request.config), faulty=False) == WORKS


@pytest.mark.pico(firmware="cdc", revision="B1")
def test_tinyusb_finds_its_way_out_of_a_reset_on_a_busy_hub(pico: Board) -> None:
    pico.host.neighbour(True)
    assert pico.device.descriptor.idVendor == 0x2E8A


@pytest.mark.pico(firmware="cdc", errata=["E15"])
def test_tinyusb_survives_a_hub_that_babbles_late_in_the_frame(pico: Board) -> None:
    pico.exec("import sys")
    pico.host.inject(Fault.BABBLE, endpoint_address=0x82, count=1000, late=True)
    assert len(pico.exec("for _ in range(100): sys.stdout.write('x' * 100)")) == 10_000


@pytest.mark.pico(firmware="cdc", errata=["E15"])
def test_tinyusb_does_not_survive_one_that_babbles_at_any_time(pico: Board) -> None:
    pico.exec("import sys")
    pico.host.inject(Fault.BABBLE, endpoint_address=0x82)
    with pytest.raises(TransactionError):
        pico.exec("for _ in range(100): sys.stdout.write('x' * 100)")
    pico.host.reset()
    with pytest.raises(TransactionError):
        pico.device.get_status()


def test_a_write_that_is_given_up_is_the_end_of_tinyusb_0_18(request: pytest.FixtureRequest) -> None:
    """SETUP and data of a write, then at once the SETUP of the next: as a host does whose program gives up.

    The device's task arms the status stage of the first when the second has been noticed: that needs a processor as
    slow as the chip's. Renode's has an instruction done in each cycle, which is one and a half to two times as fast.
    """
    engine = engine_of(request.config)
    with Board("cdc", engine=cast(EngineName, engine), mips=64 if engine == "renode" else None) as board:
        control = board.device.control_pipe
        with pytest.raises(FirmwareError, match="Can't continue xfer on inactive ep 80"):
            give_up_writes(board, control)


def give_up_writes(board: Board, control: Pipe) -> None:
    write = Setup(0x21, 0x20, 0, 0, 7)  # SET_LINE_CODING
    for _ in range(3):
        board.host.submit(control, bytes(7), setup=write, timeout=0.000_034)
        next_one = board.host.submit(control, bytes(7), setup=write, timeout=0.05)
        board.host.wait(next_one, timeout=0.1)


@EACH
def test_the_page_tells_of_an_exhibit(exhibit: Exhibit) -> None:
    assert f"`{exhibit.name}`" in PAGE.read_text()

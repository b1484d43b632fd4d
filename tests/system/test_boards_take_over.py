"""A board on Renode takes over the emulation that one of its kind has left, and goes the way it went in its own."""

from __future__ import annotations

from typing import Any

import pytest

from renode_pico.board import Board
from renode_pico.engine.renode import RenodeEngine
from renode_pico.engine.renode_runtime import runtime
from renode_pico.errors import FirmwareError
from renode_pico.usb.wire import Fault
from tests.system.stimuli import FILES, FIRMWARE, Recorder, drive

pytestmark = [
    pytest.mark.engine("renode", reason="it has one emulation for all boards of a process"),
    pytest.mark.pico(firmware="uart"),
]
CONTENT = {name: text.encode() for name, text in FILES.items()}


@pytest.fixture(autouse=True)
def own_boards(pico: Board) -> None:
    """Each test makes its boards itself: the fixture's is over, and asking for its Renode ends its emulation."""
    assert isinstance(pico.engine, RenodeEngine)
    assert pico.engine.runtime
    pico.close()


def emulation(board: Board) -> Any:
    """Renode's own object."""
    assert isinstance(board.engine, RenodeEngine)
    return board.engine.emulation


def new(cores: int = 1) -> Board:
    """A board of the kind of this file."""
    return Board(FIRMWARE, engine="renode", files=CONTENT, cores=cores, sanitize=True)


def life(cores: int) -> tuple[Any, list[object]]:
    """All that a board shows from power-on to its end, and its emulation."""
    with new(cores) as board:
        recorder = Recorder(wants_sof=True)
        board.host.add_observer(recorder)
        power_on = board.engine.now, board.engine.instructions, board.engine.flash()
        drive(board)
        board.set_adc(0, 2.0)
        board.set_temperature(80)
        board.press("bootsel")
        board.host.inject(Fault.CRC, endpoint_address=0x81, count=100)
        board.device.endpoint(0x81).submit_in(64)  # nobody waits for it
        seen: list[object] = [power_on, recorder.transactions, recorder.events, recorder.transfers, board.findings]
        seen += [board.engine.now, board.engine.instructions, board.engine.unmodelled, board.engine.pc]
        return emulation(board), seen


@pytest.mark.parametrize("cores", [1, 2])
def test_whether_made_or_taken_over_a_board_goes_the_same_way(cores: int) -> None:
    emulations, lives = zip(*(life(cores) for _ in range(4)), strict=True)
    assert [each.Equals(emulations[-1]) for each in emulations[1:]] == [True] * 3
    assert not emulations[0].Equals(emulations[1])
    assert all(seen == lives[0] for seen in lives)


def test_another_kind_an_open_board_or_a_touched_one_is_not_taken_over() -> None:
    for _ in range(2):
        new().close()
    with new() as first:
        kept = emulation(first)
    with Board(FIRMWARE, engine="renode", sanitize=True, mips=100) as other:
        assert not emulation(other).Equals(kept)
    new().close()
    with new() as open_one, new() as later:
        assert not emulation(later).Equals(emulation(open_one))
    with new() as touched:
        assert isinstance(touched.engine, RenodeEngine)
        touched.engine.runtime.command("usb_host AutoOpen true")
        kept = emulation(touched)
    with new() as after:
        assert not emulation(after).Equals(kept)
        kept = emulation(after)
    runtime().command("logLevel 1")  # by somebody who has no board
    with new() as last:
        assert not emulation(last).Equals(kept)


def test_a_board_whose_program_has_ended_is_not_taken_over() -> None:
    def new() -> Board:
        return Board("chip/ends", engine="renode")

    for _ in range(2):
        new().close()
    with new() as ended:
        kept = emulation(ended)
        ended.engine.run(0.05)
        ended.engine.uart(0).write(b"r")
        with pytest.raises(FirmwareError, match="returned 0"):
            ended.engine.run(10)
    with new() as after:
        assert not emulation(after).Equals(kept)
        after.engine.run(0.05)
        assert b"how?" in after.engine.uart(0).read()

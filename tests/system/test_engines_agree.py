"""Both engines, the same firmware, the same stimuli: the same control transfers, the same bytes on every endpoint.

Left out is what the speed of a processor decides: at which instant something happens, in which frame, and how often
the firmware says NAK before it is ready. Everything else is held equal, transaction by transaction: token, address,
data PID (the toggles), packet boundaries, data, handshake, faults; and the transfers and bus events made of them.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

from renode_pico.board import Board
from renode_pico.usb.wire import Pid
from tests.system.stimuli import FILES, FIRMWARE, Recorder, drive

pytestmark = [
    pytest.mark.pico(firmware=FIRMWARE, files=FILES),
    pytest.mark.engine("renode", reason="compares Renode with the embedded engine, in a run with Renode"),
]


@pytest.fixture
def recorders(pico: Board) -> tuple[Recorder, Recorder]:
    """What the bus carried on Renode and on the embedded engine."""
    files = {name: text.encode() for name, text in FILES.items()}
    renode, embedded = Recorder(), Recorder()
    with Board(FIRMWARE, engine="embedded", files=files) as other:
        for board, recorder in ((pico, renode), (other, embedded)):
            board.host.add_observer(recorder)
            drive(board)
            board.host.remove_observer(recorder)
    return renode, embedded


def by_endpoint(recorder: Recorder) -> dict[int, list[tuple[object, ...]]]:
    """What passed on each endpoint, in order, without what timing decides. SETUP, OUT and IN of endpoint 0 are one."""
    found: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for each in recorder.transactions:
        if each.handshake is not Pid.NAK:
            key = each.endpoint_address if each.endpoint else 0
            found[key].append(
                (each.token.name, each.address, each.data_pid, each.data.hex(), each.handshake, each.fault)
            )
    return found


def test_the_engines_agree(recorders: tuple[Recorder, Recorder]) -> None:
    renode, embedded = recorders
    ours, theirs = by_endpoint(renode), by_endpoint(embedded)
    assert set(ours) == {0x00, 0x01, 0x81}
    for endpoint in sorted(ours):
        assert ours[endpoint] == theirs[endpoint], f"endpoint {endpoint:#04x}"
    assert set(ours) == set(theirs)
    assert [event.kind for event in renode.events] == [event.kind for event in embedded.events]

    def outcomes(recorder: Recorder) -> list[tuple[object, ...]]:
        return [
            (each.address, each.endpoint_address, each.type, each.status, each.setup, each.data, each.packets)
            for each in recorder.transfers
        ]

    assert outcomes(renode) == outcomes(embedded)

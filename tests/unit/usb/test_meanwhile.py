"""What errors say of unmodelled registers that the firmware touched meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from renode_pico.errors import Timeout
from renode_pico.usb.host import BusHost
from renode_pico.usb.meanwhile import Meanwhile
from renode_pico.usb.transfer import Pipe, TransferType
from tests.unit.usb.conftest import make_bench


def test_nothing_touched_is_nothing_said() -> None:
    counts = Counter({"pio0.RXF0 read": 7})
    assert str(Meanwhile(lambda: counts)) == ""


def test_only_what_was_touched_since_is_named_the_most_often_first() -> None:
    counts = Counter({"pio0.CTRL written": 1, "pwm.CH0_CSR written": 2})
    meanwhile = Meanwhile(lambda: counts)
    counts["pio0.CTRL written"] += 1
    counts["pio0.RXF0 read"] += 48112
    assert str(meanwhile) == (
        "; not modelled, but touched meanwhile: pio0.RXF0 read 48,112 times, pio0.CTRL written 1 time"
    )


def test_few_are_named_and_the_others_counted() -> None:
    counts: Counter[str] = Counter()
    meanwhile = Meanwhile(lambda: counts)
    counts.update({f"pwm.R{n} read": n for n in range(1, 8)})
    assert str(meanwhile).endswith(
        "pwm.R7 read 7 times, pwm.R6 read 6 times, pwm.R5 read 5 times, pwm.R4 read 4 times, 3 more"
    )


def touching(counts: Counter[str]) -> BusHost:
    """A host whose device touches something once a wait has begun."""
    bench = make_bench()
    bench.host.unplug()
    host = BusHost(bench.device, bench.clock, bench.clock, lambda: counts)
    host.plug()
    host.reset()
    bench.device.add(0x81)
    counts["uart0: break"] += 3
    bench.later(1_000_000, lambda: counts.update({"pio0.RXF0 read": 10}))
    return host


PIPE = Pipe(0, 0x81, TransferType.BULK, 64)


@pytest.mark.parametrize(
    "wait",
    [
        lambda host: host.wait(host.submit(PIPE, length=64), timeout=0.1),
        lambda host: host.wait(host.submit(PIPE, length=64, timeout=0.05), timeout=0.1),
        lambda host: host.wait_any([host.submit(PIPE, length=64)], timeout=0.1),
        lambda host: host.wait_attach_count(9, timeout=0.1),
    ],
    ids=["deadline of the wait", "deadline of the transfer", "any of several", "attach"],
)
def test_a_wait_that_ends_in_a_time_out_names_them(wait: Callable[[BusHost], None]) -> None:
    with pytest.raises(Timeout) as error:
        wait(touching(Counter()))
    assert str(error.value).endswith("; not modelled, but touched meanwhile: pio0.RXF0 read 10 times")

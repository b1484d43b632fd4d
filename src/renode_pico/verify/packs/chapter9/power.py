"""PW: suspend, power, cable (USB 2.0, 7.1.7, 9.1.1, 9.2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from renode_pico.clock import NS_PER_S
from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.observe import BusEventKind, BusEventRecord
from renode_pico.usb.transfer import TransferType
from renode_pico.usb.wire import Pid, SofFault
from renode_pico.verify.bench import ADDRESS, PATIENCE, Bench
from renode_pico.verify.loop import ROUNDS, letters, loop, raw_loop
from renode_pico.verify.table import check

DEVICE = requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18)
WATCHED = 0.5
"""Seconds for which a suspended device is watched."""
BLIP = 0.0000015
"""SE0 that is too short for a reset (T_DETRST, 2.5 µs at least), seconds."""
RESET = 0.010
AT_ONCE = 0.008
FRAMES = 20
"""Starts of frame that are left out, doubled, spoiled: an idle bus for so long would be a suspended one."""
STEPS = 12
STEP = 0.00009
"""What is added between two pieces of data: together a frame and more, so that one of them comes anywhere in it."""
WAKE_AFTER = 0.005
"""T_WTRSM: idle before a device may wake the host, seconds."""


@check("PW1")
def pw1(bench: Bench) -> None:
    """Suspends the device in each state, watches it, resumes it and reads from it."""
    raw, host = bench.raw, bench.host
    for state in bench.in_each_state():
        host.suspend()
        suspended = raw.suspended
        if suspended is not None:
            bench.note(f"5 ms of idle in the {state} state", "suspended" if suspended else "not suspended")
            bench.expect(suspended, "suspended")
        bench.run(0.02)
        bench.note(f"idle in the {state} state", f"pull-up {'on' if raw.pulled_up else 'off'}, {host.port_state}")
        bench.expect(host.suspended and raw.pulled_up, "a device that keeps its pull-up on and is quiet")
        host.resume()
        bench.expect(bench.get(DEVICE) == bench.tree.device, f"the device descriptor after resume in the {state} state")


@check("PW2")
def pw2(bench: Bench) -> None:
    """Moves packets, suspends, resumes, moves more; then the same with a halted endpoint."""
    host = bench.host
    for packets in ROUNDS:
        pair = bench.optional(lambda: loop(bench))
        if pair is None:
            bench.to_configured()
            break
        pair.packets(packets)
        host.suspend()
        host.resume()
        bench.expect(pair.passes(letters(bench, 3)), "the same 3 bytes: toggles stay")
    endpoints = bench.endpoints(TransferType.BULK, TransferType.INTERRUPT)
    halted = next((e for e in endpoints if pair is None or e not in (pair.out, pair.into)), None)
    if halted is not None:
        bench.set_halt(halted)
    host.suspend()
    bench.run(0.05)
    host.resume()
    value = bench.tree.first.bConfigurationValue
    bench.expect(bench.get(requests.get_configuration()) == bytes([value]), f"{value:02x} at the same address")
    if halted is not None:
        bench.expect(bench.halted(halted), "still halted")
        bench.clear_halt(halted)


@check("PW3")
def pw3(bench: Bench) -> None:
    """Suspends a configured device, resets the bus, and reads at address 0."""
    bench.to_configured()
    bench.host.suspend()
    bench.host.reset()
    bench.address = 0
    bench.expect(bench.get(DEVICE) == bench.tree.device, "the device descriptor at address 0")
    bench.to_address()
    bench.expect(bench.get(requests.get_configuration()) == b"\0", "00, as after any reset")


def _woken(bench: Bench) -> float | None:
    """Seconds from the last suspend to the device's wake-up; None when there was none."""
    events = [record for record in bench.window.records if isinstance(record, BusEventRecord)]
    woken = [event.time_ns for event in events if event.kind is BusEventKind.REMOTE_WAKEUP]
    begun = [event.time_ns for event in events if event.kind is BusEventKind.SUSPEND]
    return (woken[-1] - begun[-1]) / NS_PER_S if woken and begun and woken[-1] > begun[-1] else None


@check("PW4")
def pw4(bench: Bench) -> None:
    """Suspends the device without leave to wake the host, then with it, and has it try where that can be arranged."""
    host, wake = bench.host, bench.wake
    bench.to_configured()
    if wake is not None:
        wake()
    host.suspend()
    if wake is not None:
        wake()
    bench.run(WATCHED)
    bench.note("idle, remote wake-up not allowed", host.port_state)
    bench.expect(host.suspended and _woken(bench) is None, "no wake-up")
    host.resume()
    if not bench.tree.first.bmAttributes & 0x20:
        return
    if wake is None:
        bench.advise("nothing makes this firmware wake the host: only seen that it does not unless it may")
        return
    bench.to_configured()
    bench.do(requests.set_feature(requests.DEVICE_REMOTE_WAKEUP))
    wake()
    host.suspend()
    bench.run(WATCHED)
    after = _woken(bench)
    bench.note(
        "idle, remote wake-up allowed", "no wake-up" if after is None else f"wake-up after {after * 1000:.2f} ms"
    )
    bench.expect(after is not None and after >= WAKE_AFTER, "a wake-up, after 5 ms at the earliest")
    bench.expect(bench.get(DEVICE) == bench.tree.device, "the device descriptor after it")


@check("PW5")
def pw5(bench: Bench) -> None:
    """Drives SE0 for 1.5 us, ten times, then for 10 ms."""
    bench.to_configured()
    value = bench.tree.first.bConfigurationValue
    for _ in range(10):
        bench.host.se0(BLIP)
        came = bench.get(requests.get_configuration())
        bench.note("SE0 for 1.5 us, then GET_CONFIGURATION", came.hex())
        bench.expect(came == bytes([value]), "the device as it was")
    bench.host.se0(RESET)
    bench.run(RESET)
    answer = bench.tx_setup(DEVICE, address=0)
    bench.note("SE0 for 10 ms, then SETUP to address 0", "silence" if answer is None else answer.pid.name)
    bench.expect(answer is not None, "ACK at address 0")


def _steps(bench: Bench) -> list[Callable[[], object]]:
    """The transactions of an enumeration, and of a transfer."""
    first = bench.tree.first
    steps: list[Callable[[], object]] = [
        lambda: bench.tx_setup(DEVICE),
        lambda: bench.data_in(0),
        lambda: bench.data_out(0, Pid.DATA1, b""),
        lambda: bench.tx_setup(requests.set_address(ADDRESS)),
        lambda: bench.data_in(0),
        lambda: bench.run(0.002),
        lambda: bench.tx_setup(requests.set_configuration(first.bConfigurationValue), address=ADDRESS),
        lambda: bench.tx_in(0, address=ADDRESS, patience=PATIENCE),
    ]
    for endpoint in bench.tree.endpoints():
        number, kind = endpoint.bEndpointAddress, endpoint.type
        if kind is TransferType.BULK and not number & 0x80:
            steps.append(lambda n=number: bench.tx_out(n, Pid.DATA0, b"a", address=ADDRESS))  # type: ignore[misc]
        elif kind is TransferType.BULK:
            steps.append(lambda n=number: bench.tx_in(n, address=ADDRESS))  # type: ignore[misc]
    return steps


@check("PW6")
def pw6(bench: Bench) -> None:
    """Pulls the cable behind each transaction of an enumeration and of a transfer, puts it back, enumerates."""
    _ = bench.raw
    steps = _steps(bench)
    value = bench.tree.first.bConfigurationValue
    for count in range(1, len(steps) + 1):
        bench.to_default()
        for step in steps[:count]:
            step()
        bench.host.unplug()
        bench.run(0.05)
        bench.attach()
        bench.to_address()
        came = bench.get(requests.get_configuration())
        bench.expect(came == b"\0", f"00 after the cable was pulled behind transaction {count}")
        bench.configure()
        bench.expect(bench.get(requests.get_configuration()) == bytes([value]), f"{value:02x}")


@check("PW7")
def pw7(bench: Bench) -> None:
    """Leaves starts of frame out for 20 ms; meanwhile a request, and data with more and more time between.

    The same with starts of frame that are doubled and spoiled.
    """
    pair = bench.optional(lambda: raw_loop(bench))
    if pair is None:
        bench.to_configured()
    for fault in SofFault:
        for step in range(STEPS):
            bench.host.inject_sof(fault, count=FRAMES)
            end = bench.link.now + FRAMES / 1000
            with _timed(bench, "a request", fault):
                bench.expect(
                    bench.get(DEVICE) == bench.tree.device, f"the device descriptor beside {fault.value} frames"
                )
            if pair is not None:
                for wait in (0.0, step * STEP, FRAMES / 2000):
                    bench.run(wait)
                    data = letters(bench, 4)
                    with _timed(bench, "4 bytes", fault):
                        pair.put(data)
                        pair.expect(data, pair.gather(len(data)))
            bench.run(max(0.0, end - bench.link.now) + 0.003)
        if pair is not None:
            pair.clear()


@contextmanager
def _timed(bench: Bench, what: str, fault: SofFault) -> Iterator[None]:
    """It may not take its time."""
    begin = bench.link.now
    yield
    took = bench.link.now - begin
    bench.note(f"{what}, starts of frame {fault.value}", f"done after {took * 1000:.1f} ms")
    bench.expect(took <= AT_ONCE, "as fast as ever")

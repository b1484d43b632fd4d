"""Runs items one after the other, proves after each that the device is alive, and powers it on anew when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from renode_pico.errors import Disconnected, FirmwareError, UsageError, UsbError
from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.verify.bench import Bench
from renode_pico.verify.table import Item, Needs, Severity
from renode_pico.verify.target import Target
from renode_pico.verify.verdict import Failed, NotApplicable, Result, Verdict


@dataclass(slots=True)
class Report:
    """What came of a run."""

    target: str
    engine: str
    device: str
    seed: int
    results: list[Result] = field(default_factory=list)

    def count(self, verdict: Verdict) -> int:
        """How many items came to a verdict."""
        return sum(result.verdict is verdict for result in self.results)

    @property
    def good(self) -> bool:
        """Nothing failed, and something was checked."""
        return not any(result.verdict.bad for result in self.results)


def verify(
    target: Target,
    items: Iterable[Item],
    *,
    seed: int = 0,
    told: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Run items on a device; `told` is called after each.

    The same device, items and seed give the same report. Raises nothing for what the device does, but FirmwareError
    when there is none: it has never appeared on the bus.
    """
    bench = Bench(target.link, seed, target.restart, target.wake)
    runner = Runner(target, bench)
    report = Report(target.name, target.engine, "", seed)
    try:
        for item in items:
            result = runner.run(item)
            if result.verdict is Verdict.DIED and not target.link.transactions:
                raise FirmwareError(f"{target.name} has never appeared on the bus: no USB device ({result.died})")
            report.results.append(result)
            told(result)
        report.device = runner.device()
    finally:
        bench.close()
    return report


class Runner:
    """One device and one bench, item by item."""

    def __init__(self, target: Target, bench: Bench) -> None:
        self._target = target
        self._bench = bench

    def device(self) -> str:
        """Vendor, product and release of the device, as far as they are known."""
        try:
            descriptor = self._bench.tree.descriptor
        except (Failed, FirmwareError, UsbError):
            return "a device that cannot be read"
        return f"{descriptor.idVendor:04x}:{descriptor.idProduct:04x}"

    def run(self, item: Item) -> Result:
        """One item, and the proof that the device has survived it."""
        bench, link = self._bench, self._target.link
        bench.begin(item.id)
        begin = link.transactions
        result = Result(item, Verdict.PASS, link.now, link.now, begin, begin)
        died = self._check(item, result)
        result.time, result.transaction = link.now, link.transactions
        if result.verdict is Verdict.FAIL or died:
            result.packets = bench.window.lines()
        result.advice = list(bench.advice)
        if not died and result.verdict is not Verdict.NOT_APPLICABLE:
            died = self._dead()
        if died:
            result.verdict, result.died = Verdict.DIED, died
            result.sent, result.came = result.sent or bench.sent, result.came or bench.came
            result.should = result.should or "a device that goes on"
            self._revive()
        elif (result.verdict is Verdict.FAIL and item.severity is Severity.ADVICE) or (
            result.verdict is Verdict.PASS and result.advice
        ):
            result.verdict = Verdict.ADVICE
        return result

    def _check(self, item: Item, result: Result) -> str:
        """Call the item's function and take down what came of it; how the device died, if it did."""
        bench, link = self._bench, self._target.link
        try:
            if item.needs is Needs.WIRE and link.raw is None:
                raise NotApplicable(link.why_not_raw)
            if item.fresh:
                self._target.restart(plugged=False)
            item.check(bench)
        except NotApplicable as reason:
            result.verdict, result.reason = Verdict.NOT_APPLICABLE, str(reason)
        except Failed as failed:
            result.verdict = Verdict.FAIL
            result.sent = failed.sent if failed.sent is not None else bench.sent
            result.came = failed.came if failed.came is not None else bench.came
            result.should = failed.should
        except FirmwareError as error:
            return self._words(str(error))
        except (UsbError, UsageError) as error:
            result.verdict = Verdict.FAIL
            result.sent, result.came, result.should = bench.sent, str(error), "a device that answers"
        except (IndexError, KeyError, ValueError, StopIteration) as error:  # what came has no form that an item knows
            result.verdict = Verdict.FAIL
            result.sent, result.came = bench.sent, f"{bench.came} ({type(error).__name__}: {error})"
            result.should = "something that can be read"
        return ""

    def _dead(self) -> str:
        """How the device is dead after a reset; nothing when it is alive."""
        bench = self._bench
        try:
            if bench.link.host is not None and not bench.link.host.plugged:
                bench.link.host.plug()
            bench.to_default()
            answer = bench.control(requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 18))
            if answer.ok and len(answer.data) == 18:
                return ""
            return self._words(f"it answers GET_DESCRIPTOR after a reset with {answer}: silent")
        except FirmwareError as error:
            return self._words(str(error))
        except (Failed, Disconnected) as error:
            return self._words(f"detached: {error}")
        except UsbError as error:
            return self._words(f"silent: {error}")

    def _words(self, how: str) -> str:
        try:
            words = self._target.last_words()
        except FirmwareError:
            words = ""
        return f"{how}; its console: {' '.join(words[-200:].split())}" if words else how

    def _revive(self) -> None:
        try:
            self._target.restart(plugged=True)
        except NotApplicable:
            self._bench.advise("nobody could power it on anew")

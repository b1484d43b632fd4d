"""Counts what the USB controller has been through: the cover groups of its test plan (docs/controller-coverage.md).

`renode/models/RP2040_USB.Coverage.cs` counts the same under the same names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from renode_pico.clock import Clock
from renode_pico.rp2040.block import Alias
from renode_pico.rp2040.unmodelled import Unmodelled
from renode_pico.rp2040.usb import UsbController
from renode_pico.rp2040.usb_endpoint import Endpoint
from renode_pico.rp2040.usb_memory import BufCtrl, Dpsram
from renode_pico.rp2040.usb_regs import Int, Reg
from renode_pico.usb.wire import ACK, Fault, Packet, Pid, Stray

Cover = Counter[tuple[str, str, str]]
"""Group, row, column: how often."""

INTERRUPTS = {name: bit for name, bit in vars(Int).items() if name.isupper() and name != "BITS"}


def buffer_state(half: int, stall: bool) -> str:
    """What a buffer is like: AVAILABLE, FULL, and STALL of its endpoint."""
    words = [
        word
        for word, there in (
            ("available", half & BufCtrl.AVAILABLE),
            ("full", half & BufCtrl.FULL),
            ("stall", stall),
        )
        if there
    ]
    return " ".join(words) or "empty"


class CountingUsbController(UsbController):
    """The controller, with `cover`; what does not count is `UsbController`, at no cost."""

    def __init__(
        self,
        memory: Dpsram,
        clock: Clock,
        interrupt: Callable[[bool], None],
        unmodelled: Unmodelled,
    ) -> None:
        self.cover: Cover = Counter()
        self._cause = "register"
        self._raised = 0
        self._last_in: tuple[int, Pid] | None = None
        super().__init__(memory, clock, interrupt, unmodelled)

    # Wire

    def vbus(self, present: bool) -> None:
        """Count under VBUS."""
        self._cause = "VBUS"
        super().vbus(present)

    def reset_begin(self) -> None:
        """Count under SE0."""
        self._cause = "SE0"
        super().reset_begin()

    def idle(self) -> None:
        """Count under idle."""
        self._cause = "idle"
        super().idle()

    def resume_begin(self) -> None:
        """Count under K."""
        self._cause = "K"
        super().resume_begin()

    def sof(self, frame: int) -> None:
        """Count under SOF."""
        self._cause = "SOF"
        super().sof(frame)

    def stray(self, stray: Stray, address: int, endpoint: int) -> Packet | None:
        """Count it by its name."""
        self._cause = "stray"
        self.cover["stray", stray.value, "seen"] += 1
        return super().stray(stray, address, endpoint)

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """Count PID, answer and what was in endpoint 0's buffers."""
        self._begin_counted("SETUP", fault)
        if not endpoint and self._addressed(address):
            self._count_states("SETUP", self._ep0)
        answer = super().setup(address, endpoint, data, fault)
        self.cover["pid", f"SETUP {_name(answer)}", str(endpoint)] += 1
        return answer

    def out(self, address: int, endpoint: int, pid: Pid, data: bytes, fault: Fault | None = None) -> Packet | None:
        """Count PID, answer, toggle and the buffer's state."""
        self._begin_counted("OUT", fault)
        target = self._out[endpoint]
        if self._serves(address, target):
            self._count_states("OUT", (target,))
        expected = Pid.DATA1 if target.half(target.current) & BufCtrl.PID else Pid.DATA0
        answer = super().out(address, endpoint, pid, data, fault)
        what = f"{pid.name} ACK" if answer is ACK else _name(answer)
        self.cover["pid", f"OUT {what}", str(endpoint)] += 1
        if answer is ACK:
            taken = "taken" if pid is expected else "dropped"
            self.cover["toggle", f"OUT {pid.name} {taken}", str(endpoint)] += 1
        return answer

    def in_(self, address: int, endpoint: int, fault: Fault | None = None) -> Packet | None:
        """Count PID, answer and the buffer's state."""
        self._begin_counted("IN", fault)
        source = self._in[endpoint]
        if self._serves(address, source):
            self._count_states("IN", (source,))
        answer = super().in_(address, endpoint, fault)
        self.cover["pid", f"IN {_name(answer)}", str(endpoint)] += 1
        if answer is not None and answer.pid in (Pid.DATA0, Pid.DATA1):
            self._last_in = endpoint, answer.pid
        return answer

    def in_handshake(self, address: int, endpoint: int, acknowledged: bool) -> None:
        """Count the handshake and the toggle it is for."""
        if self._last_in is not None:
            number, pid = self._last_in
            self._last_in = None
            self.cover["pid", "ACK" if acknowledged else "no ACK", str(number)] += 1
            outcome = "acknowledged" if acknowledged else "not acknowledged"
            self.cover["toggle", f"IN {pid.name} {outcome}", str(number)] += 1
        super().in_handshake(address, endpoint, acknowledged)

    def _begin_counted(self, cause: str, fault: Fault | None) -> None:
        self._cause = cause
        self._last_in = None
        self.cover["fault", fault.value if fault is not None else "none", cause] += 1

    def _count_states(self, event: str, endpoints: Iterable[Endpoint]) -> None:
        for endpoint in endpoints:
            buffer = endpoint.current
            state = buffer_state(endpoint.half(buffer), endpoint.stalled)
            self.cover["buffer", state, f"{event} {buffer}"] += 1

    # The firmware

    def write(self, offset: int, value: int, alias: Alias = Alias.NORMAL) -> None:
        """Count what it causes, and the buffers that an abort finds."""
        self._cause = "register"
        before = self.ep_abort
        super().write(offset, value, alias)
        if offset == Reg.EP_ABORT:
            self._count_states(
                "abort", (endpoint for endpoint in self.endpoints if self.ep_abort & ~before & endpoint.bit)
            )

    def _update_interrupt(self) -> None:
        raised = self.raw_interrupts()
        new = raised & ~self._raised
        self._raised = raised
        if new:
            for name, bit in INTERRUPTS.items():
                if new & bit:
                    self.cover["interrupt", name, self._cause] += 1
                    if self.inte & bit:
                        self.cover["enabled", name, "raised"] += 1
        super()._update_interrupt()


def _name(answer: Packet | None) -> str:
    return "silence" if answer is None else answer.pid.name

"""The root port: attach and detach, reset, suspend and resume (USB 2.0, 7.1.7 and 11.5)."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from renode_pico.clock import Clock
from renode_pico.usb.bus import Bus
from renode_pico.usb.observe import BusEventKind
from renode_pico.usb.timing import DEBOUNCE_NS, RESET_NS, RESET_RECOVERY_NS, RESUME_NS, RESUME_RECOVERY_NS
from renode_pico.usb.wire import Wire


class PortState(Enum):
    """What the port is doing."""

    UNPLUGGED = "unplugged"
    DETACHED = "plugged in, nothing attached"
    DEBOUNCE = "attached, not yet settled"
    ATTACHED = "attached, never reset"
    RESET = "in reset"
    RECOVERY = "recovering from reset or resume"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RESUMING = "resuming"


_ENABLED = (PortState.ACTIVE, PortState.RECOVERY, PortState.SUSPENDED, PortState.RESUMING)


class PortUser(Protocol):
    """What the port tells the host it belongs to."""

    def frames_begin(self, at_once: bool) -> None:
        """Frames run: from now with number 0 after a reset, or go on at the next whole millisecond."""

    def frames_end(self) -> None:
        """From now nothing is sent, SOF included."""

    def traffic_begin(self) -> None:
        """Recovery is over: transactions may be sent."""

    def device_lost(self) -> None:
        """The device left the bus or is being reset: all its transfers end."""

    def port_changed(self) -> None:
        """The state is another one."""


class RootPort:
    """One full-speed root port; everything that takes time happens through one alarm."""

    def __init__(self, wire: Wire, clock: Clock, bus: Bus, user: PortUser) -> None:
        self._wire = wire
        self._bus = bus
        self._user = user
        self._alarm = clock.alarm(self._timer)
        self._blinked = False
        self.state = PortState.UNPLUGGED
        self.attach_count = 0

    @property
    def enabled(self) -> bool:
        """The device has been reset since it attached, and reset is over: it can be talked to, if not suspended."""
        return not self._blinked and self.state in _ENABLED

    @property
    def settled(self) -> bool:
        """Nothing is about to change by itself: no detach to be acted upon, no debounce."""
        return not self._blinked and self.state is not PortState.DEBOUNCE

    @property
    def occupied(self) -> bool:
        """A device is attached and has been for its debounce time."""
        return self.settled and self.state not in (PortState.UNPLUGGED, PortState.DETACHED)

    @property
    def attached(self) -> bool:
        """The cable is in and the pull-up on."""
        return self.state is not PortState.UNPLUGGED and self._wire.pulled_up

    def plug(self) -> None:
        """Switch VBUS on."""
        if self.state is not PortState.UNPLUGGED:
            return
        self._bus.event(BusEventKind.PLUG)
        self._enter(PortState.DETACHED)
        self._wire.vbus(True)
        if self._wire.pulled_up:
            self._settle()

    def unplug(self) -> None:
        """Switch VBUS off."""
        if self.state is PortState.UNPLUGGED:
            return
        self._alarm.cancel()
        self._bus.event(BusEventKind.UNPLUG)
        self._leave(PortState.UNPLUGGED)
        self._wire.vbus(False)

    def pull_up_changed(self, attached: bool) -> None:
        """Note the pull-up; its loss counts however short it is, and is acted upon when the current event is over."""
        if self.state is PortState.UNPLUGGED:
            return
        if not attached:
            self._blinked = True
            self._alarm.schedule(0)
        elif not self._blinked:
            self._settle()

    def reset_begin(self) -> None:
        """Drive SE0; the end comes by itself."""
        self._user.frames_end()
        self._bus.event(BusEventKind.RESET_BEGIN)
        self._enter(PortState.RESET)
        self._user.device_lost()
        self._wire.reset_begin()
        self._alarm.schedule(RESET_NS)

    def suspend(self) -> None:
        """Stop all traffic."""
        self._alarm.cancel()
        self._user.frames_end()
        self._bus.event(BusEventKind.SUSPEND)
        self._enter(PortState.SUSPENDED)
        self._wire.idle()

    def resume_begin(self) -> None:
        """Drive K; the end comes by itself."""
        self._bus.event(BusEventKind.RESUME_BEGIN)
        self._enter(PortState.RESUMING)
        self._wire.resume_begin()
        self._alarm.schedule(RESUME_NS)

    def remote_wakeup(self) -> None:
        """Take over the resume signal that a device began (7.1.7.7); without a suspended bus it means nothing."""
        if self.state is PortState.SUSPENDED:
            self._bus.event(BusEventKind.REMOTE_WAKEUP)
            self.resume_begin()

    def _timer(self) -> None:
        if self._blinked:
            self._blinked = False
            self._leave(PortState.DETACHED)
            if self._wire.pulled_up:
                self._settle()
        elif self.state is PortState.DEBOUNCE:
            self.attach_count += 1
            self._bus.event(BusEventKind.ATTACH)
            self._enter(PortState.ATTACHED)
        elif self.state is PortState.RESET:
            self._wire.reset_end()
            self._bus.event(BusEventKind.RESET_END)
            self._enter(PortState.RECOVERY)
            self._alarm.schedule(RESET_RECOVERY_NS)
            self._user.frames_begin(True)
        elif self.state is PortState.RESUMING:
            self._wire.resume_end()
            self._bus.event(BusEventKind.RESUME_END)
            self._enter(PortState.RECOVERY)
            self._alarm.schedule(RESUME_RECOVERY_NS)
            self._user.frames_begin(False)
        elif self.state is PortState.RECOVERY:
            self._enter(PortState.ACTIVE)
            self._user.traffic_begin()

    def _settle(self) -> None:
        if self.state is not PortState.DETACHED:
            return
        self._enter(PortState.DEBOUNCE)
        self._wire.idle()
        self._alarm.schedule(DEBOUNCE_NS)

    def _leave(self, state: PortState) -> None:
        was_known = self.state not in (PortState.DETACHED, PortState.DEBOUNCE)
        if self.state is PortState.RESET:
            self._wire.reset_end()
        elif self.state is PortState.RESUMING:
            self._wire.resume_end()
        self._blinked = False
        self._user.frames_end()
        self._enter(state)
        if was_known:
            self._bus.event(BusEventKind.DETACH)
            self._user.device_lost()

    def _enter(self, state: PortState) -> None:
        self.state = state
        self._user.port_changed()

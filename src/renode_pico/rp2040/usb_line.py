"""The two data lines as the device's end of the cable sees them: attach, reset, suspend, resume (USB 2.0, 7.1.7)."""

from __future__ import annotations

from collections.abc import Callable

from renode_pico.clock import NS_PER_MS, NS_PER_US, Clock
from renode_pico.rp2040.usb_regs import LineState

BUS_RESET_NS = 2_500
"""SE0 for 2.5 µs is a reset (USB 2.0, table 7-14, T_DETRST)."""
CONNECTED_NS = 800 * NS_PER_US
"""J for 800 µs and the controller counts as connected (pico_fix, rp2040_usb_device_enumeration.c)."""
SUSPEND_NS = 3 * NS_PER_MS
"""An idle bus for 3 ms is a suspended one (USB 2.0, 7.1.7.6)."""
WAKEUP_NS = 15 * NS_PER_MS
"""The longest a device may drive K (USB 2.0, 7.1.7.7, T_DRSMUP)."""


class Line:
    """Line state, CONNECTED and SUSPENDED.

    `on_reset`: a bus reset was seen; `on_resume`: the host resumes a bus that this device did not wake up itself;
    `on_connected`, `on_suspended`: the state of that name has changed.
    """

    def __init__(
        self,
        clock: Clock,
        on_reset: Callable[[], None],
        on_resume: Callable[[], None],
        on_connected: Callable[[], None],
        on_suspended: Callable[[], None],
    ) -> None:
        self._on_reset = on_reset
        self._on_resume = on_resume
        self._on_connected = on_connected
        self._on_suspended = on_suspended
        self._reset_alarm = clock.alarm(self._reset_seen)
        self._connected_alarm = clock.alarm(self._j_lasted)
        self._idle_alarm = clock.alarm(self._idle_lasted)
        self._wakeup_alarm = clock.alarm(self._wakeup_over)
        self.needs_idle = False
        """RP2040-E5: after a bus reset nothing is heard before CONNECTED, which needs 800 µs without a packet."""
        self.vbus = False
        self.powered = False
        self.pull_up = False
        self._pad_forced = False
        self._host_se0 = False
        self._host_k = False
        self._device_k = False
        self._traffic = False
        self.state = LineState.SE0
        self.connected = False
        self.suspended = False

    @property
    def listening(self) -> bool:
        """Tokens reach the device: it is attached and the line carries neither reset nor resume."""
        if self.needs_idle and not self.connected:
            return False
        return self.pull_up and self.vbus and not self._host_se0 and not self._host_k

    # What the controller does

    def block_reset(self) -> None:
        """The controller's own reset: no pull-up, nothing connected, no wake-up under way."""
        self._device_k = False
        self._pad_forced = False
        self._reset_alarm.cancel()
        self._wakeup_alarm.cancel()
        self._set_pull_up(False)
        self._set_connected(False)
        self._set_suspended(False)

    def set_pull_up(self, on: bool) -> None:
        """The resistor on D+."""
        if on != self.pull_up:
            self._set_pull_up(on)

    def set_powered(self, detected: bool) -> None:
        """VBUS_DETECTED: without it the controller does not count as connected, whatever the lines say."""
        self.powered = detected
        if not detected:
            self._connected_alarm.cancel()
            self._set_connected(False)
        elif self.state == LineState.J and not self.connected:
            self._connected_alarm.schedule(CONNECTED_NS)

    def force_pad(self, forced: bool) -> None:
        """USB_MUXING takes the input from the digital pads, which the firmware holds at J."""
        self._pad_forced = forced
        self._update()

    def wake_up(self) -> bool:
        """Drive K for a remote wake-up; False if the bus is not suspended, so there is nothing to wake."""
        if not (self.suspended and self.vbus and self.pull_up):
            return False
        self._device_k = True
        self._wakeup_alarm.schedule(WAKEUP_NS)
        self._update()
        return True

    # What the host does

    def set_vbus(self, present: bool) -> None:
        """The cable's 5 V; without a host behind it nothing is driven any more and the bus falls idle."""
        self.vbus = present
        self._host_se0 = self._host_k = self._device_k = False
        self._reset_alarm.cancel()
        self._update()
        self.idle()

    def reset_begin(self) -> None:
        """SE0."""
        self._host_se0 = True
        self._host_k = self._device_k = False
        self._update()
        if self.pull_up:
            self._reset_alarm.schedule(BUS_RESET_NS)

    def reset_end(self) -> None:
        """SE0 released."""
        self._host_se0 = False
        self._reset_alarm.cancel()
        self._update()

    def resume_begin(self) -> None:
        """K by the host."""
        by_host = self.suspended and not self._device_k
        self._host_k = True
        self._update()
        if by_host:
            self._on_resume()

    def resume_end(self) -> None:
        """J again."""
        self._host_k = self._device_k = False
        self._wakeup_alarm.cancel()
        self._update()

    def idle(self) -> None:
        """No traffic from now on."""
        self._traffic = False
        if self.state == LineState.J and not self.suspended:
            self._idle_alarm.schedule(SUSPEND_NS)

    def traffic(self) -> None:
        """A packet: the bus is not idle."""
        if self.needs_idle:
            self.not_idle()
        if not self._traffic:
            self._traffic = True
            self._idle_alarm.cancel()
            self._set_suspended(False)

    def not_idle(self) -> None:
        """RP2040-E5: a packet, whoever it is for; what is waited for begins anew."""
        if not self.connected and self.powered and self.state == LineState.J and not self._pad_forced:
            self._connected_alarm.schedule(CONNECTED_NS)

    # Consequences

    def _set_pull_up(self, on: bool) -> None:
        self.pull_up = on
        self._traffic = False
        self._update()

    def _update(self) -> None:
        if self._pad_forced:
            line = LineState.J
        elif self._host_se0:
            line = LineState.SE0
        elif self._host_k or self._device_k:
            line = LineState.K
        else:
            line = LineState.J if self.pull_up else LineState.SE0
        if line == self.state:
            return
        self.state = line
        self._traffic = False
        if line == LineState.J:
            self._idle_alarm.schedule(SUSPEND_NS)
            if self.powered and not self.connected:
                self._connected_alarm.schedule(CONNECTED_NS)
            return
        self._idle_alarm.cancel()
        self._connected_alarm.cancel()
        self._set_suspended(False)
        if line == LineState.SE0:
            self._set_connected(False)

    def _set_connected(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            self._on_connected()

    def _set_suspended(self, suspended: bool) -> None:
        if suspended != self.suspended:
            self.suspended = suspended
            self._on_suspended()

    def _reset_seen(self) -> None:
        self._on_reset()

    def _j_lasted(self) -> None:
        self._set_connected(True)

    def _idle_lasted(self) -> None:
        self._set_suspended(True)

    def _wakeup_over(self) -> None:
        self._device_k = False
        self._update()

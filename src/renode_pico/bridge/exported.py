"""The device as the bridges offer it: found, lost and found again as it comes and goes on the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from renode_pico.errors import UsageError, UsbError
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Host


class Follower(Protocol):
    """Who wants to know when the device comes and goes. Called between two runs of the engine, never inside one."""

    def found(self, device: Device) -> None:
        """A device has been enumerated and configured."""

    def lost(self) -> None:
        """It has left the bus; its transfers have ended as DISCONNECTED."""


class ExportedDevice:
    """Watches a host's port. `check()` is to be called after each run of the engine.

    `device`: what is on the bus, None while nothing is; `number`: how many have been found so far.
    `report` gets lines for people. Enumeration is left to `enumerate_`, which may take emulated time.
    """

    def __init__(
        self,
        host: Host,
        *,
        enumerate_: Callable[[Host], Device] = enumerate_device,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.host = host
        self.device: Device | None = None
        self.number = 0
        self._enumerate = enumerate_
        self._report = report
        self._followers: list[Follower] = []
        self._given_up = -1

    def follow(self, follower: Follower) -> None:
        """Tell `follower` what happens from now on, beginning with the device that is there."""
        self._followers.append(follower)
        if self.device is not None:
            follower.found(self.device)

    def unfollow(self, follower: Follower) -> None:
        """Tell `follower` nothing more."""
        self._followers.remove(follower)

    def check(self) -> None:
        """Notice a device that has left; enumerate one that has come."""
        if self.device is not None and not self.device.present:
            self._lost("left the bus")
        if self.device is None and self.host.attached and self.host.attach_count != self._given_up:
            self._find()

    def reset(self) -> None:
        """Reset the bus and configure the device again, as a host does that asks a hub for it (USB 2.0, 7.1.7.5).

        Raises UsbError when the device does not come through it.
        """
        try:
            self._found(self._enumerate(self.host))
        except UsbError:
            self._lost("did not come through a reset of the bus")
            raise

    def _lost(self, why: str) -> None:
        self.device = None
        self._report(f"device   {why}, at {self.host.now:.3f} s")
        for follower in tuple(self._followers):
            follower.lost()

    def _find(self) -> None:
        try:
            device = self._enumerate(self.host)
        except (UsbError, UsageError) as error:
            self._given_up = self.host.attach_count
            self._report(f"device   cannot be enumerated: {error}")
            return
        self.number += 1
        descriptor = device.descriptor
        name = device.product or "without a name"
        at = self.host.now
        self._found(device)  # first: who waits for the line below finds the doors open
        self._report(f"device   {descriptor.idVendor:04x}:{descriptor.idProduct:04x} {name}, at {at:.3f} s")
        for problem in device.problems:
            self._report(f"problem  {problem}")

    def _found(self, device: Device) -> None:
        self.device = device
        for follower in tuple(self._followers):
            follower.found(device)

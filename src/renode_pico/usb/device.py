"""An enumerated device with its class drivers: `device.hid`, `device.msc`, …; see `configured` for the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from renode_pico.usb.configured import DEFAULT_TIMEOUT, ConfiguredDevice, Endpoint
from renode_pico.usb.descriptors import DeviceDescriptor
from renode_pico.usb.transfer import Host

if TYPE_CHECKING:
    from renode_pico.usb.classes.audio import Audio
    from renode_pico.usb.classes.dfu import Dfu
    from renode_pico.usb.classes.ethernet import Ethernet
    from renode_pico.usb.classes.hid import Hid
    from renode_pico.usb.classes.midi import Midi
    from renode_pico.usb.classes.msc import MassStorage
    from renode_pico.usb.classes.platform import Platform
    from renode_pico.usb.classes.usbtmc import Usbtmc
    from renode_pico.usb.classes.video import Video

__all__ = ["DEFAULT_TIMEOUT", "Device", "Endpoint"]

T = TypeVar("T")


class Device(ConfiguredDevice):
    """What `enumeration.enumerate_device` found. It stays valid until the device leaves the bus or the bus is reset.

    A class driver is for the first function of its class; each class has a function for all of them (`hids(device)`).
    They raise UsageError when the device has no such function, EngineMissing when a library they need is not there.
    """

    def __init__(
        self, host: Host, address: int, descriptor: DeviceDescriptor, max_packet_size0: int | None = None
    ) -> None:
        super().__init__(host, address, descriptor, max_packet_size0)
        self._drivers: dict[tuple[str, int], Any] = {}

    @property
    def hid(self) -> Hid:
        """The first HID interface: a keyboard, a mouse, …"""
        from renode_pico.usb.classes.hid import hids

        return self._driver("hid", lambda: hids(self)[0])

    @property
    def msc(self) -> MassStorage:
        """The first mass storage interface; `msc.disk` is its first disk."""
        from renode_pico.usb.classes.msc import mass_storages

        return self._driver("msc", lambda: mass_storages(self)[0])

    @property
    def midi(self) -> Midi:
        """The first MIDI streaming interface."""
        from renode_pico.usb.classes.midi import midis

        return self._driver("midi", lambda: midis(self)[0])

    @property
    def dfu(self) -> Dfu:
        """The first DFU interface, of an application or of a loader."""
        from renode_pico.usb.classes.dfu import dfus

        return self._driver("dfu", lambda: dfus(self)[0])

    @property
    def usbtmc(self) -> Usbtmc:
        """The first USBTMC instrument."""
        from renode_pico.usb.classes.usbtmc import usbtmcs

        return self._driver("usbtmc", lambda: usbtmcs(self)[0])

    @property
    def net(self) -> Ethernet:
        """The first network function, ECM or NCM."""
        from renode_pico.usb.classes.ethernet import ethernets

        return self._driver("net", lambda: ethernets(self)[0])

    @property
    def audio(self) -> Audio:
        """The first audio function."""
        from renode_pico.usb.classes.audio import audios

        return self._driver("audio", lambda: audios(self)[0])

    @property
    def video(self) -> Video:
        """The first camera's stream."""
        from renode_pico.usb.classes.video import videos

        return self._driver("video", lambda: videos(self)[0])

    @property
    def platform(self) -> Platform:
        """WebUSB and Microsoft's OS descriptors."""
        from renode_pico.usb.classes.platform import Platform

        return self._driver("platform", lambda: Platform(self))

    def _driver(self, name: str, make: Callable[[], T]) -> T:
        """The driver made before in this configuration, or a new one."""
        key = name, self.configuration.bConfigurationValue
        if key not in self._drivers:
            self._drivers[key] = make()
        driver: T = self._drivers[key]
        return driver


def __getattr__(name: str) -> Any:
    """`enumerate_device`, which has a module of its own now, is found here, too."""
    if name == "enumerate_device":
        from renode_pico.usb.enumeration import enumerate_device

        return enumerate_device
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

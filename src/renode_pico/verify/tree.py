"""The descriptors of the device in hand, as they came and as trees; what is wrong with them is for the items to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from renode_pico.usb.descriptors import (
    Configuration,
    DeviceDescriptor,
    EndpointDescriptor,
    Interface,
    parse_configuration,
)
from renode_pico.usb.temper import Problems, Temper

CDC_CONTROL, CDC_DATA, HID = 0x02, 0x0A, 0x03
CDC_ACM = 0x02


@dataclass(slots=True)
class Tree:
    """What GET_DESCRIPTOR gave once. `raw_configurations`: each as sent, `configurations`: the same as trees."""

    device: bytes
    descriptor: DeviceDescriptor
    raw_configurations: list[bytes] = field(default_factory=list)
    configurations: list[Configuration] = field(default_factory=list)

    def add(self, raw: bytes) -> None:
        """Take a configuration."""
        self.raw_configurations.append(raw)
        self.configurations.append(parse_configuration(raw, Problems(Temper.LENIENT)))

    @property
    def first(self) -> Configuration:
        """The configuration that is used unless an item is about others."""
        return self.configurations[0]

    def settings(self) -> Iterator[Interface]:
        """All alternate settings of the first configuration."""
        yield from self.first.settings

    def interface_numbers(self) -> list[int]:
        """The interfaces of the first configuration."""
        return sorted({setting.bInterfaceNumber for setting in self.first.settings})

    def endpoints(self, alternates: dict[int, int] | None = None) -> list[EndpointDescriptor]:
        """The endpoints of the settings in use: alternate 0, or what `alternates` says of an interface."""
        chosen = alternates or {}
        return [
            endpoint
            for setting in self.first.settings
            if setting.bAlternateSetting == chosen.get(setting.bInterfaceNumber, 0)
            for endpoint in setting.endpoints
        ]

    def acm_interfaces(self) -> list[int]:
        """The CDC-ACM control interfaces."""
        return [
            setting.bInterfaceNumber
            for setting in self.first.settings
            if (setting.bInterfaceClass, setting.bInterfaceSubClass) == (CDC_CONTROL, CDC_ACM)
        ]


def problems_of(raw: bytes) -> tuple[str, ...]:
    """What is wrong with a configuration descriptor's lengths and counts."""
    problems = Problems(Temper.LENIENT)
    parse_configuration(raw, problems)
    return problems.found

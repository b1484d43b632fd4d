"""The standard requests (USB 2.0, 9.4) as SETUP packets."""

from __future__ import annotations

from usb_protocol.types import USBStandardRequests as Request

from renode_pico.usb.transfer import Setup

DEVICE, INTERFACE, ENDPOINT = 0, 1, 2
"""Recipients: bmRequestType bits 4..0 (table 9-2)."""
IN = 0x80

ENDPOINT_HALT = 0
DEVICE_REMOTE_WAKEUP = 1
TEST_MODE = 2
"""Feature selectors (table 9-6)."""


def get_status(recipient: int = DEVICE, index: int = 0) -> Setup:
    """9.4.5: two bytes; `index`: the interface or endpoint address."""
    return Setup(IN | recipient, Request.GET_STATUS, 0, index, 2)


def clear_feature(feature: int, recipient: int = DEVICE, index: int = 0) -> Setup:
    """9.4.1."""
    return Setup(recipient, Request.CLEAR_FEATURE, feature, index, 0)


def set_feature(feature: int, recipient: int = DEVICE, index: int = 0) -> Setup:
    """9.4.9."""
    return Setup(recipient, Request.SET_FEATURE, feature, index, 0)


def set_address(address: int) -> Setup:
    """9.4.6."""
    return Setup(DEVICE, Request.SET_ADDRESS, address, 0, 0)


def get_descriptor(kind: int, index: int, language: int, length: int, recipient: int = DEVICE) -> Setup:
    """9.4.3. `language`: for strings; the interface number for class descriptors asked of an interface."""
    return Setup(IN | recipient, Request.GET_DESCRIPTOR, kind << 8 | index, language, length)


def set_descriptor(kind: int, index: int, language: int, length: int) -> Setup:
    """9.4.8."""
    return Setup(DEVICE, Request.SET_DESCRIPTOR, kind << 8 | index, language, length)


def get_configuration() -> Setup:
    """9.4.2: one byte."""
    return Setup(IN | DEVICE, Request.GET_CONFIGURATION, 0, 0, 1)


def set_configuration(value: int) -> Setup:
    """9.4.7."""
    return Setup(DEVICE, Request.SET_CONFIGURATION, value, 0, 0)


def get_interface(interface: int) -> Setup:
    """9.4.4: one byte."""
    return Setup(IN | INTERFACE, Request.GET_INTERFACE, 0, interface, 1)


def set_interface(interface: int, alternate: int) -> Setup:
    """9.4.10."""
    return Setup(INTERFACE, Request.SET_INTERFACE, alternate, interface, 0)


def synch_frame(endpoint_address: int) -> Setup:
    """9.4.11: two bytes."""
    return Setup(IN | ENDPOINT, Request.SYNCH_FRAME, 0, endpoint_address, 2)

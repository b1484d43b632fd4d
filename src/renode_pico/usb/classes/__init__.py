"""Class drivers for tests: what a device does for its host, as USB's class documents say it.

A driver is made from an enumerated device (`device.hid`, or `Hid(device, interface)`), talks to it over the modelled
bus, and knows nothing of the firmware. Times are emulated seconds. All raise `UsbError`s, and `UsageError` where the
device has no such function.
"""

from __future__ import annotations

from renode_pico.usb.class_codes import class_name, protocol_name, subclass_name

__all__ = ["class_name", "protocol_name", "subclass_name"]

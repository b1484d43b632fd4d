"""Names of class codes (USB-IF, "Defined Class Codes"), as `lsusb` shows them."""

from __future__ import annotations

_CLASSES = {
    0x00: "[unknown]",
    0x01: "Audio",
    0x02: "Communications",
    0x03: "Human Interface Device",
    0x05: "Physical Interface Device",
    0x06: "Imaging",
    0x07: "Printer",
    0x08: "Mass Storage",
    0x09: "Hub",
    0x0A: "CDC Data",
    0x0B: "Chip/SmartCard",
    0x0D: "Content Security",
    0x0E: "Video",
    0x0F: "Personal Healthcare",
    0x10: "Audio/Video",
    0x11: "Billboard",
    0x12: "Type-C Bridge",
    0xDC: "Diagnostic",
    0xE0: "Wireless",
    0xEF: "Miscellaneous Device",
    0xFE: "Application Specific Interface",
    0xFF: "Vendor Specific Class",
}
_SUBCLASSES = {
    (0x01, 0x01): "Control Device",
    (0x01, 0x02): "Streaming",
    (0x01, 0x03): "MIDI Streaming",
    (0x02, 0x01): "Direct Line",
    (0x02, 0x02): "Abstract (modem)",
    (0x02, 0x06): "Ethernet Networking",
    (0x02, 0x0D): "Network Control Model",
    (0x03, 0x01): "Boot Interface Subclass",
    (0x08, 0x02): "SFF-8020i, MMC-2 (ATAPI)",
    (0x08, 0x04): "Floppy (UFI)",
    (0x08, 0x06): "SCSI",
    (0xE0, 0x01): "Radio Frequency",
    (0xFE, 0x01): "Device Firmware Update",
    (0xFE, 0x03): "Test and Measurement",
    (0xFF, 0xFF): "Vendor Specific Subclass",
}
_PROTOCOLS = {
    (0x02, 0x02, 0x01): "AT-commands (v.25ter)",
    (0x02, 0x02, 0xFF): "Vendor Specific",
    (0x03, 0x01, 0x01): "Keyboard",
    (0x03, 0x01, 0x02): "Mouse",
    (0x08, 0x06, 0x50): "Bulk-Only",
    (0x08, 0x06, 0x62): "UAS",
    (0xE0, 0x01, 0x01): "Bluetooth",
    (0xEF, 0x02, 0x01): "Interface Association",
    (0xFE, 0x01, 0x01): "Runtime",
    (0xFE, 0x01, 0x02): "DFU Mode",
    (0xFF, 0xFF, 0xFF): "Vendor Specific Protocol",
}


def class_name(code: int) -> str:
    """Name a base class; empty when it has no name."""
    return _CLASSES.get(code, "")


def subclass_name(code: int, subclass: int) -> str:
    """Name a subclass; empty when it has no name."""
    return _SUBCLASSES.get((code, subclass), "")


def protocol_name(code: int, subclass: int, protocol: int) -> str:
    """Name a protocol; empty when it has no name."""
    return _PROTOCOLS.get((code, subclass, protocol), "")

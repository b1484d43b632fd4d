"""The registers of renode/models/RP2040_USB.Registers.cs against the pico-sdk's header: offsets, bits, reset values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "renode/models/RP2040_USB.Registers.cs"
INTERRUPTS = ROOT / "renode/models/RP2040_USB.Interrupts.cs"
HEADERS = ROOT / "firmware/build/src/pico-sdk/src/rp2040/hardware_regs/include/hardware/regs/usb.h"

Fields = dict[str, tuple[int, int]]
"""Name of a field: position and width."""

FIELD = r"\.With(Flag|ValueField|EnumField<[^>]+>)\(((?:.|\n)*?)\)(?=\n|\)|$)"

WHOLE = {"INTR", "INTE", "INTF", "INTS", "BUFF_STATUS", "BUFF_CPU_SHOULD_HANDLE", "EP_ABORT", "EP_ABORT_DONE"} | {
    "EP_STALL_ARM",
    "EP_STATUS_STALL_NAK",
}
"""Registers of many equal bits, which the model holds as one field."""


def header() -> dict[int, tuple[str, int, int, Fields]]:
    """Offset: name, reset value, mask of all bits, fields."""
    if not HEADERS.is_file():
        pytest.skip("the firmware build has not unpacked the pico-sdk's headers yet")
    text = HEADERS.read_text()
    numbers = {name: int(value, 0) for name, value in re.findall(r"#define USB_(\w+) +_u\((\w+)\)", text)}
    registers = {}
    for section in re.split(r"// Register +: USB_", text)[1:]:
        name = section.split("\n", 1)[0]
        fields = {
            field: (numbers[f"{name}_{field}_LSB"], numbers[f"{name}_{field}_MSB"] - numbers[f"{name}_{field}_LSB"] + 1)
            for field in re.findall(rf"// Field +: USB_{name}_(\w+)\n", section)
        }
        registers[numbers[f"{name}_OFFSET"]] = (name, numbers[f"{name}_RESET"], numbers[f"{name}_BITS"], fields)
    return registers


def model() -> dict[int, tuple[int, Fields]]:
    """Offset: reset value, fields, as written in the model."""
    text = MODEL.read_text()
    offsets = {name: int(value, 0) for name, value in re.findall(r"^ +(\w+) = (0x[0-9A-F]+),$", text, re.M)}
    registers = {}
    for register, reset, body in re.findall(r"Registers\.(\w+)\.Define\(this(?:, (\w+))?\)((?:.|\n)*?);\n", text):
        fields: Fields = {}
        for kind, arguments in re.findall(FIELD, body):
            numbers = [int(number) for number in re.findall(r"\d+", arguments)[:2]]
            name = re.search(r'name: "([^"]+)"', arguments)
            assert name is not None, arguments
            fields[name[1]] = (numbers[0], 1 if kind == "Flag" else numbers[1])
        registers[offsets[register]] = (int(reset, 0) if reset else 0, fields)
    return registers


def test_every_register_has_the_headers_offset_bits_and_reset_value() -> None:
    known, written = header(), model()
    for offset, (name, reset, bits, fields) in known.items():
        if re.fullmatch(r"ADDR_ENDP\d+", name):
            continue  # made in a loop, for the host mode only
        assert offset in written, f"{name} is missing"
        own_reset, own_fields = written[offset]
        assert own_reset == reset, name
        if name in WHOLE:
            ((position, width),) = own_fields.values()
            assert ((1 << width) - 1) << position == bits, name
        else:
            assert own_fields == fields, name
    assert set(written) <= set(known)


def test_the_interrupt_bits_have_the_headers_positions() -> None:
    _, _, _, fields = header()[0x98]
    enum = INTERRUPTS.read_text().split("private enum Interrupts", 1)[1].split("}", 1)[0]
    positions = [int(shift) for shift in re.findall(r"= 1u << (\d+),", enum)]
    assert sorted(positions) == sorted(position for position, _ in fields.values())

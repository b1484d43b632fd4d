"""The boot ROM's own USB device: a mass storage drive that programs the flash (row P10)."""

from __future__ import annotations

import struct

import pytest

from renode_pico.board import Board
from renode_pico.firmware import find_image
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device

BLOCK = 512
TEST_UNIT_READY, INQUIRY, READ_CAPACITY, WRITE = 0x00, 0x12, 0x25, 0x2A


class Drive:
    """A bulk-only mass storage device (USB Mass Storage Class, Bulk-Only Transport 1.0, 5)."""

    def __init__(self, device: Device) -> None:
        self.source = device.endpoint(0x81)
        self.sink = device.endpoint(0x02)
        self.tag = 0

    def command(self, block: bytes, *, out: bytes = b"", length: int = 0) -> bytes:
        """Carry one SCSI command; it must succeed. Returns at most `length` bytes of data."""
        self.tag += 1
        head = struct.pack("<4sIIBBB", b"USBC", self.tag, length or len(out), 0x80 if length else 0, 0, len(block))
        self.sink.write(head + block.ljust(16, b"\0"))
        if out:
            self.sink.write(out)
        data = self.source.read(length) if length else b""
        assert self.source.read(13) == struct.pack("<4sIIB", b"USBS", self.tag, 0, 0), f"command {block.hex(' ')}"
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write whole blocks from a block address on."""
        self.command(struct.pack(">BBIBHB", WRITE, 0, address, 0, len(data) // BLOCK, 0), out=data)


@pytest.mark.row("P10.mass-storage", "P10.uf2-runs")
@pytest.mark.pico(firmware="uart")
def test_a_uf2_written_to_the_boot_drive_is_what_runs_then(pico: Board) -> None:
    pico.host.plug()
    pico.engine.run(0.2)
    pico.engine.uart(0).write(b"import machine; machine.bootloader()\r")
    pico.host.wait_attach_count(1)
    device = enumerate_device(pico.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0x2E8A, 0x0003)
    assert (device.manufacturer, device.product) == ("Raspberry Pi", "RP2 Boot")

    drive = Drive(device)
    drive.command(bytes((TEST_UNIT_READY, 0, 0, 0, 0, 0)))
    assert drive.command(bytes((INQUIRY, 0, 0, 0, 36, 0)), length=36)[8:16].rstrip() == b"RPI"
    blocks, size = struct.unpack(">II", drive.command(bytes((READ_CAPACITY, *[0] * 9)), length=8))
    assert size == BLOCK
    image = find_image("chip/usb_instrument").read_bytes()  # small: the drive takes 20 KB a second
    for offset in range(0, len(image), 64 * BLOCK):
        drive.write(blocks // 2 + offset // BLOCK, image[offset : offset + 64 * BLOCK])

    pico.host.wait_attach_count(2)
    device = enumerate_device(pico.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0xF055, 0xC002)

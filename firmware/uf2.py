"""From a flash image to UF2, the file format of the RP2040's boot ROM.

One block of 512 bytes carries one page of 256 bytes of flash, as `picotool uf2 convert` writes it. The layout is that
of the pico-sdk's src/common/boot_uf2_headers/include/boot/uf2.h.
"""

import struct

MAGIC_START0 = 0x0A324655
MAGIC_START1 = 0x9E5D5157
MAGIC_END = 0x0AB16F30
FLAG_FAMILY_ID_PRESENT = 0x00002000
RP2040_FAMILY_ID = 0xE48BFF56

XIP_BASE = 0x10000000
PAGE_SIZE = 256
BLOCK_SIZE = 512
PAYLOAD_SIZE = 476


def from_binary(image: bytes, *, base: int = XIP_BASE, family: int = RP2040_FAMILY_ID) -> bytes:
    """The UF2 file that puts `image` at address `base`. The last page is filled up with zeros.

    Raises ValueError if the image is empty, or `base` is not at the start of a page: the boot ROM would ignore such
    blocks without a word.
    """
    if not image:
        raise ValueError("an empty image has no UF2 file")
    if base % PAGE_SIZE:
        raise ValueError(f"the base address {base:#010x} is not a multiple of {PAGE_SIZE}")
    pages = [image[offset : offset + PAGE_SIZE] for offset in range(0, len(image), PAGE_SIZE)]
    return b"".join(_block(number, len(pages), page, base, family) for number, page in enumerate(pages))


def _block(number: int, count: int, page: bytes, base: int, family: int) -> bytes:
    """One block; shorter pages are filled up."""
    head = struct.pack(
        "<8I",
        MAGIC_START0,
        MAGIC_START1,
        FLAG_FAMILY_ID_PRESENT,
        base + PAGE_SIZE * number,
        PAGE_SIZE,
        number,
        count,
        family,
    )
    return head + page.ljust(PAYLOAD_SIZE, b"\0") + struct.pack("<I", MAGIC_END)

"""A UF2 image as the commands that write it to a mass-storage drive (USB mass storage class, bulk-only transport)."""

import struct
from pathlib import Path

BLOCK = 512
COMMAND_BLOCK_SIGNATURE = b"USBC"
WRITE_10 = 0x2A


def write_commands(path: str, first_block: int = 1024, blocks_per_command: int = 16) -> list[str]:
    """Command block wrapper, data, wrapper, data and so on, as hexadecimal bytes, that write the file to the drive."""
    content = Path(path).read_bytes()
    commands: list[str] = []
    step = BLOCK * blocks_per_command
    for tag, start in enumerate(range(0, len(content), step), 1):
        data = content[start : start + step]
        commands += [_wrapper(tag, first_block + start // BLOCK, len(data)).hex(" "), data.hex(" ")]
    return commands


def _wrapper(tag: int, block: int, length: int) -> bytes:
    command = struct.pack(">BBIBHB", WRITE_10, 0, block, 0, length // BLOCK, 0)
    return COMMAND_BLOCK_SIGNATURE + struct.pack("<IIBBB", tag, length, 0, 0, len(command)) + command.ljust(16, b"\0")

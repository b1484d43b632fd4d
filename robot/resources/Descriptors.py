"""What descriptors say, for suites: they come as hexadecimal digits, as the host's answers are (USB 2.0, 9.6)."""

from __future__ import annotations

INTERFACE, ENDPOINT = 4, 5


def split_descriptors(answer: str) -> list[bytes]:
    """The descriptors that a configuration's, read as a whole, consists of."""
    rest = bytes.fromhex(answer)
    found = []
    while rest:
        if not 2 <= rest[0] <= len(rest):
            raise AssertionError(f"a descriptor says it has {rest[0]} bytes, where {len(rest)} are left: {answer}")
        found.append(rest[: rest[0]])
        rest = rest[rest[0] :]
    return found


def interface_classes(answer: str) -> str:
    """bInterfaceClass of each interface, in hexadecimal digits: 02 0a ff."""
    return " ".join(f"{each[5]:02x}" for each in split_descriptors(answer) if each[1] == INTERFACE)


def highest_numbers(device: str, configuration: str) -> tuple[int, int, int]:
    """The highest interface, endpoint and string numbers in a device and its configuration descriptor."""
    parts = split_descriptors(configuration)
    interfaces = [each for each in parts if each[1] == INTERFACE]
    endpoints = [each[2] & 0x0F for each in parts if each[1] == ENDPOINT]
    strings = [*bytes.fromhex(device)[14:17], parts[0][6], *(each[8] for each in interfaces)]
    return max(each[2] for each in interfaces), max(endpoints), max(strings)


def string_text(answer: str) -> str:
    """The text of a string descriptor."""
    return bytes.fromhex(answer)[2:].decode("utf-16-le")

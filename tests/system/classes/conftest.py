"""The class examples of firmware/apps on a board whose only USB function they are; the console is UART0."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.micropython.repl import Repl
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.device import Device, Endpoint
from tests.system.conftest import app

NAMES = ("composite_device", "composite_four", "hid_keyboard", "midi_device", "msc_ramdisk", "dfu_runtime")
APPS = {f"{name}.py": app(f"{name}.py") for name in NAMES}

on_a_board = pytest.mark.pico(firmware="uart", files=APPS)


def interface_of(device: Device, cls: int, subclass: int) -> Interface:
    """The one interface of a class."""
    (found,) = [
        each
        for each in device.configuration.interfaces
        if (each.bInterfaceClass, each.bInterfaceSubClass) == (cls, subclass)
    ]
    return found


def endpoints_of(device: Device, interface: Interface) -> tuple[Endpoint, Endpoint]:
    """The IN and the OUT endpoint of an interface that has one of each."""
    addresses = sorted(each.bEndpointAddress for each in interface.endpoints)
    return device.endpoint(addresses[1]), device.endpoint(addresses[0])


def started(pico: Board, code: str) -> tuple[Repl, Device]:
    """Run code that starts a device; the console and the device."""
    console = pico.uart_repl()
    console.exec(code)
    return console, pico.device

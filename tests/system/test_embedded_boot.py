"""Smoke test of the embedded engine with real firmware: it boots, talks, and starts again in every way there is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.protocol import BoardConfig
from renode_pico.firmware import find_image
from renode_pico.usb.enumeration import enumerate_device

PROMPT = b">>> "
REVISIONS = ("B1", "B2")

pytestmark = pytest.mark.engine("embedded", reason="it is a test of that engine, without a board around it")


def board(name: str, revision: Literal["B1", "B2"] = "B2", *, boot_rom: bool = True) -> EmbeddedEngine:
    return EmbeddedEngine(BoardConfig(find_image(name)), chip_revision=revision, boot_rom=boot_rom)


def answer(engine: EmbeddedEngine, typed: bytes = b"", end: bytes = PROMPT, timeout: float = 2.0) -> bytes:
    """Type something into UART0 and return what comes until `end` does."""
    port = engine.uart(0)
    port.write(typed)
    received = bytearray()

    def ended() -> bool:
        received.extend(port.read())
        return received.endswith(end)

    assert engine.run_until(ended, timeout), f"{bytes(received)!r} does not end with {end!r}"
    return bytes(received)


@pytest.mark.parametrize("boot_rom", [True, False])
def test_it_boots_to_the_prompt_and_evaluates(boot_rom: bool) -> None:
    engine = board("uart", boot_rom=boot_rom)
    assert answer(engine).startswith(b"MicroPython v")
    assert answer(engine, b"1+1\r") == b"1+1\r\n2\r\n>>> "
    assert engine.unmodelled == {}


def test_it_starts_again_in_every_way() -> None:
    engine = board("uart")
    answer(engine)
    answer(engine, b"import machine; x = 1\r")
    assert b"soft reboot" in answer(engine, b"\x04")
    assert b"NameError" in answer(engine, b"x\r")
    answer(engine, b"import machine\r")
    assert b"MicroPython v" in answer(engine, b"machine.reset()\r", end=b"information.\r\n>>> ")
    assert engine.resets == 2
    engine.reset()
    assert answer(engine).startswith(b"MicroPython v")
    engine.power_cycle()
    assert answer(engine).startswith(b"MicroPython v")
    assert engine.resets == 4


def test_the_reason_of_a_reset_can_be_told() -> None:
    engine = board("uart")
    answer(engine)
    cause = b"import machine; machine.reset_cause() == machine.PWRON_RESET\r"
    assert b"True" in answer(engine, cause)
    answer(engine, b"machine.WDT(timeout=100)\r")
    assert b"MicroPython v" in answer(engine, end=b"information.\r\n>>> ")
    assert b"True" in answer(engine, cause.replace(b"PWRON", b"WDT"))


def test_files_outlive_reset_and_power_and_the_engine(tmp_path: Path) -> None:
    config = BoardConfig(find_image("uart"), flash_file=tmp_path / "flash.bin")
    engine = EmbeddedEngine(config)
    answer(engine)
    answer(engine, b"f = open('kept', 'w'); f.write('words'); f.close()\r")
    for again in (engine.reset, engine.power_cycle):
        again()
        answer(engine)
        assert b"'words'" in answer(engine, b"open('kept').read()\r")
    engine.close()
    engine = EmbeddedEngine(config)
    answer(engine)
    assert b"'words'" in answer(engine, b"open('kept').read()\r")


def test_small_things_of_the_board_answer() -> None:
    engine = board("uart")
    answer(engine)
    answer(engine, b"import machine, os\r")
    assert b"b'\\xe6`X8\\x83rJ+'" in answer(engine, b"machine.unique_id()\r")
    assert b"\n1\r\n" in answer(engine, b"machine.Pin(25, machine.Pin.OUT, value=1).value()\r")
    assert engine.gpio(25)
    assert b"\n27\r\n" in answer(engine, b"round(27 - (machine.ADC(4).read_u16() * 3.3 / 65535 - 0.706) / 0.001721)\r")
    assert b"True" in answer(engine, b"os.urandom(8) != os.urandom(8)\r")
    assert engine.unmodelled == {}


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_built_in_port_comes_up_on_either_revision_of_the_chip(revision: Literal["B1", "B2"]) -> None:
    engine = board("cdc", revision)
    assert engine.run_until(lambda: engine.wire.pulled_up, 1)
    engine.host.plug()
    engine.host.wait_attached()
    device = enumerate_device(engine.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0x2E8A, 0x0005)
    engine.host.reset()
    assert enumerate_device(engine.host).descriptor.idVendor == 0x2E8A
    engine.reset()
    assert not engine.host.attached
    count = engine.host.attach_count
    engine.host.wait_attach_count(count + 1)
    assert enumerate_device(engine.host).descriptor.idVendor == 0x2E8A
    assert engine.unmodelled == {}


@pytest.mark.row("C17.same-trace")
def test_the_same_session_takes_the_same_time_and_transactions() -> None:
    def session() -> tuple[float, int, int]:
        engine = board("cdc")
        engine.host.plug()
        engine.host.wait_attached()
        enumerate_device(engine.host)
        return engine.now, engine.instructions, engine.host.transactions

    assert session() == session()


def test_the_boot_loader_is_the_boot_roms_own() -> None:
    """Row P10 is for the other engine; that it comes up here too is a test of the controller by other firmware."""
    engine = board("uart")
    answer(engine)
    engine.uart(0).write(b"import machine; machine.bootloader()\r")
    engine.host.plug()
    engine.host.wait_attached()
    device = enumerate_device(engine.host)
    assert (device.descriptor.idVendor, device.descriptor.idProduct) == (0x2E8A, 0x0003)

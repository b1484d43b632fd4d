"""What there is on a board besides the chip's USB: button, LED, pins, ADC, warmth, and a board as it was (row R4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from renode_pico.board import Board
from renode_pico.errors import UsageError
from renode_pico.firmware.images import FLASH_BASE
from renode_pico.micropython.repl import Repl
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.device import Device
from renode_pico.usb.observe import BusEventRecord, TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Status
from tests.system.conftest import PROBE
from tests.system.test_command_line import run

uart = pytest.mark.pico(firmware="uart-cdc", files=PROBE)
RESET_VECTOR = 0xEE
"""Where the boot ROM of the RP2040 begins."""


class Transactions:
    """Everything the bus carries."""

    wants_sof = False

    def __init__(self) -> None:
        self.seen: list[TransactionRecord] = []

    def transaction(self, record: TransactionRecord) -> None:
        self.seen.append(record)

    def event(self, record: BusEventRecord) -> None: ...

    def transfer(self, record: TransferRecord) -> None: ...


@pytest.mark.pico(firmware="chip/cores", cores=2)
def test_a_board_stands_at_the_reset_vector_until_it_runs(pico: Board) -> None:
    assert pico.engine.pc == RESET_VECTOR
    for again in (pico.reset, pico.power_cycle):
        pico.engine.run(0.01)
        assert pico.engine.pc >= FLASH_BASE
        again()
        assert pico.engine.pc == RESET_VECTOR


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine this run is about."""
    return engine_of(request.config)


@uart
@pytest.mark.row("R4.pins", "R4.leds", "R4.protocol", "R4.pytest")
def test_pins_and_the_led(pico: Board, console: Repl) -> None:
    console.exec("from machine import Pin; led = Pin('LED', Pin.OUT, value=1); pin = Pin(3, Pin.IN, Pin.PULL_DOWN)")
    seen: list[tuple[int, bool]] = []
    assert pico.led()
    assert console.eval("pin.value()") == 0
    pico.engine.set_gpio(3, True)
    assert console.eval("pin.value()") == 1
    with pico.engine.pins_watched(lambda time, number, level: seen.append((number, level))):
        console.exec("led.off(); led.on(); led.off()")
    assert [level for number, level in seen if number == 25] == [False, True, False]
    assert not pico.led()
    with pytest.raises(UsageError, match="LED blue: the Pico has one, led"):
        pico.led("blue")


@uart
@pytest.mark.row("R4.adc", "R4.temperature", "R4.protocol", "R4.pytest")
def test_the_adc_sees_voltages_and_warmth(pico: Board, console: Repl) -> None:
    console.exec("from machine import ADC; inputs = [ADC(26 + i) for i in range(4)]; warm = ADC(4)")
    for channel in range(4):
        pico.set_adc(channel, 0.5 + channel * 0.5)
    read = [console.eval(f"inputs[{channel}].read_u16()") for channel in range(4)]
    assert read == pytest.approx([65535 * (0.5 + channel * 0.5) / 3.3 for channel in range(4)], abs=40)
    for celsius in (-20.0, 27.0, 85.0):
        pico.set_temperature(celsius)
        volts = console.eval("warm.read_u16()") * 3.3 / 65535
        assert 27 - (volts - 0.706) / 0.001721 == pytest.approx(celsius, abs=1.2)  # datasheet, 4.9.5
    for nonsense in (float("nan"), float("inf")):
        with pytest.raises(UsageError):
            pico.set_adc(0, nonsense)
        with pytest.raises(UsageError):
            pico.set_temperature(nonsense)
    with pytest.raises(UsageError, match="ADC input 4: the RP2040 has 0 to 3"):
        pico.set_adc(4, 1.0)


@uart
@pytest.mark.row("R4.buttons", "R4.bootsel", "R4.protocol", "R4.pytest")
def test_the_button(pico: Board, console: Repl) -> None:
    console.exec("from rp2 import bootsel_button")
    for down in (True, False, True, False):
        pico.press("bootsel", down)
        assert bool(console.eval("bootsel_button()")) == down
    with pytest.raises(UsageError, match="button reset: the Pico has one, bootsel"):
        pico.press("reset")


@uart
@pytest.mark.row("R4.snapshots", "R4.protocol", "R4.pytest")
def test_a_board_as_it_was_does_the_same_each_time(pico: Board, usb: Device) -> None:
    """With an open port, a stream and an interrupt transfer under way: time, bus and memory come back."""
    repl = pico.repl()
    repl.exec("count = 41; from machine import ADC, Pin")
    waiting = usb.endpoint(0x81).submit_in(8)
    pico.set_adc(0, 1.0)
    kept = pico.snapshot(repl)
    runs = []
    for _ in range(4 if pico.engine.name == "renode" else 100):
        trace = Transactions()
        pico.host.add_observer(trace)
        began = pico.engine.now
        printed = pico.exec("count += 1; print(count, ADC(26).read_u16())")
        pico.host.remove_observer(trace)
        assert waiting.status is Status.PENDING
        runs.append((began, pico.engine.now, printed, trace.seen))
        pico.host.cancel(waiting)
        pico.set_adc(0, 3.0)
        pico.host.unplug()
        pico.restore(kept)
    assert pico.host.plugged
    assert runs[0][2].startswith(b"42 19")
    assert all(run == runs[0] for run in runs)
    pico.restore(kept)
    later = pico.snapshot(repl)
    pico.exec("count = 7")
    for snapshot in (kept, later, kept):
        pico.restore(snapshot)
        assert pico.repl().eval("count") == 41


@uart
@pytest.mark.row("R4.snapshots")
def test_a_board_goes_back_to_power_on_and_takes_another_way_from_there(pico: Board) -> None:
    """Which comes to memory that nothing had touched before, and then to code that has not run yet."""
    kept = pico.snapshot()
    began = pico.engine.now
    for number in range(3):
        assert pico.uart_repl().exec("print(6 * 7)").strip() == b"42"
        if number:
            assert pico.uart_repl().exec(f"kept = bytearray({number * 60_000}); print(len(kept))").strip() != b""
            assert pico.uart_repl().exec("import json; print(json.dumps([1.5, None]))").strip() == b"[1.5, null]"
            assert pico.device.present
        pico.restore(kept)
        assert pico.engine.now == began


@pytest.mark.row("R4.snapshots")
def test_a_snapshot_is_of_one_board(pico: Board) -> None:
    kept = pico.snapshot()
    kept = replace(kept, board=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="another board"):
        pico.restore(kept)


PROGRAM = """
import time
from machine import ADC, Pin
from rp2 import bootsel_button
pin = Pin(3, Pin.IN)
for _ in range(4):
    t = 27 - (ADC(4).read_u16() * 3.3 / 65535 - 0.706) / 0.001721
    print("sees", pin.value(), ADC(27).read_u16() // 656, round(t / 10), bootsel_button())
    time.sleep_ms(100)
"""


@pytest.mark.row("R4.command-line")
def test_the_command_line_does_it_at_its_times(engine: str, tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    main.write_text(PROGRAM)
    done = run(
        *("run", "uart", "--engine", engine, "--main", main, "--timeout", "1.5"),
        *("--set", "gpio3=1@300ms", "--set", "adc1=1.65@300ms", "--set", "temperature=60@300ms"),
        *("--set", "temperature=20", "--press", "bootsel@300ms-2s", "--expect", "sees 1 49 6 1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sees 0 0 2 0" in done.stdout


@pytest.mark.parametrize("wrong", ["adc4=1@1s", "adc0=nan", "temperature=warm", "adc0=1@", "gpio3=2"])
def test_the_command_line_refuses_what_makes_no_sense(wrong: str) -> None:
    done = run("run", "uart", "--engine", "embedded", "--set", wrong)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) <= 3
    assert "Traceback" not in done.stderr

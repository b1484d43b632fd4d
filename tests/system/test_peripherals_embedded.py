"""What MicroPython's `machine` makes of the embedded engine's blocks: buses with devices, clocks, sleep, serial."""

from __future__ import annotations

import pytest

from renode_pico.board import Board
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.micropython.repl import Repl
from tests.unit.rp2040.test_i2c import Memory
from tests.unit.rp2040.test_spi import Echo

pytestmark = [
    pytest.mark.engine("embedded", reason="devices are attached to the embedded engine's own blocks"),
    pytest.mark.pico(firmware="uart"),
]


@pytest.fixture(autouse=True)
def repl(console: Repl) -> Repl:
    """Over UART0: a bus in use wakes a processor that sleeps, and fills TinyUSB's queue while it is busy."""
    return console


def chip_of(board: Board) -> EmbeddedEngine:
    assert isinstance(board.engine, EmbeddedEngine)
    return board.engine


def run(repl: Repl, source: str) -> list[str]:
    """Run a program; the lines that it prints."""
    return repl.exec(source).decode().split("\r\n")[:-1]


@pytest.mark.row("P7.i2c-master", "P7.i2c-scan", "P7.i2c-nack")
def test_i2c_scans_writes_reads_and_misses(pico: Board, repl: Repl) -> None:
    memory = Memory(0x50)
    bus = chip_of(pico).chip.i2cs[0].bus
    bus.attach(memory)
    bus.attach(Memory(0x68))
    assert run(
        repl,
        """
from machine import I2C, Pin
i2c = I2C(0, scl=Pin(5), sda=Pin(4), freq=400_000)
print(i2c.scan())
i2c.writeto_mem(0x50, 0x20, b'hello')
print(i2c.readfrom_mem(0x50, 0x1e, 8))
try:
    i2c.writeto(0x51, b'x')
except OSError as error:
    print(error)
print(i2c.scan())
""",
    ) == ["[80, 104]", r"b'\x1e\x1fhello%'", "[Errno 5] EIO", "[80, 104]"]
    assert memory.content[0x20:0x25] == b"hello"


@pytest.mark.row("P12.i2c")
def test_i2c_takes_its_time(pico: Board, repl: Repl) -> None:
    i2c = chip_of(pico).chip.i2cs[0]
    i2c.bus.attach(Memory(0x50))
    for freq in (100_000, 400_000):
        taken = run(
            repl,
            f"""
from machine import I2C, Pin
import time
i2c, data = I2C(0, scl=Pin(5), sda=Pin(4), freq={freq}), bytes(200)
before = time.ticks_us()
i2c.writeto(0x50, data)
print(time.ticks_diff(time.ticks_us(), before))
""",
        )
        # SPKLEN + 8 cycles come on top of the counts that the SDK computes.
        cycles = i2c.IC_FS_SCL_HCNT + i2c.IC_FS_SCL_LCNT + i2c.IC_FS_SPKLEN + 8
        assert 125_000_000 / freq <= cycles <= 1.1 * 125_000_000 / freq
        assert 1 <= int(taken[0]) / ((2 + 201 * 9) * cycles / 125) < 1.08, "firmware fills in one byte at a time"


@pytest.mark.row("P7.spi-master", "P12.spi")
def test_spi_exchanges_with_a_device_and_takes_its_time(pico: Board, repl: Repl) -> None:
    echo = Echo()
    chip_of(pico).chip.spis[0].device = echo
    lines = run(
        repl,
        """
from machine import SPI, Pin
import time
spi = SPI(0, baudrate=1_000_000, phase=1, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
answer, data = bytearray(4), bytes(1000)
spi.write_readinto(b'abcd', answer)
print(bytes(answer))
before = time.ticks_us()
spi.write(data)
print(time.ticks_diff(time.ticks_us(), before))
""",
    )
    assert lines[0] == r"b'\xffabc'"
    assert int(lines[1]) == pytest.approx(8000, rel=0.03)
    assert len(echo.seen) == 1004


@pytest.mark.row("P12.uart")
def test_a_uart_takes_its_time_in_both_directions(pico: Board, repl: Repl) -> None:
    engine = chip_of(pico)
    engine.chip.wires.connect(8, 21)
    assert run(
        repl,
        """
import time
from machine import UART, Pin
line = UART(1, 9600, tx=Pin(8), rx=Pin(21))
before = time.ticks_ms()
line.write(b'0123456789' * 5)
line.flush()
print(abs(time.ticks_diff(time.ticks_ms(), before) - 52) < 3)
time.sleep_ms(5)
print(line.read())
""",
    ) == ["True", "b'" + "0123456789" * 5 + "'"]


@pytest.mark.row("P12.adc", "P6.adc")
def test_the_adc_sees_what_is_put_on_its_pins(pico: Board, repl: Repl) -> None:
    adc = chip_of(pico).chip.adc
    adc.voltages[:] = [0.5, 1.0, 2.0, 3.0]
    lines = run(repl, "from machine import ADC\nfor pin in range(26, 30): print(ADC(pin).read_u16() * 3.3 / 65535)\n")
    assert [float(line) for line in lines] == pytest.approx([0.5, 1.0, 2.0, 3.0], abs=0.001)


@pytest.mark.row("P4.clocks", "P12.clk-sys", "P12.clk-peri")
def test_the_clock_that_firmware_chooses(pico: Board, repl: Repl) -> None:
    engine = chip_of(pico)
    source = "import machine, time\nmachine.freq({})\nn = 0\nend = time.ticks_add(time.ticks_us(), 20000)\n"
    count = source + "while time.ticks_diff(end, time.ticks_us()) > 0: n += 1\nprint(n)\n"
    fast, slow = (int(run(repl, count.format(hz))[0]) for hz in (125_000_000, 48_000_000))
    assert fast / slow == pytest.approx(125 / 48, rel=0.03)
    assert engine.chip.machine.hz == 48_000_000
    assert engine.chip.clocks.frequency[6] == 48_000_000


@pytest.mark.row("P5.rtc")
def test_light_sleep_and_the_calendar(repl: Repl) -> None:
    output = repl.exec(
        """
import machine, time
rtc = machine.RTC()
rtc.datetime((2026, 12, 31, 3, 23, 59, 58, 0))
before = time.ticks_ms()
machine.lightsleep(1500)
print(1500 <= time.ticks_diff(time.ticks_ms(), before) < 1510)
time.sleep_ms(1000)
print(rtc.datetime()[:7])
"""
    )
    assert output.split() == [b"True", b"(2027,", b"1,", b"1,", b"4,", b"0,", b"0,", b"0)"]


@pytest.mark.row("P2.thread", "E2.thread")
def test_threads_without_being_asked_for(repl: Repl) -> None:
    assert run(
        repl,
        """
import _thread, time
lock, seen = _thread.allocate_lock(), []
def work():
    for number in range(20):
        with lock:
            seen.append(number)
        time.sleep_us(300)
_thread.start_new_thread(work, ())
while len(seen) < 20:
    with lock:
        seen and seen.append(seen.pop())
print(seen == list(range(20)))
""",
    ) == ["True"]


@pytest.mark.row("P12.flash")
def test_erasing_and_programming_take_the_flashs_typical_times(repl: Repl) -> None:
    lines = run(
        repl,
        """
import rp2, time
flash = rp2.Flash()
block = flash.ioctl(4, 0) - 1
def took(work):
    before = time.ticks_us()
    work()
    return time.ticks_diff(time.ticks_us(), before) / 1000
page = bytearray(range(256))
print(took(lambda: flash.ioctl(6, block)))
print(took(lambda: flash.writeblocks(block, page, 0)))
back = bytearray(256)
flash.readblocks(block, back, 0)
print(back == page)
""",
    )
    assert float(lines[0]) == pytest.approx(45, abs=0.5)
    assert 0.4 <= float(lines[1]) < 0.8, "and what it takes to send the page"
    assert lines[2] == "True"

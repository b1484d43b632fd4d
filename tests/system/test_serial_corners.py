"""Corners of I2C, UART, SPI and ADC that drivers seldom reach, register by register: both engines as the header has it.

MicroPython reads and writes the registers. I2C1 is on the wires of I2C0, as its slave 0x42. What is expected was
written down from the descriptions in the pico-sdk's header (and ARM DDI 0183, 0194) before it was run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, cast

import pytest

from renode_pico.board import Board
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.renode_runtime import runtime
from renode_pico.engine.select import EngineName
from renode_pico.micropython.repl import Repl
from renode_pico.pytest_plugin import engine_of

pytestmark = pytest.mark.usefixtures("own_board")

HELPERS = """
from machine import mem32
from time import sleep_us
def get(a): return mem32[a] & 0xFFFFFFFF
def anew(bits):
    mem32[0x4000E000] = bits; mem32[0x4000F000] = bits
A, B = 0x40044000, 0x40048000
CON, TAR, SAR, CMD, RAW, ENABLE, RXFLR, ABRT, ENSTAT = 0, 4, 8, 0x10, 0x34, 0x6C, 0x78, 0x80, 0x9C
CLR_INTR, CLR_TX_ABRT, CLR_ACTIVITY, CLR_GEN_CALL = 0x40, 0x54, 0x5C, 0x68
READ, STOP = 1 << 8, 1 << 9
def i2c(con=0x24, master=0x165, slow=0):
    anew(3 << 3)
    for pin in (4, 5): mem32[0x40014004 + 8 * pin] = 3
    mem32[B + CON] = con; mem32[B + SAR] = 0x42; mem32[B + ENABLE] = 1
    mem32[A + CON] = master; mem32[A + TAR] = 0x42
    if slow:
        mem32[A + 0x1C] = slow - 14; mem32[A + 0x20] = slow - 1
    mem32[A + ENABLE] = 1
def say(*found): print(list(found))
def target(address):
    mem32[A + ENABLE] = 0; mem32[A + TAR] = address; mem32[A + ENABLE] = 1
U = 0x40038000
DR, FR, IBRD, LCR, CR, IFLS, RIS, ICR = 0, 0x18, 0x24, 0x2C, 0x30, 0x34, 0x3C, 0x44
def uart(cr, lcr=0x70, divisor=1):
    anew(1 << 23)
    mem32[U + IBRD] = divisor; mem32[U + LCR] = lcr; mem32[U + CR] = cr
S = 0x4003C000
ADC = 0x4004C000
"""


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Board("uart", engine=cast(EngineName, engine_of(request.config))) as board:
        engine = board.engine
        if isinstance(engine, EmbeddedEngine):
            engine.chip.i2cs[1].join(engine.chip.i2cs[0].bus)
        else:
            runtime().command("sysbus.i2c0 Attach sysbus.i2c1")
        board.set_adc(0, 0.825)
        board.set_adc(1, 1.65)
        yield board


@pytest.fixture(scope="module")
def repl(board: Board) -> Repl:
    console = board.uart_repl()
    console.exec(HELPERS)
    return console


def row(name: str) -> pytest.MarkDecorator:
    return pytest.mark.row(name)


Cases = dict[str, tuple[str, list[object]]]
"""By what is checked: a program, and what it says."""

I2C: Cases = {
    # IC_CLR_ACTIVITY: "if the I2C module is still active on the bus, the ACTIVITY interrupt bit continues to be set";
    # "the value read [is the] status of the ACTIVITY interrupt"
    "activity stays while there is activity": (
        "i2c(); mem32[A + CMD] = 1; sleep_us(100); x = get(A + CLR_ACTIVITY); get(A + CLR_INTR)\n"
        "y = get(A + RAW) & 0x100\n"
        "mem32[A + CMD] = STOP | 2; sleep_us(100)\n"
        "say(x, y, get(A + CLR_ACTIVITY), get(A + RAW) & 0x100, get(A + CLR_ACTIVITY))",
        [1, 0x100, 1, 0, 0],
    ),
    # RESTART_DET: "when DW_apb_i2c is operating in Slave mode and the slave is being addressed"
    "RESTART is told to the slave that is addressed": (
        "i2c(); mem32[A + CMD] = 1; mem32[A + CMD] = READ | STOP; sleep_us(100); mem32[B + CMD] = 9; sleep_us(100)\n"
        "say(get(A + RAW) & 0x1000, get(B + RAW) & 0x1000, get(A + CMD))",
        [0, 0x1000, 0x809],
    ),
    # START_DET, STOP_DET: "on the I2C interface"; STOP_DET_IFADDRESSED: only if it is addressed
    "START and STOP are seen by who is not meant": (
        "i2c(); target(0x43); mem32[A + CMD] = STOP | 1; sleep_us(100); x = get(B + RAW) & 0x700\n"
        "i2c(con=0xA4); target(0x43); mem32[A + CMD] = STOP | 1; sleep_us(100); y = get(B + RAW) & 0x700\n"
        "target(0x42); get(A + CLR_TX_ABRT); mem32[A + CMD] = STOP | 1; sleep_us(100)\n"
        "say(x, y, get(B + RAW) & 0x700, get(A + RAW) & 0x600)",
        [0x600, 0x400, 0x700, 0x600],
    ),
    # STOP_DET: "during a general call address, this slave does not issue a STOP_DET interrupt if
    # STOP_DET_IF_ADDRESSED"; GEN_CALL: "until it is cleared either by disabling DW_apb_i2c or [...] IC_CLR_GEN_CALL"
    "the general call": (
        "i2c(con=0xA4); target(0x800); mem32[A + CMD] = STOP | 6; sleep_us(100); x = get(B + RAW) & 0xA00\n"
        "y = get(B + CMD), get(B + CLR_GEN_CALL); z = get(B + RAW) & 0x800\n"
        "mem32[A + CMD] = STOP | 6; sleep_us(100); v = get(B + RAW) & 0x800; mem32[B + ENABLE] = 0\n"
        "say(x, *y, z, v, get(B + RAW) & 0x900)",
        [0x800, 0x806, 1, 0, 0x800, 0],
    ),
    # TX_EMPTY: with IC_ENABLE 0 "this bit is set to 1, provided there is activity in the master or slave state
    # machines. When there is no longer any activity, then with ic_en=0, this bit is set to 0"
    "the FIFO of a disabled controller is empty while there is activity": (
        "i2c(slow=5000); mem32[A + CMD] = 1; sleep_us(200); mem32[A + ENABLE] = 0\n"
        "x = get(A + RAW) & 0x10, get(A + ENSTAT)\n"
        "sleep_us(3000); say(*x, get(A + RAW) & 0x10, get(A + ENSTAT))",
        [0x10, 1, 0, 0],
    ),
    # RX_UNDER, TX_OVER: "when ic_en goes to 0, this interrupt is cleared"
    "what was too much or too little": (
        "i2c(); get(A + CMD); x = get(A + RAW) & 9; mem32[A + ENABLE] = 0; y = get(A + RAW) & 9; get(A + CMD)\n"
        "z = get(A + RAW) & 9; mem32[A + ENABLE] = 5\n"
        "for n in range(17): mem32[A + CMD] = n\n"
        "v = get(A + RAW) & 9; mem32[A + ENABLE] = 4; say(x, y, z, v, get(A + RAW) & 9)",
        [1, 0, 0, 8, 0],
    ),
    # ABORT: "The software cannot clear the ABORT bit once set"; "after completing the current transfer"
    "an abort cannot be taken back": (
        "i2c(slow=5000)\n"
        "for n in range(3): mem32[A + CMD] = n\n"
        "mem32[A + ENABLE] = 3; mem32[A + ENABLE] = 1; x = get(A + ENABLE); sleep_us(4000)\n"
        "say(x, get(A + ENABLE), hex(get(A + ABRT)), get(B + RXFLR))",
        [3, 1, hex(2 << 23 | 1 << 16), 1],
    ),
    "an abort is asked for of an enabled controller": (
        "i2c(slow=5000); mem32[A + ENABLE] = 0; mem32[A + ENABLE] = 3; x = get(A + ENABLE); mem32[A + CMD] = 1\n"
        "mem32[A + CMD] = STOP | 2; sleep_us(4000); say(x, get(A + ABRT), get(B + RXFLR))",
        [1, 0, 2],
    ),
    # ABRT_SLVRD_INTX: in answer to "a slave mode request for data"; ABRT_MASTER_DIS: "tries to initiate a Master
    # operation with the Master mode disabled"; TX_FLUSH_CNT: "cleared whenever I2C is disabled"
    "a slave that asks to read": (
        "i2c(); mem32[B + CMD] = READ; x = hex(get(B + ABRT)); get(B + CLR_TX_ABRT)\n"
        "mem32[A + CMD] = READ | STOP; sleep_us(100); mem32[B + CMD] = READ; y = hex(get(B + ABRT))\n"
        "get(B + CLR_TX_ABRT)\n"
        "z = get(B + ABRT); mem32[B + CMD] = 0x11; sleep_us(100); say(x, y, z, hex(get(A + CMD)))",
        [hex(1 << 23 | 1 << 11), hex(1 << 23 | 1 << 15), 0, "0x811"],
    ),
    "the count of flushed commands": (
        "i2c(slow=5000); target(0x43)\n"
        "for n in range(5): mem32[A + CMD] = n\n"
        "sleep_us(3000); x = hex(get(A + ABRT)); mem32[A + ENABLE] = 0; y = get(A + ABRT); get(A + CLR_TX_ABRT)\n"
        "say(x, y, get(A + ABRT))",
        [hex(4 << 23 | 1), 1, 0],
    ),
    # RD_REQ: "attempting to read data": behind the address, before the byte
    "a slave is asked before the byte, which takes its time behind the answer": (
        "i2c(slow=6250); mem32[A + CMD] = READ | STOP; sleep_us(1300); x = get(B + RAW) & 0x20; sleep_us(300)\n"
        "mem32[B + CMD] = 0x5A; sleep_us(500); y = get(A + RXFLR); sleep_us(700); say(x, y, hex(get(A + CMD)))",
        [0x20, 0, "0x85a"],
    ),
    # TX_ABRT: "flushes/resets/empties the TX_FIFO and RX_FIFO whenever there is a transmit abort caused by any of
    # the events tracked by the IC_TX_ABRT_SOURCE register"
    "an abort of a slave empties both FIFOs": (
        "i2c(); mem32[A + CMD] = STOP | 7; sleep_us(100); mem32[B + CMD] = 1; x = get(B + RXFLR)\n"
        "mem32[A + CMD] = READ | STOP; sleep_us(100); say(x, hex(get(B + ABRT)), get(B + RXFLR), get(B + 0x74))",
        [1, hex(1 << 23 | 1 << 13), 0, 0],
    ),
    # IC_RESTART_EN 0: a STOP and a START instead; ABRT_10B_RD_NORSTRT: such a read in addressing of ten bits
    "ten bits are not read behind a write without RESTART": (
        "i2c(con=0x2C, master=0x155)\n"
        "mem32[A + CMD] = 1; mem32[A + CMD] = READ | STOP; sleep_us(200)\n"
        "say(get(B + RXFLR), hex(get(A + ABRT)), get(B + RAW) & 0x220)",
        [1, hex(1 << 23 | 1 << 10), 0x200],
    ),
}  # fmt: skip

UART: Cases = {
    # ARM DDI 0183, 3.3.8: the transmit FIFO is flushed by setting FEN to 0
    "FEN flushes": (
        "uart(cr=0x1)\n"
        "for n in range(5): mem32[U + DR] = n\n"
        "x = get(U + FR) & 0xA8; mem32[U + LCR] = 0x60; say(x, get(U + FR) & 0xA8)",
        [0x8, 0x80],
    ),
    # UARTFR.CTS: "the complement of [...] nUARTCTS"; the interrupt is of the modem line, whatever CTSEN is
    "CTS is seen without CTSEN": (
        "uart(cr=0x301); mem32[0x4001C004 + 4 * 6] = 0x44; mem32[0x40014004 + 8 * 6] = 2\n"
        "mem32[U + ICR] = 0x7FF; x = get(U + FR) & 1; mem32[0x4001C004 + 4 * 6] = 0x48\n"
        "y = get(U + FR) & 1, get(U + RIS) & 2\n"
        "mem32[U + ICR] = 2; mem32[0x4001C004 + 4 * 6] = 0x44; z = get(U + FR) & 1, get(U + RIS) & 2\n"
        "mem32[0x40014004 + 8 * 6] = 31; say(x, *y, *z)",
        [1, 0, 2, 1, 2],
    ),
    # UARTCR.LBE: "the modem outputs are also fed through to the modem inputs"
    "RTS is CTS when looped back": (
        "uart(cr=0x381); x = get(U + FR) & 1; mem32[U + ICR] = 2; mem32[U + CR] = 0xB81\n"
        "y = get(U + FR) & 1, get(U + RIS) & 2\n"
        "mem32[U + CR] = 0x381; mem32[U + ICR] = 2; mem32[U + CR] = 0x301\n"
        "say(x, *y, get(U + FR) & 1, get(U + RIS) & 2)",
        [0, 1, 2, 1, 2],
    ),
    # UARTLCR_H.BRK: "after completing transmission of the current character"
    "a break waits for the character that is being sent": (
        "uart(cr=0x301, divisor=20000); mem32[0x40014004 + 8 * 4] = 2; mem32[U + DR] = 0xFF; sleep_us(9000)\n"
        "mem32[U + LCR] = 0x71; x = get(0xD0000004) >> 4 & 1; sleep_us(70000); y = get(0xD0000004) >> 4 & 1\n"
        "mem32[U + LCR] = 0x70; z = get(0xD0000004) >> 4 & 1; mem32[0x40014004 + 8 * 4] = 31; say(x, y, z)",
        [1, 0, 1],
    ),
    "looped back, too": (
        "uart(cr=0x381, divisor=2000); mem32[U + DR] = 0x55; mem32[U + LCR] = 0x71\n"
        "while get(U + FR) & 8: pass\n"
        "x = get(U + DR), get(U + FR) & 0x10; sleep_us(20000); y = get(U + DR), get(U + FR) & 0x10\n"
        "mem32[U + LCR] = 0x70; say(*x, *y)",
        [0x55, 0x10, 0x500, 0x10],
    ),
    # UARTIFLS: "becomes >= ...": passing a level interrupts, another level does not
    "another level is no passage": (
        "uart(cr=0x381); mem32[U + IFLS] = 0x12\n"
        "for n in range(8): mem32[U + DR] = n\n"
        "sleep_us(100); x = get(U + RIS) & 0x10; mem32[U + IFLS] = 2; y = get(U + RIS) & 0x10\n"
        "mem32[U + DR] = 9; sleep_us(100)\n"
        "say(x, y, get(U + RIS) & 0x10)",
        [0, 0, 0x10],
    ),
}  # fmt: skip

SPI: Cases = {
    # SSPSR.BSY: "or the transmit FIFO is not empty"
    "a frame that waits makes it busy": (
        "anew(1 << 16); mem32[S + 0x10] = 2; mem32[S] = 7; x = get(S + 12); mem32[S + 8] = 5; y = get(S + 12)\n"
        "mem32[S + 4] = 3; sleep_us(50); say(x, y, get(S + 12), get(S + 8), get(S + 12))",
        [3, 0x12, 7, 5, 3],
    ),
}  # fmt: skip

ADC: Cases = {
    # a conversion samples its input when it begins (4.9): AINSEL is for the next one. clk_adc is 4 MHz here: 24 us
    "AINSEL is for the next conversion": (
        "anew(1); old = get(0x40008060), get(0x40008064); mem32[0x40008060] = 0; sleep_us(10)\n"
        "mem32[0x40008060] = 3 << 5; mem32[0x40008064] = 3 << 8; mem32[0x40008060] = 3 << 5 | 1 << 11; mem32[ADC] = 1\n"
        "def two(a):\n"
        "    m = mem32\n"
        "    m[a] = 5; m[a] = 0x1001\n"
        "    return m[a] >> 8 & 1\n"
        "x = two(ADC); sleep_us(50); y = get(ADC + 4); mem32[ADC] = 0x1005; sleep_us(50); z = get(ADC + 4)\n"
        "mem32[0x40008060] = 0; mem32[0x40008064] = old[1]; mem32[0x40008060] = old[0]; say(x, y, z)",
        [0, 1024, 2048],
    ),
}  # fmt: skip


def cases(which: Cases, part: str) -> list[Any]:
    return [pytest.param(*what, id=name, marks=row(part)) for name, what in which.items()]


@pytest.mark.parametrize(("program", "expected"), cases(I2C, "P7.i2c-slave"))
def test_i2c(repl: Repl, program: str, expected: list[object]) -> None:
    assert said(repl, program) == expected


@pytest.mark.parametrize(("program", "expected"), cases(UART, "P6.uart1"))
def test_uart(repl: Repl, program: str, expected: list[object]) -> None:
    assert said(repl, program) == expected


@pytest.mark.parametrize(("program", "expected"), cases(SPI, "P7.spi-master"))
def test_spi(repl: Repl, program: str, expected: list[object]) -> None:
    assert said(repl, program) == expected


@pytest.mark.parametrize(("program", "expected"), cases(ADC, "P6.adc"))
def test_adc(repl: Repl, program: str, expected: list[object]) -> None:
    assert said(repl, program) == expected


SPI_AT_PINS = """
import rp2
from machine import Pin
def listener(edge):
    @rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, autopush=True, push_thresh=8)
    def listens():
        wait(1 - edge, gpio, 18); wait(edge, gpio, 18)
        in_(pins, 1)
    return listens
@rp2.asm_pio()
def selected():
    wait(1, gpio, 17); wait(0, gpio, 17)
    mov(isr, null); push()
def spi(mode, scr, bits=8):
    anew(1 << 16)
    for pin in range(16, 20): mem32[0x40014004 + 8 * pin] = 1
    mem32[S + 0x10] = 2; mem32[S] = scr << 8 | mode << 6 | bits - 1; mem32[S + 4] = 2
"""
"""SPI0 at GPIO16 to GPIO19: RX, CSn, SCK, TX."""


@row("P7.spi-master")
@row("P8.pins")
@pytest.mark.parametrize("mode", range(4))
def test_a_program_of_pio_hears_an_spi(repl: Repl, mode: int) -> None:
    """Motorola's four modes: the data stands at the edge that captures; with SPH = 0 CSn rises between frames."""
    repl.exec(SPI_AT_PINS)
    polarity, phase = mode & 1, mode >> 1
    found = said(
        repl,
        f"""
spi({mode}, 255)
m = rp2.StateMachine(0, listener({int(polarity == phase)}), in_base=Pin(19)); c = rp2.StateMachine(4, selected)
for pin in range(16, 20): mem32[0x40014004 + 8 * pin] = 1
m.active(1); c.active(1)
for x in (0xA5, 0x3C, 0x01): mem32[S + 8] = x
sleep_us(600); found = [m.get() for n in range(m.rx_fifo())], c.rx_fifo(), get(0xD0000004) >> 17 & 7
m.active(0); c.active(0); rp2.PIO(0).remove_program(); rp2.PIO(1).remove_program(); say(*found)
""",
    )
    assert found == [[0xA5, 0x3C, 0x01], 1 if phase else 3, 1 | polarity << 1]


@row("P7.spi-master")
@row("P12.spi")
def test_an_spi_frame_at_the_pins_has_its_times(repl: Repl, board: Board) -> None:
    """clk_peri 48 MHz by 2 by 63: half a bit is 1312.5 ns. CSn, half a bit, four bits, half a bit, CSn."""
    repl.exec(SPI_AT_PINS)
    told: list[tuple[int, int, bool]] = []
    repl.exec("spi(0, 62, bits=4)")
    with board.engine.pins_watched(lambda time, pin, level: told.append((time, pin, level))):
        repl.exec("mem32[S + 8] = 0b1011; sleep_us(50)")
    edges = [(time, pin, level) for time, pin, level in told if pin in (17, 18, 19)]
    first = edges[0][0]
    clock = [(2 * n, 18, True) for n in range(1, 5)] + [(2 * n + 1, 18, False) for n in range(1, 5)]
    data = [(1, 19, True), (3, 19, False), (5, 19, True), (10, 19, False)]
    expected = sorted([(0, 17, False), (10, 17, True), *clock, *data])
    assert sorted((round((time - first) / 1312.5, 1), pin, level) for time, pin, level in edges) == expected


@row("P7.spi-master")
def test_an_spi_that_is_heard_samples_its_input_bit_by_bit(repl: Repl) -> None:
    """1333 us a bit; the input's override is moved by the processor in between."""
    repl.exec(SPI_AT_PINS)
    found = said(
        repl,
        """
spi(0, 255, bits=4); mem32[S + 0x10] = 250
m = rp2.StateMachine(0, listener(1), in_base=Pin(19)); m.active(1)
mem32[0x40014004 + 8 * 19] = 1; mem32[0x40014004 + 8 * 18] = 1
def input(level): mem32[0x40014004 + 8 * 16] = 1 | (2 + level) << 16
bit = 250 * 256 // 48
input(1); mem32[S + 8] = 0; sleep_us(bit * 3 // 2)
input(1); sleep_us(bit); input(0); sleep_us(bit); input(1); sleep_us(4 * bit)
m.active(0); rp2.PIO(0).remove_program(); mem32[0x40014004 + 8 * 16] = 31; say(bin(get(S + 8)))
""",
    )
    assert found == ["0b1101"]


def said(repl: Repl, program: str) -> object:
    """What `program` gives to `say`."""
    return ast.literal_eval(repl.exec(program).decode())

"""The DW_apb_i2c of the chip, as master and slave (RP2040 datasheet, 4.3)."""

from __future__ import annotations

import pytest

from renode_pico.rp2040.i2c_bus import TEN_BITS
from tests.unit.rp2040.chip_bench import CYCLE_S, Bench, Registers

I2C0, I2C1 = 0x4004_4000, 0x4004_8000
CON, TAR, SAR, DATA_CMD, SS_HCNT, SS_LCNT, FS_HCNT, FS_LCNT = 0x00, 0x04, 0x08, 0x10, 0x14, 0x18, 0x1C, 0x20
INTR_STAT, INTR_MASK, RAW, RX_TL, TX_TL = 0x2C, 0x30, 0x34, 0x38, 0x3C
CLR_INTR, CLR_RX_UNDER, CLR_TX_OVER, CLR_RD_REQ, CLR_TX_ABRT, CLR_RX_DONE = 0x40, 0x44, 0x4C, 0x50, 0x54, 0x58
CLR_STOP_DET, CLR_START_DET, CLR_GEN_CALL = 0x60, 0x64, 0x68
ENABLE, STATUS, TXFLR, RXFLR, ABRT_SOURCE, DMA_CR, DMA_TDLR, DMA_RDLR, ENABLE_STATUS, FS_SPKLEN = (
    0x6C, 0x70, 0x74, 0x78, 0x80, 0x88, 0x8C, 0x90, 0x9C, 0xA0,
)  # fmt: skip
MASTER, FAST, RESTART_EN, SLAVE_DISABLE, TX_EMPTY_CTRL, HLD_CTRL = 1, 2 << 1, 1 << 5, 1 << 6, 1 << 8, 1 << 9
AS_MASTER, AS_SLAVE = MASTER | FAST | RESTART_EN | SLAVE_DISABLE | TX_EMPTY_CTRL, FAST | RESTART_EN
READ, STOP, RESTART, FIRST = 1 << 8, 1 << 9, 1 << 10, 1 << 11
RX_UNDER, RX_OVER, RX_FULL, TX_OVER, TX_EMPTY, RD_REQ, TX_ABRT, RX_DONE = (1 << bit for bit in range(8))
ACTIVITY, STOP_DET, START_DET, GEN_CALL, RESTART_DET = (1 << bit for bit in range(8, 13))
TFNF, TFE, RFNE, RFF, MST_ACTIVITY = 2, 4, 8, 16, 32
PERIOD_S = 320 * CYCLE_S
BYTE_S = 9 * PERIOD_S
ADDRESS_S = 119 * CYCLE_S + BYTE_S
"""START, which is the clock's high part, and a byte."""


class Memory:
    """An EEPROM of 256 bytes: the first byte written is where the next ones go."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.content = bytearray(range(256))
        self.at = 0
        self.expects_address = False
        self.log: list[str] = []
        self.full_after: int | None = None

    def start(self, address: int, read: bool) -> bool:
        self.log.append(f"start {address:#x} {'read' if read else 'write'}")
        self.expects_address = not read
        return address == self.address

    def write(self, value: int) -> bool | None:
        if self.full_after is not None:
            self.full_after -= 1
            if self.full_after < 0:
                return False
        if self.expects_address:
            self.at, self.expects_address = value, False
        else:
            self.content[self.at] = value
            self.at += 1
        return True

    def read(self) -> int | None:
        value = self.content[self.at]
        self.at += 1
        return value

    def acknowledge(self, more: bool) -> None:
        self.log.append("ack" if more else "nack")

    def stop(self) -> None:
        self.log.append("stop")


class I2c(Registers):
    def __init__(self, bench: Bench, which: int = 0) -> None:
        super().__init__(bench, (I2C0, I2C1)[which])
        self.model = bench.chip.i2cs[which]

    def set_up(self, control: int = AS_MASTER, target: int = 0x50) -> None:
        """400 kHz and a little less: the counts, and nine cycles more for SPKLEN 1."""
        self[ENABLE] = 0
        self[CON] = control
        self[FS_HCNT], self[FS_LCNT], self[FS_SPKLEN] = 111, 200, 1
        self[TAR] = target
        self[INTR_MASK] = 0
        self[ENABLE] = 1

    def settle(self) -> None:
        """More than the longest transfer here."""
        self.bench.run(100 * BYTE_S)

    def received(self) -> bytes:
        return bytes(self[DATA_CMD] & 0xFF for _ in range(self[RXFLR]))


@pytest.fixture
def i2c() -> I2c:
    i2c = I2c(Bench())
    i2c.set_up()
    return i2c


@pytest.fixture
def memory(i2c: I2c) -> Memory:
    memory = Memory(0x50)
    i2c.model.bus.attach(memory)
    return memory


# Master


def test_a_write_takes_its_time(i2c: I2c, memory: Memory) -> None:
    assert i2c[RAW] & TX_EMPTY
    i2c[DATA_CMD] = 0x10
    assert i2c[STATUS] & MST_ACTIVITY
    assert not i2c[RAW] & TX_EMPTY, "TX_EMPTY_CTRL: not before the byte is out"
    i2c.bench.run(0.99 * (ADDRESS_S + BYTE_S))
    assert not i2c[RAW] & TX_EMPTY
    i2c.bench.run(0.02 * (ADDRESS_S + BYTE_S))
    assert i2c[RAW] & (TX_EMPTY | START_DET) == TX_EMPTY | START_DET
    assert i2c[STATUS] & MST_ACTIVITY, "the clock is held low until there is more to do"
    i2c[DATA_CMD] = STOP | 0xAA
    i2c.bench.run(1.01 * BYTE_S)
    assert memory.content[0x10] == 0xAA
    assert not i2c[RAW] & STOP_DET
    i2c.bench.run(1.1 * PERIOD_S)
    assert i2c[RAW] & STOP_DET
    assert not i2c[STATUS] & MST_ACTIVITY
    assert memory.log == ["start 0x50 write", "stop"]


def test_standard_speed_has_counts_of_its_own(i2c: I2c, memory: Memory) -> None:
    i2c[ENABLE] = 0
    i2c[CON] = AS_MASTER & ~FAST | 1 << 1
    i2c[SS_HCNT], i2c[SS_LCNT] = 500, 740
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = 1
    i2c.bench.run(18 * (500 + 740 + 8) * CYCLE_S)
    assert not i2c[RAW] & TX_EMPTY
    i2c.bench.run(1.1 * (500 + 740 + 8) * CYCLE_S)
    assert i2c[RAW] & TX_EMPTY


def test_a_read_after_a_restart(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = READ
    i2c[DATA_CMD] = READ
    i2c[DATA_CMD] = READ | STOP
    i2c.settle()
    assert i2c[RXFLR] == 3
    assert i2c[DATA_CMD] == FIRST | 0x20
    assert i2c.received() == b"\x21\x22"
    assert memory.log == ["start 0x50 write", "start 0x50 read", "ack", "ack", "nack", "stop"]
    assert not i2c[RAW] & RESTART_DET, "it is for slaves: RESTART while they are addressed (i2c.h)"


def test_without_restart_it_stops_and_starts(i2c: I2c, memory: Memory) -> None:
    i2c[ENABLE] = 0
    i2c[CON] = AS_MASTER & ~RESTART_EN
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = READ | STOP
    i2c.settle()
    assert memory.log == ["start 0x50 write", "stop", "start 0x50 read", "nack", "stop"]


def test_a_restart_that_is_asked_for(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = READ
    i2c[DATA_CMD] = READ | RESTART | STOP
    i2c.settle()
    assert memory.log == ["start 0x50 read", "nack", "start 0x50 read", "nack", "stop"]


def test_nobody_there_is_an_abort_at_once(i2c: I2c, memory: Memory) -> None:
    i2c[ENABLE] = 0
    i2c[TAR] = 0x33
    i2c[ENABLE] = 1
    i2c[INTR_MASK] = TX_ABRT
    for value in (1, 2, STOP | 3):
        i2c[DATA_CMD] = value
    i2c.bench.run(1.01 * ADDRESS_S)
    assert i2c[INTR_STAT] == TX_ABRT
    assert i2c.model.irq.level
    assert i2c[ABRT_SOURCE] == 1 | 2 << 23, "7B_ADDR_NOACK, two commands flushed"
    assert i2c[TXFLR] == 0
    i2c[DATA_CMD] = 4
    assert i2c[TXFLR] == 0, "the FIFO stays empty until the abort is cleared"
    i2c.bench.run(1.1 * PERIOD_S)
    assert i2c[RAW] & STOP_DET
    assert i2c[CLR_TX_ABRT] == 1
    assert i2c[ABRT_SOURCE] == 0
    assert not i2c.model.irq.level
    assert i2c[CLR_TX_ABRT] == 0
    assert memory.content == bytearray(range(256))


def test_a_byte_that_is_refused(i2c: I2c, memory: Memory) -> None:
    memory.full_after = 2
    for value in (0, 1, 2, STOP | 3):
        i2c[DATA_CMD] = value
    i2c.settle()
    assert i2c[ABRT_SOURCE] & 0x1FFFF == 1 << 3, "TXDATA_NOACK"
    assert memory.log[-1] == "stop"
    assert memory.content[:3] == b"\x01\x01\x02"


def test_ten_bit_addresses(i2c: I2c) -> None:
    i2c.model.bus.attach(Memory(TEN_BITS | 0x2A5))
    i2c.model.bus.attach(Memory(0x2A5 & 0x7F))
    i2c[ENABLE] = 0
    i2c[CON] = AS_MASTER | 1 << 4
    i2c[TAR] = 0x2A5
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = STOP | 1
    i2c.settle()
    assert not i2c[RAW] & TX_ABRT
    i2c[ENABLE] = 0
    i2c[TAR] = 0x2A6
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = STOP | 1
    i2c.settle()
    assert i2c[ABRT_SOURCE] & 0x1FFFF == 1 << 1, "10ADDR1_NOACK"


def test_fifos_of_sixteen_and_their_interrupts(i2c: I2c, memory: Memory) -> None:
    i2c[RX_TL], i2c[TX_TL] = 2, 3
    i2c[ENABLE] = 1 | 1 << 2  # TX_CMD_BLOCK
    for number in range(16):
        assert i2c[STATUS] & TFNF
        assert bool(i2c[RAW] & TX_EMPTY) is (number <= 3)
        i2c[DATA_CMD] = READ | (STOP if number == 15 else 0)
    assert not i2c[STATUS] & TFNF
    i2c[DATA_CMD] = 0
    assert i2c[RAW] & TX_OVER
    assert i2c[CLR_TX_OVER] == 1
    assert not i2c[RAW] & TX_OVER
    assert i2c[TXFLR] == 16
    i2c[ENABLE] = 1
    i2c.bench.run(ADDRESS_S + 2.5 * BYTE_S)
    assert not i2c[RAW] & RX_FULL
    i2c.bench.run(BYTE_S)
    assert i2c[RAW] & RX_FULL
    i2c.settle()
    assert i2c[STATUS] & (RFNE | RFF) == RFNE | RFF
    assert i2c.received() == bytes(range(16))
    i2c[DATA_CMD]
    assert i2c[RAW] & RX_UNDER
    assert i2c[CLR_RX_UNDER] == 1


def test_a_full_fifo_loses_or_holds_the_bus(i2c: I2c, memory: Memory) -> None:
    for _ in range(2):
        for _ in range(10):
            i2c[DATA_CMD] = READ
        i2c.settle()
    assert i2c[RAW] & RX_OVER
    i2c[ENABLE] = 0
    i2c[CON] = AS_MASTER | HLD_CTRL
    i2c[ENABLE] = 1
    memory.at = 0
    for _ in range(2):
        for _ in range(10):
            i2c[DATA_CMD] = READ
        i2c.settle()
    received = i2c.received()
    i2c.settle()
    assert received + i2c.received() == bytes(range(20))


def test_disabling_lets_go_of_the_bus(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = 1
    i2c.settle()
    i2c[ENABLE] = 0
    assert memory.log[-1] != "stop"
    assert i2c[ENABLE_STATUS] == 1, "until the STOP is over"
    i2c.settle()
    assert memory.log[-1] == "stop"
    assert i2c[STATUS] == TFNF | TFE
    assert i2c[ENABLE_STATUS] == 0
    i2c[DATA_CMD] = 1
    assert i2c[TXFLR] == 0


def test_a_new_target_on_a_held_bus_comes_after_a_restart(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = 1
    i2c.settle()
    i2c[ENABLE] = 0  # as the SDK does for each call
    i2c[TAR] = 0x50
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = READ | STOP
    i2c.settle()
    assert memory.log == ["start 0x50 write", "start 0x50 read", "nack", "stop"]
    assert i2c.received() == b"\x01"
    assert not i2c[RAW] & RESTART_DET, "it is for slaves: RESTART while they are addressed (i2c.h)"


def test_disabled_in_a_byte_it_finishes_that(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = 0x77
    i2c[DATA_CMD] = 0x78
    i2c.bench.run(ADDRESS_S + 1.5 * BYTE_S)
    i2c[ENABLE] = 0
    i2c.settle()
    assert memory.content[0x20:0x22] == b"\x77\x21"
    assert memory.log[-1] == "stop"


def test_the_start_byte_is_nobodys_address(i2c: I2c, memory: Memory) -> None:
    i2c[ENABLE] = 0
    i2c[TAR] = 0x50 | 1 << 10 | 1 << 11
    i2c[ENABLE] = 1
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = STOP | 0x99
    i2c.bench.run(BYTE_S + ADDRESS_S + 2 * BYTE_S)
    assert memory.content[0x20] == 0x20, "a byte and a bit later than without"
    i2c.settle()
    assert memory.content[0x20] == 0x99
    i2c.model.bus.attach(Memory(0))
    i2c[DATA_CMD] = STOP | 0x20
    i2c.settle()
    assert i2c[ABRT_SOURCE] & 0x1FFFF == 1 << 7, "SBYTE_ACKDET"


def test_the_bus_goes_to_another_master(i2c: I2c, memory: Memory) -> None:
    i2c.model.lose_arbitration()
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = STOP | 0x99
    i2c.settle()
    assert i2c[ABRT_SOURCE] & 0x1FFFF == 1 << 12, "ARB_LOST"
    assert memory.content[0x20] == 0x20
    i2c[CLR_TX_ABRT]
    i2c[DATA_CMD] = 0x20
    i2c[DATA_CMD] = STOP | 0x99
    i2c.settle()
    assert memory.content[0x20] == 0x99


def test_firmware_may_abort(i2c: I2c, memory: Memory) -> None:
    i2c[DATA_CMD] = 1
    i2c[DATA_CMD] = 2
    i2c.bench.run(BYTE_S)
    i2c[ENABLE] = 3
    i2c.settle()
    assert i2c[ENABLE] == 1
    assert i2c[ABRT_SOURCE] & 0x1FFFF == 1 << 16
    assert memory.log[-1] == "stop"


def test_data_requests(i2c: I2c, memory: Memory) -> None:
    i2c[DMA_CR], i2c[DMA_TDLR], i2c[DMA_RDLR] = 3, 1, 1
    assert i2c.model.tx_dreq.level
    i2c[ENABLE] = 1 | 1 << 2
    i2c[DATA_CMD] = READ
    i2c[DATA_CMD] = READ | STOP
    assert not i2c.model.tx_dreq.level
    assert not i2c.model.rx_dreq.level
    i2c[ENABLE] = 1
    i2c.settle()
    assert i2c.model.tx_dreq.level
    assert i2c.model.rx_dreq.level
    i2c[DATA_CMD]
    assert not i2c.model.rx_dreq.level


# Slave


@pytest.fixture
def pair() -> tuple[I2c, I2c]:
    """I2C0 as master, I2C1 as slave 0x42, on the same wires."""
    bench = Bench()
    master, slave = I2c(bench), I2c(bench, 1)
    slave.model.join(master.model.bus)
    slave[SAR] = 0x42
    slave.set_up(AS_SLAVE)
    master.set_up(target=0x42)
    return master, slave


def test_a_slave_receives(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    for value in (1, 2, STOP | 3):
        master[DATA_CMD] = value
    master.settle()
    assert not master[RAW] & TX_ABRT
    assert slave[RAW] & (START_DET | STOP_DET | ACTIVITY) == START_DET | STOP_DET | ACTIVITY
    assert slave[DATA_CMD] == FIRST | 1
    assert slave.received() == b"\x02\x03"


def test_a_slave_is_asked_and_stretches_the_clock(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    slave[INTR_MASK] = RD_REQ
    master[DATA_CMD] = READ
    master[DATA_CMD] = READ | STOP
    master.settle()
    assert slave[INTR_STAT] == RD_REQ
    assert slave.model.irq.level
    assert master[RXFLR] == 0, "the clock is held low"
    assert slave[CLR_RD_REQ] == 1
    slave[DATA_CMD] = 0xA1
    master.settle()
    assert master[RXFLR] == 1
    assert slave[RAW] & RD_REQ
    assert not slave[RAW] & RX_DONE
    slave[CLR_RD_REQ]
    slave[DATA_CMD] = 0xA2
    master.settle()
    assert master.received() == b"\xa1\xa2"
    assert slave[RAW] & (RX_DONE | STOP_DET) == RX_DONE | STOP_DET
    assert not slave[RAW] & RD_REQ


def test_what_a_slave_had_ready_is_flushed_when_it_is_asked(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    slave[DATA_CMD] = 0x99
    master[DATA_CMD] = READ | STOP
    master.settle()
    assert slave[ABRT_SOURCE] & 0x1FFFF == 1 << 13, "SLVFLUSH_TXFIFO"
    slave[CLR_TX_ABRT]
    slave[DATA_CMD] = 0x11
    master.settle()
    assert master.received() == b"\x11"


def test_other_addresses_and_the_general_call(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    master.set_up(target=0x43)
    master[DATA_CMD] = STOP | 1
    master.settle()
    assert master[RAW] & TX_ABRT
    assert slave[RXFLR] == 0
    master.set_up(target=1 << 11)
    master[CLR_TX_ABRT]
    master[DATA_CMD] = STOP | 0x06
    master.settle()
    assert not master[RAW] & TX_ABRT
    assert slave[RAW] & GEN_CALL
    assert slave.received() == b"\x06"


def test_a_slave_that_is_off_is_not_there(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    slave[ENABLE] = 0
    master[DATA_CMD] = STOP | 1
    master.settle()
    assert master[RAW] & TX_ABRT


def test_ten_bits_of_a_slave_are_two_bytes(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    slave[ENABLE] = 0
    slave[CON], slave[SAR] = AS_SLAVE | 1 << 3, 0x155
    slave[ENABLE] = 1
    for target, source in ((0x123, 1 << 2), (0x255, 1 << 1), (0x155, 0)):
        master[ENABLE] = 0
        master[CON], master[TAR] = AS_MASTER | 1 << 4, target
        master[ENABLE] = 1
        master[DATA_CMD] = STOP | 7
        master.settle()
        assert master[ABRT_SOURCE] & 0x1FFFF == source
        master[CLR_TX_ABRT]
    assert slave.received() == b"\x07"
    master[ENABLE] = 0
    master[CON], master[TAR] = AS_MASTER, 0x55
    master[ENABLE] = 1
    master[DATA_CMD] = STOP | 8
    master.settle()
    assert master[ABRT_SOURCE] & 0x1FFFF == 1 << 0, "seven bits are another address"


def test_a_slave_that_is_disabled_says_what_was_lost(pair: tuple[I2c, I2c]) -> None:
    master, slave = pair
    master[DATA_CMD] = 7
    master[DATA_CMD] = 8
    master.settle()
    slave[ENABLE] = 0
    assert slave[ENABLE_STATUS] & 6 == 6, "SLV_DISABLED_WHILE_BUSY, SLV_RX_DATA_LOST"
    slave[ENABLE] = 1
    assert slave[ENABLE_STATUS] & 6 == 0


def test_it_is_a_dw_apb_i2c() -> None:
    bench = Bench()
    for base in (I2C0, I2C1):
        assert bench[base + 0xFC] == 0x4457_0140
        assert bench[base + 0xF8] == 0x3230_312A
        assert [bench[base + offset] for offset in (0x00, 0x04, 0x08, 0x30)] == [0x65, 0x55, 0x55, 0x8FF]

"""A master made of two GPIOs, bit by bit, and what is on the controller's bus."""

from __future__ import annotations

import pytest

from tests.unit.rp2040.chip_bench import Bench
from tests.unit.rp2040.test_i2c import AS_SLAVE, CLR_RD_REQ, DATA_CMD, RD_REQ, SAR, STOP_DET, I2c, Memory
from tests.unit.rp2040.test_i2c import RAW as I2C_RAW

IO_BANK0, PADS_BANK0, SIO = 0x4001_4000, 0x4001_C000, 0xD000_0000
GPIO_IN, GPIO_OE_SET, GPIO_OE_CLR = SIO + 0x04, SIO + 0x24, SIO + 0x28
FUNCSEL_I2C, FUNCSEL_SIO, PULL_UP, PULL_DOWN = 3, 5, 0x4A, 0x46
SDA, SCL = 4, 5


class BitBang:
    """Open drain by output enables; the pins were the controller's before."""

    def __init__(self, bench: Bench, sda: int = SDA, scl: int = SCL) -> None:
        self.bench, self.sda, self.scl = bench, sda, scl
        for pin in (sda, scl):
            bench[PADS_BANK0 + 4 + 4 * pin] = PULL_UP
            bench[IO_BANK0 + 8 * pin + 4] = FUNCSEL_I2C
        for pin in (sda, scl):
            bench[IO_BANK0 + 8 * pin + 4] = FUNCSEL_SIO

    def pin(self, pin: int, high: bool) -> None:
        self.bench[GPIO_OE_CLR if high else GPIO_OE_SET] = 1 << pin

    def high(self, pin: int) -> bool:
        return bool(self.bench[GPIO_IN] >> pin & 1)

    def start(self) -> None:
        self.pin(self.sda, True)
        self.pin(self.scl, True)
        self.pin(self.sda, False)
        self.pin(self.scl, False)

    def stop(self) -> None:
        self.pin(self.sda, False)
        self.pin(self.scl, True)
        self.pin(self.sda, True)

    def bit(self, high: bool) -> bool:
        self.pin(self.sda, high)
        self.pin(self.scl, True)
        level = self.high(self.sda)
        self.pin(self.scl, False)
        return level

    def write(self, value: int) -> bool:
        for number in range(7, -1, -1):
            self.bit(bool(value >> number & 1))
        return not self.bit(True)

    def read(self, more: bool) -> int:
        value = 0
        for _ in range(8):
            value = value << 1 | self.bit(True)
        self.bit(not more)
        return value


@pytest.fixture
def master() -> BitBang:
    return BitBang(Bench())


def test_who_is_there_acknowledges(master: BitBang) -> None:
    bus = master.bench.chip.i2cs[0].bus
    for address in (0x3C, 0x50):
        bus.attach(Memory(address))
    found = []
    for address in range(0x08, 0x78):
        master.start()
        if master.write(address << 1):
            found.append(address)
        master.stop()
    assert found == [0x3C, 0x50]


def test_writing_and_reading_back(master: BitBang) -> None:
    memory = Memory(0x50)
    master.bench.chip.i2cs[0].bus.attach(memory)
    master.start()
    assert all(master.write(value) for value in (0xA0, 0x20, 0x11, 0x22))
    master.stop()
    assert memory.content[0x20:0x22] == b"\x11\x22"
    master.start()
    assert master.write(0xA0)
    assert master.write(0x20)
    master.start()
    assert master.write(0xA1)
    assert [master.read(True), master.read(False)] == [0x11, 0x22]
    master.stop()
    assert memory.log[-4:] == ["start 0x50 read", "ack", "nack", "stop"]


def test_nobody_there(master: BitBang) -> None:
    master.start()
    assert not master.write(0xA0)
    master.stop()


def test_a_byte_that_is_refused(master: BitBang) -> None:
    memory = Memory(0x50)
    memory.full_after = 1
    master.bench.chip.i2cs[0].bus.attach(memory)
    master.start()
    assert [master.write(value) for value in (0xA0, 1, 2)] == [True, True, False]
    master.stop()


def test_a_slave_of_the_chip_holds_the_clock() -> None:
    bench = Bench()
    slave = I2c(bench, 1)
    slave[SAR] = 0x42
    slave.set_up(AS_SLAVE)
    master = BitBang(bench, 6, 7)
    master.start()
    assert master.write(0x42 << 1 | 1)
    assert slave[I2C_RAW] & RD_REQ
    master.pin(master.scl, True)
    assert not master.high(master.scl), "stretched"
    slave[CLR_RD_REQ]
    slave[DATA_CMD] = 0x5A
    assert master.high(master.scl)
    first = master.high(master.sda)
    master.pin(master.scl, False)
    value = int(first)
    for _ in range(7):
        value = value << 1 | master.bit(True)
    master.bit(True)
    assert value == 0x5A
    master.stop()
    assert slave[I2C_RAW] & STOP_DET


def test_a_target_that_holds_sda_lets_go_after_its_clocks(master: BitBang) -> None:
    i2c = master.bench.chip.i2cs[0]
    i2c.bus.attach(Memory(0x50))
    i2c.hold_data(3)
    for _ in range(3):
        assert not master.high(master.sda)
        master.pin(master.scl, False)
        master.pin(master.scl, True)
    assert master.high(master.sda)
    master.start()
    assert master.write(0x50 << 1)
    master.stop()


def test_a_controller_waits_for_a_bus_that_is_held() -> None:
    bench = Bench()
    i2c = I2c(bench)
    i2c.model.bus.attach(memory := Memory(0x50))
    master = BitBang(bench)
    i2c.model.hold_data(2)
    i2c.set_up()
    i2c[DATA_CMD] = 0x12 | 1 << 9
    bench.run(0.01)
    assert memory.log == []
    for level in (False, True) * 2:
        master.pin(master.scl, level)
    bench.run(0.01)
    assert memory.log == ["start 0x50 write", "stop"]
    assert memory.at == 0x12


def test_with_devices_come_resistors(master: BitBang) -> None:
    """Both wires are high though no pad pulls them up; two controllers by themselves have none."""
    bench = master.bench
    for pin in (master.sda, master.scl):
        bench[PADS_BANK0 + 4 + 4 * pin] = PULL_DOWN
    chip = bench.chip
    chip.i2cs[0].join(chip.i2cs[1].bus)
    assert (master.high(master.sda), master.high(master.scl)) == (False, False)
    chip.i2cs[1].bus.attach(Memory(0x50))
    assert (master.high(master.sda), master.high(master.scl)) == (True, True)
    master.pin(master.scl, False)
    assert (master.high(master.sda), master.high(master.scl)) == (True, False)

"""I2C controller, a Synopsys DW_apb_i2c with FIFOs of 16 entries (RP2040 datasheet, 4.3; `i2c.h`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Dreq, Function, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.i2c_bus import GENERAL_CALL, TEN_BITS, I2cBus
from renode_pico.rp2040.i2c_pins import I2cAtPins
from renode_pico.rp2040.pin_watch import PinWatch
from renode_pico.rp2040.unmodelled import Unmodelled

CON_MASTER_MODE, CON_SPEED_BITS, CON_SPEED_STANDARD, CON_SPEED_FAST = 1 << 0, 0b11 << 1, 0b01 << 1, 0b10 << 1
CON_10BITADDR_SLAVE, CON_10BITADDR_MASTER, CON_RESTART_EN, CON_SLAVE_DISABLE = 1 << 3, 1 << 4, 1 << 5, 1 << 6
CON_STOP_DET_IFADDRESSED, CON_TX_EMPTY_CTRL, CON_RX_FIFO_FULL_HLD_CTRL = 1 << 7, 1 << 8, 1 << 9
TAR_ADDRESS_BITS, TAR_GC_OR_START, TAR_SPECIAL = 0x3FF, 1 << 10, 1 << 11
CMD_READ, CMD_STOP, CMD_RESTART, CMD_FIRST_DATA_BYTE = 1 << 8, 1 << 9, 1 << 10, 1 << 11
CMD_BITS = 0x7FF
INT_RX_UNDER, INT_RX_OVER, INT_RX_FULL, INT_TX_OVER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
INT_TX_EMPTY, INT_RD_REQ, INT_TX_ABRT, INT_RX_DONE = 1 << 4, 1 << 5, 1 << 6, 1 << 7
INT_ACTIVITY, INT_STOP_DET, INT_START_DET, INT_GEN_CALL, INT_RESTART_DET = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12
INT_BITS, INT_LEVELS = 0x1FFF, INT_RX_FULL | INT_TX_EMPTY
INT_OF_ENABLED = INT_RX_UNDER | INT_RX_OVER | INT_TX_OVER | INT_ACTIVITY | INT_GEN_CALL
"""Cleared when the controller is disabled and its bus is idle."""
ENABLE, ENABLE_ABORT, ENABLE_TX_CMD_BLOCK = 1 << 0, 1 << 1, 1 << 2
STATUS_ACTIVITY, STATUS_TFNF, STATUS_TFE, STATUS_RFNE, STATUS_RFF = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
STATUS_MST_ACTIVITY, STATUS_SLV_ACTIVITY = 1 << 5, 1 << 6
ABRT_7B_ADDR_NOACK, ABRT_10ADDR1_NOACK, ABRT_10ADDR2_NOACK, ABRT_TXDATA_NOACK = 1 << 0, 1 << 1, 1 << 2, 1 << 3
ABRT_GCALL_NOACK, ABRT_GCALL_READ, ABRT_SBYTE_ACKDET, ABRT_SBYTE_NORSTRT = 1 << 4, 1 << 5, 1 << 7, 1 << 9
ABRT_10B_RD_NORSTRT, ABRT_MASTER_DIS, ARB_LOST, ABRT_SLVFLUSH_TXFIFO = 1 << 10, 1 << 11, 1 << 12, 1 << 13
ABRT_SLV_ARBLOST, ABRT_SLVRD_INTX, ABRT_USER_ABRT = 1 << 14, 1 << 15, 1 << 16
"""ABRT_HS_ACKDET and ABRT_HS_NORSTRT are for the high-speed mode, which this chip lacks."""
TX_FLUSH_CNT_LSB, ABRT_BITS = 23, 0x1FFFF
STATUS_SLV_DISABLED_WHILE_BUSY, STATUS_SLV_RX_DATA_LOST = 1 << 1, 1 << 2
"""Of IC_ENABLE_STATUS."""
DMA_RX, DMA_TX = 1 << 0, 1 << 1
FIFO_DEPTH = 16
BYTE_PERIODS = 9
SDA_PINS = (0x1111_1111, 0x0444_4444)
SCL_PINS = (0x2222_2222, 0x0888_8888)
"""By number of the I2C (RP2040 datasheet, 2.19.2)."""


def _kept_while_enabled(name: str, least: int = 0, most: int = 0x00FF_FFFF) -> Callable[[I2c, int, int], None]:
    """For `Register.written`: what describes the bus is stored only while the controller is disabled, within limits."""

    def written(i2c: I2c, before: int, raw: int) -> None:
        setattr(i2c, name, before if i2c.IC_ENABLE & ENABLE else min(max(getattr(i2c, name), least), most))

    written.__name__ = f"_{name.lower()}_written"
    return written


class Phase(Enum):
    """Where the controller is in a transfer."""

    IDLE = auto()
    ADDRESS = auto()
    DATA = auto()
    HOLD = auto()
    """Between two bytes, with the clock low, because the next command has not come yet."""
    STRETCHED = auto()
    """A target holds the clock low."""
    RELEASED = auto()
    """Disabled on a bus that was held: it is given free, unless it is enabled again and has something to send."""
    STOP = auto()


class I2c(Block):
    """I2C0 or I2C1, as master or slave on `bus`."""

    LACKS = (
        "At the pins the controller itself is not seen: bytes reach what is attached to its bus.",
        "There is no arbitration between the two controllers: one master at a time.",
    )

    IC_CON = Register(0x00, reset=0x65, mask=0x3FF)
    IC_TAR = Register(0x04, reset=0x55, mask=0xFFF)
    IC_SAR = Register(0x08, reset=0x55, mask=0x3FF)
    IC_DATA_CMD = Register(0x10, mask=0)
    IC_SS_SCL_HCNT = Register(0x14, reset=0x28, mask=0xFFFF)
    IC_SS_SCL_LCNT = Register(0x18, reset=0x2F, mask=0xFFFF)
    IC_FS_SCL_HCNT = Register(0x1C, reset=0x06, mask=0xFFFF)
    IC_FS_SCL_LCNT = Register(0x20, reset=0x0D, mask=0xFFFF)
    IC_INTR_STAT = Register(0x2C, mask=0)
    IC_INTR_MASK = Register(0x30, reset=0x8FF, mask=INT_BITS)
    IC_RAW_INTR_STAT = Register(0x34, mask=0)
    IC_RX_TL = Register(0x38, mask=0xFF)
    IC_TX_TL = Register(0x3C, mask=0xFF)
    IC_CLR_INTR = Register(0x40, mask=0)
    IC_CLR_RX_UNDER = Register(0x44, mask=0)
    IC_CLR_RX_OVER = Register(0x48, mask=0)
    IC_CLR_TX_OVER = Register(0x4C, mask=0)
    IC_CLR_RD_REQ = Register(0x50, mask=0)
    IC_CLR_TX_ABRT = Register(0x54, mask=0)
    IC_CLR_RX_DONE = Register(0x58, mask=0)
    IC_CLR_ACTIVITY = Register(0x5C, mask=0)
    IC_CLR_STOP_DET = Register(0x60, mask=0)
    IC_CLR_START_DET = Register(0x64, mask=0)
    IC_CLR_GEN_CALL = Register(0x68, mask=0)
    IC_ENABLE = Register(0x6C, mask=ENABLE | ENABLE_ABORT | ENABLE_TX_CMD_BLOCK)
    IC_STATUS = Register(0x70, reset=STATUS_TFNF | STATUS_TFE, mask=0)
    IC_TXFLR = Register(0x74, mask=0)
    IC_RXFLR = Register(0x78, mask=0)
    IC_SDA_HOLD = Register(0x7C, reset=1, mask=0x00FF_FFFF)
    IC_TX_ABRT_SOURCE = Register(0x80, mask=0)
    IC_SLV_DATA_NACK_ONLY = Register(0x84, mask=1)
    IC_DMA_CR = Register(0x88, mask=DMA_RX | DMA_TX)
    IC_DMA_TDLR = Register(0x8C, mask=0xF)
    IC_DMA_RDLR = Register(0x90, mask=0xF)
    IC_SDA_SETUP = Register(0x94, reset=0x64, mask=0xFF)
    IC_ACK_GENERAL_CALL = Register(0x98, reset=1, mask=1)
    IC_ENABLE_STATUS = Register(0x9C, mask=0)
    IC_FS_SPKLEN = Register(0xA0, reset=7, mask=0xFF)
    IC_CLR_RESTART_DET = Register(0xA8, mask=0)
    IC_COMP_PARAM_1 = Register(0xF4, mask=0)
    IC_COMP_VERSION = Register(0xF8, reset=0x3230_312A, mask=0)
    IC_COMP_TYPE = Register(0xFC, reset=0x4457_0140, mask=0)

    def __init__(
        self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, pins: PinWatch, which: int
    ) -> None:
        self._clocks = clocks
        self._which = which
        self.irq = Line(machine.set_irq, (Irq.I2C0, Irq.I2C1)[which])
        self.tx_dreq = Line(machine.set_dreq, (Dreq.I2C0_TX, Dreq.I2C1_TX)[which])
        self.rx_dreq = Line(machine.set_dreq, (Dreq.I2C0_RX, Dreq.I2C1_RX)[which])
        self._alarm = clock.alarm(self._step_over)
        self._tx: deque[int] = deque()
        self._rx: deque[int] = deque()
        self._phase = Phase.IDLE
        self._command: int | None = None
        """Taken out of the FIFO, not yet done."""
        self._reading = False
        self._first = False
        """The next byte received is the first one after an address."""
        self._unanswered = False
        """A byte was read that is neither acknowledged nor refused: that depends on the next command."""
        self._flushed = False
        """After an abort the FIFO takes nothing until IC_CLR_TX_ABRT is read."""
        self._addressed = False
        self._called = False
        """By the general call, not by its own address."""
        self._slave_reading = False
        self._asked = False
        """A master waits for a byte of this slave."""
        self._loses_arbitration = False
        super().__init__(machine, (Number.I2C0, Number.I2C1)[which], unmodelled, f"I2C{which}")
        self.bus = I2cBus()
        self.bus.join(self)
        self._at_pins = I2cAtPins(machine, pins, self.bus, self._bus_free)
        pins.follow_functions(self._functions_changed)
        self._show()

    def join(self, bus: I2cBus) -> None:
        """Wire it to another bus, which another controller may be on, too."""
        self._at_pins.leave()
        self.bus.targets.remove(self)
        self.bus = bus
        bus.join(self)
        self._at_pins.hang_at(bus)

    def lose_arbitration(self) -> None:
        """Somebody else's data wins in the transfer in hand, or in the next one."""
        self._loses_arbitration = True

    def hold_data(self, clocks: int) -> None:
        """A target holds SDA low, and the bus with it, until it has seen so many clocks of firmware at the pins.

        It missed some in a transfer that was cut off.
        """
        self._at_pins.hold_data(clocks)

    def _bus_free(self) -> None:
        self._go_on()
        self._show()

    def _functions_changed(self) -> None:
        """The bus is where the pins were that were the controller's last: firmware may take them over for a while."""
        mine = self._machine.pin_functions(Function.I2C)
        sda, scl = SDA_PINS[self._which] & mine, SCL_PINS[self._which] & mine
        if sda and scl:
            self._at_pins.listen(sda, scl)

    def reset(self) -> None:
        """The block's reset: it lets go of the bus."""
        super().reset()
        self._let_go()
        self._show()

    def _let_go(self) -> None:
        self._alarm.cancel()
        self._tx.clear()
        self._rx.clear()
        busy, self._phase = self._phase is not Phase.IDLE, Phase.IDLE
        self._command = None
        self._flushed = self._unanswered = self._addressed = self._called = False
        self._slave_reading = self._asked = self._loses_arbitration = False
        if busy:
            self.bus.stop()

    def _disable(self) -> None:
        """The FIFOs are emptied; a byte in hand is finished, and the bus given free."""
        if self._addressed:
            lost = STATUS_SLV_RX_DATA_LOST if self._rx and not self._slave_reading else 0
            self.IC_ENABLE_STATUS |= STATUS_SLV_DISABLED_WHILE_BUSY | lost
        self._tx.clear()
        self._rx.clear()
        self._asked = False
        self.IC_TX_ABRT_SOURCE &= ABRT_BITS
        self.IC_RAW_INTR_STAT &= ~(INT_ACTIVITY | INT_RD_REQ)
        if self._phase is Phase.HOLD:
            # Firmware that has only a new target address to set is back before this is over, and makes a RESTART.
            self._begin(Phase.RELEASED, 1)
        elif self._phase is Phase.STRETCHED:
            self._command = None
            self._begin(Phase.STOP, 1)

    # Master

    def _period_ns(self, periods: int, *, start: bool) -> int:
        """So many periods of SCL, after a START, which is its high part: both counts, and what the controller adds to
        them (4.3.14.4)."""
        if self.IC_CON & CON_SPEED_BITS == CON_SPEED_STANDARD:
            high, low = self.IC_SS_SCL_HCNT, self.IC_SS_SCL_LCNT
        else:
            high, low = self.IC_FS_SCL_HCNT, self.IC_FS_SCL_LCNT
        high, low = high + self.IC_FS_SPKLEN + 7, low + 1
        cycles = periods * (high + low) + (high if start else 0)
        return cycles * NS_PER_S // max(1, self._clocks.frequency[Generator.SYS])

    def _go_on(self) -> None:
        """Take the next command, if there is one and the bus waits for it."""
        if self._phase not in (Phase.IDLE, Phase.HOLD, Phase.RELEASED) or not self._tx or self._flushed:
            return
        if not self.IC_CON & CON_MASTER_MODE:
            if self.IC_CON & CON_SLAVE_DISABLE:
                self._abort(ABRT_MASTER_DIS)
            return
        if self.IC_ENABLE & ENABLE_TX_CMD_BLOCK or (self._phase is Phase.IDLE and self._at_pins.data_held):
            return
        if self._phase is Phase.IDLE and not self.IC_CON & CON_RESTART_EN and self._needs_restart():
            return
        command = self._tx[0]
        read = bool(command & CMD_READ)
        going_on = self._phase is Phase.HOLD and read == self._reading and not command & CMD_RESTART
        if self._unanswered:
            self._unanswered = False
            self.bus.acknowledge(going_on)
        if self._phase is not Phase.IDLE and not going_on and not self.IC_CON & CON_RESTART_EN:
            self._begin(Phase.STOP, 1)  # the command makes a START behind it
            return
        self._command = self._tx.popleft()
        if going_on:
            self._begin_byte()
            return
        self._reading = read
        self.IC_RAW_INTR_STAT |= INT_ACTIVITY
        self.bus.begin()
        long = bool(self.IC_CON & CON_10BITADDR_MASTER and not self._general_call)
        start_byte = BYTE_PERIODS + 1 if self._start_byte else 0
        # to read at an address of ten bits: both bytes of it, RESTART, the first byte again
        periods = start_byte + BYTE_PERIODS * (1 + long + (long and read)) + (long and read)
        begins = self._phase is Phase.IDLE
        self._begin(Phase.ADDRESS, periods + (not begins), start=begins)

    @property
    def _general_call(self) -> bool:
        return self.IC_TAR & (TAR_SPECIAL | TAR_GC_OR_START) == TAR_SPECIAL

    @property
    def _start_byte(self) -> bool:
        return self.IC_TAR & (TAR_SPECIAL | TAR_GC_OR_START) == TAR_SPECIAL | TAR_GC_OR_START

    def _needs_restart(self) -> bool:
        """What cannot be begun without RESTART: it is aborted, True."""
        if self._start_byte:
            self._abort(ABRT_SBYTE_NORSTRT)
        elif self.IC_CON & CON_10BITADDR_MASTER and self._tx[0] & CMD_READ and not self._general_call:
            self._abort(ABRT_10B_RD_NORSTRT)
        else:
            return False
        return True

    def _begin(self, phase: Phase, periods: int, *, start: bool = False) -> None:
        self._phase = phase
        self._alarm.schedule(self._period_ns(periods, start=start))

    def _begin_byte(self) -> None:
        """The next byte, unless a target holds the clock, or this controller for want of room."""
        full = len(self._rx) >= FIFO_DEPTH and self.IC_CON & CON_RX_FIFO_FULL_HLD_CTRL
        if (self._reading and full) or not self.bus.ready(self._reading, self._begin_late):
            self._phase = Phase.STRETCHED
        else:
            self._begin(Phase.DATA, BYTE_PERIODS)

    def _begin_late(self) -> None:
        if self._phase is Phase.STRETCHED:
            self._begin_byte()
            self._show()

    def _step_over(self) -> None:
        if self._phase is Phase.ADDRESS:
            self._address_sent()
        elif self._phase is Phase.DATA:
            self._byte_over()
        elif self._phase in (Phase.STOP, Phase.RELEASED):
            self._phase = Phase.IDLE
            self.IC_ENABLE &= ~ENABLE_ABORT
            self.bus.stop()
            self._look_if_off()
            self._go_on()
        self._show()

    def _address_sent(self) -> None:
        self._first = True
        if self._lost_arbitration():
            return
        if self._start_byte and self.bus.start(GENERAL_CALL, True):
            self._abort(ABRT_SBYTE_ACKDET)  # it is nobody's address (UM10204, 3.1.15)
            return
        if self._general_call:
            address, refused = GENERAL_CALL, ABRT_GCALL_NOACK
            if self._reading:
                self._abort(ABRT_GCALL_READ)
                return
        elif self.IC_CON & CON_10BITADDR_MASTER:
            address, refused = TEN_BITS | self.IC_TAR & TAR_ADDRESS_BITS, ABRT_10ADDR1_NOACK
            if self.bus.begins_like(address):
                refused = ABRT_10ADDR2_NOACK
        else:
            address, refused = self.IC_TAR & 0x7F, ABRT_7B_ADDR_NOACK
        if self.bus.start(address, self._reading):
            self._begin_byte()
        else:
            self._abort(refused)

    def _lost_arbitration(self) -> bool:
        """The bus is another master's; there is no STOP of this one."""
        if not self._loses_arbitration:
            return False
        self._loses_arbitration = False
        self._abort(ARB_LOST)
        self._alarm.cancel()
        self._phase = Phase.IDLE
        self.IC_ENABLE &= ~ENABLE_ABORT
        self.bus.stop()
        return True

    def _byte_over(self) -> None:
        command = self._command
        if command is None or self._lost_arbitration():
            return
        if self._reading:
            value = self.bus.read(self._released)
            if value is None:
                self._phase = Phase.STRETCHED
                return
            self._store(value)
            self._unanswered = True
        else:
            acknowledged = self.bus.write(command & 0xFF, self._released)
            if acknowledged is None:
                self._phase = Phase.STRETCHED
                return
            if not acknowledged:
                self._abort(ABRT_TXDATA_NOACK)
                return
        self._command = None
        if self.IC_ENABLE & ENABLE_ABORT:
            self._abort(ABRT_USER_ABRT)
        elif command & CMD_STOP or not self.IC_ENABLE & ENABLE:
            if self._unanswered:
                self._unanswered = False
                self.bus.acknowledge(False)
            self._begin(Phase.STOP, 1)
        else:
            self._phase = Phase.HOLD
            self._go_on()

    def _released(self) -> None:
        """Whatever held the clock low no longer does."""
        if self._phase is Phase.STRETCHED:
            self._phase = Phase.DATA
            self._byte_over()
            self._show()

    def _abort(self, why: int, *, refused: int = 0) -> None:
        """The FIFOs are emptied, of a command that was `refused`, too, and the bus is left with a STOP."""
        sources = self.IC_TX_ABRT_SOURCE & ABRT_BITS | why
        self.IC_TX_ABRT_SOURCE = sources | len(self._tx) + refused << TX_FLUSH_CNT_LSB
        self.IC_RAW_INTR_STAT |= INT_TX_ABRT
        self._tx.clear()
        self._rx.clear()
        self._command = None
        self._unanswered = False
        self._flushed = True
        self._alarm.cancel()
        if self._phase is not Phase.IDLE:
            self._begin(Phase.STOP, 1)

    # Slave (`I2cTarget`)

    @property
    def _slave_enabled(self) -> bool:
        return bool(
            not self.held and self.IC_ENABLE & ENABLE and not self.IC_CON & (CON_SLAVE_DISABLE | CON_MASTER_MODE)
        )

    def begun(self) -> None:
        """`SeesStart`: START or RESTART, by whomever."""
        if self.IC_ENABLE & ENABLE and not self.held:
            self.IC_RAW_INTR_STAT |= INT_START_DET
            self._show()

    def ready(self, read: bool) -> bool:
        """`Stretches`: whether the next byte can be transferred."""
        if read:
            return bool(self._tx)
        return not (len(self._rx) >= FIFO_DEPTH and self.IC_CON & CON_RX_FIFO_FULL_HLD_CTRL)

    def start(self, address: int, read: bool) -> bool:
        """Its own address, or a general call."""
        general = address == GENERAL_CALL and not read and bool(self.IC_ACK_GENERAL_CALL)
        if not self._slave_enabled or not (general or (address and address == self._own_address)):
            self._addressed = False
            return False
        raw = INT_ACTIVITY
        if self._addressed:
            raw |= INT_RESTART_DET
        if general:
            raw |= INT_GEN_CALL
        self._addressed, self._slave_reading, self._first = True, read, True
        self._called = general
        self.IC_RAW_INTR_STAT |= raw
        if read:
            if self._tx:
                self._abort(ABRT_SLVFLUSH_TXFIFO)
            self._ask()
        self._show()
        return True

    @property
    def _own_address(self) -> int:
        ten = self.IC_CON & CON_10BITADDR_SLAVE
        return TEN_BITS | self.IC_SAR if ten else self.IC_SAR & 0x7F

    def begins_like(self, address: int) -> bool:
        """`TenBitTarget`: the two highest bits of its own address are these."""
        ten = bool(self.IC_CON & CON_10BITADDR_SLAVE)
        return self._slave_enabled and ten and address >> 8 & 0b11 == self.IC_SAR >> 8

    def write(self, value: int) -> bool | None:
        """A byte from the master."""
        if self.IC_SLV_DATA_NACK_ONLY:
            return False
        if len(self._rx) >= FIFO_DEPTH and self.IC_CON & CON_RX_FIFO_FULL_HLD_CTRL:
            return None
        self._store(value)
        self._show()
        return True

    def read(self) -> int | None:
        """A byte for the master: the clock is held low until firmware has one."""
        if self._tx:
            value = self._tx.popleft() & 0xFF
            if self._loses_arbitration:
                self._loses_arbitration = False
                self._abort(ARB_LOST | ABRT_SLV_ARBLOST)
            self._show()
            return value
        self._ask()
        self._show()
        return None

    def _ask(self) -> None:
        self._asked = True
        self.IC_RAW_INTR_STAT |= INT_RD_REQ

    def acknowledge(self, more: bool) -> None:
        """The master has had enough, or not."""
        if not more:
            self.IC_RAW_INTR_STAT |= INT_RX_DONE
        elif not self._tx:
            self._ask()
        self._show()

    def stop(self) -> None:
        """The end of a transfer, by whomever; a slave may want to know only of those with its own address."""
        if_addressed = self.IC_CON & (CON_STOP_DET_IFADDRESSED | CON_MASTER_MODE) == CON_STOP_DET_IFADDRESSED
        wanted = not if_addressed or (self._addressed and not self._called)
        if (self.IC_ENABLE & ENABLE or self._addressed) and not self.held and wanted:
            self.IC_RAW_INTR_STAT |= INT_STOP_DET
        self._addressed = self._slave_reading = self._called = self._asked = False
        self._look_if_off()
        self._show()

    def _look_if_off(self) -> None:
        """What is told of an enabled controller ends with the last activity of a disabled one."""
        if not self.IC_ENABLE & ENABLE and self._phase is Phase.IDLE and not self._addressed:
            self.IC_RAW_INTR_STAT &= ~INT_OF_ENABLED

    # FIFOs

    def _store(self, value: int) -> None:
        if len(self._rx) >= FIFO_DEPTH:
            self.IC_RAW_INTR_STAT |= INT_RX_OVER
            return
        self._rx.append(value | CMD_FIRST_DATA_BYTE if self._first else value)
        self._first = False

    @IC_DATA_CMD.written
    def _data_written(self, before: int, raw: int) -> None:
        if not self.IC_ENABLE & ENABLE or self._flushed:
            return
        if len(self._tx) >= FIFO_DEPTH:
            self.IC_RAW_INTR_STAT |= INT_TX_OVER
        elif raw & CMD_READ and not self.IC_CON & CON_MASTER_MODE:
            self._abort(ABRT_SLVRD_INTX if self._asked else ABRT_MASTER_DIS, refused=1)
        else:
            self._tx.append(raw & CMD_BITS)
            self._asked = False
            if self._slave_reading:
                self.bus.released()
            self._go_on()
        self._show()

    @IC_DATA_CMD.read
    def _data_read(self) -> int:
        if not self._rx:
            if self.IC_ENABLE & ENABLE:
                self.IC_RAW_INTR_STAT |= INT_RX_UNDER
                self._show()
            return 0
        value = self._rx.popleft()
        if self._phase is Phase.STRETCHED:
            self._begin_late()
        elif self._addressed and not self._slave_reading:
            self.bus.released()
        self._show()
        return value

    # Other registers

    @IC_ENABLE.written
    def _enable_written(self, before: int, raw: int) -> None:
        if self._phase is Phase.IDLE or not before & ENABLE:
            self.IC_ENABLE &= ~ENABLE_ABORT
        elif before & ENABLE_ABORT:
            self.IC_ENABLE |= ENABLE_ABORT  # software cannot clear it
        elif self.IC_ENABLE & ENABLE_ABORT and self._phase in (Phase.HOLD, Phase.STRETCHED):
            self._abort(ABRT_USER_ABRT)  # else at the end of the byte in hand
        if self.IC_ENABLE & ~before & ENABLE:
            self.IC_ENABLE_STATUS &= ~(STATUS_SLV_DISABLED_WHILE_BUSY | STATUS_SLV_RX_DATA_LOST)
            self._flushed = False
        if before & ~self.IC_ENABLE & ENABLE:
            self._disable()
            self._look_if_off()
        self._go_on()
        self._show()

    _ic_sar_written = IC_SAR.written(_kept_while_enabled("IC_SAR"))
    _ic_ss_scl_hcnt_written = IC_SS_SCL_HCNT.written(_kept_while_enabled("IC_SS_SCL_HCNT", 6, 65525))
    _ic_ss_scl_lcnt_written = IC_SS_SCL_LCNT.written(_kept_while_enabled("IC_SS_SCL_LCNT", 8))
    _ic_fs_scl_hcnt_written = IC_FS_SCL_HCNT.written(_kept_while_enabled("IC_FS_SCL_HCNT", 6))
    _ic_fs_scl_lcnt_written = IC_FS_SCL_LCNT.written(_kept_while_enabled("IC_FS_SCL_LCNT", 8))
    _ic_fs_spklen_written = IC_FS_SPKLEN.written(_kept_while_enabled("IC_FS_SPKLEN", 1))
    _ic_sda_hold_written = IC_SDA_HOLD.written(_kept_while_enabled("IC_SDA_HOLD"))
    _ic_sda_setup_written = IC_SDA_SETUP.written(_kept_while_enabled("IC_SDA_SETUP"))
    _ic_slv_data_nack_only_written = IC_SLV_DATA_NACK_ONLY.written(_kept_while_enabled("IC_SLV_DATA_NACK_ONLY"))

    @IC_CON.written
    def _con_written(self, before: int, raw: int) -> None:
        if self.IC_ENABLE & ENABLE:
            self.IC_CON = before
        elif self.IC_CON & CON_SPEED_BITS != CON_SPEED_STANDARD:
            self.IC_CON = self.IC_CON & ~CON_SPEED_BITS | CON_SPEED_FAST  # there is no faster one
        self._show()

    @IC_RX_TL.written
    @IC_TX_TL.written
    def _thresholds_written(self, before: int, raw: int) -> None:
        self.IC_RX_TL = min(self.IC_RX_TL, FIFO_DEPTH - 1)
        self.IC_TX_TL = min(self.IC_TX_TL, FIFO_DEPTH - 1)
        self._show()

    @IC_INTR_MASK.written
    @IC_DMA_CR.written
    @IC_DMA_TDLR.written
    @IC_DMA_RDLR.written
    def _levels_written(self, before: int, raw: int) -> None:
        self._show()

    def _clear(self, interrupts: int) -> int:
        """What an IC_CLR register does when it is read; it says whether there was anything to clear."""
        raised = self.IC_RAW_INTR_STAT & interrupts
        if self.IC_STATUS & STATUS_ACTIVITY:
            interrupts &= ~INT_ACTIVITY
        self.IC_RAW_INTR_STAT &= ~interrupts
        if interrupts & INT_TX_ABRT:
            # what is still wrong is still told (its description in the datasheet)
            self.IC_TX_ABRT_SOURCE &= ABRT_SBYTE_NORSTRT if self._start_byte and not self.IC_CON & CON_RESTART_EN else 0
            if self.IC_TX_ABRT_SOURCE:
                self.IC_RAW_INTR_STAT |= INT_TX_ABRT
            self._flushed = False
        self._show()
        return int(bool(raised))

    @IC_CLR_INTR.read
    def _clr_intr(self) -> int:
        return self._clear(INT_BITS & ~INT_LEVELS)

    @IC_CLR_RX_UNDER.read
    def _clr_rx_under(self) -> int:
        return self._clear(INT_RX_UNDER)

    @IC_CLR_RX_OVER.read
    def _clr_rx_over(self) -> int:
        return self._clear(INT_RX_OVER)

    @IC_CLR_TX_OVER.read
    def _clr_tx_over(self) -> int:
        return self._clear(INT_TX_OVER)

    @IC_CLR_RD_REQ.read
    def _clr_rd_req(self) -> int:
        return self._clear(INT_RD_REQ)

    @IC_CLR_TX_ABRT.read
    def _clr_tx_abrt(self) -> int:
        return self._clear(INT_TX_ABRT)

    @IC_CLR_RX_DONE.read
    def _clr_rx_done(self) -> int:
        return self._clear(INT_RX_DONE)

    @IC_CLR_ACTIVITY.read
    def _clr_activity(self) -> int:
        return self._clear(INT_ACTIVITY)

    @IC_CLR_STOP_DET.read
    def _clr_stop_det(self) -> int:
        return self._clear(INT_STOP_DET)

    @IC_CLR_START_DET.read
    def _clr_start_det(self) -> int:
        return self._clear(INT_START_DET)

    @IC_CLR_GEN_CALL.read
    def _clr_gen_call(self) -> int:
        return self._clear(INT_GEN_CALL)

    @IC_CLR_RESTART_DET.read
    def _clr_restart_det(self) -> int:
        return self._clear(INT_RESTART_DET)

    def _show(self) -> None:
        """Levels, status, interrupts and data requests."""
        to_send, received = len(self._tx), len(self._rx)
        enabled = bool(self.IC_ENABLE & ENABLE)
        self.IC_TXFLR, self.IC_RXFLR = to_send, received
        status = 0
        if to_send < FIFO_DEPTH:
            status |= STATUS_TFNF
        if not to_send:
            status |= STATUS_TFE
        if received:
            status |= STATUS_RFNE
        if received >= FIFO_DEPTH:
            status |= STATUS_RFF
        if self._phase is not Phase.IDLE:
            status |= STATUS_MST_ACTIVITY | STATUS_ACTIVITY
        if self._addressed:
            status |= STATUS_SLV_ACTIVITY | STATUS_ACTIVITY
        self.IC_STATUS = status
        active = enabled or bool(status & STATUS_ACTIVITY)
        self.IC_ENABLE_STATUS = self.IC_ENABLE_STATUS & ~ENABLE | (ENABLE if active else 0)
        raw = self.IC_RAW_INTR_STAT & ~INT_LEVELS
        if received > self.IC_RX_TL:
            raw |= INT_RX_FULL
        at_work = self._command is not None and bool(self.IC_CON & CON_TX_EMPTY_CTRL)
        if (to_send <= self.IC_TX_TL and not at_work) if enabled else status & STATUS_ACTIVITY:
            raw |= INT_TX_EMPTY
        self.IC_RAW_INTR_STAT = raw
        self.IC_INTR_STAT = raw & self.IC_INTR_MASK
        self.irq.set(bool(self.IC_INTR_STAT))
        dma = self.IC_DMA_CR
        self.tx_dreq.set(enabled and bool(dma & DMA_TX) and to_send <= self.IC_DMA_TDLR)
        self.rx_dreq.set(bool(dma & DMA_RX) and received > self.IC_DMA_RDLR)

"""UART, an ARM PL011 with FIFOs of 32 characters (RP2040 datasheet, 4.2; `uart.h`; ARM DDI 0183).

Characters take their time in both directions. What `receive` and `on_byte` carry is whole characters, with their
faults; flow control by RTS holds back what waits. At the pins there are bits as well: from the transmitter when
somebody hears them there, to the receiver whenever somebody drives them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Dreq, Function, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.pin_watch import PinWatch
from renode_pico.rp2040.receive_timeout import SILENT_BITS, ReceiveTimeout
from renode_pico.rp2040.uart_pins import Frame, ReceivePins, TransmitPins
from renode_pico.rp2040.unmodelled import Unmodelled

DR_FE, DR_PE, DR_BE, DR_OE = 1 << 8, 1 << 9, 1 << 10, 1 << 11
DR_ERRORS, RSR_LSB, RSR_OE = DR_FE | DR_PE | DR_BE, 8, 1 << 3
FR_CTS, FR_BUSY, FR_RXFE, FR_TXFF, FR_RXFF, FR_TXFE = 1 << 0, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
LCR_BRK, LCR_PEN, LCR_STP2, LCR_FEN, LCR_WLEN_LSB = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 5
CR_UARTEN, CR_SIREN, CR_LBE, CR_TXE, CR_RXE = 1 << 0, 1 << 1, 1 << 7, 1 << 8, 1 << 9
CR_RTS, CR_RTSEN, CR_CTSEN = 1 << 11, 1 << 14, 1 << 15
INT_CTS, INT_RX, INT_TX, INT_RT = 1 << 1, 1 << 4, 1 << 5, 1 << 6
INT_FE, INT_PE, INT_BE, INT_OE = 1 << 7, 1 << 8, 1 << 9, 1 << 10
INT_BITS, INT_ERRORS = 0x7FF, INT_FE | INT_PE | INT_BE | INT_OE
DMA_RX, DMA_TX, DMA_ON_ERROR = 1 << 0, 1 << 1, 1 << 2
FIFO_DEPTH = 32
RX_LEVELS, TX_LEVELS = (4, 8, 16, 24, 28, 28, 28, 28), (4, 8, 16, 24, 28, 28, 28, 28)
"""IFLS: 1/8, 1/4, 1/2, 3/4 and 7/8 of the FIFO."""
BREAK = DR_BE | DR_FE
"""A character whose bits are all 0, the stop bit too."""

TX_PINS = (1 << 0 | 1 << 12 | 1 << 16 | 1 << 28, 1 << 4 | 1 << 8 | 1 << 20 | 1 << 24)
RX_PINS = (1 << 1 | 1 << 13 | 1 << 17 | 1 << 29, 1 << 5 | 1 << 9 | 1 << 21 | 1 << 25)
CTS_PINS = (1 << 2 | 1 << 14 | 1 << 18, 1 << 6 | 1 << 10 | 1 << 22 | 1 << 26)
RTS_PINS = (1 << 3 | 1 << 15 | 1 << 19, 1 << 7 | 1 << 11 | 1 << 23 | 1 << 27)
"""By number of the UART (RP2040 datasheet, 2.19.2)."""


class Uart(Block):
    """UART0 or UART1.

    `on_byte` is called with each character sent, at the end of its stop bit; `on_break` with each begin and end of a
    break. What is received waits on the line while RTS holds it back, and while no clock or divisor says how long a
    character takes; it is lost to a receiver that is off, and in a reset.
    """

    UARTDR = Register(0x000, mask=0)
    UARTRSR = Register(0x004, mask=0)
    UARTFR = Register(0x018, reset=FR_TXFE | FR_RXFE | FR_CTS, mask=0)
    UARTILPR = Register(0x020, mask=0xFF)
    UARTIBRD = Register(0x024, mask=0xFFFF)
    UARTFBRD = Register(0x028, mask=0x3F)
    UARTLCR_H = Register(0x02C, mask=0xFF)
    UARTCR = Register(0x030, reset=CR_TXE | CR_RXE, mask=0xFF87, lacks="SIREN: there is no infrared", lacking=CR_SIREN)
    UARTIFLS = Register(0x034, reset=0x12, mask=0x3F)
    UARTIMSC = Register(0x038, mask=INT_BITS)
    UARTRIS = Register(0x03C, mask=0)
    UARTMIS = Register(0x040, mask=0)
    UARTICR = Register(0x044, mask=0)
    UARTDMACR = Register(0x048, mask=0b111)
    UARTPERIPHID0 = Register(0xFE0, reset=0x11, mask=0)
    UARTPERIPHID1 = Register(0xFE4, reset=0x10, mask=0)
    UARTPERIPHID2 = Register(0xFE8, reset=0x34, mask=0)
    UARTPERIPHID3 = Register(0xFEC, mask=0)
    UARTPCELLID0 = Register(0xFF0, reset=0x0D, mask=0)
    UARTPCELLID1 = Register(0xFF4, reset=0xF0, mask=0)
    UARTPCELLID2 = Register(0xFF8, reset=0x05, mask=0)
    UARTPCELLID3 = Register(0xFFC, reset=0xB1, mask=0)

    def __init__(
        self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, pins: PinWatch, which: int
    ) -> None:
        self.on_byte: Callable[[int], None] | None = None
        self.on_break: Callable[[bool], None] | None = None
        self._clocks = clocks
        self._pins = pins
        self._which = which
        self.irq = Line(machine.set_irq, (Irq.UART0, Irq.UART1)[which])
        self.tx_dreq = Line(machine.set_dreq, (Dreq.UART0_TX, Dreq.UART1_TX)[which])
        self.rx_dreq = Line(machine.set_dreq, (Dreq.UART0_RX, Dreq.UART1_RX)[which])
        self._sent_alarm = clock.alarm(self._character_sent)
        self._arrived_alarm = clock.alarm(self._character_arrived)
        self._looped_alarm = clock.alarm(self._looped_break_received)
        self._timeout = ReceiveTimeout(clock, lambda: self._bits_ns(SILENT_BITS), self._timed_out)
        self._line: deque[int] = deque()
        """Characters on their way to the receiver, with the error bits that they will have in UARTDR."""
        self._arriving = False
        self._tx: deque[int] = deque()
        self._rx: deque[int] = deque()
        self._sending = -1
        """The character in the shift register; -1: none."""
        self._divisor = 0
        """In 1/64, as it was when UARTLCR_H was written last (DDI 0183, 3.3.6)."""
        self._overrun = False
        self._breaking = False
        """TX is held low: from the end of the character that was being sent on."""
        self._cts = True
        self._cts_pins = 0
        self._rts_shown = True
        super().__init__(machine, (Number.UART0, Number.UART1)[which], unmodelled, f"UART{which}")
        self._tx_pins = TransmitPins(machine, clock, TX_PINS[which])
        self._rx_pins = ReceivePins(machine, clock, self._received_bits)
        clocks.follow(self._start)
        pins.follow_functions(self._functions_changed)
        self._show_rts()

    def reset(self) -> None:
        """The block's reset; what is still on the line is lost."""
        super().reset()
        for alarm in (self._sent_alarm, self._arrived_alarm, self._looped_alarm):
            alarm.cancel()
        self._timeout.end()
        self._line.clear()
        self._tx.clear()
        self._rx.clear()
        self._sending = -1
        self._arriving = self._overrun = self._breaking = False
        self._divisor = 0
        self._tx_pins.drive(1)
        self._rx_pins.stop()
        self._functions_changed()
        self.UARTRIS = 0
        self._show()
        self._show_rts()

    # The line's other end

    def receive(self, data: bytes, errors: int = 0) -> None:
        """Characters for the RX pin, one after the other; `errors`: DR_FE or DR_PE, which each of them will have."""
        self._line.extend(data if not errors else (value | errors for value in data))
        self._start_arrival()

    def receive_break(self) -> None:
        """RX low for longer than a character."""
        self._line.append(BREAK)
        self._start_arrival()

    def cut_line(self) -> None:
        """Forget what has not arrived yet."""
        self._line.clear()
        self._arriving = False
        self._arrived_alarm.cancel()

    @property
    def rts(self) -> bool:
        """Whether the chip lets the other end send."""
        if self.UARTCR & CR_RTSEN:
            return len(self._rx) < self._rx_level()
        return bool(self.UARTCR & CR_RTS)

    # Time

    @property
    def character_ns(self) -> int:
        """Emulated nanoseconds of one character: start, data, parity and stop bits at the programmed rate."""
        control = self.UARTLCR_H
        bits = 7 + (control >> LCR_WLEN_LSB & 0b11) + bool(control & LCR_PEN) + bool(control & LCR_STP2)
        return self._bits_ns(bits)

    def _bits_ns(self, bits: int) -> int:
        hz = self._clocks.frequency[Generator.PERI]
        return bits * 16 * self._divisor * NS_PER_S // (64 * hz) if hz else 0

    @property
    def _has_bit_clock(self) -> bool:
        return bool(self._divisor >= 64 and self._clocks.frequency[Generator.PERI])

    @property
    def _ticking(self) -> bool:
        return bool(self.UARTCR & CR_UARTEN and self._has_bit_clock)

    def _start(self) -> None:
        self._start_sending()
        self._start_arrival()

    # Transmitter

    @UARTDR.written
    def _data_written(self, before: int, raw: int) -> None:
        if len(self._tx) >= self._depth():
            return
        self._tx.append(raw & 0xFF)
        if len(self._tx) > self._tx_level():
            self.UARTRIS &= ~INT_TX
        self._start_sending()
        self._show()

    def _start_sending(self) -> None:
        if self._sending >= 0 or not self._tx or not self._ticking or not self.UARTCR & CR_TXE:
            return
        if self.UARTLCR_H & LCR_BRK or (self.UARTCR & CR_CTSEN and not self._cts):
            return
        self._sending = self._tx.popleft() & (1 << 5 + (self.UARTLCR_H >> LCR_WLEN_LSB & 0b11)) - 1
        if len(self._tx) == self._tx_level():
            self.UARTRIS |= INT_TX
        self._sent_alarm.schedule(self.character_ns)
        if TX_PINS[self._which] & self._pins.heard and not self.UARTCR & CR_LBE:
            self._tx_pins.send(Frame(self.UARTLCR_H).bits(self._sending), self._bits_ns)

    def _cts_changed(self, changed: int, levels: int) -> None:
        """`PinWatch`: one of the pins that are CTS."""
        self._look_at_cts()
        self._start_sending()
        self._show()

    def _functions_changed(self) -> None:
        """`PinWatch`: other pins may be the receiver's, or CTS."""
        self._cts_pins = CTS_PINS[self._which] & self._machine.pin_functions(Function.UART)
        self._pins.watch(self._cts_changed, self._cts_pins)
        self._look_at_cts()
        self._rx_pins.pins = RX_PINS[self._which] & self._machine.pin_functions(Function.UART)
        self._pins.watch(self._rx_changed, self._rx_pins.pins)
        self._begin_character()

    def _rx_changed(self, changed: int, levels: int) -> None:
        self._rx_pins.changed()
        self._begin_character()

    def _begin_character(self) -> None:
        """With a start bit; one that came while the receiver was off counts from now on, as it is low."""
        if self.UARTCR & (CR_UARTEN | CR_RXE | CR_LBE) == CR_UARTEN | CR_RXE and self._ticking:
            self._rx_pins.begin(Frame(self.UARTLCR_H), self._bits_ns)

    def _received_bits(self, value: int, sound: bool, stop: int) -> None:
        errors = 0 if sound else DR_PE
        if not stop:
            errors |= DR_FE if value else BREAK
        self._received(value | errors)
        self._show()

    def _look_at_cts(self) -> None:
        """CTS is low when the other end takes characters; without a pin for it, it does. Looped back it is RTS."""
        asserted = self.rts if self.UARTCR & CR_LBE else not self._cts_pins & self._machine.pin_inputs()
        if asserted != self._cts:
            self._cts = asserted
            self.UARTRIS |= INT_CTS

    def _character_sent(self) -> None:
        value, self._sending = self._sending, -1
        self._start_sending()
        self._look_at_break()
        if self.UARTCR & CR_LBE:
            self._received(value)
        elif self.on_byte is not None:
            self.on_byte(value)
        self._show()

    def _tx_level(self) -> int:
        return TX_LEVELS[self.UARTIFLS & 0b111] if self.UARTLCR_H & LCR_FEN else 0

    # Receiver

    def _start_arrival(self) -> None:
        if self._arriving or not self._line or not self._has_bit_clock or (self.UARTCR & CR_RTSEN and not self.rts):
            return
        self._arriving = True
        self._arrived_alarm.schedule(self.character_ns)

    def _character_arrived(self) -> None:
        self._arriving = False
        value = self._line.popleft()
        if self.UARTCR & (CR_UARTEN | CR_LBE) == CR_UARTEN:
            self._received(value)
        self._start_arrival()
        self._show()

    def _received(self, value: int) -> None:
        if not self.UARTCR & CR_RXE:
            return
        if len(self._rx) >= self._depth():
            self._overrun = True
            self.UARTRSR |= RSR_OE
            self.UARTRIS |= INT_OE
            return
        if self._overrun:  # with the first character behind those that are lost
            self._overrun = False
            value |= DR_OE
        self._rx.append(value)
        if value & DR_ERRORS:
            self.UARTRIS |= (value & DR_ERRORS) >> 8 << 7
        if len(self._rx) >= self._rx_level():
            self.UARTRIS |= INT_RX
        self._timeout.begin()
        self._show_rts()

    @UARTDR.read
    def _data_read(self) -> int:
        if not self._rx:
            return 0
        value = self._rx.popleft()
        self.UARTRSR = self.UARTRSR & RSR_OE | (value & DR_ERRORS) >> RSR_LSB
        if len(self._rx) < self._rx_level():
            self.UARTRIS &= ~INT_RX
        if self._rx:
            # The period begins anew: MicroPython's handler takes one character an interrupt and relies on it.
            self._timeout.begin()
        else:
            self.UARTRIS &= ~INT_RT
            self._timeout.end()
        self._show()
        self._show_rts()
        self._start_arrival()
        return value

    def _timed_out(self) -> None:
        if self._rx:
            self.UARTRIS |= INT_RT
            self._show()

    def _rx_level(self) -> int:
        return RX_LEVELS[self.UARTIFLS >> 3 & 0b111] if self.UARTLCR_H & LCR_FEN else 1

    def _depth(self) -> int:
        return FIFO_DEPTH if self.UARTLCR_H & LCR_FEN else 1

    # Other registers

    @UARTRSR.written
    def _errors_cleared(self, before: int, raw: int) -> None:
        self.UARTRSR = 0

    @UARTLCR_H.written
    def _line_control_written(self, before: int, raw: int) -> None:
        self._divisor = self.UARTIBRD << 6 | self.UARTFBRD
        if (before ^ self.UARTLCR_H) & LCR_FEN:
            self._flush()
        self._look_at_break()
        self._functions_changed()
        self._start()
        self._show()

    def _flush(self) -> None:
        """FEN empties the FIFOs (ARM DDI 0183, 3.3.8)."""
        self._tx.clear()
        self._rx.clear()
        self._timeout.end()
        self.UARTRIS &= ~(INT_RX | INT_RT)

    def _look_at_break(self) -> None:
        """A break begins behind the character that is being sent (UARTLCR_H.BRK)."""
        low = bool(self.UARTLCR_H & LCR_BRK and self._sending < 0)
        if low == self._breaking:
            return
        self._breaking = low
        if self.UARTCR & CR_LBE:
            self._looped_alarm.cancel()
            if low and self._has_bit_clock:
                self._looped_alarm.schedule(self.character_ns)
        else:
            self._tx_pins.drive(not low)
            if self.on_break is not None:
                self.on_break(low)

    def _looped_break_received(self) -> None:
        if self.UARTCR & CR_UARTEN:
            self._received(BREAK)
            self._show()

    @UARTCR.written
    def _control_written(self, before: int, raw: int) -> None:
        self._functions_changed()
        self._start()
        self._show()
        self._show_rts()

    @UARTIFLS.written
    @UARTIMSC.written
    @UARTDMACR.written
    def _levels_written(self, before: int, raw: int) -> None:
        self._show()

    @UARTICR.written
    def _interrupts_cleared(self, before: int, raw: int) -> None:
        self.UARTRIS &= ~raw
        self._show()

    # What is seen of all this

    def _show(self) -> None:
        """UARTFR, the masked interrupts and the lines."""
        depth, sent, received = self._depth(), len(self._tx), len(self._rx)
        flags = FR_CTS if self._cts else 0
        if sent >= depth:
            flags |= FR_TXFF
        if not sent:
            flags |= FR_TXFE
        if sent or self._sending >= 0:
            flags |= FR_BUSY
        if not received:
            flags |= FR_RXFE
        if received >= depth:
            flags |= FR_RXFF
        self.UARTFR = flags
        raw = self.UARTRIS
        self.UARTMIS = raw & self.UARTIMSC
        self.irq.set(bool(self.UARTMIS))
        dma = self.UARTDMACR
        self.tx_dreq.set(bool(dma & DMA_TX and sent < depth))
        self.rx_dreq.set(bool(dma & DMA_RX and received and not (dma & DMA_ON_ERROR and raw & INT_ERRORS)))

    def _show_rts(self) -> None:
        if self.rts != self._rts_shown:
            self._rts_shown = self.rts
            pins = RTS_PINS[self._which]
            self._machine.drive(Function.UART, pins, 0 if self.rts else pins, pins)
            if self.UARTCR & CR_LBE:
                self._look_at_cts()
                self._start_sending()
                self._show()

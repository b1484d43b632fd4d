"""Synchronous serial port, an ARM PL022 with FIFOs of 8 frames (RP2040 datasheet, 4.4; `spi.h`; ARM DDI 0194)."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from renode_pico.clock import NS_PER_S, Clock
from renode_pico.rp2040.block import Block, Dreq, Function, Irq, Line, Machine, Number, Register
from renode_pico.rp2040.clocks import Clocks, Generator
from renode_pico.rp2040.pin_watch import PinWatch
from renode_pico.rp2040.receive_timeout import SILENT_BITS, ReceiveTimeout
from renode_pico.rp2040.spi_pins import RX, SCK, TX, Frame, MasterPins
from renode_pico.rp2040.unmodelled import Unmodelled

CR0_DSS_BITS, CR0_FRF_BITS, CR0_FRF_MICROWIRE, CR0_SPO, CR0_SPH, CR0_SCR_LSB = 0xF, 0x30, 0x20, 1 << 6, 1 << 7, 8
MICROWIRE_CONTROL_BITS = 9
"""Eight bits of control, and one in which nobody sends (ARM DDI 0194, 2.4.5)."""
CR1_LBM, CR1_SSE, CR1_MS, CR1_SOD = 1 << 0, 1 << 1, 1 << 2, 1 << 3
SR_TFE, SR_TNF, SR_RNE, SR_RFF, SR_BSY = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
INT_ROR, INT_RT, INT_RX, INT_TX = 1 << 0, 1 << 1, 1 << 2, 1 << 3
DMA_RX, DMA_TX = 1 << 0, 1 << 1
FIFO_DEPTH, HALF = 8, 4


class SpiDevice(Protocol):
    """What is at the other end of the three wires."""

    def exchange(self, value: int, bits: int) -> int:
        """A frame of 4 to 16 bits from the master, and at the same time one to it."""


class Spi(Block):
    """SPI0 or SPI1, as master or slave; the frame formats differ in their time, and Microwire in what is asked first.

    As master it exchanges frames with `device`, where firmware has given it pins; without one the RX pin is sampled:
    bit by bit while somebody hears the frame at the pins, else once a frame. As slave it is a device itself: whoever is
    master calls `exchange`.
    """

    LACKS = (
        "TI and Microwire frames are not seen at the pins.",
        "A slave does not hear its pins: frames reach it as a `device`.",
    )

    SSPCR0 = Register(0x000, mask=0xFFFF)
    SSPCR1 = Register(0x004, mask=0xF)
    SSPDR = Register(0x008, mask=0)
    SSPSR = Register(0x00C, reset=SR_TFE | SR_TNF, mask=0)
    SSPCPSR = Register(0x010, mask=0xFE)
    SSPIMSC = Register(0x014, mask=0xF)
    SSPRIS = Register(0x018, reset=INT_TX, mask=0)
    SSPMIS = Register(0x01C, mask=0)
    SSPICR = Register(0x020, mask=0)
    SSPDMACR = Register(0x024, mask=0x3)
    SSPPERIPHID0 = Register(0xFE0, reset=0x22, mask=0)
    SSPPERIPHID1 = Register(0xFE4, reset=0x10, mask=0)
    SSPPERIPHID2 = Register(0xFE8, reset=0x34, mask=0)
    SSPPERIPHID3 = Register(0xFEC, mask=0)
    SSPPCELLID0 = Register(0xFF0, reset=0x0D, mask=0)
    SSPPCELLID1 = Register(0xFF4, reset=0xF0, mask=0)
    SSPPCELLID2 = Register(0xFF8, reset=0x05, mask=0)
    SSPPCELLID3 = Register(0xFFC, reset=0xB1, mask=0)

    def __init__(
        self, machine: Machine, clock: Clock, unmodelled: Unmodelled, clocks: Clocks, pins: PinWatch, which: int
    ) -> None:
        self.device: SpiDevice | None = None
        self._clocks = clocks
        self._which = which
        self.irq = Line(machine.set_irq, (Irq.SPI0, Irq.SPI1)[which])
        self.tx_dreq = Line(machine.set_dreq, (Dreq.SPI0_TX, Dreq.SPI1_TX)[which])
        self.rx_dreq = Line(machine.set_dreq, (Dreq.SPI0_RX, Dreq.SPI1_RX)[which])
        self._frame_alarm = clock.alarm(self._frame_over)
        self._timeout = ReceiveTimeout(clock, lambda: self._bits_ns(SILENT_BITS), self._timed_out)
        self._tx: deque[int] = deque()
        self._rx: deque[int] = deque()
        self._shifting = -1
        """The frame in the master's shift register; -1: none."""
        self._pins = pins
        self._at_pins = MasterPins(machine, clock, which)
        super().__init__(machine, (Number.SPI0, Number.SPI1)[which], unmodelled, f"SPI{which}")
        self._idle()
        clocks.follow(self._start)

    def reset(self) -> None:
        """The block's reset."""
        super().reset()
        self._frame_alarm.cancel()
        self._timeout.end()
        self._tx.clear()
        self._rx.clear()
        self._shifting = -1
        self._idle()
        self._show()

    @property
    def bits(self) -> int:
        """Of a frame."""
        return (self.SSPCR0 & CR0_DSS_BITS) + 1

    def _bits_ns(self, bits: float) -> int:
        hz = self._clocks.frequency[Generator.PERI]
        half_bits = round(2 * bits)
        return half_bits * self.SSPCPSR * (1 + (self.SSPCR0 >> CR0_SCR_LSB)) * NS_PER_S // (2 * hz) if hz else 0

    # Master

    def _start(self, *, goes_on: bool = False) -> None:
        control = self.SSPCR1
        if self._shifting >= 0 or not self._tx or control & (CR1_SSE | CR1_MS) != CR1_SSE:
            return
        bits = self.bits + (MICROWIRE_CONTROL_BITS if self._microwire else 0)
        frame_ns = self._bits_ns(bits + (self._between if goes_on else self._at_the_ends))
        if frame_ns:
            self._shifting = self._tx.popleft()
            self._frame_alarm.schedule(frame_ns)
            self._show_frame(follows=goes_on)

    def _show_frame(self, *, follows: bool) -> None:
        """At the pins, when somebody hears it."""
        pins = self._at_pins.outputs & self._machine.pin_functions(Function.SPI)
        if pins & self._pins.heard and not (self.SSPCR0 & CR0_FRF_BITS or self.SSPCR1 & CR1_LBM):
            polarity, phase = bool(self.SSPCR0 & CR0_SPO), bool(self.SSPCR0 & CR0_SPH)
            self._at_pins.send(
                Frame(self._shifting, self.bits, polarity, phase, follows), lambda n: self._bits_ns(n / 2)
            )

    def _idle(self) -> None:
        self._at_pins.idle(polarity=bool(self.SSPCR0 & CR0_SPO), master=not self.SSPCR1 & CR1_MS)

    def _frame_over(self) -> None:
        sent, self._shifting = self._shifting & (1 << self.bits) - 1, -1
        at_pins = self._at_pins.end()
        if self.SSPCR1 & CR1_LBM:
            received = sent
        elif self.device is not None and self._has(SCK):
            received = self._exchanged(self.device, sent if self._has(TX) else 0)
        else:
            received = self._sampled() if at_pins is None else at_pins
        self._received(received)
        self._start(goes_on=True)
        if self._shifting < 0:
            self._idle()
        self._show()

    def _has(self, role: tuple[int, ...]) -> bool:
        """Firmware has given it a pin of this role."""
        return bool(role[self._which] & self._machine.pin_functions(Function.SPI))

    def _exchanged(self, device: SpiDevice, sent: int) -> int:
        """What comes back for a frame; without a pin for RX nothing does."""
        if self._microwire:
            device.exchange(sent & 0xFF, 8)
            sent = 0
        received = device.exchange(sent, self.bits)
        return received if self._has(RX) else 0

    @property
    def _microwire(self) -> bool:
        return self.SSPCR0 & CR0_FRF_BITS == CR0_FRF_MICROWIRE

    @property
    def _at_the_ends(self) -> float:
        """Bits for which chip select is low around a frame by itself (ARM DDI 0194, 2.4)."""
        return 0 if self.SSPCR0 & (CR0_FRF_BITS | CR0_SPH) == CR0_SPH else 1

    @property
    def _between(self) -> float:
        """Bits from one frame to the next: with SPH = 0 chip select is high for half a bit."""
        return 0 if self.SSPCR0 & (CR0_FRF_BITS | CR0_SPH) else 1.5

    def _sampled(self) -> int:
        pins = RX[self._which] & self._machine.pin_functions(Function.SPI)
        return 0xFFFF if pins & self._machine.pin_inputs() else 0

    # Slave

    def exchange(self, value: int, bits: int) -> int:
        """A frame from the master: `SpiDevice`. A slave that has nothing to send sends 0."""
        control = self.SSPCR1
        if self.held or control & (CR1_SSE | CR1_MS) != CR1_SSE | CR1_MS:
            return 0
        sent = self._tx.popleft() if self._tx else 0
        self._received(value)
        self._show()
        return 0 if control & CR1_SOD else sent & (1 << self.bits) - 1

    # Both

    def _received(self, value: int) -> None:
        if len(self._rx) >= FIFO_DEPTH:
            self.SSPRIS |= INT_ROR
            return
        self._rx.append(value & (1 << self.bits) - 1)
        self.SSPRIS &= ~INT_RT  # "if new data is received" (ARM DDI 0194, 3.4.4)
        self._timeout.begin()

    @SSPDR.written
    def _data_written(self, before: int, raw: int) -> None:
        if len(self._tx) < FIFO_DEPTH:
            self._tx.append(raw & 0xFFFF)
            self._start()
            self._show()

    @SSPDR.read
    def _data_read(self) -> int:
        if not self._rx:
            return 0
        value = self._rx.popleft()
        if not self._rx:
            self.SSPRIS &= ~INT_RT
            self._timeout.end()
        self._show()
        return value

    def _timed_out(self) -> None:
        if self._rx:
            self.SSPRIS |= INT_RT
            self._show()

    @SSPCR0.written
    @SSPCR1.written
    @SSPCPSR.written
    def _control_written(self, before: int, raw: int) -> None:
        if self._shifting < 0:
            self._idle()
        self._start()
        self._show()

    @SSPIMSC.written
    @SSPDMACR.written
    def _mask_written(self, before: int, raw: int) -> None:
        self._show()

    @SSPICR.written
    def _interrupts_cleared(self, before: int, raw: int) -> None:
        self.SSPRIS &= ~(raw & (INT_ROR | INT_RT))
        self._show()

    def _show(self) -> None:
        """SSPSR, the interrupts and the lines."""
        to_send, received = len(self._tx), len(self._rx)
        status = 0
        if not to_send:
            status |= SR_TFE
        if to_send < FIFO_DEPTH:
            status |= SR_TNF
        if received:
            status |= SR_RNE
        if received >= FIFO_DEPTH:
            status |= SR_RFF
        if self._shifting >= 0 or to_send:
            status |= SR_BSY
        self.SSPSR = status
        raw = self.SSPRIS & (INT_ROR | INT_RT)
        if to_send <= HALF:
            raw |= INT_TX
        if received >= HALF:
            raw |= INT_RX
        self.SSPRIS = raw
        self.SSPMIS = raw & self.SSPIMSC
        self.irq.set(bool(self.SSPMIS))
        self.tx_dreq.set(bool(self.SSPDMACR & DMA_TX and to_send < FIFO_DEPTH))
        self.rx_dreq.set(bool(self.SSPDMACR & DMA_RX and received))

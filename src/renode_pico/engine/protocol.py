"""What an engine is: an emulated Pico that runs for emulated time and has a USB port (seam to `usb/`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from renode_pico.rp2040.usb_sanitizer import Misuse
from renode_pico.usb.transfer import Host


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """What a board is made of.

    `firmware`: UF2, ELF or flat binary (loaded at the start of flash, 0x1000_0000).
    `flash_image`: bytes of the file-system part of the flash, at `flash_offset` from the start of flash.
    `flash_file`: where the flash is kept between power-offs; None keeps it in memory only.
    `mips`: emulated instructions per emulated microsecond at a clk_sys of 125 MHz; None takes the engine's default.
    `flash_latency`: how long a read of the flash takes that the cache of execute-in-place does not answer, as a factor
    of the chip's time (docs/renode.md): 0, no time at all, to 100.
    `revision`: of the chip as SYSINFO tells it, `B1` or `B2`; None is B2. Firmware takes another way through its USB
    driver on each.
    `cores`: 1 or 2; None is the engine's own choice. The embedded engine takes both: core 1 costs nothing until
    firmware starts it. Renode takes one: core 0 alone is enough for everything but `_thread`, and up to twice as fast.
    `sanitize`: misuse of the USB controller is noted (`Engine.misuses`).
    `errata`: faults of the silicon that are there only when asked for: `E15` (docs/museum.md).
    """

    firmware: Path
    flash_image: bytes | None = None
    flash_offset: int = 0xA0000
    flash_file: Path | None = None
    mips: int | None = None
    flash_latency: float = 0.0
    cores: int | None = None
    revision: str | None = None
    sanitize: bool = False
    errata: frozenset[str] = frozenset()


class Uart(Protocol):
    """One UART of the chip, as bytes; time passes only in `Engine.run*`."""

    def write(self, data: bytes) -> None:
        """Queue bytes for the chip's RX pin; what comes while the firmware has its receiver off is lost."""

    def read(self) -> bytes:
        """Everything the chip has sent since the last call."""


class Engine(Protocol):
    """An emulated Raspberry Pi Pico. Times are emulated seconds since power-on; nothing waits for real time."""

    @property
    def name(self) -> str:
        """`embedded` or `renode`."""

    @property
    def version(self) -> str:
        """Version of the emulator behind it, e.g. `renode-pico 0.1.0`."""

    @property
    def now(self) -> float: ...

    @property
    def host(self) -> Host:
        """The USB host at the other end of the board's cable; unplugged until `plug()`."""

    @property
    def pc(self) -> int:
        """Where core 0 is."""

    @property
    def asleep(self) -> bool:
        """No core runs before an interrupt or an event comes (WFI, WFE); False where the engine cannot tell."""

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on (all cores)."""

    @property
    def unmodelled(self) -> Mapping[str, int]:
        """How often the firmware touched what nobody models, by names such as `pio0.RXF0 read`."""

    @property
    def not_modelled(self) -> dict[str, list[str]]:
        """What the models themselves list that they do not do, by block: registers, fields, behaviour."""

    @property
    def misuses(self) -> list[Misuse]:
        """What firmware did to the USB controller that it must not, in the order found; none without `sanitize`."""

    def uart(self, number: int) -> Uart: ...

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""

    def run_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Run until `condition` holds, looked at after each emulated event of the host, UART or at the latest each
        emulated millisecond; False when `timeout` emulated seconds have passed first."""

    def run_on(self, seconds: float) -> bool:
        """Let emulated time pass once a program has ended and its core stands still: the rest of the chip goes on.

        UARTs send what is in their FIFOs, DMA goes on, and so does core 1. Returns whether core 1 runs firmware.
        Raises FirmwareError when that ends, too.
        """

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at an emulated instant, in seconds since power-on, whoever lets time pass then.

        At once where that is over. `action` must not let time pass; what it raises comes out of whatever does.
        """

    def reset(self) -> None:
        """The RUN pin pulled low and released: the chip starts again, flash kept, time goes on."""

    def power_cycle(self) -> None:
        """Power taken away and given back, cable included: memories lost, flash kept."""

    def flash(self) -> bytes:
        """The whole flash content, 2 MiB."""

    def load_flash(self, data: bytes, offset: int) -> None:
        """Overwrite part of the flash, as an external programmer would. Raises ImageError when it does not fit."""

    def peek(self, address: int) -> int:
        """Read a word over the chip's bus, as a debugger would: a register reacts as it does to the processor."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Read RAM, the USB controller's included, flash or ROM; as far as there is any."""

    def write_memory(self, address: int, data: bytes) -> None:
        """Write RAM as a debugger does. Raises UsageError where there is none."""

    def enable_semihosting(self) -> Uart:
        """Serve BKPT 0xAB as a call to the host, with this console; otherwise it is a breakpoint like another."""

    def gpio(self, pin: int) -> bool:
        """The level of a GPIO pin as driven by the chip."""

    def set_gpio(self, pin: int, level: bool) -> None:
        """Drive a GPIO pin from outside, until `release_gpio`."""

    def release_gpio(self, pin: int) -> None:
        """Nothing outside drives a GPIO pin any more: it is the chip's, or follows its pulls."""

    def pins_watched(self, changed: Callable[[int, int, bool], None]) -> AbstractContextManager[None]:
        """Within the context, call `changed(time, pin, level)` for each change of a GPIO's level.

        time: emulated nanoseconds since power-on, never going back. Called whenever time has passed.
        """

    def press(self, name: str, down: bool) -> None:
        """Push a button of the board down or let it go: `bootsel`. Raises UsageError for a name it does not know."""

    def led(self, name: str = "led") -> bool:
        """Whether an LED of the board is lit. Raises UsageError for a name it does not know."""

    def set_adc(self, channel: int, volts: float) -> None:
        """The voltage at an ADC input, 0 to 3 (GPIO26 to GPIO29); below 0 V and above ADC_AVDD it reads as those."""

    def set_temperature(self, celsius: float) -> None:
        """The chip's temperature, as its sensor measures it (datasheet, 4.9.5)."""

    def set_clock_input(self, pin: int, hertz: int) -> None:
        """An oscillator makes a clock at GPIO20 or GPIO22, CLK_GPIN0 and CLK_GPIN1, up to 50 MHz; 0 ends it.

        Raises UsageError for another pin or frequency.
        """

    def start_gdb(self, port: int) -> None:
        """Listen for GDB on a TCP port of this machine (`target remote :PORT`). Raises UsageError when it is taken."""

    def snapshot(self, *also: Any) -> Any:
        """Keep the board as it is: chip, memories, USB host, what is under way, and what the objects in `also` hold.

        For this engine in this process. What stands outside stays as it is: traces, GDB, files.
        """

    def restore(self, snapshot: Any) -> None:
        """The board as it was when the snapshot was taken, its time included; any number of times, in any order."""

    def close(self) -> None:
        """End it; leaves no process, thread or file behind. May be called twice."""

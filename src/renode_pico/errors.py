"""What can go wrong, by name.

Each message says what was being done, to which endpoint, at which emulated time, and what to try.
"""

from __future__ import annotations


class RenodePicoError(Exception):
    """Base of every error this package raises on purpose; the command line prints it in one line."""

    exit_code = 1


class UsageError(RenodePicoError):
    """The caller asked for something that does not exist or cannot be (exit code 2)."""

    exit_code = 2


class ImageError(UsageError):
    """A firmware or flash image that cannot be loaded: missing, truncated, empty, of another chip, too large."""


class EngineMissing(RenodePicoError):
    """An engine or a tool it needs is not installed (exit code 3)."""

    exit_code = 3


class FirmwareError(RenodePicoError):
    """The firmware did what no working firmware does: it never attached, panicked, hung or ran into a fault."""


class ProgramEnded(FirmwareError):
    """The firmware's program is over: `main()` has returned or `exit()` was called; `status` is what it gave.

    `for_good`: it asked the host to end it (semihosting); else the rest of the chip goes on (`Engine.run_on`).
    """

    def __init__(self, message: str, status: int = 0, *, for_good: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.for_good = for_good


class ScriptError(FirmwareError):
    """Code run on the board ended with a traceback; `traceback` holds the device's own text."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class UsbError(RenodePicoError):
    """A transfer or a request that did not complete."""


class Stall(UsbError):
    """The device answered STALL (USB 2.0, 8.4.5)."""


class Timeout(UsbError):
    """The deadline, in emulated time, passed first."""


class Disconnected(UsbError):
    """The device left the bus, was reset or was unplugged while the transfer was under way."""


class Cancelled(UsbError):
    """The transfer was cancelled by its owner."""


class TransactionError(UsbError):
    """Three attempts in a row went wrong on the wire: CRC, bit stuffing, time-out (USB 2.0, 8.7.1)."""


class Babble(UsbError):
    """The device sent more than was asked for (USB 2.0, 8.7.4)."""


class DescriptorError(UsbError):
    """A descriptor that lies about its length or breaks the rules of USB 2.0, 9.5."""

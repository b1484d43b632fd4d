"""What a transfer that did not complete says to its owner."""

from __future__ import annotations

from renode_pico.errors import Babble, Cancelled, Disconnected, Stall, Timeout, TransactionError, UsbError
from renode_pico.usb.meanwhile import Meanwhile
from renode_pico.usb.transfer import Status, Transfer, TransferType

_ERRORS: dict[Status, tuple[type[UsbError], str]] = {
    Status.STALLED: (Stall, "the device answered STALL"),
    Status.TIMED_OUT: (Timeout, "the time it was given has passed"),
    Status.CANCELLED: (Cancelled, "it was cancelled"),
    Status.DISCONNECTED: (Disconnected, "the device left the bus or the bus was reset"),
    Status.ERROR: (TransactionError, "three attempts in a row failed on the wire"),
    Status.BABBLE: (Babble, "the device sent more than was asked for"),
}
_HINTS = {
    Status.STALLED: "; the endpoint stays halted until CLEAR_FEATURE(ENDPOINT_HALT)",
    Status.DISCONNECTED: "; enumerate the device again",
    Status.ERROR: "; does the device serve this address and endpoint?",
}


def describe(transfer: Transfer) -> str:
    """Say what a transfer was doing: type, direction, endpoint, progress."""
    pipe = transfer.pipe
    where = f"device {pipe.address} endpoint {pipe.endpoint_address:#04x}"
    if pipe.type is TransferType.CONTROL:
        return f"control request to {where} ({transfer.setup}), {transfer.actual_length} data bytes moved"
    direction = "IN" if pipe.is_in else "OUT"
    size = f" of {len(transfer.data)}" if not pipe.is_in else ""
    return f"{pipe.type.name.lower()} {direction} transfer on {where}, {transfer.actual_length}{size} bytes moved"


def failure(transfer: Transfer, now: float, meanwhile: Meanwhile | None = None) -> UsbError:
    """Return the error for a transfer that is final and has not completed.

    now: emulated seconds. meanwhile: what was touched while it was waited for.
    """
    kind, reason = _ERRORS[transfer.status]
    hint = _HINTS.get(transfer.status, "")
    if transfer.status is Status.STALLED and transfer.pipe.type is TransferType.CONTROL:
        hint = "; it does not support this request in its present state"
    if transfer.status is Status.TIMED_OUT and meanwhile is not None:
        hint = str(meanwhile)
    return kind(f"{describe(transfer)}: {reason} (at {now:.6f} s){hint}")


def timeout_error(transfer: Transfer, timeout: float, now: float, meanwhile: Meanwhile) -> Timeout:
    """Return the error for a transfer that is still pending at a deadline."""
    return Timeout(f"{describe(transfer)}: not done after {timeout:g} emulated seconds (at {now:.6f} s){meanwhile}")

"""What the sanitizer found, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from renode_pico.clock import NS_PER_S
from renode_pico.engine.embedded_backtrace import find_elf
from renode_pico.rp2040.usb_sanitizer import Misuse
from renode_pico.sanitizer.checks import CHECKS
from renode_pico.sanitizer.lines import Lines, Place


@dataclass(frozen=True, slots=True)
class Finding:
    """A misuse and where it is in the source, as far as an ELF file beside the image tells."""

    misuse: Misuse
    place: Place
    caller: Place
    """Of LR: who called, where the function in question has called nobody itself."""

    def __str__(self) -> str:
        misuse, words = self.misuse, CHECKS[self.misuse.check]
        where = misuse.where
        endpoint = "" if misuse.endpoint is None else f"endpoint {misuse.endpoint:#04x}: "
        at = f", {where.master} at PC {where.pc:#010x}" if where.pc else f", by {where.master}"
        if str(self.place):
            at += f", in {self.place}"
        if self.caller.function not in ("", self.place.function):
            at += f" (called from {self.caller})"
        times = f", {misuse.count} times" if misuse.count > 1 else ""
        return (
            f"usb {misuse.check}: {endpoint}{words.says}{at}{times}, first at {misuse.ns / NS_PER_S:.6f} s; "
            f"{words.then} ({words.section})"
        )


def findings(misuses: Iterable[Misuse], firmware: Path) -> list[Finding]:
    """With function and line where `firmware` is an ELF file or has one of its name beside it."""
    found = list(misuses)
    if not found:
        return []
    with _lines(firmware) as lines:
        if lines is None:
            return [Finding(misuse, Place(), Place()) for misuse in found]
        return [Finding(one, lines.at(one.where.pc), lines.at((one.where.lr & ~1) - 2)) for one in found]


@contextmanager
def _lines(firmware: Path) -> Iterator[Lines | None]:
    elf = find_elf(firmware)
    if elf is None:
        yield None
        return
    from elftools.common.exceptions import DWARFError, ELFError

    try:
        lines = Lines(elf)
    except (DWARFError, ELFError):  # an image whose neighbour is broken is told of all the same
        yield None
        return
    try:
        yield lines
    finally:
        lines.close()

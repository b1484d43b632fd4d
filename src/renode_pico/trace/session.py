"""From a file name to a trace of a host's bus: text, pcapng or HTML, streamed to disk while the bus runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO, runtime_checkable

from renode_pico.errors import UsageError
from renode_pico.trace.html import HtmlTrace
from renode_pico.trace.pcapng import PcapngTrace
from renode_pico.usb.observe import BusObserver
from renode_pico.usb.transfer import Host

SUFFIXES = (".txt", ".pcapng", ".html")
BUFFER = 1 << 16


@runtime_checkable
class ObservableHost(Protocol):
    """A host that tells others what passes over its bus."""

    def add_observer(self, observer: BusObserver) -> None:
        """Report everything from now on."""

    def remove_observer(self, observer: BusObserver) -> None:
        """Report no more."""


class Writer(BusObserver, Protocol):
    """An observer that writes what it sees."""

    def close(self) -> None:
        """Write what is left; the stream stays open."""


class TraceFile:
    """Where a trace goes and how it is written.

    `output`: its suffix chooses the format, `.txt`, `.pcapng` or `.html`; None prints text to standard error.
    `sof`: with each start of frame (the HTML page has no use for them).
    """

    def __init__(self, output: Path | None, *, sof: bool = False) -> None:
        if output is not None and output.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{output}: a trace is written as {', '.join(SUFFIXES)}, not '{output.suffix}'")
        self.output = output
        self.sof = sof

    @contextmanager
    def attach(self, host: Host) -> Iterator[None]:
        """Trace a host's bus until the end of the `with` block; the file is complete then, also after an error."""
        if not isinstance(host, ObservableHost):
            raise UsageError("this engine's host cannot be traced")
        with self.writer() as writer:
            host.add_observer(writer)
            try:
                yield
            finally:
                host.remove_observer(writer)

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Give an observer that writes the file, which is complete at the end of the `with` block."""
        with ExitStack() as stack:
            if self.output is None:
                writer = self._text(sys.stderr)
            elif self.output.suffix.lower() == ".txt":
                writer = self._text(stack.enter_context(self.output.open("w", encoding="utf-8")))
            else:
                writer = self._binary(self.output, stack.enter_context(self.output.open("wb", buffering=BUFFER)))
            try:
                yield writer
            finally:
                writer.close()

    def _text(self, stream: TextIO) -> Writer:
        from renode_pico.trace.text import TextTrace

        return TextTrace(stream, sof=self.sof)

    def _binary(self, path: Path, stream: BinaryIO) -> Writer:
        if path.suffix.lower() == ".html":
            return HtmlTrace(stream, title=path.stem)
        return PcapngTrace(stream, sof=self.sof)


class TraceFiles:
    """Several traces of one bus, each in the format of its name; see `TraceFile`. All names are looked at first."""

    def __init__(self, outputs: Sequence[Path | None], *, sof: bool = False) -> None:
        self.files = [TraceFile(output, sof=sof) for output in outputs]

    @contextmanager
    def attach(self, host: Host) -> Iterator[None]:
        """Trace a host's bus into all of them until the end of the `with` block."""
        with ExitStack() as stack:
            for file in self.files:
                stack.enter_context(file.attach(host))
            yield

    @contextmanager
    def writers(self) -> Iterator[list[Writer]]:
        """Give an observer for each file; they are complete at the end of the `with` block."""
        with ExitStack() as stack:
            yield [stack.enter_context(file.writer()) for file in self.files]


@contextmanager
def traced(host: Host, outputs: Sequence[Path], *, sof: bool = False) -> Iterator[None]:
    """Trace a host's bus into several files at once, each in the format of its suffix."""
    with TraceFiles(outputs, sof=sof).attach(host):
        yield

"""The main job: use an emulated board's USB port in every way there is, and show what happened."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.table import Table

from renode_pico.board import Board
from renode_pico.errors import FirmwareError, RenodePicoError, Stall
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.device import Device, Endpoint
from renode_pico.usb.lsusb import format_device
from renode_pico.usb.transfer import Setup, Status

SIZE = 65536
VENDOR_CLASS = 0xFF
CLASS_OUT = 0x21
CLASS_IN = 0xA1
SET, GET, PUT, STALL_IN, UNKNOWN = 1, 2, 3, 4, 0x7F
PROGRAM = "print(sum(i * i for i in range(1000)))"
ANSWER = sum(i * i for i in range(1000))


class CheckFailed(FirmwareError):
    """What the bus carried is not what it should have."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step's outcome: emulated and wall seconds it took, transactions on the bus."""

    name: str
    result: str
    good: bool
    emulated: float
    wall: float
    transactions: int


class MainJob:
    """Runs the steps on a board; each method is one step and returns what it saw, or raises."""

    def __init__(self, board: Board, console: Console) -> None:
        self.board = board
        self.console = console
        self.steps: list[Step] = []
        self.pattern = random.Random(2040).randbytes(SIZE)

    def step(self, name: str, action: Callable[[], str]) -> bool:
        """Do one step and note what it took."""
        self.console.print(f"[dim]...[/] {name}", highlight=False)
        engine, host = self.board.engine, self.board.host
        emulated, wall, transactions = engine.now, time.monotonic(), host.transactions
        try:
            result, good = action(), True
        except RenodePicoError as error:
            result, good = f"{type(error).__name__}: {error}", False
        self.steps.append(
            Step(
                name,
                result,
                good,
                engine.now - emulated,
                time.monotonic() - wall,
                host.transactions - transactions,
            )
        )
        return good

    def boot(self) -> str:
        """Power on, plug in, enumerate the built-in port."""
        device = self.board.enumerate()
        self.console.print(format_device(device), highlight=False, markup=False)
        return describe(device)

    def program(self) -> str:
        """Run a program through the built-in port's REPL."""
        output = self.board.exec(PROGRAM)
        check(output.strip() == str(ANSWER).encode(), f"the program printed {output!r}, expected {ANSWER}")
        return f"{PROGRAM} printed {ANSWER}"

    def runtime_device(self) -> str:
        """Install the runtime device; see the detach and the new enumeration."""
        code = resources.files("renode_pico").joinpath("data/loopback.py").read_bytes()
        device = self.board.exec_detaching(code)
        check("loopback" in device.strings.values(), "the new device does not have the interface 'loopback'")
        check(self.board.exec("print(6*7)").strip() == b"42", "the REPL beside the runtime interface does not answer")
        return f"detached, back as {describe(device)}; REPL still there"

    def move(self, data: bytes) -> str:
        """Send bytes out, take them back in, compare."""
        out, in_ = vendor_endpoints(self.board.device)
        begin = self.board.engine.now
        out.write(data, timeout=30)
        back = in_.read(len(data), timeout=30)
        check(back == data, first_difference(data, back))
        rate = 2 * len(data) / (self.board.engine.now - begin) / 1024
        return f"{len(data) // 1024} KiB out and back, equal; {rate:.0f} KiB/s emulated"

    def control(self) -> str:
        """Make a request of each kind: no data, OUT, IN, stalled."""
        device = self.board.device
        itf = vendor_interface(device).bInterfaceNumber
        device.control_out(Setup(CLASS_OUT, SET, wValue=0xBEEF, wIndex=itf))
        device.control_out(Setup(CLASS_OUT, PUT, wIndex=itf, wLength=14), b"Hello, RP2040!")
        answer = device.control_in(Setup(CLASS_IN, GET, wIndex=itf, wLength=16))
        check(answer == b"Hello, RP2040!\xef\xbe", f"GET answered {answer!r}")
        try:
            device.control_in(Setup(CLASS_IN, UNKNOWN, wIndex=itf, wLength=1))
        except Stall:
            return "no data, OUT, IN: kept and given back; unknown: STALL"
        raise CheckFailed("an unknown request was not stalled")

    def halt(self) -> str:
        """Halt an endpoint, see STALL, clear it, use it again."""
        device = self.board.device
        out, in_ = vendor_endpoints(device)
        device.control_out(Setup(CLASS_OUT, STALL_IN, wIndex=vendor_interface(device).bInterfaceNumber))
        try:
            in_.read(64)
        except Stall:
            device.clear_halt(in_.address)
        else:
            raise CheckFailed("a read from the halted endpoint was not stalled")
        out.write(self.pattern, timeout=30)
        back = in_.read(SIZE, timeout=30)
        check(back == self.pattern, first_difference(self.pattern, back))
        return "STALL seen, cleared, 64 KiB moved again"

    def reset(self) -> str:
        """Reset the bus in the middle of a transfer; enumerate; move data again."""
        board = self.board
        out, _ = vendor_endpoints(board.device)
        transfer = board.host.submit(out.pipe, self.pattern)
        board.host.run(0.01)
        moved = transfer.actual_length
        check(0 < moved < SIZE, f"the reset was to fall into the transfer, but {moved} bytes had been moved")
        board.host.reset()
        check(transfer.status is Status.DISCONNECTED, f"the transfer cut by the reset ended as {transfer.status.value}")
        board.enumerate()
        return f"cut after {moved} bytes, enumerated again; " + self.move(self.pattern)

    def run(self) -> bool:
        """Run all steps; the first that fails ends the job."""
        return (
            self.step("boot, enumerate the built-in port", self.boot)
            and self.step("run a program on the REPL", self.program)
            and self.step("install a runtime device", self.runtime_device)
            and self.step("move 64 KiB each way", lambda: self.move(self.pattern))
            and self.step("control requests", self.control)
            and self.step("halt and clear an endpoint", self.halt)
            and self.step("reset the bus in a transfer", self.reset)
        )


def check(condition: bool, message: str) -> None:
    """Raise CheckFailed with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def describe(device: Device) -> str:
    """Name a device in a few words."""
    descriptor = device.descriptor
    return (
        f"{descriptor.idVendor:04x}:{descriptor.idProduct:04x} {device.product or ''}, "
        f"{len(device.configuration.interfaces)} interfaces"
    )


def vendor_interface(device: Device) -> Interface:
    """Return the device's vendor interface."""
    for interface in device.configuration.interfaces:
        if interface.bInterfaceClass == VENDOR_CLASS:
            return interface
    raise CheckFailed("the device has no vendor interface")


def vendor_endpoints(device: Device) -> tuple[Endpoint, Endpoint]:
    """Return the bulk OUT and IN endpoints of the device's vendor interface."""
    out, in_ = sorted(endpoint.bEndpointAddress for endpoint in vendor_interface(device).endpoints)
    return device.endpoint(out), device.endpoint(in_)


def first_difference(sent: bytes, back: bytes) -> str:
    """Say where two byte strings part."""
    position = next((i for i, (a, b) in enumerate(zip(sent, back, strict=False)) if a != b), min(len(sent), len(back)))
    return f"{len(back)} of {len(sent)} bytes came back, different from byte {position} on"


def table(steps: list[Step]) -> Table:
    """Lay the results out."""
    result = Table(title=None, box=None, pad_edge=False)
    for title, justify in (
        ("step", "left"),
        ("", "left"),
        ("emulated", "right"),
        ("wall", "right"),
        ("trans", "right"),
    ):
        result.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    result.add_column("result", overflow="fold")
    for step in steps:
        result.add_row(
            step.name,
            "[green]ok[/]" if step.good else "[red]FAILED[/]",
            f"{step.emulated * 1000:.1f} ms",
            f"{step.wall:.2f} s",
            str(step.transactions),
            step.result,
        )
    return result


def run_main_job(board: Board, json_file: Path | None = None) -> bool:
    """Run the main job on a board and print it; returns whether everything was as it should be.

    json_file: where to write the steps and totals, if anywhere.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a log has no width: one line a step
    console.print(
        f"renode-pico: {board.firmware.name} on {board.engine.name} ({board.engine.version})", highlight=False
    )
    job = MainJob(board, console)
    good = job.run()
    console.print(table(job.steps), highlight=False)
    last = job.steps[-1]
    if not good:
        console.print(f"FAILED: {last.name}: {last.result}", highlight=False, markup=False)
    if json_file is not None:
        document = {
            "engine": board.engine.name,
            "version": board.engine.version,
            "firmware": str(board.firmware),
            "good": good,
            "emulated": board.engine.now,
            "instructions": board.engine.instructions,
            "steps": [asdict(step) for step in job.steps],
        }
        json_file.write_text(json.dumps(document, indent=1) + "\n")
    return good

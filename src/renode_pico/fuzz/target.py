"""A device that is done things to, again and again from the same instant: booted and enumerated once, kept, given back.

A case is one program. It runs to its end or to the first thing that is wrong, then the device must still be there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from renode_pico.board import Board
from renode_pico.core.machine import Core, State
from renode_pico.engine.embedded import EmbeddedEngine
from renode_pico.engine.embedded_backtrace import backtrace
from renode_pico.errors import Disconnected, FirmwareError, Timeout, UsageError
from renode_pico.fuzz.coverage import BehaviourCoverage, EdgeCoverage, Novelty
from renode_pico.fuzz.invariants import Invariants
from renode_pico.fuzz.judges import GOES_ON, Finding, ToggleJudge, answer_fault, crash, endless
from renode_pico.fuzz.memory import DpsramJudge, LeakJudge, StackJudge, fill_with_marks
from renode_pico.fuzz.misuse import MisuseJudge
from renode_pico.fuzz.program import Action, Control, Program, Receive, Reset, Send, Spoil, Suspend, Unplug, Wait
from renode_pico.fuzz.symbols import memory_map
from renode_pico.usb import requests
from renode_pico.usb.descriptors import DescriptorType
from renode_pico.usb.device import Device
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType

REQUEST_TIMEOUT = 0.5
"""Emulated seconds in which a device must have answered a request (USB 2.0, 9.2.6.4)."""
ASK_TIMEOUT = 0.05
"""The same for the requests by which one sees whether it is well (USB 2.0, 9.2.6.4, those without data)."""
DATA_TIMEOUT = 0.005
"""Emulated seconds that data for an endpoint, or from it, is given; a device need not have or take any."""
LOOK_TIMEOUT = {TransferType.BULK: 0.0003, TransferType.INTERRUPT: 0.0015}
"""Emulated seconds in which it shows whether an endpoint is there at all: its first answer, and for the next frame."""
RETURN_TIMEOUT = 2.0
"""Emulated seconds in which a device must have attached again."""
ADDRESS_RECOVERY = 0.002
"""What a device may take after SET_ADDRESS (USB 2.0, 9.2.6.3)."""
SETTLE = 0.02
"""Emulated seconds from the last request of the enumeration to the instant from which cases begin."""
TRIES = 4
"""How often a device that must answer is asked: faults on the wire that are left over are used up by them."""
SHORT = 0.005
"""Emulated seconds after which a request that stands still is looked at: what is known already is not waited out."""
WATCHDOG_REASON, WATCHDOG_SCRATCH4 = 0x4005_8008, 0x4005_801C
NOT_A_REBOOT = 0x6AB7_3121
"""What the pico-sdk's watchdog_enable() puts into SCRATCH4, and its watchdog_reboot() does not."""

BOOT_ROM = 0x2E8A, 0x0003
"""Vendor and product of the boot ROM's device."""

SLEEPS = State.WAITING_EVENT | State.WAITING_INTERRUPT | State.HELD


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host saw of an action: how it ended, in a word, and the data that came."""

    ended: str
    data: bytes = b""


@dataclass(slots=True)
class Outcome:
    """What became of a case. `findings`: each fault once; the last one may have ended it. `rebooted`: the firmware has
    started the chip again, as it may."""

    answers: list[Answer] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rebooted: bool = False
    behaviour: list[tuple[str, str, int]] = field(default_factory=list)
    """What the host saw of each action: what it was, how it ended, how much came."""

    @property
    def ended(self) -> bool:
        """Something was found after which nothing could be done any more."""
        return any(each.judge not in GOES_ON for each in self.findings)

    def shows(self, key: str) -> bool:
        """Whether a fault is among those found."""
        return any(each.key == key for each in self.findings)


class _Over(Exception):
    """The case is over before its program is."""


class Target:
    """One board, enumerated. `prepared`: its program runs already, and the device is left as it is.

    Raises what `Board.enumerate` does, UsageError for a device that is not configured.
    """

    def __init__(self, board: Board, *, prepared: bool = False) -> None:
        self.board = board
        self.engine = engine = board.engine
        self.host = board.host
        marked = not prepared and fill_with_marks(engine)
        self.device: Device = board.device
        self.host.run(SETTLE)
        self.first_configuration = self.device.configuration.bConfigurationValue
        self.memory = memory_map(board.firmware)
        self.toggles = ToggleJudge(self.device)
        self.leaks = LeakJudge(engine, self.memory, marked=marked)
        self.stacks = [
            StackJudge(engine, core, bottom, marked=marked) for core, bottom in enumerate(self.memory.stack_bottoms)
        ]
        self.invariants = Invariants(self.device)
        self.dpsram = DpsramJudge(engine, self.invariants.packet_sizes)
        self.misuses = MisuseJudge(board)
        self.host.add_observer(self.dpsram)
        self.host.add_observer(self.toggles)
        self.host.add_observer(self.invariants)
        self.known: set[str] = set()
        """Keys of findings that need not be waited for again."""
        self.novelty: Novelty = BehaviourCoverage()
        if isinstance(engine, EmbeddedEngine):
            counters = engine.chip.machine.cover(True)
            if counters is not None:
                self.novelty = EdgeCoverage(counters)
        self.snapshot: Any = engine.snapshot(board)
        """The cases' common beginning."""
        self.starts = self._starts()

    @property
    def boot_rom(self) -> bool:
        """It is the RP2040's boot ROM that has been enumerated (datasheet, 2.8.5), and no firmware's device."""
        return (self.device.descriptor.idVendor, self.device.descriptor.idProduct) == BOOT_ROM

    def restore(self) -> None:
        """Back to the cases' common beginning."""
        self.engine.restore(self.snapshot)

    def run(self, program: Program, *, restore: bool = True) -> Outcome:
        """Run a case from its beginning."""
        if restore:
            self.restore()
        self.novelty.begin()
        self.toggles.begin()
        self.invariants.begin(self.first_configuration)
        self.dpsram.begin()
        return _Case(self).run(program)

    def _starts(self) -> tuple[int, int]:
        """What changes when the chip starts again: what the watchdog says of it, and how often it was, if known."""
        return self.engine.peek(WATCHDOG_REASON), getattr(self.engine, "resets", 0)

    @property
    def started_again(self) -> bool:
        """The chip has started again since the cases' common beginning."""
        return self._starts() != self.starts

    @property
    def busy(self) -> bool:
        """Core 0 executes instructions; where one cannot tell, it does not."""
        engine = self.engine
        return isinstance(engine, EmbeddedEngine) and not engine.chip.machine.core(0, Core.STATE) & SLEEPS

    def where(self) -> str:
        """Where core 0 is: functions, the innermost first."""
        engine: Any = self.engine
        pc = getattr(engine, "pc", None)
        if pc is None:
            return ""
        names = [self.memory.function(pc)]
        functions = self.memory.functions
        if functions is not None and isinstance(engine, EmbeddedEngine):
            with suppress(Exception):  # an ornament
                chain = backtrace(functions.name, engine.peek, engine.chip.machine.core(0, 13))
                names += [name for name in chain.split(" < ") if name and name != names[0]]
        return " < ".join(names)


class _Case:
    """One program under way: what the host knows of the device."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.host = target.host
        self.device = target.device
        self.engine = target.engine
        self.address = target.device.address
        self.sure = True
        """Address and configuration are known: no request that changes them has been left halfway."""
        self.configuration: int | None = target.first_configuration
        self.spoiled = False
        """Faults on the wire have been, or will be, on the control endpoint: requests may end in any way."""
        self.unplugged = False
        self.refused = False
        """The last request by which one sees whether the device is well was answered with STALL."""
        self.pending: list[Transfer] = []
        self.outcome = Outcome()

    @property
    def _plainest(self) -> Setup:
        """A request that a device answers in the state it is in: without an address GET_STATUS need not be (9.4.5)."""
        return requests.get_status() if self.address else requests.get_descriptor(DescriptorType.DEVICE, 0, 0, 8)

    @property
    def pipe(self) -> Pipe:
        """The control pipe."""
        return Pipe(self.address, 0, TransferType.CONTROL, self.device.control_pipe.max_packet_size)

    def run(self, program: Program) -> Outcome:
        """All actions, then the look whether the device is well."""
        try:
            try:
                for action in program.actions:
                    if _moves_buffers(action):
                        self.target.dpsram.note()
                    answer = self._do(action)
                    self.outcome.answers.append(answer)
                    self.outcome.behaviour.append((_kind(action), answer.ended, len(answer.data)))
                    if _moves_buffers(action):
                        self.target.dpsram.note()
                    self._judge_bus()
                self._cancel()
                self._look_after()
            except (Disconnected, Timeout):
                self._lost()
            self._judge_bus()
            for finding in (self.target.dpsram.look(), *self.target.misuses.look()):
                self._found(finding)
            for stack in self.target.stacks:
                self._found(stack.look())
        except _Over:
            pass
        except FirmwareError as error:
            self.outcome.findings.append(crash(str(error)))
            grown = [stack.look() for stack in self.target.stacks]
            self.outcome.findings += [finding for finding in grown if finding is not None]
        return self.outcome

    # Actions

    def _do(self, action: Action) -> Answer:
        match action:
            case Control():
                return self._control(action)
            case Send(endpoint, data, zero_packet):
                return self._data(endpoint, data, 0, zero_packet)
            case Receive(endpoint, length):
                return self._data(endpoint, b"", length, False)
            case Spoil(fault, endpoint, count, skip):
                self.host.inject(fault, endpoint_address=endpoint, count=count, skip=skip)
                self.spoiled = self.spoiled or not endpoint & 0x0F
            case Reset(configure):
                self.address_again(configure=configure)
            case Suspend(ms):
                self.host.suspend()
                self.host.run(ms / 1000)
                self.host.resume()
            case Unplug(ms):
                self.unplugged = True
                self.host.unplug()
                self.host.run(ms / 1000)
                self.host.plug()
                self.host.wait_attached(timeout=RETURN_TIMEOUT)
                self.address_again()
            case Wait(us):
                self.host.run(us / 1e6)
        return Answer("done")

    def _control(self, action: Control) -> Answer:
        setup = action.setup
        self._cancel(only_control=not _changes_toggles(setup))
        transfer = self.host.submit(self.pipe, action.data, setup=setup)
        if action.leave_us is not None:
            self.host.run(action.leave_us / 1e6)
            if transfer.status is Status.PENDING:
                self.pending.append(transfer)
                self._unsure(setup)
                return Answer("left")
        elif not self._wait(transfer, SHORT) and not self._known_already(setup):
            self._wait(transfer, REQUEST_TIMEOUT - SHORT)
        status = transfer.status
        if status is Status.PENDING:
            self.host.cancel(transfer)
            self._unsure(setup)
            if self._ask(self._plainest) is not None:
                if not self.spoiled:
                    self._found(endless(setup, REQUEST_TIMEOUT))
                return Answer("no end")
            self._gone(f"{setup}: no end of it within {REQUEST_TIMEOUT:g} s")
        data = transfer.data if setup.is_in else b""
        if status is Status.COMPLETED:
            self._accepted(setup)
            self._found(answer_fault(setup, data, self.device, self.configuration if self.sure else None))
            if setup.is_in:
                self._found(self.target.leaks.look(setup, data))
        elif status is Status.BABBLE:
            self._found(
                Finding("chapter9", f"chapter9 babble {setup.bRequest:#x}", f"{setup}: more came than was asked for")
            )
        elif status is not Status.STALLED:
            self._unsure(setup)
        return Answer(status.value, data)

    def _wait(self, transfer: Transfer, seconds: float) -> bool:
        """Wait for the end of a transfer; False when it has not come within so many emulated seconds."""
        return self.host.wait_until(lambda: transfer.status is not Status.PENDING, seconds)

    def _known_already(self, setup: Setup) -> bool:
        """A request stands still: whether that can only be what was found before, and need not be waited for."""
        known = self.target.known
        if known and self.target.busy:
            where = self.target.where()
            key = f"dead {where.split(' < ')[0]}"
            if key in known:
                self._found(Finding("dead", key, "as before", where))
        return endless(setup, REQUEST_TIMEOUT).key in known

    def _data(self, endpoint: int, data: bytes, length: int, zero_packet: bool) -> Answer:
        try:
            pipe = self.device.endpoint(endpoint).pipe if self.configuration else None
        except UsageError:
            pipe = None
        if pipe is None or self.address != self.device.address:
            return Answer("no such endpoint")
        self._cancel(endpoint)
        transfer = self.host.submit(pipe, data, length=length, zero_packet=zero_packet)
        self._wait(transfer, DATA_TIMEOUT)
        if transfer.status is Status.PENDING:
            self.host.cancel(transfer)
            return Answer("waits", transfer.data if pipe.is_in else b"")
        return Answer(transfer.status.value, transfer.data if pipe.is_in else b"")

    def _cancel(self, endpoint: int = 0, *, only_control: bool = False) -> None:
        kept = []
        for transfer in self.pending:
            if only_control and transfer.pipe.type is not TransferType.CONTROL:
                kept.append(transfer)
            else:
                self.host.cancel(transfer)
        self.pending = kept

    # What the host knows

    def _accepted(self, setup: Setup) -> None:
        """The device has accepted a request: the host's side of it."""
        if not self.sure and setup.bmRequestType == 0 and setup.bRequest == 9:
            self.sure = True
        match (setup.bmRequestType, setup.bRequest):
            case (0x00, 5):
                self.host.run(ADDRESS_RECOVERY)
                self.address = setup.wValue & 0x7F
                self.sure = False  # what a configured device makes of it is its own affair (9.4.6)
            case (0x00, 9):
                value = setup.wValue & 0xFF
                if value and value not in (each.bConfigurationValue for each in self.device.configurations):
                    text = f"SET_CONFIGURATION({value}) is accepted, though there is no such configuration (9.4.7)"
                    self._found(Finding("chapter9", "chapter9 set-configuration", text))
                    self.sure, value = False, 0
                self.configuration = value
                self._configured(value)
            case (0x01, 11):
                self._interface_set(setup)
            case (0x02, 1) if setup.wValue == requests.ENDPOINT_HALT:
                self._anew(setup.wIndex & 0xFF)

    def _configured(self, value: int) -> None:
        self.device.configured(value)
        if self.configuration:
            for setting in self.device.configuration.settings:
                for endpoint in setting.endpoints:
                    self.target.toggles.starts_anew(endpoint.bEndpointAddress)

    def _interface_set(self, setup: Setup) -> None:
        interface, alternate = setup.wIndex & 0xFF, setup.wValue & 0xFF
        known = self.device.configurations[0].settings if self.configuration else ()
        setting = next(
            (each for each in known if (each.bInterfaceNumber, each.bAlternateSetting) == (interface, alternate)), None
        )
        if setting is None or setup.wIndex > 0xFF or setup.wValue > 0xFF:
            if self.configuration and self.sure:
                text = (
                    f"SET_INTERFACE is accepted, though interface {setup.wIndex} has no setting {setup.wValue} (9.4.10)"
                )
                self._found(Finding("chapter9", "chapter9 set-interface", text))
            return
        self.device.interface_set(interface, alternate)
        for endpoint in setting.endpoints:
            self.target.toggles.starts_anew(endpoint.bEndpointAddress)

    def _anew(self, endpoint: int) -> None:
        self.host.reset_toggle(self.device.address, endpoint)
        self.target.toggles.starts_anew(endpoint)

    def _unsure(self, setup: Setup) -> None:
        """Nobody knows whether the device has accepted a request."""
        if (setup.bmRequestType, setup.bRequest) in ((0, 5), (0, 9)):
            self.sure = False
        if _changes_toggles(setup):
            self.target.toggles.unknown()

    def address_again(self, *, configure: bool = True) -> None:
        """Bus reset, SET_ADDRESS, SET_CONFIGURATION. Raises Timeout when the device does not answer."""
        self.pending.clear()
        self.target.toggles.begin()
        for _ in range(TRIES if self.spoiled else 2):
            self.address, self.configuration, self.sure = 0, None, True
            if self._addressed(configure):
                self._reset_by_itself()  # what answers may be another device, as the boot ROM's
                return
        raise Timeout("the device does not answer after a bus reset")

    def _addressed(self, configure: bool) -> bool:
        self.target.dpsram.note()
        self.host.reset()
        if self._ask(requests.set_address(self.device.address)) is None:
            return False
        self.host.run(ADDRESS_RECOVERY)
        self.address = self.device.address
        if configure:
            if self._ask(requests.set_configuration(self.target.first_configuration)) is None:
                return False
            self.configuration = self.target.first_configuration
            self._configured(self.configuration)
        return True

    def _ask(self, setup: Setup) -> bytes | None:
        """Make a request that every device answers; None when it does not, or refuses it (`refused`)."""
        for _ in range(TRIES if self.spoiled else 1):
            transfer = self.host.submit(self.pipe, setup=setup)
            if not self._wait(transfer, ASK_TIMEOUT):
                self.host.cancel(transfer)
            self.refused = transfer.status is Status.STALLED
            if transfer.status is Status.COMPLETED:
                return transfer.data
        return None

    # Is it well?

    def _look_after(self) -> None:
        """The device answers GET_STATUS, and so does each endpoint; another one in its place is not asked."""
        self._reset_by_itself()
        if not self.sure or not self.address:
            self.address_again()
        setup = requests.get_status()
        data = self._ask(setup)
        if data is None and self.refused:
            text = "GET_STATUS of the device is refused; an addressed device answers it (9.4.5)"
            self._found(Finding("chapter9", "chapter9 status-refused", text))
            data = self._ask(setup)
        if data is None:
            self._gone("GET_STATUS is not answered")
        self._found(answer_fault(setup, data or b"", self.device, self.configuration))
        if self.configuration and self.address == self.device.address:
            for endpoint in self._endpoints():
                self._look_at(endpoint)

    def _endpoints(self) -> list[Pipe]:
        return [endpoint.pipe for endpoint in self.device.endpoints_in_use()]

    def _look_at(self, pipe: Pipe) -> None:
        name = f"{pipe.endpoint_address:#04x}"
        setup = requests.get_status(requests.ENDPOINT, pipe.endpoint_address)
        data = self._ask(setup)
        if data is None:
            self._reset_by_itself()
            text = f"endpoint {name}: GET_STATUS is not answered, though it is in use (9.4.5)"
            self._found(Finding("silent", f"silent status {name}", text))
            return
        self._found(answer_fault(setup, data, self.device, self.configuration))
        limit = LOOK_TIMEOUT.get(pipe.type)
        if limit is None:
            return
        transfer = self.host.submit(pipe, b"" if pipe.is_in else b"?", length=pipe.max_packet_size if pipe.is_in else 0)
        for _ in range(TRIES):
            self._wait(transfer, limit)
            if transfer.status is not Status.ERROR:
                break
            transfer = self.host.submit(pipe, transfer.data if not pipe.is_in else b"", length=pipe.max_packet_size)
        status = transfer.status
        self.host.cancel(transfer)
        if status is Status.ERROR:
            self._reset_by_itself()
            text = f"endpoint {name} does not answer at all, though it is in use"
            self._found(Finding("silent", f"silent endpoint {name}", text, self.target.where()))
        elif status is Status.BABBLE:
            text = f"endpoint {name} sends packets of more than {pipe.max_packet_size} bytes (8.7.4)"
            self._found(Finding("chapter9", f"chapter9 babble {name}", text))
        elif status is Status.STALLED and not data[0] & 1 and not self._halted_now(setup):
            text = f"endpoint {name} is halted, but GET_STATUS says that it is not (9.4.5)"
            self._found(Finding("chapter9", f"chapter9 halt {name}", text))

    def _halted_now(self, setup: Setup) -> bool:
        """GET_STATUS once more: what was sent to look may be what has halted the endpoint."""
        data = self._ask(setup)
        return data is None or bool(data and data[0] & 1)

    # What was found

    def _found(self, finding: Finding | None) -> None:
        if finding is None:
            return
        if not self.outcome.shows(finding.key):
            self.outcome.findings.append(finding)
        if finding.judge not in GOES_ON:
            raise _Over

    def _judge_bus(self) -> None:
        finding, self.target.toggles.finding = self.target.toggles.finding, None
        self._found(finding)
        for finding in self.target.invariants.take():
            self._found(finding)

    def _gone(self, what: str) -> None:
        """The device does not answer where it must. Does it after a bus reset?"""
        where = self.target.where()
        self._reset_by_itself()
        self._cancel()
        if not self.device.present:
            self._lost()
        sure = self.sure
        try:
            self.address_again()
        except (Disconnected, Timeout):
            self._reset_by_itself()
            place = where.split(" < ")[0]
            text = f"{what}; it does not come back with a bus reset"
            self._found(Finding("dead", f"dead {place}", text, where))
        if sure:
            self._found(Finding("silent", f"silent {_shape(what)}", f"{what}; it does after a bus reset", where))
        raise _Over

    def _lost(self) -> NoReturn:
        """The device left the bus, or does not answer after a reset."""
        self._reset_by_itself()
        where, left = self.target.where(), not self.device.present and not self.unplugged
        try:
            self.host.wait_attached(timeout=RETURN_TIMEOUT)
            self.address_again()
        except (Disconnected, Timeout):
            self._reset_by_itself()
            text = "the device has left the bus, or does not answer after a bus reset, and stays so"
            self._found(Finding("dead", f"dead {where.split(' < ')[0]}", text, where))
        if left:
            self._found(Finding("left", "left", "the device left the bus by itself and came back", where))
        if not self.spoiled:
            text = "the device does not answer after a bus reset; it does after another one"
            self._found(Finding("silent", "silent after reset", text, where))
        raise _Over

    def _reset_by_itself(self) -> None:
        """The chip has started again: by the watchdog, which is a finding, or because the firmware wanted it to."""
        if not self.target.started_again:
            return
        if self.engine.peek(WATCHDOG_SCRATCH4) == NOT_A_REBOOT:
            self._found(Finding("watchdog", "watchdog", "the watchdog has reset the chip", ""))
        self.outcome.rebooted = True
        raise _Over


def _changes_toggles(setup: Setup) -> bool:
    """Whether a request makes endpoints begin with DATA0 again, if it is accepted."""
    return (setup.bmRequestType, setup.bRequest) in ((0x00, 9), (0x01, 11), (0x02, 1))


def _moves_buffers(action: Action) -> bool:
    """Whether a device may have opened endpoints, or elsewhere in its memory, or made a buffer double or single."""
    if isinstance(action, Control):
        return action.setup.bmRequestType & 0x60 == 0 and action.setup.bRequest in (9, 11)
    return isinstance(action, Reset | Unplug | Send | Receive)


def _kind(action: Action) -> str:
    """What an action is, without its values."""
    match action:
        case Control(setup):
            return f"{setup.bmRequestType:#04x} {setup.bRequest:#04x}"
        case Send(endpoint) | Receive(endpoint):
            return f"{endpoint:#04x}"
    return type(action).__name__


def _shape(text: str) -> str:
    """What was asked, without its values."""
    words = text.split(" wValue")[0]
    return words.split(":")[0]

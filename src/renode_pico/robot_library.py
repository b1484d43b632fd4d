"""Robot Framework keywords: a Pico, a cable, a host; on either engine.

    *** Settings ***
    Library    renode_pico.robot_library.PicoLibrary    engine=embedded

The suites in `robot/` use these words; on Renode, `renode-test` provides the same ones by
`robot/resources/usb_renode.resource` without this package. All of them:
`python -m robot.libdoc renode_pico.robot_library.PicoLibrary show`.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import quote

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from renode_pico.board import Board, BoardSnapshot
from renode_pico.engine.select import EngineName
from renode_pico.errors import Stall, Timeout, UsbError
from renode_pico.micropython.repl import Repl
from renode_pico.micropython.stream import UartStream
from renode_pico.run.robot import CTRL_D, PROMPT, ChipKeywords
from renode_pico.trace.keep import KeptTrace
from renode_pico.trace.tsv import FAULTS, TsvTrace
from renode_pico.usb import requests
from renode_pico.usb.classes.robot import ClassKeywords
from renode_pico.usb.device import Device
from renode_pico.usb.failure import failure
from renode_pico.usb.lsusb import format_problems
from renode_pico.usb.temper import Temper
from renode_pico.usb.transfer import Pipe, Setup, Status, Transfer, TransferType
from renode_pico.verify.robot import VerifyKeywords

DEFAULT_TIMEOUT = 5.0


def number(text: str | int) -> int:
    """An integer in any of the forms a suite writes: 0x81, 129."""
    return text if isinstance(text, int) else int(text, 0)


def one_of(text: str, yes: str, no: str) -> bool:
    """Which of two words it is. Raises AssertionError for any other."""
    if text.lower() not in (yes, no):
        raise AssertionError(f"'{text}' is neither {yes} nor {no}")
    return text.lower() == yes


def from_hex(text: str) -> bytes:
    """Bytes from hexadecimal digits: 01 02 ff."""
    return bytes.fromhex(text.replace(",", " "))


class TestResult(Protocol):
    """The part of Robot's result of a test that its listener uses."""

    failed: bool
    full_name: str
    message: str


@library(scope="TEST", version="0.1", doc_format="TEXT", auto_keywords=False)
class PicoLibrary(ChipKeywords, ClassKeywords, VerifyKeywords):
    """A board and the host at the other end of its cable.

    Bytes are written as hexadecimal digits (01 02 ff); times are emulated seconds. What the host was answered is kept
    in ${ANSWER}: the bytes, OK, STALL, TIMEOUT or ERROR.
    """

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, engine: str = "auto", apps: str = "firmware/apps", sanitize: bool = True) -> None:
        ChipKeywords.__init__(self)
        self.ROBOT_LIBRARY_LISTENER = self
        self._engine = cast(EngineName, engine)
        self._apps = Path(apps)
        self._sanitize = sanitize
        self._boards: dict[str, Board] = {}
        self._board: Board | None = None
        self._console: Repl | None = None
        self._remembered: BoardSnapshot | None = None
        self._attached = 0
        self._queued: list[Transfer] = []
        self._kept: KeptTrace | None = None
        self._trace: TsvTrace | None = None
        self._trace_file = Path()

    def end_test(self, data: object, result: TestResult) -> None:
        """Listener: no board outlives its test; one that has failed keeps the traces of its last board."""
        if result.failed and self._kept is not None:
            folder = Path(str(BuiltIn().get_variable_value("${OUTPUT_DIR}")))
            kept = self._kept.end(folder / "usb-traces", result.full_name)
            self._kept = None
            links = ", ".join(f'<a href="usb-traces/{quote(path.name)}">{escape(path.name)}</a>' for path in kept)
            result.message = f"*HTML* <pre>{escape(result.message)}</pre>USB traces: {links}"
        self.reset_emulation()

    # Boards

    @property
    def board(self) -> Board:
        """The board of this test."""
        if self._board is None:
            raise AssertionError("there is no board yet: begin with 'A Pico Running' or 'Create Pico'")
        return self._board

    @property
    def device(self) -> Device:
        """The device as last enumerated."""
        return self.board.device

    @keyword
    def a_pico_running(self, program: str = "cdc", firmware: str = "") -> None:
        """A Pico Without A Cable, then plugged in and enumerated by the host."""
        self.a_pico_without_a_cable(program, firmware)
        self.the_host_enumerates()

    @keyword
    def a_pico_without_a_cable(self, program: str = "cdc", firmware: str = "") -> None:
        """A board, nothing at its USB port, with this file of firmware/apps running (or the name of a plain firmware).

        `firmware`: cdc, uart (for programs, unless told otherwise) or uart-cdc; all but cdc have their REPL on UART0.
        """
        self.reset_emulation()
        is_program = program.endswith(".py")
        variant = firmware or ("uart" if is_program else program)
        self._begin_board("pico", lambda: Board(variant, engine=self._engine, sanitize=self._sanitize))
        if variant == "cdc":
            self.board.engine.run(0.2)
        else:
            self._console = self.board.uart_repl()
        if is_program:
            self.program_is_running(program)

    @keyword
    def a_new_pico_without_a_cable(self, program: str = "cdc", firmware: str = "") -> None:
        """As A Pico Without A Cable, which may begin where another board had booted to; here every one boots."""
        self.a_pico_without_a_cable(program, firmware)

    def _begin_board(self, name: str, make: Callable[[], Board]) -> None:
        if name in self._boards:
            raise AssertionError(f"there is a board '{name}' already")
        self._board = self._boards[name] = make()
        self._console = None
        if self._kept is None:
            self._kept = KeptTrace(self._board.host)

    @keyword
    def reset_emulation(self) -> None:
        """End the board, and others if there are."""
        self._end_trace()
        if self._kept is not None:
            self._kept.end()
            self._kept = None
        for board in self._boards.values():
            for finding in board.findings:
                logger.warn(str(finding))
            board.close()
        self._boards.clear()
        self._board = self._console = None
        self._queued.clear()
        self._forget_chips()

    def _end_boards(self) -> None:
        self.reset_emulation()

    @keyword
    def the_sanitizer_has_found(self, *checks: str) -> None:
        """What the firmware did to the USB controller that it must not (docs/sanitizer.md), in order; none: nothing."""
        found = self.board.findings
        if [str(each.misuse.check) for each in found] != list(checks):
            raise AssertionError("\n".join(map(str, found)) or f"the sanitizer has found nothing, not {list(checks)}")

    @keyword
    def program_is_running(self, program: str) -> None:
        """Runs a file of firmware/apps on the board, through its REPL."""
        path = self._apps / program
        if not path.is_file():
            raise AssertionError(f"there is no program {path}")
        self._repl().exec(path.read_bytes())

    @keyword
    def the_board_runs(self, *lines: str) -> None:
        """Runs lines of code on the board; ${PRINTED}: the lines that they print.

        On Renode the REPL shows the values of expressions, too.
        """
        self._keep_printed(self._repl().exec("\n".join(lines)))

    @keyword
    def while_the_board_runs(self, code: str, *action: str) -> None:
        """Runs a line of code on the board and, as soon as it has begun, a keyword; ${PRINTED}: the lines it prints."""
        actions = [action]

        def begun(_: bytes) -> None:
            if actions:
                BuiltIn().run_keyword(*actions.pop())

        printed = self._repl().exec(f"print('board begins')\n{code}", timeout=60.0, on_output=begun)
        self._keep_printed(printed.partition(b"\n")[2])

    @keyword
    def the_board_prints(self, *expected: str) -> None:
        """What the last code run on the board printed, line by line."""
        printed = BuiltIn().get_variable_value("${PRINTED}")
        if printed != list(expected):
            raise AssertionError(f"the board printed {printed}, not {list(expected)}")

    @keyword
    def the_board_says(self, expression: str, expected: str) -> None:
        """What an expression's value is on the board, as printed there."""
        said = self._repl().exec(f"print({expression})").decode().strip()
        if said != expected:
            raise AssertionError(f"{expression} is {said} on the board, not {expected}")

    @keyword
    def the_board_is_at_its_prompt(self) -> None:
        """The REPL waits for what somebody types, on whichever port."""
        if self._typed(b"\r"):
            return
        self._repl().exit_raw()

    @keyword("The Board Is Soft-Reset")
    def the_board_is_soft_reset(self) -> None:
        """Ctrl-D at the prompt: boot.py runs, then main.py, then the prompt comes back."""
        if self._typed(CTRL_D, "soft reboot"):
            return
        self._repl().soft_reset()
        self._repl().exit_raw()

    @keyword
    def the_board_is_reset(self) -> None:
        """The RUN pin is pulled: the chip starts again, its flash is kept; until the prompt comes back."""
        self.board.reset()
        if self._typed(b""):
            return
        self._console = Repl(UartStream(self.board.engine))
        self._console.exit_raw()

    def _typed(self, keys: bytes, first: str = "") -> bool:
        """Type something where a terminal tester hears UART0, until the prompt comes back; whether one does."""
        tester = next((each for each in reversed(self._testers) if each.hears(self.board.engine, 0)), None)
        if tester is None:
            return False
        tester.engine.uart(0).write(keys)
        if first:
            tester.wait(first, None, is_regex=False, unfinished=False)
        tester.wait(PROMPT, None, is_regex=False, unfinished=True)
        return True

    def _keep_printed(self, printed: bytes) -> None:
        BuiltIn().set_test_variable("${PRINTED}", printed.decode().splitlines())

    def _repl(self) -> Repl:
        return self._console if self._console is not None else self.board.repl()

    # Cable and line

    @keyword
    def the_cable_is_plugged_in(self) -> None:
        """VBUS comes on."""
        self.board.host.plug()

    @keyword
    def the_cable_is_pulled(self) -> None:
        """Transfers under way end."""
        self.board.host.unplug()
        self.board.forget_device()

    @keyword
    def the_host_enumerates(self) -> None:
        """Reset, address, descriptors, configuration 1."""
        self.board.enumerate()
        self._attached = self.board.host.attach_count

    @keyword
    def the_host_is_strict(self) -> None:
        """It ends an enumeration at the device's first lie; by default it forgives what Linux forgives."""
        self.board.temper = Temper.STRICT

    @keyword
    def enumeration_fails_with(self, reason: str) -> None:
        """The error contains this."""
        try:
            self.board.enumerate()
        except UsbError as error:
            if reason not in str(error):
                raise AssertionError(f"the error is {error}, it does not say {reason!r}") from error
            return
        raise AssertionError("enumeration succeeded")

    @keyword
    def the_device_attaches_again(self) -> None:
        """A device has attached since the last enumeration, or does within 2 s; it is enumerated."""
        self.board.wait_reattached(self._attached + 1, timeout=2.0)
        self._attached = self.board.host.attach_count

    @keyword
    def the_host_resets_the_bus(self) -> None:
        """The device has address 0 then and is not configured."""
        self.board.host.reset()
        self.board.forget_device()

    @keyword
    def the_host_suspends_the_bus(self) -> None:
        """Stops all traffic, SOF included."""
        self.board.host.suspend()

    @keyword
    def the_host_resumes_the_bus(self) -> None:
        """Wakes a suspended bus."""
        self.board.host.resume()

    # The board's other parts

    @keyword
    def the_button_is_pressed(self, name: str = "bootsel") -> None:
        """A button of the board goes down: bootsel."""
        self.board.press(name)

    @keyword
    def the_button_is_let_go(self, name: str = "bootsel") -> None:
        """A button comes up again."""
        self.board.press(name, False)

    @keyword
    def the_pin_is_driven(self, pin: int, level: str) -> None:
        """From outside: high or low."""
        self.board.engine.set_gpio(pin, one_of(level, "high", "low"))

    @keyword
    def the_pin_is(self, pin: int, level: str) -> None:
        """A GPIO's level: high or low."""
        assert self.board.engine.gpio(pin) == one_of(level, "high", "low"), f"GPIO{pin} is not {level}"

    @keyword("The LED Is")
    def the_led_is(self, state: str) -> None:
        """The Pico's LED: on or off."""
        assert self.board.led() == one_of(state, "on", "off"), f"the LED is not {state}"

    @keyword("The ADC Input Sees")
    def the_adc_input_sees(self, channel: int, volts: float) -> None:
        """The voltage at ADC input 0 to 3 (GPIO26 to GPIO29)."""
        self.board.set_adc(channel, volts)

    @keyword
    def the_chip_is_at(self, celsius: float) -> None:
        """Its temperature, degrees Celsius."""
        self.board.set_temperature(celsius)

    @keyword
    def the_board_is_remembered(self) -> None:
        """Chip, host and what is under way, for The Board Is As Remembered."""
        self._remembered = self.board.snapshot(self._console)

    @keyword
    def the_board_is_as_remembered(self) -> None:
        """As it was, its time included; any number of times."""
        assert self._remembered is not None, "The Board Is Remembered comes first"
        self.board.restore(self._remembered)

    @keyword
    def time_passes(self, seconds: float) -> None:
        """Emulated time."""
        self.board.engine.run(float(seconds))

    @keyword
    def the_port_is(self, state: str) -> None:
        """Unplugged, Detached, Debounce, Attached, Active or Suspended."""
        seen = self.board.host.port_state
        if seen != state:
            raise AssertionError(f"the port is {seen}, not {state}")

    @keyword
    def the_tree_contains(self, text: str) -> None:
        """A line about the device, or about a problem with it, contains this."""
        descriptor = self.device.descriptor
        names = " ".join(f'"{name}"' for name in (self.device.manufacturer, self.device.product) if name)
        line = f"Device {self.device.address}: ID {descriptor.idVendor:04x}:{descriptor.idProduct:04x} {names}"
        lines = [line, *format_problems(self.device)]
        if not any(text in each for each in lines):
            raise AssertionError(f"none of {lines} contains {text!r}")

    @keyword("The Host's Frame Is")
    def the_hosts_frame_is(self) -> int:
        """The number of the current frame."""
        return self.board.host.frame

    @keyword
    def the_register_holds(self, address: str) -> int:
        """A register's value, read over the bus while the processor stands still."""
        return self.board.engine.peek(number(address))

    # Transfers

    @keyword
    def host_does(self, command: str) -> str:
        """One command of the host as the Renode monitor knows it; only ControlIn with a time-out."""
        name, *arguments = command.split()
        if name != "ControlIn":
            raise AssertionError(f"{command}: this library knows ControlIn only, use the other keywords")
        setup = Setup(*(number(argument) for argument in arguments[:5]))
        return self._submit(self._control_pipe(), setup=setup, timeout=float(arguments[5]))

    @keyword
    def the_host_requests(
        self,
        bmRequestType: str,
        bRequest: str,
        wValue: str = "0",
        wIndex: str = "0",
        wLength: str = "0",
        data: str = "",
    ) -> None:
        """A control transfer: `wLength` bytes from the device, or `data` to it."""
        payload = from_hex(data)
        kind = number(bmRequestType)
        length = number(wLength) if kind & 0x80 else len(payload)
        setup = Setup(kind, number(bRequest), number(wValue), number(wIndex), length)
        self._submit(self._control_pipe(), payload, setup=setup)

    @keyword
    def the_host_reads(self, endpoint: str, length: str, timeout: str = "5") -> None:
        """So many bytes, or up to a short packet, from a bulk or interrupt endpoint."""
        self._submit(self._pipe(endpoint, True), length=number(length), timeout=float(timeout))

    @keyword
    def the_host_writes(self, endpoint: str, data: str, zero: str = "false", timeout: str = "5") -> None:
        """Bytes to a bulk or interrupt endpoint; `zero`: a last full packet is followed by an empty one."""
        self._submit(
            self._pipe(endpoint, False), from_hex(data), zero_packet=zero.lower() == "true", timeout=float(timeout)
        )

    @keyword
    def the_host_begins_to_read(self, endpoint: str, length: str) -> None:
        """As The Host Reads, without waiting for the end."""
        self._queued.append(self.board.host.submit(self._pipe(endpoint, True), length=number(length)))

    @keyword
    def the_host_begins_to_write(self, endpoint: str, data: str) -> None:
        """As The Host Writes, without waiting for the end."""
        self._queued.append(self.board.host.submit(self._pipe(endpoint, False), from_hex(data)))

    @keyword
    def what_was_begun_ends(self, timeout: str = "5") -> list[str]:
        """Waits for every transfer begun; ${ANSWERS}: the answer of each, in that order."""
        transfers, self._queued = self._queued, []
        answers = [self._answer(transfer, timeout=float(timeout)) for transfer in transfers]
        BuiltIn().set_test_variable("${ANSWERS}", answers)
        return answers

    @keyword
    def the_host_reads_isochronously(self, endpoint: str, size: str, count: str) -> None:
        """So many packets of at most this size, one a frame."""
        pipe = Pipe(self.device.address, number(endpoint) | 0x80, TransferType.ISOCHRONOUS, number(size))
        self._submit(pipe, length=number(size) * number(count))

    @keyword
    def the_host_writes_isochronously(self, endpoint: str, size: str, data: str) -> None:
        """Bytes in packets of this size, one a frame."""
        pipe = Pipe(self.device.address, number(endpoint) & 15, TransferType.ISOCHRONOUS, number(size))
        self._submit(pipe, from_hex(data))

    @keyword
    def the_host_clears_the_halt_of(self, endpoint: str) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT), and DATA0 on both sides."""
        self._outcome(lambda: self.device.clear_halt(number(endpoint)))
        self._expect("OK")

    @keyword
    def the_host_configures(self, value: str) -> None:
        """SET_CONFIGURATION."""
        self._outcome(lambda: self.device.set_configuration(number(value)))

    @keyword
    def the_host_spoils(self, fault: str, endpoint: str, count: str = "1", skip: str = "0") -> None:
        """Crc, BitStuff, LostData, WrongToggle or LostHandshake in transactions that carry data (0x80: control IN)."""
        self.board.host.inject(FAULTS[fault], endpoint_address=number(endpoint), count=number(count), skip=number(skip))

    # Answers

    @keyword
    def the_request_is_stalled(self) -> None:
        """The last one was."""
        self._expect("STALL")

    @keyword
    def the_request_succeeds(self) -> None:
        """It was not stalled, did not time out, and nobody left."""
        answer = self._last()
        if answer in ("STALL", "TIMEOUT") or (answer.isalpha() and answer.isupper() and answer != "OK"):
            raise AssertionError(f"the answer is {answer}")

    @keyword
    def the_request_times_out(self) -> None:
        """The deadline, in emulated time, passed first."""
        self._expect("TIMEOUT")

    @keyword
    def the_request_fails(self) -> None:
        """Three attempts in a row went wrong on the wire."""
        self._expect("ERROR")

    @keyword
    def the_answer_is(self, expected: str) -> None:
        """The bytes of the last answer."""
        self._expect(expected)

    @keyword
    def the_answer_counts_up(self, length: str) -> None:
        """So many bytes: 00 01 02 ..."""
        self._expect(self.bytes_counting_up(length))

    @keyword
    def bytes_counting_up(self, length: str) -> str:
        """So many bytes: 00 01 02 ..."""
        return bytes(i & 0xFF for i in range(number(length))).hex(" ")

    @keyword("The Device Answers GET_STATUS With")
    def the_device_answers_get_status_with(self, expected: str) -> None:
        """The two bytes."""
        self._submit(self._control_pipe(), setup=requests.get_status())
        self._expect(expected)

    # Trace

    @keyword
    def the_bus_is_traced(self) -> None:
        """From here on."""
        self._trace_file = Path(BuiltIn().get_variable_value("${OUTPUT_DIR}")) / "bus.tsv"
        self._trace = TsvTrace(self._trace_file)
        self.board.host.add_observer(self._trace)

    @keyword
    def the_trace_ends(self) -> object:
        """What was on the bus since The Bus Is Traced: ${TRACE}, for the keywords of BusTrace."""
        self._end_trace()
        trace = BuiltIn().run_keyword("Read Trace", str(self._trace_file))
        BuiltIn().set_test_variable("${TRACE}", trace)
        return trace

    def _end_trace(self) -> None:
        if self._trace is not None and self._board is not None:
            self._board.host.remove_observer(self._trace)
            self._trace.close()
        self._trace = None

    # One level down

    def _control_pipe(self) -> Pipe:
        known = self.board.enumerated
        return known.control_pipe if known is not None else Pipe(0, 0, TransferType.CONTROL, 64)

    def _pipe(self, endpoint: str, is_in: bool) -> Pipe:
        address = number(endpoint)
        address = address | 0x80 if is_in else address
        for interface in self.device.configuration.interfaces:
            if any(found.bEndpointAddress == address for found in interface.endpoints):
                return self.device.pipe(address)
        return Pipe(self.device.address, address, TransferType.BULK, 64)  # set up by hand, without a descriptor

    def _submit(
        self,
        pipe: Pipe,
        data: bytes = b"",
        *,
        length: int = 0,
        setup: Setup | None = None,
        zero_packet: bool = False,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> str:
        transfer = self.board.host.submit(pipe, data, length=length, setup=setup, zero_packet=zero_packet)
        return self._answer(transfer, timeout=timeout)

    def _answer(self, transfer: Transfer, *, timeout: float) -> str:
        def wait() -> bytes | None:
            if transfer.status is Status.PENDING:
                self.board.host.wait(transfer, timeout=timeout)
            if transfer.status is not Status.COMPLETED:
                raise failure(transfer, self.board.host.now)
            takes_in = transfer.setup.is_in if transfer.setup is not None else transfer.pipe.is_in
            return transfer.data if takes_in else None

        return self._outcome(wait)

    def _outcome(self, action: Callable[[], bytes | None]) -> str:
        """Do it; the word or the bytes for how it ended go to ${ANSWER}."""
        try:
            data = action()
            answer = "OK" if data is None else data.hex(" ")
        except Stall:
            answer = "STALL"
        except Timeout:
            answer = "TIMEOUT"
        except UsbError as error:
            answer = {"TransactionError": "ERROR"}.get(type(error).__name__, type(error).__name__.upper())
        BuiltIn().set_test_variable("${ANSWER}", answer)
        return answer

    def _last(self) -> str:
        return str(BuiltIn().get_variable_value("${ANSWER}"))

    def _expect(self, expected: str) -> None:
        if self._last() != expected:
            raise AssertionError(f"the answer is {self._last()!r}, not {expected!r}")

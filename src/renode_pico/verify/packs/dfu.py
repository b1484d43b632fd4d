"""DFU 1.1: one function for each item of `packs/dfu.toml`. What is downloaded is what was uploaded before."""

from __future__ import annotations

from renode_pico.usb.classes.common import CLASS_IN, CLASS_OUT
from renode_pico.usb.classes.dfu import (
    ABORT,
    APPLICATION_CLASS,
    CLRSTATUS,
    DETACH,
    DFU_DESCRIPTOR,
    DFU_MODE,
    DFU_SUBCLASS,
    DNLOAD,
    GETSTATE,
    GETSTATUS,
    RUNTIME,
    UPLOAD,
    State,
    Status,
)
from renode_pico.usb.descriptors import Interface
from renode_pico.usb.transfer import Setup
from renode_pico.verify.bench import Bench
from renode_pico.verify.table import check

CAN_DOWNLOAD, CAN_UPLOAD, TOLERANT = 1, 2, 4
BLOCKS = 64
"""Blocks that an upload may have."""
POLLS = 200
"""How often GETSTATUS is asked for an operation to end."""


class Dfu:
    """A DFU interface, as the bench sees it."""

    def __init__(self, bench: Bench, setting: Interface) -> None:
        self.bench = bench
        self.number = setting.bInterfaceNumber
        extra = [
            part
            for each in bench.tree.settings()
            if each.bInterfaceNumber == self.number
            for part in each.extra
            if len(part) >= 7 and part[1] == DFU_DESCRIPTOR
        ]
        bench.note("DFU functional descriptors", [part.hex(" ") for part in extra])
        bench.expect(extra, "a functional descriptor")
        self.functional = extra[0]
        self.attributes = self.functional[2]
        self.size = int.from_bytes(self.functional[5:7], "little")

    def tell(self, request: int, value: int = 0, length: int = 0) -> Setup:
        """A request that writes."""
        return Setup(CLASS_OUT, request, value, self.number, length)

    def ask(self, request: int, value: int = 0, length: int = 0) -> Setup:
        """A request that reads."""
        return Setup(CLASS_IN, request, value, self.number, length)

    def status(self) -> Status:
        """GETSTATUS."""
        data = self.bench.get(self.ask(GETSTATUS, 0, 6))
        self.bench.expect(len(data) == 6 and data[4] <= State.ERROR, "6 bytes with a state up to 10")
        return Status(data[0], int.from_bytes(data[1:4], "little"), State(data[4]))

    def state(self) -> int:
        """GETSTATE."""
        data = self.bench.get(self.ask(GETSTATE, 0, 1))
        self.bench.expect(len(data) == 1, "1 byte")
        return data[0]

    def in_state(self, *states: State) -> None:
        """Fail unless GETSTATE tells one of these."""
        state = self.state()
        self.bench.expect(state in states, " or ".join(f"{int(each)}, dfu{each.name}" for each in states))

    def idle(self) -> None:
        """dfuIDLE, from wherever it is."""
        state = self.state()
        if state == State.ERROR:
            self.bench.do(self.tell(CLRSTATUS))
        elif state != State.IDLE:
            self.bench.do(self.tell(ABORT))
        self.in_state(State.IDLE)

    def wait(self, *states: State) -> Status:
        """GETSTATUS after GETSTATUS, as its poll time-out says, until one of the states is there."""
        for _ in range(POLLS):
            status = self.status()
            self.bench.expect(status.state is not State.ERROR, f"no error (bStatus {status.status:#04x})")
            if status.state in states:
                return status
            self.bench.run(max(1, status.poll_timeout) / 1000)
        names = " or ".join(f"dfu{each.name}" for each in states)
        self.bench.fail(f"{names} in the end")

    def error(self, setup: Setup, data: bytes = b"") -> None:
        """A request that this state has not: STALL, and dfuERROR."""
        self.bench.refused(setup, data)
        self.in_state(State.ERROR)
        self.idle()

    def can(self, what: int, name: str) -> None:
        """Skip unless bmAttributes says that it can."""
        if not self.attributes & what:
            self.bench.skip(f"this device cannot {name}, bmAttributes says")

    def upload(self, *, states: bool = False) -> bytes:
        """The whole memory, from dfuIDLE to dfuIDLE; `states`: look at the state after each block."""
        data = b""
        for number in range(BLOCKS):
            block = self.bench.get(self.ask(UPLOAD, number, self.size))
            data += block
            if len(block) < self.size:
                if states:
                    self.in_state(State.IDLE)
                return data
            if states:
                self.in_state(State.UPLOAD_IDLE)
        self.bench.do(self.tell(ABORT))
        return data

    def put(self, number: int, data: bytes) -> None:
        """A block, to dfuDNLOAD-IDLE."""
        self.bench.do(self.tell(DNLOAD, number, len(data)), data)
        self.wait(State.DNLOAD_IDLE)


def find(bench: Bench, protocol: int) -> Dfu:
    """The first DFU interface in this mode of the configured device. Raises NotApplicable when there is none."""
    for setting in bench.tree.settings():
        kind = setting.bInterfaceClass, setting.bInterfaceSubClass, setting.bInterfaceProtocol
        if kind == (APPLICATION_CLASS, DFU_SUBCLASS, protocol):
            bench.to_configured()
            return Dfu(bench, setting)
    bench.skip("this device has no DFU interface in " + ("DFU mode" if protocol == DFU_MODE else "run-time mode"))


def loader(bench: Bench) -> Dfu:
    """A DFU interface in DFU mode, in dfuIDLE."""
    found = find(bench, DFU_MODE)
    found.idle()
    return found


def either(bench: Bench) -> Dfu:
    """A DFU interface in either mode."""
    return bench.optional(lambda: find(bench, DFU_MODE)) or find(bench, RUNTIME)


def content(bench: Bench, dfu: Dfu) -> bytes:
    """A block to download: the first of what is there, or zeros where nothing is told."""
    dfu.can(CAN_DOWNLOAD, "download")
    if not dfu.attributes & CAN_UPLOAD:
        return bytes(min(dfu.size, 64))
    return dfu.upload()[: dfu.size] or bytes(min(dfu.size, 64))


@check("DFU1")
def functional(bench: Bench) -> None:
    """Looks at the functional descriptor."""
    dfu = either(bench)
    part = dfu.functional
    bench.note("DFU functional descriptor", part.hex(" "))
    bench.expect(len(part) in (7, 9), "9 bytes, or 7 in DFU 1.0")
    bench.expect(not dfu.attributes & 0xF0, "bmAttributes with bits 7 to 4 clear")
    bench.expect(dfu.size > 0, "a transfer size")
    if len(part) == 9:
        version = int.from_bytes(part[7:9], "little")
        bench.expect(version in (0x0100, 0x0101, 0x0110), "bcdDFUVersion 1.1")


@check("DFU2")
def state_and_status(bench: Bench) -> None:
    """Asks for both, three times over."""
    dfu = either(bench)
    first = dfu.state()
    for _ in range(3):
        status = dfu.status()
        bench.expect((status.state, status.status) == (first, 0), f"state {first}, status 0")
        bench.expect(dfu.state() == first, f"state {first}")


@check("DFU3")
def upload(bench: Bench) -> None:
    """Uploads all there is, twice; both must be the same."""
    dfu = loader(bench)
    dfu.can(CAN_UPLOAD, "upload")
    first = dfu.upload(states=True)
    bench.expect(dfu.upload(states=True) == first, "the same once more")


@check("DFU4")
def abort(bench: Bench) -> None:
    """Aborts in dfuIDLE, in an upload, and in a download."""
    dfu = loader(bench)
    bench.do(dfu.tell(ABORT))
    dfu.in_state(State.IDLE)
    if dfu.attributes & CAN_UPLOAD:
        bench.get(dfu.ask(UPLOAD, 0, dfu.size))
        bench.do(dfu.tell(ABORT))
        dfu.in_state(State.IDLE)
    if dfu.attributes & CAN_DOWNLOAD:
        dfu.put(0, content(bench, dfu))
        bench.do(dfu.tell(ABORT))
        dfu.in_state(State.IDLE)


@check("DFU5")
def download(bench: Bench) -> None:
    """Downloads a block and asks for the state, then for the status until it is done."""
    dfu = loader(bench)
    data = content(bench, dfu)
    bench.do(dfu.tell(DNLOAD, 0, len(data)), data)
    dfu.in_state(State.DNLOAD_SYNC, State.DNBUSY)
    dfu.wait(State.DNLOAD_IDLE)
    dfu.in_state(State.DNLOAD_IDLE)
    dfu.idle()


@check("DFU6")
def manifest(bench: Bench) -> None:
    """Downloads a block and then none."""
    dfu = loader(bench)
    dfu.put(0, content(bench, dfu))
    bench.do(dfu.tell(DNLOAD, 1))
    dfu.in_state(State.MANIFEST_SYNC, State.MANIFEST, State.MANIFEST_WAIT_RESET)
    if not dfu.attributes & TOLERANT:
        return
    dfu.wait(State.IDLE)
    dfu.in_state(State.IDLE)


@check("DFU7")
def read_back(bench: Bench) -> None:
    """Uploads, downloads the first block with other bytes, uploads, and downloads what was there."""
    dfu = loader(bench)
    dfu.can(CAN_UPLOAD, "upload")
    before = content(bench, dfu)
    for data in (bytes(byte ^ 0x5A for byte in before), before):
        dfu.put(0, data)
        bench.do(dfu.tell(DNLOAD, 1))
        if not dfu.attributes & TOLERANT:
            bench.skip("this device does not answer after manifestation, bmAttributes says")
        dfu.wait(State.IDLE)
        came = dfu.upload()[: len(data)]
        bench.note(f"a download of {len(data)} bytes, then an upload", came[:24].hex(" "))
        bench.expect(came == data, "the bytes that were downloaded")


@check("DFU8")
def empty_download(bench: Bench) -> None:
    """Sends DNLOAD without data in dfuIDLE."""
    dfu = loader(bench)
    dfu.error(dfu.tell(DNLOAD))


@check("DFU9")
def refused_when_idle(bench: Bench) -> None:
    """Sends DETACH and CLRSTATUS in dfuIDLE."""
    dfu = loader(bench)
    for request in (DETACH, CLRSTATUS):
        dfu.error(dfu.tell(request))


@check("DFU10")
def in_error(bench: Bench) -> None:
    """Leads it to dfuERROR by CLRSTATUS in dfuIDLE and tries each request."""
    dfu = loader(bench)
    bench.refused(dfu.tell(CLRSTATUS))
    dfu.in_state(State.ERROR)
    bench.expect(dfu.status().status, "a status that is not OK")
    for setup, data in (
        (dfu.tell(DETACH), b""),
        (dfu.tell(DNLOAD, 0, 8), bytes(8)),
        (dfu.ask(UPLOAD, 0, dfu.size), b""),
        (dfu.tell(ABORT), b""),
    ):
        bench.refused(setup, data)
        dfu.in_state(State.ERROR)
    bench.do(dfu.tell(CLRSTATUS))
    dfu.in_state(State.IDLE)
    bench.expect(dfu.status().status == 0, "status OK")


@check("DFU11")
def wrong_direction(bench: Bench) -> None:
    """Sends UPLOAD after a downloaded block and DNLOAD after an uploaded one."""
    dfu = loader(bench)
    tried = False
    if dfu.attributes & CAN_DOWNLOAD:
        tried = True
        data = content(bench, dfu)
        dfu.put(0, data)
        dfu.error(dfu.ask(UPLOAD, 1, dfu.size))
    if dfu.attributes & CAN_UPLOAD and len(dfu.upload()) >= dfu.size:
        tried = True
        bench.get(dfu.ask(UPLOAD, 0, dfu.size))
        dfu.in_state(State.UPLOAD_IDLE)
        dfu.error(dfu.tell(DNLOAD, 0, 8), bytes(8))
    if not tried:
        bench.skip("this device can neither download nor upload more than a block")


@check("DFU12")
def application(bench: Bench) -> None:
    """Sends each of them to an interface in run-time mode; GETSTATUS then tells appIDLE."""
    dfu = find(bench, RUNTIME)
    for setup, data in (
        (dfu.tell(DNLOAD, 0, 8), bytes(8)),
        (dfu.ask(UPLOAD, 0, 8), b""),
        (dfu.tell(CLRSTATUS), b""),
        (dfu.tell(ABORT), b""),
    ):
        bench.refused(setup, data)
    answer = bench.control(dfu.ask(GETSTATUS, 0, 6))
    bench.expect(answer.stalled or (len(answer.data) == 6 and answer.data[4] == State.APP_IDLE), "appIDLE, or STALL")


@check("DFU13")
def unknown_requests(bench: Bench) -> None:
    """Sends class requests 7, 8 and 0xff."""
    dfu = either(bench)
    for request in (7, 8, 0xFF):
        bench.refused(dfu.tell(request))
        bench.refused(dfu.ask(request, 0, 6))

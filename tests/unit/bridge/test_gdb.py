"""GDB's remote protocol, packet by packet, on a machine of a few instructions."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from renode_pico.bridge.gdb import SIGINT, SIGTRAP, GdbStub
from renode_pico.core.debugger import MachineTarget
from renode_pico.core.machine import Hit, Run
from renode_pico.errors import UsageError
from tests.remote_protocol import Client
from tests.unit.core.small_machine import NOTES, PROGRAM, SmallMachine

COUNT = [0x2000, 0x3001, 0x6008, 0xE7FC]
"""movs r0, #0; again: adds r0, #1; str r0, [r1]; b again"""


class Session:
    """A board under GDB: runs in a thread of its own, as an engine does in its loop."""

    def __init__(self) -> None:
        self.machine = SmallMachine(COUNT)
        self.machine.machine.set_core(0, 1, NOTES)
        self.resets = 0
        self.stub = GdbStub(0, MachineTarget(self.machine.machine, self._reset))
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.client = Client(self.stub.port)

    def _reset(self) -> None:
        self.resets += 1
        self.machine.machine.set_core(0, 15, PROGRAM)

    def _run(self) -> None:
        self.stub.wait_for_client()
        self.stub.halted(SIGTRAP)
        while not self._ending:
            if self.machine.run(200) is Run.DEBUG:
                hit, core, address = self.machine.machine.debug_hit()
                self.stub.halted(SIGTRAP, core, address if hit is Hit.WATCHPOINT else None)
            elif self.stub.poll():
                self.stub.halted(SIGINT)

    def end(self) -> None:
        self._ending = True
        self.client.socket.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.stub.close()


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.end()


def test_it_stands_at_first_and_tells_what_it_can(session: Session) -> None:
    client = session.client
    assert "qXfer:features:read+" in client.ask("qSupported:swbreak+")
    assert client.ask("?") == "T05thread:1;"
    assert "armv6s-m" in client.ask("qXfer:features:read:target.xml:0,1000")
    assert client.ask("qXfer:features:read:target.xml:0,10") == 'm<?xml version="1'
    assert 'type="flash" start="0x10000000"' in client.ask("qXfer:memory-map:read::0,1000")
    assert client.ask("qfThreadInfo") == "m1"
    assert client.ask("qUnheardOf") == ""


def test_registers_and_memory(session: Session) -> None:
    client = session.client
    assert client.ask("pf") == PROGRAM.to_bytes(4, "little").hex()
    assert client.ask("P5=78563412") == "OK"
    assert client.ask("p5") == "78563412"
    assert len(client.ask("g")) == 17 * 8
    assert client.ask(f"m{PROGRAM:x},4") == "00200130"
    assert client.ask(f"M{NOTES + 16:x},2:beef") == "OK"
    assert client.ask(f"m{NOTES + 16:x},2") == "beef"
    assert client.ask(f"X{NOTES + 16:x},2:}}\x03a") == "OK"
    assert client.ask(f"m{NOTES + 16:x},2") == "2361"
    assert client.ask("m30000000,4") == "E14"
    assert client.ask("M10000000,1:00") == "E14"
    assert client.ask("md0000000,4") == "00000000"


def test_steps(session: Session) -> None:
    client = session.client
    for pc in (PROGRAM + 2, PROGRAM + 4, PROGRAM + 6, PROGRAM + 2):
        assert client.ask("vCont;s:1") == "T05thread:1;"
        assert client.ask("pf") == pc.to_bytes(4, "little").hex()


def test_a_breakpoint_stops_before_its_instruction_each_time_it_is_passed(session: Session) -> None:
    client = session.client
    assert client.ask(f"Z1,{PROGRAM + 4:x},2") == "OK"
    for turn in (1, 2, 3):
        assert client.ask("c") == "T05thread:1;"
        assert client.ask("p0") == turn.to_bytes(4, "little").hex()
        assert client.ask("pf") == (PROGRAM + 4).to_bytes(4, "little").hex()


def test_watchpoints(session: Session) -> None:
    client = session.client
    assert client.ask(f"Z2,{NOTES:x},4") == "OK"
    assert client.ask("c") == f"T05watch:{NOTES:x};thread:1;"
    assert client.ask("pf") == (PROGRAM + 6).to_bytes(4, "little").hex()
    assert client.ask(f"z2,{NOTES:x},4") == "OK"
    assert client.ask(f"Z3,{NOTES:x},4") == "OK"  # nothing reads it
    client.send("c")
    client.socket.sendall(b"\x03")
    assert client.answer() == "T02thread:1;"


def test_more_points_than_there_is_room_for_are_refused(session: Session) -> None:
    client = session.client
    answers = [client.ask(f"Z1,{PROGRAM + 0x100 + 2 * number:x},2") for number in range(33)]
    assert answers == ["OK"] * 32 + ["E1c"]


def test_monitor_reset_and_what_it_does_not_know(session: Session) -> None:
    client = session.client
    assert client.ask("qRcmd," + b"reset halt".hex()) == "OK"
    assert session.resets == 1
    assert "reset and halt" in bytes.fromhex(client.ask("qRcmd," + b"dance".hex())).decode()


def test_flash_is_loaded_by_its_own_packets(session: Session) -> None:
    client = session.client
    assert client.ask("vFlashErase:10001000,00001000") == "OK"
    assert client.ask("vFlashWrite:10001000:abc}]d") == "OK"
    assert client.ask("vFlashDone") == "OK"
    assert bytes(session.machine.machine.flash[0x1000:0x1006]) == b"abc}d\xff"


def test_nonsense_is_an_error_and_ends_nothing(session: Session) -> None:
    client = session.client
    for packet in ("mxyz", "p", "Pzz=0", "Z9,0,2", "H", "vCont?", "T5", "q", "G12", "Hg7"):
        client.ask(packet)
    session.client.socket.sendall(b"$g#00")  # a wrong checksum
    session.client.send("?")
    assert client.answer() == "T05thread:1;"


def test_a_debugger_that_leaves_lets_it_go(session: Session) -> None:
    client = session.client
    client.ask(f"Z1,{PROGRAM + 4:x},2")
    assert client.ask("D") == "OK"
    client.socket.close()
    again = Client(session.stub.port)
    assert again.ask("?").startswith("T02")
    assert int.from_bytes(bytes.fromhex(again.ask("p0")), "little") > 10
    session.client = again


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="port"):
            GdbStub(taken.getsockname()[1], MachineTarget(SmallMachine(COUNT).machine, lambda: None))


def test_what_each_core_is_to_do() -> None:
    machine = SmallMachine(COUNT, cores=2).machine
    stub = GdbStub(0, MachineTarget(machine, lambda: None))
    try:
        assert stub.actions("c") == {0: "c", 1: "c"}
        assert stub.actions("s:2") == {1: "s"}
        assert stub.actions("s:1;c") == {0: "s", 1: "c"}
        assert stub.actions("C05:1;s:-1") == {0: "C", 1: "s"}
    finally:
        stub.close()

"""A short bus trace with everything in it, for the tests of the writers."""

from __future__ import annotations

from collections.abc import Iterator

from renode_pico.usb.observe import BusEventKind, BusEventRecord, BusObserver, TransactionRecord, TransferRecord
from renode_pico.usb.timing import BYTE_TIMES_NS
from renode_pico.usb.transfer import Setup, Status, TransferType
from renode_pico.usb.wire import Fault, Pid

DEVICE = bytes.fromhex("12010002ef0201408a2e05000001010203 01".replace(" ", ""))
CONFIGURATION = bytes.fromhex(
    "09024b00020100807d080b0002020200000904000001020200040524002001052401000104240202052406000107058103080010"
    "090401000 20a00000007050202400000070582024000 00".replace(" ", "")
)
Record = TransactionRecord | BusEventRecord | TransferRecord


class Script:
    """Makes records one after the other, as a host would."""

    def __init__(self) -> None:
        self.now_ns = 120_000_000
        self.records: list[Record] = []

    def event(self, kind: BusEventKind, after_ns: int = 0) -> None:
        self.now_ns += after_ns
        self.records.append(BusEventRecord(self.now_ns, self.frame, kind))

    @property
    def frame(self) -> int:
        return self.now_ns // 1_000_000 & 0x7FF

    def transaction(
        self,
        token: Pid,
        address: int,
        endpoint: int,
        data_pid: Pid | None = None,
        data: bytes = b"",
        handshake: Pid | None = Pid.ACK,
        fault: Fault | None = None,
    ) -> None:
        duration_ns = BYTE_TIMES_NS[len(data) + 13 if data_pid is not None else 8]
        nak_count = 1 if handshake is Pid.NAK else 0
        self.records.append(
            TransactionRecord(
                self.now_ns,
                duration_ns,
                self.frame,
                token,
                address,
                endpoint,
                data_pid,
                data,
                handshake,
                fault,
                nak_count,
            )
        )
        self.now_ns += duration_ns

    def control_in(self, address: int, setup: Setup, answer: bytes, *, stalled: bool = False) -> None:
        begin_ns = self.now_ns
        self.transaction(Pid.SETUP, address, 0, Pid.DATA0, setup.pack())
        self.transaction(Pid.IN, address, 0, handshake=Pid.NAK)
        pid, packets = Pid.DATA1, []
        if stalled:
            self.transaction(Pid.IN, address, 0, handshake=Pid.STALL)
        else:
            for position in range(0, len(answer), 64):
                packet = answer[position : position + 64]
                self.transaction(Pid.IN, address, 0, pid, packet)
                pid = pid.toggled
                packets.append(len(packet))
            self.transaction(Pid.OUT, address, 0, Pid.DATA1, b"")
        self.transfer(begin_ns, address, 0, TransferType.CONTROL, setup, answer, packets, stalled=stalled)

    def transfer(
        self,
        begin_ns: int,
        address: int,
        endpoint_address: int,
        kind: TransferType,
        setup: Setup | None,
        data: bytes,
        packets: list[int],
        *,
        stalled: bool = False,
    ) -> None:
        status = Status.STALLED if stalled else Status.COMPLETED
        self.records.append(
            TransferRecord(begin_ns, self.now_ns, address, endpoint_address, kind, status, setup, data, tuple(packets))
        )

    def bulk(self, endpoint_address: int, data: bytes, naks: int = 0) -> None:
        begin_ns, pid, packets = self.now_ns, Pid.DATA0, []
        token = Pid.IN if endpoint_address & 0x80 else Pid.OUT
        for _ in range(naks):
            out = token is Pid.OUT
            self.transaction(
                token, 1, endpoint_address & 15, pid if out else None, data[:64] if out else b"", handshake=Pid.NAK
            )
            self.now_ns += 1000
        for position in range(0, len(data) + 1, 64):
            packet = data[position : position + 64]
            self.transaction(token, 1, endpoint_address & 15, pid, packet)
            pid = pid.toggled
            packets.append(len(packet))
        self.transfer(begin_ns, 1, endpoint_address, TransferType.BULK, None, data, packets)


def short_trace() -> list[Record]:
    """Enumeration, a string request that is stalled, bulk both ways with NAKs, a spoiled packet, a reset."""
    script = Script()
    script.event(BusEventKind.PLUG)
    script.event(BusEventKind.ATTACH, 15_000_000)
    script.event(BusEventKind.RESET_BEGIN, 100_000_000)
    script.event(BusEventKind.RESET_END, 10_000_000)
    script.event(BusEventKind.SOF)
    script.now_ns += 4000
    script.control_in(0, Setup(0x80, 6, 0x0100, 0, 64), DEVICE)
    begin_ns = script.now_ns
    script.transaction(Pid.SETUP, 0, 0, Pid.DATA0, Setup(0x00, 5, 1).pack())
    script.transaction(Pid.IN, 0, 0, Pid.DATA1)
    script.transfer(begin_ns, 0, 0, TransferType.CONTROL, Setup(0x00, 5, 1), b"", [])
    script.now_ns += 2_000_000
    script.control_in(1, Setup(0x80, 6, 0x0200, 0, 255), CONFIGURATION)
    script.control_in(1, Setup(0x80, 6, 0x03EE, 0x0409, 255), b"", stalled=True)
    script.bulk(0x02, b"print(6 * 7)\r\n" * 20, naks=3)
    script.bulk(0x82, b"42\r\n>>> ", naks=40)
    script.transaction(Pid.OUT, 1, 2, Pid.DATA1, b"spoiled", handshake=None, fault=Fault.CRC)
    script.transaction(Pid.OUT, 1, 2, Pid.DATA1, b"lost", handshake=None, fault=Fault.LOST_DATA)
    begin_ns = script.now_ns
    script.transaction(Pid.IN, 1, 3, Pid.DATA0, bytes(range(32)), handshake=None)
    script.transfer(begin_ns, 1, 0x83, TransferType.ISOCHRONOUS, None, bytes(range(32)), [32])
    script.event(BusEventKind.RESET_BEGIN, 500_000_000)
    script.event(BusEventKind.RESET_END, 10_000_000)
    script.control_in(0, Setup(0x80, 6, 0x0100, 0, 64), DEVICE)
    return script.records


def long_trace(transactions: int) -> Iterator[Record]:
    """At least so many transactions of ordinary traffic, made as they are asked for."""
    script = Script()
    made = 0
    line = bytes(range(64)) * 8
    while made < transactions:
        script.records.clear()
        script.bulk(0x02, line, naks=1)
        script.bulk(0x82, line, naks=9)
        script.now_ns += 300_000
        made += sum(isinstance(record, TransactionRecord) for record in script.records)
        yield from script.records


def feed(observer: BusObserver, records: list[Record]) -> None:
    """Report records to an observer."""
    for record in records:
        if isinstance(record, TransactionRecord):
            observer.transaction(record)
        elif isinstance(record, TransferRecord):
            observer.transfer(record)
        elif record.kind is not BusEventKind.SOF or observer.wants_sof:
            observer.event(record)

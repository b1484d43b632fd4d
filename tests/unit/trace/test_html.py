from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from collections.abc import Iterable

from renode_pico.trace.html import EVENT, STATES, TRANSACTION, TRANSFER, HtmlTrace
from renode_pico.usb.observe import TransactionRecord, TransferRecord
from renode_pico.usb.transfer import Status
from renode_pico.usb.wire import Pid
from tests.unit.trace.records import Record, feed, long_trace, short_trace

HEAD = struct.Struct("<dd8BIIHH")


def page(records: Iterable[Record], title: str = "a trace") -> str:
    stream = io.BytesIO()
    writer = HtmlTrace(stream, title=title)
    feed(writer, list(records))
    writer.close()
    return stream.getvalue().decode()


def unpack(text: str) -> list[tuple[tuple[float, ...], bytes]]:
    found = []
    for block in re.findall(r'<script type="text/plain" class="records">([^<]*)</script>', text):
        raw = zlib.decompress(base64.b64decode(block))
        (count,) = struct.unpack_from("<I", raw)
        data = 4 + count * HEAD.size
        for number in range(count):
            head = HEAD.unpack_from(raw, 4 + number * HEAD.size)
            found.append((head, raw[data : data + head[11]]))
            data += head[11]
        assert data == len(raw)
    return found


def test_the_page_needs_nothing_else() -> None:
    text = page(short_trace())
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", text)
    assert text.rstrip().endswith("</html>")


def test_a_title_cannot_break_the_page() -> None:
    assert "<h1>&lt;script&gt;</h1>" in page([], "<script>")


def test_runs_of_naks_are_one_record() -> None:
    records = short_trace()
    naks = sum(record.nak_count for record in records if isinstance(record, TransactionRecord))
    runs = [head[10] for head, _ in unpack(page(records)) if head[2] == TRANSACTION and head[10]]
    assert sum(runs) == naks
    assert 40 in runs
    assert len(runs) < 10


def test_a_run_ends_before_its_endpoints_next_record() -> None:
    heads = [head for head, _ in unpack(page(short_trace())) if head[5] == 0x82]
    assert [(head[2], bool(head[10])) for head in heads[:2]] == [(TRANSACTION, True), (TRANSACTION, False)]
    assert heads[2][2] == TRANSFER
    assert heads[0][1] <= heads[1][0]


def test_data_setup_and_state_are_kept() -> None:
    records = short_trace()
    found = unpack(page(records))
    data = [data for head, data in found if head[2] == TRANSACTION and not head[10]]
    expected = [
        record.data for record in records if isinstance(record, TransactionRecord) and record.handshake is not Pid.NAK
    ]
    assert data == expected
    transfers = [record for record in records if isinstance(record, TransferRecord)]
    kept = [(head, setup) for head, setup in found if head[2] == TRANSFER]
    assert [setup for _, setup in kept] == [record.setup.pack() if record.setup else b"" for record in transfers]
    assert [STATES[int(head[6])] for head, _ in kept] == [record.status for record in transfers]
    assert Status.STALLED in [record.status for record in transfers]
    assert sum(head[2] == EVENT for head, _ in found) == 6


def test_a_long_trace_is_written_while_it_is_recorded() -> None:
    stream = io.BytesIO()
    writer = HtmlTrace(stream)
    sizes = set()
    for record in long_trace(20_000):
        feed(writer, [record])
        sizes.add(stream.tell())
    writer.close()
    assert len(sizes) > 2
    assert sum(head[10] or 1 for head, _ in unpack(stream.getvalue().decode()) if head[2] == TRANSACTION) >= 20_000

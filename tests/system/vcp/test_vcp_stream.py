"""pyb.USB_VCP: reading, writing, time-outs, and the stream protocol (rows V7 to V13, V15)."""

from __future__ import annotations

import pytest

from renode_pico.errors import ScriptError
from tests.system.vcp.conftest import OPENED, Vcp, both_pumps, c_pump, pattern


def send(vcp: Vcp, data: bytes, port: int = 0) -> None:
    """Send to a port, and let it arrive."""
    vcp.port(port).write(data)
    vcp.run(OPENED)


@pytest.mark.row("V7.any", "V7.close")
@both_pumps
def test_any_and_close(vcp: Vcp, pump: str) -> None:
    assert vcp.eval("v.any()") is False
    send(vcp, b"x")
    assert vcp.eval("(v.any(), w.any(), v.close(), v.any(), v.read(), v.any())") == (
        True,
        False,
        None,
        True,
        b"x",
        False,
    )


@pytest.mark.row("V8.at-most-n", "V8.all", "V8.none")
@both_pumps
def test_read(vcp: Vcp, pump: str) -> None:
    assert vcp.eval("(v.read(), v.read(5), v.read(0))") == (None, None, b"")
    vcp.exec("v.setinterrupt(-1)")  # a stock image takes Ctrl-C away at the prompt, too
    send(vcp, pattern(300))
    assert vcp.eval("(v.read(10), v.read(1), v.read(1000), v.read(1), v.read())") == (
        pattern(300)[:10],
        pattern(300)[10:11],
        pattern(300)[11:],
        None,
        None,
    )
    send(vcp, pattern(100))
    assert vcp.eval("v.read()") == pattern(100)


@pytest.mark.row("V9.count", "V9.maxlen", "V9.none")
@both_pumps
def test_readinto(vcp: Vcp, pump: str) -> None:
    vcp.exec("b = bytearray(8)")
    assert vcp.eval("(v.readinto(b), v.readinto(b, 4))") == (None, None)
    send(vcp, b"abcdefghijklmnopqrst")
    assert vcp.eval("(v.readinto(b), b)") == (8, bytearray(b"abcdefgh"))
    assert vcp.eval("(v.readinto(b, 3), b)") == (3, bytearray(b"ijkdefgh"))
    assert vcp.eval("(v.readinto(memoryview(b)[6:], 100), b)") == (2, bytearray(b"ijkdeflm"))
    assert vcp.eval("(v.readinto(b, 100), b)") == (7, bytearray(b"nopqrstm"))
    assert vcp.eval("(v.readinto(b), b)") == (None, bytearray(b"nopqrstm"))


@pytest.mark.row("V10.newline", "V10.none", "V10.readlines")
@both_pumps
def test_lines(vcp: Vcp, pump: str) -> None:
    assert vcp.eval("(v.readline(), v.readlines())") == (None, [])
    send(vcp, b"one\ntwo\r\n\nfour")
    assert vcp.eval("(v.readline(), v.readlines(), v.readline())") == (b"one\n", [b"two\r\n", b"\n", b"four"], None)
    send(vcp, b"a\nb\n")
    assert vcp.eval("[line for line in v]") == [b"a\n", b"b\n"]


@pytest.mark.row("V11.count")
@both_pumps
@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 512, 1000])
def test_write_sends_it_all(vcp: Vcp, pump: str, length: int) -> None:
    port = vcp.port()
    vcp.exec(f"data = bytes((i * 7 + (i >> 8) * 13) & 0xff for i in range({length}))")
    assert vcp.eval("v.write(data)") == length
    vcp.run(OPENED)
    assert port.read() == pattern(length)


@pytest.mark.row("V11.count")
@c_pump
def test_write_takes_any_buffer(vcp: Vcp) -> None:
    port = vcp.port()
    vcp.exec("import array")
    assert vcp.eval("v.write(bytearray(b'ab'))") == 2
    assert vcp.eval("v.write(memoryview(b'abcdef')[2:4])") == 2
    assert vcp.eval("v.write('ef')") == 2
    assert vcp.eval("v.write(array.array('H', [0x6867]))") == 2
    assert vcp.eval("v.write(b'ijkl', 1)") == 1
    assert vcp.eval("v.write(b'ijkl', 1, 2)") == 2
    assert vcp.eval("v.write(b'')") == 0
    vcp.run(OPENED)
    assert port.read() == b"abcdefghijk"
    with pytest.raises(ScriptError, match="TypeError"):
        vcp.exec("v.write(5)")


@both_pumps
def test_full_packets_end_with_an_empty_one(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    port.close()
    port.set_control_line_state(True, True)
    vcp.run(OPENED)
    vcp.exec("v.write(bytes(128))")
    endpoint = vcp.pico.device.endpoint(port.function.bulk_in.bEndpointAddress)
    assert endpoint.read(1000) == bytes(128)  # ends: a host that asks for more does not wait for ever


@pytest.mark.row("V12.bytes", "V12.count")
@both_pumps
def test_recv(vcp: Vcp, pump: str) -> None:
    send(vcp, b"0123456789")
    vcp.exec("b = bytearray(4)")
    assert vcp.eval("(v.recv(3), v.recv(b), b, v.recv(0))") == (b"012", 4, bytearray(b"3456"), b"")
    assert vcp.eval("(v.recv(3, timeout=0), v.recv(3, timeout=0), v.recv(b, timeout=0))") == (b"789", b"", 0)


@pytest.mark.row("V12.timeout", "V12.default-5-s")
@both_pumps
def test_recv_waits_as_long_as_it_is_told(vcp: Vcp, pump: str) -> None:
    send(vcp, b"abc")
    vcp.exec("t = time.ticks_us(); r = v.recv(10, timeout=250); t = time.ticks_diff(time.ticks_us(), t)")
    assert vcp.eval("r") == b"abc"
    assert 250_000 <= vcp.eval("t") <= 256_000
    vcp.exec("t = time.ticks_us(); r = v.recv(bytearray(2)); t = time.ticks_diff(time.ticks_us(), t)")
    assert vcp.eval("r") == 0
    assert 5_000_000 <= vcp.eval("t") <= 5_006_000


@pytest.mark.row("V12.bytes")
@both_pumps
def test_recv_returns_when_it_has_what_it_waits_for(vcp: Vcp, pump: str) -> None:
    port = vcp.port()

    def later() -> None:
        vcp.run(0.1)
        port.write(b"late")

    assert vcp.meanwhile("print('go'); print(v.recv(4, timeout=60000))", later) == "go\nb'late'\n"


@pytest.mark.row("V13.int", "V13.buf")
@both_pumps
def test_send(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    assert vcp.eval("(v.send(b'bytes'), v.send(0x41), v.send(bytearray(b'z')), v.send(b''))") == (5, 1, 1, 0)
    vcp.run(OPENED)
    assert port.read() == b"bytesAz"


@pytest.mark.row("V13.cut-short")
@both_pumps
def test_send_is_cut_short_by_its_timeout(vcp: Vcp, pump: str) -> None:
    vcp.exec("t = time.ticks_us(); r = v.send(b'nobody', timeout=200); t = time.ticks_diff(time.ticks_us(), t)")
    assert vcp.eval("r") == 0  # no host has the port open
    assert 200_000 <= vcp.eval("t") <= 206_000
    vcp.ports[0].set_control_line_state(True, True)  # open, but it does not read
    vcp.run(OPENED)
    vcp.exec("data = bytes((i * 7 + (i >> 8) * 13) & 0xff for i in range(4000))")
    vcp.exec("t = time.ticks_us(); r = v.send(data, timeout=200); t = time.ticks_diff(time.ticks_us(), t)")
    sent = vcp.eval("r")
    assert 0 < sent < 4000
    assert 200_000 <= vcp.eval("t") <= 220_000
    port = vcp.port()
    vcp.run(0.05)
    assert port.read() == pattern(4000)[:sent]


@pytest.mark.row("V13.default-5-s")
@both_pumps
def test_send_gives_up_after_five_seconds_by_default(vcp: Vcp, pump: str) -> None:
    vcp.exec("t = time.ticks_us(); r = v.send(b'nobody'); t = time.ticks_diff(time.ticks_us(), t)")
    assert vcp.eval("r") == 0  # no host has the port open
    assert 5_000_000 <= vcp.eval("t") <= 5_006_000


@pytest.mark.row("V15.poll-in", "V15.poll-out")
@both_pumps
def test_poll(vcp: Vcp, pump: str) -> None:
    vcp.exec("import select; p = select.poll(); p.register(v, select.POLLIN | select.POLLOUT)")
    assert vcp.eval("[flags for _, flags in p.poll(0)]") == [4]
    send(vcp, b"x")
    assert vcp.eval("[flags for _, flags in p.poll(0)]") == [5]
    vcp.exec("v.init(flow=0); v.write(bytes(900))")  # nobody reads: the port is closed on the host's side
    vcp.exec("v.read(); v.write(bytes(900))")
    vcp.exec("p.modify(v, select.POLLIN); w.init(flow=0); w.write(bytes(900))")
    assert vcp.eval("p.poll(0)") == []
    vcp.exec("q = select.poll(); q.register(w, select.POLLOUT)")
    assert vcp.eval("q.poll(0)") == []  # more than half full


@pytest.mark.row("V15.poll-in")
@both_pumps
def test_poll_waits_for_data(vcp: Vcp, pump: str) -> None:
    port = vcp.port(1)
    vcp.exec("import select; p = select.poll(); p.register(w, select.POLLIN)")

    def later() -> None:
        vcp.run(0.1)
        port.write(b"wake up")

    code = (
        "print('go'); t = time.ticks_ms(); r = p.poll(60000); print(len(r), time.ticks_diff(time.ticks_ms(), t) < 200)"
    )
    assert vcp.meanwhile(code, later) == "go\n1 True\n"


@pytest.mark.row("V15.print")
@both_pumps
def test_print_to_a_port(vcp: Vcp, pump: str) -> None:
    port = vcp.port(1)
    vcp.exec("print('six', 6, file=w)")
    vcp.run(OPENED)
    assert port.read() == b"six 6\n"


@pytest.mark.row("V4.ctrl-c", "V15.dupterm")
@both_pumps
def test_dupterm_makes_it_a_console(vcp: Vcp, pump: str) -> None:
    port = vcp.port()
    vcp.console.exit_raw()
    vcp.console.stream.write(b"import os; os.dupterm(v)\r")
    vcp.run(0.1)
    port.read_available()
    port.write(b"6 * 7\r")
    assert port.read_until(b">>> ") == b"6 * 7\r\n42\r\n>>> "
    port.write(b"while True: pass\r\r")
    vcp.run(0.05)
    port.write(b"\x03")
    assert b"KeyboardInterrupt" in port.read_until(b">>> ")
    if pump == "c":
        port.write(b"typed\x03")  # at the prompt it is the line editor's
        assert port.read_until(b">>> ") == b"typed\r\n>>> "

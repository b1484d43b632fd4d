"""pyb.USB_VCP: the interrupt character and irq (rows V4, V14)."""

from __future__ import annotations

import pytest

from renode_pico.errors import ScriptError
from tests.system.vcp.conftest import OPENED, Vcp, both_pumps, c_pump, pattern

BUSY = """
def busy(ms):
    t = time.ticks_ms()
    try:
        print('busy')
        while time.ticks_diff(time.ticks_ms(), t) < ms:
            pass
        print('undisturbed')
    except KeyboardInterrupt:
        print('interrupted', time.ticks_diff(time.ticks_ms(), t) < 100)
"""


def busy_while(vcp: Vcp, data: bytes, code: str = "busy(40)", port: int = 0) -> str:
    """What a busy program prints while the host sends `data`."""
    end = vcp.port(port)

    def type_it() -> None:
        end.write(data)

    return vcp.meanwhile(BUSY + code, type_it)


@pytest.mark.row("V4.ctrl-c")
@both_pumps
def test_ctrl_c_interrupts_a_busy_program_and_is_not_data(vcp: Vcp, pump: str) -> None:
    assert busy_while(vcp, b"ab\x03cd") == "busy\ninterrupted True\n"
    vcp.run(0.02)
    assert vcp.eval("v.read()") == b"abcd"


@pytest.mark.row("V4.ctrl-c")
@both_pumps
def test_ctrl_c_on_any_port(vcp: Vcp, pump: str) -> None:
    assert busy_while(vcp, b"\x03", port=1) == "busy\ninterrupted True\n"
    assert busy_while(vcp, b"\x03", port=0) == "busy\ninterrupted True\n"


@pytest.mark.row("V4.another")
@both_pumps
def test_another_character(vcp: Vcp, pump: str) -> None:
    assert busy_while(vcp, b"a\x03b", "v.setinterrupt(ord('q')); busy(40)") == "busy\nundisturbed\n"
    assert vcp.eval("v.read()") == b"a\x03b"
    assert busy_while(vcp, b"aqb") == "busy\ninterrupted True\n"
    vcp.run(0.02)
    assert vcp.eval("v.read()") == b"ab"
    assert busy_while(vcp, b"q", port=1) == "busy\nundisturbed\n"
    assert vcp.eval("w.read()") == b"q"


@pytest.mark.row("V4.minus-one-raw")
@both_pumps
def test_minus_one_passes_every_byte(vcp: Vcp, pump: str) -> None:
    every = bytes(range(256))
    assert busy_while(vcp, every, "v.setinterrupt(-1); busy(40)") == "busy\nundisturbed\n"
    assert vcp.eval("v.read()") == every


@pytest.mark.row("V4.ctrl-c")
@both_pumps
def test_an_interrupt_ends_a_wait(vcp: Vcp, pump: str) -> None:
    for wait in (
        "v.recv(1, timeout=60000)",
        "v.send(b'x', timeout=60000)",
        "v.init(flow=v.CTS) or v.write(bytes(9000))",
    ):
        vcp.ports[0].close()
        end = vcp.ports[0]
        code = f"print('busy')\ntry:\n    {wait}\nexcept KeyboardInterrupt:\n    print('interrupted')"
        assert vcp.meanwhile(code, lambda end=end: end._out.write(b"\x03")) == "busy\ninterrupted\n"  # type: ignore[misc]
        vcp.run(0.05)
    assert vcp.eval("v.read()") is None


@pytest.mark.row("V4.ctrl-c")
@c_pump
def test_an_interrupt_reaches_a_program_whose_scheduler_is_locked(vcp: Vcp) -> None:
    """A scheduled function keeps the USB task from running; the packet is looked at in the interrupt."""
    code = """
import micropython
def slow(_):
    global seen
    t = time.ticks_ms()
    try:
        while time.ticks_diff(time.ticks_ms(), t) < 200:
            pass
        seen = 'undisturbed'
    except KeyboardInterrupt:
        seen = 'interrupted'
print('busy')
time.sleep_ms(2)
micropython.schedule(slow, None)
time.sleep_ms(300)
print(seen)
"""
    end = vcp.port()
    assert vcp.meanwhile(code, lambda: vcp.run(0.05) or end.write(b"\x03")) == "busy\ninterrupted\n"  # type: ignore[func-returns-value]


@pytest.mark.row("V14.one-argument", "V14.new-data", "V14.none")
@both_pumps
def test_irq_is_called_with_the_port_when_data_arrives(vcp: Vcp, pump: str) -> None:
    vcp.exec("calls = []\ndef handler(port):\n    calls.append((port is v, port.read()))\nv.irq(handler, v.IRQ_RX)")
    assert busy_while(vcp, b"first") == "busy\nundisturbed\n"
    assert vcp.eval("calls") == [(True, b"first")]
    assert busy_while(vcp, pattern(200), "v.setinterrupt(-1); busy(40)") == "busy\nundisturbed\n"
    assert b"".join(data for _, data in vcp.eval("calls")[1:]) == pattern(200)
    assert busy_while(vcp, b"other port", port=1) == "busy\nundisturbed\n"
    count = len(vcp.eval("calls"))
    vcp.exec("v.irq(None)")
    assert busy_while(vcp, b"nobody cares") == "busy\nundisturbed\n"
    assert len(vcp.eval("calls")) == count
    assert vcp.eval("v.read()") == b"nobody cares"


@both_pumps
def test_irq_checks_its_arguments(vcp: Vcp, pump: str) -> None:
    for arguments in ("5", "print, 2", "print, v.IRQ_RX | 2"):
        with pytest.raises(ScriptError, match="ValueError"):
            vcp.exec(f"v.irq({arguments})")
    if pump == "python":
        with pytest.raises(ScriptError, match="hard unsupported"):
            vcp.exec("v.irq(print, hard=True)")


@pytest.mark.row("V14.hard")
@c_pump
def test_a_hard_handler_runs_in_the_interrupt(vcp: Vcp) -> None:
    """It runs although the scheduler is locked, and must not allocate."""
    code = """
import micropython
data = bytearray(8)
seen = [0, 0]
def handler(port):
    seen[0] = port.readinto(data)
    seen[1] += 1
v.irq(handler, hard=True)
def slow(_):
    global found
    t = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), t) < 200 and not seen[1]:
        pass
    found = list(seen), bytes(data)
print('busy')
time.sleep_ms(2)
micropython.schedule(slow, None)
time.sleep_ms(300)
print(found)
"""
    end = vcp.port()
    printed = vcp.meanwhile(code, lambda: vcp.run(0.05) or end.write(b"hello"))  # type: ignore[func-returns-value]
    assert printed == "busy\n([5, 1], b'hello\\x00\\x00\\x00')\n"


@pytest.mark.row("V14.hard")
@c_pump
def test_a_hard_handler_writes_what_there_is_room_for(vcp: Vcp) -> None:
    vcp.exec(
        "buf = bytearray(64)\nlengths = bytearray(64)\ndef handler(port):\n"
        "    n = port.readinto(buf)\n    lengths[n] = port.write(buf, n) or 99\n"
        "v.irq(handler, hard=True)"
    )
    port = vcp.port()
    port.write(b"answer me")
    assert port.read() == b"answer me"
    port.close()
    port.set_control_line_state(True, True)  # open, but it does not read
    vcp.exec("v.init(flow=v.CTS); lengths[9] = 0\nwhile v._put(bytes(16), 0, 16) == 16: pass")
    assert busy_while_silent(vcp, b"too late!") == "busy\nundisturbed\n"
    assert vcp.eval("lengths[9]") in (9, 99)  # all, or nothing: as much as there was room for


def busy_while_silent(vcp: Vcp, data: bytes) -> str:
    """As `busy_while`, on port 0 as it is."""
    return vcp.meanwhile(BUSY + "busy(40)", lambda: vcp.ports[0].write(data))


@c_pump
def test_a_hard_handler_that_fails_is_not_called_again(vcp: Vcp) -> None:
    code = "def handler(port):\n    return [0] * 100\nv.irq(handler, hard=True)\nbusy(40)"
    printed = busy_while(vcp, b"x", code)
    assert "MemoryError" in printed
    assert "undisturbed" in printed
    assert busy_while(vcp, b"y") == "busy\nundisturbed\n"
    assert vcp.eval("v.read()") == b"xy"


@both_pumps
def test_the_console_interrupts_a_program_anywhere_and_the_port_works_on(vcp: Vcp, pump: str) -> None:
    """KeyboardInterrupt from elsewhere: it must not end the port's own callbacks, nor leave it half way."""
    port = vcp.port()
    vcp.exec(
        "v.init(flow=v.RTS | v.CTS); v.setinterrupt(-1)\ndef echo():\n    while True:\n        v.write(v.read() or b'')"
    )
    for i in range(8):
        sent = pattern(700, i)

        def traffic(sent: bytes = sent, delay: float = 0.0005 + 0.00037 * i) -> None:
            port.submit_write(sent)
            vcp.run(delay)
            vcp.console.stream.write(b"\x03")

        code = "print('go')\ntry:\n    echo()\nexcept KeyboardInterrupt:\n    print('interrupted')"
        assert vcp.meanwhile(code, traffic) == "go\ninterrupted\n"
        # An interrupt between `read` and `write` loses what was read: one piece, and never what the port holds.
        vcp.exec("while v.any(): v.write(v.read()); time.sleep_ms(2)")
        vcp.run(0.02)
        received = port.read_available()
        lost = len(sent) - len(received)
        assert any(received == sent[:at] + sent[at + lost :] for at in range(len(received) + 1))
        vcp.exec("v.write(b'end')")
        vcp.run(OPENED)
        assert port.read_available() == b"end"

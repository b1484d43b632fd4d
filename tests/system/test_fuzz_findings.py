"""docs/fuzz-findings.md: each finding shows itself again, in its smallest program (row Z4)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from renode_pico.engine.select import EngineName
from renode_pico.firmware.find import find_image
from renode_pico.fuzz.case_file import Setting, image_hash, read_case
from renode_pico.fuzz.program import Action, Control, Program, Receive, Reset, Send, Spoil, Unplug, Wait
from renode_pico.fuzz.replay import replay
from renode_pico.fuzz.target import Target
from renode_pico.pytest_plugin import engine_of
from renode_pico.usb.transfer import Setup
from renode_pico.usb.wire import Fault

CASES = sorted((Path(__file__).parent / "fuzz_cases").glob("*.toml"))
"""As the fuzzer wrote them; the page names each."""
PAGE = (Path(__file__).parents[2] / "docs" / "fuzz-findings.md").read_text(encoding="utf-8")
CODING = bytes.fromhex("00 00 00 00 00 00 00 00 00 00 00 00 00 78 d1 fa a5 f8 4c 22 ab 81 99 44 8c 25 32")
FINDINGS: dict[str, tuple[str, tuple[Action, ...], str]] = {
    "line-coding": ("chip/usb_composite", (Control(Setup(0x21, 0x20, 0, 5, 27), CODING),), "tu_fifo_read_n"),
    "late-completion": ("cdc", (Send(0x02, b"U"), Control(Setup(0x00, 9, 0x80))), "ep 00 was already available"),
    "late-completion-reset": ("chip/usb_composite", (Send(0x04), Reset()), "ep 00 was already available"),
    "set-configuration": ("cdc", (Control(Setup(0x00, 9, 2)),), "SET_CONFIGURATION(2) is accepted"),
    "set-interface": ("chip/usb_composite", (Control(Setup(0x01, 11, 1)),), "SET_INTERFACE is accepted"),
    "revoked": (
        "chip/usbtest",
        (Control(Setup(0x02, 3, 0, 0x81)),),
        "changed without EP_ABORT_DONE",
    ),
    "late-address": (
        "uart-cdc",
        (Send(0x02, b"\0\1\2"), Send(0x02, b"\0\1\2\1\4"), Wait(1000), Reset()),  # soft reset from the raw REPL
        "the device does not answer after a bus reset",
    ),
    "same-configuration": ("chip/usbtest", (Receive(0x81, 64), Control(Setup(0x00, 9, 1))), "DATA1 where DATA0 is due"),
    "video-entity": ("chip/usb_video", (Control(Setup(0xA1, 0x82, 0, 0x0100, 1)),), "no end of it"),
    "audio-feature": ("chip/usb_audio", (Control(Setup(0x01, 1, 0, 0, 0)),), "no end of it"),
    "data-nobody-wants": ("chip/usb_composite", (Control(Setup(0x21, 0x0B, 0, 0, 1), b"\0"),), "no end of it"),
}


@pytest.mark.engine("embedded", reason="the programs' instants are those of the engine on which they were found")
@pytest.mark.row("Z4.explained")
@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_of_the_page_shows_itself(name: str) -> None:
    firmware, actions, text = FINDINGS[name]
    assert f'id="{name}"' in PAGE
    outcome = replay(Setting(firmware), Program(actions)).outcome
    assert any(text in f"{finding.text} {finding.stack}" for finding in outcome.findings), outcome


@pytest.mark.engine("embedded", reason="the programs' instants are those of the engine on which they were found")
@pytest.mark.row("Z4.explained")
@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.stem))
def test_a_case_that_was_kept_shows_itself(path: Path) -> None:
    case = read_case(path)
    assert f"`{path.name}`" in PAGE
    assert case.finding is not None
    result = replay(case.setting, case.program)
    assert result.outcome.shows(case.finding.key), result.outcome
    if image_hash(find_image(case.setting.firmware)) == case.sha256:
        assert result.sha256 == case.trace


@pytest.mark.engine("embedded", reason="the programs' instants are those of the engine on which they were found")
def test_what_the_look_itself_halts_is_no_finding() -> None:
    """usbtest halts an endpoint for data that are not its pattern, such as the byte that the look sends."""
    outcome = replay(Setting("chip/usbtest"), Program((Spoil(Fault.LOST_HANDSHAKE, 0x01, 1, 0),))).outcome
    assert outcome.findings == []


@pytest.mark.usefixtures("own_board")
def test_an_upload_from_a_memory_that_is_not_there_brings_nothing(request: pytest.FixtureRequest) -> None:
    """The program's own fault, which the fuzzer found; TinyUSB passes on whatever SET_INTERFACE said."""
    assert 'id="dfu-alternate"' in PAGE
    with Setting("chip/usb_instrument", engine=cast(EngineName, engine_of(request.config))).open() as board:
        target = Target(board)
        for alternate in (*range(2, 16), 0x7F, 0xFF):
            upload = Control(Setup(0x01, 11, alternate, 1)), Control(Setup(0xA1, 2, 0, 1, 48))
            outcome = target.run(Program(upload))
            assert [answer.data for answer in outcome.answers] == [b"", b""]
            assert [each.key for each in outcome.findings] == ["chapter9 set-interface"]


APPS = Path(__file__).parents[2] / "firmware" / "apps"
DISK = {name: (APPS / name).read_bytes() for name in ("composite_device.py", "msc_ramdisk.py")}
DISK["main.py"] = b"import msc_ramdisk\ndisk = msc_ramdisk.start()\n"


@pytest.mark.usefixtures("own_board")
def test_a_packet_longer_than_a_command_harms_nothing(request: pytest.FixtureRequest) -> None:
    """Our RAM disk gave TinyUSB a buffer of 31 bytes for a packet of up to 64, and lost what lay behind it."""
    assert 'id="long-packet"' in PAGE
    with Setting("uart", engine=cast(EngineName, engine_of(request.config)), files=DISK).open() as board:
        target = Target(board)
        for length in (32, 36, 63, 64):
            outcome = target.run(Program((Send(0x01, b"\x55" * length), Control(Setup(0xA1, 0xFE, 0, 0, 1)))))
            assert outcome.findings == []
            assert [answer.ended for answer in outcome.answers] == ["completed"] * 2


ONE = pytest.mark.engine("embedded", reason="a judge's own fault, which was the same on both engines")


@ONE
def test_a_request_without_end_is_told_as_such_without_an_address_too() -> None:
    """The judge took the device for silent, as it asked nothing of one that has no address."""
    program = Program((Control(Setup(0x00, 5, 0)), Control(Setup(0x02, 3, 0, 0))))
    assert [each.key for each in replay(Setting("cdc"), program).outcome.findings] == ["endless standard"]


@ONE
@pytest.mark.parametrize("then", [Control(Setup(0x00, 5, 0)), Receive(0x82, 65)], ids=["reset", "receive"])
def test_a_buffer_that_was_double_for_one_transfer_is_no_overrun(then: Action) -> None:
    """chip/usb_ecm sends back 65 bytes; the bus reset, or the packet that is left, came before the judge looked."""
    setting = Control(Setup(0x01, 11, 1, 1, 0))
    program = Program((setting, Send(0x02, bytes(64)), Send(0x02, b"\x9d"), then))
    outcome = replay(Setting("chip/usb_ecm"), program).outcome
    assert [each.key for each in outcome.findings if each.judge == "dpsram"] == []


@pytest.mark.engine("embedded", reason="programs of ours, which were the same on both engines")
@pytest.mark.parametrize("name", ["hid_keyboard", "midi_device", "msc_ramdisk", "dfu_runtime", "vendor_control"])
def test_our_examples_leave_no_request_without_an_end(name: str) -> None:
    """They said True to requests whose data nobody takes, and answered IN requests that ask for nothing."""
    files = {f"{each}.py": (APPS / f"{each}.py").read_bytes() for each in ("composite_device", name)}
    files["main.py"] = (
        files[f"{name}.py"] if name == "vendor_control" else f"import {name}\nx = {name}.start()\n".encode()
    )
    known = {"vendor_control": (1, 2), "hid_keyboard": (0x0A, 2), "msc_ramdisk": (0xFF, 0xFE), "dfu_runtime": (0, 3)}
    out, back = known.get(name, (1, 2))
    wrong: list[Action] = [Control(Setup(0x21, out, 0, 0, 1), b"\0"), Control(Setup(0xA1, back, 0, 0, 0))]
    if name != "vendor_control":
        wrong += [Control(Setup(0x01, 0, 0, 0, 2), b"\0\0"), Control(Setup(0x81, 0, 0, 0x0100, 2))]  # GET_STATUS
    with Setting("uart", files=files).open() as board:
        target = Target(board)
        outcome = target.run(Program(tuple(wrong)))
        assert outcome.findings == []
        assert [answer.ended for answer in outcome.answers] == ["stalled"] * len(wrong)
        if name != "vendor_control":
            taken = target.run(
                Program((Control(Setup(0x01, 10, 0, 0, 64), b"\xff" * 64), Control(Setup(0x81, 0, 0, 0, 2))))
            )
            assert [each.key for each in taken.findings] == ["endless standard"]  # and nothing was written
            assert taken.answers[1].data == b"\0\0"


DFU = {name: (APPS / name).read_bytes() for name in ("composite_device.py", "dfu_runtime.py")}
DFU["main.py"] = b"import dfu_runtime\ndfu = dfu_runtime.start()\n"
DETACH = Control(Setup(0x21, 0, 1000, 0))


@ONE
@pytest.mark.parametrize(
    "actions",
    [
        (DETACH, Unplug(0), Control(Setup(0x80, 6, 0x0100, 0, 18))),
        (DETACH, Unplug(0), Control(Setup(0x81, 0, 0, 0, 2))),
        (DETACH, Reset(), Control(Setup(0x80, 6, 0x0100, 0, 18))),
        (DETACH, Wait(40_000)),
    ],
    ids=["descriptor", "interface", "reset", "wait"],
)
def test_the_boot_rom_is_not_judged_as_the_device_before_it(actions: tuple[Action, ...]) -> None:
    outcome = replay(Setting("uart", files=DFU), Program(actions)).outcome
    assert outcome.rebooted
    assert outcome.findings == []

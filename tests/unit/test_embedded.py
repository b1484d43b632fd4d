"""The embedded engine with programs of a few instructions: time, reset, power, flash, pins, faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.clock import NS_PER_MS, NS_PER_S
from renode_pico.core.machine import Core
from renode_pico.engine.embedded import MAX_CLOSED_CHIPS, EmbeddedEngine
from renode_pico.errors import FirmwareError, ImageError, UsageError
from tests.unit.embedded_programs import ASLEEP, BAD_LOAD, BREAKPOINT, BUSY, Bus, engine_with

INSTRUCTION_S = 500e-9
"""More than the longest instruction, at the ring oscillator's 6.5 MHz."""
RESETS = 0x4000_C000
USBCTRL = 1 << 24
WATCHDOG_CTRL = 0x4005_8000
WATCHDOG_REASON = 0x4005_8008
SIE_CTRL, MAIN_CTRL, MUXING = 0x5011_004C, 0x5011_0040, 0x5011_0074
SET, CLEAR = 0x2000, 0x3000
DPSRAM = 0x5010_0000


def attach(engine: EmbeddedEngine) -> None:
    bus = Bus(engine)
    bus.write(RESETS + CLEAR, USBCTRL)
    bus.write(MUXING, 9)
    bus.write(MAIN_CTRL, 1)
    bus.write(SIE_CTRL + SET, 1 << 16)


@pytest.mark.parametrize("program", [BUSY, ASLEEP])
def test_run_ends_at_its_instant(tmp_path: Path, program: tuple[int, ...]) -> None:
    engine = engine_with(tmp_path, program)
    engine.run(0.0025)
    assert 0 <= engine.now - 0.0025 < INSTRUCTION_S
    engine.run(0.0015)
    assert 0 <= engine.now - 0.004 < 2 * INSTRUCTION_S


def test_instructions_are_counted_and_sleep_is_not(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY, cores=1)
    engine.run(0.001)
    assert engine.instructions == pytest.approx(6500 / 2, abs=2), "a branch takes two cycles of the ring oscillator"
    engine.reset()
    engine.run(0.001)
    assert engine.instructions == pytest.approx(2 * 6500 / 2, abs=4)
    asleep = engine_with(tmp_path, ASLEEP, cores=1)
    asleep.run(1)
    assert asleep.instructions < 100


def test_two_runs_are_the_same_run(tmp_path: Path) -> None:
    def trace() -> list[tuple[int, int]]:
        engine = engine_with(tmp_path, BUSY)
        seen: list[tuple[int, int]] = []
        alarm = engine._clock.alarm(lambda: seen.append((engine._clock.now_ns, engine.instructions)))
        for _ in range(20):
            alarm.schedule(1_234_567)
            engine.run(0.002)
        return seen

    first = trace()
    assert len(first) == 20
    assert first == trace()


def test_alarms_of_one_instant_run_in_the_order_they_were_armed(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, ASLEEP)
    ran: list[str] = []
    alarms = {name: engine._clock.alarm(lambda name=name: ran.append(name)) for name in "abc"}  # type: ignore[misc]
    for name in "cab":
        alarms[name].schedule(1000)
    alarms["a"].schedule(1000)
    engine.run(0.001)
    assert ran == ["c", "b", "a"]


def test_an_alarm_at_zero_comes_before_time_goes_on(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    times: list[int] = []
    second = engine._clock.alarm(lambda: times.append(engine._clock.now_ns))

    def first() -> None:
        times.append(engine._clock.now_ns)
        second.schedule(0)

    engine._clock.alarm(first).schedule(5000)
    engine.run(0.001)
    assert times[0] == times[1]
    assert 5000 <= times[0] < 5000 + 1e9 * INSTRUCTION_S


def test_a_condition_is_looked_at_each_millisecond_and_when_poked(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    looks: list[float] = []

    def condition() -> bool:
        looks.append(engine.now)
        return False

    engine._clock.alarm(engine.runner.poke).schedule(400_000)
    assert engine.run_until(condition, 0.0026) is False
    assert [round(look * 1e6) for look in looks] == [0, 400, 1400, 2400, 2600]


def test_run_until_stops_when_it_holds(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    done: list[bool] = []

    def finish() -> None:
        done.append(True)
        engine.runner.poke()

    engine._clock.alarm(finish).schedule(123_456)
    assert engine.run_until(lambda: bool(done), 1) is True
    assert 123_456 <= round(engine.now * 1e9) < 123_456 + 1e9 * INSTRUCTION_S
    assert engine.run_until(lambda: True, 0) is True
    assert engine.run_until(lambda: False, 0) is False


def test_waiting_inside_an_event_is_refused(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    engine._clock.alarm(lambda: engine.run(1)).schedule(1000)
    with pytest.raises(RuntimeError, match="running already"):
        engine.run(0.001)


def test_an_exception_in_an_event_comes_out_and_the_engine_goes_on(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)

    def fail() -> None:
        raise KeyboardInterrupt

    engine._clock.alarm(fail).schedule(1000)
    with pytest.raises(KeyboardInterrupt):
        engine.run(0.001)
    engine.run(0.001)
    assert engine.now > 0.001


def test_the_boot_rom_runs_first_and_checks_the_second_stage(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY, boot_rom=True)
    assert engine.pc == 0xEE, "the reset vector of the boot ROM"
    engine.run(0.01)
    assert 0x2004_1F00 <= engine.pc < 0x2004_2000, "the second stage runs where the boot ROM copied it to"
    spoiled = engine_with(tmp_path, BUSY, boot_rom=True)
    spoiled.load_flash(b"\xff", 100)
    spoiled.run(0.01)
    assert spoiled.pc < 0x4000, "no valid second stage: the boot ROM goes to its USB boot"


# Faults


def test_a_breakpoint_is_the_end_of_the_firmware(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BREAKPOINT)
    with pytest.raises(FirmwareError, match=r"firmware\.bin: breakpoint 42 at 0x10000000 with no debugger attached"):
        engine.run(0.001)
    with pytest.raises(FirmwareError, match="breakpoint"):
        engine.run_until(lambda: False, 0.001)


def test_a_reset_gives_it_another_life(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BREAKPOINT)
    with pytest.raises(FirmwareError):
        engine.run(0.001)
    engine.load_flash(bytes((0xFE, 0xE7)), 0)
    engine.reset()
    engine.run(0.001)


def test_an_unaligned_load_without_a_vector_table_is_the_end(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BAD_LOAD)
    with pytest.raises(FirmwareError, match=r"bus fault: .* before the firmware has its own vector table"):
        engine.run(0.001)


def test_a_bad_address_goes_to_the_hard_fault_handler(tmp_path: Path) -> None:
    # ldr r0, =0xE000ED08; ldr r1, =0x10000100; str r1, [r0] (VTOR); movs r0, #1; ldr r1, [r0]; b .
    program = (0x4803, 0x4904, 0x6001, 0x2001, 0x6801, 0xE7FE, 0, 0, 0xED08, 0xE000, 0x0100, 0x1000)
    engine = engine_with(tmp_path, program)
    engine.load_flash((0x1000_0201).to_bytes(4, "little"), 0x10C)
    engine.load_flash(bytes((0xFE, 0xE7)), 0x200)
    engine.run(0.001)
    assert engine.pc & ~1 == 0x1000_0200
    assert engine._machine.core(0, Core.IPSR) == 3
    engine.load_flash(bytes((0x09, 0x68)), 0x200)  # ldr r1, [r1]: from where the program counter goes next
    engine._machine.set_core(0, 1, 0x3000_0000)
    with pytest.raises(FirmwareError, match=r"locked up: .* inside the hard fault handler"):
        engine.run(0.001)


def test_starting_core_1_is_refused_in_words_when_there_is_none(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY, cores=1)
    Bus(engine).write(0xD000_0054, 0)
    with pytest.raises(FirmwareError, match="starts core 1, but this board was made with one core"):
        engine.run(0.001)


def test_a_clock_that_stops_is_the_end(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    Bus(engine).write(0x4000_8000 + 0x3C, 1)  # CLK_SYS_CTRL.SRC: PLL_SYS, which has no power
    with pytest.raises(FirmwareError, match="clk_sys has stopped"):
        engine.run(0.001)
    engine.reset()
    engine.run(0.001)


def test_a_register_that_is_none_is_counted(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    assert engine.unmodelled == {}
    Bus(engine).read(0x4006_0100)
    Bus(engine).read(0x4006_0100)
    Bus(engine).write(0x4006_0100, 1)
    engine.run(0.001)
    assert engine.unmodelled == {"ROSC.0x100": 3}


# Reset and power


def test_reset_takes_the_device_off_the_bus_and_starts_again(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    attach(engine)
    engine.host.plug()
    assert engine.host.attached
    engine.run(0.001)
    engine.reset()
    assert not engine.host.attached
    assert engine.resets == 2
    assert engine.now >= 0.001


def test_the_resets_block_resets_the_controller(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    assert bus.read(RESETS + 8) & USBCTRL == 0, "held in reset from power-on"
    bus.write(RESETS + CLEAR, USBCTRL)
    assert bus.read(RESETS + 8) & USBCTRL
    attach(engine)
    assert engine.wire.pulled_up
    bus.write(RESETS + SET, USBCTRL)
    assert not engine.wire.pulled_up
    assert bus.read(MAIN_CTRL) == 0
    assert bus.read(RESETS + 8) & USBCTRL == 0


def test_the_watchdog_resets_the_chip_and_says_so(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    attach(engine)
    bus.write(0x4001_0008, 0x1_FFFC)  # PSM.WDSEL: all but the oscillators, as the SDK sets it
    bus.write(WATCHDOG_CTRL, 1 << 31)
    assert engine.resets == 1, "not in the middle of the instruction"
    engine.run(0.001)
    assert engine.resets == 2
    assert not engine.wire.pulled_up
    assert bus.read(WATCHDOG_REASON) == 2
    engine.reset()
    assert bus.read(WATCHDOG_REASON) == 0


def test_a_watchdog_that_is_not_fed_resets_once(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    bus.write(0x4002_4000, 0xFA_BAA0)  # XOSC: enabled
    bus.write(0x4000_8030, 2)  # CLK_REF: the crystal
    bus.write(0x4001_0008, 0x1_FFFC)  # PSM.WDSEL
    bus.write(0x4005_802C, 0x200 | 12)  # TICK: each microsecond
    bus.write(0x4005_8004, 2000)  # LOAD: 1 ms, it counts twice a tick
    bus.write(WATCHDOG_CTRL, 1 << 30)
    engine.run(0.0009)
    assert engine.resets == 1
    engine.run(0.02)
    assert engine.resets == 2
    assert bus.read(WATCHDOG_REASON) == 1


def test_power_cycle_loses_memory_and_keeps_flash(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    bus.write(0x2000_0000, 0x1234_5678)
    bus.write(DPSRAM + 0x200, 0x1234_5678)
    engine.load_flash(b"kept", 0x1000)
    engine.host.plug()
    engine.reset()
    assert bus.read(0x2000_0000) == 0x1234_5678
    assert engine.host.plugged
    engine.power_cycle()
    assert bus.read(0x2000_0000) == 0
    assert bus.read(DPSRAM + 0x200) == 0
    assert engine.flash()[0x1000:0x1004] == b"kept"
    assert engine.host.plugged


# Flash


def test_the_flash_file_outlives_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    engine = engine_with(tmp_path, BUSY, flash_file=path, flash_image=b"image", flash_offset=0x1F_0000)
    assert engine.flash()[0x1F_0000:0x1F_0005] == b"image"
    assert not path.exists()
    engine.load_flash(b"new", 0x1F_0000)
    engine.close()
    engine.close()
    assert path.stat().st_size == 2 * 1024 * 1024
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []
    again = engine_with(tmp_path, BUSY, flash_file=path, flash_image=b"image", flash_offset=0x1F_0000)
    assert again.flash()[0x1F_0000:0x1F_0005] == b"newge", "a board that has a flash keeps it"
    assert again.flash()[:2] == bytes((0xFE, 0xE7))
    again.load_flash(b"more", 0x1F_0000)
    again.power_cycle()
    assert path.read_bytes()[0x1F_0000:0x1F_0004] == b"more"


@pytest.mark.parametrize("offset", [-1, 2 * 1024 * 1024 - 3])
def test_what_does_not_fit_into_the_flash_is_refused(tmp_path: Path, offset: int) -> None:
    engine = engine_with(tmp_path, BUSY)
    with pytest.raises(ImageError, match="do not fit"):
        engine.load_flash(b"four", offset)
    with pytest.raises(ImageError, match="flash image: 4 bytes"):
        engine_with(tmp_path, BUSY, flash_image=b"four", flash_offset=offset)


def test_a_flash_image_under_the_firmware_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ImageError, match=r"at offset 0x80 it would be overwritten by firmware\.bin, which reaches 0x100"
    ):
        engine_with(tmp_path, BUSY, flash_image=b"lost", flash_offset=0x80)


def test_closed_engines_do_not_pile_up(tmp_path: Path) -> None:
    for _ in range(2 * MAX_CLOSED_CHIPS):
        engine_with(tmp_path, BUSY).close()
    assert len(EmbeddedEngine._closed_chips) <= MAX_CLOSED_CHIPS + 1


def test_a_damaged_flash_file_and_one_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    path.write_bytes(b"x")
    with pytest.raises(ImageError, match=r"flash\.bin: a saved flash has"):
        engine_with(tmp_path, BUSY, flash_file=path)
    engine = engine_with(tmp_path, BUSY, flash_file=tmp_path / "no" / "flash.bin")
    with pytest.raises(ImageError, match="cannot be saved"):
        engine.close()


# Pins and arguments


def test_gpio_both_ways(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    bus.write(0x4000_F000, 1 << 5)  # RESETS.RESET, cleared: IO_BANK0
    bus.write(0x4001_4000 + 8 * 25 + 4, 5)  # GPIO25_CTRL.FUNCSEL = SIO
    bus.write(0xD000_0024, 1 << 25)  # GPIO_OE_SET
    assert engine.gpio(25) is False
    bus.write(0xD000_0014, 1 << 25)  # GPIO_OUT_SET
    assert engine.gpio(25) is True
    assert bus.read(0xD000_0004) & 1 << 25, "a driven pin reads as it is driven"
    engine.set_gpio(3, True)
    assert bus.read(0xD000_0004) & 1 << 3
    engine.set_gpio(3, False)
    assert not bus.read(0xD000_0004) & 1 << 3
    bus.write(0x4000_F000, 1 << 8)  # PADS_BANK0
    bus.write(0x4001_C004 + 4 * 3, 0x5A)  # pulled up
    assert not engine.gpio(3)
    engine.release_gpio(3)
    assert engine.gpio(3), "it follows its pulls"
    with pytest.raises(UsageError, match="GPIO 30"):
        engine.release_gpio(30)


def test_something_is_done_at_an_address(tmp_path: Path) -> None:
    """Each time, before the instruction; GDB's points are others, and there is room for 32 of both."""
    engine = engine_with(tmp_path, (0x2001, 0x3001, 0xE7FD), cores=1)  # movs r0, #1; adds r0, #1; b back
    seen: list[tuple[int, int]] = []
    begin = engine.pc
    engine.at_address(begin + 2, lambda: seen.append((engine.pc, engine._machine.core(0, 0))))
    engine.run(10e-6)
    assert len(seen) > 10
    assert seen == [(begin + 2, value) for value in range(1, len(seen) + 1)]
    assert engine._debugged.set_breakpoints(set(range(0x2000_0000, 0x2000_003E, 2)))
    with pytest.raises(UsageError, match="no room"):
        engine.at_address(0x2000_1000, lambda: None)
    before = len(seen)
    engine._debugged.set_breakpoints(set())
    engine.run(10e-6)
    assert len(seen) > before, "GDB has left"


def test_what_is_done_at_an_address_may_fail(tmp_path: Path) -> None:
    def fails() -> None:
        raise ValueError("enough")

    engine = engine_with(tmp_path, BUSY, cores=1)
    engine.at_address(engine.pc, fails)
    with pytest.raises(ValueError, match="enough"):
        engine.run(0.001)


def test_pads_come_out_of_reset_as_on_the_chip(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    pads = [Bus(engine).read(0x4001_C004 + 4 * pin) for pin in range(30)]
    assert pads == [0x56] * 30, "PADS_BANK0_GPIOn_RESET"
    Bus(engine).write(0x4001_C004, 0)
    engine.reset()
    assert Bus(engine).read(0x4001_C004) == 0x56


def test_who_watches_pins_is_no_part_of_a_snapshot(tmp_path: Path) -> None:
    """It goes on watching where the board goes back, and one that has ended does not begin again."""
    engine = engine_with(tmp_path, ASLEEP)
    told: list[tuple[int, int, bool]] = []
    ended: list[int] = []
    before = engine.snapshot()
    with engine.pins_watched(lambda now, pin, level: told.append((now, pin, level))):
        with engine.pins_watched(lambda now, pin, level: ended.append(pin)):
            engine.run(0.001)
            engine.set_gpio(3, True)
            amid = engine.snapshot()
        assert (len(told), ended) == (1, [3])
        for snapshot, level in ((before, True), (amid, False)):
            engine.restore(snapshot)
            engine.set_gpio(3, level)
            assert told[-1] == (round(engine.now * NS_PER_S), 3, level)
    assert (len(told), ended) == (3, [3])
    engine.restore(amid)
    engine.set_gpio(3, False)
    assert (len(told), ended) == (3, [3])


def test_the_cables_supply_reaches_gpio_24(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    assert engine.gpio(24) is False
    engine.host.plug()
    assert engine.gpio(24) is True
    engine.host.unplug()
    assert engine.gpio(24) is False


def test_narrow_writes_to_dpsram_reach_the_controller(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    bus = Bus(engine)
    bus.write(DPSRAM + 0x300, 0x04030201)
    assert [bus.read(DPSRAM + 0x300 + n, 1) for n in range(4)] == [1, 2, 3, 4]
    assert bus.read(DPSRAM + 0x302, 2) == 0x0403
    attach(engine)
    engine.host.plug()
    told: list[int] = []
    engine.host.endpoint_ready = told.append  # type: ignore[method-assign, assignment]
    bus.write(DPSRAM + 0x08, 0x8800_0180)
    assert engine.wire.in_(0, 1) is not None, "answered NAK"
    bus.write(DPSRAM + 0x88, 1 << 15, 2)
    assert told == []
    bus.write(DPSRAM + 0x89, 0x84, 1)
    assert told == [0x81]


@pytest.mark.parametrize(("revision", "chip_id"), [("B1", 0x1000_2927), ("B2", 0x2000_2927)])
def test_the_revision_of_the_chip_is_a_choice(tmp_path: Path, revision: str, chip_id: int) -> None:
    assert Bus(engine_with(tmp_path, BUSY, chip_revision=revision)).read(0x4000_0000) == chip_id


def test_wrong_arguments_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="125 MIPS only, not at 50"):
        engine_with(tmp_path, BUSY, mips=50)
    with pytest.raises(UsageError, match="chip revision B7"):
        engine_with(tmp_path, BUSY, chip_revision="B7")
    engine = engine_with(tmp_path, BUSY)
    with pytest.raises(UsageError, match="UART 2"):
        engine.uart(2)
    with pytest.raises(UsageError, match="GPIO 30"):
        engine.gpio(30)


def test_random_bits_are_the_same_in_each_run(tmp_path: Path) -> None:
    def bits() -> list[int]:
        engine = engine_with(tmp_path, BUSY)
        return [Bus(engine).read(0x4006_001C) for _ in range(64)]

    assert bits() == bits()
    assert 16 < sum(bits()) < 48


def test_it_says_what_it_is(tmp_path: Path) -> None:
    engine = engine_with(tmp_path, BUSY)
    assert engine.name == "embedded"
    assert engine.version.startswith("renode-pico 0.")
    assert engine._clock.now_ns % NS_PER_MS == 0

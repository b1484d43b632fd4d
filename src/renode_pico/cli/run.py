"""`renode-pico run`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from renode_pico.cli.options import FACTOR, OUTPUT, SECONDS, BoardOptions, board_options

GPIO_COUNT = 30
DEFAULT_TIMEOUT = 60.0
"""Emulated seconds in which what is expected must have been seen when it is not said how many."""


@click.command("run")
@click.argument("image", required=False)
@click.option("--uart", "uarts", type=click.Choice(["0", "1"]), multiple=True, help="show UART1, too: --uart 1")
@click.option("--semihosting", is_flag=True, help="serve BKPT 0xAB of an image that does not look as if it had it")
@click.option("--keys", default="auto", metavar="NAME", help="what is typed to: uart0, cdc0, rtt, semihosting")
@click.option(
    "--expect", multiple=True, metavar="TEXT", help="end with exit code 0 once this, or /this/, was seen; repeatable"
)
@click.option(
    "--fail", multiple=True, metavar="TEXT", help="end with exit code 1 once this, or /this/, was seen; repeatable"
)
@click.option(
    "--timeout",
    type=SECONDS,
    metavar="SECONDS",
    help="end after so many emulated seconds; without it 60 with --expect, else never",
)
@click.option(
    "--speed",
    type=FACTOR,
    help="emulated seconds in a real one; 1 on a terminal, else 0: as fast as it can",
)
@click.option(
    "--press", "presses", multiple=True, metavar="NAME@TIME", help="push a button: bootsel@1.5s, bootsel@1.5s-3s"
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="WHAT=VALUE@TIME",
    help="gpio3=1@2s, adc0=1.65@1s, temperature=40@1s",
)
@click.option("--junit", type=OUTPUT, help="write the result as a JUnit report")
@click.option("--vcd", type=OUTPUT, help="write pins as a waveform")
@click.option("--pins", metavar="PINS", help="the pins of --vcd: gpio2,gpio25; without it all")
@click.option("--quiet", "-q", is_flag=True, help="only what the consoles say")
@board_options
def command(
    options: BoardOptions,
    image: str | None,
    uarts: tuple[str, ...],
    semihosting: bool,
    keys: str,
    expect: tuple[str, ...],
    fail: tuple[str, ...],
    timeout: float | None,
    speed: float | None,
    presses: tuple[str, ...],
    sets: tuple[str, ...],
    junit: Path | None,
    vcd: Path | None,
    pins: str | None,
    quiet: bool,
) -> None:
    """Boot any firmware and show its consoles while it runs: UART0, RTT, semihosting, CDC ports of its USB device.

    IMAGE is a UF2, ELF or flat file, or one of the names that --firmware knows. On a terminal what is typed goes to the
    first CDC port, without one to RTT, semihosting or UART0; Ctrl-] ends the run. It ends, too, when all of --expect or
    any of --fail was seen, when --timeout emulated seconds have passed, and with the program.

    Exit codes: 0 all expected was seen, the time is over with nothing expected, the program returned 0; 1 something
    expected was not seen, what must not be was, the program failed or crashed; 2 wrong usage; 3 an engine is missing.

    Example: renode-pico run blink.uf2 --expect 'LED on' --fail '/panic|assert/' --timeout 10
    """
    from renode_pico.run.consoles import consoles_of
    from renode_pico.run.display import Display, warnings_told
    from renode_pico.run.keyboard import Keyboard
    from renode_pico.run.session import Session
    from renode_pico.run.timetable import Timetable, parse_pin, parse_press, parse_set
    from renode_pico.run.watch import Pattern, Watcher

    if image is not None:
        source = click.get_current_context().get_parameter_source("firmware")
        if source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("give IMAGE or --firmware, not both")
        options = replace(options, firmware=image)
    if pins is not None and vcd is None:
        raise click.UsageError("--pins chooses what --vcd writes: give --vcd FILE, too")
    expected = tuple(Pattern.parse(text) for text in expect)
    watcher = Watcher(expected, [Pattern.parse(text) for text in fail])
    timetable = Timetable([*(event for text in presses for event in parse_press(text)), *map(parse_set, sets)])
    chosen = [parse_pin(pin) for pin in pins.split(",")] if pins is not None else range(GPIO_COUNT)
    keyboard = Keyboard()
    terminal = sys.stdout.isatty()
    display = Display(sys.stdout.buffer, named=terminal, coloured=terminal)
    said = bytearray()

    def show(name: str, data: bytes) -> None:
        display.show(name, data)
        if junit is not None:
            said.extend(data)

    def note(text: str) -> None:
        if not quiet:
            display.note(text)

    with ExitStack() as stack:
        if not quiet:
            stack.callback(display.end)
        stack.enter_context(warnings_told(note))
        board = stack.enter_context(options.open())
        uart_numbers = (0, 1) if "1" in uarts else (0,)
        consoles = consoles_of(board.engine, board.firmware, uart_numbers, semihosting=semihosting)
        session = Session(
            board,
            consoles,
            watcher=watcher,
            timetable=timetable,
            show=show,
            note=note,
            keyboard=keyboard,
            keys_to=keys,
            timeout=DEFAULT_TIMEOUT if timeout is None and expected else timeout,
            speed=(1.0 if keyboard.is_terminal and terminal else 0.0) if speed is None else speed,
        )
        if vcd is not None:
            from renode_pico.run.waveform import recorded

            stack.enter_context(recorded(board, vcd, chosen))
        hint = "; Ctrl-] ends" if keyboard.is_terminal else ""
        note(f"board    {board.firmware.name} on {board.engine.version}{hint}")
        outcome = session.run()
        if not quiet:
            display.end()
        note(f"end      {outcome.reason}, at {outcome.at:.3f} s")
        if junit is not None:
            from renode_pico.run.report import write_junit

            write_junit(junit, board, expected, watcher, outcome, said.decode(errors="replace"))
    sys.exit(outcome.code)

"""Debian's GDB on a running board: a script of its commands, and what it said to each."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from renode_pico.board import Board
from renode_pico.engine.embedded_backtrace import find_elf
from tests.processes import program

GDB = shutil.which("gdb-multiarch")
WHY_NOT = "gdb-multiarch is not installed: apt-get install gdb-multiarch"
WALL_LIMIT = 300
"""Seconds after which a debugger that hangs is ended: without it the core would stay halted for ever."""
SLICE = 0.01
INTERRUPT = "interrupt in 0.3 s"
"""A step of a script: press Ctrl-C while the command after it runs, this long after the board has gone on."""
LOST = "lost in 0.3 s"
"""A step of a script: GDB is killed in the same way."""


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class GdbProcess:
    """GDB with the symbols of a firmware, that connects to a port and goes through commands."""

    def __init__(self, firmware: Path, port: int, commands: list[str], folder: Path) -> None:
        assert GDB is not None
        self._commands = commands
        elf = find_elf(firmware)
        assert elf is not None
        script, self._log = folder / "commands.gdb", folder / "gdb.log"
        lines = ["set pagination off", "set confirm off", "set width 0", f"set tcp connect-timeout {WALL_LIMIT}"]
        lines += [f"set remotetimeout {WALL_LIMIT}", f"target remote 127.0.0.1:{port}"]
        for number, command in enumerate(commands):
            lines += [f"echo \\n=={number}==\\n", _line(command)]
        script.write_text("\n".join([*lines, "echo \\n==end==\\n"]) + "\n")
        self._words = [GDB, "-nx", "-q", "-batch", "-x", str(script), str(elf)]

    def run(self, meanwhile: Callable[[], object], *, finished: bool = True) -> list[str]:
        """Call `meanwhile` until it has ended; what it said to each command.

        Raises AssertionError when it stopped at one of them, unless not `finished`.
        """
        with (
            self._log.open("w") as log,
            program(self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT) as gdb,
        ):
            watchdog = threading.Timer(WALL_LIMIT, gdb.kill)
            watchdog.start()
            try:
                while gdb.poll() is None:
                    meanwhile()
            finally:
                watchdog.cancel()
        said = self._log.read_text()
        pieces = re.split(r"^==\w+==\n", said, flags=re.MULTILINE)
        assert not finished or len(pieces) == len(self._commands) + 2, f"GDB stopped in the middle: {said}"
        return pieces[1:-1]


def debug(board: Board, port: int, commands: list[str], folder: Path, *, finished: bool = True) -> list[str]:
    """Let GDB connect, and give it commands while the board runs; see `GdbProcess.run`."""
    gdb = GdbProcess(board.firmware, port, commands, folder)
    return gdb.run(lambda: board.engine.run(SLICE), finished=finished)


def _line(command: str) -> str:
    sent = {INTERRUPT: "SIGINT", LOST: "SIGKILL"}.get(command)
    if sent is None:
        return command
    press = f"threading.Timer(0.3, os.kill, (os.getpid(), signal.{sent})).start()"
    went_on = f"def went_on(event): gdb.events.cont.disconnect(went_on); {press}"
    return f"python\nimport os, signal, threading\n{went_on}\ngdb.events.cont.connect(went_on)\nend"

"""`renode-pico top`."""

from __future__ import annotations

import click

from renode_pico.cli.options import SPEED, BoardOptions, board_options


@click.command("top")
@click.option("--pty", is_flag=True, help="offer a pseudo-terminal for each CDC port meanwhile")
@click.option("--usbip", is_flag=True, help="offer USB/IP meanwhile")
@click.option("--rfc2217", is_flag=True, help="offer an RFC 2217 port for each CDC port meanwhile")
@SPEED
@board_options
def command(options: BoardOptions, pty: bool, usbip: bool, rfc2217: bool, speed: float) -> None:
    """Watch a running board's USB: transfers a second, frame use, what each endpoint does.

    A live picture on a terminal, a line every two seconds elsewhere. With the doors of `serve` if asked for.
    Ctrl-C or SIGTERM ends it.
    """
    from renode_pico.bridge.server import BoardServer, Doors
    from renode_pico.cli.live import Meter, Screen
    from renode_pico.errors import UsageError
    from renode_pico.trace.session import ObservableHost

    doors = Doors(usbip=0 if usbip else None, pty=pty, rfc2217=0 if rfc2217 else None, speed=speed)
    with options.open() as board:
        host = board.host
        if not isinstance(host, ObservableHost):
            raise UsageError("this engine's host cannot be watched")
        meter = Meter()
        host.add_observer(meter)
        screen = Screen(meter, lambda: board.engine.now, f"{board.firmware.name} on {board.engine.version}")
        with BoardServer(board, doors, screen.note) as server, screen, server.ended_by_signals():
            server.loop.hooks.append(screen.show)
            server.run()
        host.remove_observer(meter)

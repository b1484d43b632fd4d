"""`renode-pico serve`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from renode_pico.cli.options import OUTPUT, SPEED, BoardOptions, board_options


@click.command("serve")
@click.option("--usbip", "usbip", is_flag=True, help="offer USB/IP")
@click.option(
    "--usbip-port", type=click.IntRange(0, 65535), help="TCP port for USB/IP (3240 is its own); 0: a free one"
)
@click.option("--exclusive", is_flag=True, help="let one USB/IP client at a time import the device")
@click.option("--pty", "pty", is_flag=True, help="offer a pseudo-terminal for each CDC port and UART")
@click.option("--link", type=OUTPUT, help="a symbolic link to the first pseudo-terminal")
@click.option("--rfc2217", "rfc2217", is_flag=True, help="offer an RFC 2217 port for each CDC port and UART")
@click.option("--rfc2217-port", type=click.IntRange(0, 65535), help="TCP port of the first one; 0: a free one")
@click.option("--bind", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="where to listen")
@click.option("--uart", "uarts", type=click.Choice(["0", "1"]), multiple=True, help="offer UART1, too: --uart 1")
@SPEED
@click.option("--pcap", type=OUTPUT, help="save the bus trace for Wireshark (.pcapng)")
@click.option("--html", type=OUTPUT, help="save the bus trace as a page (.html)")
@board_options
def command(
    options: BoardOptions,
    usbip: bool,
    usbip_port: int | None,
    exclusive: bool,
    pty: bool,
    link: Path | None,
    rfc2217: bool,
    rfc2217_port: int | None,
    bind: str,
    uarts: tuple[str, ...],
    speed: float,
    pcap: Path | None,
    html: Path | None,
) -> None:
    """Keep a board running in real time and offer its USB port to other programs.

    Without a choice of doors all are opened: USB/IP (usbip, PyUSB), and a pseudo-terminal and an RFC 2217 port for
    each CDC port and for UART0 (mpremote, pyserial). Ctrl-C or SIGTERM ends it.

    Example: renode-pico serve --pty --link /tmp/pico, and in another terminal: mpremote connect /tmp/pico
    """
    from renode_pico.bridge.server import LOCAL, BoardServer, Doors
    from renode_pico.trace.session import traced

    everything = not (usbip or pty or rfc2217 or link or usbip_port is not None or rfc2217_port is not None)
    doors = Doors(
        usbip=usbip_port or 0 if everything or usbip or usbip_port is not None else None,
        exclusive=exclusive,
        pty=everything or pty or link is not None,
        pty_link=link,
        rfc2217=rfc2217_port or 0 if everything or rfc2217 or rfc2217_port is not None else None,
        address=bind,
        speed=speed,
        uarts=(0, 1) if "1" in uarts else (0,),
    )
    outputs = [with_suffix(path, suffix) for path, suffix in ((pcap, ".pcapng"), (html, ".html")) if path]
    if bind not in LOCAL:
        click.echo(f"warning: whoever reaches {bind} can use this board; there is no password", err=True)
    with ExitStack() as stack:
        board = stack.enter_context(options.open())
        stack.enter_context(traced(board.host, outputs))
        pace = f"{speed:g} × real time" if speed else "as fast as it can"
        click.echo(f"board    {board.firmware.name} on {board.engine.version}, {pace}; Ctrl-C ends it")
        server = stack.enter_context(BoardServer(board, doors, click.echo))
        with server.ended_by_signals():
            server.run()
    click.echo("end")


def with_suffix(path: Path, suffix: str) -> Path:
    """Check that a file's name says what is in it."""
    if path.suffix.lower() != suffix:
        raise click.BadParameter(f"{path}: the file's name must end with {suffix}")
    return path

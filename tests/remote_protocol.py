"""GDB's end of its remote serial protocol (the GDB manual, appendix E), packet by packet.

As a program: the port, and what to send; prints what came back, a line for each.
"""

from __future__ import annotations

import socket
import sys

from tests.processes import WALL_LIMIT


class Client:
    """Packets with their checksums, acknowledged."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WALL_LIMIT)
        self.input = b""

    def ask(self, content: str) -> str:
        self.send(content)
        return self.answer()

    def send(self, content: str) -> None:
        data = content.encode("latin-1")
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def answer(self) -> str:
        while True:
            begin, end = self.input.find(b"$"), self.input.find(b"#")
            if 0 <= begin < end and len(self.input) >= end + 3:
                content = self.input[begin + 1 : end]
                self.input = self.input[end + 3 :]
                self.socket.sendall(b"+")
                return content.decode("latin-1")
            data = self.socket.recv(4096)
            assert data, "the server has hung up"
            self.input += data


if __name__ == "__main__":
    client = Client(int(sys.argv[1]))
    for packet in sys.argv[2:]:
        print(client.ask(packet), flush=True)

"""Single transactions by hand on Renode: `usb.raw.RawHost` by the C# host (renode/host/UsbHostController.Raw.cs)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from renode_pico.engine.renode_runtime import dotnet_bytes
from renode_pico.trace.tsv import FAULT_NAMES
from renode_pico.usb.raw import GAP
from renode_pico.usb.wire import Fault, Packet, Pid


class Carrier(Protocol):
    """What is needed of the host that these transactions go through."""

    internal: Any

    def running(self, what: str) -> AbstractContextManager[None]:
        """Turn Renode's refusals into our errors, and look what has happened meanwhile."""


class RenodeRaw:
    """`RawHost` on Renode."""

    def __init__(self, host: Carrier) -> None:
        from Antmicro.Renode.UsbHosts import UsbFault, UsbPid

        self._host = host
        self._pids = {pid: UsbPid(int(pid)) for pid in Pid}
        self._no_pid = UsbPid(0)
        self._faults: dict[Fault | None, Any] = {fault: getattr(UsbFault, name) for fault, name in FAULT_NAMES.items()}
        self._faults[None] = getattr(UsbFault, "None")

    @property
    def pulled_up(self) -> bool:
        """The device has its pull-up on."""
        return bool(self._host.internal.PulledUp)

    @property
    def answer_bits(self) -> float | None:
        """Nobody knows: the model answers at once."""
        return None

    @property
    def suspended(self) -> bool | None:
        """Nobody asks the model."""
        return None

    def setup(self, address: int, endpoint: int, data: bytes, fault: Fault | None = None) -> Packet | None:
        """A SETUP transaction."""
        return self._transact(Pid.SETUP, address, endpoint, None, data, fault, False, 0.0)

    def out(
        self,
        address: int,
        endpoint: int,
        pid: Pid,
        data: bytes,
        fault: Fault | None = None,
        *,
        patience: float = 0.0,
    ) -> Packet | None:
        """An OUT transaction."""
        return self._transact(Pid.OUT, address, endpoint, pid, data, fault, False, patience)

    def in_(
        self,
        address: int,
        endpoint: int,
        fault: Fault | None = None,
        *,
        isochronous: bool = False,
        patience: float = 0.0,
    ) -> Packet | None:
        """An IN transaction."""
        return self._transact(Pid.IN, address, endpoint, None, b"", fault, isochronous, patience)

    def _transact(
        self,
        token: Pid,
        address: int,
        endpoint: int,
        pid: Pid | None,
        data: bytes,
        fault: Fault | None,
        isochronous: bool,
        patience: float,
    ) -> Packet | None:
        with self._host.running("transaction"):
            answer = self._host.internal.Transact(
                self._pids[token],
                address,
                endpoint,
                self._no_pid if pid is None else self._pids[pid],
                dotnet_bytes(data),
                self._faults[fault],
                isochronous,
                patience,
                GAP,
            )
        return None if answer is None else Packet(Pid(int(answer.Pid)), bytes(answer.Data))

"""What the core's library offers, whichever way it is called: `machine.c`'s functions without their `pico_`.

Types: `i` 32 bits, `l` 64 bits, `p` an address, nothing for none. The first is the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

SCRATCH_WORDS = 64
"""Room for arguments and results that are arrays, 32-bit words."""

CALLBACKS: dict[str, tuple[str, str]] = {
    "read": ("i", "ii"),
    "write": ("", "iiii"),
    "dpsram_written": ("", "i"),
    "pins_changed": ("", "ii"),
    "flash_ignores": ("", "ii"),
    "dormant_wake": ("", ""),
    "unmodelled": ("", "ii"),
}
"""In the order of `struct host_callbacks`."""

FUNCTIONS: dict[str, tuple[str, str]] = {
    "free": ("", "p"),
    "memory": ("p", "pip"),
    "run": ("i", "pl"),
    "stop": ("", "p"),
    "alarm_at_ns": ("", "pl"),
    "cycle_at_ns": ("l", "pl"),
    "ns": ("l", "p"),
    "set_irq": ("", "pii"),
    "irq_levels": ("i", "pi"),
    "running": ("i", "p"),
    "dreqs": ("l", "p"),
    "set_dreq": ("", "pii"),
    "set_nmi_mask": ("", "pii"),
    "set_core_count": ("", "pi"),
    "send_fifo": ("", "pii"),
    "set_hz": ("", "pi"),
    "reset_core": ("", "pi"),
    "hold_core": ("", "pii"),
    "reset_block": ("", "pi"),
    "hold_block": ("", "pii"),
    "hold_registers": ("", "pii"),
    "bus_read": ("l", "pii"),
    "bus_write": ("i", "piii"),
    "wrote": ("", "pii"),
    "drive": ("", "piiii"),
    "drive_qspi": ("", "piiii"),
    "pin_inputs": ("i", "p"),
    "pin_levels": ("i", "p"),
    "qspi_levels": ("i", "p"),
    "pins_heard": ("i", "p"),
    "pin_functions": ("i", "pi"),
    "set_external": ("", "piii"),
    "set_external_qspi": ("", "piii"),
    "watch": ("", "pi"),
    "set_timer_tick": ("", "pl"),
    "flush_cache": ("", "p"),
    "count_accesses": ("", "pii"),
    "set_flash_latency": ("", "pi"),
    "hold_ssi": ("", "pi"),
    "reset_flash": ("", "p"),
    "flash_busy_ns": ("l", "p"),
    "flash_state": ("i", "p"),
    "set_flash_time": ("", "pi"),
    "core_get": ("i", "pii"),
    "core_set": ("", "piii"),
    "core_instructions": ("l", "pi"),
    "core_cycles": ("l", "pi"),
    "halt_core": ("", "pii"),
    "end_semihosting_call": ("", "pii"),
    "semihosting_calls": ("i", "p"),
    "pio_state": ("i", "piii"),
    "set_semihosting": ("", "pi"),
    "reset_requests": ("i", "p"),
    "breakpoints": ("i", "ppi"),
    "watchpoint": ("i", "piiii"),
    "clear_watchpoints": ("", "p"),
    "resume": ("", "pii"),
    "attach_debugger": ("", "pi"),
    "debug_hit": ("i", "ppp"),
    "decode": ("", "iiip"),
    "cover": ("i", "pi"),
    "clear_coverage": ("", "p"),
    "snapshot_size": ("l", ""),
    "save": ("", "ppl"),
    "restore": ("", "pp"),
}


class Buffer(Protocol):
    """Memory that the library can be given, freed with this object."""

    address: int


class CoreLibrary(Protocol):
    """The library: every function of FUNCTIONS as a method that takes and gives unsigned numbers, and these."""

    kind: str
    """`compiled`, or `WebAssembly`."""
    scratch: int
    """Address of SCRATCH_WORDS words."""
    scratch_words: memoryview

    def __getattr__(self, name: str) -> Any: ...

    def new(self, callbacks: dict[str, Callable[..., Any]]) -> tuple[int, Any]:
        """A machine (0: no memory), and what must be kept alive as long as it."""

    def view(self, address: int, size: int) -> memoryview:
        """The library's memory as bytes."""

    def buffer(self, size: int) -> Buffer:
        """Memory for a snapshot."""

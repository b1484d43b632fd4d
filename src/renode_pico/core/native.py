"""The library in C, called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_uint8, c_uint32, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

from renode_pico.core.abi import CALLBACKS, FUNCTIONS, SCRATCH_WORDS

_TYPES: dict[str, Any] = {"i": c_uint32, "l": c_uint64, "p": c_void_p, "": None}
_CALLBACKS = {
    name: CFUNCTYPE(_TYPES[result], *(_TYPES[one] for one in arguments))
    for name, (result, arguments) in CALLBACKS.items()
}


class NativeCore:
    """`abi.CoreLibrary`: what is allocated belongs to this process."""

    kind = "compiled"

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(self._library, f"pico_{name}")
            function.restype = _TYPES[result]
            function.argtypes = [_TYPES[one] for one in arguments]
            setattr(self, name, function)
        self._new = self._library.pico_new
        self._new.restype = c_void_p
        self._scratch = (c_uint32 * SCRATCH_WORDS)()
        self.scratch = ctypes.addressof(self._scratch)
        self.scratch_words = memoryview(self._scratch).cast("B").cast("I")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The functions set above. Were it there at run time, each look at one would take longer."""

    def new(self, callbacks: dict[str, Callable[..., Any]]) -> tuple[int, Any]:
        """A machine, and what must be kept alive as long as it."""
        keep = [_CALLBACKS[name](callbacks[name]) for name in CALLBACKS]
        return self._new(*keep) or 0, keep

    def view(self, address: int, size: int) -> memoryview:
        """Memory as bytes."""
        return memoryview((c_uint8 * size).from_address(address)).cast("B")

    def buffer(self, size: int) -> NativeBuffer:
        """Memory of one's own."""
        return NativeBuffer(size)


class NativeBuffer:
    """Bytes that C may write; freed with this object."""

    def __init__(self, size: int) -> None:
        self._memory = (c_uint8 * size)()
        self.address = ctypes.addressof(self._memory)

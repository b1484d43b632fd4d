"""The core as WebAssembly, run by wasmtime: the same C, where nothing could be compiled. Slower, with the same traces.

`rp2040.wasm` is made from the sources by `python -m renode_pico.core.build --wasm`; one instance holds one machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from renode_pico.core.abi import CALLBACKS, FUNCTIONS, SCRATCH_WORDS
from renode_pico.core.build import cache_folder, fingerprint, wasm_file
from renode_pico.errors import EngineMissing

_MASKS = {"i": 0xFFFF_FFFF, "p": 0xFFFF_FFFF, "l": 0xFFFF_FFFF_FFFF_FFFF}


@cache
def _compiled() -> tuple[Any, Any, Any]:
    """wasmtime, its engine and the module, translated to machine code once and kept in the cache."""
    try:
        wasmtime = import_module("wasmtime")
    except ImportError as error:
        raise EngineMissing(
            "the embedded engine's core needs a C compiler, or wasmtime: pip install wasmtime"
        ) from error
    source = wasm_file()
    if not source.exists():
        raise EngineMissing(f"{source.name} is not here: the embedded engine's core needs a C compiler")
    engine = wasmtime.Engine()
    code = source.read_bytes()
    if fingerprint().encode() not in code:
        raise EngineMissing(f"{source.name} is of other sources: python -m renode_pico.core.build --wasm makes it anew")
    kept = cache_folder() / f"wasmtime-{version('wasmtime')}-{_digest(code)}.bin"
    try:
        return wasmtime, engine, wasmtime.Module.deserialize_file(engine, str(kept))
    except Exception:  # not there, or of another machine: made anew
        module = wasmtime.Module(engine, code)
    _keep(kept, bytes(module.serialize()))
    return wasmtime, engine, module


def _digest(code: bytes) -> str:
    from hashlib import sha256

    return sha256(code).hexdigest()[:16]


def _keep(path: Path, content: bytes) -> None:
    """In the cache, if it can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        pass


class WebAssemblyCore:
    """`abi.CoreLibrary`: one instance, with its own memory, which lives as long as this object."""

    kind = "WebAssembly"

    def __init__(self) -> None:
        self._wasmtime, engine, self._module = _compiled()
        self._store = self._wasmtime.Store(engine)
        self._callbacks: dict[str, Callable[..., Any]] = {}
        linker = self._wasmtime.Linker(engine)
        for name, (result, arguments) in CALLBACKS.items():
            i32 = self._wasmtime.ValType.i32
            kind = self._wasmtime.FuncType([i32() for _ in arguments], [i32()] if result else [])
            linker.define_func("host", name, kind, self._callback(name, bool(result)))
        instance = linker.instantiate(self._store, self._module)
        self._exports = instance.exports(self._store)
        self._memory = self._exports["memory"]
        for name, (result, arguments) in FUNCTIONS.items():
            setattr(self, name, self._function(f"pico_{name}", result, arguments))
        self._alloc = self._function("pico_alloc", "p", "p")
        self.release = self._function("pico_release", "", "p")
        self.scratch = self._alloc(4 * SCRATCH_WORDS)
        self.scratch_words = self.view(self.scratch, 4 * SCRATCH_WORDS).cast("I")

    def __getattr__(self, name: str) -> Any:  # for the type checker: functions are set above
        raise AttributeError(name)

    def _function(self, name: str, result: str, arguments: str) -> Callable[..., Any]:
        function, store = self._exports[name], self._store
        mask = _MASKS.get(result, 0)
        long = [position for position, one in enumerate(arguments) if one == "l"]

        def call(*values: int) -> Any:
            signed = [value - (1 << 32) if value >> 31 & 1 and value >> 32 == 0 else value for value in values]
            for position in long:
                value = values[position]
                signed[position] = value - (1 << 64) if value >> 63 else value
            answer = function(store, *signed)
            return answer & mask if mask else None

        return call

    def _callback(self, name: str, answers: bool) -> Callable[..., Any]:
        def call(*values: int) -> Any:
            answer = self._callbacks[name](*(value & 0xFFFF_FFFF for value in values))
            if answers:
                return answer - (1 << 32) if answer >> 31 else answer
            return None

        return call

    def new(self, callbacks: dict[str, Callable[..., Any]]) -> tuple[int, Any]:
        """The instance's machine."""
        self._callbacks.update(callbacks)
        return self._function("pico_new_here", "p", "")(), self

    def view(self, address: int, size: int) -> memoryview:
        """Memory as bytes. wasmtime reserves all that it can ever be, so that it stays where it is."""
        whole = self._memory.get_buffer_ptr(self._store, size=size, offset=address)
        return memoryview(whole).cast("B")

    def buffer(self, size: int) -> WebAssemblyBuffer:
        """Memory of one's own in the instance."""
        return WebAssemblyBuffer(self, size)


class WebAssemblyBuffer:
    """Bytes in an instance's memory; released with this object."""

    def __init__(self, core: WebAssemblyCore, size: int) -> None:
        self._core = core
        self.address = core._alloc(size)

    def __del__(self) -> None:
        self._core.release(self.address)

"""The library in C: found beside this file (in a wheel), or compiled once into the user's cache (in a checkout).

The sources' hash is compiled into it, so that a library of other sources is never used.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from renode_pico.errors import EngineMissing

HERE = Path(__file__).resolve().parent
NAME = "_rp2040"
COMMON_FLAGS = ("-std=gnu11", "-O2", "-fno-strict-aliasing", "-fvisibility=hidden", "-Wall", "-Wextra")
"""-fno-strict-aliasing: memories are read and written in words, halfwords and bytes."""
FLAGS = (*COMMON_FLAGS, "-fPIC", "-shared", "-Wl,--no-undefined")
GCC_FLAGS = ("-fno-gcse", "-fno-crossjumping", "-fno-tree-slp-vectorize")
"""What GCC is told besides; Clang does none of it by itself, and refuses what it does not know.

-fno-gcse, -fno-crossjumping: each instruction keeps a jump of its own to the next one, as GCC advises.
-fno-tree-slp-vectorize: the four flags stay four variables; as one vector they were packed and unpacked between any two
instructions, at one place that all of them went through, which took a third of the time.
"""
WASM_FLAGS = (
    *COMMON_FLAGS, "--target=wasm32", "-ffreestanding", "-nostdlib", "-mbulk-memory",
    "-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,--strip-all",
)  # fmt: skip


def sources() -> list[Path]:
    """Every file that the library is made of, headers included."""
    return sorted(path for path in [*HERE.iterdir(), *HERE.glob("wasm/**/*")] if path.suffix in {".c", ".h", ".inc"})


def units() -> list[str]:
    """What the compiler is given for the native library."""
    return [str(path) for path in sources() if path.suffix == ".c" and path.parent == HERE]


def fingerprint() -> str:
    """A short hash of the sources and of how they are compiled."""
    digest = hashlib.sha256(" ".join(FLAGS + GCC_FLAGS).encode())
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def compiler() -> list[str] | None:
    """The C compiler, from CC or the usual names; None when there is none."""
    named = os.environ.get("CC")
    if named:
        return shlex.split(named) if shutil.which(shlex.split(named)[0]) else None
    return next(([name] for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


def is_clang(command: list[str]) -> bool:
    """Whether a C compiler is Clang, by what it predefines: `cc` may be either."""
    done = subprocess.run(
        [*command, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True, errors="replace", check=False
    )
    return "__clang__" in done.stdout


def cache_folder() -> Path:
    """Where compiled libraries are kept."""
    from renode_pico.places import cache  # not where a wheel is built, which has this package's sources alone

    return cache() / "core"


def shipped() -> Path:
    """Where a wheel has its library."""
    return HERE / f"{NAME}.so"


def compile_to(target: Path, *, flags: tuple[str, ...] = ()) -> None:
    """Compile the sources into `target`, whole or not at all.

    Raises EngineMissing when there is no compiler, or when it fails.
    """
    command = compiler()
    if command is None:
        raise EngineMissing("the embedded engine's core needs a C compiler once: install gcc or clang (or set CC)")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".so")
    os.close(handle)
    mark = f'-DFINGERPRINT="{fingerprint()}"'
    own = () if is_clang(command) else GCC_FLAGS
    try:
        done = subprocess.run(
            [*command, *FLAGS, *own, *flags, mark, "-o", temporary, *units()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.strip()
            raise EngineMissing(f"the embedded engine's core cannot be compiled by {command[0]}:\n{said}")
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def library() -> Path:
    """The compiled library, made now if need be. Raises EngineMissing."""
    if shipped().exists() and not any(path.suffix == ".c" for path in HERE.iterdir()):
        return shipped()
    platform = sysconfig.get_platform().replace(".", "_")
    target = cache_folder() / f"{NAME}-{fingerprint()}-{platform}.so"
    if not target.exists():
        if shipped().exists() and fingerprint().encode() in shipped().read_bytes():
            return shipped()
        try:
            compile_to(target)
        except OSError as error:
            raise EngineMissing(
                f"the embedded engine's core cannot be kept in {target.parent}: {error.strerror}; "
                "RENODE_PICO_CACHE names another folder"
            ) from error
    return target


def wasm_file() -> Path:
    """The core as WebAssembly, beside this file in wheels and checkouts alike."""
    return HERE / "rp2040.wasm"


def compile_wasm(target: Path) -> None:
    """Make `rp2040.wasm` anew; needs clang and wasm-ld. Raises EngineMissing."""
    if not (shutil.which("clang") and shutil.which("wasm-ld")):
        raise EngineMissing("rp2040.wasm is made by clang and wasm-ld: install clang and lld")
    mark = f'-DFINGERPRINT="{fingerprint()}"'
    include = HERE / "wasm" / "include"
    done = subprocess.run(
        ["clang", *WASM_FLAGS, mark, f"-I{include}", "-o", str(target), *units(), str(HERE / "wasm" / "support.c")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise EngineMissing(f"rp2040.wasm cannot be made:\n{done.stderr.strip()}")


def main(arguments: list[str]) -> int:
    """`python -m renode_pico.core.build [--wasm]`: make the library, or the WebAssembly."""
    try:
        if arguments == ["--wasm"]:
            compile_wasm(wasm_file())
            print(wasm_file())
        elif arguments:
            print("usage: python -m renode_pico.core.build [--wasm]", file=sys.stderr)
            return 2
        else:
            print(library())
    except EngineMissing as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

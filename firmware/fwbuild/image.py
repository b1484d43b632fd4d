"""The finished images of a variant: .elf, .bin, .uf2, and the .json that says what they are.

The .json is removed first and written last. While it is not there, or does not fit the images, they are not finished.
"""

import json
from pathlib import Path
from typing import Any

import uf2
from fwbuild.files import sha256, write_atomically
from fwbuild.layout import shown

SUFFIXES = ("elf", "bin", "uf2")
NAME_WIDTH = 8
STATE_WIDTH = 10


def paths(out: Path, variant: str) -> dict[str, Path]:
    """The files of a variant, by suffix, its record included."""
    return {suffix: out / f"{variant}.{suffix}" for suffix in (*SUFFIXES, "json")}


def publish(out: Path, variant: str, objects: Path, record: dict[str, Any], stem: str = "firmware") -> None:
    """Put the images that were compiled in `objects`, as STEM.elf and STEM.bin, into `out`, with the record beside."""
    files = paths(out, variant)
    files["json"].unlink(missing_ok=True)
    binary = (objects / f"{stem}.bin").read_bytes()
    write_atomically(files["elf"], (objects / f"{stem}.elf").read_bytes())
    write_atomically(files["bin"], binary)
    write_atomically(files["uf2"], uf2.from_binary(binary))
    images = {
        files[suffix].name: {"sha256": sha256(files[suffix]), "bytes": files[suffix].stat().st_size}
        for suffix in SUFFIXES
    }
    content = {"variant": variant, **record, "images": images}
    write_atomically(files["json"], (json.dumps(content, indent=2) + "\n").encode())


def is_current(out: Path, variant: str, inputs: str, toolchain: dict[str, str] | None) -> bool:
    """Whether `out` holds the finished images of exactly these inputs, unchanged since.

    Without a tool chain on this machine the images are taken for those of the same one: somebody put them there.
    """
    files = paths(out, variant)
    try:
        record = json.loads(files["json"].read_bytes())
        return (
            record["inputs"] == inputs
            and toolchain in (None, record["toolchain"])
            and all(sha256(files[suffix]) == record["images"][files[suffix].name]["sha256"] for suffix in SUFFIXES)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def state_line(out: Path, variant: str, state: str) -> str:
    """`cdc       up to date  firmware/build/out/cdc.uf2`."""
    return f"{variant:<{NAME_WIDTH}}  {state:<{STATE_WIDTH}}  {shown(paths(out, variant)['uf2'])}"

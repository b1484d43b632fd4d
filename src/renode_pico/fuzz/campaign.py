"""Campaigns: a matrix of images, engines, packs and seeds, and what each of its cases is.

A case is what one worker does at a time: a run of the fuzzer, or of a suite of tests, for one image on one engine. Its
key is the hash of all that it depends on: a result is found again whatever has become of the process that asked for it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from renode_pico import __version__
from renode_pico.engine.embedded_backtrace import find_elf
from renode_pico.errors import RenodePicoError, UsageError
from renode_pico.firmware.find import find_image
from renode_pico.fuzz.judges import LeftOut

PACKS = {"fuzz": ("cases", "without"), "tests": ("path", "timeout"), "verify": ("packs", "only", "timeout")}
"""Kinds of packs, and what each knows beside its engines and seeds."""
ENGINES = ("embedded", "renode")
DEFAULT_CASES = 500
DEFAULT_TIMEOUT = 900
"""Real seconds that tests or the verifier may take on a worker."""

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Payload:
    """Files that travel to the workers: an image with its ELF file, or a suite. `sha256`: of names and contents."""

    files: Files

    @property
    def sha256(self) -> str:
        """What it is known by."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(f"{name}\0{len(self.files[name])}\0".encode() + self.files[name])
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix. `image` and `suite`: payloads by their hash; `options`: of the pack."""

    name: str
    firmware: str
    image: str
    engine: str
    pack: str
    seed: int
    suite: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    version: str = __version__

    @property
    def key(self) -> str:
        """The hash of everything that the result depends on; the name is not among it."""
        parts = [self.image, self.engine, self.pack, self.seed, self.suite, list(self.options), self.version]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign's file says. `payloads`: by hash."""

    name: str
    cases: tuple[Case, ...]
    payloads: Mapping[str, Payload] = field(default_factory=dict)


def read_campaign(path: Path) -> Campaign:
    """Read a campaign. Raises UsageError with what is wrong in it, ImageError for an image that is not there."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: is not TOML: {error}") from None
    try:
        return _campaign(content, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{path}: {what}") from None


def _campaign(content: dict[str, Any], path: Path) -> Campaign:
    _only(content, "campaign", "image", "pack")
    head = content.get("campaign", {})
    _only(head, "name", "engines", "seeds")
    payloads: dict[str, Payload] = {}
    cases: dict[str, Case] = {}
    for image in content["image"]:
        _only(image, "firmware", "files", "name")
        firmware = _here(path, image["firmware"])
        payload = _image(firmware, {name: _here(path, file) for name, file in image.get("files", {}).items()})
        payloads[payload.sha256] = payload
        for pack in content["pack"]:
            for case in _cases(path, head, image, firmware, payload.sha256, pack, payloads):
                cases.setdefault(case.key, case)
    if not cases:
        raise ValueError("there is no [[image]] or no [[pack]]")
    return Campaign(str(head.get("name", path.stem)), tuple(cases.values()), payloads)


def _cases(
    path: Path,
    head: dict[str, Any],
    image: dict[str, Any],
    firmware: Path,
    sha256: str,
    pack: dict[str, Any],
    payloads: dict[str, Payload],
) -> Iterator[Case]:
    kind = pack["kind"]
    if kind not in PACKS:
        raise ValueError(f"pack kind {kind!r} is none of {', '.join(PACKS)}")
    _only(pack, "kind", "engines", "seeds", *PACKS[kind])
    suite, options = "", dict[str, Any]()
    if kind == "fuzz":
        options["cases"] = _count(pack, "cases", DEFAULT_CASES)
        if without := _texts(pack.get("without", []), "without"):
            options["without"] = tuple(map(_left_out, without))
    else:
        options["timeout"] = _count(pack, "timeout", DEFAULT_TIMEOUT)
    if kind == "verify":
        options |= {"packs": str(pack.get("packs", "chapter9")), "only": ",".join(_texts(pack.get("only", []), "only"))}
    elif kind == "tests":
        tests = _suite(_here(path, pack["path"]))
        payloads[tests.sha256] = tests
        suite = tests.sha256
    seeds = _seeds(pack["seeds"] if "seeds" in pack else head.get("seeds", 1) if kind != "tests" else [0])
    for engine in _texts(pack.get("engines", head.get("engines", ["embedded"])), "engines"):
        if engine not in ENGINES:
            raise ValueError(f"engine {engine!r} is none of {', '.join(ENGINES)}")
        for seed in seeds:
            name = f"{image.get('name', firmware.stem)}/{engine}/{kind}/{seed}"
            yield Case(name, firmware.name, sha256, engine, kind, seed, suite, tuple(options.items()))


def _image(firmware: Path, files: Mapping[str, Path]) -> Payload:
    """An image, the ELF file beside it under the same name, and what goes into its flash, below `flash/`."""
    content = {firmware.name: firmware.read_bytes()}
    elf = find_elf(firmware)
    if elf is not None:
        content[elf.name] = elf.read_bytes()
    for name, path in files.items():
        if not path.is_file():
            raise UsageError(f"{path}: no such file, which is to be {name} in the flash")
        content[f"flash/{name}"] = path.read_bytes()
    return Payload(content)


def _suite(path: Path) -> Payload:
    """A file of tests, or a directory of them."""
    if path.is_file():
        return Payload({path.name: path.read_bytes()})
    files = {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*.py"))}
    if not files:
        raise UsageError(f"{path}: no tests there")
    return Payload(files)


def _here(campaign: Path, name: str) -> Path:
    """A file as the campaign names it: beside it, or an image by its variant's name."""
    beside = campaign.parent / name
    if beside.exists():
        return beside
    try:
        return find_image(name)
    except RenodePicoError:
        if not beside.suffix:
            raise
        raise UsageError(f"{beside}: no such file") from None


def _count(table: Mapping[str, Any], key: str, default: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} = {value!r}: a number of at least 1 is meant")
    return value


def _texts(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{key} = {value!r}: a list of texts is meant")
    return value


def _left_out(text: str) -> str:
    try:
        return LeftOut.parse(text).text
    except UsageError as error:
        raise ValueError(str(error)) from None


def _seeds(value: Any) -> Sequence[int]:
    """So many, from 1 on, or a list of them."""
    if isinstance(value, list) and value and all(type(each) is int for each in value):
        return value
    if type(value) is int and value > 0:
        return range(1, value + 1)
    raise ValueError(f"seeds = {value!r}: how many, or a list of numbers, is meant")


def _only(table: Mapping[str, Any], *known: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{key!r} is not known here; there are {', '.join(known)}")

"""From the downloaded files to one source tree, in build/src: readable, patched, and never half there."""

import hashlib
import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from fwbuild.command import Command, clean_environment, run
from fwbuild.files import files_under, remove, sha256
from fwbuild.layout import Layout
from fwbuild.pins import Package, Pins
from fwbuild.tree import SourceTree

STAMP = ".unpacked"
KEY = "debian"
RECIPE = 1  # raise it when unpack() puts the same files together differently


def source_tree(layout: Layout, pins: Pins) -> SourceTree:
    """The tree the pins describe. It need not be there yet."""
    return SourceTree(
        key=f"{KEY}-{layout.edition}" if layout.edition else KEY,
        origin=f"Debian {pins.suite}: " + ", ".join(map(_named, pins.packages)),
        identity=_identity(layout, pins),
        micropython=layout.sources / "micropython",
        pico_sdk=layout.sources / "pico-sdk",
        tinyusb=layout.sources / "tinyusb",
        micropython_lib=layout.sources / "micropython-lib",
        environment={
            "MICROPY_GIT_TAG": pins.git_tag,
            "MICROPY_GIT_HASH": pins.git_hash,
            "SOURCE_DATE_EPOCH": str(pins.source_date_epoch),
        },
    )


def _named(package: Package) -> str:
    elsewhere = f" ({package.suite})" if package.suite else ""
    return f"{package.name} {package.version}{elsewhere}"


def is_unpacked(layout: Layout, tree: SourceTree) -> bool:
    """Whether build/src holds exactly this tree."""
    stamp = layout.sources / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == tree.identity


def unpack(layout: Layout, pins: Pins, tree: SourceTree, log: TextIO) -> None:
    """Put the tree together from the verified files in the download cache, in place of what was there."""
    new = layout.sources.with_name(f"{layout.sources.name}.new")
    remove(new)
    new.mkdir(parents=True)
    for package in pins.packages:
        _unpack_package(package, layout.downloads / package.file, new, log)
    for patch in sorted(layout.patches.glob("*.patch")):
        command: Command = ["patch", "-p1", "--batch", "--fuzz=0", "-d", new / "micropython", "-i", patch]
        run(command, log=log, environment=clean_environment())
    # Every submodule's folder in Debian's tarball is empty. TinyUSB is looked for in one of them.
    tinyusb = new / "micropython" / "lib" / "tinyusb"
    tinyusb.rmdir()
    tinyusb.symlink_to("../../tinyusb")
    (new / "micropython-lib").mkdir()
    (new / "micropython-lib" / "README.md").write_text(
        "Debian does not package micropython-lib: manifests find nothing to require() here.\n", encoding="utf-8"
    )
    (new / STAMP).write_text(tree.identity, encoding="utf-8")
    remove(layout.sources)
    new.rename(layout.sources)


def _unpack_package(package: Package, file: Path, new: Path, log: TextIO) -> None:
    whole = new / f".{package.folder}"
    if package.kind == "binary":
        run(["dpkg-deb", "-x", file, whole], log=log, environment=clean_environment())
    else:
        with tarfile.open(file) as archive:
            # Older Pythons have no filters, newer ones warn without. The file's SHA-256 was verified.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(whole)
    (whole / package.inside).rename(new / package.folder)
    remove(whole)


def _said(fields: list[tuple[str, object]]) -> dict[str, object]:
    """What is left empty in the pins is as if it were not there: a tree that was unpacked without it stays."""
    return {name: value for name, value in fields if value != ""}


def _identity(layout: Layout, pins: Pins) -> str:
    patches = {path.name: sha256(path) for path in files_under(layout.patches)}
    described = json.dumps([RECIPE, asdict(pins, dict_factory=_said), patches], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()

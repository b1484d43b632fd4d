"""What an image is made of, as one hash: when it is the same, there is nothing to build."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fwbuild.files import files_under, sha256
from fwbuild.layout import Layout
from fwbuild.tree import SourceTree
from fwbuild.variants import Variant

FROZEN_SUFFIXES = (".py", ".mpy")


def inputs(layout: Layout, tree: SourceTree, variant: Variant) -> str:
    """The hash of everything that goes into one image but the tool chain, which is compared by itself."""
    files = {path.relative_to(layout.firmware).as_posix(): sha256(path) for path in input_files(layout, variant)}
    described = json.dumps(
        {"files": files, "variant": asdict(variant), "source": tree.identity, "environment": tree.environment},
        sort_keys=True,
    )
    return hashlib.sha256(described.encode()).hexdigest()


def input_files(layout: Layout, variant: Variant) -> Iterable[Path]:
    """Our own files that go into an image: the build itself, what is frozen, and C."""
    yield layout.firmware / "build.py"
    yield layout.firmware / "uf2.py"
    yield from files_under(layout.firmware / "fwbuild")
    yield layout.manifest
    yield from frozen_files(layout)
    yield from c_files(layout, variant)


def frozen_files(layout: Layout) -> Iterable[Path]:
    """The frozen modules."""
    return (path for path in files_under(layout.firmware / "modules") if path.suffix in FROZEN_SUFFIXES)


def c_files(layout: Layout, variant: Variant) -> Iterable[Path]:
    """Our own C: shims, and user C modules if there are any."""
    yield from (layout.shims / shim.header for shim in variant.shims)
    yield from files_under(layout.user_c_modules.parent)

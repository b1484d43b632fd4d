"""Renode inside this process, through pyrenode3: found, loaded once, our models made known to it.

Everything that differs between ways to install Renode, and everything of .NET's that other files need, is here.
"""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from renode_pico.engine.renode_install import ADVICE, PYRENODE_ADVICE, PYRENODE_VARIABLES
from renode_pico.errors import EngineMissing, FirmwareError
from renode_pico.renode_models import find_renode, prepare, project_root


@dataclass(frozen=True, slots=True)
class RenodeRuntime:
    """A loaded Renode. `monitor` and `emulation` are pyrenode3's wrappers."""

    monitor: Any
    emulation: Any

    @property
    def version(self) -> str:
        """What Renode says of itself, e.g. `1.16.1`."""
        found = re.search(r"\d+\.\d+\.\d+", self.command("version"))
        return found.group() if found else "unknown"

    def command(self, line: str) -> str:
        """Give the monitor a command; its answer. Raises FirmwareError with what the monitor complained about."""
        answer, complaint = self.monitor.execute(line)
        if complaint:
            raise FirmwareError(f"Renode refused '{line}': {' '.join(str(complaint).split())}")
        return str(answer)


def choose_installation() -> None:
    """Point pyrenode3 to the Renode on PATH unless PYRENODE_* name another one. Raises EngineMissing."""
    if any(os.environ.get(name) for name in PYRENODE_VARIABLES):
        return
    found = find_renode()
    if found.mono:
        os.environ["PYRENODE_RUNTIME"] = "mono"
        os.environ["PYRENODE_BUILD_DIR"] = str(found.assemblies.parents[2])
    else:
        os.environ["PYRENODE_RUNTIME"] = "coreclr"
        os.environ["PYRENODE_BIN"] = str(found.launcher)


@cache
def runtime() -> RenodeRuntime:
    """Load Renode into this process, once. Raises EngineMissing when it or pyrenode3 is not there or too old."""
    choose_installation()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyrenode3  # noqa: F401
            from pyrenode3.wrappers import Emulation, Monitor
    except ImportError as error:
        hint = PYRENODE_ADVICE if "pyrenode3" in str(error) else ADVICE
        raise EngineMissing(f"Renode cannot be loaded: {error}; {hint}") from error
    emulation, monitor = Emulation(), Monitor()
    load_models()
    loaded = RenodeRuntime(monitor, emulation)
    loaded.command("emulation SetGlobalAdvanceImmediately true")
    return loaded


def load_models() -> None:
    """Make the models and the host known to Renode, from their assembly, compiled when it is not up to date."""
    from Antmicro.Renode.Utilities import TypeManager

    prepared = prepare()
    if prepared.assembly is None:
        raise EngineMissing(prepared.note or "the Renode models could not be compiled")
    import clr

    clr.AddReference(str(prepared.assembly.with_suffix("")))
    TypeManager.Instance.ScanFile(str(prepared.assembly))


def script() -> Path:
    """The platform's script."""
    return project_root() / "renode" / "rpi_pico.resc"

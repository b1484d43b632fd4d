"""Renode inside this process, through pyrenode3: found, loaded once, our models made known to it.

Everything that differs between ways to install Renode, and everything of .NET's that other files need, is here.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any

from renode_pico.engine.dotnet_manners import own_interrupts, own_terminal
from renode_pico.engine.renode_reuse import EmulationReuse
from renode_pico.errors import EngineMissing, FirmwareError, RenodePicoError
from renode_pico.places import PLATFORM_SCRIPT, share
from renode_pico.renode_models import RenodeInstallation, Runtime, look_for_renode, prepare
from renode_pico.renode_models.installation import ADVICE, OLDEST, PYRENODE_ADVICE, too_old, version_numbers

BOARDS_BETWEEN_COLLECTIONS = 4
"""A board leaves 10 MB behind, in .NET's and Python's garbage, each of which holds the other's."""


@dataclass(frozen=True, slots=True)
class RenodeRuntime:
    """A loaded Renode. `monitor` and `emulation` are pyrenode3's wrappers; `version` is e.g. `1.16.1`."""

    monitor: Any
    emulation: Any
    version: str
    closed_boards: Iterator[int] = field(default_factory=lambda: count(1))
    reuse: EmulationReuse = field(default_factory=EmulationReuse)

    def pause(self) -> None:
        """Have the emulation paused as the monitor does it; between two waits of a host it only stands still."""
        from Antmicro.Renode.Utilities import TypeManager

        # Where Renode compiles the models itself, they are there from the first platform on.
        if TypeManager.Instance.TryGetTypeByName(RUNNER) is not None:
            emulation_runner().Release()

    def keep_ready(self) -> None:
        """Let waits of the USB host come back without pausing the emulation (renode/host/EmulationRunner.cs)."""
        emulation_runner().KeepReady = True

    def clear(self) -> None:
        """End the emulation and begin an empty one."""
        self.reuse.touched()
        self.pause()
        for machine in self.emulation.internal.Machines:
            # A thread's last access to a bus holds the machine while the thread lives, unless the bus changes.
            for registered in islice(machine.SystemBus.Children, 1):
                machine.SystemBus.Unregister(registered.Peripheral)
        self.emulation.clear()

    def collect(self) -> None:
        """Let go of what closed boards have left; not at each one, as it takes a tenth of a second."""
        import System
        from Python.Runtime import Finalizer

        if next(self.closed_boards) % BOARDS_BETWEEN_COLLECTIONS:
            return
        gc.collect()
        System.GC.Collect()
        System.GC.WaitForPendingFinalizers()
        # Callbacks that .NET has let go of: pythonnet keeps them, and what they hold, until there are two hundred.
        Finalizer.Instance.Collect()
        gc.collect()
        System.GC.Collect()

    def command(self, line: str) -> str:
        """Give the monitor a command; its answer. Raises FirmwareError with what the monitor complained about."""
        self.reuse.touched()
        self.pause()
        return accepted(f"'{line}'", *self.monitor.execute(line))

    def script(self, path: Path) -> str:
        """Have the monitor run a script; what it printed. Raises FirmwareError with what the monitor complained about.

        The monitor's own `include` keeps what went wrong inside the script from the caller of `command`.
        """
        self.reuse.touched()
        self.pause()
        return accepted(path.name, *self.monitor.execute_script(str(path)))


RUNNER = "Antmicro.Renode.UsbHosts.EmulationRunner"


def emulation_runner() -> Any:
    """The class that lets the emulation run for whoever waits."""
    from Antmicro.Renode.UsbHosts import EmulationRunner

    return EmulationRunner


def accepted(what: str, answer: object, complaint: object) -> str:
    """Return the monitor's answer, or raise its complaint."""
    if complaint:
        raise FirmwareError(f"Renode refused {what}: {' '.join(str(complaint).split())}")
    return str(answer)


def choose_installation() -> RenodeInstallation:
    """Point pyrenode3 to the Renode that is found, in the words for its layout. Raises EngineMissing."""
    here = look_for_renode()
    if here.installation is None or here.problem:
        raise EngineMissing(f"Renode cannot be loaded: {here.problem}")
    for name, value in here.installation.pyrenode.items():
        os.environ.setdefault(name, value)
    return here.installation


@cache
def runtime() -> RenodeRuntime:
    """Load Renode into this process, once. Raises EngineMissing when it or pyrenode3 is missing, too old or broken."""
    chosen = choose_installation()
    dotnet = os.environ["PYRENODE_RUNTIME"] == Runtime.DOTNET.value
    with own_interrupts(), own_terminal(dotnet), quiet() as said:
        try:
            return load(chosen)
        except EngineMissing:
            raise
        except RenodePicoError as error:  # a folder that cannot be written, for one
            raise EngineMissing(f"{chosen.describe()} cannot be loaded: {error}") from error
        except ModuleNotFoundError as error:
            raise EngineMissing(f"Renode cannot be loaded: {error}; {PYRENODE_ADVICE}") from error
        # whatever .NET, pythonnet or pyrenode3 throw at a Renode that is not whole, and pyrenode3 also ends the process
        except (Exception, SystemExit) as error:
            reason = first_line(error) if isinstance(error, Exception) else "".join(said[-1:])
            raise EngineMissing(f"{chosen.describe()} cannot be loaded: {reason}; {ADVICE}") from error


def load(chosen: RenodeInstallation) -> RenodeRuntime:
    """Import pyrenode3, which starts .NET and Renode in this process, and load the models."""
    import pyrenode3

    skip_unloading()
    installation = loaded_installation(chosen, pyrenode3.RenodeLoader())
    if too_old(installation.version):
        oldest = ".".join(map(str, OLDEST))
        raise EngineMissing(f"Renode {installation.version} is too old, {oldest} is needed: {ADVICE}")
    from pyrenode3.wrappers import Emulation, Monitor

    emulation, monitor = Emulation(), Monitor()
    from Antmicro.Renode import Emulator

    # nobody would see an analyzer's window or log here, and which one to open cannot be chosen without a user interface
    Emulator.ShowAnalyzers = False
    load_models(installation)
    return RenodeRuntime(monitor, emulation, installation.version)


def skip_unloading() -> None:
    """Let the process end without taking .NET apart piece by piece, which costs up to ten seconds of a processor.

    pyrenode3 ends the emulation and its threads at exit in any case; the memory goes with the process.
    """
    import pythonnet
    from clr_loader import mono

    atexit.unregister(pythonnet.unload)
    release = getattr(mono, "_release", None)
    if release is not None:
        atexit.unregister(release)


def loaded_installation(chosen: RenodeInstallation, loader: Any) -> RenodeInstallation:
    """Describe the Renode that pyrenode3 has loaded: what was chosen, and what only the loaded one knows."""
    from System import AppDomain, Type

    assemblies = {str(each.GetName().Name): each for each in AppDomain.CurrentDomain.GetAssemblies()}
    version = version_numbers(str(assemblies["Renode"].GetName().Version)) if "Renode" in assemblies else ()
    return replace(
        chosen,
        root=Path(loader.root),
        assemblies=Path(loader.binaries),
        version=".".join(map(str, version)) or chosen.version,
        runtime=Runtime.DOTNET if Type.GetType("Mono.Runtime") is None else Runtime.MONO,
    )


def load_models(installation: RenodeInstallation) -> None:
    """Make the models and the host known to Renode, from their assembly, compiled when there is none of these sources.

    Where there is no compiler but the one inside Renode, the platform's script uses that.
    """
    from Antmicro.Renode.Utilities import TypeManager

    prepared = prepare(renode=installation)
    if prepared.assembly is None:
        return
    import clr

    clr.AddReference(str(prepared.assembly.with_suffix("")))
    TypeManager.Instance.ScanFile(str(prepared.assembly))


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep what pyrenode3 and pythonnet say about Mono while they load off the terminal; yields what they logged."""
    said: list[str] = []
    root = logging.getLogger()
    catcher = logging.Handler()
    catcher.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    saved, root.handlers = root.handlers, [catcher]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield said
    finally:
        root.handlers = saved


def first_line(error: BaseException) -> str:
    """What an exception says, in one line, and the one it came from; .NET's have their stack behind it."""
    cause = error.__cause__
    if isinstance(cause, Exception) and str(cause).strip():
        error = cause
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def dotnet_bytes(data: bytes) -> Any:
    """Bytes as a .NET array; by its memory, as pythonnet takes half a microsecond for each byte otherwise."""
    from System import Array, Byte

    array = Array.CreateInstance(Byte, len(data))
    if data:
        memoryview(array)[:] = data
    return array


def dotnet_decimal(value: float) -> Any:
    """A number as .NET's decimal."""
    from System import Decimal

    return Decimal(float(value))


def script() -> Path:
    """The platform's script."""
    return share() / PLATFORM_SCRIPT

# Monitor commands of the Pico platform, included by rpi_pico.resc. Python 2 (IronPython), as Renode's monitor speaks it.
import os
import shutil
import tempfile

import System
from Antmicro.Renode.Core import EmulationManager
from Antmicro.Renode.Exceptions import RecoverableException
from Antmicro.Renode.Utilities import TypeManager

ASSEMBLY = "renode_pico_models.dll"
MARKER = "Antmicro.Renode.Peripherals.RP2040.RP2040_Peripheral"


def _renode_version():
    version = System.Reflection.Assembly.GetEntryAssembly().GetName().Version
    return "%d.%d.%d" % (version.Major, version.Minor, version.Build)


def _fail(text):
    raise RecoverableException("renode-pico: " + text)


def _sources(root):
    found = []
    for directory in ("models", "host"):
        path = os.path.join(root, directory)
        if os.path.isdir(path):
            found += sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(".cs"))
    return found


def _models_are_loaded():
    return TypeManager.Instance.TryGetTypeByName(MARKER) is not None


def mc_pico_load_models(root):
    """pico_load_models DIRECTORY: make the models in DIRECTORY/models and DIRECTORY/host known to Renode, once."""
    if _models_are_loaded():
        return
    sources = _sources(root)
    if not sources:
        _fail("there are no models in %s" % root)
    assembly = os.path.join(root, "..", "build", "renode", _renode_version(), ASSEMBLY)
    if os.path.isfile(assembly):
        newest = max(os.path.getmtime(path) for path in sources)
        if os.path.getmtime(assembly) >= newest:
            TypeManager.Instance.ScanFile(os.path.abspath(assembly))
            return
        print("renode-pico: the compiled models are older than their sources; 'python -m renode_pico.renode_models' renews them")
    _compile(sources)


def _compile(sources):
    # all files in one go: each would be an assembly of its own otherwise, blind to the others
    if _renode_version() >= "1.16":
        self.Parse("include " + " ".join("@" + path for path in sources))
    else:
        TypeManager.Instance.ScanFile(_compile_before_1_16(sources))
    if not _models_are_loaded():
        _fail("the models do not compile with this Renode; the errors are above")


def _compile_before_1_16(sources):
    """Renode 1.15 includes one source file at a time; its compiler takes a pattern, though, so they go into one directory."""
    from Antmicro.Renode.Utilities import AdHocCompiler
    gathered = tempfile.mkdtemp("renode-pico")
    try:
        for path in sources:
            shutil.copy(path, gathered)
        return AdHocCompiler().Compile(os.path.join(gathered, "*.cs"))
    finally:
        shutil.rmtree(gathered)


def mc_pico_check(name, firmware, platform, bootrom):
    """pico_check NAME FIRMWARE PLATFORM BOOTROM: refuse what cannot work, with the reason."""
    if name in EmulationManager.Instance.CurrentEmulation.Names:
        _fail("there is a machine %r already; set $name to another one for a further board" % str(name))
    for variable, path, hint in (
        ("$platform", platform, "it is platforms/boards/rpi_pico.repl or rpi_pico_single.repl"),
        ("$bootrom", bootrom, "'python -m renode_pico.renode_models' makes it"),
        ("$firmware", firmware, "build it with 'make firmware', or set $firmware to any UF2, ELF or binary for the RP2040"),
    ):
        if not os.path.isfile(str(path)):
            _fail("%s: there is no file %s; %s" % (variable, path, hint))
    if os.path.getsize(str(bootrom)) != 0x4000:
        _fail("$bootrom: %s has %d bytes; the RP2040's boot ROM has 16384" % (bootrom, os.path.getsize(str(bootrom))))

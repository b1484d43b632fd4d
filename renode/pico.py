# Monitor commands of the Pico platform, included by rpi_pico.resc. Python 2 (IronPython), as Renode's monitor speaks it.
# Files are handled by .NET: importing Python's own modules for that would take half a second.
import clr
from System import Array, Version
from System.IO import Directory, File, FileInfo, Path
from System.Reflection import Assembly, BindingFlags

from Antmicro.Renode.Core import EmulationManager
from Antmicro.Renode.Exceptions import RecoverableException
from Antmicro.Renode.Utilities import AdHocCompiler, TypeManager

ASSEMBLY = "renode_pico_models.dll"
MARKER = "Antmicro.Renode.Peripherals.RP2040.RP2040_Peripheral"
BOOT_ROM_SIZE = 0x4000


def _renode_version():
    # a Renode that is hosted by another program has no program of its own to ask
    program = Assembly.GetEntryAssembly()
    return program.GetName().Version if program is not None else Version(0, 0, 0)


def _fail(text):
    raise RecoverableException("renode-pico: " + text)


def _sources(root):
    found = []
    for name in ("models", "host"):
        directory = Path.Combine(root, name)
        if Directory.Exists(directory):
            found += sorted(Directory.GetFiles(directory, "*.cs"))
    return found


def _models_are_loaded():
    return TypeManager.Instance.TryGetTypeByName(MARKER) is not None


def mc_pico_load_models(root):
    """pico_load_models DIRECTORY: make the models in DIRECTORY/models and DIRECTORY/host known to Renode, once."""
    if _models_are_loaded():
        return
    root = Path.GetFullPath(str(root))
    sources = _sources(root)
    if not sources:
        _fail("there are no models in %s" % root)
    assembly = Path.Combine(root, "..", "build", "renode")
    assembly = Path.GetFullPath(Path.Combine(assembly, _renode_version().ToString(3), ASSEMBLY))
    if File.Exists(assembly):
        newest = max(File.GetLastWriteTimeUtc(path) for path in sources)
        if File.GetLastWriteTimeUtc(assembly) >= newest:
            _make_known(assembly)
            return
        print("renode-pico: the compiled models are older than their sources; 'python -m renode_pico.renode_models' renews them")
    _compile(sources)


def _make_known(assembly):
    # Renode would load it when a type is asked for by name; a saved state asks .NET
    Assembly.LoadFrom(assembly)
    TypeManager.Instance.ScanFile(assembly)
    # what 'emulation' and 'connector' can do was looked up when they were first used, and kept
    cache = clr.GetClrType(type(self)).GetField("cache", BindingFlags.NonPublic | BindingFlags.Instance)
    if cache is not None:
        cache.GetValue(self).ClearCache()


def _compile(sources):
    # all files in one go: each would be an assembly of its own otherwise, blind to the others
    takes = clr.GetClrType(AdHocCompiler).GetMethod("Compile").GetParameters()[0].ParameterType
    _make_known(AdHocCompiler().Compile(Array[str](sources)) if takes.IsArray else _compile_before_1_16(sources))
    if not _models_are_loaded():
        _fail("the models do not compile with this Renode; the errors are above")


def _compile_before_1_16(sources):
    """Renode 1.15 takes one source file at a time; its compiler takes a pattern, though, so they go into one directory."""
    # not "renode-...": Renode clears away what is called so and belongs to no process
    gathered = Path.Combine(Path.GetTempPath(), "pico-models-" + Path.GetRandomFileName())
    Directory.CreateDirectory(gathered)
    try:
        for path in sources:
            File.Copy(path, Path.Combine(gathered, Path.GetFileName(path)))
        return AdHocCompiler().Compile(Path.Combine(gathered, "*.cs"))
    finally:
        Directory.Delete(gathered, True)


def mc_pico_check(name, firmware, platform, bootrom):
    """pico_check NAME FIRMWARE PLATFORM BOOTROM: refuse what cannot work, with the reason."""
    if name in EmulationManager.Instance.CurrentEmulation.Names:
        _fail("there is a machine '%s' already; set $name to another one for a further board" % name)
    for variable, path, hint in (
        ("$platform", platform, "it is platforms/boards/rpi_pico.repl or rpi_pico_single.repl"),
        ("$bootrom", bootrom, "'python -m renode_pico.renode_models' makes it"),
        ("$firmware", firmware, "build it with 'make firmware', or set $firmware to any UF2, ELF or binary for the RP2040"),
    ):
        if not File.Exists(str(path)):
            _fail("%s: there is no file %s; %s" % (variable, path, hint))
    size = FileInfo(str(bootrom)).Length
    if size != BOOT_ROM_SIZE:
        _fail("$bootrom: %s has %d bytes; the RP2040's boot ROM has %d" % (bootrom, size, BOOT_ROM_SIZE))

# Monitor commands of the Pico platform, included by rpi_pico.resc. Python 2 (IronPython), as Renode's monitor speaks it.
# Files are handled by .NET: importing Python's own modules for that would take half a second.
import clr
from System import AppDomain, Array, BitConverter, Environment, PlatformID, Type
from System.IO import Directory, File, FileInfo, MemoryStream, Path, StringWriter
from System.Reflection import Assembly, BindingFlags
from System.Text import Encoding

from Antmicro.Renode.Core import EmulationManager
from Antmicro.Renode.Exceptions import RecoverableException
from Antmicro.Renode.Utilities import AssemblyHelper, TypeManager

ASSEMBLY = "renode_pico_models.dll"
MARKER = "Antmicro.Renode.Peripherals.RP2040.RP2040_Peripheral"
IDLE_CONSOLE = "Antmicro.Renode.UsbHosts.IdleConsole"
BOOT_ROM_SIZE = 0x4000


def _fail(text):
    raise RecoverableException("renode-pico: " + text)


def _cache():
    """The user's cache, as renode_pico.places has it."""
    named = Environment.GetEnvironmentVariable("RENODE_PICO_CACHE")
    if named:
        return Path.GetFullPath(named)
    home = Environment.GetEnvironmentVariable("HOME") or Path.GetTempPath()
    if Directory.Exists("/System/Library/CoreServices"):
        return Path.Combine(home, "Library", "Caches", "renode-pico")
    base = Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
    return Path.Combine(base if base and Path.IsPathRooted(base) else Path.Combine(home, ".cache"), "renode-pico")


def _renode_version():
    # a Renode that is hosted by another program is not the program that was started
    for assembly in AppDomain.CurrentDomain.GetAssemblies():
        if assembly.GetName().Name == "Renode":
            return assembly.GetName().Version.ToString(3)
    return "unknown"


def _runtime():
    return "dotnet" if Type.GetType("Mono.Runtime") is None else "mono"


def _sources(root):
    found = []
    for name in ("models", "host"):
        directory = Path.Combine(root, name)
        if Directory.Exists(directory):
            found += sorted(Directory.GetFiles(directory, "*.cs"), key=Path.GetFileName)
    return found


def _hash(sources):
    """What an assembly of these sources is kept under; renode_models/assembly.py calculates the same."""
    content = MemoryStream()
    for path in sources:
        for part in (Encoding.UTF8.GetBytes(Path.GetFileName(path) + "\n"), File.ReadAllBytes(path)):
            content.Write(part, 0, part.Length)
    # by its name, as .NET has moved it from one assembly to another
    sha256 = Type.GetType("System.Security.Cryptography.SHA256, mscorlib").GetMethod("Create", Type.EmptyTypes).Invoke(None, None)
    return BitConverter.ToString(sha256.ComputeHash(content.ToArray())).Replace("-", "").lower()[:16]


def _models_are_loaded():
    return TypeManager.Instance.TryGetTypeByName(MARKER) is not None


def mc_pico_load_models(root):
    """pico_load_models DIRECTORY: make the models in DIRECTORY/models and DIRECTORY/host known to Renode, once."""
    if _models_are_loaded():
        return
    sources = _sources(Path.GetFullPath(str(root)))
    if not sources:
        _fail("there are no models in %s" % root)
    key = _hash(sources)
    # .NET loads what was compiled for Mono, not the other way round
    places = [_assembly(runtime, key) for runtime in (_runtime(), "mono")]
    for assembly in places:
        if File.Exists(assembly) and not _older_than_renode(assembly):
            _make_known(assembly)
            return
    _make_known(_compile(sources, places[0]))
    if not _models_are_loaded():
        _fail("the models do not compile with this Renode; the errors are above")


def _assembly(runtime, key):
    return Path.Combine(_cache(), "models", "%s-%s" % (_renode_version(), runtime), Path.Combine(key, ASSEMBLY))


def _older_than_renode(assembly):
    core = clr.GetClrType(EmulationManager).Assembly.Location
    return bool(core) and File.Exists(core) and File.GetLastWriteTimeUtc(core) > File.GetLastWriteTimeUtc(assembly)


def _make_known(assembly):
    # Renode would load it when a type is asked for by name; a saved state asks .NET
    Assembly.LoadFrom(assembly)
    TypeManager.Instance.ScanFile(assembly)
    # what 'emulation' and 'connector' can do was looked up when they were first used, and kept
    cache = clr.GetClrType(type(self)).GetField("cache", BindingFlags.NonPublic | BindingFlags.Instance)
    if cache is not None:
        cache.GetValue(self).ClearCache()
    # a monitor that nobody can type to keeps a core of this computer busy otherwise
    TypeManager.Instance.TryGetTypeByName(IDLE_CONSOLE).GetMethod("Rest").Invoke(None, None)


def _compile(sources, assembly):
    """Compile all files in one go, with the compiler that Renode carries, as its own `include` does one by one.

    The assembly has the same name each time and stays in the cache: a saved state finds its types again.
    """
    clr.AddReference("mcs")
    from Mono.CSharp import CompilerCallableEntryPoint

    folder = _writable(Path.GetDirectoryName(assembly))
    part = Path.Combine(folder, Path.GetRandomFileName())
    Directory.CreateDirectory(part)
    made = Path.Combine(part, ASSEMBLY)
    arguments = ["/target:library", "/debug-", "/optimize+", "/unsafe+", "/noconfig", "/out:" + made]
    if AssemblyHelper.BundledAssembliesCount > 0:
        arguments.append("/nostdlib+")
    if Environment.OSVersion.Platform == PlatformID.Unix:
        arguments.append("/langversion:experimental")
    arguments += ["/r:" + location for location in AssemblyHelper.GetAssembliesLocations()] + ["--"] + sources
    try:
        said = StringWriter()
        if not CompilerCallableEntryPoint.InvokeCompiler(Array[str](arguments), said):
            errors = [line for line in said.ToString().splitlines() if "error" in line]
            _fail("the models do not compile with this Renode: %s" % (errors[0] if errors else said.ToString()))
        target = Path.Combine(folder, ASSEMBLY)
        if File.Exists(target):
            File.Delete(target)
        File.Move(made, target)
        return target
    finally:
        Directory.Delete(part, True)


def _writable(folder):
    """The folder, made; where the cache cannot be written, another one for this time only."""
    try:
        Directory.CreateDirectory(folder)
        probe = Path.Combine(folder, Path.GetRandomFileName())
        File.WriteAllText(probe, "")
        File.Delete(probe)
        return folder
    except Exception:
        print("renode-pico: %s cannot be written, the models are compiled at each start" % folder)
        # not "renode-...": Renode clears away what is called so and belongs to no process
        folder = Path.Combine(Path.GetTempPath(), "pico-models-" + Path.GetRandomFileName())
        Directory.CreateDirectory(folder)
        return folder


def mc_pico_boot_rom():
    """pico_boot_rom: where the boot ROM's image is kept, as the monitor reads a path."""
    print("@" + Path.Combine(_cache(), "bootrom.bin").replace(" ", "\\ "))


def mc_pico_time_slices():
    """pico_time_slices: set how long a core's turn is. Boards that sleep wake up between turns when there are several of them, and a
    character of a UART takes 87 microseconds."""
    several = len(list(EmulationManager.Instance.CurrentEmulation.Machines)) > 1
    self.Parse('emulation SetGlobalQuantum "%s"' % ("0.0001" if several else "0.001"))


def mc_pico_check(name, firmware, platform, bootrom):
    """pico_check NAME FIRMWARE PLATFORM BOOTROM: refuse what cannot work, with the reason."""
    if name in EmulationManager.Instance.CurrentEmulation.Names:
        _fail("there is a machine '%s' already; set $name to another one for a further board" % name)
    for variable, path, hint in (
        ("$platform", platform, "it is platforms/boards/rpi_pico.repl or rpi_pico_single.repl"),
        ("$bootrom", bootrom, "'renode-pico path models' makes it"),
        ("$firmware", firmware, "build it with 'make firmware', or set $firmware to any UF2, ELF or binary for the RP2040"),
    ):
        if not File.Exists(str(path)):
            _fail("%s: there is no file %s; %s" % (variable, path, hint))
    size = FileInfo(str(bootrom)).Length
    if size != BOOT_ROM_SIZE:
        _fail("$bootrom: %s has %d bytes; the RP2040's boot ROM has %d" % (bootrom, size, BOOT_ROM_SIZE))

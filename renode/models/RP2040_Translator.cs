using System;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>What a core asks of Renode's translator, and Renode's own classes keep to themselves.</summary>
    public class RP2040_Translator
    {
        public RP2040_Translator(CortexM cpu)
        {
            this.cpu = cpu;
            var ordered = typeof(TranslationCPU).GetMethod("OrderTranslationBlocksInvalidation");
            var atOnce = typeof(TranslationCPU).GetMethod("InvalidateTranslationBlocks", new[] { typeof(IntPtr), typeof(IntPtr) });
            if(ordered != null)
            {
                invalidate = (Action<IntPtr, IntPtr, bool>)Delegate.CreateDelegate(typeof(Action<IntPtr, IntPtr, bool>), cpu, ordered);
            }
            else if(atOnce != null)
            {
                var method = (Action<IntPtr, IntPtr>)Delegate.CreateDelegate(typeof(Action<IntPtr, IntPtr>), cpu, atOnce);
                invalidate = (begin, end, _) => method(begin, end);
            }
            map = Function("TlibMapRange");
            KnowsInstruction = typeof(TranslationCPU).GetProperty("SyncPCEveryInstructionDisabled") != null;
            hook = typeof(TranslationCPU).GetField("memoryAccessHook", BindingFlags.Instance | BindingFlags.NonPublic);
        }

        /// <summary>
        /// Drops the code made of a piece of memory; stores to it are fast again once it is mapped anew. Without that in Renode, they
        /// stay slow.
        /// </summary>
        public void Forget(ulong start, ulong size)
        {
            if(invalidate == null || map == null)
            {
                return;
            }
            Drop(start, size);
            Map(start, size);
        }

        /// <summary>
        /// From now on a piece of memory is read and executed the fast way, while stores to it come over the bus.
        /// </summary>
        /// <remarks>
        /// The translator has such pages, a ROM's, though nothing that makes one of a memory: what maps pages adds their kind, which is 0
        /// for a RAM, to the address, and does not look whether there are bits below a page in it already.
        /// </remarks>
        public void MapReadOnly(ulong start, ulong size)
        {
            map.DynamicInvoke(start | PagesOfRom, size);
        }

        /// <summary>Maps a piece of memory, or maps it as it was again.</summary>
        public void Map(ulong start, ulong size)
        {
            map.DynamicInvoke(start, size);
        }

        /// <summary>Reads and writes of a piece of memory come over the bus, and code is not executed there.</summary>
        public void Unmap(ulong start, ulong size)
        {
            Function("TlibUnmapRange").DynamicInvoke(start, start + size - 1);
        }

        /// <summary>Drops the code made of a piece of memory that somebody else has written to.</summary>
        public void Drop(ulong start, ulong size, bool later = false)
        {
            invalidate(new IntPtr((long)start), new IntPtr((long)(start + size)), later);
        }

        /// <summary>What the library knows of the core: all that Renode saves of it.</summary>
        public byte[] SaveState()
        {
            var state = new byte[Convert.ToInt32(Function("TlibGetStateSize").DynamicInvoke())];
            Marshal.Copy((IntPtr)Function("TlibExportState").DynamicInvoke(), state, 0, state.Length);
            return state;
        }

        /// <summary>Gives it back to the same library, in the same process.</summary>
        public void LoadState(byte[] state)
        {
            Marshal.Copy(state, 0, (IntPtr)Function("TlibExportState").DynamicInvoke(), state.Length);
        }

        /// <summary>
        /// Has LogDisassembly called for each block of code that is translated, and OnMemoryAccess for each access that does not go
        /// the translator's fast way; all that are not aligned are among them. False: this Renode has no such flag.
        /// </summary>
        /// <remarks>
        /// Renode's own switch for OnMemoryAccess takes the fast way away as well, which would cost nine tenths of the speed: the
        /// flag in the translator's state is looked for, as the one word that the switch sets to 1 and back to 0, and set alone.
        /// </remarks>
        public bool Watch(bool isTraced)
        {
            var blocks = Function("TlibSetOnBlockTranslationEnabled");
            var accesses = Function("TlibOnMemoryAccessEventEnabled");
            var state = Function("TlibExportState");
            var size = Function("TlibGetStateSize");
            if(blocks == null || accesses == null || state == null || size == null)
            {
                return false;
            }
            blocks.DynamicInvoke(1);
            if(isTraced)
            {
                accesses.DynamicInvoke(1); // of all accesses
                return true;
            }
            var address = (IntPtr)state.DynamicInvoke();
            var words = new int[Convert.ToInt32(size.DynamicInvoke()) / 4];
            accesses.DynamicInvoke(0);
            Marshal.Copy(address, words, 0, words.Length);
            accesses.DynamicInvoke(1);
            var found = -1;
            for(var i = 0; i < words.Length; i++)
            {
                var now = Marshal.ReadInt32(address, 4 * i);
                if(now != words[i])
                {
                    if(found >= 0 || words[i] != 0 || now != 1)
                    {
                        accesses.DynamicInvoke(0);
                        return false;
                    }
                    found = i;
                }
            }
            accesses.DynamicInvoke(0);
            if(found < 0 || Marshal.ReadInt32(address, 4 * found) != 0)
            {
                return false;
            }
            Marshal.WriteInt32(address, 4 * found, 1);
            return true;
        }

        /// <summary>Has a method called with each block of code that is about to be executed, or not any more; not while one is.</summary>
        public void CallAtBlocks(Action<ulong, uint> method, bool enable)
        {
            var others = (Action<ulong, uint>)Delegate.Remove((Delegate)BlockBegins.GetValue(cpu), method);
            BlockBegins.SetValue(cpu, enable ? (Action<ulong, uint>)Delegate.Combine(others, method) : others);
            typeof(TranslationCPU).GetMethod("UpdateBlockBeginHookPresent", BindingFlags.Instance | BindingFlags.NonPublic).Invoke(cpu, null);
            Function("TlibInvalidateTranslationCache").DynamicInvoke();
        }

        /// <summary>
        /// Where somebody is called with each block, it matters where blocks begin, and that depends on what was executed before: they
        /// are made anew, when a state is kept as when it comes back.
        /// </summary>
        public void MakeBlocksAnewIfSeen()
        {
            if(BlockBegins.GetValue(cpu) != null)
            {
                Function("TlibInvalidateTranslationCache").DynamicInvoke();
            }
        }

        /// <summary>During an access over the bus: the PC is that of its instruction.</summary>
        public void RestoreProgramCounter()
        {
            Function("TlibRestoreContext").DynamicInvoke();
        }

        /// <summary>While an instruction accesses something, the PC is its own; in Renode 1.15 it is that of its block.</summary>
        public bool KnowsInstruction { get; private set; }

        /// <summary>The block of code that is being executed: where it begins, and how many bytes it has.</summary>
        public uint Block(out uint size)
        {
            var state = (IntPtr)Function("TlibExportState").DynamicInvoke();
            // what comes behind the state that is saved is the pointer to it
            var block = Marshal.ReadIntPtr(state, Convert.ToInt32(Function("TlibGetStateSize").DynamicInvoke()));
            size = block == IntPtr.Zero ? 0u : (ushort)Marshal.ReadInt16(block, BlockSize);
            return block == IntPtr.Zero ? 0 : (uint)Marshal.ReadInt32(block);
        }

        /// <summary>Somebody else asks for all accesses, an execution trace: the fast way is off.</summary>
        public bool IsTraced { get { return hook != null && hook.GetValue(cpu) != null; } }

        /// <summary>Calls the method of Renode's own class that another one has taken the place of.</summary>
        public void PassOn(string method, params object[] arguments)
        {
            var types = Array.ConvertAll(arguments, x => x.GetType());
            typeof(TranslationCPU).GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic, null, types, null).Invoke(cpu, arguments);
        }

        /// <summary>
        /// Has OnMemoryAccess called for addresses that are no multiples of four, and for no others, or for all again.
        /// </summary>
        /// <remarks>
        /// A call into managed code takes as long as an access to SIO itself, and loops of MicroPython are made of these. On x86-64
        /// a few instructions of machine code stand in between; elsewhere the method looks at the address itself.
        /// </remarks>
        public void CallForOddAddressesOnly(bool enable)
        {
            var binder = Private(typeof(TranslationCPU), "binder", cpu);
            var store = binder == null ? null : Private(binder.GetType(), "delegateStore", binder) as object[];
            var library = binder == null ? null : Private(binder.GetType(), "libraryAddress", binder);
            var method = store == null ? null : store.OfType<Delegate>().FirstOrDefault(x => x.Method.Name == "OnMemoryAccessWrapper");
            if(method == null || library == null || (enable && !RP2040_MachineCode.IsPossible))
            {
                return;
            }
            var types = method.GetType().GetMethod("Invoke").GetParameters().Select(x => x.ParameterType.Name);
            var function = Marshal.GetFunctionPointerForDelegate(method);
            if(enable)
            {
                filter = filter ?? new RP2040_MachineCode(function);
                function = filter.Address;
            }
            try
            {
                var symbol = SharedLibraries.GetSymbolAddress((IntPtr)library, "renode_external_attach__Action" + string.Concat(types) + "__OnMemoryAccess");
                ((Attach)Marshal.GetDelegateForFunctionPointer(symbol, typeof(Attach)))(function);
            }
            catch(InvalidOperationException)
            {
                // another Renode: all addresses it is
            }
        }

        public void AddBreakpoint(ulong address)
        {
            Function("TlibAddBreakpoint").DynamicInvoke(address);
        }

        public void RemoveBreakpoint(ulong address)
        {
            Function("TlibRemoveBreakpoint").DynamicInvoke(address);
        }

        private static object Private(Type type, string name, object of)
        {
            var field = type.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
            return field == null ? null : field.GetValue(of);
        }

        private Delegate Function(string name)
        {
            var field = typeof(TranslationCPU).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
            return field == null ? null : (Delegate)field.GetValue(cpu);
        }

        private RP2040_MachineCode filter;
        private readonly CortexM cpu;
        private readonly Action<IntPtr, IntPtr, bool> invalidate;
        private readonly Delegate map;
        private readonly FieldInfo hook;

        private static readonly FieldInfo BlockBegins
            = typeof(TranslationCPU).GetField("blockBeginInternalHook", BindingFlags.Instance | BindingFlags.NonPublic);

        /// <summary>IO_MEM_ROM of cpu-common.h.</summary>
        private const ulong PagesOfRom = 8;
        /// <summary>Where a block of Renode 1.15's translator has its size; it begins with its address.</summary>
        private const int BlockSize = 22;

        private delegate void Attach(IntPtr function);
    }
}

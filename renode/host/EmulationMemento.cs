using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.RP2040;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// A paused emulation as it is, kept in this process and put back in place in a few milliseconds; Save and Load take a second.
    /// </summary>
    /// <remarks>
    /// All objects that can be reached from the emulation are followed by reflection: those of Renode, of the models and .NET's
    /// collections. Their fields and the elements of arrays are copied, and copied back: identities stay, contents return. Beside
    /// them the state that the translator's library has of each core, and the memories, page by page. Left alone is what belongs to
    /// the process: threads, locks, native handles, logs, files, code that was translated (of what has changed in memory it is
    /// dropped), memory that the translator has taken, and what Renode itself does not save, which it marks as transient.
    /// </remarks>
    public sealed class EmulationMemento
    {
        public EmulationMemento()
        {
            StandStill();
            emulation = EmulationManager.Instance.CurrentEmulation;
            Follow(emulation);
            kinds = copies.Values.ToArray();
            seen = null;
            waiting = null;
            copies = null;
        }

        /// <summary>Everything as it was; false, and nothing is changed, when this emulation is over.</summary>
        public bool Restore()
        {
            StandStill();
            if(!ReferenceEquals(emulation, EmulationManager.Instance.CurrentEmulation))
            {
                return false;
            }
            foreach(var kind in kinds)
            {
                kind.Restore();
            }
            foreach(var array in arrays)
            {
                Array.Copy(array.Value, array.Key, array.Value.Length);
            }
            foreach(var core in cores)
            {
                core.Restore();
            }
            foreach(var memory in memories)
            {
                memory.Restore(cores);
            }
            foreach(var flash in flashes)
            {
                flash.FileIsBehind();
            }
            return true;
        }

        /// <summary>How many objects and arrays are kept.</summary>
        public int Count { get { return kinds.Sum(x => x.Count) + arrays.Count; } }

        /// <summary>The classes whose objects were reached and left alone.</summary>
        public string[] LeftAlone { get { return left.OrderBy(x => x, StringComparer.Ordinal).ToArray(); } }

        /// <summary>Pauses the emulation, and waits for the cores' threads: Renode's pause may be over before they are.</summary>
        private static void StandStill()
        {
            EmulationRunner.Release();
            foreach(var core in EmulationManager.Instance.CurrentEmulation.Machines.SelectMany(x => x.SystemBus.GetCPUs()).OfType<BaseCPU>())
            {
                var thread = coreThread == null ? null : (Thread)coreThread.GetValue(core);
                if(thread != null)
                {
                    thread.Join(LongestEnd);
                }
            }
        }

        private void Follow(object root)
        {
            Reach(root);
            while(waiting.Count > 0)
            {
                var next = waiting.Pop();
                var array = next as Array;
                var memory = next as MappedMemory;
                if(array != null)
                {
                    FollowArray(array);
                }
                else if(next is Delegate)
                {
                    foreach(var each in ((Delegate)next).GetInvocationList())
                    {
                        Reach(each.Target);
                    }
                }
                else if(next.GetType().IsValueType)
                {
                    FollowFields(next);
                }
                else if(memory != null)
                {
                    memories.Add(new Pages(memory, emulation));
                }
                else if(!IsFollowed(next.GetType()))
                {
                    left.Add(next.GetType().FullName ?? next.GetType().Name);
                }
                else
                {
                    Kind kind;
                    if(!copies.TryGetValue(next.GetType(), out kind))
                    {
                        copies.Add(next.GetType(), kind = new Kind(next.GetType()));
                    }
                    kind.Keep(next);
                    FollowFields(next);
                    var core = next as CortexM;
                    if(core != null)
                    {
                        cores.Add(new CoreState(core));
                    }
                    var flash = next as RP2040_Flash;
                    if(flash != null)
                    {
                        flashes.Add(flash);
                    }
                }
            }
        }

        private void FollowArray(Array array)
        {
            var element = array.GetType().GetElementType();
            if(element.IsPointer)
            {
                return;
            }
            if(array.Length > 0)
            {
                arrays.Add(new KeyValuePair<Array, Array>(array, (Array)array.Clone()));
            }
            if(!IsPlain(element))
            {
                foreach(var each in array)
                {
                    Reach(each);
                }
            }
        }

        private void FollowFields(object of)
        {
            foreach(var field in Fields(of.GetType()))
            {
                if(!IsPlain(field.FieldType))
                {
                    Reach(field.GetValue(of));
                }
            }
        }

        private void Reach(object to)
        {
            if(to != null && !IsPlain(to.GetType()) && (to is ValueType || seen.Add(to)))
            {
                waiting.Push(to);
            }
        }

        /// <summary>The fields of a class and its bases that are part of the state.</summary>
        private static FieldInfo[] Fields(Type type)
        {
            FieldInfo[] found;
            if(!fieldsOf.TryGetValue(type, out found))
            {
                var all = new List<FieldInfo>();
                for(var each = type; each != null; each = each.BaseType)
                {
                    all.AddRange(each.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                        .Where(x => !IsOfProcess(x.FieldType) && !x.IsDefined(typeof(TransientAttribute), false)
                            && !x.IsDefined(typeof(RP2040_OutsideOfMementoAttribute), false)
                            && !(x.Name == "hooks" && x.DeclaringType == typeof(TranslationCPU))));
                }
                fieldsOf.Add(type, found = all.ToArray());
            }
            return found;
        }

        /// <summary>Values that refer to nothing and never change.</summary>
        private static bool IsPlain(Type type)
        {
            return type.IsPrimitive || type.IsEnum || type.IsPointer || type == typeof(string) || type == typeof(decimal)
                || typeof(MemberInfo).IsAssignableFrom(type);
        }

        private static bool IsOfProcess(Type type)
        {
            return type == typeof(IntPtr) || type == typeof(UIntPtr) || type.IsPointer
                || (type.Namespace ?? "").StartsWith("System.Threading", StringComparison.Ordinal);
        }

        private static bool IsFollowed(Type type)
        {
            var space = type.Namespace ?? "";
            if(type == typeof(EmulationRunner) || type == typeof(UsbTrace) || IsOfTranslator(type))
            {
                return false;
            }
            return space.StartsWith("System.Collections", StringComparison.Ordinal)
                || (space == "System" && (type == typeof(Random) || type.IsNested || type.Name.StartsWith("Tuple", StringComparison.Ordinal)
                    || type.Name.StartsWith("Lazy", StringComparison.Ordinal)))
                || (space.StartsWith("Antmicro.Renode", StringComparison.Ordinal)
                    && !OfProgram.Any(x => space.StartsWith(x, StringComparison.Ordinal)));
        }

        /// <summary>
        /// What the translator's library holds of this process, and goes on to hold: the pieces of memory that it was told of when a core
        /// first came there, and what it has allocated.
        /// </summary>
        private static bool IsOfTranslator(Type type)
        {
            return type.Namespace == typeof(TranslationCPU).Namespace && (type.Name == "SegmentMapping" || type.Name == "SimpleMemoryManager");
        }

        private HashSet<object> seen = new HashSet<object>(new ByIdentity());
        private Stack<object> waiting = new Stack<object>();
        private Dictionary<Type, Kind> copies = new Dictionary<Type, Kind>();

        private readonly Emulation emulation;
        private readonly Kind[] kinds;
        private readonly List<KeyValuePair<Array, Array>> arrays = new List<KeyValuePair<Array, Array>>();
        private readonly List<CoreState> cores = new List<CoreState>();
        private readonly List<RP2040_Flash> flashes = new List<RP2040_Flash>();
        private readonly List<Pages> memories = new List<Pages>();
        private readonly HashSet<string> left = new HashSet<string>();

        private static readonly FieldInfo coreThread = typeof(BaseCPU).GetField("cpuThread", BindingFlags.Instance | BindingFlags.NonPublic);
        private static readonly Dictionary<Type, FieldInfo[]> fieldsOf = new Dictionary<Type, FieldInfo[]>();
        private static readonly Func<object, object> copyOf = (Func<object, object>)Delegate.CreateDelegate(typeof(Func<object, object>),
            typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic));

        /// <summary>Real time, milliseconds.</summary>
        private const int LongestEnd = 10000;

        /// <summary>What Renode is as a program, beside what it emulates.</summary>
        private static readonly string[] OfProgram = new[] { "Antmicro.Renode.Logging", "Antmicro.Renode.UserInterface", "Antmicro.Renode.Backends",
            "Antmicro.Renode.RobotFramework", "Antmicro.Renode.Analyzers", "Antmicro.Renode.PlatformDescription", "Antmicro.Renode.Disassembler" };

        /// <summary>The objects of one class, each with a copy that holds its fields as they were.</summary>
        private sealed class Kind
        {
            public Kind(Type type)
            {
                var fields = Fields(type).Where(x => !x.IsInitOnly).ToArray();
                if(fields.Length == 0)
                {
                    return;
                }
                var method = new DynamicMethod("CopyFields", typeof(void), new[] { typeof(object), typeof(object) }, typeof(EmulationMemento).Module, true);
                var code = method.GetILGenerator();
                foreach(var field in fields)
                {
                    code.Emit(OpCodes.Ldarg_0);
                    code.Emit(OpCodes.Castclass, field.DeclaringType);
                    code.Emit(OpCodes.Ldarg_1);
                    code.Emit(OpCodes.Castclass, field.DeclaringType);
                    code.Emit(OpCodes.Ldfld, field);
                    code.Emit(OpCodes.Stfld, field);
                }
                code.Emit(OpCodes.Ret);
                copy = (Action<object, object>)method.CreateDelegate(typeof(Action<object, object>));
            }

            public void Keep(object original)
            {
                if(copy == null)
                {
                    return;
                }
                var kept = copyOf(original);
                GC.SuppressFinalize(kept);
                originals.Add(original);
                keptOnes.Add(kept);
            }

            public void Restore()
            {
                for(var i = 0; i < originals.Count; i++)
                {
                    copy(originals[i], keptOnes[i]);
                }
            }

            public int Count { get { return originals.Count; } }

            private readonly Action<object, object> copy;
            private readonly List<object> originals = new List<object>();
            private readonly List<object> keptOnes = new List<object>();
        }

        /// <summary>What the translator's library knows of a core.</summary>
        private sealed class CoreState
        {
            public CoreState(CortexM core)
            {
                this.core = core;
                Translator = new RP2040_Translator(core);
                state = Translator.SaveState();
                Translator.MakeBlocksAnewIfSeen();
            }

            public void Restore()
            {
                Translator.LoadState(state);
                Translator.MakeBlocksAnewIfSeen();
                var rp2040 = core as RP2040_Core;
                if(rp2040 != null)
                {
                    rp2040.ForgetBanks();
                }
            }

            public RP2040_Translator Translator { get; private set; }

            private readonly CortexM core;
            private readonly byte[] state;
        }

        /// <summary>A memory's pages; those that were never touched are zeros.</summary>
        private sealed class Pages
        {
            public Pages(MappedMemory memory, Emulation emulation)
            {
                this.memory = memory;
                var count = (int)((memory.Size + memory.SegmentSize - 1) / memory.SegmentSize);
                kept = new byte[count][];
                for(var i = 0; i < count; i++)
                {
                    var segment = memory.GetSegment(i);
                    if(segment != IntPtr.Zero)
                    {
                        kept[i] = new byte[memory.SegmentSize];
                        Marshal.Copy(segment, kept[i], 0, memory.SegmentSize);
                    }
                }
                places = emulation.Machines.Where(x => x.IsRegistered(memory))
                    .SelectMany(x => x.GetPeripheralRegistrationPoints(x.SystemBus, memory))
                    .OfType<BusRangeRegistration>().ToArray();
            }

            public void Restore(List<CoreState> cores)
            {
                for(var i = 0; i < kept.Length; i++)
                {
                    var segment = memory.GetSegment(i);
                    if(segment == IntPtr.Zero)
                    {
                        continue;
                    }
                    kept[i] = kept[i] ?? new byte[memory.SegmentSize]; // it was not there yet, which reads as zeros
                    for(var at = 0; at < memory.SegmentSize; at += Page)
                    {
                        if(!IsSame(segment + at, kept[i], at))
                        {
                            Marshal.Copy(kept[i], at, segment + at, Page);
                            Changed((ulong)i * (ulong)memory.SegmentSize + (ulong)at, cores);
                        }
                    }
                }
            }

            private void Changed(ulong offset, List<CoreState> cores)
            {
                foreach(var place in places)
                {
                    if(offset < place.Offset || offset - place.Offset >= place.Range.Size)
                    {
                        continue;
                    }
                    foreach(var core in cores)
                    {
                        core.Translator.Drop(place.Range.StartAddress + offset - place.Offset, Page);
                    }
                }
            }

            private static unsafe bool IsSame(IntPtr memory, byte[] kept, int at)
            {
                fixed(byte* begin = &kept[at])
                {
                    var one = (ulong*)memory;
                    var other = (ulong*)begin;
                    for(var i = 0; i < Page / sizeof(ulong); i++)
                    {
                        if(one[i] != other[i])
                        {
                            return false;
                        }
                    }
                }
                return true;
            }

            private readonly MappedMemory memory;
            private readonly byte[][] kept;
            private readonly BusRangeRegistration[] places;

            /// <summary>All segments are made of whole ones.</summary>
            private const int Page = 0x1000;
        }

        private sealed class ByIdentity : IEqualityComparer<object>
        {
            bool IEqualityComparer<object>.Equals(object one, object other)
            {
                return ReferenceEquals(one, other);
            }

            int IEqualityComparer<object>.GetHashCode(object of)
            {
                return RuntimeHelpers.GetHashCode(of);
            }
        }
    }
}

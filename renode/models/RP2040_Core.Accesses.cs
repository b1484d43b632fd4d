using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Migrant;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // What a core's accesses are to the counters of the bus fabric and of execute-in-place, and what the latter allows.
    public partial class RP2040_Core
    {
        /// <summary>The cores come out of what they are at and look whether they are to tell of each access.</summary>
        public static void LookAround(IMachine machine)
        {
            foreach(var core in machine.SystemBus.GetCPUs().OfType<RP2040_Core>())
            {
                core.RequestReturn();
            }
        }

        /// <summary>Accesses to the cache's memory are refused while it is not SRAM, for which they have to come over the bus.</summary>
        private void TakeXipSramOverTheBus()
        {
            var enable = Xip != null && !Xip.IsSram;
            if(enable == xipSramOverTheBus)
            {
                return;
            }
            xipSramOverTheBus = enable;
            foreach(var page in Pages(XipSramBegin, XipSramEnd))
            {
                if(enable)
                {
                    SetPageAccessViaIo(page);
                }
                else
                {
                    ClearPageAccessViaIo(page);
                }
            }
        }

        private static IEnumerable<ulong> Pages(ulong begin, ulong end)
        {
            for(var page = begin; page < end; page += TranslatorPage)
            {
                yield return page;
            }
        }

        /// <summary>Each access by instructions is told here while something is counted.</summary>
        private void CountAccess(uint operation, ulong address)
        {
            if(operation <= MemoryWrite)
            {
                CountAccess(address, operation == MemoryWrite || operation == MemoryIOWrite);
            }
        }

        private void CountAccess(ulong address, bool write)
        {
            if(Xip != null)
            {
                Wait(Xip.Count(address, write));
            }
            if(BusControl != null)
            {
                BusControl.Count(address);
            }
        }

        /// <summary>
        /// A block of instructions is about to be executed: they are fetched by words, one for every two halfwords that follow each
        /// other, and one after each jump.
        /// </summary>
        private void CountFetches(ulong begin, uint _)
        {
            uint size;
            if(!blockSizes.TryGetValue(begin, out size))
            {
                return;
            }
            var goesOn = begin == fetchedUpTo && (begin & 3) != 0;
            fetchedUpTo = begin + size;
            for(var word = (begin & ~3ul) + (goesOn ? 4ul : 0); word < fetchedUpTo; word += 4)
            {
                CountAccess(word, false);
            }
            if(IsOverdue)
            {
                RequestReturn(); // when this block is over
            }
        }

        private bool Counts
        {
            get { return (Xip != null && Xip.Counting) || (BusControl != null && BusControl.Counting); }
        }

        private RP2040_XIP Xip
        {
            get
            {
                FindCounters();
                return xip;
            }
        }

        private RP2040_BUSCTRL BusControl
        {
            get
            {
                FindCounters();
                return busControl;
            }
        }

        private void FindCounters()
        {
            if(!lookedForCounters)
            {
                lookedForCounters = true;
                xip = machine.SystemBus.WhatPeripheralIsAt(XipControl) as RP2040_XIP;
                busControl = machine.SystemBus.WhatPeripheralIsAt(BusControlBegin) as RP2040_BUSCTRL;
            }
        }

        [Transient]
        private bool lookedForCounters;
        [Transient]
        private RP2040_XIP xip;
        [Transient]
        private RP2040_BUSCTRL busControl;
        [Transient]
        private bool accessesCounted;
        [Transient]
        private bool xipSramOverTheBus;
        /// <summary>Bytes of the blocks that were translated while something is counted, by where they begin.</summary>
        [RP2040_OutsideOfMemento]
        private readonly Dictionary<ulong, uint> blockSizes = new Dictionary<ulong, uint>();
        private ulong fetchedUpTo;

        private const uint MemoryIOWrite = 1;
        private const ulong XipControl = 0x14000000;
        private const ulong BusControlBegin = 0x40030000;
        private const ulong XipSramEnd = 0x15004000;
    }
}

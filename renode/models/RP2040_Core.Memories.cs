using System;
using System.Collections.Generic;
using Antmicro.Migrant;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // Memories that stores do not change, and code in the window in which the banks of SRAM are one behind the other.
    public partial class RP2040_Core
    {
        /// <summary>Renode 1.16 tells here what somebody else has written to a memory: DMA, a debugger.</summary>
        public void OrderTranslationBlocksInvalidation(IntPtr start, IntPtr end, bool delayInvalidation = false)
        {
            Translator.Drop((ulong)start, (ulong)end - (ulong)start, delayInvalidation);
            FollowWrite((ulong)start, (ulong)end);
        }

        /// <summary>Renode 1.15 does here.</summary>
        public new void InvalidateTranslationBlocks(IntPtr start, IntPtr end)
        {
            Translator.Drop((ulong)start, (ulong)end - (ulong)start);
            FollowWrite((ulong)start, (ulong)end);
        }

        /// <summary>The memories are as they were at another time: nothing that was made of them is right any more.</summary>
        public void ForgetBanks()
        {
            if(Banks != null)
            {
                Banks.Forget();
            }
        }

        /// <summary>
        /// Stores to the boot ROM and to the flash, which software makes by mistake and drivers for nothing, come over the bus, and end there.
        /// </summary>
        private void MapMemories()
        {
            Translator.MapReadOnly(0, RomSize);
            for(var window = XipBegin; window < XipWindowsEnd; window += XipWindowSize)
            {
                Translator.MapReadOnly(window, (ulong)Memories[1].Size);
            }
            if(Banks != null)
            {
                Translator.Unmap(BanksBegin, BanksEnd - BanksBegin);
                banksFollowed = 0;
                seenThroughBanks.Clear();
                FollowBanks();
            }
        }

        /// <summary>
        /// Code is about to be executed in a bank of SRAM: it is shown there, in a memory of its own, and from now on stores to the words that
        /// it comes from are seen. False: there is no code at this address.
        /// </summary>
        private bool ShowCode(ulong address)
        {
            if(Banks == null || address < BanksBegin || address >= BanksEnd)
            {
                return false;
            }
            var page = address & ~(TranslatorPage - 1);
            if(!Banks.Show((long)(page - BanksBegin)))
            {
                return false;
            }
            if(page + TranslatorPage < BanksEnd)
            {
                Banks.Show((long)(page + TranslatorPage - BanksBegin)); // a block of instructions may go on there
            }
            LookAround(machine);
            FollowBanks();
            return true;
        }

        /// <summary>Maps what any core has shown since the last time.</summary>
        private void FollowBanks()
        {
            if(Banks == null || banksFollowed == Banks.Changes)
            {
                return;
            }
            banksFollowed = Banks.Changes;
            if(Banks.Shown.Count == 0)
            {
                foreach(var page in seenThroughBanks)
                {
                    Translator.Map(page, TranslatorPage);
                }
                seenThroughBanks.Clear();
                Translator.Unmap(BanksBegin, BanksEnd - BanksBegin);
                Translator.Drop(BanksBegin, BanksEnd - BanksBegin);
            }
            foreach(var offset in Banks.Shown)
            {
                Translator.MapReadOnly(BanksBegin + (ulong)offset, TranslatorPage);
                var first = SramBegin + (ulong)RP2040_UnstripedSRAM.Striped(offset) / TranslatorPage * TranslatorPage;
                foreach(var page in Pages(first, first + RP2040_UnstripedSRAM.Banks * TranslatorPage))
                {
                    if(seenThroughBanks.Add(page))
                    {
                        Translator.MapReadOnly(page, TranslatorPage);
                    }
                }
            }
        }

        private bool IsSeenThroughBanks(ulong page)
        {
            return seenThroughBanks.Contains(page);
        }

        private void FollowWrite(ulong start, ulong end)
        {
            if(Banks == null || Banks.Shown.Count == 0 || start < SramBegin || start >= SramBegin + (BanksEnd - BanksBegin))
            {
                return;
            }
            foreach(var offset in Banks.Follow((long)(start - SramBegin), (long)(end - start)))
            {
                Translator.Drop(BanksBegin + (ulong)offset, TranslatorPage);
            }
        }

        private RP2040_UnstripedSRAM Banks
        {
            get
            {
                if(!lookedForBanks)
                {
                    lookedForBanks = true;
                    banks = machine.SystemBus.WhatPeripheralIsAt(BanksBegin) as RP2040_UnstripedSRAM;
                }
                return banks;
            }
        }

        [Transient]
        private bool lookedForBanks;
        [Transient]
        private RP2040_UnstripedSRAM banks;
        [Transient]
        [RP2040_OutsideOfMemento]
        private int banksFollowed;
        /// <summary>Pages of SRAM, stores to which come over the bus.</summary>
        [RP2040_OutsideOfMemento]
        private readonly HashSet<ulong> seenThroughBanks = new HashSet<ulong>();

        private const ulong XipWindowSize = 0x01000000;
        private const ulong XipWindowsEnd = 0x14000000;
        private const ulong BanksBegin = 0x21000000;
        private const ulong BanksEnd = 0x21040000;
    }
}

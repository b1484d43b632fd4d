using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // Where a core stands from its reset until it runs.
    public partial class RP2040_Core
    {
        /// <summary>The core begins at the vector table of the boot ROM, as it does on the chip (datasheet 2.7).</summary>
        /// <remarks>
        /// Renode takes PC and SP from the table when it first resumes a core: until then they were 0 for whoever looked, and it would set
        /// them over what GDB has set. They are shown from now on. Without a debugger Renode still sets them, so that another
        /// VectorTableOffset may be chosen before the start.
        /// </remarks>
        public void BeginAtBootROM()
        {
            standsAtVector = false;
            var rom = machine.SystemBus.WhatPeripheralIsAt(0) as MappedMemory;
            if(rom == null)
            {
                return;
            }
            VectorTableOffset = 0;
            if(rom.ReadDoubleWord(sizeof(uint)) == 0)
            {
                return; // nothing was loaded: Renode says so at the start
            }
            SetRegister(StackPointer, rom.ReadDoubleWord(0));
            SetRegister(ProgramCounter, rom.ReadDoubleWord(sizeof(uint)) & ~1u);
            standsAtVector = true;
            if(debuggers.Count > 0)
            {
                KeepBeginning();
            }
        }

        /// <summary>What a debugger sees now is what the core begins with.</summary>
        private void KeepBeginning()
        {
            if(standsAtVector)
            {
                PC = PC.RawValue | 1u;
            }
        }

        /// <summary>Renode sets PC and SP for a core that nobody has given a PC since its reset.</summary>
        protected override uint BeforePCWrite(uint value)
        {
            standsAtVector = false;
            return base.BeforePCWrite(value);
        }

        private bool standsAtVector;
    }
}

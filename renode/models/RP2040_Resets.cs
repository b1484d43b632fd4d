using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Subsystem resets (datasheet 2.14). Output n is the reset line of the block that bit n stands for.</summary>
    public class RP2040_Resets : RP2040_Peripheral, INumberedGPIOOutput
    {
        public RP2040_Resets(IMachine machine) : base(machine)
        {
            var lines = new Dictionary<int, IGPIO>();
            for(var i = 0; i < NumberOfBlocks; i++)
            {
                lines[i] = new GPIO();
            }
            Connections = lines;
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Drive();
        }

        /// <summary>What the watchdog resets here: the blocks chosen by WDSEL.</summary>
        public void WatchdogReset()
        {
            var selected = (uint)watchdogSelect.Value;
            RegistersCollection.Write((long)Registers.Reset, (uint)reset.Value | selected);
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }

        private void DefineRegisters()
        {
            Registers.Reset.Define(this, AllBlocks)
                .WithValueField(0, NumberOfBlocks, out reset, name: "RESET")
                .WithNoBits(NumberOfBlocks, 32 - NumberOfBlocks)
                .WithWriteCallback((_, __) => Drive());

            Registers.WatchdogSelect.Define(this)
                .WithValueField(0, NumberOfBlocks, out watchdogSelect, name: "WDSEL")
                .WithReservedBits(NumberOfBlocks, 32 - NumberOfBlocks);

            Registers.ResetDone.Define(this)
                .WithValueField(0, NumberOfBlocks, FieldMode.Read, valueProviderCallback: _ => ~reset.Value & AllBlocks, name: "RESET_DONE")
                .WithReservedBits(NumberOfBlocks, 32 - NumberOfBlocks);
        }

        private void Drive()
        {
            for(var i = 0; i < NumberOfBlocks; i++)
            {
                Connections[i].Set((reset.Value & (1u << i)) != 0);
            }
        }

        private IValueRegisterField reset;
        private IValueRegisterField watchdogSelect;

        private const int NumberOfBlocks = 25;
        private const uint AllBlocks = (1u << NumberOfBlocks) - 1;

        private enum Registers
        {
            Reset = 0x0,
            WatchdogSelect = 0x4,
            ResetDone = 0x8,
        }
    }
}

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>System configuration (datasheet 2.21): which interrupts are NMIs, and registers that keep their values.</summary>
    public class RP2040_SYSCFG : RP2040_Peripheral
    {
        public RP2040_SYSCFG(IMachine machine, RP2040_NVIC nvic0, RP2040_NVIC nvic1 = null) : base(machine)
        {
            this.nvic0 = nvic0;
            this.nvic1 = nvic1;
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            nvic0.NonMaskable = 0;
            if(nvic1 != null)
            {
                nvic1.NonMaskable = 0;
            }
        }

        private void DefineRegisters()
        {
            Registers.Processor0NMIMask.Define(this)
                .WithValueField(0, 32, writeCallback: (_, value) => nvic0.NonMaskable = (uint)value, name: "PROC0_NMI_MASK");
            Registers.Processor1NMIMask.Define(this)
                .WithValueField(0, 32, name: "PROC1_NMI_MASK", writeCallback: (_, value) =>
                {
                    if(nvic1 != null)
                    {
                        nvic1.NonMaskable = (uint)value;
                    }
                });
            Registers.ProcessorConfig.Define(this, 0x10000000)
                .WithFlag(0, FieldMode.Read, name: "PROC0_HALTED")
                .WithFlag(1, FieldMode.Read, name: "PROC1_HALTED")
                .WithReservedBits(2, 22)
                .WithValueField(24, 4, name: "PROC0_DAP_INSTID")
                .WithValueField(28, 4, name: "PROC1_DAP_INSTID");
            Registers.SynchroniserBypass.Define(this).WithValueField(0, 30, name: "PROC_IN_SYNC_BYPASS").WithReservedBits(30, 2);
            Registers.SynchroniserBypassHigh.Define(this).WithValueField(0, 6, name: "PROC_IN_SYNC_BYPASS_HI").WithReservedBits(6, 26);
            Unmodelled(Registers.DebugForce, 0x66);
            Unmodelled(Registers.MemoryPowerDown);
        }

        private readonly RP2040_NVIC nvic0;
        private readonly RP2040_NVIC nvic1;

        private enum Registers
        {
            Processor0NMIMask = 0x00,
            Processor1NMIMask = 0x04,
            ProcessorConfig = 0x08,
            SynchroniserBypass = 0x0C,
            SynchroniserBypassHigh = 0x10,
            DebugForce = 0x14,
            MemoryPowerDown = 0x18,
        }
    }
}

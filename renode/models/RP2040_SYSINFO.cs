using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Chip identification (datasheet 2.20). Drivers choose their workarounds by the revision.</summary>
    public class RP2040_SYSINFO : RP2040_Peripheral
    {
        /// <param name="revision">1 for B0 and B1, 2 for B2.</param>
        public RP2040_SYSINFO(IMachine machine, uint revision = 2) : base(machine)
        {
            Revision = revision;
            DefineRegisters();
            Reset();
        }

        public uint Revision
        {
            get { return revision; }
            set
            {
                if(value != 1 && value != 2)
                {
                    throw new RecoverableException("There is no revision {0} of the RP2040: 1 is B0 and B1, 2 is B2".FormatWith(value));
                }
                revision = value;
            }
        }

        private void DefineRegisters()
        {
            Registers.ChipId.Define(this)
                .WithValueField(0, 12, FieldMode.Read, valueProviderCallback: _ => Manufacturer, name: "MANUFACTURER")
                .WithValueField(12, 16, FieldMode.Read, valueProviderCallback: _ => Part, name: "PART")
                .WithValueField(28, 4, FieldMode.Read, valueProviderCallback: _ => revision, name: "REVISION");
            Registers.Platform.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => false, name: "FPGA")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => true, name: "ASIC")
                .WithReservedBits(2, 30);
            foreach(var register in new[] { Registers.GitReferenceRP2040, Registers.GitReferenceOfDatasheet })
            {
                register.Define(this).WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => GitReference, name: "GITREF_RP2040");
            }
        }

        private uint revision;

        private const uint Manufacturer = 0x927;
        private const uint Part = 0x2;
        /// <summary>As a B2 shows it; its first six digits begin the serial number of every boot ROM's drive.</summary>
        private const uint GitReference = 0xE0C912E8;

        private enum Registers
        {
            ChipId = 0x00,
            Platform = 0x04,
            GitReferenceRP2040 = 0x10,
            /// <summary>Where the datasheet and older headers have it, and the boot ROM reads it.</summary>
            GitReferenceOfDatasheet = 0x40,
        }
    }
}

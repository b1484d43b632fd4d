using System.Collections.Generic;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Synchronous serial port, an ARM PL022 (datasheet 4.4): registers that keep what is written to them,
    /// with their reset values. What they stand for is not modelled, and the first write to each says so.
    /// </summary>
    public class RP2040_SPI : RP2040_Peripheral
    {
        public RP2040_SPI(IMachine machine) : base(machine)
        {
            Unmodelled(ResetValues);
            Reset();
        }

        private static readonly Dictionary<Registers, uint> ResetValues = new Dictionary<Registers, uint>
        {
            { Registers.SSPSR, 0x3 },
            { Registers.SSPRIS, 0x8 },
            { Registers.SSPPERIPHID0, 0x22 },
            { Registers.SSPPERIPHID1, 0x10 },
            { Registers.SSPPERIPHID2, 0x34 },
            { Registers.SSPPCELLID0, 0xD },
            { Registers.SSPPCELLID1, 0xF0 },
            { Registers.SSPPCELLID2, 0x5 },
            { Registers.SSPPCELLID3, 0xB1 },
        };

        // the names of the pico-sdk's header
        private enum Registers
        {
            SSPCR0 = 0x000,
            SSPCR1 = 0x004,
            SSPDR = 0x008,
            SSPSR = 0x00C,
            SSPCPSR = 0x010,
            SSPIMSC = 0x014,
            SSPRIS = 0x018,
            SSPMIS = 0x01C,
            SSPICR = 0x020,
            SSPDMACR = 0x024,
            SSPPERIPHID0 = 0xFE0,
            SSPPERIPHID1 = 0xFE4,
            SSPPERIPHID2 = 0xFE8,
            SSPPERIPHID3 = 0xFEC,
            SSPPCELLID0 = 0xFF0,
            SSPPCELLID1 = 0xFF4,
            SSPPCELLID2 = 0xFF8,
            SSPPCELLID3 = 0xFFC,
        }
    }
}

using System.Collections.Generic;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Pulse width modulation (datasheet 4.5): registers that keep what is written to them,
    /// with their reset values. What they stand for is not modelled, and the first write to each says so.
    /// </summary>
    public class RP2040_PWM : RP2040_Peripheral
    {
        public RP2040_PWM(IMachine machine) : base(machine)
        {
            Unmodelled(ResetValues);
            Reset();
        }

        private static readonly Dictionary<Registers, uint> ResetValues = new Dictionary<Registers, uint>
        {
            { Registers.CH0_DIV, 0x10 },
            { Registers.CH0_TOP, 0xFFFF },
            { Registers.CH1_DIV, 0x10 },
            { Registers.CH1_TOP, 0xFFFF },
            { Registers.CH2_DIV, 0x10 },
            { Registers.CH2_TOP, 0xFFFF },
            { Registers.CH3_DIV, 0x10 },
            { Registers.CH3_TOP, 0xFFFF },
            { Registers.CH4_DIV, 0x10 },
            { Registers.CH4_TOP, 0xFFFF },
            { Registers.CH5_DIV, 0x10 },
            { Registers.CH5_TOP, 0xFFFF },
            { Registers.CH6_DIV, 0x10 },
            { Registers.CH6_TOP, 0xFFFF },
            { Registers.CH7_DIV, 0x10 },
            { Registers.CH7_TOP, 0xFFFF },
        };

        // the names of the pico-sdk's header
        private enum Registers
        {
            CH0_CSR = 0x000,
            CH0_DIV = 0x004,
            CH0_CTR = 0x008,
            CH0_CC = 0x00C,
            CH0_TOP = 0x010,
            CH1_CSR = 0x014,
            CH1_DIV = 0x018,
            CH1_CTR = 0x01C,
            CH1_CC = 0x020,
            CH1_TOP = 0x024,
            CH2_CSR = 0x028,
            CH2_DIV = 0x02C,
            CH2_CTR = 0x030,
            CH2_CC = 0x034,
            CH2_TOP = 0x038,
            CH3_CSR = 0x03C,
            CH3_DIV = 0x040,
            CH3_CTR = 0x044,
            CH3_CC = 0x048,
            CH3_TOP = 0x04C,
            CH4_CSR = 0x050,
            CH4_DIV = 0x054,
            CH4_CTR = 0x058,
            CH4_CC = 0x05C,
            CH4_TOP = 0x060,
            CH5_CSR = 0x064,
            CH5_DIV = 0x068,
            CH5_CTR = 0x06C,
            CH5_CC = 0x070,
            CH5_TOP = 0x074,
            CH6_CSR = 0x078,
            CH6_DIV = 0x07C,
            CH6_CTR = 0x080,
            CH6_CC = 0x084,
            CH6_TOP = 0x088,
            CH7_CSR = 0x08C,
            CH7_DIV = 0x090,
            CH7_CTR = 0x094,
            CH7_CC = 0x098,
            CH7_TOP = 0x09C,
            EN = 0x0A0,
            INTR = 0x0A4,
            INTE = 0x0A8,
            INTF = 0x0AC,
            INTS = 0x0B0,
        }
    }
}

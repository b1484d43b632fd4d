using System.Collections.Generic;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Programmable IO (datasheet chapter 3): registers that keep what is written to them,
    /// with their reset values. What they stand for is not modelled, and the first write to each says so.
    /// </summary>
    public class RP2040_PIO : RP2040_Peripheral
    {
        public RP2040_PIO(IMachine machine) : base(machine)
        {
            Unmodelled(ResetValues);
            Reset();
        }

        private static readonly Dictionary<Registers, uint> ResetValues = new Dictionary<Registers, uint>
        {
            { Registers.FSTAT, 0xF000F00 },
            { Registers.SM0_CLKDIV, 0x10000 },
            { Registers.SM0_EXECCTRL, 0x1F000 },
            { Registers.SM0_SHIFTCTRL, 0xC0000 },
            { Registers.SM0_PINCTRL, 0x14000000 },
            { Registers.SM1_CLKDIV, 0x10000 },
            { Registers.SM1_EXECCTRL, 0x1F000 },
            { Registers.SM1_SHIFTCTRL, 0xC0000 },
            { Registers.SM1_PINCTRL, 0x14000000 },
            { Registers.SM2_CLKDIV, 0x10000 },
            { Registers.SM2_EXECCTRL, 0x1F000 },
            { Registers.SM2_SHIFTCTRL, 0xC0000 },
            { Registers.SM2_PINCTRL, 0x14000000 },
            { Registers.SM3_CLKDIV, 0x10000 },
            { Registers.SM3_EXECCTRL, 0x1F000 },
            { Registers.SM3_SHIFTCTRL, 0xC0000 },
            { Registers.SM3_PINCTRL, 0x14000000 },
        };

        // the names of the pico-sdk's header
        private enum Registers
        {
            CTRL = 0x000,
            FSTAT = 0x004,
            FDEBUG = 0x008,
            FLEVEL = 0x00C,
            TXF0 = 0x010,
            TXF1 = 0x014,
            TXF2 = 0x018,
            TXF3 = 0x01C,
            RXF0 = 0x020,
            RXF1 = 0x024,
            RXF2 = 0x028,
            RXF3 = 0x02C,
            IRQ = 0x030,
            IRQ_FORCE = 0x034,
            INPUT_SYNC_BYPASS = 0x038,
            DBG_PADOUT = 0x03C,
            DBG_PADOE = 0x040,
            DBG_CFGINFO = 0x044,
            INSTR_MEM0 = 0x048,
            INSTR_MEM1 = 0x04C,
            INSTR_MEM2 = 0x050,
            INSTR_MEM3 = 0x054,
            INSTR_MEM4 = 0x058,
            INSTR_MEM5 = 0x05C,
            INSTR_MEM6 = 0x060,
            INSTR_MEM7 = 0x064,
            INSTR_MEM8 = 0x068,
            INSTR_MEM9 = 0x06C,
            INSTR_MEM10 = 0x070,
            INSTR_MEM11 = 0x074,
            INSTR_MEM12 = 0x078,
            INSTR_MEM13 = 0x07C,
            INSTR_MEM14 = 0x080,
            INSTR_MEM15 = 0x084,
            INSTR_MEM16 = 0x088,
            INSTR_MEM17 = 0x08C,
            INSTR_MEM18 = 0x090,
            INSTR_MEM19 = 0x094,
            INSTR_MEM20 = 0x098,
            INSTR_MEM21 = 0x09C,
            INSTR_MEM22 = 0x0A0,
            INSTR_MEM23 = 0x0A4,
            INSTR_MEM24 = 0x0A8,
            INSTR_MEM25 = 0x0AC,
            INSTR_MEM26 = 0x0B0,
            INSTR_MEM27 = 0x0B4,
            INSTR_MEM28 = 0x0B8,
            INSTR_MEM29 = 0x0BC,
            INSTR_MEM30 = 0x0C0,
            INSTR_MEM31 = 0x0C4,
            SM0_CLKDIV = 0x0C8,
            SM0_EXECCTRL = 0x0CC,
            SM0_SHIFTCTRL = 0x0D0,
            SM0_ADDR = 0x0D4,
            SM0_INSTR = 0x0D8,
            SM0_PINCTRL = 0x0DC,
            SM1_CLKDIV = 0x0E0,
            SM1_EXECCTRL = 0x0E4,
            SM1_SHIFTCTRL = 0x0E8,
            SM1_ADDR = 0x0EC,
            SM1_INSTR = 0x0F0,
            SM1_PINCTRL = 0x0F4,
            SM2_CLKDIV = 0x0F8,
            SM2_EXECCTRL = 0x0FC,
            SM2_SHIFTCTRL = 0x100,
            SM2_ADDR = 0x104,
            SM2_INSTR = 0x108,
            SM2_PINCTRL = 0x10C,
            SM3_CLKDIV = 0x110,
            SM3_EXECCTRL = 0x114,
            SM3_SHIFTCTRL = 0x118,
            SM3_ADDR = 0x11C,
            SM3_INSTR = 0x120,
            SM3_PINCTRL = 0x124,
            INTR = 0x128,
            IRQ0_INTE = 0x12C,
            IRQ0_INTF = 0x130,
            IRQ0_INTS = 0x134,
            IRQ1_INTE = 0x138,
            IRQ1_INTF = 0x13C,
            IRQ1_INTS = 0x140,
        }
    }
}

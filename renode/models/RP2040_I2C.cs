using System.Collections.Generic;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// I2C controller, a Synopsys DW_apb_i2c (datasheet 4.3): registers that keep what is written to them,
    /// with their reset values. What they stand for is not modelled, and the first write to each says so.
    /// </summary>
    public class RP2040_I2C : RP2040_Peripheral
    {
        public RP2040_I2C(IMachine machine) : base(machine)
        {
            Unmodelled(ResetValues);
            Reset();
        }

        private static readonly Dictionary<Registers, uint> ResetValues = new Dictionary<Registers, uint>
        {
            { Registers.IC_CON, 0x65 },
            { Registers.IC_TAR, 0x55 },
            { Registers.IC_SAR, 0x55 },
            { Registers.IC_SS_SCL_HCNT, 0x28 },
            { Registers.IC_SS_SCL_LCNT, 0x2F },
            { Registers.IC_FS_SCL_HCNT, 0x6 },
            { Registers.IC_FS_SCL_LCNT, 0xD },
            { Registers.IC_INTR_MASK, 0x8FF },
            { Registers.IC_STATUS, 0x6 },
            { Registers.IC_SDA_HOLD, 0x1 },
            { Registers.IC_SDA_SETUP, 0x64 },
            { Registers.IC_ACK_GENERAL_CALL, 0x1 },
            { Registers.IC_FS_SPKLEN, 0x7 },
            { Registers.IC_COMP_VERSION, 0x3230312A },
            { Registers.IC_COMP_TYPE, 0x44570140 },
        };

        // the names of the pico-sdk's header
        private enum Registers
        {
            IC_CON = 0x000,
            IC_TAR = 0x004,
            IC_SAR = 0x008,
            IC_DATA_CMD = 0x010,
            IC_SS_SCL_HCNT = 0x014,
            IC_SS_SCL_LCNT = 0x018,
            IC_FS_SCL_HCNT = 0x01C,
            IC_FS_SCL_LCNT = 0x020,
            IC_INTR_STAT = 0x02C,
            IC_INTR_MASK = 0x030,
            IC_RAW_INTR_STAT = 0x034,
            IC_RX_TL = 0x038,
            IC_TX_TL = 0x03C,
            IC_CLR_INTR = 0x040,
            IC_CLR_RX_UNDER = 0x044,
            IC_CLR_RX_OVER = 0x048,
            IC_CLR_TX_OVER = 0x04C,
            IC_CLR_RD_REQ = 0x050,
            IC_CLR_TX_ABRT = 0x054,
            IC_CLR_RX_DONE = 0x058,
            IC_CLR_ACTIVITY = 0x05C,
            IC_CLR_STOP_DET = 0x060,
            IC_CLR_START_DET = 0x064,
            IC_CLR_GEN_CALL = 0x068,
            IC_ENABLE = 0x06C,
            IC_STATUS = 0x070,
            IC_TXFLR = 0x074,
            IC_RXFLR = 0x078,
            IC_SDA_HOLD = 0x07C,
            IC_TX_ABRT_SOURCE = 0x080,
            IC_SLV_DATA_NACK_ONLY = 0x084,
            IC_DMA_CR = 0x088,
            IC_DMA_TDLR = 0x08C,
            IC_DMA_RDLR = 0x090,
            IC_SDA_SETUP = 0x094,
            IC_ACK_GENERAL_CALL = 0x098,
            IC_ENABLE_STATUS = 0x09C,
            IC_FS_SPKLEN = 0x0A0,
            IC_CLR_RESTART_DET = 0x0A8,
            IC_COMP_PARAM_1 = 0x0F4,
            IC_COMP_VERSION = 0x0F8,
            IC_COMP_TYPE = 0x0FC,
        }
    }
}

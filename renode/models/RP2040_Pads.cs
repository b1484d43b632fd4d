using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Pad control of a bank (datasheet 2.19.6.3): pulls, input enable and output disable take part in the levels.</summary>
    public abstract class RP2040_Pads : RP2040_Peripheral
    {
        protected RP2040_Pads(IMachine machine, uint[] resetValues) : base(machine)
        {
            inputEnable = new IFlagRegisterField[resetValues.Length];
            outputDisable = new IFlagRegisterField[resetValues.Length];
            pullUp = new IFlagRegisterField[resetValues.Length];
            pullDown = new IFlagRegisterField[resetValues.Length];
            RegistersCollection.DefineRegister(0).WithFlag(0, name: "VOLTAGE_SELECT").WithReservedBits(1, 31);
            for(var i = 0; i < resetValues.Length; i++)
            {
                RegistersCollection.DefineRegister(4 * (i + 1), resetValues[i])
                    .WithFlag(0, name: "SLEWFAST")
                    .WithFlag(1, name: "SCHMITT")
                    .WithFlag(2, out pullDown[i], name: "PDE")
                    .WithFlag(3, out pullUp[i], name: "PUE")
                    .WithValueField(4, 2, name: "DRIVE")
                    .WithFlag(6, out inputEnable[i], name: "IE")
                    .WithFlag(7, out outputDisable[i], name: "OD")
                    .WithReservedBits(8, 24)
                    .WithWriteCallback((_, __) => OnChange());
            }
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            OnChange();
        }

        public bool InputEnabled(int pin)
        {
            return inputEnable[pin].Value;
        }

        public bool OutputDisabled(int pin)
        {
            return outputDisable[pin].Value;
        }

        public bool PullUp(int pin)
        {
            return pullUp[pin].Value;
        }

        public bool PullDown(int pin)
        {
            return pullDown[pin].Value;
        }

        /// <summary>Whom to tell that a pad changed.</summary>
        public RP2040_IOBank Bank { get; set; }

        protected static uint[] Repeat(uint value, int count)
        {
            var result = new uint[count];
            for(var i = 0; i < count; i++)
            {
                result[i] = value;
            }
            return result;
        }

        private void OnChange()
        {
            if(Bank != null)
            {
                Bank.PadsChanged();
            }
        }

        private readonly IFlagRegisterField[] inputEnable;
        private readonly IFlagRegisterField[] outputDisable;
        private readonly IFlagRegisterField[] pullUp;
        private readonly IFlagRegisterField[] pullDown;
    }

    /// <summary>Pads of the 30 user pins, and of SWCLK and SWD.</summary>
    public class RP2040_PadsBank0 : RP2040_Pads
    {
        public RP2040_PadsBank0(IMachine machine) : base(machine, ResetValues())
        {
        }

        private static uint[] ResetValues()
        {
            var values = Repeat(0x56, 32);
            values[30] = 0xDA;
            values[31] = 0x5A;
            return values;
        }
    }

    /// <summary>Pads of the flash's pins: SCLK, SD0 to SD3, SS.</summary>
    public class RP2040_PadsQSPI : RP2040_Pads
    {
        public RP2040_PadsQSPI(IMachine machine) : base(machine, new uint[] { 0x56, 0x52, 0x52, 0x52, 0x52, 0x5A })
        {
        }
    }
}

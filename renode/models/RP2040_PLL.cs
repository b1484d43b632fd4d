using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Phase locked loop (datasheet 2.18). It locks as soon as it is powered and has a feedback divisor.</summary>
    public class RP2040_PLL : RP2040_Peripheral
    {
        public RP2040_PLL(IMachine machine, RP2040_XOSC xosc) : base(machine)
        {
            this.xosc = xosc;
            DefineRegisters();
            Reset();
        }

        /// <summary>Hz at the output of the post dividers; 0 while there is none.</summary>
        public uint Frequency
        {
            get
            {
                if(bypass.Value)
                {
                    return xosc.Frequency;
                }
                if(!Locked || postDividerPowerDown.Value || postDivider1.Value == 0 || postDivider2.Value == 0)
                {
                    return 0;
                }
                var vco = (ulong)xosc.Frequency / referenceDivider.Value * feedbackDivider.Value;
                return (uint)(vco / (postDivider1.Value * postDivider2.Value));
            }
        }

        private void DefineRegisters()
        {
            Registers.ControlStatus.Define(this, 0x1)
                .WithValueField(0, 6, out referenceDivider, name: "REFDIV")
                .WithReservedBits(6, 2)
                .WithFlag(8, out bypass, name: "BYPASS")
                .WithReservedBits(9, 22)
                .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => Locked, name: "LOCK");

            Registers.Power.Define(this, 0x2D)
                .WithFlag(0, out powerDown, name: "PD")
                .WithReservedBits(1, 1)
                .WithFlag(2, name: "DSMPD")
                .WithFlag(3, out postDividerPowerDown, name: "POSTDIVPD")
                .WithReservedBits(4, 1)
                .WithFlag(5, out vcoPowerDown, name: "VCOPD")
                .WithReservedBits(6, 26);

            Registers.FeedbackDivider.Define(this)
                .WithValueField(0, 12, out feedbackDivider, name: "FBDIV_INT")
                .WithReservedBits(12, 20);

            Registers.PostDividers.Define(this, 0x77000)
                .WithReservedBits(0, 12)
                .WithValueField(12, 3, out postDivider2, name: "POSTDIV2")
                .WithReservedBits(15, 1)
                .WithValueField(16, 3, out postDivider1, name: "POSTDIV1")
                .WithReservedBits(19, 13);
        }

        private bool Locked
        {
            get
            {
                return !powerDown.Value && !vcoPowerDown.Value && referenceDivider.Value != 0 && feedbackDivider.Value != 0
                    && xosc.Frequency != 0;
            }
        }

        private IValueRegisterField referenceDivider;
        private IValueRegisterField feedbackDivider;
        private IValueRegisterField postDivider1;
        private IValueRegisterField postDivider2;
        private IFlagRegisterField bypass;
        private IFlagRegisterField powerDown;
        private IFlagRegisterField postDividerPowerDown;
        private IFlagRegisterField vcoPowerDown;
        private readonly RP2040_XOSC xosc;

        private enum Registers
        {
            ControlStatus = 0x0,
            Power = 0x4,
            FeedbackDivider = 0x8,
            PostDividers = 0xC,
        }
    }
}

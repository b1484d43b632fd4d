using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Phase locked loop (datasheet 2.18). It locks as soon as it has power, a reference, and divisors that do not ask for more than it
    /// can do.
    /// </summary>
    public class RP2040_PLL : RP2040_ClockSource
    {
        public RP2040_PLL(IMachine machine, RP2040_XOSC xosc) : base(machine)
        {
            this.xosc = xosc;
            Lacks("locking takes no time, and there is no lowest frequency");
            DefineRegisters();
            xosc.Changed += Update;
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Update();
        }

        private void DefineRegisters()
        {
            Registers.ControlStatus.Define(this, 0x1)
                .WithValueField(0, 6, out referenceDivider, name: "REFDIV")
                .WithReservedBits(6, 2)
                .WithFlag(8, out bypass, name: "BYPASS")
                .WithReservedBits(9, 22)
                .WithFlag(31, FieldMode.Read, valueProviderCallback: _ => locked, name: "LOCK")
                .WithWriteCallback((_, __) => Update());

            Registers.Power.Define(this, 0x2D)
                .WithFlag(0, out powerDown, name: "PD")
                .WithReservedBits(1, 1)
                .WithFlag(2, name: "DSMPD")
                .WithFlag(3, out postDividerPowerDown, name: "POSTDIVPD")
                .WithReservedBits(4, 1)
                .WithFlag(5, out vcoPowerDown, name: "VCOPD")
                .WithReservedBits(6, 26)
                .WithWriteCallback((_, __) => Update());

            Registers.FeedbackDivider.Define(this)
                .WithValueField(0, 12, out feedbackDivider, name: "FBDIV_INT")
                .WithReservedBits(12, 20)
                .WithWriteCallback((_, __) => Update());

            Registers.PostDividers.Define(this, 0x77000)
                .WithReservedBits(0, 12)
                .WithValueField(12, 3, out postDivider2, name: "POSTDIV2")
                .WithReservedBits(15, 1)
                .WithValueField(16, 3, out postDivider1, name: "POSTDIV1")
                .WithReservedBits(19, 13)
                .WithWriteCallback((_, __) => Update());
        }

        private void Update()
        {
            var vco = referenceDivider.Value == 0 ? 0 : xosc.Frequency / referenceDivider.Value * feedbackDivider.Value;
            locked = vco > 0 && vco <= HighestFrequency && !powerDown.Value && !vcoPowerDown.Value;
            var post = postDivider1.Value * postDivider2.Value;
            if(bypass.Value)
            {
                RunsAt(xosc.Frequency);
            }
            else if(!locked || postDividerPowerDown.Value || post == 0)
            {
                RunsAt(0);
            }
            else
            {
                RunsAt((uint)(vco / post));
            }
        }

        private bool locked;
        private IValueRegisterField referenceDivider;
        private IValueRegisterField feedbackDivider;
        private IValueRegisterField postDivider1;
        private IValueRegisterField postDivider2;
        private IFlagRegisterField bypass;
        private IFlagRegisterField powerDown;
        private IFlagRegisterField postDividerPowerDown;
        private IFlagRegisterField vcoPowerDown;
        private readonly RP2040_XOSC xosc;

        /// <summary>Hz that its oscillator reaches (datasheet 2.18.2).</summary>
        private const ulong HighestFrequency = 1600000000;

        private enum Registers
        {
            ControlStatus = 0x0,
            Power = 0x4,
            FeedbackDivider = 0x8,
            PostDividers = 0xC,
        }
    }
}

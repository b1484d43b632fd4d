using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>One of CLK_GPOUT0 to CLK_GPOUT3 at its pin (datasheet 2.15.3.2), edge by edge, where FUNCSEL names it.</summary>
    public class RP2040_ClockOutput
    {
        public RP2040_ClockOutput(IMachine machine, RP2040_Clocks clocks, RP2040_IOBank0 pins, int number)
        {
            this.pins = pins;
            pin = Pins[number];
            edge = new RP2040_Pace(machine, clocks, "output" + number, Edge);
            Drive(false);
        }

        /// <summary>The clock has this frequency now, or FUNCSEL may have changed. False: it is too fast to be shown.</summary>
        public bool Update(uint hertz)
        {
            var wanted = pins.FunctionOf(pin) == RP2040_Clocks.PinFunction ? hertz : 0;
            var shown = wanted <= Fastest ? wanted : 0;
            if(shown != frequency)
            {
                frequency = shown;
                edge.Stop();
                Drive(false);
                if(shown != 0)
                {
                    edge.Start(1, 2 * (ulong)shown);
                }
            }
            return shown == wanted;
        }

        private void Edge()
        {
            Drive(!high);
            edge.Continue(1, 2 * (ulong)frequency);
        }

        private void Drive(bool level)
        {
            high = level;
            pins.SetFromFunction(RP2040_Clocks.PinFunction, 1u << pin, level ? 1u << pin : 0, 1u << pin);
        }

        private uint frequency;
        private bool high;
        private readonly int pin;
        private readonly RP2040_Pace edge;
        private readonly RP2040_IOBank0 pins;

        /// <summary>By number of the output (datasheet 2.19.2).</summary>
        private static readonly int[] Pins = { 21, 23, 24, 25 };

        /// <summary>Hz: each edge is an event of its own.</summary>
        private const uint Fastest = 100000;
    }
}

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>A core's integer divider (datasheet 2.3.1.5). The result is there at once instead of after eight cycles.</summary>
    public class RP2040_Divider
    {
        public void Reset()
        {
            Dividend = 0;
            Divisor = 0;
            Remainder = 0;
            quotient = 0;
            dirty = false;
        }

        public void Start(uint dividend, uint divisor, bool signed)
        {
            Dividend = dividend;
            Divisor = divisor;
            dirty = true;
            if(signed)
            {
                DivideSigned((int)dividend, (int)divisor);
            }
            else if(divisor == 0)
            {
                quotient = uint.MaxValue;
                Remainder = dividend;
            }
            else
            {
                quotient = dividend / divisor;
                Remainder = dividend % divisor;
            }
        }

        public uint ReadQuotient()
        {
            dirty = false;
            return quotient;
        }

        public void SetQuotient(uint value)
        {
            quotient = value;
            dirty = true;
        }

        public void SetRemainder(uint value)
        {
            Remainder = value;
            dirty = true;
        }

        public uint Dividend { get; private set; }
        public uint Divisor { get; private set; }
        public uint Remainder { get; private set; }

        /// <summary>READY is always set.</summary>
        public uint Status { get { return dirty ? 3u : 1u; } }

        private void DivideSigned(int dividend, int divisor)
        {
            if(divisor == 0)
            {
                quotient = dividend < 0 ? 1u : uint.MaxValue;
                Remainder = (uint)dividend;
                return;
            }
            // in 64 bits, as the most negative number divided by -1 does not fit and wraps
            quotient = (uint)((long)dividend / divisor);
            Remainder = (uint)((long)dividend % divisor);
        }

        private uint quotient;
        private bool dirty;
    }
}

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// One of a core's two interpolators (datasheet 2.3.1.6). The first can blend, the second can clamp.
    /// </summary>
    public class RP2040_Interpolator
    {
        public RP2040_Interpolator(bool clamps)
        {
            this.clamps = clamps;
            accumulators = new uint[2];
            bases = new uint[3];
            controls = new uint[2];
            results = new uint[3];
            masked = new uint[2];
            overflows = new bool[2];
        }

        public void Reset()
        {
            for(var i = 0; i < 2; i++)
            {
                accumulators[i] = 0;
                controls[i] = 0;
            }
            for(var i = 0; i < 3; i++)
            {
                bases[i] = 0;
            }
        }

        public uint Read(long offset)
        {
            Evaluate();
            switch((Registers)offset)
            {
            case Registers.Accumulator0:
                return accumulators[0];
            case Registers.Accumulator1:
                return accumulators[1];
            case Registers.Base0:
                return bases[0];
            case Registers.Base1:
                return bases[1];
            case Registers.Base2:
                return bases[2];
            case Registers.PopLane0:
                return Pop(0);
            case Registers.PopLane1:
                return Pop(1);
            case Registers.PopFull:
                return Pop(2);
            case Registers.PeekLane0:
                return Presented(0);
            case Registers.PeekLane1:
                return Presented(1);
            case Registers.PeekFull:
                return Presented(2);
            case Registers.Control0:
                return controls[0] | (overflows[0] ? Overflow0 : 0) | (overflows[1] ? Overflow1 : 0)
                    | (overflows[0] || overflows[1] ? OverflowAny : 0);
            case Registers.Control1:
                return controls[1];
            case Registers.Add0:
                return masked[0];
            case Registers.Add1:
                return masked[1];
            }
            return 0;
        }

        public void Write(long offset, uint value)
        {
            switch((Registers)offset)
            {
            case Registers.Accumulator0:
                accumulators[0] = value;
                break;
            case Registers.Accumulator1:
                accumulators[1] = value;
                break;
            case Registers.Base0:
                bases[0] = value;
                break;
            case Registers.Base1:
                bases[1] = value;
                break;
            case Registers.Base2:
                bases[2] = value;
                break;
            case Registers.Control0:
                controls[0] = value & (clamps ? ControlMask | ClampBit : ControlMask | BlendBit);
                break;
            case Registers.Control1:
                controls[1] = value & ControlMask;
                break;
            case Registers.Add0:
                accumulators[0] += value & AddMask;
                break;
            case Registers.Add1:
                accumulators[1] += value & AddMask;
                break;
            case Registers.Base1And0:
                bases[0] = Half(value & 0xFFFF, IsSigned(0));
                bases[1] = Half(value >> 16, IsSigned(1));
                break;
            }
        }

        private uint Pop(int which)
        {
            var value = Presented(which);
            var next0 = (controls[0] & CrossResult) != 0 ? results[1] : results[0];
            var next1 = (controls[1] & CrossResult) != 0 ? results[0] : results[1];
            accumulators[0] = next0;
            accumulators[1] = next1;
            return value;
        }

        /// <summary>What the processor sees: the forced bits are no part of the data path.</summary>
        private uint Presented(int which)
        {
            return which == 2 ? results[2] : results[which] | ((controls[which] >> ForceShift) & 3) << 28;
        }

        private void Evaluate()
        {
            for(var lane = 0; lane < 2; lane++)
            {
                var control = controls[lane];
                var input = (control & CrossInput) != 0 ? accumulators[1 - lane] : accumulators[lane];
                var lowest = (int)(control >> 5) & 0x1F;
                var highest = (int)(control >> 10) & 0x1F;
                var upTo = (uint)((2UL << highest) - 1);
                var mask = upTo & ~((1u << lowest) - 1);
                var shifted = input >> (int)(control & 0x1F);
                overflows[lane] = (shifted & ~upTo) != 0;
                var value = shifted & mask;
                if((control & Signed) != 0 && (value & (1u << highest)) != 0)
                {
                    value |= ~upTo;
                }
                masked[lane] = value;
                results[lane] = bases[lane] + ((control & AddRaw) != 0 ? input : value);
            }
            results[2] = bases[2] + masked[0] + masked[1];
            if(Blends)
            {
                var alpha = masked[1] & 0xFF;
                results[0] = alpha;
                var span = IsSigned(1) ? (long)(int)bases[1] - (int)bases[0] : (long)bases[1] - bases[0];
                results[1] = (uint)(bases[0] + ((span * alpha) >> 8));
                results[2] = bases[2] + masked[0];
            }
            else if(clamps && (controls[0] & ClampBit) != 0)
            {
                results[0] = Clamp(masked[0]);
            }
        }

        private uint Clamp(uint value)
        {
            if(IsSigned(0))
            {
                return (int)value < (int)bases[0] ? bases[0] : (int)value > (int)bases[1] ? bases[1] : value;
            }
            return value < bases[0] ? bases[0] : value > bases[1] ? bases[1] : value;
        }

        private static uint Half(uint value, bool signed)
        {
            return signed ? (uint)(short)value : value;
        }

        private bool IsSigned(int lane)
        {
            return (controls[lane] & Signed) != 0;
        }

        private bool Blends { get { return !clamps && (controls[0] & BlendBit) != 0; } }

        private readonly bool clamps;
        private readonly uint[] accumulators;
        private readonly uint[] bases;
        private readonly uint[] controls;
        private readonly uint[] results;
        private readonly uint[] masked;
        private readonly bool[] overflows;

        private const uint Signed = 1u << 15;
        private const uint CrossInput = 1u << 16;
        private const uint CrossResult = 1u << 17;
        private const uint AddRaw = 1u << 18;
        private const int ForceShift = 19;
        private const uint BlendBit = 1u << 21;
        private const uint ClampBit = 1u << 22;
        private const uint Overflow0 = 1u << 23;
        private const uint Overflow1 = 1u << 24;
        private const uint OverflowAny = 1u << 25;
        private const uint ControlMask = 0x1FFFFF;
        private const uint AddMask = 0xFFFFFF;

        private enum Registers
        {
            Accumulator0 = 0x00,
            Accumulator1 = 0x04,
            Base0 = 0x08,
            Base1 = 0x0C,
            Base2 = 0x10,
            PopLane0 = 0x14,
            PopLane1 = 0x18,
            PopFull = 0x1C,
            PeekLane0 = 0x20,
            PeekLane1 = 0x24,
            PeekFull = 0x28,
            Control0 = 0x2C,
            Control1 = 0x30,
            Add0 = 0x34,
            Add1 = 0x38,
            Base1And0 = 0x3C,
        }
    }
}

using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // The timers that pace (datasheet 2.5.5.1).
    public partial class RP2040_DMA
    {
        /// <summary>Requests X times in Y cycles, but not more than once in one (2.5.5.1).</summary>
        private class PacingTimer
        {
            public void Set(uint value, ulong cycle)
            {
                Value = value;
                since = cycle;
                pulses = 0;
            }

            /// <summary>How many pulses there have been since this was asked last.</summary>
            public ulong NotePulses(ulong cycle)
            {
                if(Y != 0)
                {
                    // numbers stay small: after Y cycles it is where it was
                    var rounds = (cycle - since) / Y;
                    var missed = rounds * Math.Min(X, Y);
                    since += rounds * Y;
                    var now = PulsesUntil(cycle);
                    var fresh = missed + now - pulses;
                    pulses = now;
                    return fresh;
                }
                return 0;
            }

            public ulong NextPulse
            {
                get
                {
                    if(X == 0 || Y == 0)
                    {
                        return ulong.MaxValue;
                    }
                    var next = pulses + 1;
                    return since + (X >= Y ? next : (next * Y + X - 1) / X);
                }
            }

            public uint Value { get; private set; }

            private ulong PulsesUntil(ulong cycle)
            {
                var cycles = cycle - since;
                return X >= Y ? cycles : cycles * X / Y;
            }

            private ulong X { get { return Value >> 16; } }
            private ulong Y { get { return Value & 0xFFFF; } }

            private ulong since;
            private ulong pulses;
        }
    }
}

using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>What a block has put out in one cycle after the other at pins that are recorded.</summary>
    public class RP2040_PinLog
    {
        public RP2040_PinLog()
        {
            Cycles = new ulong[FirstSize];
            Pins = new uint[FirstSize];
            Outputs = new uint[FirstSize];
            Enables = new uint[FirstSize];
        }

        /// <param name="cycle">From which on it is at the pads.</param>
        /// <param name="pins">Those of which something has changed; of others the entry says nothing.</param>
        public void Add(ulong cycle, uint pins, uint output, uint enable)
        {
            Reserve(Count + 1);
            Cycles[Count] = cycle;
            Pins[Count] = pins;
            Outputs[Count] = output;
            Enables[Count] = enable;
            Count++;
        }

        /// <summary>What was added from an entry on happens so many times more, each time so many cycles later.</summary>
        public void Repeat(int from, ulong times, ulong period)
        {
            var length = Count - from;
            if(length == 0)
            {
                return;
            }
            Reserve(checked(Count + (int)times * length));
            for(; times != 0; times--)
            {
                Array.Copy(Pins, from, Pins, Count, length);
                Array.Copy(Outputs, from, Outputs, Count, length);
                Array.Copy(Enables, from, Enables, Count, length);
                for(var i = 0; i < length; i++)
                {
                    Cycles[Count + i] = Cycles[Count + i - length] + period;
                }
                Count += length;
            }
        }

        public void Clear()
        {
            Count = 0;
        }

        public void CopyFrom(RP2040_PinLog other)
        {
            Count = 0;
            if(other.Count == 0)
            {
                return;
            }
            Reserve(other.Count);
            Array.Copy(other.Cycles, Cycles, other.Count);
            Array.Copy(other.Pins, Pins, other.Count);
            Array.Copy(other.Outputs, Outputs, other.Count);
            Array.Copy(other.Enables, Enables, other.Count);
            Count = other.Count;
        }

        public int Count { get; private set; }
        public ulong[] Cycles { get; private set; }
        public uint[] Pins { get; private set; }
        public uint[] Outputs { get; private set; }
        public uint[] Enables { get; private set; }

        private void Reserve(int count)
        {
            if(count <= Cycles.Length)
            {
                return;
            }
            var size = Math.Max(count, 2 * Cycles.Length);
            Cycles = Resized(Cycles, size);
            Pins = Resized(Pins, size);
            Outputs = Resized(Outputs, size);
            Enables = Resized(Enables, size);
        }

        private T[] Resized<T>(T[] before, int size)
        {
            var result = new T[size];
            Array.Copy(before, result, Count);
            return result;
        }

        private const int FirstSize = 16;
    }
}

using System;
using System.Collections.Generic;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Writes down every change of a bank's pins with its time. It does not have to be told at that time: a block that is lazy makes
    /// up for what it has done when it is next brought up to date, and <see cref="Read"/> brings all of them.
    /// </summary>
    public sealed class RP2040_PinRecorder
    {
        /// <param name="bringUpToDate">Has everybody tell what has changed up to now.</param>
        public RP2040_PinRecorder(Action bringUpToDate, uint levels)
        {
            this.bringUpToDate = bringUpToDate;
            Levels = levels;
            times = new ulong[FirstSize];
            pins = new uint[FirstSize];
            levelsAfter = new uint[FirstSize];
        }

        /// <summary>Some pins have these levels from a moment on, in emulated nanoseconds.</summary>
        public void Note(ulong nanoseconds, uint somePins, uint newLevels)
        {
            var changed = (Levels ^ newLevels) & somePins;
            if(changed == 0)
            {
                return;
            }
            Levels ^= changed;
            if(count == times.Length)
            {
                Array.Resize(ref times, 2 * count);
                Array.Resize(ref pins, 2 * count);
                Array.Resize(ref levelsAfter, 2 * count);
            }
            times[count] = nanoseconds;
            pins[count] = changed;
            levelsAfter[count] = Levels;
            count++;
        }

        /// <summary>
        /// Every change since the last call in the order of time, three numbers each: emulated nanoseconds, pin, level. Those of one
        /// moment are in the order of pins.
        /// </summary>
        public ulong[] Read()
        {
            bringUpToDate();
            Order();
            var length = 0;
            for(var i = 0; i < count; i++)
            {
                length += NumberOf(pins[i]);
            }
            var result = new ulong[Numbers * length];
            var place = 0;
            for(var i = 0; i < count; i++)
            {
                var changed = pins[i];
                for(var pin = 0; changed != 0; pin++, changed >>= 1)
                {
                    if((changed & 1) != 0)
                    {
                        result[place++] = times[i];
                        result[place++] = (ulong)pin;
                        result[place++] = levelsAfter[i] >> pin & 1;
                    }
                }
            }
            count = 0;
            return result;
        }

        /// <summary>What the pins are at once everything that was noted has happened.</summary>
        public uint Levels { get; private set; }

        // Blocks tell what they have done one after the other: there are stretches in order, which overlap.

        private void Order()
        {
            var starts = new List<int>();
            for(var i = 0; i < count; i++)
            {
                if(i == 0 || times[i] < times[i - 1])
                {
                    starts.Add(i);
                }
            }
            while(starts.Count > 1)
            {
                var left = new List<int>();
                for(var i = 0; i < starts.Count; i += 2)
                {
                    left.Add(starts[i]);
                    if(i + 1 < starts.Count)
                    {
                        Merge(starts[i], starts[i + 1], i + 2 < starts.Count ? starts[i + 2] : count);
                    }
                }
                starts = left;
            }
            JoinMoments();
        }

        /// <summary>Two stretches become one. Of what happened at the same time the first one's comes first.</summary>
        private void Merge(int first, int second, int end)
        {
            while(first < second && times[first] <= times[second])
            {
                first++;
            }
            var length = second - first;
            var otherTimes = Copied(times, first, length);
            var otherPins = Copied(pins, first, length);
            var otherLevels = Copied(levelsAfter, first, length);
            for(var i = 0; i < length; first++)
            {
                if(second < end && times[second] < otherTimes[i])
                {
                    times[first] = times[second];
                    pins[first] = pins[second];
                    levelsAfter[first] = levelsAfter[second];
                    second++;
                }
                else
                {
                    times[first] = otherTimes[i];
                    pins[first] = otherPins[i];
                    levelsAfter[first] = otherLevels[i];
                    i++;
                }
            }
        }

        /// <summary>Different pins that change at the same time, as one change.</summary>
        private void JoinMoments()
        {
            var last = -1;
            for(var i = 0; i < count; i++)
            {
                if(last >= 0 && times[last] == times[i] && (pins[last] & pins[i]) == 0)
                {
                    levelsAfter[last] = (levelsAfter[last] & ~pins[i]) | (levelsAfter[i] & pins[i]);
                    pins[last] |= pins[i];
                    continue;
                }
                last++;
                times[last] = times[i];
                pins[last] = pins[i];
                levelsAfter[last] = levelsAfter[i];
            }
            count = last + 1;
        }

        private static T[] Copied<T>(T[] from, int start, int length)
        {
            var result = new T[length];
            Array.Copy(from, start, result, 0, length);
            return result;
        }

        private static int NumberOf(uint bits)
        {
            var result = 0;
            for(; bits != 0; bits &= bits - 1)
            {
                result++;
            }
            return result;
        }

        private ulong[] times;
        private uint[] pins;
        private uint[] levelsAfter;
        private int count;

        private readonly Action bringUpToDate;

        private const int Numbers = 3;
        private const int FirstSize = 64;
    }
}

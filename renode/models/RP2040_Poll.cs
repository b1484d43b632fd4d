using System.Linq;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Notices a core that does nothing but look at a status, again and again, and lets time pass for it.</summary>
    /// <remarks>
    /// Each look costs two microseconds over Renode's bus and takes a few instructions: while one character leaves a UART, software looks
    /// two thousand times. A loop of a handful of instructions can do nothing else between two looks, so that the core may sleep until
    /// the block's next event, or an interrupt.
    /// </remarks>
    public class RP2040_Poll
    {
        /// <param name="events">All that can change the status by itself.</param>
        public RP2040_Poll(IMachine machine, params RP2040_Pace[] events)
        {
            this.machine = machine;
            this.events = events;
        }

        /// <summary>The status has been read.</summary>
        public void Seen()
        {
            CPU.ICPU cpu;
            if(!machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                return;
            }
            var core = cpu as RP2040_Core;
            if(core == null)
            {
                return;
            }
            var instructions = core.ExecutedInstructions;
            var again = core == lastCore && instructions - lastInstructions <= LongestLoop;
            looks = again ? looks + 1 : 0;
            lastCore = core;
            lastInstructions = instructions;
            if(looks >= LooksBefore && events.Any(x => x.Running))
            {
                core.HoldUp(events.Where(x => x.Running).Min(x => x.Left));
            }
        }

        private RP2040_Core lastCore;
        private ulong lastInstructions;
        private int looks;

        private readonly IMachine machine;
        private readonly RP2040_Pace[] events;

        private const ulong LongestLoop = 8;
        private const int LooksBefore = 4;
    }
}

using System;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.RP2040;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>Notes that Renode has given a core up, for a program outside the emulation, and ends what it waits for.</summary>
    /// <remarks>
    /// Each core says that it stands still on a thread of its own, several at once where a debugger holds them. A program in another
    /// language has one lock for all its code: with a core's thread in that code and another before its door, a garbage collection
    /// waits for the second, that for the first, and the first for the collection. So none of it is called from here.
    /// </remarks>
    public sealed class CoreTap : IDisposable
    {
        public CoreTap(IMachine machine, UsbHostController host)
        {
            this.host = host;
            cores = machine.SystemBus.GetCPUs().OfType<RP2040_Core>().ToArray();
            foreach(var core in cores)
            {
                core.Halted += Note;
            }
        }

        /// <summary>Since the last reset a core has been given up, and not for having gone where no code is, a HardFault.</summary>
        public bool Aborted { get { return aborted; } }

        public void Reset()
        {
            aborted = false;
        }

        public void Dispose()
        {
            foreach(var core in cores)
            {
                core.Halted -= Note;
            }
        }

        private void Note(HaltArguments arguments)
        {
            if(arguments.Reason == HaltReason.Abort && !cores.Any(x => x.IsNowhere))
            {
                aborted = true;
                host.GiveUp();
            }
        }

        private volatile bool aborted;
        private readonly UsbHostController host;
        private readonly RP2040_Core[] cores;
    }
}

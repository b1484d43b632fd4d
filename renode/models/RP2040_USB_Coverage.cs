using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Counts what the USB controller has been through: the cover groups of its test plan (docs/controller-coverage.md).
    /// renode_pico/rp2040/usb_coverage.py counts the same under the same names.
    /// </summary>
    public sealed class RP2040_USB_Coverage
    {
        /// <summary>What interrupts that are raised from now on come from.</summary>
        public void From(string cause)
        {
            this.cause = cause;
        }

        public void Token(UsbPid token, UsbFault fault)
        {
            From(Name(token));
            lastIn = -1;
            Count("fault", Words(fault), cause);
        }

        public void Answer(UsbPid token, string what, int endpoint)
        {
            Count("pid", Name(token) + " " + what, endpoint.ToString());
        }

        public void Out(UsbPid pid, bool taken, int endpoint)
        {
            Count("toggle", "OUT " + Name(pid) + (taken ? " taken" : " dropped"), endpoint.ToString());
        }

        public void InSent(UsbPid pid, int endpoint)
        {
            lastIn = endpoint;
            lastPid = pid;
        }

        public void Handshake(bool acknowledged)
        {
            if(lastIn < 0)
            {
                return;
            }
            Count("pid", acknowledged ? "ACK" : "no ACK", lastIn.ToString());
            Count("toggle", "IN " + Name(lastPid) + (acknowledged ? " acknowledged" : " not acknowledged"), lastIn.ToString());
            lastIn = -1;
        }

        public void State(string what, RP2040_USB_Endpoint endpoint)
        {
            var buffer = endpoint.Current;
            var words = new[]
            {
                endpoint.Available(buffer) ? "available" : null,
                endpoint.Full(buffer) ? "full" : null,
                endpoint.Stalled ? "stall" : null,
            };
            var state = string.Join(" ", words.Where(x => x != null));
            Count("buffer", state.Length > 0 ? state : "empty", what + " " + buffer);
        }

        public void Stray(UsbStray stray)
        {
            From("stray");
            Count("stray", Words(stray), "seen");
        }

        /// <summary>INTR and INTE: what is set of the first and was not before has been raised.</summary>
        public void Interrupts(uint raw, uint enabled)
        {
            for(var bit = 0; bit < 32; bit++)
            {
                var mask = 1u << bit;
                if((raw & ~raised & mask) == 0)
                {
                    continue;
                }
                Count("interrupt", bit.ToString(), cause);
                if((enabled & mask) != 0)
                {
                    Count("enabled", bit.ToString(), "raised");
                }
            }
            raised = raw;
        }

        public static string Name(UsbPid pid)
        {
            return pid.ToString().ToUpperInvariant();
        }

        public static string Name(UsbPacket answer)
        {
            return answer == null ? "silence" : Name(answer.Pid);
        }

        /// <summary>A line for each: group, row, column, how often, with tabulators between them.</summary>
        public string Counts
        {
            get { return string.Join("\n", counts.Select(x => x.Key + "\t" + x.Value)); }
        }

        /// <summary>LostData: lost-data.</summary>
        private static string Words(object name)
        {
            return string.Concat(name.ToString().Select((x, i) => (i > 0 && char.IsUpper(x) ? "-" : "") + char.ToLowerInvariant(x)));
        }

        private void Count(string group, string row, string column)
        {
            var key = group + "\t" + row + "\t" + column;
            uint count;
            counts.TryGetValue(key, out count);
            counts[key] = count + 1;
        }

        private string cause = "register";
        private uint raised;
        private int lastIn = -1;
        private UsbPid lastPid;

        private readonly Dictionary<string, uint> counts = new Dictionary<string, uint>();
    }
}

using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // What is counted of transactions: off unless asked for, one comparison each then.
    public partial class RP2040_USB
    {
        /// <summary>Cover groups are counted from now on, from zero; false: not any more.</summary>
        public bool CountCoverage
        {
            get { return coverage != null; }
            set { coverage = value ? new RP2040_USB_Coverage() : null; }
        }

        public string CoverageCounts { get { return coverage == null ? "" : coverage.Counts; } }

        public UsbPacket Setup(int address, int endpoint, byte[] data, UsbFault fault)
        {
            if(coverage == null)
            {
                return AnswerSetup(address, endpoint, data, fault);
            }
            coverage.Token(UsbPid.Setup, fault);
            if(endpoint == 0 && Addressed(address))
            {
                coverage.State("SETUP", endpoints[0]);
                coverage.State("SETUP", endpoints[1]);
            }
            var answer = AnswerSetup(address, endpoint, data, fault);
            coverage.Answer(UsbPid.Setup, RP2040_USB_Coverage.Name(answer), endpoint);
            return answer;
        }

        public UsbPacket Out(int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault)
        {
            if(coverage == null)
            {
                return AnswerOut(address, endpoint, pid, data, fault);
            }
            coverage.Token(UsbPid.Out, fault);
            var target = endpoints[2 * endpoint + 1];
            if(Addressed(address) && target.Enabled)
            {
                coverage.State("OUT", target);
            }
            var expected = target.Data1(target.Current);
            var answer = AnswerOut(address, endpoint, pid, data, fault);
            var taken = answer != null && answer.Pid == UsbPid.Ack;
            coverage.Answer(UsbPid.Out, (taken ? RP2040_USB_Coverage.Name(pid) + " " : "") + RP2040_USB_Coverage.Name(answer), endpoint);
            if(taken)
            {
                coverage.Out(pid, (pid == UsbPid.Data1) == expected, endpoint);
            }
            return answer;
        }

        public UsbPacket In(int address, int endpoint, UsbFault fault)
        {
            if(coverage == null)
            {
                return AnswerIn(address, endpoint, fault);
            }
            coverage.Token(UsbPid.In, fault);
            var source = endpoints[2 * endpoint];
            if(Addressed(address) && source.Enabled)
            {
                coverage.State("IN", source);
            }
            var answer = AnswerIn(address, endpoint, fault);
            coverage.Answer(UsbPid.In, RP2040_USB_Coverage.Name(answer), endpoint);
            if(answer != null && (answer.Pid == UsbPid.Data0 || answer.Pid == UsbPid.Data1))
            {
                coverage.InSent(answer.Pid, endpoint);
            }
            return answer;
        }

        private void CountCause(string cause)
        {
            if(coverage != null)
            {
                coverage.From(cause);
            }
        }

        private void CountAborted(uint begun)
        {
            foreach(var endpoint in endpoints)
            {
                if((begun & endpoint.Bit) != 0)
                {
                    coverage.State("abort", endpoint);
                }
            }
        }

        private RP2040_USB_Coverage coverage;
    }
}

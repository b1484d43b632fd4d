using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.UsbHosts
{
    // Beside transactions: stray packets, SE0, spoiled starts of frame.
    public partial class UsbHostController
    {
        /// <summary>Loses, doubles or spoils the next <paramref name="count"/> starts of frame, after leaving <paramref name="skip"/> alone.</summary>
        public void InjectSof(UsbSofFault fault, int count, int skip)
        {
            sofFaults.Inject(fault, count, skip);
        }

        /// <summary>
        /// Puts a packet on the bus that belongs to no transaction, before the next one, and returns what is answered: null, which is
        /// silence, is right. Over when the packet is.
        /// </summary>
        public UsbPacket Stray(UsbStray stray, int address = 0, int endpoint = 0)
        {
            var packet = new UsbStrayPacket(bus, stray, address, endpoint);
            Stimulate(packet);
            return packet.Answer;
        }

        /// <summary>
        /// Drives SE0 for so many emulated seconds between two transactions, at most 10 ms, and goes on as if nothing had been. Below
        /// 2.5 µs it is no reset (7.1.7.5); above it a device may take it for one, and this host does not know.
        /// </summary>
        protected void DriveSe0(double seconds)
        {
            ExpectConnected();
            Stimulate(new UsbSe0(bus, Nanoseconds(seconds), se0Alarm));
        }

        private void Stimulate(UsbStimulus wanted)
        {
            RunUntilWithin(() => Port.State != UsbPortState.Recovery, UsbTiming.ResetRecovery + Grace);
            if(Port.State != UsbPortState.Active)
            {
                throw new UsbArgumentException("{0}: the port is {1}{2}".FormatText(wanted, PortState, At));
            }
            Act(() =>
            {
                stimulus = wanted;
                Kick();
            });
            var done = RunUntilWithin(() => stimulus == null, 3 * UsbTiming.Frame + wanted.Duration);
            if(!done)
            {
                Act(() =>
                {
                    stimulus = null;
                    stimulusAlarm.Cancel();
                });
                throw new RecoverableException("{0}: the port is {1}{2}".FormatText(wanted, PortState, At));
            }
        }

        /// <summary>Puts it on the bus when its time has come; returns until when transactions may last.</summary>
        private long StimulateOrWait(long now)
        {
            if(stimulus.Carried)
            {
                stimulus = null;
                Poke();
                return frameEnd;
            }
            var begin = stimulus.Begin(now, frameEnd);
            if(begin > now)
            {
                stimulusAlarm.Schedule(begin - now);
                return System.Math.Min(begin, frameEnd);
            }
            bus.Now = now;
            stimulus.Carry();
            free = now + stimulus.Duration;
            slotAlarm.Schedule(stimulus.Duration);
            return now;
        }

        /// <summary>Another device on the same hub: in the middle of each frame it is sent an IN token, where the bus is free.</summary>
        public bool Neighbour { get; set; }

        private void PollNeighbour()
        {
            var now = clock.Now;
            if(current != null || now < free)
            {
                return;
            }
            bus.Now = now;
            bus.InUnanswered(NeighbourAddress, 1);
            free = now + bus.Duration;
        }

        private UsbStimulus stimulus;
        private UsbAlarm neighbourAlarm;

        private const int NeighbourAddress = 127;
        private UsbAlarm stimulusAlarm;
        private UsbAlarm se0Alarm;

        private readonly UsbSofFaults sofFaults = new UsbSofFaults();
    }
}

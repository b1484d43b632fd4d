using System.Collections.Generic;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>Something that takes the bus for a while, once.</summary>
    internal abstract class UsbStimulus
    {
        /// <summary>When it may begin: as a transaction, only if it ends within its frame.</summary>
        public virtual long Begin(long now, long frameEnd)
        {
            return now + Duration <= frameEnd ? now : frameEnd + UsbTiming.Sof;
        }

        public virtual void Carry()
        {
            Carried = true;
            bus.Event(name);
        }

        public override string ToString()
        {
            return name;
        }

        public long Duration { get; private set; }
        /// <summary>It has begun.</summary>
        public bool Carried { get; private set; }

        protected UsbStimulus(UsbBus bus, string name, long duration)
        {
            this.bus = bus;
            this.name = name;
            Duration = duration;
        }

        protected readonly UsbBus bus;

        private readonly string name;
    }

    /// <summary>A packet outside of any transaction.</summary>
    internal sealed class UsbStrayPacket : UsbStimulus
    {
        public UsbStrayPacket(UsbBus bus, UsbStray stray, int address, int endpoint) : base(bus, "stray " + Words(stray), DurationOf(stray))
        {
            this.stray = stray;
            this.address = address;
            this.endpoint = endpoint;
        }

        /// <summary>Babble begins at EOF1, anything else where there is room.</summary>
        public override long Begin(long now, long frameEnd)
        {
            if(stray != UsbStray.Babble)
            {
                return base.Begin(now, frameEnd);
            }
            var eof1 = frameEnd - UsbTiming.Eof1;
            return now + Duration <= frameEnd ? eof1 : eof1 + UsbTiming.Frame;
        }

        public override void Carry()
        {
            base.Carry();
            Answer = bus.Wire.Stray(stray, address, endpoint);
        }

        /// <summary>What the device sent, which should be nothing.</summary>
        public UsbPacket Answer { get; private set; }

        private static string Words(UsbStray stray)
        {
            switch(stray)
            {
            case UsbStray.UnknownPid:
                return "unknown-pid";
            case UsbStray.BrokenPid:
                return "broken-pid";
            case UsbStray.LowSpeed:
                return "low-speed";
            case UsbStray.SetupCrc5:
                return "setup-crc5";
            case UsbStray.OutCrc5:
                return "out-crc5";
            case UsbStray.InCrc5:
                return "in-crc5";
            case UsbStray.SofCrc5:
                return "sof-crc5";
            case UsbStray.LateAck:
                return "late-ack";
            case UsbStray.BrokenHandshake:
                return "broken-handshake";
            default:
                return stray.ToString().ToLowerInvariant();
            }
        }

        private static long DurationOf(UsbStray stray)
        {
            switch(stray)
            {
            case UsbStray.LowSpeed:
                return UsbTiming.ByteTimes(UsbTiming.StrayLowSpeed);
            case UsbStray.LateAck:
            case UsbStray.BrokenHandshake:
                return UsbTiming.ByteTimes(UsbTiming.StrayHandshake);
            case UsbStray.Data:
                return UsbTiming.ByteTimes(UsbTiming.StrayData);
            case UsbStray.Babble:
                return UsbTiming.Eof1 - UsbTiming.Eof2;
            default:
                return UsbTiming.ByteTimes(UsbTiming.StrayToken);
            }
        }

        private readonly UsbStray stray;
        private readonly int address;
        private readonly int endpoint;
    }

    /// <summary>SE0 of a chosen length; an alarm releases it.</summary>
    internal sealed class UsbSe0 : UsbStimulus
    {
        public UsbSe0(UsbBus bus, long duration, UsbAlarm end) : base(bus, "se0", duration)
        {
            if(duration <= 0 || duration > UsbTiming.Se0Longest)
            {
                throw new UsbArgumentException("SE0 of {0} ns: more than 0 and at most {1} ns; a reset is longer"
                    .FormatText(duration, UsbTiming.Se0Longest));
            }
            this.end = end;
        }

        /// <summary>At once: frames that begin meanwhile are not heard.</summary>
        public override long Begin(long now, long frameEnd)
        {
            return now;
        }

        public override void Carry()
        {
            base.Carry();
            bus.Wire.ResetBegin();
            end.Schedule(Duration);
        }

        private readonly UsbAlarm end;
    }

    /// <summary>What is to happen to the next starts of frame.</summary>
    internal sealed class UsbSofFaults
    {
        public void Inject(UsbSofFault fault, int count, int skip)
        {
            if(count < 1 || skip < 0)
            {
                throw new UsbArgumentException("inject sof {0}: count must be at least 1 and skip not negative".FormatText(fault));
            }
            queue.Add(new Injection { Fault = fault, Count = count, Skip = skip });
        }

        /// <summary>Begins a frame, right or wrong; returns how much longer than usual that takes.</summary>
        public long Carry(UsbBus bus)
        {
            var injection = queue[0];
            var frame = (int)(bus.Frame & UsbTiming.FrameMask);
            if(injection.Skip > 0)
            {
                injection.Skip--;
                bus.Wire.Sof(frame);
                return 0;
            }
            injection.Count--;
            if(injection.Count == 0)
            {
                queue.RemoveAt(0);
            }
            bus.Event("sof " + injection.Fault.ToString().ToLowerInvariant());
            switch(injection.Fault)
            {
            case UsbSofFault.Lost:
                return 0;
            case UsbSofFault.Corrupt:
                bus.Wire.Stray(UsbStray.SofCrc5, 0, 0);
                return 0;
            default:
                bus.Wire.Sof(frame);
                bus.Wire.Sof(frame);
                return UsbTiming.Sof;
            }
        }

        public bool Any { get { return queue.Count > 0; } }

        private readonly List<Injection> queue = new List<Injection>();

        private sealed class Injection
        {
            public UsbSofFault Fault;
            public int Count;
            public int Skip;
        }
    }
}

using System;
using System.Collections.Generic;
using Antmicro.Migrant;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// Carries transactions one at a time (USB 2.0, 8.5), spoils those it is told to, and reports them.
    /// </summary>
    /// <remarks>
    /// Each method is called at the instant of the token and leaves the transaction's length in <see cref="Duration"/>.
    /// <see cref="Frame"/> counts frames since the last reset; its low 11 bits are on the wire.
    /// </remarks>
    internal sealed partial class UsbBus
    {
        public UsbBus()
        {
            injections = new Dictionary<int, List<Injection>>();
        }

        public void Inject(UsbFault fault, int endpointAddress, int count, int skip, bool late)
        {
            if(fault == UsbFault.None || count < 1 || skip < 0)
            {
                throw new UsbArgumentException("inject {0}: count must be at least 1 and skip not negative".FormatText(fault));
            }
            List<Injection> queue;
            if(!injections.TryGetValue(endpointAddress, out queue))
            {
                queue = new List<Injection>();
                injections[endpointAddress] = queue;
            }
            queue.Add(new Injection { Fault = fault, Count = count, Skip = skip, Late = late });
        }

        /// <summary>ACK, or None when it failed (8.5.3).</summary>
        public UsbPid Setup(int address, int endpoint, byte[] data)
        {
            var injection = Begin(endpoint);
            var fault = FaultOf(injection);
            var answer = Wire.Setup(address, endpoint, data, fault);
            End(data.Length + (answer == null ? UsbTiming.TokenAndDataOverhead + UsbTiming.Silence : UsbTiming.HandshakedOverhead), fault);
            var handshake = PidOf(answer);
            Report(UsbPid.Setup, address, endpoint, fault == UsbFault.WrongToggle ? UsbPid.Data1 : UsbPid.Data0, data, handshake, fault);
            if(fault != UsbFault.None || handshake == UsbPid.Ack)
            {
                Consume(endpoint, injection);
            }
            return Failed(fault) || handshake != UsbPid.Ack ? UsbPid.None : handshake;
        }

        /// <summary>ACK, NAK, STALL, or None when it failed (8.5.2).</summary>
        public UsbPid Out(int address, int endpoint, UsbPid pid, byte[] data)
        {
            var injection = Begin(endpoint);
            var fault = FaultOf(injection);
            var sent = fault == UsbFault.WrongToggle ? pid.Toggled() : pid;
            var answer = Wire.Out(address, endpoint, sent, data, fault);
            End(data.Length + (answer == null ? UsbTiming.TokenAndDataOverhead + UsbTiming.Silence : UsbTiming.HandshakedOverhead), fault);
            var handshake = PidOf(answer);
            Report(UsbPid.Out, address, endpoint, sent, data, handshake, fault);
            if(handshake == UsbPid.Nak || handshake == UsbPid.Stall)
            {
                return handshake;
            }
            if(fault != UsbFault.None || handshake == UsbPid.Ack)
            {
                Consume(endpoint, injection);
            }
            return Failed(fault) ? UsbPid.None : handshake;
        }

        /// <summary>
        /// The packet, NAK, STALL, or null when it failed (8.5.2). A data packet is acknowledged unless it has the
        /// <paramref name="expected"/> PID and is longer than <paramref name="limit"/> bytes: that is babble (8.7.4). With the other PID
        /// it is the one before, sent again as its ACK was lost, and acknowledged (8.6.4).
        /// </summary>
        public UsbPacket In(int address, int endpoint, UsbPid expected, int limit)
        {
            var injection = Begin(endpoint | 0x80);
            var fault = FaultOf(injection);
            var packet = Wire.In(address, endpoint, fault);
            if(packet == null)
            {
                End(UsbTiming.Token + UsbTiming.Silence, UsbFault.None);
                Report(UsbPid.In, address, endpoint, UsbPid.None, UsbPacket.NoData, UsbPid.None, fault);
                if(fault != UsbFault.None)
                {
                    Consume(endpoint | 0x80, injection);
                }
                return null;
            }
            if(packet.Pid == UsbPid.Nak || packet.Pid == UsbPid.Stall)
            {
                End(UsbTiming.RefusedIn, UsbFault.None);
                Report(UsbPid.In, address, endpoint, UsbPid.None, UsbPacket.NoData, packet.Pid, UsbFault.None);
                return packet;
            }
            var acknowledged = !Failed(fault) && (packet.Data.Length <= limit || packet.Pid != expected);
            End(packet.Data.Length + UsbTiming.HandshakedOverhead, fault);
            Wire.InHandshake(address, endpoint, acknowledged);
            Report(UsbPid.In, address, endpoint, packet.Pid, packet.Data, acknowledged ? UsbPid.Ack : UsbPid.None, fault);
            Consume(endpoint | 0x80, injection);
            return InArrives(fault) ? packet : null;
        }

        /// <summary>An IN token for somebody else, whatever was injected; the answer does not pass here.</summary>
        public void InUnanswered(int address, int endpoint)
        {
            Count++;
            Wire.In(address, endpoint, UsbFault.None);
            End(UsbTiming.Token + UsbTiming.Silence, UsbFault.None);
            Report(UsbPid.In, address, endpoint, UsbPid.None, UsbPacket.NoData, UsbPid.None, UsbFault.None);
        }

        /// <summary>Sends one isochronous packet; nobody answers (8.5.5).</summary>
        public void IsochronousOut(int address, int endpoint, byte[] data)
        {
            var injection = Begin(endpoint);
            var fault = FaultOf(injection);
            Wire.Out(address, endpoint, UsbPid.Data0, data, fault);
            End(data.Length + UsbTiming.IsochronousOverhead, fault);
            Report(UsbPid.Out, address, endpoint, UsbPid.Data0, data, UsbPid.None, fault);
            Consume(endpoint, injection);
        }

        /// <summary>Asks for one isochronous packet; null when nothing good arrived (8.5.5).</summary>
        public byte[] IsochronousIn(int address, int endpoint)
        {
            var injection = Begin(endpoint | 0x80);
            var fault = FaultOf(injection);
            var packet = Wire.In(address, endpoint, fault);
            if(packet == null || packet.Pid == UsbPid.Nak || packet.Pid == UsbPid.Stall)
            {
                End(UsbTiming.Token + UsbTiming.Silence, UsbFault.None);
                Report(UsbPid.In, address, endpoint, UsbPid.None, UsbPacket.NoData, PidOf(packet), fault);
                return null;
            }
            End(packet.Data.Length + UsbTiming.IsochronousOverhead, UsbFault.None);
            Report(UsbPid.In, address, endpoint, packet.Pid, packet.Data, UsbPid.None, fault);
            Consume(endpoint | 0x80, injection);
            return InArrives(fault) ? packet.Data : null;
        }

        public void Event(string what)
        {
            if(Trace != null)
            {
                Trace.Event(Now, (int)(Frame & UsbTiming.FrameMask), what);
            }
            if(Records != null)
            {
                Records.Event(Now, (int)(Frame & UsbTiming.FrameMask), what);
            }
        }

        public IUsbWire Wire { get; set; }
        public UsbTrace Trace { get; set; }
        /// <summary>For a program outside the emulation; a saved state has none.</summary>
        public UsbRecords Records { get { return records; } set { records = value; } }
        /// <summary>Emulated nanoseconds at the token of the transaction in hand.</summary>
        public long Now { get; set; }
        public long Frame { get; set; }
        /// <summary>When the frame in hand ends, emulated nanoseconds.</summary>
        public long FrameEnd { get; set; }
        public long Count { get; private set; }
        public long Duration { get; private set; }

        private Injection Begin(int endpointAddress)
        {
            Count++;
            List<Injection> queue;
            if(injections.Count == 0 || !injections.TryGetValue(endpointAddress, out queue))
            {
                return null;
            }
            return queue[0].Late && FrameEnd - Now > LateTime ? null : queue[0];
        }

        private static UsbFault FaultOf(Injection injection)
        {
            return injection == null || injection.Skip > 0 ? UsbFault.None : injection.Fault;
        }

        private static UsbPid PidOf(UsbPacket packet)
        {
            return packet == null ? UsbPid.None : packet.Pid;
        }

        private void Consume(int endpointAddress, Injection injection)
        {
            if(injection == null)
            {
                return;
            }
            if(injection.Skip > 0)
            {
                injection.Skip--;
                return;
            }
            injection.Count--;
            if(injection.Count == 0)
            {
                injections[endpointAddress].Remove(injection);
                if(injections[endpointAddress].Count == 0)
                {
                    injections.Remove(endpointAddress);
                }
            }
        }

        /// <summary>Whether a spoiled transaction counts as failed for the host.</summary>
        private static bool Failed(UsbFault fault)
        {
            return fault != UsbFault.None && fault != UsbFault.Slow;
        }

        /// <summary>What does not keep the data of an IN from the host: it is about the host's ACK.</summary>
        private static bool InArrives(UsbFault fault)
        {
            return !Failed(fault) || fault == UsbFault.Late || fault.SpoilsHandshake();
        }

        private void End(int byteTimes, UsbFault fault)
        {
            var delay = fault == UsbFault.Slow ? UsbTiming.Slow : fault == UsbFault.Late ? UsbTiming.Late : 0;
            Duration = UsbTiming.ByteTimes(Math.Min(byteTimes, UsbTiming.MaxPacket + UsbTiming.HandshakedOverhead) + delay);
        }

        private void Report(UsbPid token, int address, int endpoint, UsbPid dataPid, byte[] data, UsbPid handshake, UsbFault fault)
        {
            if(Trace != null)
            {
                Trace.Transaction(Now, Duration, (int)(Frame & UsbTiming.FrameMask), token, address, endpoint, dataPid, data, handshake, fault);
            }
            if(Records != null)
            {
                Records.Transaction(Now, Duration, (int)(Frame & UsbTiming.FrameMask), token, address, endpoint, dataPid, data, handshake, fault);
            }
        }

        [Transient]
        private UsbRecords records;

        private readonly Dictionary<int, List<Injection>> injections;

        /// <summary>A transaction that begins within it before the end of a frame is late: a hub may garble what comes last.</summary>
        private const long LateTime = 100000;

        private sealed class Injection
        {
            public UsbFault Fault;
            public int Count;
            public int Skip;
            public bool Late;
        }
    }
}

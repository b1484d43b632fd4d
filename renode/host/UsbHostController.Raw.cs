using System;
using Antmicro.Migrant;
using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.UsbHosts
{
    // Single transactions by hand, for whoever verifies a device.
    public partial class UsbHostController
    {
        /// <summary>
        /// Carries one transaction at the next free instant, whatever state the port is in, and returns what the device sent, null for
        /// silence. It is repeated, so many nanoseconds later, as long as the answer is NAK and less than <paramref name="patience"/>
        /// seconds have passed. Transfers must be over.
        /// </summary>
        public UsbPacket Transact(UsbPid token, int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault, bool isochronous,
            double patience, double gap)
        {
            ExpectConnected();
            var wanted = new RawTransaction(token, address, endpoint, pid, data ?? UsbPacket.NoData, fault, isochronous)
            {
                Until = clock.Now + Nanoseconds(patience),
                Gap = Nanoseconds(gap),
            };
            Act(() =>
            {
                raw = wanted;
                rawAlarm = rawAlarm ?? clock.Alarm(RawStep);
                RawStep();
            });
            // What comes next is known each time, so these are waits for time alone, which end with it: the next token can follow
            // as soon as a host's would. Whoever answers NAK for long is waited for as any event.
            for(var step = 0; !wanted.Done && step < ExactSteps && !EmulationManager.Instance.CurrentEmulation.IsStarted; step++)
            {
                RunUntilWithin(null, Math.Max(wanted.Next - clock.Now, 1));
            }
            if(!RunUntilWithin(() => wanted.Done, Nanoseconds(patience) + 4 * UsbTiming.Frame))
            {
                Act(() =>
                {
                    raw = null;
                    rawAlarm.Cancel();
                });
                throw new RecoverableException("transaction: the bus is not free{0}".FormatText(At));
            }
            return wanted.Answer;
        }

        /// <summary>The device has its pull-up on, whether the cable is in or not.</summary>
        public bool PulledUp { get { return bus.Wire != null && bus.Wire.PulledUp; } }

        private void NextRawStep(long after)
        {
            raw.Next = clock.Now + after;
            rawAlarm.Schedule(after);
        }

        private void RawStep()
        {
            var now = clock.Now;
            if(raw == null)
            {
                return;
            }
            if(raw.Carried)
            {
                bus.Wire.TransactionEnd();
                if(raw.Answer == null || raw.Answer.Pid != UsbPid.Nak || now + raw.Gap > raw.Until)
                {
                    raw.Done = true;
                    raw = null;
                    Poke();
                    return;
                }
                raw.Carried = false;
                NextRawStep(raw.Gap);
                return;
            }
            var begin = Math.Max(now, free);
            var left = frameEnd - begin;
            if(left >= 0 && left < raw.Cost)
            {
                begin = frameEnd + UsbTiming.Sof;
            }
            if(begin > now || current != null)
            {
                NextRawStep(Math.Max(begin - now, Grace));
                return;
            }
            bus.Now = now;
            raw.Answer = bus.Raw(raw.Token, raw.Address, raw.Endpoint, raw.Pid, raw.Data, raw.Fault, raw.Isochronous);
            raw.Carried = true;
            free = now + bus.Duration;
            NextRawStep(bus.Duration);
        }

        /// <summary>Of a transaction: to wait for the bus, to carry it; and NAK a few times.</summary>
        private const int ExactSteps = 12;

        [Transient]
        private RawTransaction raw;
        private UsbAlarm rawAlarm;

        private sealed class RawTransaction
        {
            public RawTransaction(UsbPid token, int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault, bool isochronous)
            {
                Token = token;
                Address = address;
                Endpoint = endpoint;
                Pid = pid;
                Data = data;
                Fault = fault;
                Isochronous = isochronous;
                var length = token == UsbPid.In ? (isochronous ? UsbTiming.MaxPacket : 64) : data.Length;
                Cost = UsbTiming.ByteTimes(length + UsbTiming.HandshakedOverhead);
            }

            public readonly UsbPid Token;
            public readonly int Address;
            public readonly int Endpoint;
            public readonly UsbPid Pid;
            public readonly byte[] Data;
            public readonly UsbFault Fault;
            public readonly bool Isochronous;
            public readonly long Cost;
            public long Until;
            public long Gap;
            public long Next;
            public bool Carried;
            public bool Done;
            public UsbPacket Answer;
        }
    }
}

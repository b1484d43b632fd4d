using System;
using System.Collections.Generic;
using System.Linq;

namespace Antmicro.Renode.UsbHosts
{
    // Transfers: queued, cancelled, out of time, final.
    public partial class UsbHostController
    {
        /// <summary>
        /// Queues a transfer on a pipe; transfers of one pipe run in order. Never waits.
        /// </summary>
        /// <param name="pipe">The endpoint.</param>
        /// <param name="data">What an OUT sends.</param>
        /// <param name="length">How many bytes an IN asks for; it ends with them or with a short packet.</param>
        /// <param name="setup">The SETUP packet of a control transfer, which then says the length.</param>
        /// <param name="zeroPacket">Ends an OUT of whole packets with an empty one.</param>
        /// <param name="timeout">Emulated seconds it may take from now; negative: as long as it likes.</param>
        /// <param name="onDone">Called once, at the emulated instant it becomes final.</param>
        public UsbTransfer Submit(UsbPipe pipe, byte[] data = null, int length = 0, UsbSetup setup = null, bool zeroPacket = false,
            double timeout = -1, Action<UsbTransfer> onDone = null)
        {
            data = data ?? UsbPacket.NoData;
            ExpectEnabled("transfer on " + pipe);
            CheckArguments(pipe, data, setup);
            var transfer = new UsbTransfer(pipe, data, setup != null ? setup.Length : length, setup, zeroPacket, onDone);
            Act(() =>
            {
                transfer.BeginNs = clock.Now;
                schedule.Add(transfer);
                if(timeout >= 0)
                {
                    transfer.Deadline = transfer.BeginNs + Nanoseconds(timeout);
                    deadlines.Add(transfer);
                    ArmTimeouts();
                }
                Kick();
            });
            return transfer;
        }

        /// <summary>Ends a pending transfer as cancelled; what the device already acknowledged stays in its ActualLength.</summary>
        public void Cancel(UsbTransfer transfer)
        {
            Act(() =>
            {
                if(!transfer.Final)
                {
                    Finish(transfer, UsbTransferStatus.Cancelled);
                }
            });
        }

        /// <summary>The host's side of CLEAR_FEATURE(ENDPOINT_HALT), SET_CONFIGURATION, SET_INTERFACE (9.4.5): DATA0.</summary>
        public void ResetToggle(int address, int endpointAddress)
        {
            Act(() =>
            {
                schedule.ResetToggle(address, endpointAddress);
                Kick();
            });
        }

        /// <summary>
        /// Spoils the next <paramref name="count"/> transactions of an endpoint that carry data, after leaving
        /// <paramref name="skip"/> alone. Endpoint 0x00 means the control endpoint's OUT and SETUP, 0x80 its IN transactions;
        /// <paramref name="late"/> those only that begin in the last 100 µs of a frame.
        /// </summary>
        public void Inject(UsbFault fault, int endpointAddress, int count, int skip, bool late = false)
        {
            bus.Inject(fault, endpointAddress, count, skip, late);
        }

        void IUsbPortUser.DeviceLost()
        {
            var pending = schedule.Transfers();
            schedule = new UsbSchedule();
            foreach(var transfer in pending)
            {
                Close(transfer, UsbTransferStatus.Disconnected);
            }
        }

        private void Finish(UsbTransfer transfer, UsbTransferStatus status)
        {
            schedule.Remove(transfer);
            Close(transfer, status);
            Kick();
        }

        private void Close(UsbTransfer transfer, UsbTransferStatus status)
        {
            transfer.Status = status;
            transfer.EndNs = clock.Now;
            if(bus.Records != null)
            {
                bus.Records.Transfer(transfer);
            }
            if(transfer.Deadline != long.MaxValue)
            {
                deadlines.Remove(transfer);
                ArmTimeouts();
            }
            var onDone = transfer.OnDone;
            if(onDone != null)
            {
                // It may belong to a program outside, which would hold this emulation, and this emulation it, for ever.
                transfer.OnDone = null;
                onDone(transfer);
            }
            Poke();
        }

        private void Timeouts()
        {
            var now = clock.Now;
            foreach(var transfer in deadlines.Where(x => x.Deadline <= now).OrderBy(x => x.Deadline).ToList())
            {
                if(!transfer.Final)
                {
                    Finish(transfer, UsbTransferStatus.TimedOut);
                }
            }
            ArmTimeouts();
        }

        private void ArmTimeouts()
        {
            if(deadlines.Count == 0)
            {
                timeoutAlarm.Cancel();
                return;
            }
            timeoutAlarm.Schedule(deadlines.Min(x => x.Deadline) - clock.Now);
        }

        private static void CheckArguments(UsbPipe pipe, byte[] data, UsbSetup setup)
        {
            if(pipe.Type == UsbTransferType.Control)
            {
                if(setup == null)
                {
                    throw new UsbArgumentException("A control transfer needs a SETUP packet");
                }
                var expected = setup.IsIn ? 0 : setup.Length;
                if(data.Length != expected)
                {
                    throw new UsbArgumentException("control request ({0}): {1} bytes for an OUT data stage of {2}"
                        .FormatText(setup, data.Length, expected));
                }
            }
            else if(setup != null)
            {
                throw new UsbArgumentException("{0} takes no SETUP".FormatText(pipe));
            }
            else if(pipe.IsIn && data.Length > 0)
            {
                throw new UsbArgumentException("{0} is an IN endpoint: it takes no data".FormatText(pipe));
            }
        }

        private UsbSchedule schedule;
        private UsbAlarm timeoutAlarm;
        private readonly List<UsbTransfer> deadlines;
    }
}

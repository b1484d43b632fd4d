using System;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // Interrupts: INTR, INTE, INTF, INTS and the line to the processor.
    public partial class RP2040_USB
    {
        public GPIO IRQ { get; private set; }

        /// <summary>INTR: the sources as levels, three of them latched.</summary>
        private Interrupts Raw
        {
            get
            {
                return (transactionComplete.Value ? Interrupts.TransactionComplete : 0)
                    | (bufferStatus != 0 ? Interrupts.BufferStatus : 0)
                    | (dataSequenceError.Value ? Interrupts.ErrorDataSequence : 0)
                    | (receiveTimeout.Value ? Interrupts.ErrorReceiveTimeout : 0)
                    | (receiveOverflow.Value ? Interrupts.ErrorReceiveOverflow : 0)
                    | (bitStuffError.Value ? Interrupts.ErrorBitStuff : 0)
                    | (crcError.Value ? Interrupts.ErrorCrc : 0)
                    | (line.Powered ? Interrupts.VbusDetect : 0)
                    | (busReset.Value ? Interrupts.BusReset : 0)
                    | (latchConnection ? Interrupts.DeviceConnection : 0)
                    | (latchSuspend ? Interrupts.DeviceSuspend : 0)
                    | (resume.Value ? Interrupts.DeviceResumeFromHost : 0)
                    | (setupReceived.Value ? Interrupts.SetupRequest : 0)
                    | (latchDeviceSof ? Interrupts.DeviceSof : 0)
                    | (abortDone.Value != 0 ? Interrupts.AbortDone : 0)
                    | (stallNakStatus.Value != 0 ? Interrupts.EndpointStallNak : 0);
            }
        }

        private uint Status { get { return ((uint)Raw & (uint)interruptEnable.Value) | (uint)interruptForce.Value; } }

        private void UpdateInterrupts()
        {
            if(coverage != null)
            {
                coverage.Interrupts((uint)Raw, (uint)interruptEnable.Value);
            }
            var level = Status != 0;
            if(IRQ.IsSet != level)
            {
                IRQ.Set(level);
            }
        }

        // Interrupts that are events, not levels.
        private bool latchDeviceSof;
        private bool latchConnection;
        private bool latchSuspend;

        /// <summary>INTR, INTE, INTF and INTS.</summary>
        [Flags]
        private enum Interrupts : uint
        {
            HostConnection = 1u << 0,
            HostResume = 1u << 1,
            HostSof = 1u << 2,
            TransactionComplete = 1u << 3,
            BufferStatus = 1u << 4,
            ErrorDataSequence = 1u << 5,
            ErrorReceiveTimeout = 1u << 6,
            ErrorReceiveOverflow = 1u << 7,
            ErrorBitStuff = 1u << 8,
            ErrorCrc = 1u << 9,
            Stall = 1u << 10,
            VbusDetect = 1u << 11,
            BusReset = 1u << 12,
            DeviceConnection = 1u << 13,
            DeviceSuspend = 1u << 14,
            DeviceResumeFromHost = 1u << 15,
            SetupRequest = 1u << 16,
            DeviceSof = 1u << 17,
            AbortDone = 1u << 18,
            EndpointStallNak = 1u << 19,
        }
    }
}

using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    // The registers (datasheet 2.5.7).
    public partial class RP2040_DMA
    {
        private bool TryReadOwn(long register, out uint value)
        {
            if(register < ChannelStride * NumberOfChannels)
            {
                value = ReadChannel((int)(register / ChannelStride), FieldAt(register));
                return true;
            }
            if(register >= (long)Registers.Timer0 && register < (long)Registers.Timer0 + 4 * NumberOfTimers)
            {
                value = timers[(register - (long)Registers.Timer0) / 4].Value;
                return true;
            }
            if(register >= (long)Registers.DebugRequests && register < (long)Registers.DebugRequests + ChannelStride * NumberOfChannels)
            {
                return TryReadDebug(register, out value);
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
                value = raw;
                return true;
            case Registers.InterruptEnable0:
            case Registers.InterruptEnable1:
                value = enable[LineOf(register)];
                return true;
            case Registers.InterruptForce0:
            case Registers.InterruptForce1:
                value = force[LineOf(register)];
                return true;
            case Registers.InterruptStatus0:
            case Registers.InterruptStatus1:
                value = Status(LineOf(register));
                return true;
            case Registers.SniffControl:
                value = sniffer.Control;
                return true;
            case Registers.SniffData:
                value = sniffer.Result;
                return true;
            case Registers.NumberOfChannels:
                value = NumberOfChannels;
                return true;
            case Registers.FIFOLevels: // a transfer is read and written in one step: nothing waits between
            case Registers.Abort: // RP2040-E13: low before what is in flight has ended; BUSY tells
            case Registers.MultiTrigger:
                value = 0;
                return true;
            }
            value = 0;
            return false;
        }

        private bool TryReadDebug(long register, out uint value)
        {
            var channel = channels[(register - (long)Registers.DebugRequests) / ChannelStride];
            switch(register % ChannelStride)
            {
            case DebugRequestsOffset:
                value = CountsPulses(channel.Request) ? channel.Credits
                    : channel.Request != PermanentRequest && IsRequested(channel, ulong.MaxValue) ? 1u : 0;
                return true;
            case DebugReloadOffset:
                value = channel.Reload;
                return true;
            }
            value = 0;
            return false;
        }

        private bool TryWriteOwn(long register, AtomicOperation operation, uint mask)
        {
            if(register < ChannelStride * NumberOfChannels)
            {
                WriteChannel((int)(register / ChannelStride), register, operation, mask);
                return true;
            }
            if(register >= (long)Registers.Timer0 && register < (long)Registers.Timer0 + 4 * NumberOfTimers)
            {
                var timer = timers[(register - (long)Registers.Timer0) / 4];
                timer.Set(Apply(operation, timer.Value, mask), Moment);
                return true;
            }
            if(register >= (long)Registers.DebugRequests && register < (long)Registers.DebugRequests + ChannelStride * NumberOfChannels)
            {
                if(register % ChannelStride == DebugRequestsOffset)
                {
                    channels[(register - (long)Registers.DebugRequests) / ChannelStride].Credits = 0;
                }
                return register % ChannelStride <= DebugReloadOffset;
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
            case Registers.InterruptStatus0:
            case Registers.InterruptStatus1:
                raw &= ~mask;
                return true;
            case Registers.InterruptEnable0:
            case Registers.InterruptEnable1:
                enable[LineOf(register)] = Apply(operation, enable[LineOf(register)], mask) & InterruptMask;
                return true;
            case Registers.InterruptForce0:
            case Registers.InterruptForce1:
                force[LineOf(register)] = Apply(operation, force[LineOf(register)], mask) & InterruptMask;
                return true;
            case Registers.MultiTrigger:
                ForEach(mask & AllChannels, n => Trigger(n, Moment));
                return true;
            case Registers.Abort:
                ForEach(mask & AllChannels, AbortChannel);
                return true;
            case Registers.SniffControl:
                sniffer.Control = Apply(operation, sniffer.Control, mask);
                return true;
            case Registers.SniffData:
                sniffer.Data = Apply(operation, sniffer.Data, mask);
                return true;
            case Registers.FIFOLevels:
            case Registers.NumberOfChannels:
                return true;
            }
            return false;
        }

        private uint ReadChannel(int number, Field field)
        {
            var channel = channels[number];
            switch(field)
            {
            case Field.ReadAddress:
                return channel.ReadAddress;
            case Field.WriteAddress:
                return channel.WriteAddress;
            case Field.TransferCount:
                return channel.Count;
            default:
                return channel.Control | (IsBusy(number) ? BusyBit : 0) | channel.Errors | (channel.Errors != 0 ? AnyErrorBit : 0);
            }
        }

        private void WriteChannel(int number, long register, AtomicOperation operation, uint mask)
        {
            var channel = channels[number];
            var field = FieldAt(register);
            var value = Apply(operation, ReadChannel(number, field), mask);
            switch(field)
            {
            case Field.ReadAddress:
                channel.ReadAddress = value;
                break;
            case Field.WriteAddress:
                channel.WriteAddress = value;
                break;
            case Field.TransferCount:
                channel.Reload = value;
                break;
            default:
                channel.Control = value & ControlMask;
                channel.Errors &= ~mask;
                NoteActive();
                break;
            }
            if((register & TriggerOffset) != TriggerOffset)
            {
                return;
            }
            if(value != 0)
            {
                Trigger(number, Moment);
            }
            else if(channel.Has(QuietBit))
            {
                // a null trigger: the end of a chain of control blocks
                raw |= 1u << number;
            }
        }

        private static int LineOf(long register)
        {
            return register >= (long)Registers.InterruptEnable1 ? 1 : 0;
        }

        private static void ForEach(uint set, Action<int> action)
        {
            for(var number = 0; set != 0; number++, set >>= 1)
            {
                if((set & 1) != 0)
                {
                    action(number);
                }
            }
        }

        /// <summary>The four registers of a channel appear in four orders (datasheet 2.5.2.1); the last of each triggers.</summary>
        private static Field FieldAt(long register)
        {
            return Orders[(register >> 4) & 3, (register >> 2) & 3];
        }

        private static readonly Field[,] Orders =
        {
            { Field.ReadAddress, Field.WriteAddress, Field.TransferCount, Field.Control },
            { Field.Control, Field.ReadAddress, Field.WriteAddress, Field.TransferCount },
            { Field.Control, Field.TransferCount, Field.ReadAddress, Field.WriteAddress },
            { Field.Control, Field.WriteAddress, Field.TransferCount, Field.ReadAddress },
        };

        private const long TriggerOffset = 0xC;
        private const long DebugRequestsOffset = 0;
        private const long DebugReloadOffset = 4;
        private const uint AllChannels = (1u << NumberOfChannels) - 1;
        private const uint InterruptMask = 0xFFFF;

        private enum Field
        {
            ReadAddress,
            WriteAddress,
            TransferCount,
            Control,
        }

        // the channels' registers lie from 0x000 on, 0x40 each
        private enum Registers
        {
            InterruptRaw = 0x400,
            InterruptEnable0 = 0x404,
            InterruptForce0 = 0x408,
            InterruptStatus0 = 0x40C,
            InterruptEnable1 = 0x414,
            InterruptForce1 = 0x418,
            InterruptStatus1 = 0x41C,
            Timer0 = 0x420,
            MultiTrigger = 0x430,
            SniffControl = 0x434,
            SniffData = 0x438,
            FIFOLevels = 0x440,
            Abort = 0x444,
            NumberOfChannels = 0x448,
            DebugRequests = 0x800,
        }
    }
}

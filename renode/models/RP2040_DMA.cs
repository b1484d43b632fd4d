using System;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// DMA (datasheet 2.5): twelve channels, whose transfers are done at once when they are triggered. Increments, rings, byte
    /// swaps, chaining and both interrupts work; a request line other than the permanent one counts as always ready, and
    /// says so. The sniffer and the pacing timers are registers only.
    /// </summary>
    public class RP2040_DMA : RP2040_Peripheral
    {
        public RP2040_DMA(IMachine machine) : base(machine)
        {
            IRQ0 = new GPIO();
            IRQ1 = new GPIO();
            readAddress = new uint[NumberOfChannels];
            writeAddress = new uint[NumberOfChannels];
            transferCount = new uint[NumberOfChannels];
            countReload = new uint[NumberOfChannels];
            control = new uint[NumberOfChannels];
            enable = new uint[2];
            force = new uint[2];
            Lacks("pacing timer");
            Lacks("request line {0}: taken for always ready");
            for(var i = 0; i < 4; i++)
            {
                RegistersCollection.DefineRegister(PacingTimers + 4 * i)
                    .WithValueField(0, 32, writeCallback: (_, __) => NoteUnmodelled("pacing timer"), name: "TIMER");
            }
            Unmodelled(Registers.SniffControl);
            Unmodelled(Registers.SniffData);
            Registers.FIFOLevels.Define(this).WithValueField(0, 24, FieldMode.Read, valueProviderCallback: _ => 0, name: "FIFO_LEVELS");
            Registers.Abort.Define(this).WithValueField(0, 16, valueProviderCallback: _ => 0, name: "CHAN_ABORT");
            Registers.NumberOfChannels.Define(this).WithValueField(0, 5, FieldMode.Read, valueProviderCallback: _ => NumberOfChannels, name: "N_CHANNELS");
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            for(var i = 0; i < NumberOfChannels; i++)
            {
                readAddress[i] = writeAddress[i] = transferCount[i] = countReload[i] = 0;
                control[i] = 0;
            }
            raw = 0;
            enable[0] = enable[1] = force[0] = force[1] = 0;
            UpdateInterrupts();
        }

        public GPIO IRQ0 { get; private set; }
        public GPIO IRQ1 { get; private set; }

        protected override uint ReadRegister(long register)
        {
            if(register < 0x40 * NumberOfChannels)
            {
                var channel = (int)(register / 0x40);
                switch(FieldAt(register))
                {
                case Field.ReadAddress:
                    return readAddress[channel];
                case Field.WriteAddress:
                    return writeAddress[channel];
                case Field.TransferCount:
                    return transferCount[channel];
                default:
                    return control[channel];
                }
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
                return raw;
            case Registers.InterruptEnable0:
                return enable[0];
            case Registers.InterruptForce0:
                return force[0];
            case Registers.InterruptStatus0:
                return Status(0);
            case Registers.InterruptEnable1:
                return enable[1];
            case Registers.InterruptForce1:
                return force[1];
            case Registers.InterruptStatus1:
                return Status(1);
            }
            return base.ReadRegister(register);
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            if(register < 0x40 * NumberOfChannels)
            {
                WriteChannel((int)(register / 0x40), register, operation, mask);
                return;
            }
            switch((Registers)register)
            {
            case Registers.InterruptRaw:
            case Registers.InterruptStatus0:
            case Registers.InterruptStatus1:
                raw &= ~mask;
                break;
            case Registers.InterruptEnable0:
                enable[0] = Apply(operation, enable[0], mask) & AllChannels;
                break;
            case Registers.InterruptForce0:
                force[0] = Apply(operation, force[0], mask) & AllChannels;
                break;
            case Registers.InterruptEnable1:
                enable[1] = Apply(operation, enable[1], mask) & AllChannels;
                break;
            case Registers.InterruptForce1:
                force[1] = Apply(operation, force[1], mask) & AllChannels;
                break;
            case Registers.MultiTrigger:
                for(var i = 0; i < NumberOfChannels; i++)
                {
                    if((mask & (1u << i)) != 0)
                    {
                        Trigger(i);
                    }
                }
                break;
            default:
                base.WriteRegister(register, operation, mask);
                return;
            }
            UpdateInterrupts();
        }

        private void WriteChannel(int channel, long register, AtomicOperation operation, uint mask)
        {
            uint value;
            switch(FieldAt(register))
            {
            case Field.ReadAddress:
                value = readAddress[channel] = Apply(operation, readAddress[channel], mask);
                break;
            case Field.WriteAddress:
                value = writeAddress[channel] = Apply(operation, writeAddress[channel], mask);
                break;
            case Field.TransferCount:
                value = countReload[channel] = Apply(operation, transferCount[channel], mask);
                transferCount[channel] = value;
                break;
            default:
                value = Apply(operation, control[channel], mask);
                // the error bits clear on writing them; BUSY and AHB_ERROR are read only
                control[channel] = value & ControlMask;
                break;
            }
            // the last register of each of the four orders triggers
            if((register & 0xF) == 0xC)
            {
                if(value == 0)
                {
                    if((control[channel] & QuietBit) != 0)
                    {
                        Raise(channel);
                    }
                    return;
                }
                Trigger(channel);
            }
        }

        private void Trigger(int channel)
        {
            if((control[channel] & EnableBit) == 0)
            {
                return;
            }
            transferCount[channel] = countReload[channel];
            var request = (control[channel] >> RequestShift) & 0x3F;
            if(request != PermanentRequest)
            {
                NoteUnmodelled("request line {0}: taken for always ready".FormatWith(request));
            }
            Transfer(channel);
            if((control[channel] & QuietBit) == 0)
            {
                Raise(channel);
            }
            var next = (int)(control[channel] >> ChainShift) & 0xF;
            if(next != channel && next < NumberOfChannels)
            {
                Trigger(next);
            }
        }

        private void Transfer(int channel)
        {
            var bits = control[channel];
            var size = 1u << (int)((bits >> SizeShift) & 3);
            var ring = (int)(bits >> RingShift) & 0xF;
            var ringOnWrite = (bits & RingOnWriteBit) != 0;
            var bus = Machine.SystemBus;
            for(var count = transferCount[channel]; count > 0; count--)
            {
                uint from = readAddress[channel];
                uint to = writeAddress[channel];
                switch(size)
                {
                case 1:
                    bus.WriteByte(to, bus.ReadByte(from));
                    break;
                case 2:
                    var half = bus.ReadWord(from);
                    bus.WriteWord(to, (bits & SwapBit) != 0 ? (ushort)(half >> 8 | half << 8) : half);
                    break;
                default:
                    var word = bus.ReadDoubleWord(from);
                    bus.WriteDoubleWord(to, (bits & SwapBit) != 0 ? Swap(word) : word);
                    break;
                }
                if((bits & IncrementReadBit) != 0)
                {
                    readAddress[channel] = Advance(from, size, ringOnWrite ? 0 : ring);
                }
                if((bits & IncrementWriteBit) != 0)
                {
                    writeAddress[channel] = Advance(to, size, ringOnWrite ? ring : 0);
                }
            }
            transferCount[channel] = 0;
        }

        private static uint Advance(uint address, uint size, int ring)
        {
            if(ring == 0)
            {
                return address + size;
            }
            var mask = (1u << ring) - 1;
            return (address & ~mask) | ((address + size) & mask);
        }

        private static uint Swap(uint value)
        {
            return value >> 24 | (value >> 8 & 0xFF00) | (value << 8 & 0xFF0000) | value << 24;
        }

        /// <summary>The four registers of a channel appear in four orders (datasheet 2.5.2.1).</summary>
        private static Field FieldAt(long register)
        {
            return Orders[(register >> 4) & 3, (register >> 2) & 3];
        }

        private void Raise(int channel)
        {
            raw |= 1u << channel;
            UpdateInterrupts();
        }

        private uint Status(int line)
        {
            return (raw & enable[line]) | force[line];
        }

        private void UpdateInterrupts()
        {
            IRQ0.Set(Status(0) != 0);
            IRQ1.Set(Status(1) != 0);
        }

        private uint raw;
        private readonly uint[] readAddress;
        private readonly uint[] writeAddress;
        private readonly uint[] transferCount;
        private readonly uint[] countReload;
        private readonly uint[] control;
        private readonly uint[] enable;
        private readonly uint[] force;

        private static readonly Field[,] Orders =
        {
            { Field.ReadAddress, Field.WriteAddress, Field.TransferCount, Field.Control },
            { Field.Control, Field.ReadAddress, Field.WriteAddress, Field.TransferCount },
            { Field.Control, Field.TransferCount, Field.ReadAddress, Field.WriteAddress },
            { Field.Control, Field.WriteAddress, Field.TransferCount, Field.ReadAddress },
        };

        private const int NumberOfChannels = 12;
        private const uint AllChannels = (1u << NumberOfChannels) - 1;
        private const long PacingTimers = 0x420;
        private const uint EnableBit = 1u << 0;
        private const int SizeShift = 2;
        private const uint IncrementReadBit = 1u << 4;
        private const uint IncrementWriteBit = 1u << 5;
        private const int RingShift = 6;
        private const uint RingOnWriteBit = 1u << 10;
        private const int ChainShift = 11;
        private const int RequestShift = 15;
        private const uint QuietBit = 1u << 21;
        private const uint SwapBit = 1u << 22;
        private const uint ControlMask = 0x00FFFFFF;
        private const uint PermanentRequest = 0x3F;

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
            MultiTrigger = 0x430,
            SniffControl = 0x434,
            SniffData = 0x438,
            FIFOLevels = 0x440,
            Abort = 0x444,
            NumberOfChannels = 0x448,
        }
    }
}

using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Peripherals.I2C;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>The devices on two wires, as whoever is the master there sees them: addressed, written, read, released.</summary>
    /// <remarks>
    /// Renode's own devices take and give whole messages. What is written to one is handed over at the end of the message, be it by a
    /// STOP or by another START; a read is asked for as many bytes as the master is known to want. They cannot refuse.
    /// </remarks>
    public class RP2040_I2CBus
    {
        public RP2040_I2CBus()
        {
            devices = new Dictionary<int, II2CPeripheral>();
            controllers = new List<RP2040_I2C>();
            addressed = new List<IRP2040_I2CTarget>();
        }

        public void Add(int address, II2CPeripheral device)
        {
            devices.Add(address, device);
        }

        public void Remove(II2CPeripheral device)
        {
            foreach(var address in devices.Where(x => x.Value == device).Select(x => x.Key).ToArray())
            {
                devices.Remove(address);
            }
        }

        /// <summary>A controller of the chip, that may be a slave here.</summary>
        public void Add(RP2040_I2C controller)
        {
            controllers.Add(controller);
        }

        public bool Has(RP2040_I2C controller)
        {
            return controllers.Contains(controller);
        }

        public bool IsEmpty { get { return devices.Count == 0 && controllers.Count == 0; } }

        /// <summary>START, or RESTART while a device is addressed.</summary>
        public void Start()
        {
            foreach(var target in addressed)
            {
                target.Finished(false);
            }
            addressed.Clear();
            foreach(var controller in controllers)
            {
                controller.StartSeen();
            }
        }

        /// <summary>An address and the direction; whether anybody acknowledged.</summary>
        /// <param name="address">7 or 10 bits; 0 is the general call.</param>
        public bool Address(int address, bool tenBits, bool read)
        {
            addressed.Clear();
            II2CPeripheral device;
            if((address != 0 || tenBits) && devices.TryGetValue(tenBits ? TenBits | address : address, out device))
            {
                addressed.Add(new Device(device));
            }
            addressed.AddRange(controllers.Where(x => x.Addressed(address, tenBits, read)));
            return addressed.Count > 0;
        }

        /// <summary>Whether anybody has an address of ten bits that begins like this one, and acknowledges the first byte of it.</summary>
        public bool HasTenBitsLike(int address)
        {
            return devices.Keys.Any(x => x >= TenBits && x >> 8 == (TenBits | address) >> 8)
                || controllers.Any(x => x.HasTenBitsLike(address));
        }

        /// <summary>Whether a device answers to the START byte, which nobody should.</summary>
        public bool AnswersStartByte { get { return devices.ContainsKey(0); } }

        /// <summary>Whether the next byte can be transferred; else the clock is held low.</summary>
        public bool Ready(bool read)
        {
            return addressed.All(x => x.Ready(read));
        }

        /// <summary>One byte to the addressed; whether it was acknowledged.</summary>
        public bool Write(byte value)
        {
            return addressed.Select(x => x.Write(value)).ToArray().Any(x => x);
        }

        /// <summary>One byte from the addressed.</summary>
        /// <param name="expected">How many bytes the master is known to want, this one included.</param>
        public byte Read(int expected)
        {
            byte value = 0xFF;
            foreach(var target in addressed)
            {
                // who sends a 0 wins
                value &= target.Read(expected);
            }
            return value;
        }

        /// <summary>What the master has answered to the byte just read.</summary>
        public void Acknowledge(bool acknowledged)
        {
            foreach(var target in addressed)
            {
                target.Acknowledged(acknowledged);
            }
        }

        public void Stop()
        {
            foreach(var target in addressed)
            {
                target.Finished(true);
            }
            var wasAddressed = addressed.ToArray();
            addressed.Clear();
            foreach(var controller in controllers)
            {
                controller.StopSeen(wasAddressed.Contains(controller));
            }
        }

        /// <summary>Added to the number of a device with an address of ten bits.</summary>
        public const int TenBits = 0x400;

        private readonly Dictionary<int, II2CPeripheral> devices;
        private readonly List<RP2040_I2C> controllers;
        private readonly List<IRP2040_I2CTarget> addressed;

        /// <summary>One of Renode's devices while it is addressed.</summary>
        private class Device : IRP2040_I2CTarget
        {
            public Device(II2CPeripheral device)
            {
                this.device = device;
                written = new List<byte>();
                read = new Queue<byte>();
            }

            public bool Ready(bool forReading)
            {
                return true;
            }

            public bool Write(byte value)
            {
                written.Add(value);
                return true;
            }

            public byte Read(int expected)
            {
                if(read.Count == 0)
                {
                    foreach(var value in device.Read(expected))
                    {
                        read.Enqueue(value);
                    }
                }
                return read.Count > 0 ? read.Dequeue() : (byte)0xFF;
            }

            public void Acknowledged(bool acknowledged)
            {
            }

            public void Finished(bool stopped)
            {
                if(written.Count > 0)
                {
                    device.Write(written.ToArray());
                    written.Clear();
                }
                if(stopped)
                {
                    device.FinishTransmission();
                }
            }

            private readonly II2CPeripheral device;
            private readonly List<byte> written;
            private readonly Queue<byte> read;
        }
    }

    /// <summary>What is addressed on an I2C bus.</summary>
    public interface IRP2040_I2CTarget
    {
        bool Ready(bool read);

        bool Write(byte value);

        byte Read(int expected);

        void Acknowledged(bool acknowledged);

        /// <summary>By a STOP, or by the next START.</summary>
        void Finished(bool stopped);
    }
}

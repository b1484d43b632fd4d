using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals;
using Antmicro.Renode.Peripherals.RP2040;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>Notes every change of the chip's pins with its time, for a program outside the emulation.</summary>
    public sealed class PinTap : IGPIOReceiver, IDisposable
    {
        public PinTap(IMachine machine, INumberedGPIOOutput pins)
        {
            this.machine = machine;
            this.pins = pins;
            changes = new List<ulong>();
            foreach(var pin in pins.Connections)
            {
                pin.Value.Connect(this, pin.Key); // which tells the level that is there: no change
            }
            listening = true;
        }

        /// <summary>Every change since the last call, three numbers each: emulated nanoseconds, pin, level.</summary>
        public ulong[] Read()
        {
            lock(changes)
            {
                var result = changes.ToArray();
                changes.Clear();
                return result;
            }
        }

        public void OnGPIO(int number, bool value)
        {
            if(!listening)
            {
                return;
            }
            lock(changes)
            {
                changes.Add(machine.ExactTime().InNanoseconds());
                changes.Add((ulong)number);
                changes.Add(value ? 1UL : 0UL);
            }
        }

        public void Reset()
        {
            // nothing of the chip's
        }

        public void Dispose()
        {
            listening = false;
            foreach(var pin in pins.Connections.Values)
            {
                foreach(var mine in pin.Endpoints.Where(x => ReferenceEquals(x.Receiver, this)).ToList())
                {
                    pin.Disconnect(mine);
                }
            }
        }

        private volatile bool listening;

        private readonly IMachine machine;
        private readonly INumberedGPIOOutput pins;
        private readonly List<ulong> changes;
    }
}

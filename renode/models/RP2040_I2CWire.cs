namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The devices of an I2C bus at the pins, for a master that moves the wires itself: software (MicroPython scans a bus so), or PIO.
    /// </summary>
    /// <remarks>
    /// The wires are those pins that software has given to the controller last, pulled up where there are devices. While they are
    /// the controller's, it talks to the devices directly, and nothing moves here.
    /// </remarks>
    public class RP2040_I2CWire : IRP2040_PinUser
    {
        /// <param name="firstPin">The lowest GPIO that can be SDA; each fourth one can be, and SCL is the next one.</param>
        public RP2040_I2CWire(RP2040_IOBank0 pins, RP2040_I2CBus bus, int firstPin)
        {
            this.pins = pins;
            this.bus = bus;
            data = clock = None;
            for(var pin = firstPin; pin + 1 < NumberOfPins; pin += 4)
            {
                own |= 3u << pin;
            }
            pins.AddUser(this);
            pins.Selected += PinSelected;
        }

        /// <summary>Both wires are pins of the controller now.</summary>
        public bool AtController { get { return IsSelected(data) && IsSelected(clock); } }

        /// <summary>A device holds SDA low, having missed clocks, until it has seen this many more.</summary>
        public void HoldData(int clocks)
        {
            heldFor = clocks;
            Pull(clocks > 0);
        }

        /// <summary>SDA is low though the controller does nothing.</summary>
        public bool DataHeld { get { return heldFor > 0; } }

        public void BringUpToDate()
        {
        }

        public void PinsChanged(uint changed, uint inputs)
        {
            // with both at once, it is the clock that goes first: a master never means START or STOP by that
            WireChanged(clock, changed, inputs);
            WireChanged(data, changed, inputs);
        }

        private void WireChanged(int pin, uint changed, uint inputs)
        {
            if(pin != None && (changed & 1u << pin) != 0)
            {
                Changed(pin, (inputs & 1u << pin) != 0);
            }
        }

        private void PinSelected(int pin)
        {
            if((own & 1u << pin) == 0 || !IsSelected(pin))
            {
                return;
            }
            state = State.Idle;
            if(pin % 2 == 0)
            {
                Move(ref data, pin);
                pulling = false;
                Pull(heldFor > 0);
            }
            else
            {
                Move(ref clock, pin);
            }
            dataLevel = data == None || pins.Level(data);
            clockLevel = clock == None || pins.Level(clock);
            pins.Watch(this, bus.IsEmpty ? 0 : (data == None ? 0 : 1u << data) | (clock == None ? 0 : 1u << clock));
        }

        /// <summary>The devices hang at this pin now, and with them the resistors that pull it up.</summary>
        private void Move(ref int wire, int pin)
        {
            if(wire != None && wire != pin)
            {
                pins.Release(wire);
            }
            wire = pin;
            PullUp(pin);
        }

        private void PullUp(int pin)
        {
            if(bus.IsEmpty)
            {
                pins.Release(pin);
            }
            else
            {
                pins.OnGPIO(pin, true);
            }
        }

        private bool IsSelected(int pin)
        {
            return pin != None && pins.FunctionOf(pin) == I2CFunction;
        }

        private void Changed(int pin, bool level)
        {
            if(pin == data)
            {
                dataLevel = level;
                if(clockLevel && clock != None)
                {
                    if(level)
                    {
                        StopSeen();
                    }
                    else
                    {
                        StartSeen();
                    }
                }
            }
            else if(pin == clock)
            {
                clockLevel = level;
                if(level)
                {
                    ClockRises();
                }
                else
                {
                    ClockFalls();
                }
            }
        }

        private void StartSeen()
        {
            if(pulling || AtController)
            {
                return;
            }
            state = State.Address;
            bits = 0;
            shifter = 0;
            bus.Start();
        }

        private void StopSeen()
        {
            if(state != State.Idle)
            {
                state = State.Idle;
                bus.Stop();
            }
        }

        private void ClockRises()
        {
            switch(state)
            {
            case State.Address:
            case State.Write:
                if(bits < 8)
                {
                    shifter = shifter << 1 | (dataLevel ? 1u : 0);
                }
                bits++;
                break;
            case State.Read:
                if(bits == 8)
                {
                    // the master's answer
                    acknowledged = !dataLevel;
                    bus.Acknowledge(acknowledged);
                }
                bits++;
                break;
            }
        }

        private void ClockFalls()
        {
            if(heldFor > 0 && --heldFor == 0)
            {
                Pull(false);
            }
            switch(state)
            {
            case State.Address:
                if(bits == 8)
                {
                    reading = (shifter & 1) != 0;
                    Pull(bus.Address((int)shifter >> 1, false, reading));
                }
                else if(bits == 9)
                {
                    Begin(pulling ? reading ? State.Read : State.Write : State.Ignore);
                }
                break;
            case State.Write:
                if(bits == 8)
                {
                    Pull(bus.Write((byte)shifter));
                }
                else if(bits == 9)
                {
                    Begin(pulling ? State.Write : State.Ignore);
                }
                break;
            case State.Read:
                if(bits < 8)
                {
                    PresentBit();
                }
                else if(bits == 8)
                {
                    Pull(false);
                }
                else
                {
                    Begin(acknowledged ? State.Read : State.Ignore);
                }
                break;
            }
        }

        private void Begin(State next)
        {
            Pull(false);
            state = next;
            bits = 0;
            shifter = 0;
            if(next == State.Read)
            {
                shifter = bus.Read(1);
                PresentBit();
            }
        }

        private void PresentBit()
        {
            Pull((shifter & (0x80u >> bits)) == 0);
        }

        private void Pull(bool low)
        {
            if(low == pulling || data == None)
            {
                return;
            }
            pulling = low;
            if(low)
            {
                pins.OnGPIO(data, false);
            }
            else if(heldFor == 0)
            {
                PullUp(data);
            }
        }

        private uint own;
        private int data;
        private int clock;
        private bool dataLevel;
        private bool clockLevel;
        private bool pulling;
        private bool reading;
        private bool acknowledged;
        private int bits;
        private int heldFor;
        private uint shifter;
        private State state;

        private readonly RP2040_IOBank0 pins;
        private readonly RP2040_I2CBus bus;

        private const int None = -1;
        private const int NumberOfPins = 30;
        private const uint I2CFunction = 3;

        private enum State
        {
            Idle,
            Address,
            Write,
            Read,
            Ignore,
        }
    }
}

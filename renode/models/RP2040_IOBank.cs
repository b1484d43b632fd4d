using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// IO bank (datasheet 2.19): function select, overrides, interrupts. Input n is pin n driven from outside,
    /// output n the level of pin n. Of the functions only SIO reaches the pins.
    /// </summary>
    public abstract class RP2040_IOBank : RP2040_Peripheral, INumberedGPIOOutput
    {
        protected RP2040_IOBank(IMachine machine, RP2040_Pads pads, int[] padOfPin) : base(machine)
        {
            this.pads = pads;
            this.padOfPin = padOfPin;
            numberOfPins = padOfPin.Length;
            Processor0IRQ = new GPIO();
            Processor1IRQ = new GPIO();
            var lines = new Dictionary<int, IGPIO>();
            for(var i = 0; i < numberOfPins; i++)
            {
                lines[i] = new GPIO();
            }
            Connections = lines;
            function = new IValueRegisterField[numberOfPins];
            outputOverride = new IValueRegisterField[numberOfPins];
            enableOverride = new IValueRegisterField[numberOfPins];
            inputOverride = new IValueRegisterField[numberOfPins];
            interruptOverride = new IValueRegisterField[numberOfPins];
            var words = NumberOfWords;
            edges = new uint[words];
            enable = new uint[Destinations, words];
            force = new uint[Destinations, words];
            DefineRegisters();
            pads.Bank = this;
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            for(var word = 0; word < NumberOfWords; word++)
            {
                edges[word] = 0;
                for(var destination = 0; destination < Destinations; destination++)
                {
                    enable[destination, word] = 0;
                    force[destination, word] = 0;
                }
            }
            Update(false);
        }

        /// <summary>Drives a pin from outside, or the block's reset line.</summary>
        public override void OnGPIO(int number, bool value)
        {
            if(number < 0 || number >= numberOfPins)
            {
                base.OnGPIO(number, value);
                return;
            }
            driven |= 1u << number;
            external = value ? external | 1u << number : external & ~(1u << number);
            Update(true);
        }

        /// <summary>Nobody drives this pin from outside any more.</summary>
        public void Release(int pin)
        {
            driven &= ~(1u << pin);
            Update(true);
        }

        /// <summary>The level at a pin, as one measures it.</summary>
        public bool Level(int pin)
        {
            return (levels & (1u << pin)) != 0;
        }

        /// <summary>Output values and output enables as SIO has them.</summary>
        public void SetFromSIO(uint output, uint outputEnable)
        {
            if(output == sioOutput && outputEnable == sioEnable)
            {
                return;
            }
            sioOutput = output;
            sioEnable = outputEnable;
            Update(true);
        }

        public void PadsChanged()
        {
            Update(true);
        }

        /// <summary>What SIO reads: the inputs after their overrides.</summary>
        public uint Inputs { get; private set; }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }
        public GPIO Processor0IRQ { get; private set; }
        public GPIO Processor1IRQ { get; private set; }

        protected virtual void ControlWritten(int pin)
        {
            Update(true);
        }

        /// <summary>0 normal, 1 inverted, 2 low, 3 high.</summary>
        protected uint OutputOverride(int pin)
        {
            return (uint)outputOverride[pin].Value;
        }

        private void DefineRegisters()
        {
            for(var i = 0; i < numberOfPins; i++)
            {
                var pin = i;
                RegistersCollection.DefineRegister(8 * pin)
                    .WithReservedBits(0, 8)
                    .WithFlag(8, FieldMode.Read, valueProviderCallback: _ => OutputFromPeripheral(pin), name: "OUTFROMPERI")
                    .WithFlag(9, FieldMode.Read, valueProviderCallback: _ => OutputToPad(pin), name: "OUTTOPAD")
                    .WithReservedBits(10, 2)
                    .WithFlag(12, FieldMode.Read, valueProviderCallback: _ => EnableFromPeripheral(pin), name: "OEFROMPERI")
                    .WithFlag(13, FieldMode.Read, valueProviderCallback: _ => EnableToPad(pin), name: "OETOPAD")
                    .WithReservedBits(14, 3)
                    .WithFlag(17, FieldMode.Read, valueProviderCallback: _ => InputFromPad(pin), name: "INFROMPAD")
                    .WithReservedBits(18, 1)
                    .WithFlag(19, FieldMode.Read, valueProviderCallback: _ => (Inputs & (1u << pin)) != 0, name: "INTOPERI")
                    .WithReservedBits(20, 4)
                    .WithFlag(24, FieldMode.Read, valueProviderCallback: _ => InterruptRequested(pin, false), name: "IRQFROMPAD")
                    .WithReservedBits(25, 1)
                    .WithFlag(26, FieldMode.Read, valueProviderCallback: _ => InterruptRequested(pin, true), name: "IRQTOPROC")
                    .WithReservedBits(27, 5);
                RegistersCollection.DefineRegister(8 * pin + 4, NullFunction)
                    .WithValueField(0, 5, out function[pin], name: "FUNCSEL")
                    .WithReservedBits(5, 3)
                    .WithValueField(8, 2, out outputOverride[pin], name: "OUTOVER")
                    .WithReservedBits(10, 2)
                    .WithValueField(12, 2, out enableOverride[pin], name: "OEOVER")
                    .WithReservedBits(14, 2)
                    .WithValueField(16, 2, out inputOverride[pin], name: "INOVER")
                    .WithReservedBits(18, 10)
                    .WithValueField(28, 2, out interruptOverride[pin], name: "IRQOVER")
                    .WithReservedBits(30, 2)
                    .WithWriteCallback((_, __) => ControlWritten(pin));
            }
        }

        protected override uint ReadRegister(long register)
        {
            if(register < InterruptRegisters)
            {
                return base.ReadRegister(register);
            }
            int destination, kind, word;
            if(!Locate(register, out destination, out kind, out word))
            {
                return base.ReadRegister(register);
            }
            switch(kind)
            {
            case KindRaw:
                return Raw(word);
            case KindEnable:
                return enable[destination, word];
            case KindForce:
                return force[destination, word];
            default:
                return Status(destination, word);
            }
        }

        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            if(register < InterruptRegisters)
            {
                base.WriteRegister(register, operation, mask);
                return;
            }
            int destination, kind, word;
            if(!Locate(register, out destination, out kind, out word))
            {
                base.WriteRegister(register, operation, mask);
                return;
            }
            switch(kind)
            {
            case KindRaw:
                edges[word] &= ~mask;
                break;
            case KindEnable:
                enable[destination, word] = Apply(operation, enable[destination, word], mask);
                break;
            case KindForce:
                force[destination, word] = Apply(operation, force[destination, word], mask);
                break;
            }
            UpdateInterrupts();
        }

        /// <summary>INTR, then INTE, INTF, INTS of processor 0, processor 1 and the wake-up from dormancy; four bits a pin.</summary>
        private bool Locate(long register, out int destination, out int kind, out int word)
        {
            var index = (int)(register - InterruptRegisters) / 4;
            word = index % NumberOfWords;
            var group = index / NumberOfWords;
            kind = group == 0 ? KindRaw : KindEnable + (group - 1) % 3;
            destination = group == 0 ? 0 : (group - 1) / 3;
            return destination < Destinations;
        }

        private uint Raw(int word)
        {
            var result = edges[word];
            for(var i = 0; i < PinsInAWord && word * PinsInAWord + i < numberOfPins; i++)
            {
                var high = (Inputs & (1u << (word * PinsInAWord + i))) != 0;
                result |= (high ? LevelHigh : LevelLow) << (4 * i);
            }
            return result;
        }

        private uint Status(int destination, int word)
        {
            return (Raw(word) & enable[destination, word]) | force[destination, word];
        }

        private bool InterruptRequested(int pin, bool afterOverride)
        {
            var bits = Status(0, pin / PinsInAWord) | Status(1, pin / PinsInAWord);
            var requested = ((bits >> (4 * (pin % PinsInAWord))) & 0xF) != 0;
            return afterOverride ? Override(interruptOverride[pin].Value, requested) : requested;
        }

        private void UpdateInterrupts()
        {
            Processor0IRQ.Set(AnyInterrupt(0));
            Processor1IRQ.Set(AnyInterrupt(1));
        }

        private bool AnyInterrupt(int destination)
        {
            for(var word = 0; word < NumberOfWords; word++)
            {
                if((enable[destination, word] | force[destination, word]) != 0 && Status(destination, word) != 0)
                {
                    return true;
                }
            }
            return false;
        }

        private void Update(bool latchEdges)
        {
            uint newLevels = 0;
            uint newInputs = 0;
            for(var pin = 0; pin < numberOfPins; pin++)
            {
                var bit = 1u << pin;
                bool level;
                if(EnableToPad(pin) && !pads.OutputDisabled(padOfPin[pin]))
                {
                    level = OutputToPad(pin);
                }
                else if((driven & bit) != 0)
                {
                    level = (external & bit) != 0;
                }
                else
                {
                    level = pads.IdleLevel(padOfPin[pin]);
                }
                if(level)
                {
                    newLevels |= bit;
                }
                if(Override(inputOverride[pin].Value, level && pads.InputEnabled(padOfPin[pin])))
                {
                    newInputs |= bit;
                }
            }
            if(latchEdges)
            {
                LatchEdges(Inputs, newInputs);
            }
            Inputs = newInputs;
            var changed = levels ^ newLevels;
            levels = newLevels;
            for(var pin = 0; changed != 0; pin++, changed >>= 1)
            {
                if((changed & 1) != 0)
                {
                    Connections[pin].Set((newLevels & (1u << pin)) != 0);
                }
            }
            UpdateInterrupts();
        }

        private void LatchEdges(uint before, uint after)
        {
            var changed = before ^ after;
            for(var pin = 0; changed != 0; pin++, changed >>= 1)
            {
                if((changed & 1) != 0)
                {
                    var edge = (after & (1u << pin)) != 0 ? EdgeHigh : EdgeLow;
                    edges[pin / PinsInAWord] |= edge << (4 * (pin % PinsInAWord));
                }
            }
        }

        private bool OutputFromPeripheral(int pin)
        {
            return function[pin].Value == SIOFunction && (sioOutput & (1u << pin)) != 0;
        }

        private bool EnableFromPeripheral(int pin)
        {
            return function[pin].Value == SIOFunction && (sioEnable & (1u << pin)) != 0;
        }

        private bool OutputToPad(int pin)
        {
            return Override(outputOverride[pin].Value, OutputFromPeripheral(pin));
        }

        private bool EnableToPad(int pin)
        {
            return Override(enableOverride[pin].Value, EnableFromPeripheral(pin));
        }

        private bool InputFromPad(int pin)
        {
            return Level(pin) && pads.InputEnabled(padOfPin[pin]);
        }

        private static bool Override(ulong how, bool value)
        {
            switch(how)
            {
            case 0:
                return value;
            case 1:
                return !value;
            default:
                return how == 3;
            }
        }

        private int NumberOfWords { get { return (numberOfPins + PinsInAWord - 1) / PinsInAWord; } }
        private long InterruptRegisters { get { return 8 * numberOfPins; } }

        private uint driven;
        private uint external;
        private uint levels;
        private uint sioOutput;
        private uint sioEnable;

        private readonly int numberOfPins;
        private readonly RP2040_Pads pads;
        private readonly int[] padOfPin;
        private readonly uint[] edges;
        private readonly uint[,] enable;
        private readonly uint[,] force;
        private readonly IValueRegisterField[] function;
        private readonly IValueRegisterField[] outputOverride;
        private readonly IValueRegisterField[] enableOverride;
        private readonly IValueRegisterField[] inputOverride;
        private readonly IValueRegisterField[] interruptOverride;

        private const int PinsInAWord = 8;
        private const int Destinations = 3;
        private const int KindRaw = 0;
        private const int KindEnable = 1;
        private const int KindForce = 2;
        private const uint LevelLow = 1;
        private const uint LevelHigh = 2;
        private const uint EdgeLow = 4;
        private const uint EdgeHigh = 8;
        private const uint NullFunction = 0x1F;
        private const uint SIOFunction = 5;
    }

    /// <summary>The 30 user pins.</summary>
    public class RP2040_IOBank0 : RP2040_IOBank
    {
        public RP2040_IOBank0(IMachine machine, RP2040_PadsBank0 pads) : base(machine, pads, Identity())
        {
        }

        private static int[] Identity()
        {
            var result = new int[30];
            for(var i = 0; i < result.Length; i++)
            {
                result[i] = i;
            }
            return result;
        }
    }

    /// <summary>The flash's pins: SCLK, SS, SD0 to SD3. The BOOTSEL button pulls pin 1 low.</summary>
    public class RP2040_IOQSPI : RP2040_IOBank
    {
        public RP2040_IOQSPI(IMachine machine, RP2040_PadsQSPI pads) : base(machine, pads, new[] { 0, 5, 1, 2, 3, 4 })
        {
        }

        public override void Reset()
        {
            base.Reset();
            UpdateChipSelect();
        }

        /// <summary>Chip select as software forces it: low, high, or left to the SSI.</summary>
        public RP2040_ChipSelect ChipSelect { get; private set; }

        /// <summary>Whom to tell when chip select is forced or left.</summary>
        public RP2040_SSI Controller { get; set; }

        protected override void ControlWritten(int pin)
        {
            base.ControlWritten(pin);
            if(pin == ChipSelectPin)
            {
                UpdateChipSelect();
            }
        }

        private void UpdateChipSelect()
        {
            var forced = OutputOverride(ChipSelectPin);
            ChipSelect = forced == 2 ? RP2040_ChipSelect.ForcedLow : forced == 3 ? RP2040_ChipSelect.ForcedHigh : RP2040_ChipSelect.Automatic;
            if(Controller != null)
            {
                Controller.ChipSelectChanged();
            }
        }

        private const int ChipSelectPin = 1;
    }

    public enum RP2040_ChipSelect
    {
        Automatic,
        ForcedLow,
        ForcedHigh,
    }
}

using System.Collections.Generic;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Time;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// Power-on state machine (datasheet 2.13). Output n is the reset line of stage n; the two processors are
    /// reset here, together with their interrupt controllers, when all cores stand still.
    /// </summary>
    /// <remarks>
    /// What two cores cost in emulation is paid only from core 1's launch to its next reset. While it sleeps in the
    /// boot ROM, the slices of time in which the cores take turns are coarse (the emulation's quantum), and code that
    /// core 0 overwrites concerns nobody else: MicroPython's interpreter runs from RAM, beside the data it writes.
    /// </remarks>
    public class RP2040_PSM : RP2040_Peripheral, INumberedGPIOOutput
    {
        public RP2040_PSM(IMachine machine, RP2040_Clocks clocks, RP2040_Core cpu0, RP2040_NVIC nvic0, RP2040_Core cpu1 = null,
            RP2040_NVIC nvic1 = null) : base(machine)
        {
            this.clocks = clocks;
            this.cpu0 = cpu0;
            this.nvic0 = nvic0;
            this.cpu1 = cpu1;
            this.nvic1 = nvic1;
            var lines = new Dictionary<int, IGPIO>();
            for(var i = 0; i < NumberOfStages; i++)
            {
                lines[i] = new GPIO();
            }
            Connections = lines;
            Lacks("FRCE_OFF.PROC0");
            DefineRegisters();
            base.Reset();
            clocks.Changed += FollowClock;
            FollowClock();
        }

        public override void Reset()
        {
            base.Reset();
            previouslyOff = 0;
            ShareChangesOfCode(false);
            UseCoarseSlices();
        }

        /// <summary>
        /// The cores begin at the boot ROM's vector table, as they do on the chip; without this Renode guesses one from the
        /// symbols that it knows.
        /// </summary>
        public void StartFromBootROM()
        {
            cpu0.BeginAtBootROM();
            if(cpu1 != null)
            {
                cpu1.BeginAtBootROM();
            }
            ShareChangesOfCode(false);
        }

        /// <summary>Core 0 begins to talk to core 1.</summary>
        public void CoreOneLaunched()
        {
            if(cpu1 == null || launched)
            {
                return;
            }
            launched = true;
            ShareChangesOfCode(true);
            var source = Machine.LocalTimeSource;
            if(source.Quantum > FineSlice)
            {
                // the host makes it longer while it only lets time pass
                coarseSlice = source.Quantum < CoarsestSlice ? source.Quantum : CoarsestSlice;
                source.Quantum = FineSlice;
            }
        }

        public bool HasCoreOne { get { return cpu1 != null; } }

        /// <summary>How many instructions each core executes in one emulated microsecond while clk_sys runs at 125 MHz.</summary>
        public uint InstructionsPerMicrosecond
        {
            get { return cpu0.PerformanceInMips; }
            set
            {
                if(value == 0)
                {
                    throw new RecoverableException("A core has to execute at least one instruction in a microsecond");
                }
                cpu0.PerformanceInMips = value;
                if(cpu1 != null)
                {
                    cpu1.PerformanceInMips = value;
                }
            }
        }

        /// <summary>The watchdog restarts the stages chosen by WDSEL, processors last.</summary>
        public void WatchdogReset()
        {
            var selected = (uint)watchdogSelect.Value;
            if((selected & (1u << Processor0)) != 0)
            {
                // it is core 0 that runs the code until the reset takes effect
                Machine.LocalTimeSource.ExecuteInNearestSyncedState(_ => Restart(selected));
                return;
            }
            Restart(selected);
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }

        private void DefineRegisters()
        {
            Registers.ForceOn.Define(this)
                .WithValueField(0, NumberOfStages, name: "FRCE_ON")
                .WithReservedBits(NumberOfStages, 32 - NumberOfStages);

            Registers.ForceOff.Define(this)
                .WithValueField(0, NumberOfStages, out forceOff, name: "FRCE_OFF")
                .WithReservedBits(NumberOfStages, 32 - NumberOfStages)
                .WithWriteCallback((_, __) => UpdateForcedOff());

            Registers.WatchdogSelect.Define(this)
                .WithValueField(0, NumberOfStages, out watchdogSelect, name: "WDSEL")
                .WithReservedBits(NumberOfStages, 32 - NumberOfStages);

            Registers.Done.Define(this)
                .WithValueField(0, NumberOfStages, FieldMode.Read, valueProviderCallback: _ => ~forceOff.Value & AllStages, name: "DONE")
                .WithReservedBits(NumberOfStages, 32 - NumberOfStages);
        }

        private void UpdateForcedOff()
        {
            var off = (uint)forceOff.Value;
            var changed = off ^ previouslyOff;
            previouslyOff = off;
            for(var i = 0; i < NumberOfStages; i++)
            {
                Connections[i].Set((off & (1u << i)) != 0);
            }
            if((changed & (1u << Processor1)) != 0 && cpu1 != null)
            {
                var halt = (off & (1u << Processor1)) != 0;
                Machine.LocalTimeSource.ExecuteInNearestSyncedState(_ => RestartProcessor(cpu1, nvic1, halt));
            }
            if((off & (1u << Processor0)) != 0)
            {
                NoteUnmodelled("FRCE_OFF.PROC0");
            }
        }

        private void Restart(uint stages)
        {
            for(var i = 0; i < Processor0; i++)
            {
                if((stages & (1u << i)) != 0)
                {
                    Connections[i].Set(true);
                    Connections[i].Set(false);
                }
            }
            if((stages & (1u << Processor1)) != 0 && cpu1 != null)
            {
                RestartProcessor(cpu1, nvic1, false);
            }
            if((stages & (1u << Processor0)) != 0)
            {
                RestartProcessor(cpu0, nvic0, false);
            }
        }

        private void FollowClock()
        {
            cpu0.ClockFrequency = clocks.System;
            if(cpu1 != null)
            {
                cpu1.ClockFrequency = clocks.System;
            }
        }

        /// <summary>Whether translated code is thrown away on both cores when one of them writes over it.</summary>
        private void ShareChangesOfCode(bool enable)
        {
            if(cpu1 == null)
            {
                return;
            }
            cpu0.SetBroadcastDirty(enable);
            cpu1.SetBroadcastDirty(enable);
        }

        private void UseCoarseSlices()
        {
            if(cpu1 == null)
            {
                return;
            }
            launched = false;
            var source = Machine.LocalTimeSource;
            if(source.Quantum == FineSlice && coarseSlice > FineSlice)
            {
                source.Quantum = coarseSlice;
            }
        }

        private void RestartProcessor(RP2040_Core cpu, RP2040_NVIC nvic, bool halt)
        {
            if(cpu == cpu1)
            {
                UseCoarseSlices();
            }
            cpu.IsHalted = true;
            nvic.Reset();
            cpu.Reset();
            nvic.PendWhatIsHigh();
            if(cpu == cpu1)
            {
                // its reset has dropped all translated code, and until it is launched it runs from ROM only
                ShareChangesOfCode(false);
            }
            cpu.IsHalted = halt;
            if(!halt)
            {
                cpu.WaitUntilActive();
            }
        }

        private IValueRegisterField forceOff;
        private IValueRegisterField watchdogSelect;
        private uint previouslyOff;
        private bool launched;
        private TimeInterval coarseSlice;

        private readonly RP2040_Clocks clocks;
        private readonly RP2040_Core cpu0;
        private readonly RP2040_NVIC nvic0;
        private readonly RP2040_Core cpu1;
        private readonly RP2040_NVIC nvic1;

        private static readonly TimeInterval FineSlice = TimeInterval.FromMicroseconds(100);
        private static readonly TimeInterval CoarsestSlice = TimeInterval.FromMilliseconds(1);

        private const int NumberOfStages = 17;
        private const int Processor0 = 15;
        private const int Processor1 = 16;
        private const uint AllStages = (1u << NumberOfStages) - 1;

        private enum Registers
        {
            ForceOn = 0x0,
            ForceOff = 0x4,
            WatchdogSelect = 0x8,
            Done = 0xC,
        }
    }
}

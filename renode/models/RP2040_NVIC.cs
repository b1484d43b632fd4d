using System.Collections.Generic;
using System.Reflection;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.IRQControllers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The System Control Space of a Cortex-M0+ (ARMv6-M Architecture Reference Manual, B3): what Renode's NVIC has of it, without
    /// what only larger cores have, with a SysTick of its own and with NMI.
    /// </summary>
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public class RP2040_NVIC : NVIC, IDoubleWordPeripheral, IGPIOReceiver
    {
        public RP2040_NVIC(IMachine machine, RP2040_Clocks clocks) : base(machine, priorityMask: PriorityMask)
        {
            sysTick = new RP2040_SysTick(machine, this, clocks, () => SetPendingIRQ(SysTick));
            Reset();
        }

        public new void Reset()
        {
            base.Reset();
            if(sysTick != null)
            {
                sysTick.Reset();
            }
            systemControl = protection = region = 0;
        }

        /// <summary>The core that it belongs to; Renode's classes do not tell each other.</summary>
        public void Attach(RP2040_Core core)
        {
            this.core = core;
        }

        public new uint ReadDoubleWord(long offset)
        {
            if(offset >= (long)Registers.Priorities && offset <= (long)Registers.LastPriorities)
            {
                return base.ReadDoubleWord(offset);
            }
            switch((Registers)offset)
            {
            case Registers.SysTickControl:
            case Registers.SysTickReload:
            case Registers.SysTickCurrent:
            case Registers.SysTickCalibration:
                return sysTick.Read(offset);
            case Registers.SetEnable:
            case Registers.ClearEnable:
            case Registers.SetPending:
            case Registers.ClearPending:
            case Registers.VectorTable:
                return base.ReadDoubleWord(offset);
            case Registers.ProtectionRegion:
                return region;
            case Registers.ProtectionBase:
                SelectRegion(OfFirmware + region);
                return base.ReadDoubleWord(offset) & ~BaseFlags | region;
            case Registers.ProtectionAttributes:
                SelectRegion(OfFirmware + region);
                return base.ReadDoubleWord(offset);
            case Registers.CPUID:
                return CortexM0PlusR0P1;
            case Registers.InterruptState:
                return InterruptState;
            case Registers.ApplicationInterrupt:
                return VectorKeyRead << 16;
            case Registers.SystemControl:
                return systemControl;
            case Registers.ConfigurationControl:
                return StackAlignedUnalignedTrapped;
            case Registers.HandlerPriority2:
                return base.ReadDoubleWord(offset) & HandlerPriority2Mask;
            case Registers.HandlerPriority3:
                return base.ReadDoubleWord(offset) & HandlerPriority3Mask;
            case Registers.HandlerControl:
                return Pends(SupervisorCall) ? SupervisorCallPends : 0;
            case Registers.ProtectionType:
                return ProtectionRegions << 8;
            case Registers.ProtectionControl:
                return protection;
            default:
                return 0; // what ARMv6-M does not have; the debugger's registers, without one, too
            }
        }

        public new void WriteDoubleWord(long offset, uint value)
        {
            if(offset >= (long)Registers.Priorities && offset <= (long)Registers.LastPriorities)
            {
                base.WriteDoubleWord(offset, value & PriorityMask * 0x01010101u);
                return;
            }
            switch((Registers)offset)
            {
            case Registers.SysTickControl:
            case Registers.SysTickReload:
            case Registers.SysTickCurrent:
                sysTick.Write(offset, value);
                break;
            case Registers.SetEnable:
            case Registers.ClearEnable:
            case Registers.SetPending:
            case Registers.ClearPending:
                base.WriteDoubleWord(offset, value);
                break;
            case Registers.InterruptState:
                WriteInterruptState(value);
                break;
            case Registers.VectorTable:
                base.WriteDoubleWord(offset, value & ~0xFFu);
                break;
            case Registers.ApplicationInterrupt:
                if(value >> 16 == VectorKey && (value & ResetRequest) != 0)
                {
                    base.WriteDoubleWord(offset, VectorKey << 16 | ResetRequest);
                }
                break;
            case Registers.SystemControl:
                systemControl = value & (SleepOnExit | SleepDeep | EventOnPending);
                base.WriteDoubleWord(offset, value & (SleepOnExit | EventOnPending));
                break;
            case Registers.HandlerPriority2:
                base.WriteDoubleWord(offset, value & HandlerPriority2Mask);
                break;
            case Registers.HandlerPriority3:
                base.WriteDoubleWord(offset, value & HandlerPriority3Mask);
                break;
            case Registers.HandlerControl:
                PendOrClear(SupervisorCall, (value & SupervisorCallPends) != 0);
                break;
            case Registers.ProtectionControl:
                protection = value & (ProtectionEnable | ProtectionInFaults | ProtectionDefault);
                KeepFromTheRest((protection & (ProtectionEnable | ProtectionDefault)) == ProtectionEnable);
                base.WriteDoubleWord(offset, protection);
                break;
            case Registers.ProtectionRegion:
                region = value & (ProtectionRegions - 1);
                break;
            case Registers.ProtectionBase:
                if((value & BaseValid) != 0)
                {
                    region = value & (ProtectionRegions - 1);
                }
                SelectRegion(OfFirmware + region);
                base.WriteDoubleWord(offset, value & ~SmallestRegionMask);
                break;
            case Registers.ProtectionAttributes:
                SelectRegion(OfFirmware + region);
                base.WriteDoubleWord(offset, value & ProtectionAttributesMask);
                break;
            }
        }

        /// <summary>An interrupt line of the chip.</summary>
        public new void OnGPIO(int number, bool value)
        {
            var bit = 1u << number;
            var rises = value && (lines & bit) == 0;
            lines = value ? lines | bit : lines & ~bit;
            if(rises && (nonMaskable & bit) != 0)
            {
                core.PendNonMaskable();
            }
            base.OnGPIO(number, value);
        }

        /// <summary>
        /// What a reset of the core alone does not change: a line that is high pends again (B3.4.1). SIO's is, behind a core 1 that has
        /// read from its empty mailbox.
        /// </summary>
        public void PendWhatIsHigh()
        {
            for(var number = 0; number < Interrupts; number++)
            {
                if((lines & 1u << number) != 0)
                {
                    base.OnGPIO(number, true);
                }
            }
        }

        /// <summary>Which lines are NMIs, too, as SYSCFG has them (datasheet 2.21).</summary>
        public uint NonMaskable
        {
            get { return nonMaskable; }
            set
            {
                var before = lines & nonMaskable;
                nonMaskable = value;
                if(before == 0 && (lines & nonMaskable) != 0)
                {
                    core.PendNonMaskable();
                }
            }
        }

        /// <summary>NMI and HardFault are not protected against unless HFNMIENA is set (B3.5.1).</summary>
        public void InUnmaskableHandler(bool isIn)
        {
            if((protection & (ProtectionEnable | ProtectionInFaults)) == ProtectionEnable)
            {
                core.MPUEnabled = !isIn;
            }
        }

        public bool Pends(int exception)
        {
            return Pending.Contains(exception);
        }

        /// <summary>Takes back what pends.</summary>
        public void Clear(int exception)
        {
            PendOrClear(exception, false);
        }

        /// <summary>
        /// Without PRIVDEFENA there is nothing beside the regions and the core's own registers (B3.5.1). Renode's translator always has
        /// the default map behind the regions: two of its own, of 2 GiB each and before all others, are in front of it then. What they
        /// leave out are the last two eighths of the second.
        /// </summary>
        private void KeepFromTheRest(bool keep)
        {
            for(uint half = 0; half < OfFirmware; half++)
            {
                SelectRegion(half);
                base.WriteDoubleWord((long)Registers.ProtectionBase, half << 31);
                base.WriteDoubleWord((long)Registers.ProtectionAttributes, keep ? half * WithoutLastQuarter | HalfOfAll : 0);
            }
        }

        private void SelectRegion(uint number)
        {
            base.WriteDoubleWord((long)Registers.ProtectionRegion, number);
        }

        private uint InterruptState
        {
            get
            {
                var pending = core.Unmaskable.NonMaskablePends ? NonMaskableInterrupt : FindPendingInterrupt();
                var external = Pending.Count > 0
                    && (base.ReadDoubleWord((long)Registers.SetPending) & base.ReadDoubleWord((long)Registers.SetEnable)) != 0;
                return (core.Unmaskable.NonMaskablePends ? NonMaskablePendSet : 0)
                    | (Pends(PendSV) ? PendSVSet : 0)
                    | (Pends(SysTick) ? PendSysTickSet : 0)
                    | (external ? InterruptPends : 0)
                    | (pending >= 0 && pending < FirstInterrupt + Interrupts ? (uint)pending << 12 : 0)
                    | core.Exception;
            }
        }

        private void WriteInterruptState(uint value)
        {
            if((value & NonMaskablePendSet) != 0)
            {
                core.PendNonMaskable();
            }
            if((value & PendSVClear) != 0)
            {
                PendOrClear(PendSV, false);
            }
            if((value & PendSVSet) != 0)
            {
                PendOrClear(PendSV, true);
            }
            if((value & PendSysTickClear) != 0)
            {
                PendOrClear(SysTick, false);
            }
            if((value & PendSysTickSet) != 0)
            {
                PendOrClear(SysTick, true);
            }
        }

        private void PendOrClear(int exception, bool pend)
        {
            if(pend)
            {
                SetPendingIRQ(exception);
            }
            else if(Pending.Remove(exception))
            {
                if(ClearMethod != null)
                {
                    ClearMethod.Invoke(this, new object[] { exception });
                }
                var next = FindPendingInterrupt();
                if(next < 0 || next >= FirstInterrupt + Interrupts)
                {
                    IRQ.Set(core.Unmaskable.Pends);
                }
            }
        }

        private SortedSet<int> Pending { get { return (SortedSet<int>)PendingField.GetValue(this); } }

        private uint systemControl;
        private uint protection;
        private uint region;
        private uint lines;
        private uint nonMaskable;
        private RP2040_Core core;

        private readonly RP2040_SysTick sysTick;

        private static readonly FieldInfo PendingField = typeof(NVIC).GetField("pendingIRQs", BindingFlags.Instance | BindingFlags.NonPublic);
        private static readonly MethodInfo ClearMethod = typeof(NVIC).GetMethod("ClearPending", BindingFlags.Instance | BindingFlags.NonPublic);

        // Numbers of exceptions (B1.5.2)
        public const int NonMaskableInterrupt = 2;
        public const int SupervisorCall = 11;
        private const int PendSV = 14;
        private const int SysTick = 15;
        private const int FirstInterrupt = 16;
        private const int Interrupts = 32;

        private const byte PriorityMask = 0xC0;
        private const uint HandlerPriority2Mask = 0xC0000000;
        private const uint HandlerPriority3Mask = 0xC0C00000;
        private const uint CortexM0PlusR0P1 = 0x410CC601;
        /// <summary>CCR.STKALIGN and UNALIGN_TRP.</summary>
        private const uint StackAlignedUnalignedTrapped = 0x208;
        private const uint VectorKey = 0x05FA;
        private const uint VectorKeyRead = 0xFA05;
        private const uint ResetRequest = 1 << 2;
        private const uint SleepOnExit = 1 << 1;
        private const uint SleepDeep = 1 << 2;
        private const uint EventOnPending = 1 << 4;
        private const uint SupervisorCallPends = 1 << 15;
        private const uint NonMaskablePendSet = 1u << 31;
        private const uint PendSVSet = 1 << 28;
        private const uint PendSVClear = 1 << 27;
        private const uint PendSysTickSet = 1 << 26;
        private const uint PendSysTickClear = 1 << 25;
        private const uint InterruptPends = 1 << 22;
        private const uint ProtectionRegions = 8;
        /// <summary>The translator's first region that is the firmware's.</summary>
        private const uint OfFirmware = 2;
        public const uint TranslatorsRegions = OfFirmware + ProtectionRegions;
        private const uint BaseValid = 1 << 4;
        /// <summary>RBAR.VALID and REGION.</summary>
        private const uint BaseFlags = 0x1F;
        private const uint SmallestRegionMask = 0xFF;
        /// <summary>RASR: no access, 2^31 bytes, enabled.</summary>
        private const uint HalfOfAll = 30 << 1 | 1;
        /// <summary>RASR.SRD: parts 6 and 7 of eight are none of it.</summary>
        private const uint WithoutLastQuarter = 0xC000;
        private const uint ProtectionEnable = 1;
        private const uint ProtectionInFaults = 2;
        private const uint ProtectionDefault = 4;
        private const uint ProtectionAttributesMask = 0x1707FF3F;

        private enum Registers
        {
            SysTickControl = 0x010,
            SysTickReload = 0x014,
            SysTickCurrent = 0x018,
            SysTickCalibration = 0x01C,
            SetEnable = 0x100,
            ClearEnable = 0x180,
            SetPending = 0x200,
            ClearPending = 0x280,
            Priorities = 0x400,
            LastPriorities = 0x41C,
            CPUID = 0xD00,
            InterruptState = 0xD04,
            VectorTable = 0xD08,
            ApplicationInterrupt = 0xD0C,
            SystemControl = 0xD10,
            ConfigurationControl = 0xD14,
            HandlerPriority2 = 0xD1C,
            HandlerPriority3 = 0xD20,
            HandlerControl = 0xD24,
            ProtectionType = 0xD90,
            ProtectionControl = 0xD94,
            ProtectionRegion = 0xD98,
            ProtectionBase = 0xD9C,
            ProtectionAttributes = 0xDA0,
        }
    }
}

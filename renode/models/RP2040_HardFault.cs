using System.Collections.Generic;
using System.Reflection;
using Antmicro.Migrant;
using Antmicro.Renode.Peripherals.IRQControllers;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Why a HardFault was taken; the numbers are those of src/renode_pico/core/cpu.h.</summary>
    public enum RP2040_FaultCause
    {
        None = 0,
        Breakpoint = 1,
        Undefined = 2,
        Unaligned = 3,
        Read = 4,
        Write = 5,
        Fetch = 6,
        Arm = 7,
        SupervisorCall = 8,
        Return = 9,
        Protection = 10,
    }

    /// <summary>A fault, and the registers of the core at the instruction that could not be done.</summary>
    public class RP2040_Fault
    {
        public RP2040_Fault(RP2040_FaultCause cause, uint address, uint[] registers, uint exception)
        {
            Cause = (int)cause;
            Address = address;
            Registers = registers;
            Exception = exception;
        }

        /// <summary>A <see cref="RP2040_FaultCause"/>.</summary>
        public int Cause { get; private set; }

        /// <summary>What was accessed, where that is the cause.</summary>
        public uint Address { get; private set; }

        /// <summary>R0 to R15.</summary>
        public uint[] Registers { get; private set; }

        /// <summary>The number in IPSR.</summary>
        public uint Exception { get; private set; }
    }

    /// <summary>
    /// NMI and HardFault of a core, which no mask and no priority holds up (ARMv6-M Architecture Reference Manual, B1.5.4). Renode's
    /// NVIC gives them the priority 0, and its translator takes nothing while PRIMASK is set.
    /// </summary>
    public class RP2040_Unmaskable
    {
        public RP2040_Unmaskable(NVIC nvic)
        {
            this.nvic = nvic;
        }

        public void Reset()
        {
            hardFaultPends = nonMaskablePends = false;
            active.Clear();
        }

        public void PendHardFault()
        {
            hardFaultPends = true;
            nvic.IRQ.Set(true);
        }

        public void PendNonMaskable()
        {
            if(!nonMaskablePends)
            {
                nonMaskablePends = true;
                nvic.IRQ.Set(true);
            }
        }

        public void ClearNonMaskable()
        {
            nonMaskablePends = false;
        }

        /// <summary>The exception to be taken next; 0: whatever the NVIC has.</summary>
        public int Take()
        {
            var number = nonMaskablePends && !NonMaskableActive ? NonMaskable : hardFaultPends ? HardFault : 0;
            if(number == 0)
            {
                return 0;
            }
            if(number == NonMaskable)
            {
                nonMaskablePends = false;
            }
            else
            {
                hardFaultPends = false;
            }
            active.Push(number);
            ActiveOfNVIC.Push(number); // nothing that has a priority preempts it
            nvic.IRQ.Set(hardFaultPends);
            return number;
        }

        /// <summary>False if the exception is one of the NVIC's.</summary>
        public bool Complete(int number)
        {
            if(active.Count == 0 || active.Peek() != number)
            {
                return false;
            }
            active.Pop();
            ActiveOfNVIC.Pop();
            nvic.FindPendingInterrupt();
            if(Pends)
            {
                nvic.IRQ.Set(true);
            }
            return true;
        }

        /// <summary>One that the core would take now.</summary>
        public bool Pends { get { return hardFaultPends || (nonMaskablePends && !NonMaskableActive); } }

        public bool NonMaskablePends { get { return nonMaskablePends; } }

        /// <summary>A fault now is the end: the core locks up (B1.5.15).</summary>
        public bool Active { get { return active.Count > 0; } }

        public const int NonMaskable = 2;
        public const int HardFault = 3;

        private bool NonMaskableActive { get { return active.Contains(NonMaskable); } }

        private Stack<int> ActiveOfNVIC
        {
            get
            {
                if(activeOfNVIC == null)
                {
                    activeOfNVIC = (Stack<int>)typeof(NVIC).GetField("activeIRQs", BindingFlags.Instance | BindingFlags.NonPublic).GetValue(nvic);
                }
                return activeOfNVIC;
            }
        }

        private bool hardFaultPends;
        private bool nonMaskablePends;
        [Transient]
        private Stack<int> activeOfNVIC;
        private readonly Stack<int> active = new Stack<int>();
        private readonly NVIC nvic;
    }
}

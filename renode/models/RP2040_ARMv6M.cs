namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// What Renode's translator for Cortex-M does not know of the Cortex-M0+: which instructions ARMv6-M has, and what each of
    /// them accesses (ARMv6-M Architecture Reference Manual, A5).
    /// </summary>
    public static class RP2040_ARMv6M
    {
        /// <summary>Whether an instruction has a second halfword (A5.1).</summary>
        public static bool IsWide(ushort first)
        {
            return first >> 11 >= 0x1D;
        }

        /// <param name="first">The instruction, or its first halfword.</param>
        /// <param name="second">The halfword behind it.</param>
        public static bool Has(ushort first, ushort second)
        {
            if(IsWide(first))
            {
                return HasWide(first, second);
            }
            switch(first >> 12)
            {
            case 0x4: // special data instructions: BX and BLX of the PC are none
                return (first & 0xFF78) != 0x4778 && (first & 0xFF78) != 0x47F8;
            case 0xB:
                return HasMiscellaneous(first);
            case 0xC: // LDM and STM of nothing
                return (first & 0xFF) != 0;
            case 0xD: // 14 is UDF
                return (first >> 8 & 15) != 14;
            default:
                return true;
            }
        }

        /// <summary>How many bytes an instruction reads or writes at a time; 1 for those that access nothing.</summary>
        public static uint AccessSize(ushort code)
        {
            switch(code >> 11)
            {
            case 0x09: // LDR of a literal
            case 0x0C: // STR and LDR with an immediate offset
            case 0x0D:
            case 0x12: // the same from SP
            case 0x13:
            case 0x18: // STM and LDM
            case 0x19:
                return 4;
            case 0x10: // STRH and LDRH with an immediate offset
            case 0x11:
                return 2;
            case 0x0A: // with a register's offset: STR, STRH, STRB, LDRSB, then LDR, LDRH, LDRB, LDRSH
            case 0x0B:
                return SizesWithRegister[code >> 9 & 7];
            case 0x16: // PUSH and POP
            case 0x17:
                return (code & 0xF600) == 0xB400 ? 4u : 1u;
            default:
                return 1;
            }
        }

        /// <summary>Whether an instruction accesses more than one word.</summary>
        public static bool IsOfList(ushort code)
        {
            return code >> 12 == 0xC || (code & 0xF600) == 0xB400;
        }

        /// <summary>The address that an instruction accesses, of a list of registers the lowest one; null for those that access nothing.</summary>
        /// <param name="code">The instruction.</param>
        /// <param name="registers">R0 to R15 before it, the last one being where it is.</param>
        public static uint? AccessAddress(ushort code, uint[] registers)
        {
            uint low = registers[code >> 3 & 7], high = registers[code >> 8 & 7];
            uint five = (uint)code >> 6 & 31, eight = (uint)code & 0xFF;
            switch(code >> 11)
            {
            case 0x09:
                return (registers[15] & ~3u) + 4 + (eight << 2);
            case 0x0A:
            case 0x0B:
                return low + registers[code >> 6 & 7];
            case 0x0C:
            case 0x0D:
                return low + (five << 2);
            case 0x0E: // STRB and LDRB
            case 0x0F:
                return low + five;
            case 0x10:
            case 0x11:
                return low + (five << 1);
            case 0x12:
            case 0x13:
                return registers[13] + (eight << 2);
            case 0x18:
            case 0x19:
                return high;
            case 0x16: // PUSH
                return (code & 0xFE00) == 0xB400 ? registers[13] - 4 * Ones((uint)code & 0x1FF) : (uint?)null;
            case 0x17: // POP
                return (code & 0xFE00) == 0xBC00 ? registers[13] : (uint?)null;
            default:
                return null;
            }
        }

        private static uint Ones(uint bits)
        {
            var ones = 0u;
            for(; bits != 0; bits &= bits - 1)
            {
                ones++;
            }
            return ones;
        }

        private static bool HasMiscellaneous(ushort code)
        {
            switch(code >> 8 & 15)
            {
            case 0: // ADD and SUB of SP, extensions, BKPT
            case 2:
            case 14:
                return true;
            case 4: // PUSH and POP of nothing are none
            case 5:
            case 12:
            case 13:
                return (code & 0x1FF) != 0;
            case 6: // CPS of interrupts; SETEND is ARMv6's
                return (code & 0xE0) == 0x60;
            case 10: // REV, REV16, REVSH
                return (code >> 6 & 3) != 2;
            case 15: // hints; IT is ARMv7's
                return (code & 15) == 0;
            default: // CBZ and CBNZ are ARMv7's
                return false;
            }
        }

        private static bool HasWide(ushort first, ushort second)
        {
            if(first >> 11 != 0x1E || (second & 0x8000) == 0)
            {
                return false;
            }
            if((second & 0xD000) == 0xD000)
            {
                return true; // BL
            }
            if((first & 0xFFE0) == 0xF380 && (second & 0xD000) == 0x8000)
            {
                return (first & 15) != 13 && (first & 15) != 15; // MSR
            }
            if((first & 0xFFF0) == 0xF3E0 && (second & 0xD000) == 0x8000)
            {
                return (second >> 8 & 15) != 13 && (second >> 8 & 15) != 15; // MRS
            }
            // DSB, DMB, ISB
            return (first & 0xFFF0) == 0xF3B0 && (second & 0xD0C0) == 0x8040 && (second & 0x30) != 0x30 && (second >> 4 & 15) >= 4;
        }

        private static readonly uint[] SizesWithRegister = { 4, 2, 1, 1, 4, 2, 1, 2 };
    }
}

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// How long things take on a full-speed bus, in whole nanoseconds of emulated time (docs/bus-timing.md).
    /// </summary>
    public static class UsbTiming
    {
        /// <summary>12 Mbit/s: n byte times last n × 2000 / 3 ns, rounded down (USB 2.0, 5.3 and tables 5-5 to 5-10).</summary>
        public static long ByteTimes(int count)
        {
            return count * 2000L / 3;
        }

        public const long Microsecond = 1000;
        public const long Millisecond = 1000 * Microsecond;
        public const long Second = 1000 * Millisecond;

        public const long Frame = Millisecond;
        /// <summary>Frame numbers have 11 bits (USB 2.0, 8.3.3).</summary>
        public const int FrameMask = 0x7FF;

        /// <summary>Byte times a SETUP, OUT or IN transaction needs beside its data, handshake included.</summary>
        public const int HandshakedOverhead = 13;
        /// <summary>Byte times of an IN answered by NAK or STALL.</summary>
        public const int RefusedIn = 8;
        public const int IsochronousOverhead = 9;
        public const int Token = 4;
        /// <summary>Token, gap and a data packet without its data.</summary>
        public const int TokenAndDataOverhead = 9;
        /// <summary>Byte times a sender waits before it gives up: 18 bit times (USB 2.0, 7.1.19.1).</summary>
        public const int Silence = 3;
        /// <summary>Byte times that a packet of 16 bit times' delay is later than one after the usual gap of one byte time.</summary>
        public const int Slow = 1;
        /// <summary>The same for 19 bit times, rounded up.</summary>
        public const int Late = 2;
        public const int StrayToken = 4;
        public const int StrayHandshake = 3;
        /// <summary>A data packet with eight bytes.</summary>
        public const int StrayData = 13;
        /// <summary>PRE and four byte times of hub set-up, then a low-speed token: eight times as long as at full speed.</summary>
        public const int StrayLowSpeed = 43;
        public const int MaxPacket = 1023;

        public const long Sof = 6 * 2000 / 3;
        /// <summary>How long before the end of a frame EOF1 is: 32 bit times (USB 2.0, table 11-3).</summary>
        public const long Eof1 = 32 * 1000 / 12;
        /// <summary>The same for EOF2: 10 bit times.</summary>
        public const long Eof2 = 10 * 1000 / 12;
        public const long Se0Longest = 10 * Millisecond;

        /// <summary>T_ATTDB: how long an attached device must stay so before the host acts on it (USB 2.0, 7.1.7.3).</summary>
        public const long Debounce = 100 * Millisecond;
        /// <summary>T_DRSTR as driven by this root port (USB 2.0, 7.1.7.5).</summary>
        public const long Reset = 10 * Millisecond;
        /// <summary>T_RSTRCY: no transaction but SOF before it has passed.</summary>
        public const long ResetRecovery = 10 * Millisecond;
        /// <summary>T_DRSMDN (USB 2.0, 7.1.7.7).</summary>
        public const long Resume = 20 * Millisecond;
        /// <summary>T_RSMRCY.</summary>
        public const long ResumeRecovery = 10 * Millisecond;
        /// <summary>How long a suspend watches the bus idle before it is over; a device has noticed after 3 ms (7.1.7.6).</summary>
        public const long Suspend = 5 * Millisecond;
        /// <summary>What Linux gives a device after SET_ADDRESS.</summary>
        public const long SetAddressRecovery = 10 * Millisecond;
        /// <summary>What a device may take (USB 2.0, 9.2.6.3).</summary>
        public const long StrictSetAddressRecovery = 2 * Millisecond;
        /// <summary>What Linux lets pass before it asks for the address a second time.</summary>
        public const long SetAddressRetry = 200 * Millisecond;
        /// <summary>Before enumeration begins again: an attempt has two resets, of 110 ms in Linux, 20 here.</summary>
        public const long EnumerationRetry = 180 * Millisecond;
        /// <summary>The same in the middle, where Linux takes the port's power away for 200 ms, waits 100 for it, then debounces.</summary>
        public const long EnumerationPause = 500 * Millisecond;
    }
}

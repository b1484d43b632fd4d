namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>Makes a checksum of what one channel of the DMA reads (datasheet 2.5.5.2).</summary>
    public class RP2040_Sniffer
    {
        public void Reset()
        {
            control = 0;
            Data = 0;
        }

        public bool Watches(int channel)
        {
            return (control & EnableBit) != 0 && ((control >> ChannelShift) & 0xF) == channel;
        }

        /// <param name="data">What was read, after the channel's own byte swap.</param>
        /// <param name="size">1, 2 or 4 bytes.</param>
        public void See(uint data, uint size)
        {
            if((control & SwapBit) != 0)
            {
                data = SwapBytes(data, size);
            }
            switch((Calculation)((control >> CalculationShift) & 0xF))
            {
            case Calculation.CRC32:
                Data = CRCOf(Data, data, size, false, 32, 0x04C11DB7);
                break;
            case Calculation.CRC32Reversed:
                Data = CRCOf(Data, data, size, true, 32, 0x04C11DB7);
                break;
            case Calculation.CRC16:
                Data = CRCOf(Data & 0xFFFF, data, size, false, 16, 0x1021);
                break;
            case Calculation.CRC16Reversed:
                Data = CRCOf(Data & 0xFFFF, data, size, true, 16, 0x1021);
                break;
            case Calculation.Even:
                Data = ParityOf(Data ^ data);
                break;
            case Calculation.Sum:
                Data += data;
                break;
            }
        }

        public static uint SwapBytes(uint data, uint size)
        {
            var swapped = data >> 24 | (data >> 8 & 0xFF00) | (data << 8 & 0xFF0000) | data << 24;
            return swapped >> (int)(32 - 8 * size);
        }

        public uint Control
        {
            get { return control; }
            set { control = value & ControlMask; }
        }

        /// <summary>The accumulator, as it is written.</summary>
        public uint Data { get; set; }

        /// <summary>The accumulator, as it is read.</summary>
        public uint Result
        {
            get
            {
                var result = (control & ReverseBit) != 0 ? ReverseBits(Data) : Data;
                return (control & InvertBit) != 0 ? ~result : result;
            }
        }

        /// <summary>The bytes in the order of their addresses, each with its highest bit first, or its lowest when reversed.</summary>
        private static uint CRCOf(uint crc, uint data, uint size, bool reversed, int width, uint polynomial)
        {
            var top = 1u << (width - 1);
            for(var i = 0; i < size; i++)
            {
                var bits = (data >> (8 * i)) & 0xFF;
                if(reversed)
                {
                    bits = ReverseBits(bits) >> 24;
                }
                crc ^= bits << (width - 8);
                for(var bit = 0; bit < 8; bit++)
                {
                    crc = (crc & top) != 0 ? crc << 1 ^ polynomial : crc << 1;
                }
                crc &= top | (top - 1);
            }
            return crc;
        }

        private static uint ReverseBits(uint value)
        {
            value = (value >> 1 & 0x55555555) | (value & 0x55555555) << 1;
            value = (value >> 2 & 0x33333333) | (value & 0x33333333) << 2;
            value = (value >> 4 & 0x0F0F0F0F) | (value & 0x0F0F0F0F) << 4;
            return SwapBytes(value, 4);
        }

        private static uint ParityOf(uint value)
        {
            value ^= value >> 16;
            value ^= value >> 8;
            value ^= value >> 4;
            value ^= value >> 2;
            return (value ^ value >> 1) & 1;
        }

        private uint control;

        private const uint EnableBit = 1u << 0;
        private const int ChannelShift = 1;
        private const int CalculationShift = 5;
        private const uint SwapBit = 1u << 9;
        private const uint ReverseBit = 1u << 10;
        private const uint InvertBit = 1u << 11;
        private const uint ControlMask = 0xFFF;

        private enum Calculation
        {
            CRC32 = 0,
            CRC32Reversed = 1,
            CRC16 = 2,
            CRC16Reversed = 3,
            Even = 14,
            Sum = 15,
        }
    }
}

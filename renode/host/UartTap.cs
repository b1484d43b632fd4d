using System;
using System.Collections.Generic;
using Antmicro.Renode.Peripherals.UART;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// Gathers what a UART of the chip sends for a program outside the emulation, and has the host look at what it waits for
    /// with each character.
    /// </summary>
    public sealed class UartTap : IDisposable
    {
        public UartTap(IUART uart, UsbHostController host)
        {
            this.uart = uart;
            this.host = host;
            received = new List<byte>();
            uart.CharReceived += Receive;
        }

        /// <summary>Everything sent since the last call.</summary>
        public byte[] Read()
        {
            var data = received.ToArray();
            received.Clear();
            return data;
        }

        /// <summary>Puts bytes on the line to the chip.</summary>
        public void Write(byte[] data)
        {
            foreach(var value in data)
            {
                uart.WriteChar(value);
            }
        }

        public void Dispose()
        {
            uart.CharReceived -= Receive;
        }

        private void Receive(byte value)
        {
            received.Add(value);
            host.Poke();
        }

        private readonly IUART uart;
        private readonly UsbHostController host;
        private readonly List<byte> received;
    }
}

using System;
using System.Collections.Generic;
using System.IO;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The serial interface to the flash (datasheet 4.10), a Synopsys DW_apb_ssi. Plain serial frames reach the flash's
    /// command decoder at once. Dual and quad ones are reads: the mapped memory's, and those of the same form by software and
    /// DMA, in the mode in which the second stage leaves the flash (4.10.10).
    /// </summary>
    public class RP2040_SSI : RP2040_Peripheral, IRP2040_ShortWay
    {
        public RP2040_SSI(IMachine machine, RP2040_IOQSPI pins, RP2040_Flash flash) : base(machine)
        {
            this.pins = pins;
            this.flash = flash;
            pins.Controller = this;
            received = new Queue<uint>();
            TransmitRequest = new GPIO();
            ReceiveRequest = new GPIO();
            Lacks("interrupts");
            Lacks("dual and quad commands other than reads");
            Lacks("the time a transfer takes");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            received.Clear();
            headers = left = 0;
            automaticallySelected = false;
            flash.Deselect();
            Update();
        }

        /// <summary>Chip select has two drivers: software through IO_QSPI, else this controller.</summary>
        public void ChipSelectChanged()
        {
            automaticallySelected = false;
            if(pins.ChipSelect == RP2040_ChipSelect.ForcedLow)
            {
                flash.Select();
            }
            else
            {
                flash.Deselect();
            }
        }

        /// <summary>
        /// Programs a UF2, ELF or flat binary image into the flash, as an external programmer would. One for the RAM goes there,
        /// and the watchdog's scratch registers tell the boot ROM to start it, as they do after a download over USB
        /// (datasheet 2.8.1.1).
        /// </summary>
        public void LoadFirmware(ReadFilePath path)
        {
            var firmware = new RP2040_Firmware(path, File.ReadAllBytes(path));
            foreach(var piece in firmware.Pieces)
            {
                if(firmware.IsForRAM)
                {
                    Machine.SystemBus.WriteBytes(piece.Value, (ulong)piece.Key);
                }
                else
                {
                    flash.Load(piece.Key - FlashStart, piece.Value);
                }
            }
            if(firmware.IsForRAM)
            {
                var scratch = new[] { WatchdogBoot, firmware.Entry ^ (~WatchdogBoot + 1), StackTop, firmware.Entry };
                for(var i = 0; i < scratch.Length; i++)
                {
                    Machine.SystemBus.WriteDoubleWord(WatchdogScratch4 + (ulong)i * 4, scratch[i]);
                }
            }
        }

        /// <summary>Programs the content of a file at an offset from the start of the flash.</summary>
        public void LoadFlash(ReadFilePath path, long offset = 0)
        {
            flash.Load(offset, File.ReadAllBytes(path));
        }

        /// <summary>Takes the flash's content from a file and keeps the file up to date; it need not exist yet.</summary>
        public void KeepFlashIn(string path)
        {
            flash.PersistTo(path);
        }

        /// <summary>Writes the flash's content to a file, once.</summary>
        public void SaveFlash(WriteFilePath path)
        {
            flash.SaveTo(path);
        }

        public void EraseFlash()
        {
            flash.EraseAll();
        }

        public GPIO TransmitRequest { get; private set; }
        public GPIO ReceiveRequest { get; private set; }

        /// <summary>
        /// Cycles of clk_sys that a read through the mapped memory takes: instruction, address, wait and data on as many lines as the
        /// registers say (4.10.10); half a clock of the serial bus from chip select to its first edge and half a one after its last; and
        /// the read of the SSI at its bus.
        /// </summary>
        public uint WordCycles
        {
            get
            {
                var lines = lanes.Value < 3 ? 1u << (int)lanes.Value : 1;
                var instruction = InstructionBits[instructionLength.Value] / (transferType.Value == AllOnLines ? lines : 1);
                var address = 4 * (uint)addressLength.Value / (transferType.Value == AllOnLines || transferType.Value == AddressOnLines ? lines : 1);
                var data = ((uint)frameSize.Value + 1) * ((uint)frames.Value + 1);
                var clocks = instruction + address + (uint)waitCycles.Value + (data + lines - 1) / lines + ChipSelectClocks;
                return clocks * Math.Max(LeastDivisor, (uint)divisor.Value & ~1u) + APBReadCycles;
            }
        }

        /// <summary>The flash chip and what happened to it.</summary>
        public RP2040_Flash Flash { get { return flash; } }

        /// <summary>What the boot ROM asks for each byte of a command: while the flash erases, it asks for its status all the time.</summary>
        public bool TryRead(uint offset, int width, RP2040_Core core, out uint value)
        {
            value = 0;
            if(width != 4)
            {
                return false;
            }
            switch((Registers)offset)
            {
            case Registers.TransmitLevel:
                return true;
            case Registers.ReceiveLevel:
                value = (uint)received.Count;
                return true;
            case Registers.Data0:
                value = Receive();
                return true;
            }
            return false;
        }

        public bool TryWrite(uint offset, int width, RP2040_Core core, uint value)
        {
            if(width != 4 || offset != (uint)Registers.Data0 || HeldInReset)
            {
                return false;
            }
            Transmit(value);
            return true;
        }

        private void DefineRegisters()
        {
            Registers.Control0.Define(this)
                .WithValueField(0, 4, name: "DFS")
                .WithValueField(4, 2, name: "FRF")
                .WithFlag(6, name: "SCPH")
                .WithFlag(7, name: "SCPOL")
                .WithValueField(8, 2, out transferMode, name: "TMOD")
                .WithFlag(10, name: "SLV_OE")
                .WithFlag(11, name: "SRL")
                .WithValueField(12, 4, name: "CFS")
                .WithValueField(16, 5, out frameSize, name: "DFS_32")
                .WithValueField(21, 2, out lanes, name: "SPI_FRF")
                .WithReservedBits(23, 1)
                .WithFlag(24, name: "SSTE")
                .WithReservedBits(25, 7);
            Registers.Control1.Define(this).WithValueField(0, 16, out frames, name: "NDF").WithReservedBits(16, 16);
            Registers.Enable.Define(this)
                .WithFlag(0, out enable, changeCallback: (_, __) => EnableChanged(), name: "SSI_EN").WithReservedBits(1, 31);
            Registers.Microwire.Define(this).WithValueField(0, 3, name: "MWCR").WithReservedBits(3, 29);
            Registers.SlaveEnable.Define(this).WithFlag(0, out slaveEnable, name: "SER").WithReservedBits(1, 31);
            Registers.BaudRate.Define(this).WithValueField(0, 16, out divisor, name: "SCKDV").WithReservedBits(16, 16);
            Registers.TransmitThreshold.Define(this).WithValueField(0, 8, name: "TFT").WithReservedBits(8, 24);
            Registers.ReceiveThreshold.Define(this).WithValueField(0, 8, name: "RFT").WithReservedBits(8, 24);
            Registers.TransmitLevel.Define(this)
                .WithValueField(0, 8, FieldMode.Read, valueProviderCallback: _ => 0, name: "TFTFL").WithReservedBits(8, 24);
            Registers.ReceiveLevel.Define(this)
                .WithValueField(0, 8, FieldMode.Read, valueProviderCallback: _ => (ulong)received.Count, name: "RXTFL").WithReservedBits(8, 24);
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => false, name: "BUSY")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => true, name: "TFNF")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => true, name: "TFE")
                .WithFlag(3, FieldMode.Read, valueProviderCallback: _ => received.Count > 0, name: "RFNE")
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => received.Count >= FIFODepth, name: "RFF")
                .WithFlag(5, FieldMode.Read, name: "TXE")
                .WithFlag(6, FieldMode.Read, name: "DCOL")
                .WithReservedBits(7, 25)
                .WithReadCallback((_, __) => EndAutomaticFrame());

            Registers.InterruptMask.Define(this)
                .WithValueField(0, 6, writeCallback: (_, __) => NoteUnmodelled("interrupts"), name: "IMR").WithReservedBits(6, 26);
            Registers.InterruptStatus.Define(this).WithValueField(0, 6, FieldMode.Read, name: "ISR").WithReservedBits(6, 26);
            Registers.RawInterruptStatus.Define(this).WithValueField(0, 6, FieldMode.Read, name: "RISR").WithReservedBits(6, 26);
            Registers.TransmitOverflowClear.Define(this).WithFlag(0, FieldMode.Read, name: "TXOICR").WithReservedBits(1, 31);
            Registers.ReceiveOverflowClear.Define(this).WithFlag(0, FieldMode.Read, name: "RXOICR").WithReservedBits(1, 31);
            Registers.ReceiveUnderflowClear.Define(this).WithFlag(0, FieldMode.Read, name: "RXUICR").WithReservedBits(1, 31);
            Registers.MultiMasterClear.Define(this).WithFlag(0, FieldMode.Read, name: "MSTICR").WithReservedBits(1, 31);
            Registers.InterruptClear.Define(this).WithFlag(0, FieldMode.Read, name: "ICR").WithReservedBits(1, 31);
            Registers.DMAControl.Define(this)
                .WithFlag(0, out receiveRequests, name: "RDMAE")
                .WithFlag(1, out transmitRequests, name: "TDMAE")
                .WithReservedBits(2, 30)
                .WithWriteCallback((_, __) => Update());
            Registers.DMATransmitLevel.Define(this).WithValueField(0, 8, name: "DMATDLR").WithReservedBits(8, 24);
            Registers.DMAReceiveLevel.Define(this).WithValueField(0, 8, out receiveRequestLevel, name: "DMARDLR").WithReservedBits(8, 24)
                .WithWriteCallback((_, __) => Update());
            Registers.Identification.Define(this, 0x51535049).WithValueField(0, 32, FieldMode.Read, name: "IDCODE");
            Registers.Version.Define(this, 0x3430312A).WithValueField(0, 32, FieldMode.Read, name: "SSI_COMP_VERSION");

            Registers.Data0.DefineMany(this, 36, (register, index) => register
                .WithValueField(0, 32, valueProviderCallback: _ => Receive(), writeCallback: (_, value) => Transmit((uint)value), name: "DR"));

            Registers.SampleDelay.Define(this).WithValueField(0, 8, name: "RSD").WithReservedBits(8, 24);
            Registers.SPIControl0.Define(this, 0x03000000)
                .WithValueField(0, 2, out transferType, name: "TRANS_TYPE")
                .WithValueField(2, 4, out addressLength, name: "ADDR_L")
                .WithReservedBits(6, 2)
                .WithValueField(8, 2, out instructionLength, name: "INST_L")
                .WithReservedBits(10, 1)
                .WithValueField(11, 5, out waitCycles, name: "WAIT_CYCLES")
                .WithFlag(16, name: "SPI_DDR_EN")
                .WithFlag(17, name: "INST_DDR_EN")
                .WithFlag(18, name: "SPI_RXDS_EN")
                .WithReservedBits(19, 5)
                .WithValueField(24, 8, name: "XIP_CMD");
            Registers.DriveEdge.Define(this).WithValueField(0, 8, name: "TDE").WithReservedBits(8, 24);
        }

        private void Transmit(uint value)
        {
            if(!enable.Value)
            {
                return;
            }
            if(lanes.Value != 0 && transferMode.Value == EepromRead)
            {
                ReadHeader(value);
                return;
            }
            uint answer = 0;
            if(lanes.Value == 0)
            {
                BeginAutomaticFrame();
                for(var shift = (int)(frameSize.Value & ~7u); shift >= 0; shift -= 8)
                {
                    answer = (answer << 8) | flash.Exchange((byte)(value >> shift));
                }
            }
            if(transferMode.Value != TransmitOnly && received.Count < FIFODepth)
            {
                received.Enqueue(answer);
                Update();
            }
        }

        private uint Receive()
        {
            if(received.Count == 0)
            {
                return 0;
            }
            var frame = received.Dequeue();
            ReadAhead();
            return frame;
        }

        /// <summary>An instruction, where there is one, and an address, which has the mode's bits behind it when it has 32.</summary>
        private void ReadHeader(uint word)
        {
            headers++;
            if(headers < (instructionLength.Value != 0 ? 1u : 0) + (addressLength.Value != 0 ? 1u : 0))
            {
                return;
            }
            headers = 0;
            from = addressLength.Value == AddressAndMode ? word >> ModeBits : word;
            left = (uint)frames.Value + 1;
            ReadAhead();
        }

        /// <summary>Frames of a dual or quad read, as many as there is room for: the clock waits for the FIFO.</summary>
        private void ReadAhead()
        {
            for(; left > 0 && received.Count < FIFODepth; left--)
            {
                uint answer = 0;
                for(var bytes = frameSize.Value / 8 + 1; bytes > 0; bytes--)
                {
                    answer = answer << 8 | flash.ReadByte(from++);
                }
                received.Enqueue(answer);
            }
            Update();
        }

        private void Update()
        {
            TransmitRequest.Set(enable.Value && transmitRequests.Value);
            ReceiveRequest.Set(receiveRequests.Value && (ulong)received.Count > receiveRequestLevel.Value);
        }

        private void BeginAutomaticFrame()
        {
            if(pins.ChipSelect == RP2040_ChipSelect.Automatic && slaveEnable.Value && !automaticallySelected)
            {
                automaticallySelected = true;
                flash.Select();
            }
        }

        /// <summary>
        /// The controller lifts chip select when its transmit FIFO has run empty; software that looks at the status
        /// finds it so, as the frames take no time here.
        /// </summary>
        private void EndAutomaticFrame()
        {
            if(automaticallySelected)
            {
                automaticallySelected = false;
                flash.Deselect();
            }
        }

        private void EnableChanged()
        {
            FlushFrames();
            CPU.ICPU cpu;
            if(enable.Value && Machine.SystemBus.TryGetCurrentCPU(out cpu) && cpu is RP2040_Core)
            {
                // Who switches flash on runs in RAM, and will return to flash soon: a second stage of booting, or a copy of one.
                ((RP2040_Core)cpu).ForgetCodeHereSoon();
            }
        }

        private void FlushFrames()
        {
            received.Clear();
            headers = left = 0;
            Update();
            EndAutomaticFrame();
        }

        private bool automaticallySelected;
        /// <summary>Words of a dual or quad read that were written.</summary>
        private uint headers;
        /// <summary>The frames of it that the FIFO had no room for: where in the flash, and how many.</summary>
        private uint from;
        private uint left;
        private IValueRegisterField divisor;
        private IValueRegisterField transferType;
        private IValueRegisterField waitCycles;
        private IValueRegisterField frames;
        private IValueRegisterField addressLength;
        private IValueRegisterField instructionLength;
        private IValueRegisterField receiveRequestLevel;
        private IFlagRegisterField receiveRequests;
        private IFlagRegisterField transmitRequests;
        private IValueRegisterField transferMode;
        private IValueRegisterField frameSize;
        private IValueRegisterField lanes;
        private IFlagRegisterField enable;
        private IFlagRegisterField slaveEnable;

        private readonly RP2040_IOQSPI pins;
        private readonly RP2040_Flash flash;
        private readonly Queue<uint> received;

        private const int FIFODepth = 16;
        private const long FlashStart = 0x10000000;
        private const ulong WatchdogScratch4 = 0x4005801C;
        private const uint WatchdogBoot = 0xB007C0D3;
        private const uint StackTop = 0x20042000;
        private const uint TransmitOnly = 1;
        private const uint EepromRead = 3;
        /// <summary>ADDR_L of 24 bits and the eight of the mode, in units of four.</summary>
        private const uint AddressAndMode = 8;
        private const int ModeBits = 8;
        /// <summary>INST_L.</summary>
        private static readonly uint[] InstructionBits = { 0, 4, 8, 16 };
        /// <summary>TRANS_TYPE 1C2A: the instruction on one line, the address on all of SPI_FRF.</summary>
        private const ulong AddressOnLines = 1;
        /// <summary>TRANS_TYPE 2C2A.</summary>
        private const ulong AllOnLines = 2;
        private const uint ChipSelectClocks = 1;
        private const uint APBReadCycles = 3;
        private const uint LeastDivisor = 2;

        private enum Registers
        {
            Control0 = 0x00,
            Control1 = 0x04,
            Enable = 0x08,
            Microwire = 0x0C,
            SlaveEnable = 0x10,
            BaudRate = 0x14,
            TransmitThreshold = 0x18,
            ReceiveThreshold = 0x1C,
            TransmitLevel = 0x20,
            ReceiveLevel = 0x24,
            Status = 0x28,
            InterruptMask = 0x2C,
            InterruptStatus = 0x30,
            RawInterruptStatus = 0x34,
            TransmitOverflowClear = 0x38,
            ReceiveOverflowClear = 0x3C,
            ReceiveUnderflowClear = 0x40,
            MultiMasterClear = 0x44,
            InterruptClear = 0x48,
            DMAControl = 0x4C,
            DMATransmitLevel = 0x50,
            DMAReceiveLevel = 0x54,
            Identification = 0x58,
            Version = 0x5C,
            Data0 = 0x60,
            SampleDelay = 0xF0,
            SPIControl0 = 0xF4,
            DriveEdge = 0xF8,
        }
    }
}

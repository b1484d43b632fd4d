using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.I2C;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// I2C controller (datasheet 4.3), a Synopsys DW_apb_i2c: master and slave, addresses of 7 and 10 bits, RESTART, general call and START
    /// byte, every source of an abort, two FIFOs of sixteen, all interrupts, data requests. Bytes take their time.
    /// </summary>
    /// <remarks>
    /// Devices are registered at their address, those of ten bits at 0x400 above it. They are on the pins that software has given to the
    /// controller, also for one who moves these pins by hand (<see cref="RP2040_I2CWire"/>). <see cref="Attach"/> puts the other
    /// controller of the chip on the same two wires.
    ///
    /// A bit takes IC_xS_SCL_LCNT + 1 cycles of clk_sys low and IC_xS_SCL_HCNT + IC_FS_SPKLEN + 7 cycles high (datasheet 4.3.14.4); START and
    /// STOP take as long as the high part, RESTART as a bit.
    /// </remarks>
    public class RP2040_I2C : RP2040_Peripheral, IRP2040_I2CTarget
    {
        /// <param name="firstPin">The lowest GPIO that can be SDA: 0 or 2.</param>
        public RP2040_I2C(IMachine machine, RP2040_Clocks clocks, RP2040_IOBank0 pins, int firstPin) : base(machine)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            TransmitRequest = new GPIO();
            ReceiveRequest = new GPIO();
            transmitFIFO = new Queue<Command>();
            receiveFIFO = new Queue<ushort>();
            bus = new RP2040_I2CBus();
            wire = new RP2040_I2CWire(pins, bus, firstPin);
            pace = new RP2040_Pace(machine, this, "bus", StepEnds);
            Lacks("the controller's own bits at the pins: devices get whole bytes");
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            pace.Stop();
            if(step != Step.Idle)
            {
                bus.Stop();
            }
            step = Step.Idle;
            transmitFIFO.Clear();
            receiveFIFO.Clear();
            raised = 0;
            abortSource = 0;
            flushed = 0;
            waitsForClear = false;
            slaveActive = false;
            slaveReads = false;
            called = false;
            wantsData = false;
            slaveDataLost = false;
            disabledWhileBusy = false;
            enable = false;
            abort = false;
            Update();
        }

        public override void Register(IPeripheral peripheral, NumberRegistrationPoint<int> registrationPoint)
        {
            var device = peripheral as II2CPeripheral;
            var address = registrationPoint.Address;
            if(device == null)
            {
                throw new RegistrationException("This is no I2C device");
            }
            if(address < 0 || (address > 0x7F && (address & ~0x3FF) != RP2040_I2CBus.TenBits))
            {
                throw new RegistrationException("An I2C device is registered at its address: 0 to 0x7F, or one of ten bits + 0x400");
            }
            base.Register(peripheral, registrationPoint);
            bus.Add(address, device);
        }

        public override void Unregister(IPeripheral peripheral)
        {
            base.Unregister(peripheral);
            bus.Remove((II2CPeripheral)peripheral);
        }

        /// <summary>The other controller is on the wires of this one from now on, as a slave whenever software makes it one.</summary>
        public void Attach(RP2040_I2C controller)
        {
            if(controller == this || bus.Has(controller))
            {
                throw new RecoverableException(controller == this ? "A controller is on its own wires already" : "It is on these wires already");
            }
            bus.Add(controller);
        }

        /// <summary>A device holds SDA low until it has seen so many clocks: it missed some in a transfer that was cut off.</summary>
        public void HoldData(int clocks)
        {
            wire.HoldData(clocks);
        }

        /// <summary>Somebody else's data wins in the transfer in hand, or in the next one: another master, or a slave's disturbed byte.</summary>
        public void LoseArbitration()
        {
            losesArbitration = true;
        }

        /// <summary>How long devices hold SCL low before each byte, in nanoseconds.</summary>
        public uint ClockStretching { get; set; }

        public GPIO IRQ { get; private set; }
        public GPIO TransmitRequest { get; private set; }
        public GPIO ReceiveRequest { get; private set; }

        private void DefineRegisters()
        {
            Registers.IC_CON.Define(this, 0x65)
                .WithFlag(0, out masterMode, name: "MASTER_MODE")
                .WithValueField(1, 2, out speed, writeCallback: (_, value) => { if(value == 0 || value == 3) speed.Value = FastMode; }, name: "SPEED")
                .WithFlag(3, out slaveTenBits, name: "IC_10BITADDR_SLAVE")
                .WithFlag(4, out masterTenBits, name: "IC_10BITADDR_MASTER")
                .WithFlag(5, out restartEnable, name: "IC_RESTART_EN")
                .WithFlag(6, out slaveDisable, name: "IC_SLAVE_DISABLE")
                .WithFlag(7, out stopIfAddressed, name: "STOP_DET_IFADDRESSED")
                .WithFlag(8, out emptyWhenDone, name: "TX_EMPTY_CTRL")
                .WithFlag(9, out holdWhenFull, name: "RX_FIFO_FULL_HLD_CTRL")
                .WithFlag(10, FieldMode.Read, valueProviderCallback: _ => false, name: "STOP_DET_IF_MASTER_ACTIVE")
                .WithReservedBits(11, 21);
            Registers.IC_TAR.Define(this, 0x55)
                .WithValueField(0, 10, out targetAddress, name: "IC_TAR")
                .WithFlag(10, out startByte, name: "GC_OR_START")
                .WithFlag(11, out special, name: "SPECIAL")
                .WithReservedBits(12, 20);
            Registers.IC_SAR.Define(this, 0x55)
                .WithValueField(0, 10, out slaveAddress, name: "IC_SAR").WithReservedBits(10, 22);
            Registers.IC_DATA_CMD.Define(this)
                .WithValueField(0, 12, valueProviderCallback: _ => ReadData(), writeCallback: (_, value) => WriteCommand((uint)value), name: "DAT, CMD, STOP, RESTART, FIRST_DATA_BYTE")
                .WithNoBits(12, 20);
            Strobe(Registers.IC_DATA_CMD);

            DefineCount(Registers.IC_SS_SCL_HCNT, 0x28, 6, 65525, out standardHigh);
            DefineCount(Registers.IC_SS_SCL_LCNT, 0x2F, 8, 0xFFFF, out standardLow);
            DefineCount(Registers.IC_FS_SCL_HCNT, 0x6, 6, 0xFFFF, out fastHigh);
            DefineCount(Registers.IC_FS_SCL_LCNT, 0xD, 8, 0xFFFF, out fastLow);
            Registers.IC_FS_SPKLEN.Define(this, 0x7)
                .WithValueField(0, 8, out spikes, writeCallback: (_, value) => { if(value == 0) spikes.Value = 1; }, name: "IC_FS_SPKLEN")
                .WithReservedBits(8, 24);
            Registers.IC_SDA_HOLD.Define(this, 0x1)
                .WithValueField(0, 16, name: "IC_SDA_TX_HOLD").WithValueField(16, 8, name: "IC_SDA_RX_HOLD").WithReservedBits(24, 8);
            Registers.IC_SDA_SETUP.Define(this, 0x64).WithValueField(0, 8, name: "SDA_SETUP").WithReservedBits(8, 24);

            Registers.IC_INTR_STAT.Define(this)
                .WithValueField(0, 13, FieldMode.Read, valueProviderCallback: _ => Raw & (uint)mask.Value, name: "R_").WithReservedBits(13, 19);
            Registers.IC_INTR_MASK.Define(this, 0x8FF)
                .WithValueField(0, 13, out mask, name: "M_").WithReservedBits(13, 19)
                .WithWriteCallback((_, __) => Update());
            Registers.IC_RAW_INTR_STAT.Define(this)
                .WithValueField(0, 13, FieldMode.Read, valueProviderCallback: _ => Raw, name: "RAW_INTR_STAT").WithReservedBits(13, 19);
            Registers.IC_RX_TL.Define(this)
                .WithValueField(0, 8, out receiveLevel, name: "RX_TL").WithReservedBits(8, 24).WithWriteCallback((_, __) => LimitLevels());
            Registers.IC_TX_TL.Define(this)
                .WithValueField(0, 8, out transmitLevel, name: "TX_TL").WithReservedBits(8, 24).WithWriteCallback((_, __) => LimitLevels());

            DefineClear(Registers.IC_CLR_INTR, ClearedBySoftware);
            DefineClear(Registers.IC_CLR_RX_UNDER, Interrupt.ReceiveUnderflow);
            DefineClear(Registers.IC_CLR_RX_OVER, Interrupt.ReceiveOverflow);
            DefineClear(Registers.IC_CLR_TX_OVER, Interrupt.TransmitOverflow);
            DefineClear(Registers.IC_CLR_RD_REQ, Interrupt.ReadRequest);
            DefineClear(Registers.IC_CLR_TX_ABRT, Interrupt.Abort);
            DefineClear(Registers.IC_CLR_RX_DONE, Interrupt.ReceiveDone);
            DefineClear(Registers.IC_CLR_ACTIVITY, Interrupt.Activity);
            DefineClear(Registers.IC_CLR_STOP_DET, Interrupt.Stop);
            DefineClear(Registers.IC_CLR_START_DET, Interrupt.Start);
            DefineClear(Registers.IC_CLR_GEN_CALL, Interrupt.GeneralCall);
            DefineClear(Registers.IC_CLR_RESTART_DET, Interrupt.Restart);

            Registers.IC_ENABLE.Define(this)
                .WithFlag(0, valueProviderCallback: _ => enable, writeCallback: (_, value) => SetEnable(value), name: "ENABLE")
                .WithFlag(1, valueProviderCallback: _ => abort, writeCallback: (_, value) => { if(value) AbortTransfer(); }, name: "ABORT")
                .WithFlag(2, out blocked, name: "TX_CMD_BLOCK")
                .WithReservedBits(3, 29)
                .WithWriteCallback((_, __) => { Proceed(); Update(); });
            Registers.IC_STATUS.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => MasterActive || slaveActive, name: "ACTIVITY")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count < FIFODepth, name: "TFNF")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => transmitFIFO.Count == 0, name: "TFE")
                .WithFlag(3, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count > 0, name: "RFNE")
                .WithFlag(4, FieldMode.Read, valueProviderCallback: _ => receiveFIFO.Count >= FIFODepth, name: "RFF")
                .WithFlag(5, FieldMode.Read, valueProviderCallback: _ => MasterActive, name: "MST_ACTIVITY")
                .WithFlag(6, FieldMode.Read, valueProviderCallback: _ => slaveActive, name: "SLV_ACTIVITY")
                .WithReservedBits(7, 25);
            Registers.IC_TXFLR.Define(this)
                .WithValueField(0, 5, FieldMode.Read, valueProviderCallback: _ => (ulong)transmitFIFO.Count, name: "TXFLR").WithReservedBits(5, 27);
            Registers.IC_RXFLR.Define(this)
                .WithValueField(0, 5, FieldMode.Read, valueProviderCallback: _ => (ulong)receiveFIFO.Count, name: "RXFLR").WithReservedBits(5, 27);
            Registers.IC_TX_ABRT_SOURCE.Define(this)
                .WithValueField(0, 17, FieldMode.Read, valueProviderCallback: _ => abortSource, name: "ABRT_").WithReservedBits(17, 6)
                .WithValueField(23, 9, FieldMode.Read, valueProviderCallback: _ => flushed, name: "TX_FLUSH_CNT");
            Registers.IC_SLV_DATA_NACK_ONLY.Define(this).WithFlag(0, out refuseData, name: "NACK").WithReservedBits(1, 31);
            Registers.IC_DMA_CR.Define(this)
                .WithFlag(0, out receiveRequests, name: "RDMAE")
                .WithFlag(1, out transmitRequests, name: "TDMAE")
                .WithReservedBits(2, 30)
                .WithWriteCallback((_, __) => Update());
            Registers.IC_DMA_TDLR.Define(this)
                .WithValueField(0, 4, out transmitRequestLevel, name: "DMATDL").WithReservedBits(4, 28).WithWriteCallback((_, __) => Update());
            Registers.IC_DMA_RDLR.Define(this)
                .WithValueField(0, 4, out receiveRequestLevel, name: "DMARDL").WithReservedBits(4, 28).WithWriteCallback((_, __) => Update());
            Registers.IC_ACK_GENERAL_CALL.Define(this, 0x1).WithFlag(0, out acknowledgeGeneralCall, name: "ACK_GEN_CALL").WithReservedBits(1, 31);
            Registers.IC_ENABLE_STATUS.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => enable || MasterActive || slaveActive, name: "IC_EN")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => disabledWhileBusy, name: "SLV_DISABLED_WHILE_BUSY")
                .WithFlag(2, FieldMode.Read, valueProviderCallback: _ => slaveDataLost, name: "SLV_RX_DATA_LOST")
                .WithReservedBits(3, 29);
            // all reads of this one give 0: the parameters are not encoded in the chip's instances
            Registers.IC_COMP_PARAM_1.Define(this).WithValueField(0, 32, FieldMode.Read, name: "IC_COMP_PARAM_1");
            Registers.IC_COMP_VERSION.Define(this, 0x3230312A).WithValueField(0, 32, FieldMode.Read, name: "IC_COMP_VERSION");
            Registers.IC_COMP_TYPE.Define(this, 0x44570140).WithValueField(0, 32, FieldMode.Read, name: "IC_COMP_TYPE");
        }

        private void DefineCount(Registers register, uint resetValue, uint least, uint most, out IValueRegisterField field)
        {
            IValueRegisterField count;
            register.Define(this, resetValue).WithValueField(0, 16, out count, name: register.ToString()).WithReservedBits(16, 16)
                .WithWriteCallback((_, __) => { count.Value = count.Value < least ? least : count.Value > most ? most : count.Value; });
            field = count;
        }

        private void DefineClear(Registers register, Interrupt interrupts)
        {
            register.Define(this).WithFlag(0, FieldMode.Read, name: register.ToString(), valueProviderCallback: _ => Clear((uint)interrupts))
                .WithReservedBits(1, 31);
        }

        /// <summary>Registers that describe the bus can be written only while the controller is disabled.</summary>
        protected override void WriteRegister(long register, AtomicOperation operation, uint mask)
        {
            if(enable && OnlyWhileDisabled.Contains((Registers)register))
            {
                this.Log(LogLevel.Debug, "{0} written while enabled: ignored", (Registers)register);
                return;
            }
            base.WriteRegister(register, operation, mask);
        }

        private bool Clear(uint interrupts)
        {
            var were = raised & interrupts;
            if(MasterActive || slaveActive)
            {
                interrupts &= ~(uint)Interrupt.Activity;
            }
            raised &= ~interrupts;
            if((interrupts & (uint)Interrupt.Abort) != 0)
            {
                abortSource = StartByteForbidden ? abortSource & AbortStartByteWithoutRestart : 0;
                flushed = 0;
                if(abortSource != 0)
                {
                    raised |= (uint)Interrupt.Abort;
                }
                waitsForClear = false;
            }
            Update();
            return were != 0;
        }

        private void LimitLevels()
        {
            if(receiveLevel.Value >= FIFODepth)
            {
                receiveLevel.Value = FIFODepth - 1;
            }
            if(transmitLevel.Value >= FIFODepth)
            {
                transmitLevel.Value = FIFODepth - 1;
            }
            Update();
        }

        private void SetEnable(bool value)
        {
            if(value == enable)
            {
                return;
            }
            enable = value;
            if(value)
            {
                disabledWhileBusy = false;
                slaveDataLost = false;
                waitsForClear = false;
                return;
            }
            disabledWhileBusy = slaveActive;
            slaveDataLost = slaveActive && receiveFIFO.Count > 0;
            transmitFIFO.Clear();
            receiveFIFO.Clear();
            raised &= ~(uint)(Interrupt.Activity | Interrupt.ReadRequest);
            flushed = 0;
            wantsData = false;
            if(step == Step.Held)
            {
                // It gives the bus free. Software that has only a new target address to set is back before that.
                Go(Step.Released, LowCycles + HighCycles);
            }
            LookIfOff();
        }

        /// <summary>What is told of an enabled controller ends with the last activity of a disabled one.</summary>
        private void LookIfOff()
        {
            if(!enable && !MasterActive && !slaveActive)
            {
                raised &= ~(uint)(Interrupt.ReceiveUnderflow | Interrupt.ReceiveOverflow | Interrupt.TransmitOverflow | Interrupt.Activity
                    | Interrupt.GeneralCall);
            }
        }

        private void AbortTransfer()
        {
            if(enable && MasterActive)
            {
                abort = true;
                if(step == Step.Held)
                {
                    Abort(AbortByUser);
                }
            }
        }

        private uint ReadData()
        {
            if(receiveFIFO.Count == 0)
            {
                raised |= enable ? (uint)Interrupt.ReceiveUnderflow : 0;
                Update();
                return 0;
            }
            uint value = receiveFIFO.Dequeue();
            Update();
            return value;
        }

        private void WriteCommand(uint value)
        {
            if(!enable || waitsForClear)
            {
                // held in reset; after an abort, until that has been noticed
                return;
            }
            var command = new Command { Value = (byte)value, Read = (value & ReadBit) != 0, Stop = (value & StopBit) != 0, Restart = (value & RestartBit) != 0 };
            if(transmitFIFO.Count >= FIFODepth)
            {
                raised |= (uint)Interrupt.TransmitOverflow;
                Update();
                return;
            }
            if(!masterMode.Value && (command.Read || slaveDisable.Value))
            {
                FlushForAbort(wantsData ? AbortSlaveReadsItself : AbortMasterDisabled, 1);
                Update();
                return;
            }
            transmitFIFO.Enqueue(command);
            wantsData = false;
            Proceed();
            Update();
        }

        /// <summary>Begins or goes on with what is in the FIFO, when the bus waits for it.</summary>
        private void Proceed()
        {
            if(!enable || !masterMode.Value || transmitFIFO.Count == 0)
            {
                return;
            }
            if(step == Step.Idle && !blocked.Value)
            {
                Begin();
            }
            else if(step == Step.Held)
            {
                Next(false);
            }
            else if(step == Step.Released)
            {
                // disabled and enabled again on a bus that was held: a new address, after a RESTART
                RestartOrStop(false);
            }
        }

        private void Begin()
        {
            if(wire.DataHeld)
            {
                // the bus is busy as long as SDA is low
                Go(Step.Busy, LowCycles + HighCycles);
                return;
            }
            var next = transmitFIFO.Peek();
            if(StartByteForbidden)
            {
                Refuse(AbortStartByteWithoutRestart);
                return;
            }
            if(TenBits && next.Read && !restartEnable.Value)
            {
                Refuse(AbortTenBitReadWithoutRestart);
                return;
            }
            current = transmitFIFO.Dequeue();
            addressing = true;
            raised |= (uint)(Interrupt.Activity | Interrupt.Start);
            bus.Start();
            var bits = BitsOfAddress(current.Read) + (SendsStartByte ? BitsInAByte + 1u : 0);
            Go(Step.Address, HighCycles + bits * BitCycles);
        }

        /// <summary>RESTART and the address again, in a transfer.</summary>
        private void Restart(bool waited)
        {
            if(TenBits && transmitFIFO.Peek().Read && !restartEnable.Value)
            {
                Abort(AbortTenBitReadWithoutRestart);
                return;
            }
            current = transmitFIFO.Dequeue();
            addressing = true;
            raised |= (uint)Interrupt.Start;
            bus.Start();
            Go(Step.Address, (1 + BitsOfAddress(current.Read)) * BitCycles, waited);
        }

        private void RestartOrStop(bool goesOn)
        {
            if(restartEnable.Value)
            {
                Restart(goesOn);
            }
            else
            {
                // STOP, then the next command makes a START
                Go(Step.Stop, BitCycles, goesOn);
            }
        }

        /// <summary>The next command of a transfer.</summary>
        /// <param name="goesOn">Without a pause since the last one.</param>
        private void Next(bool goesOn)
        {
            if(!enable || abort)
            {
                Abort(abort ? AbortByUser : 0, goesOn);
                return;
            }
            if(transmitFIFO.Count == 0)
            {
                step = Step.Held;
                return;
            }
            var next = transmitFIFO.Peek();
            if(next.Restart || next.Read != current.Read)
            {
                RestartOrStop(goesOn);
                return;
            }
            current = transmitFIFO.Dequeue();
            BeginByte(goesOn);
        }

        private void BeginByte(bool goesOn)
        {
            if(losesArbitration)
            {
                losesArbitration = false;
                LoseBus();
                return;
            }
            if(!bus.Ready(current.Read) || (current.Read && holdWhenFull.Value && receiveFIFO.Count >= FIFODepth))
            {
                Go(Step.Stretched, BitCycles, goesOn);
                return;
            }
            var stretched = (ulong)ClockStretching * clocks.System / NanosecondsPerSecond;
            Go(Step.Data, BitsInAByte * BitCycles + stretched, goesOn);
        }

        private void Go(Step next, ulong cycles, bool goesOn = false)
        {
            step = next;
            due = cycles;
            if(goesOn)
            {
                pace.Continue(cycles, clocks.System);
            }
            else
            {
                pace.Start(cycles, clocks.System);
            }
        }

        private void StepEnds()
        {
            if(pace.Stalled)
            {
                pace.Continue(due, clocks.System);
                return;
            }
            switch(step)
            {
            case Step.Busy:
                step = Step.Idle;
                Proceed();
                break;
            case Step.Address:
                AddressSent();
                break;
            case Step.Stretched:
                BeginByte(true);
                break;
            case Step.Data:
                ByteDone();
                break;
            case Step.Released:
            case Step.Stop:
                Stopped();
                break;
            }
            Update();
        }

        private void AddressSent()
        {
            if(losesArbitration)
            {
                losesArbitration = false;
                LoseBus();
                return;
            }
            if(SendsStartByte && bus.AnswersStartByte)
            {
                Abort(AbortStartByteAnswered, true);
                return;
            }
            if(IsGeneralCall && current.Read)
            {
                Abort(AbortGeneralCallRead, true);
                return;
            }
            var address = IsGeneralCall ? 0 : (int)targetAddress.Value & (TenBits ? 0x3FF : 0x7F);
            if(!wire.AtController || !bus.Address(address, TenBits && !IsGeneralCall, current.Read))
            {
                Abort(IsGeneralCall ? AbortGeneralCallUnanswered : !TenBits ? AbortSevenBitsUnanswered
                    : bus.HasTenBitsLike(address) ? AbortSecondByteUnanswered : AbortTenBitsUnanswered, true);
                return;
            }
            BeginByte(true);
        }

        private void ByteDone()
        {
            if(current.Read)
            {
                var value = bus.Read(1 + transmitFIFO.TakeWhile(x => x.Read && !x.Restart).Count());
                Receive(value);
                var last = current.Stop || !enable || abort || (transmitFIFO.Count > 0 && (transmitFIFO.Peek().Restart || !transmitFIFO.Peek().Read));
                bus.Acknowledge(!last);
            }
            else if(!bus.Write(current.Value))
            {
                Abort(AbortDataUnanswered, true);
                return;
            }
            addressing = false;
            if(current.Stop)
            {
                Go(Step.Stop, LowCycles + HighCycles, true);
                return;
            }
            Next(true);
        }

        private void Receive(byte value)
        {
            if(!enable)
            {
                return;
            }
            if(receiveFIFO.Count >= FIFODepth)
            {
                raised |= (uint)Interrupt.ReceiveOverflow;
                return;
            }
            receiveFIFO.Enqueue((ushort)(value | (addressing ? FirstByteBit : 0)));
        }

        private void Stopped()
        {
            step = Step.Idle;
            abort = false;
            bus.Stop();
            raised |= (uint)Interrupt.Stop;
            LookIfOff();
            Proceed();
        }

        /// <summary>Nothing has begun: the commands are thrown away.</summary>
        private void Refuse(uint source)
        {
            FlushForAbort(source, 0);
        }

        /// <summary>The transfer in hand ends with a STOP.</summary>
        private void Abort(uint source, bool goesOn = false)
        {
            if(source != 0)
            {
                FlushForAbort(source, 0);
            }
            Go(Step.Stop, LowCycles + HighCycles, goesOn);
        }

        private void LoseBus()
        {
            FlushForAbort(AbortArbitrationLost, 0);
            bus.Stop();
            step = Step.Idle;
            abort = false;
        }

        private void FlushForAbort(uint source, uint refused)
        {
            abortSource |= source;
            flushed = (uint)transmitFIFO.Count + refused;
            transmitFIFO.Clear();
            receiveFIFO.Clear();
            raised |= (uint)Interrupt.Abort;
            waitsForClear = true;
        }

        // As a slave.

        /// <summary>A START on the wires.</summary>
        public void StartSeen()
        {
            if(enable && !HeldInReset)
            {
                raised |= (uint)Interrupt.Start;
                Update();
            }
        }

        public bool Addressed(int address, bool tenBits, bool read)
        {
            var again = slaveActive;
            slaveActive = false;
            called = false;
            if(!ListensAsSlave)
            {
                return false;
            }
            if(address == 0 && !tenBits)
            {
                if(!acknowledgeGeneralCall.Value || read)
                {
                    return false;
                }
                called = true;
                raised |= (uint)Interrupt.GeneralCall;
            }
            else if(tenBits != slaveTenBits.Value || address != (int)(slaveAddress.Value & (tenBits ? 0x3FFu : 0x7F)))
            {
                return false;
            }
            slaveActive = true;
            slaveReads = read;
            firstOfMessage = true;
            raised |= (uint)Interrupt.Activity;
            if(again)
            {
                raised |= (uint)Interrupt.Restart;
            }
            if(read)
            {
                if(transmitFIFO.Count > 0)
                {
                    // what was left there is not for this master
                    FlushForAbort(AbortSlaveFlushes, 0);
                }
                AskForData();
            }
            Update();
            return true;
        }

        public bool HasTenBitsLike(int address)
        {
            return ListensAsSlave && slaveTenBits.Value && (int)slaveAddress.Value >> 8 == address >> 8;
        }

        public bool Ready(bool read)
        {
            return read ? transmitFIFO.Count > 0 : !(holdWhenFull.Value && receiveFIFO.Count >= FIFODepth);
        }

        public bool Write(byte value)
        {
            if(refuseData.Value || !enable)
            {
                return false;
            }
            if(receiveFIFO.Count >= FIFODepth)
            {
                raised |= (uint)Interrupt.ReceiveOverflow;
            }
            else
            {
                receiveFIFO.Enqueue((ushort)(value | (firstOfMessage ? FirstByteBit : 0)));
            }
            firstOfMessage = false;
            Update();
            return true;
        }

        public byte Read(int expected)
        {
            var value = transmitFIFO.Count > 0 ? transmitFIFO.Dequeue().Value : (byte)0xFF;
            if(losesArbitration)
            {
                losesArbitration = false;
                FlushForAbort(AbortArbitrationLost | AbortSlaveArbitrationLost, 0);
            }
            Update();
            return value;
        }

        public void Acknowledged(bool acknowledged)
        {
            if(!slaveReads)
            {
                return;
            }
            if(!acknowledged)
            {
                raised |= (uint)Interrupt.ReceiveDone;
            }
            else if(transmitFIFO.Count == 0)
            {
                AskForData();
            }
            Update();
        }

        public void Finished(bool stopped)
        {
            if(stopped)
            {
                slaveActive = false;
            }
            wantsData = false;
            Update();
        }

        /// <summary>A STOP on the wires.</summary>
        public void StopSeen(bool addressed)
        {
            // a slave may want to know only of those with its own address
            var wanted = masterMode.Value || !stopIfAddressed.Value || (addressed && !called);
            if((enable || addressed) && !HeldInReset && wanted)
            {
                raised |= (uint)Interrupt.Stop;
            }
            called = false;
            LookIfOff();
            Update();
        }

        private void AskForData()
        {
            wantsData = true;
            raised |= (uint)Interrupt.ReadRequest;
        }

        private void Update()
        {
            IRQ.Set((Raw & (uint)mask.Value) != 0);
            TransmitRequest.Set(enable && transmitRequests.Value && (ulong)transmitFIFO.Count <= transmitRequestLevel.Value);
            ReceiveRequest.Set(receiveRequests.Value && (ulong)receiveFIFO.Count > receiveRequestLevel.Value);
        }

        private uint Raw
        {
            get
            {
                var result = raised;
                if((ulong)receiveFIFO.Count > receiveLevel.Value)
                {
                    result |= (uint)Interrupt.ReceiveFull;
                }
                if(TransmitEmpty)
                {
                    result |= (uint)Interrupt.TransmitEmpty;
                }
                return result;
            }
        }

        private bool TransmitEmpty
        {
            get
            {
                if(!enable)
                {
                    return MasterActive || slaveActive;
                }
                var shifting = step == Step.Address || step == Step.Data || step == Step.Stretched;
                return (ulong)transmitFIFO.Count <= transmitLevel.Value && !(emptyWhenDone.Value && shifting);
            }
        }

        private ulong BitsOfAddress(bool read)
        {
            // to read at an address of ten bits: both bytes of it, RESTART, the first byte again
            return !TenBits ? BitsInAByte : read ? 3 * BitsInAByte + 1 : 2 * BitsInAByte;
        }

        private bool MasterActive { get { return step != Step.Idle && step != Step.Busy; } }
        private bool ListensAsSlave { get { return enable && !slaveDisable.Value && !masterMode.Value && !HeldInReset; } }
        private bool TenBits { get { return masterTenBits.Value; } }
        private bool IsGeneralCall { get { return special.Value && !startByte.Value; } }
        private bool SendsStartByte { get { return special.Value && startByte.Value; } }
        private bool StartByteForbidden { get { return SendsStartByte && !restartEnable.Value; } }
        private ulong LowCycles { get { return (speed.Value == StandardMode ? standardLow : fastLow).Value + 1; } }
        private ulong HighCycles { get { return (speed.Value == StandardMode ? standardHigh : fastHigh).Value + spikes.Value + 7; } }
        private ulong BitCycles { get { return LowCycles + HighCycles; } }

        private Step step;
        private Command current;
        private ulong due;
        private bool enable;
        private bool abort;
        private bool addressing;
        private bool waitsForClear;
        private bool losesArbitration;
        private bool slaveActive;
        private bool slaveReads;
        /// <summary>By the general call, not by its own address.</summary>
        private bool called;
        private bool firstOfMessage;
        private bool wantsData;
        private bool slaveDataLost;
        private bool disabledWhileBusy;
        private uint raised;
        private uint abortSource;
        private uint flushed;
        private IValueRegisterField speed;
        private IValueRegisterField targetAddress;
        private IValueRegisterField slaveAddress;
        private IValueRegisterField standardHigh;
        private IValueRegisterField standardLow;
        private IValueRegisterField fastHigh;
        private IValueRegisterField fastLow;
        private IValueRegisterField spikes;
        private IValueRegisterField mask;
        private IValueRegisterField receiveLevel;
        private IValueRegisterField transmitLevel;
        private IValueRegisterField transmitRequestLevel;
        private IValueRegisterField receiveRequestLevel;
        private IFlagRegisterField masterMode;
        private IFlagRegisterField slaveTenBits;
        private IFlagRegisterField masterTenBits;
        private IFlagRegisterField restartEnable;
        private IFlagRegisterField slaveDisable;
        private IFlagRegisterField stopIfAddressed;
        private IFlagRegisterField emptyWhenDone;
        private IFlagRegisterField holdWhenFull;
        private IFlagRegisterField special;
        private IFlagRegisterField startByte;
        private IFlagRegisterField blocked;
        private IFlagRegisterField refuseData;
        private IFlagRegisterField acknowledgeGeneralCall;
        private IFlagRegisterField receiveRequests;
        private IFlagRegisterField transmitRequests;

        private readonly RP2040_Clocks clocks;
        private readonly Queue<Command> transmitFIFO;
        private readonly Queue<ushort> receiveFIFO;
        private readonly RP2040_I2CBus bus;
        private readonly RP2040_I2CWire wire;
        private readonly RP2040_Pace pace;

        private static readonly HashSet<Registers> OnlyWhileDisabled = new HashSet<Registers>
        {
            Registers.IC_CON, Registers.IC_SAR, Registers.IC_SS_SCL_HCNT, Registers.IC_SS_SCL_LCNT, Registers.IC_FS_SCL_HCNT,
            Registers.IC_FS_SCL_LCNT, Registers.IC_SDA_HOLD, Registers.IC_SDA_SETUP, Registers.IC_FS_SPKLEN, Registers.IC_SLV_DATA_NACK_ONLY,
        };

        private const int FIFODepth = 16;
        private const uint BitsInAByte = 9;
        private const ulong StandardMode = 1;
        private const ulong FastMode = 2;
        private const ulong NanosecondsPerSecond = 1000000000;

        private const uint ReadBit = 1u << 8;
        private const uint StopBit = 1u << 9;
        private const uint RestartBit = 1u << 10;
        private const int FirstByteBit = 1 << 11;

        // bits of IC_TX_ABRT_SOURCE; ABRT_HS_ACKDET (6) and ABRT_HS_NORSTRT (8) are for the high-speed mode that this chip lacks
        private const uint AbortSevenBitsUnanswered = 1u << 0;
        private const uint AbortTenBitsUnanswered = 1u << 1;
        private const uint AbortSecondByteUnanswered = 1u << 2;
        private const uint AbortDataUnanswered = 1u << 3;
        private const uint AbortGeneralCallUnanswered = 1u << 4;
        private const uint AbortGeneralCallRead = 1u << 5;
        private const uint AbortStartByteAnswered = 1u << 7;
        private const uint AbortStartByteWithoutRestart = 1u << 9;
        private const uint AbortTenBitReadWithoutRestart = 1u << 10;
        private const uint AbortMasterDisabled = 1u << 11;
        private const uint AbortArbitrationLost = 1u << 12;
        private const uint AbortSlaveFlushes = 1u << 13;
        private const uint AbortSlaveArbitrationLost = 1u << 14;
        private const uint AbortSlaveReadsItself = 1u << 15;
        private const uint AbortByUser = 1u << 16;

        private const Interrupt ClearedBySoftware = Interrupt.ReceiveUnderflow | Interrupt.ReceiveOverflow | Interrupt.TransmitOverflow
            | Interrupt.ReadRequest | Interrupt.Abort | Interrupt.ReceiveDone | Interrupt.Activity | Interrupt.Stop | Interrupt.Start
            | Interrupt.GeneralCall | Interrupt.Restart;

        private struct Command
        {
            public byte Value;
            public bool Read;
            public bool Stop;
            public bool Restart;
        }

        private enum Step
        {
            Idle,
            /// <summary>Waits for the bus to become free.</summary>
            Busy,
            Address,
            Data,
            /// <summary>A slave holds the clock low, or this controller for want of room.</summary>
            Stretched,
            /// <summary>The controller holds the clock low for want of a command.</summary>
            Held,
            /// <summary>Disabled on a held bus.</summary>
            Released,
            Stop,
        }

        [System.Flags]
        private enum Interrupt
        {
            ReceiveUnderflow = 1 << 0,
            ReceiveOverflow = 1 << 1,
            ReceiveFull = 1 << 2,
            TransmitOverflow = 1 << 3,
            TransmitEmpty = 1 << 4,
            ReadRequest = 1 << 5,
            Abort = 1 << 6,
            ReceiveDone = 1 << 7,
            Activity = 1 << 8,
            Stop = 1 << 9,
            Start = 1 << 10,
            GeneralCall = 1 << 11,
            Restart = 1 << 12,
        }

        // the names of the pico-sdk's header
        private enum Registers
        {
            IC_CON = 0x000,
            IC_TAR = 0x004,
            IC_SAR = 0x008,
            IC_DATA_CMD = 0x010,
            IC_SS_SCL_HCNT = 0x014,
            IC_SS_SCL_LCNT = 0x018,
            IC_FS_SCL_HCNT = 0x01C,
            IC_FS_SCL_LCNT = 0x020,
            IC_INTR_STAT = 0x02C,
            IC_INTR_MASK = 0x030,
            IC_RAW_INTR_STAT = 0x034,
            IC_RX_TL = 0x038,
            IC_TX_TL = 0x03C,
            IC_CLR_INTR = 0x040,
            IC_CLR_RX_UNDER = 0x044,
            IC_CLR_RX_OVER = 0x048,
            IC_CLR_TX_OVER = 0x04C,
            IC_CLR_RD_REQ = 0x050,
            IC_CLR_TX_ABRT = 0x054,
            IC_CLR_RX_DONE = 0x058,
            IC_CLR_ACTIVITY = 0x05C,
            IC_CLR_STOP_DET = 0x060,
            IC_CLR_START_DET = 0x064,
            IC_CLR_GEN_CALL = 0x068,
            IC_ENABLE = 0x06C,
            IC_STATUS = 0x070,
            IC_TXFLR = 0x074,
            IC_RXFLR = 0x078,
            IC_SDA_HOLD = 0x07C,
            IC_TX_ABRT_SOURCE = 0x080,
            IC_SLV_DATA_NACK_ONLY = 0x084,
            IC_DMA_CR = 0x088,
            IC_DMA_TDLR = 0x08C,
            IC_DMA_RDLR = 0x090,
            IC_SDA_SETUP = 0x094,
            IC_ACK_GENERAL_CALL = 0x098,
            IC_ENABLE_STATUS = 0x09C,
            IC_FS_SPKLEN = 0x0A0,
            IC_CLR_RESTART_DET = 0x0A8,
            IC_COMP_PARAM_1 = 0x0F4,
            IC_COMP_VERSION = 0x0F8,
            IC_COMP_TYPE = 0x0FC,
        }
    }
}

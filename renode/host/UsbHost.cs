using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Linq;
using System.Reflection;
using System.Text;
using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.RP2040;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.UsbHosts
{
    public static class UsbHostExtensions
    {
        /// <summary>In the monitor: emulation CreateUsbHost "usb_host"; connector Connect sysbus.usb usb_host</summary>
        public static void CreateUsbHost(this Emulation emulation, string name)
        {
            emulation.ExternalsManager.AddExternal(new UsbHost(), name);
        }
    }

    /// <summary>
    /// The USB host as one connects it to a controller, and its commands in the monitor: its twin is src/renode_pico/cli.
    /// </summary>
    /// <remarks>
    /// A command that talks to the device returns when it is done: in a paused emulation it lets time pass until then. What a
    /// device does not do within 5 emulated seconds ends with TIMEOUT. Data is written as hexadecimal bytes: "01 02 ff".
    /// </remarks>
    public class UsbHost : UsbHostController, IExternal, IConnectable<IUsbWire>, IUsbEnumeratorHost
    {
        public UsbHost()
        {
            AutoEnumerate = true;
            AutoOpen = true;
            cdc = new List<CdcAcmUart>();
            queued = new List<UsbTransfer>();
        }

        // IConnectable

        public void AttachTo(IUsbWire wire)
        {
            Attach(wire);
            enumerateAlarm = Alarm(StartEnumeration);
            callAlarm = Alarm(MakeCall);
            var machine = wire.Clock.Machine;
            for(var i = 0; i < CdcPorts; i++)
            {
                var uart = new CdcAcmUart(this, i);
                machine.RegisterAsAChildOf(wire, uart, new NumberRegistrationPoint<int>(i));
                machine.SetLocalName(uart, "cdc" + i);
                cdc.Add(uart);
            }
        }

        public void DetachFrom(IUsbWire wire)
        {
            var machine = wire.Clock.Machine;
            Detach(wire);
            foreach(var uart in cdc)
            {
                machine.UnregisterAsAChildOf(wire, uart);
            }
            cdc.Clear();
        }

        // The cable and the line

        [Description("Plug: puts the cable in, VBUS comes on. The device is enumerated by itself unless AutoEnumerate is false.")]
        public void Plug()
        {
            PlugCable();
        }

        [Description("Unplug: pulls the cable. Transfers under way end as DISCONNECTED.")]
        public void Unplug()
        {
            UnplugCable();
        }

        [Description("Reset: drives a bus reset. The device has address 0 then and is not configured; Enumerate makes it known again.")]
        public void Reset()
        {
            ResetBus();
        }

        [Description("Suspend: stops all traffic, SOF included; the device is suspended after 3 ms.")]
        public void Suspend()
        {
            SuspendBus();
        }

        [Description("Resume: wakes a suspended bus by 20 ms of K.")]
        public void Resume()
        {
            ResumeBus();
        }

        // Devices

        [Description("Enumerate [timeout=5]: resets, addresses, reads and configures the attached device, or what comes in its place within the time-out; returns its tree, its problems last.")]
        public string Enumerate(double timeout = WaitLimit)
        {
            ExpectConnected();
            if(!Plugged)
            {
                throw new RecoverableException("Nothing to enumerate: the cable is unplugged; try: Plug");
            }
            var meanwhile = new RP2040_Meanwhile(Clock.Machine);
            if(!RunUntilAttached(true, timeout))
            {
                throw new RecoverableException("Nothing to enumerate: no device attached within {0} emulated seconds{1}{2}".FormatText(timeout, At, meanwhile));
            }
            enumerationWanted = true;
            try
            {
                // On attach it has begun already, if it does so by itself.
                var count = enumerations;
                if(enumerator == null)
                {
                    Perform(StartEnumeration);
                }
                for(var detaches = 0; ; detaches++)
                {
                    // It comes to an end by itself: every request has a time-out.
                    RunUntil(() => enumerations != count, double.PositiveInfinity);
                    if(Device != null)
                    {
                        return Tree();
                    }
                    count = enumerations;
                    // What comes in a device's place is enumerated as soon as it is attached, as that is wanted.
                    if(!deviceHasLeft || detaches == MaxDetaches || !RunUntil(() => enumerator != null || enumerations != count, timeout))
                    {
                        throw new RecoverableException("Enumeration failed: {0}{1}".FormatText(EnumerationError, At));
                    }
                }
            }
            finally
            {
                enumerationWanted = false;
            }
        }

        [Description("Tree: the enumerated device with its configurations, interfaces, endpoints and strings.")]
        public string Tree()
        {
            return Device == null ? "No device is enumerated; the port is " + PortState : Device.Tree();
        }

        [Description("Status: the port, the frame, what the bus has carried.")]
        public string Status()
        {
            return "port {0}, frame {1}, {2} attached so far, {3} transactions, device {4}, time {5:F6} s".FormatText(PortState, Frame,
                AttachCount, Transactions, Device == null ? "not enumerated" : Device.Address.ToString(), Now);
        }

        [Description("ControlIn bmRequestType bRequest [wValue=0] [wIndex=0] [wLength=0] [timeout=5]: a request with an IN data stage; the bytes, or STALL.")]
        public string ControlIn(byte bmRequestType, byte bRequest, ushort wValue = 0, ushort wIndex = 0, ushort wLength = 0,
            double timeout = WaitLimit)
        {
            var setup = new UsbSetup(bmRequestType, bRequest, wValue, wIndex, wLength);
            if(!setup.IsIn)
            {
                throw new RecoverableException("ControlIn needs bit 7 of bmRequestType; use ControlOut");
            }
            return Outcome(Complete(Submit(ControlPipe, null, 0, setup, false, timeout)));
        }

        [Description("ControlOut bmRequestType bRequest [wValue=0] [wIndex=0] [data=\"\"] [timeout=5]: a request with these bytes, or with none; OK or STALL.")]
        public string ControlOut(byte bmRequestType, byte bRequest, ushort wValue = 0, ushort wIndex = 0, string data = "",
            double timeout = WaitLimit)
        {
            var bytes = UsbText.FromHex(data);
            var setup = new UsbSetup(bmRequestType, bRequest, wValue, wIndex, (ushort)bytes.Length);
            if(setup.IsIn)
            {
                throw new RecoverableException("ControlOut needs bit 7 of bmRequestType clear; use ControlIn");
            }
            return Outcome(Complete(Submit(ControlPipe, bytes, 0, setup, false, timeout)));
        }

        [Description("BulkIn endpoint length [timeout=5]: reads from a bulk or interrupt endpoint until so many bytes or a short packet came; the bytes, or STALL.")]
        public string BulkIn(byte endpoint, int length, double timeout = WaitLimit)
        {
            return Outcome(Complete(Submit(PipeOf(endpoint, true), null, length, null, false, timeout)));
        }

        [Description("BulkOut endpoint data [zeroPacket=false] [timeout=5]: sends these bytes to a bulk or interrupt endpoint; OK or STALL.")]
        public string BulkOut(byte endpoint, string data, bool zeroPacket = false, double timeout = WaitLimit)
        {
            return Outcome(Complete(Submit(PipeOf(endpoint, false), UsbText.FromHex(data), 0, null, zeroPacket, timeout)));
        }

        [Description("IsochronousIn endpoint packetSize count [interval=1] [timeout=5]: asks for so many packets, one every interval frames; the bytes.")]
        public string IsochronousIn(byte endpoint, int packetSize, int count, int interval = 1, double timeout = WaitLimit)
        {
            var pipe = new UsbPipe(ControlPipe.Address, endpoint | 0x80, UsbTransferType.Isochronous, packetSize, interval);
            return Outcome(Complete(Submit(pipe, null, packetSize * count, null, false, timeout)));
        }

        [Description("IsochronousOut endpoint packetSize data [interval=1] [timeout=5]: sends these bytes in packets of this size, one every interval frames.")]
        public string IsochronousOut(byte endpoint, int packetSize, string data, int interval = 1, double timeout = WaitLimit)
        {
            var pipe = new UsbPipe(ControlPipe.Address, endpoint & 0x0F, UsbTransferType.Isochronous, packetSize, interval);
            return Outcome(Complete(Submit(pipe, UsbText.FromHex(data), 0, null, false, timeout)));
        }

        [Description("QueueIn endpoint length: as BulkIn, without waiting; Collect waits.")]
        public void QueueIn(byte endpoint, int length)
        {
            queued.Add(Submit(PipeOf(endpoint, true), null, length));
        }

        [Description("QueueOut endpoint data [zeroPacket=false]: as BulkOut, without waiting; Collect waits.")]
        public void QueueOut(byte endpoint, string data, bool zeroPacket = false)
        {
            queued.Add(Submit(PipeOf(endpoint, false), UsbText.FromHex(data), 0, null, zeroPacket));
        }

        [Description("Collect [timeout=5]: waits for all queued transfers; one line each, in the order they were queued.")]
        public string Collect(double timeout = WaitLimit)
        {
            var transfers = queued.ToArray();
            queued.Clear();
            RunUntilDone(transfers, timeout);
            foreach(var transfer in transfers.Where(x => !x.Final))
            {
                Cancel(transfer);
            }
            return string.Join("\n", transfers.Select(x => x.Status == UsbTransferStatus.Cancelled ? Name(UsbTransferStatus.TimedOut) : Outcome(x)));
        }

        [Description("ClearHalt endpoint: CLEAR_FEATURE(ENDPOINT_HALT), and DATA0 on both sides.")]
        public string ClearHalt(byte endpoint)
        {
            var outcome = Outcome(Complete(Submit(ControlPipe, null, 0, UsbRequests.ClearHalt(endpoint), false, WaitLimit)));
            if(outcome == Ok)
            {
                ResetToggle(ControlPipe.Address, endpoint);
            }
            return outcome;
        }

        [Description("SetConfiguration value: SET_CONFIGURATION; all endpoints start with DATA0. 0 leaves the device unconfigured.")]
        public string SetConfiguration(byte value)
        {
            var outcome = Outcome(Complete(Submit(ControlPipe, null, 0, UsbRequests.SetConfiguration(value), false, WaitLimit)));
            if(outcome == Ok && Device != null)
            {
                Perform(() => UseConfiguration(value));
            }
            return outcome;
        }

        [Description("SetInterface interface alternate: SET_INTERFACE; the setting's endpoints start with DATA0.")]
        public string SetInterface(byte number, byte alternate)
        {
            var outcome = Outcome(Complete(Submit(ControlPipe, null, 0, UsbRequests.SetInterface(number, alternate), false, WaitLimit)));
            var setting = Device == null || Device.Configuration == null ? null : Device.Configuration.Setting(number, alternate);
            if(outcome == Ok && setting != null)
            {
                Device.Alternates[number] = alternate;
                foreach(var endpoint in setting.Endpoints)
                {
                    ResetToggle(Device.Address, endpoint.Address);
                }
            }
            return outcome;
        }

        // On purpose

        [Description("InjectFault Crc|BitStuff|LostData|WrongToggle|LostHandshake|TokenCrc|TokenPid|UnknownPid|DataPid|BrokenHandshake|Babble|Slow|Late endpoint [count=1] [skip=0] [late=false]: spoils transactions that carry data (endpoint 0: OUT and SETUP, 0x80: IN); late: in the last 100 us of a frame.")]
        public void InjectFault(UsbFault fault, byte endpoint, int count = 1, int skip = 0, bool late = false)
        {
            Inject(fault, endpoint, count, skip, late);
        }

        [Description("InjectSofFault Lost|Doubled|Corrupt [count=1] [skip=0]: loses, doubles or spoils starts of frame.")]
        public void InjectSofFault(UsbSofFault fault, int count = 1, int skip = 0)
        {
            InjectSof(fault, count, skip);
        }

        [Description("SendStray UnknownPid|BrokenPid|LowSpeed|SetupCrc5|OutCrc5|InCrc5|SofCrc5|LateAck|BrokenHandshake|Data|Babble [address=0] [endpoint=0]: a packet that belongs to no transaction, before the next one; tells what the device answers.")]
        public string SendStray(UsbStray stray, int address = 0, int endpoint = 0)
        {
            var answer = Stray(stray, address, endpoint);
            return answer == null ? "silence" : answer.Pid.ToString().ToUpperInvariant();
        }

        [Description("Se0 seconds: drives SE0 for so long, up to 10 ms, between two transactions; below 2.5 us it is no reset.")]
        public void Se0(double seconds)
        {
            DriveSe0(seconds);
        }

        [Description("TraceStart @file: writes every transaction and event of the bus to a file, one line each.")]
        public void TraceStart(string file)
        {
            TraceTo(file);
        }

        [Description("TraceStop: ends the trace; its file is complete.")]
        public string TraceStop()
        {
            var trace = CurrentTrace;
            if(trace == null)
            {
                return "No trace was running";
            }
            TraceTo(null);
            trace.Flush();
            return "{0} lines in {1}".FormatText(trace.Lines, trace.Path);
        }

        [Description("Help [command]: what the commands do.")]
        public string Help(string command = null)
        {
            var text = new StringBuilder();
            foreach(var method in GetType().GetMethods().OrderBy(x => x.Name, StringComparer.Ordinal))
            {
                var description = method.GetCustomAttributes(typeof(DescriptionAttribute), true).Cast<DescriptionAttribute>().FirstOrDefault();
                if(description != null && (command == null || string.Equals(command, method.Name, StringComparison.OrdinalIgnoreCase)))
                {
                    text.Append(description.Description).Append('\n');
                }
            }
            return text.Length == 0 ? "There is no command " + command : text.ToString().TrimEnd('\n');
        }

        /// <summary>Enumerate a device when it attaches.</summary>
        public bool AutoEnumerate { get; set; }
        /// <summary>End an enumeration at the device's first lie; otherwise what Linux forgives is noted in the device's tree.</summary>
        public bool Strict { get; set; }
        /// <summary>Open the CDC ports of a device when it is enumerated: DTR and RTS on, its output flows.</summary>
        public bool AutoOpen { get; set; }
        /// <summary>The enumerated device, or null.</summary>
        public UsbDevice Device { get; private set; }
        /// <summary>Why the last enumeration failed, or null.</summary>
        public string EnumerationError { get; private set; }
        /// <summary>The UARTs that stand for the CDC ports, whether there is a device or not.</summary>
        public CdcAcmUart[] CdcUarts { get { return cdc.ToArray(); } }

        /// <summary>The word the commands use for a transfer's end.</summary>
        public static string Name(UsbTransferStatus status)
        {
            switch(status)
            {
            case UsbTransferStatus.Completed: return Ok;
            case UsbTransferStatus.Stalled: return "STALL";
            case UsbTransferStatus.TimedOut: return "TIMEOUT";
            default: return status.ToString().ToUpperInvariant();
            }
        }

        // IUsbEnumeratorHost

        void IUsbEnumeratorHost.BeginReset()
        {
            resetByEnumerator = true;
            ResetBegin();
            resetByEnumerator = false;
        }

        UsbTransfer IUsbEnumeratorHost.Control(UsbPipe pipe, UsbSetup setup, Action<UsbTransfer> onDone)
        {
            return Submit(pipe, null, 0, setup, false, WaitLimit, onDone);
        }

        void IUsbEnumeratorHost.CallIn(long nanoseconds, Action callback)
        {
            call = callback;
            callAlarm.Schedule(nanoseconds);
        }

        void IUsbEnumeratorHost.Enumerated(UsbDevice device, string error, bool deviceHasLeft)
        {
            enumerator = null;
            this.deviceHasLeft = deviceHasLeft;
            enumerations++;
            Device = device;
            EnumerationError = error;
            if(error != null)
            {
                this.Log(LogLevel.Warning, "Enumeration failed: {0}", error);
            }
            else
            {
                this.Log(LogLevel.Info, "Enumerated {0:x4}:{1:x4} as device {2}", device.VendorId, device.ProductId, device.Address);
                foreach(var problem in device.Problems)
                {
                    this.Log(LogLevel.Warning, "Device {0}: {1}", device.Address, problem);
                }
                BindCdc();
            }
            Poke();
        }

        protected override void PortStateChanged(UsbPortState state)
        {
            switch(state)
            {
            case UsbPortState.Attached:
                if(AutoEnumerate || enumerationWanted)
                {
                    enumerateAlarm.Schedule(0);
                }
                break;
            case UsbPortState.Active:
                if(enumerator != null)
                {
                    enumerator.PortActive();
                }
                break;
            case UsbPortState.Reset:
                ForgetDevice();
                if(!resetByEnumerator)
                {
                    AbandonEnumeration("the bus was reset by somebody else", false);
                }
                break;
            case UsbPortState.Unplugged:
            case UsbPortState.Detached:
                ForgetDevice();
                AbandonEnumeration("the device left the bus", state == UsbPortState.Detached);
                break;
            }
        }

        protected override void FrameBegun()
        {
            foreach(var uart in cdc)
            {
                uart.FrameBegun();
            }
        }

        internal void Perform(Action action)
        {
            Act(action);
        }

        internal UsbTransfer SubmitInside(UsbPipe pipe, byte[] data, int length, UsbSetup setup, Action<UsbTransfer> onDone)
        {
            return Submit(pipe, data, length, setup, false, -1, onDone);
        }

        internal void CancelInside(UsbTransfer transfer)
        {
            Cancel(transfer);
        }

        private void StartEnumeration()
        {
            if(enumerator == null && Attached)
            {
                enumerator = new UsbEnumerator(this, DeviceAddress, Strict);
                enumerator.Begin();
            }
        }

        private void AbandonEnumeration(string why, bool deviceHasLeft)
        {
            if(enumerator != null)
            {
                enumerator.Abandon("{0} during enumeration".FormatText(why), deviceHasLeft);
            }
        }

        private void MakeCall()
        {
            var callback = call;
            call = null;
            callback();
        }

        private void ForgetDevice()
        {
            Device = null;
            foreach(var uart in cdc)
            {
                uart.Unbind();
            }
        }

        private void UseConfiguration(byte value)
        {
            foreach(var uart in cdc)
            {
                uart.Unbind();
            }
            Device.Alternates.Clear();
            Device.Configuration = Device.Configurations.FirstOrDefault(x => x.Value == value);
            if(Device.Configuration == null)
            {
                return;
            }
            foreach(var endpoint in Device.Configuration.Settings.SelectMany(x => x.Endpoints))
            {
                ResetToggle(Device.Address, endpoint.Address);
            }
            BindCdc();
        }

        private void BindCdc()
        {
            if(Device.Configuration == null)
            {
                return;
            }
            var functions = CdcFunction.Find(Device.Configuration);
            for(var i = 0; i < functions.Count && i < cdc.Count; i++)
            {
                cdc[i].Bind(Device, functions[i], AutoOpen);
            }
            if(functions.Count > cdc.Count)
            {
                this.Log(LogLevel.Warning, "The device has {0} CDC ports, {1} of them are UARTs here", functions.Count, cdc.Count);
            }
        }

        /// <summary>
        /// Waits for a transfer that has a time-out of its own, kept to the nanosecond whatever the quantum is. What the firmware did
        /// meanwhile instead stands in the log, if it may be the reason.
        /// </summary>
        private UsbTransfer Complete(UsbTransfer transfer)
        {
            var meanwhile = new RP2040_Meanwhile(Clock.Machine);
            RunUntil(() => transfer.Final, double.PositiveInfinity);
            var touched = transfer.Status == UsbTransferStatus.TimedOut ? meanwhile.ToString() : "";
            if(touched != "")
            {
                this.Log(LogLevel.Warning, "A transfer timed out{0}{1}", At, touched);
            }
            return transfer;
        }

        private static string Outcome(UsbTransfer transfer)
        {
            var takesIn = transfer.Setup != null ? transfer.Setup.IsIn : transfer.Pipe.IsIn;
            return transfer.Status == UsbTransferStatus.Completed && takesIn ? UsbText.Hex(transfer.Data) : Name(transfer.Status);
        }

        private UsbPipe ControlPipe
        {
            get { return Device != null ? Device.ControlPipe : new UsbPipe(0, 0, UsbTransferType.Control, 64); }
        }

        private UsbPipe PipeOf(byte endpointAddress, bool isIn)
        {
            var descriptor = Device == null ? null : Device.Endpoint(endpointAddress);
            if(descriptor == null)
            {
                throw new RecoverableException("No enumerated device has an endpoint 0x{0:x2}; see: Tree".FormatText(endpointAddress));
            }
            if(descriptor.IsIn != isIn)
            {
                throw new RecoverableException("Endpoint 0x{0:x2} is an {1} endpoint".FormatText(endpointAddress, descriptor.IsIn ? "IN" : "OUT"));
            }
            return descriptor.Pipe(Device.Address);
        }

        private UsbEnumerator enumerator;
        private int enumerations;
        private bool resetByEnumerator;
        private bool enumerationWanted;
        private bool deviceHasLeft;
        private UsbAlarm enumerateAlarm;
        private UsbAlarm callAlarm;
        private Action call;

        private readonly List<CdcAcmUart> cdc;
        private readonly List<UsbTransfer> queued;

        private const string Ok = "OK";
        private const int DeviceAddress = 1;
        // a device has fifteen IN endpoints, a port takes two
        private const int CdcPorts = 7;
        /// <summary>A device that comes and goes for ever is given up after so many times.</summary>
        private const int MaxDetaches = 16;
    }
}

using System;
using System.Collections.Generic;
using System.Linq;
using Antmicro.Renode.Core.USB;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// Lets Renode's own USB hosts (its USB/IP server; in 1.16 USBHost and CDCToUARTConverter) talk to a device behind a wire.
    /// </summary>
    /// <remarks>
    /// Those hosts ask a <see cref="USBDeviceCore"/>. Every request they make is carried to the firmware over the modelled bus, one
    /// after the other, and what the firmware answers is handed back; SET_CONFIGURATION is followed by a look at the device's
    /// configuration, so that its endpoints become Renode's. The cable is put in with the first request. They know no STALL: it
    /// reaches them as an empty answer, with a warning in the log. It has no twin: the hosts are Renode's.
    /// </remarks>
    public sealed class UsbCoreBridge : UsbHostController
    {
        public UsbCoreBridge(IUSBDevice device, IUsbWire wire)
        {
            this.device = device;
            this.wire = wire;
            waiting = new Queue<Request>();
            Core = new USBDeviceCore(device, customSetupPacketHandler: HandleSetupPacket);
        }

        public USBDeviceCore Core { get; private set; }

        protected override void PortStateChanged(UsbPortState state)
        {
            switch(state)
            {
            case UsbPortState.Attached:
                beginReset.Schedule(0);
                break;
            case UsbPortState.Active:
                Next();
                break;
            case UsbPortState.Detached:
            case UsbPortState.Reset:
                address = 0;
                Select(null);
                break;
            }
        }

        private void HandleSetupPacket(SetupPacket packet, byte[] data, Action<byte[]> answer)
        {
            data = packet.Direction == Direction.HostToDevice ? data ?? UsbPacket.NoData : UsbPacket.NoData;
            var length = packet.Direction == Direction.HostToDevice ? data.Length : packet.Count;
            var type = (byte)((int)packet.Direction << 7 | (int)packet.Type << 5 | (int)packet.Recipient);
            var request = new Request
            {
                Setup = new UsbSetup(type, packet.Request, packet.Value, packet.Index, (ushort)length),
                Data = data,
                Answer = answer,
            };
            if(!connected)
            {
                Attach(wire);
                connected = true;
                beginReset = Alarm(ResetBegin);
                afterAddress = Alarm(AddressIsSet);
            }
            Act(() => waiting.Enqueue(request));
            PlugCable();
            Act(Next);
        }

        private void Next()
        {
            if(busy || waiting.Count == 0 || PortState != UsbPortState.Active)
            {
                return;
            }
            busy = true;
            current = waiting.Dequeue();
            Submit(Pipe, current.Data, 0, current.Setup, false, WaitLimit, RequestDone);
        }

        private void RequestDone(UsbTransfer transfer)
        {
            if(transfer.Status != UsbTransferStatus.Completed)
            {
                device.Log(LogLevel.Warning, "Request of Renode's USB host ({0}): {1}", transfer.Setup, UsbHost.Name(transfer.Status));
                Done(UsbPacket.NoData);
            }
            else if(transfer.Setup.RequestType == 0 && transfer.Setup.Request == (byte)StandardRequest.SetAddress)
            {
                afterAddress.Schedule(UsbTiming.SetAddressRecovery);
            }
            else if(transfer.Setup.RequestType == 0 && transfer.Setup.Request == (byte)StandardRequest.SetConfiguration
                && transfer.Setup.Value != 0)
            {
                Submit(Pipe, null, 0, UsbRequests.GetDescriptor(UsbDescriptorType.Configuration, 0, 0, 9), false, WaitLimit, AskForConfiguration);
            }
            else
            {
                Done(transfer.Setup.IsIn ? transfer.Data : UsbPacket.NoData);
            }
        }

        private void AddressIsSet()
        {
            address = current.Setup.Value;
            Core.Address = (byte)address;
            Done(UsbPacket.NoData);
        }

        private void AskForConfiguration(UsbTransfer transfer)
        {
            var head = transfer.Data;
            var length = head.Length < 9 ? 9 : head[2] | head[3] << 8;
            Submit(Pipe, null, 0, UsbRequests.GetDescriptor(UsbDescriptorType.Configuration, 0, 0, length), false, WaitLimit, ConfigurationIsKnown);
        }

        private void ConfigurationIsKnown(UsbTransfer transfer)
        {
            try
            {
                var problems = new UsbProblems(false);
                Use(UsbConfigurationDescriptor.Parse(transfer.Data, problems));
                foreach(var problem in problems.Found)
                {
                    device.Log(LogLevel.Warning, "{0}", problem);
                }
            }
            catch(UsbDescriptorException e)
            {
                device.Log(LogLevel.Warning, "The device's configuration cannot be used: {0}", e.Message);
            }
            Done(UsbPacket.NoData);
        }

        private void Use(UsbConfigurationDescriptor descriptor)
        {
            var configuration = new USBConfiguration(device, descriptor.Value, null, (descriptor.Attributes & 0x40) != 0,
                (descriptor.Attributes & 0x20) != 0, (short)descriptor.MaxPowerMilliamps);
            foreach(var setting in descriptor.Settings.Where(x => x.Alternate == 0))
            {
                var made = new USBInterface(device, setting.Number, (USBClassCode)setting.Class, setting.SubClass, setting.Protocol);
                foreach(var endpoint in setting.Endpoints)
                {
                    Use(made, endpoint);
                }
                configuration.WithInterface(made);
            }
            Select(configuration);
        }

        private void Select(USBConfiguration configuration)
        {
            // Renode 1.15.3 keeps the setter to itself.
            typeof(USBDeviceCore).GetProperty("SelectedConfiguration").GetSetMethod(true).Invoke(Core, new object[] { configuration });
        }

        private void Use(USBInterface made, UsbEndpointDescriptor descriptor)
        {
            USBEndpoint endpoint;
            made.WithEndpoint(descriptor.IsIn ? Direction.DeviceToHost : Direction.HostToDevice, (EndpointTransferType)descriptor.Type,
                (short)descriptor.MaxPacketSize, descriptor.Interval, out endpoint, (byte)(descriptor.Address & 0x0F));
            var pipe = descriptor.Pipe(address);
            ResetToggle(address, descriptor.Address);
            if(descriptor.IsIn)
            {
                Listen(pipe, endpoint);
            }
            else
            {
                endpoint.DataWritten += data => Submit(pipe, data);
            }
        }

        private void Listen(UsbPipe pipe, USBEndpoint endpoint)
        {
            Submit(pipe, null, pipe.MaxPacketSize, null, false, -1, transfer =>
            {
                if(transfer.Status == UsbTransferStatus.Completed)
                {
                    endpoint.HandlePacket(transfer.Data);
                    Listen(pipe, endpoint);
                }
            });
        }

        private void Done(byte[] answer)
        {
            var request = current;
            current = null;
            busy = false;
            request.Answer(answer);
            Next();
        }

        private UsbPipe Pipe { get { return new UsbPipe(address, 0, UsbTransferType.Control, 64); } }

        private bool connected;
        private bool busy;
        private int address;
        private Request current;
        private UsbAlarm beginReset;
        private UsbAlarm afterAddress;

        private readonly IUSBDevice device;
        private readonly IUsbWire wire;
        private readonly Queue<Request> waiting;

        private sealed class Request
        {
            public UsbSetup Setup { get; set; }
            public byte[] Data { get; set; }
            public Action<byte[]> Answer { get; set; }
        }
    }
}

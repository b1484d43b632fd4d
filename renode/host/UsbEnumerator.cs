using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>What the enumerator needs of its host; every call happens inside the emulation.</summary>
    internal interface IUsbEnumeratorHost
    {
        void BeginReset();

        UsbTransfer Control(UsbPipe pipe, UsbSetup setup, Action<UsbTransfer> onDone);

        void CallIn(long nanoseconds, Action callback);

        void ResetToggle(int address, int endpointAddress);

        void Enumerated(UsbDevice device, string error);
    }

    /// <summary>
    /// Makes an attached device known and configures it (USB 2.0, 9.1.2), the way Linux does it: reset, the head of the device
    /// descriptor at address 0, reset again, SET_ADDRESS, then all descriptors and strings, SET_CONFIGURATION.
    /// </summary>
    /// <remarks>
    /// Nothing waits: each step is taken when the device has answered the one before it, at that emulated instant.
    /// </remarks>
    internal sealed class UsbEnumerator
    {
        public UsbEnumerator(IUsbEnumeratorHost host, int address)
        {
            this.host = host;
            this.address = address;
            strings = new List<int>();
        }

        public void Begin()
        {
            afterReset = AskForHead;
            host.BeginReset();
        }

        /// <summary>The port is active: a reset is over.</summary>
        public void PortActive()
        {
            var next = afterReset;
            afterReset = null;
            if(next != null)
            {
                next();
            }
        }

        /// <summary>The device has left the bus, or somebody else resets it.</summary>
        public void Abandon()
        {
            Fail("the device left the bus during enumeration");
        }

        private void AskForHead()
        {
            Ask(new UsbPipe(0, 0, UsbTransferType.Control, 64), UsbRequests.GetDescriptor(UsbDescriptorType.Device, 0, 0, 64), HeadIsKnown);
        }

        private void HeadIsKnown(byte[] data)
        {
            if(data.Length < 8 || data[1] != UsbDescriptorType.Device)
            {
                throw new UsbDescriptorException("device descriptor: the device sent {0} at its first request".FormatText(UsbText.Hex(data)));
            }
            packetSize = data[7];
            if(packetSize != 8 && packetSize != 16 && packetSize != 32 && packetSize != 64)
            {
                throw new UsbDescriptorException("device descriptor, offset 7: bMaxPacketSize0 is {0}".FormatText(packetSize));
            }
            afterReset = SetAddress;
            host.BeginReset();
        }

        private void SetAddress()
        {
            Ask(new UsbPipe(0, 0, UsbTransferType.Control, packetSize), UsbRequests.SetAddress(address),
                _ => host.CallIn(UsbTiming.SetAddressRecovery, AskForDevice));
        }

        private void AskForDevice()
        {
            if(!over)
            {
                Ask(new UsbPipe(address, 0, UsbTransferType.Control, packetSize),
                    UsbRequests.GetDescriptor(UsbDescriptorType.Device, 0, 0, 18), DeviceIsKnown);
            }
        }

        private void DeviceIsKnown(byte[] data)
        {
            device = new UsbDevice(address, data);
            AskForConfigurationHead();
        }

        private void AskForConfigurationHead()
        {
            var index = device.Configurations.Count;
            if(index == device.DeviceDescriptor[17])
            {
                AskForBosHead();
                return;
            }
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.Configuration, index, 0, 9), AskForConfiguration);
        }

        private void AskForConfiguration(byte[] head)
        {
            if(head.Length < 9 || (head[2] | head[3] << 8) < 9)
            {
                throw new UsbDescriptorException("configuration descriptor: the device sent {0}".FormatText(UsbText.Hex(head)));
            }
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.Configuration, device.Configurations.Count, 0,
                head[2] | head[3] << 8), ConfigurationIsKnown);
        }

        private void ConfigurationIsKnown(byte[] data)
        {
            device.Configurations.Add(UsbConfigurationDescriptor.Parse(data));
            AskForConfigurationHead();
        }

        private void AskForBosHead()
        {
            if((device.DeviceDescriptor[2] | device.DeviceDescriptor[3] << 8) < 0x0201)
            {
                AskForLanguages();
                return;
            }
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.Bos, 0, 0, 5), AskForBos, AskForLanguages);
        }

        private void AskForBos(byte[] head)
        {
            if(head.Length < 5)
            {
                throw new UsbDescriptorException("BOS descriptor: the device sent {0}".FormatText(UsbText.Hex(head)));
            }
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.Bos, 0, 0, head[2] | head[3] << 8), data =>
            {
                device.Bos = data;
                AskForLanguages();
            });
        }

        private void AskForLanguages()
        {
            var named = new List<int> { device.DeviceDescriptor[14], device.DeviceDescriptor[15], device.DeviceDescriptor[16] };
            foreach(var configuration in device.Configurations)
            {
                named.Add(configuration.StringIndex);
                named.AddRange(configuration.Associations.Select(x => x[2]));
                named.AddRange(configuration.Settings.Select(x => (int)x.StringIndex));
            }
            strings.AddRange(named.Where(x => x != 0).Distinct());
            if(strings.Count == 0)
            {
                SetConfiguration();
                return;
            }
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.String, 0, 0, 255), LanguagesAreKnown, SetConfiguration);
        }

        private void LanguagesAreKnown(byte[] data)
        {
            language = data.Length >= 4 ? data[2] | data[3] << 8 : English;
            AskForString();
        }

        private void AskForString()
        {
            if(strings.Count == 0)
            {
                SetConfiguration();
                return;
            }
            var index = strings[0];
            strings.RemoveAt(0);
            Ask(device.ControlPipe, UsbRequests.GetDescriptor(UsbDescriptorType.String, index, language, 255), data =>
            {
                if(data.Length < 2 || data[0] > data.Length || data[1] != UsbDescriptorType.String)
                {
                    throw new UsbDescriptorException("string descriptor {0}: the device sent {1}".FormatText(index, UsbText.Hex(data)));
                }
                device.Strings[index] = Encoding.Unicode.GetString(data, 2, data[0] - 2);
                AskForString();
            }, AskForString);
        }

        private void SetConfiguration()
        {
            if(device.Configurations.Count == 0)
            {
                Succeed();
                return;
            }
            var configuration = device.Configurations[0];
            Ask(device.ControlPipe, UsbRequests.SetConfiguration(configuration.Value), _ =>
            {
                device.Configuration = configuration;
                foreach(var endpoint in configuration.Settings.SelectMany(x => x.Endpoints))
                {
                    host.ResetToggle(address, endpoint.Address);
                }
                Succeed();
            });
        }

        /// <summary>Makes a request; a STALL ends the enumeration unless something is to be done instead.</summary>
        private void Ask(UsbPipe pipe, UsbSetup setup, Action<byte[]> then, Action stalled = null)
        {
            host.Control(pipe, setup, transfer =>
            {
                if(over)
                {
                    return;
                }
                try
                {
                    if(transfer.Status == UsbTransferStatus.Completed)
                    {
                        then(transfer.Data);
                    }
                    else if(transfer.Status == UsbTransferStatus.Stalled && stalled != null)
                    {
                        stalled();
                    }
                    else
                    {
                        Fail("request to device {0} ({1}): {2}".FormatText(pipe.Address, setup, UsbHost.Name(transfer.Status)));
                    }
                }
                catch(UsbDescriptorException e)
                {
                    Fail(e.Message);
                }
            });
        }

        private void Succeed()
        {
            over = true;
            host.Enumerated(device, null);
        }

        private void Fail(string error)
        {
            if(!over)
            {
                over = true;
                host.Enumerated(null, error);
            }
        }

        private UsbDevice device;
        private Action afterReset;
        private bool over;
        private byte packetSize;
        private int language;

        private readonly IUsbEnumeratorHost host;
        private readonly int address;
        private readonly List<int> strings;

        private const int English = 0x0409;
    }

    /// <summary>The standard requests (USB 2.0, 9.4) as SETUP packets.</summary>
    public static class UsbRequests
    {
        public static UsbSetup ClearHalt(int endpointAddress)
        {
            return new UsbSetup(0x02, 1, 0, (ushort)endpointAddress);
        }

        public static UsbSetup SetAddress(int address)
        {
            return new UsbSetup(0x00, 5, (ushort)address);
        }

        public static UsbSetup GetDescriptor(int kind, int index, int language, int length)
        {
            return new UsbSetup(0x80, 6, (ushort)(kind << 8 | index), (ushort)language, (ushort)length);
        }

        public static UsbSetup SetConfiguration(int value)
        {
            return new UsbSetup(0x00, 9, (ushort)value);
        }

        public static UsbSetup SetInterface(int number, int alternate)
        {
            return new UsbSetup(0x01, 11, (ushort)alternate, (ushort)number);
        }
    }
}

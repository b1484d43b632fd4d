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

        /// <summary>It is over: a device, or an error; another one may come where it has left meanwhile.</summary>
        void Enumerated(UsbDevice device, string error, bool deviceHasLeft);
    }

    /// <summary>
    /// Makes an attached device known and configures it (USB 2.0, 9.1.2), as an operating system does it: Linux' hub driver by what
    /// it does. Its twin is src/renode_pico/usb/enumeration.py.
    /// </summary>
    /// <remarks>
    /// A device that does not answer, or answers nonsense, is reset and asked again: twice by the scheme that asks for the head of the
    /// device descriptor first, resets again and sets the address, then twice by the one that sets the address first. A strict host
    /// makes one attempt. Nothing waits: each step is taken when the device has answered the one before it, at that emulated instant.
    /// </remarks>
    internal sealed class UsbEnumerator
    {
        public UsbEnumerator(IUsbEnumeratorHost host, int address, bool strict)
        {
            this.host = host;
            this.address = address;
            strings = new List<int>();
            problems = new UsbProblems(strict);
        }

        public void Begin()
        {
            afterReset = failures < Attempts / 2 ? (Action)AskForHead : AskForAddressFirst;
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
        public void Abandon(string error, bool deviceHasLeft)
        {
            if(!over)
            {
                over = true;
                host.Enumerated(null, error, deviceHasLeft);
            }
        }

        // The head of the device descriptor, of which the first packet tells bMaxPacketSize0, then the address

        private void AskForHead()
        {
            AskForDescriptor(new UsbPipe(0, 0, UsbTransferType.Control, DefaultPacketSize), UsbDescriptorType.Device, 0, 0, 64, data =>
            {
                packetSize = ControlPacketSize(data);
                afterReset = () => SetAddress(packetSize, AskForDevice);
                host.BeginReset();
            });
        }

        // The address, then the head of the device descriptor

        private void AskForAddressFirst()
        {
            SetAddress(DefaultPacketSize, () =>
            {
                AskForDescriptor(new UsbPipe(address, 0, UsbTransferType.Control, DefaultPacketSize), UsbDescriptorType.Device, 0, 0, 8,
                    data =>
                    {
                        packetSize = ControlPacketSize(data);
                        AskForDevice();
                    });
            });
        }

        private void SetAddress(int size, Action then, int tries = SetAddressTries)
        {
            var recovery = problems.Strict ? UsbTiming.StrictSetAddressRecovery : UsbTiming.SetAddressRecovery;
            Ask(new UsbPipe(0, 0, UsbTransferType.Control, size), UsbRequests.SetAddress(address), _ => Later(recovery, then), transfer =>
            {
                if(tries == 1 || problems.Strict)
                {
                    return false;
                }
                Later(UsbTiming.SetAddressRetry, () => SetAddress(size, then, tries - 1));
                return true;
            });
        }

        private int ControlPacketSize(byte[] head)
        {
            if(head.Length < 8)
            {
                throw new UsbDescriptorException("device descriptor: the device sent {0} at its first request".FormatText(UsbText.Hex(head)));
            }
            if(UsbDescriptorType.IsControlPacketSize(head[7]))
            {
                return head[7];
            }
            problems.Forgive("device descriptor, offset 7: bMaxPacketSize0 is {0}, not 8, 16, 32 or 64", head[7]);
            return UsbDescriptorType.IsControlPacketSize(head.Length) ? head.Length : DefaultPacketSize;
        }

        // Everything the device has to say about itself

        private void AskForDevice()
        {
            AskForDescriptor(new UsbPipe(address, 0, UsbTransferType.Control, packetSize), UsbDescriptorType.Device, 0, 0, 18, data =>
            {
                device = new UsbDevice(address, data, packetSize, problems);
                AskForConfigurationHead();
            });
        }

        private void AskForConfigurationHead()
        {
            var index = device.Configurations.Count;
            if(index == device.DeviceDescriptor[17])
            {
                AskForBosHead();
                return;
            }
            AskForDescriptor(device.ControlPipe, UsbDescriptorType.Configuration, index, 0, 9, head => AskForConfiguration(index, head));
        }

        private void AskForConfiguration(int index, byte[] head)
        {
            if(head.Length < 9)
            {
                throw new UsbDescriptorException("configuration descriptor {0}: asked for 9 bytes, the device sent {1}".FormatText(index,
                    head.Length));
            }
            var total = head[2] | head[3] << 8;
            if(total < 9)
            {
                problems.Forgive("configuration descriptor {0}, offset 2: wTotalLength is {1}, at least 9 are due", index, total);
            }
            AskForDescriptor(device.ControlPipe, UsbDescriptorType.Configuration, index, 0, Math.Max(total, 9), data =>
            {
                device.Configurations.Add(UsbConfigurationDescriptor.Parse(data, problems));
                AskForConfigurationHead();
            });
        }

        private void AskForBosHead()
        {
            if((device.DeviceDescriptor[2] | device.DeviceDescriptor[3] << 8) < 0x0201)
            {
                AskForLanguages();
                return;
            }
            var total = 0;
            AskForOptional(UsbDescriptorType.Bos, 0, 0, 5, "", head =>
            {
                if(head.Length < 5)
                {
                    throw new UsbDescriptorException("BOS descriptor: asked for 5 bytes, the device sent {0}".FormatText(head.Length));
                }
                total = head[2] | head[3] << 8;
            }, () => AskForBos(total));
        }

        private void AskForBos(int total)
        {
            if(total == 0)
            {
                AskForLanguages();
                return;
            }
            AskForOptional(UsbDescriptorType.Bos, 0, 0, total, "", data =>
            {
                CheckBos(data);
                device.Bos = data;
            }, AskForLanguages);
        }

        private void CheckBos(byte[] data)
        {
            const string what = "BOS descriptor";
            UsbDescriptorType.Expect(data, 0, UsbDescriptorType.Bos, 5, what);
            var total = data[2] | data[3] << 8;
            if(total != data.Length)
            {
                problems.Forgive("{0}, offset 2: wTotalLength is {1}, but {2} bytes were sent", what, total, data.Length);
            }
            var capabilities = UsbDescriptorType.Split(data, what, problems).Count(x => x > 0);
            if(capabilities != data[4])
            {
                problems.Forgive("{0}, offset 4: bNumDeviceCaps is {1}, but {2} are described", what, data[4], capabilities);
            }
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
            strings.Clear();
            strings.AddRange(named.Where(x => x != 0).Distinct());
            language = English;
            if(strings.Count == 0)
            {
                SetConfiguration();
                return;
            }
            AskForOptional(UsbDescriptorType.String, 0, 0, 255, "", data =>
            {
                var content = StringContent(data, "string descriptor 0");
                language = content.Length >= 2 ? content[0] | content[1] << 8 : English;
            }, AskForString, SetConfiguration);
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
            AskForOptional(UsbDescriptorType.String, index, language, 255, "string {0}: ".FormatText(index), data =>
            {
                device.Strings[index] = Encoding.Unicode.GetString(StringContent(data, "string descriptor {0}".FormatText(index)));
            }, AskForString);
        }

        private byte[] StringContent(byte[] data, string what)
        {
            if(data[0] < 2)
            {
                UsbDescriptorType.Expect(data, 0, UsbDescriptorType.String, 2, what);
            }
            if(data[0] != data.Length)
            {
                problems.Forgive("{0}: bLength is {1}, but {2} bytes were sent", what, data[0], data.Length);
            }
            var length = Math.Min(data[0], data.Length);
            if(length % 2 != 0)
            {
                problems.Forgive("{0}: bLength is {1}, not a whole number of UTF-16 units", what, data[0]);
            }
            return data.Skip(2).Take(length - length % 2 - 2).ToArray();
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

        // Requests

        /// <summary>Asks for a descriptor, again when that fails in any way but a time-out, or brings something else.</summary>
        private void AskForDescriptor(UsbPipe pipe, byte kind, int index, int languageId, int length, Action<byte[]> then,
            int tries = RequestTries)
        {
            var setup = UsbRequests.GetDescriptor(kind, index, languageId, length);
            var last = tries == 1 || problems.Strict;
            Ask(pipe, setup, data =>
            {
                if((data.Length < 2 || data[1] != kind) && !last)
                {
                    AskForDescriptor(pipe, kind, index, languageId, length, then, tries - 1);
                    return;
                }
                ExpectKind(kind, setup, data);
                then(data);
            }, transfer =>
            {
                if(last)
                {
                    return false;
                }
                AskForDescriptor(pipe, kind, index, languageId, length, then, tries - 1);
                return true;
            });
        }

        /// <summary>
        /// Asks once for a descriptor that a device may do without: what is wrong with it is a problem, and enumeration goes on.
        /// </summary>
        private void AskForOptional(byte kind, int index, int languageId, int length, string where, Action<byte[]> take, Action next,
            Action stalled = null)
        {
            var setup = UsbRequests.GetDescriptor(kind, index, languageId, length);
            Ask(device.ControlPipe, setup, data =>
            {
                try
                {
                    ExpectKind(kind, setup, data);
                    take(data);
                }
                catch(UsbDescriptorException e)
                {
                    problems.Forgive("{0}", where + e.Message);
                }
                next();
            }, transfer =>
            {
                if(transfer.Status != UsbTransferStatus.Stalled)
                {
                    return false;
                }
                (stalled ?? next)();
                return true;
            });
        }

        private static void ExpectKind(byte kind, UsbSetup setup, byte[] data)
        {
            if(data.Length < 2 || data[1] != kind)
            {
                throw new UsbDescriptorException("{0} descriptor ({1}): the device sent {2}".FormatText(UsbDescriptorType.Name(kind), setup,
                    data.Length == 0 ? "nothing" : UsbText.Hex(data)));
            }
        }

        /// <summary>Makes a request; when it fails in another way than by a time-out, <paramref name="failed"/> may mend it.</summary>
        private void Ask(UsbPipe pipe, UsbSetup setup, Action<byte[]> then, Func<UsbTransfer, bool> failed = null)
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
                    else if(transfer.Status == UsbTransferStatus.TimedOut || failed == null || !failed(transfer))
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

        private void Later(long nanoseconds, Action action)
        {
            host.CallIn(nanoseconds, () =>
            {
                if(!over)
                {
                    action();
                }
            });
        }

        private void Succeed()
        {
            over = true;
            host.Enumerated(device, null, false);
        }

        private void Fail(string error)
        {
            failures++;
            if(problems.Strict || failures == Attempts)
            {
                over = true;
                host.Enumerated(null, problems.Strict ? error : "{0}; this was attempt {1}".FormatText(error, failures), false);
                return;
            }
            problems.Forgive("attempt {0} to enumerate it: {1}", failures, error);
            Later(failures == Attempts / 2 ? UsbTiming.EnumerationPause : UsbTiming.EnumerationRetry, Begin);
        }

        private UsbDevice device;
        private Action afterReset;
        private bool over;
        private int failures;
        private int packetSize;
        private int language;

        private readonly IUsbEnumeratorHost host;
        private readonly int address;
        private readonly List<int> strings;
        private readonly UsbProblems problems;

        private const int English = 0x0409;
        private const int DefaultPacketSize = 64;
        private const int Attempts = 4;
        private const int RequestTries = 3;
        private const int SetAddressTries = 2;
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

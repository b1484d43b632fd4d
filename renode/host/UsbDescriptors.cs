using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>A descriptor that lies about its length or breaks the rules of USB 2.0, 9.5.</summary>
    public class UsbDescriptorException : Exception
    {
        public UsbDescriptorException(string message) : base(message)
        {
        }
    }

    public static class UsbDescriptorType
    {
        public const byte Device = 1;
        public const byte Configuration = 2;
        public const byte String = 3;
        public const byte Interface = 4;
        public const byte Endpoint = 5;
        public const byte DeviceQualifier = 6;
        public const byte Association = 11;
        public const byte Bos = 15;

        /// <summary>The offsets at which a run of descriptors is to be cut, by their bLength; what cannot be cut is left out.</summary>
        internal static IEnumerable<int> Split(byte[] data, string what, UsbProblems problems)
        {
            for(var offset = 0; offset < data.Length; offset += data[offset])
            {
                var length = data[offset];
                if(length < 2)
                {
                    problems.Forgive("{0}, offset {1}: bLength is {2}, a descriptor has at least 2 bytes", what, offset, length);
                    yield break;
                }
                if(length > data.Length - offset)
                {
                    problems.Forgive("{0}, offset {1}: bLength is {2}, but only {3} bytes are left", what, offset, length,
                        data.Length - offset);
                    yield break;
                }
                yield return offset;
            }
        }

        /// <summary>Throws unless there is a descriptor of this kind with so many bytes.</summary>
        internal static void Expect(byte[] data, int offset, byte kind, int length, string what)
        {
            if(data.Length < 2)
            {
                throw new UsbDescriptorException("{0}, offset {1}: {2} bytes, too few for bLength and bDescriptorType".FormatText(what,
                    offset, data.Length));
            }
            if(data[1] != kind)
            {
                throw new UsbDescriptorException("{0}, offset {1}: bDescriptorType is {2}, not {3} ({4})".FormatText(what, offset,
                    data[1], kind, Name(kind).ToUpperInvariant().Replace(' ', '_')));
            }
            if(data[0] < length || data.Length < length)
            {
                throw new UsbDescriptorException("{0}, offset {1}: {2} with bLength {3} and {4} bytes, it needs {5}".FormatText(what,
                    offset, Name(kind), data[0], data.Length, length));
            }
        }

        /// <summary>What bMaxPacketSize0 can be (USB 2.0, 9.6.1).</summary>
        internal static bool IsControlPacketSize(int size)
        {
            return size == 8 || size == 16 || size == 32 || size == 64;
        }

        internal static string Name(byte kind)
        {
            switch(kind)
            {
            case Device: return "device";
            case Configuration: return "configuration";
            case String: return "string";
            case Interface: return "interface";
            case Endpoint: return "endpoint";
            case Association: return "interface association";
            case Bos: return "bos";
            default: return "0x{0:x2}".FormatText(kind);
            }
        }
    }

    /// <summary>An endpoint descriptor (USB 2.0, 9.6.6).</summary>
    public sealed class UsbEndpointDescriptor
    {
        internal UsbEndpointDescriptor(byte[] raw, int maxPacketSize)
        {
            Address = raw[2];
            Attributes = raw[3];
            MaxPacketSize = maxPacketSize;
            Interval = raw[6];
        }

        public UsbPipe Pipe(int address)
        {
            // Isochronous endpoints of full speed give their interval as a power of two of frames (table 9-13).
            var frames = Type == UsbTransferType.Isochronous && Interval > 0 ? 1 << Math.Min(Interval - 1, 15) : Interval;
            return new UsbPipe(address, Address, Type, MaxPacketSize, Math.Max(1, frames));
        }

        public byte Address { get; private set; }
        public byte Attributes { get; private set; }
        /// <summary>Bytes of a packet; no more than full speed has, whatever the device says.</summary>
        public int MaxPacketSize { get; private set; }
        public byte Interval { get; private set; }
        public bool IsIn { get { return (Address & 0x80) != 0; } }
        public UsbTransferType Type { get { return (UsbTransferType)(Attributes & 3); } }
    }

    /// <summary>An interface descriptor with what belongs to it (USB 2.0, 9.6.5).</summary>
    public sealed class UsbInterfaceDescriptor
    {
        internal UsbInterfaceDescriptor(byte[] raw)
        {
            Number = raw[2];
            Alternate = raw[3];
            NumberOfEndpoints = raw[4];
            Class = raw[5];
            SubClass = raw[6];
            Protocol = raw[7];
            StringIndex = raw[8];
            Endpoints = new List<UsbEndpointDescriptor>();
            Others = new List<byte[]>();
        }

        public byte Number { get; private set; }
        public byte Alternate { get; private set; }
        public byte NumberOfEndpoints { get; private set; }
        public byte Class { get; private set; }
        public byte SubClass { get; private set; }
        public byte Protocol { get; private set; }
        public byte StringIndex { get; private set; }
        public List<UsbEndpointDescriptor> Endpoints { get; private set; }
        /// <summary>Class and vendor specific descriptors, whole.</summary>
        public List<byte[]> Others { get; private set; }
    }

    /// <summary>A configuration descriptor with all that it contains (USB 2.0, 9.6.3).</summary>
    public sealed class UsbConfigurationDescriptor
    {
        /// <summary>Reads it; what is wrong goes to <paramref name="problems"/>, or is an error without them.</summary>
        public static UsbConfigurationDescriptor Parse(byte[] raw, UsbProblems problems = null)
        {
            return new UsbConfigurationDescriptor(raw, problems ?? new UsbProblems(true));
        }

        /// <summary>The setting of an interface, or null.</summary>
        public UsbInterfaceDescriptor Setting(int number, int alternate = 0)
        {
            return Settings.FirstOrDefault(x => x.Number == number && x.Alternate == alternate);
        }

        public byte[] Raw { get; private set; }
        public byte Value { get; private set; }
        public byte StringIndex { get; private set; }
        public byte Attributes { get; private set; }
        public int MaxPowerMilliamps { get; private set; }
        public List<UsbInterfaceDescriptor> Settings { get; private set; }
        /// <summary>Interface associations: first interface, count, string index.</summary>
        public List<int[]> Associations { get; private set; }

        private UsbConfigurationDescriptor(byte[] raw, UsbProblems problems)
        {
            Raw = raw;
            this.problems = problems;
            Settings = new List<UsbInterfaceDescriptor>();
            Associations = new List<int[]>();
            UsbDescriptorType.Expect(raw, 0, UsbDescriptorType.Configuration, 9, What);
            var total = raw[2] | raw[3] << 8;
            if(total != raw.Length)
            {
                problems.Forgive("{0}, offset 2: wTotalLength is {1}, but {2} bytes were sent", What, total, raw.Length);
            }
            Value = raw[5];
            StringIndex = raw[6];
            Attributes = raw[7];
            MaxPowerMilliamps = 2 * raw[8];
            foreach(var offset in UsbDescriptorType.Split(raw, What, problems).Where(x => x > 0))
            {
                Add(offset, raw.Skip(offset).Take(raw[offset]).ToArray());
            }
            EndInterface();
            CheckNumbers(raw[4]);
        }

        private void CheckNumbers(int interfaces)
        {
            var numbers = Settings.Select(x => (int)x.Number).Distinct().ToArray();
            if(numbers.Length != interfaces)
            {
                problems.Forgive("{0}, offset 4: bNumInterfaces is {1}, but {2} are described", What, interfaces, numbers.Length);
            }
            foreach(var association in Associations)
            {
                var missing = Enumerable.Range(association[0], association[1]).Where(x => !numbers.Contains(x)).ToArray();
                if(missing.Length > 0)
                {
                    problems.Forgive("{0}: an interface association of {1} to {2}, but interface {3} is not described", What,
                        association[0], association[0] + association[1] - 1, missing[0]);
                }
            }
        }

        private void Add(int offset, byte[] descriptor)
        {
            switch(descriptor[1])
            {
            case UsbDescriptorType.Interface:
                if(LongEnough(offset, descriptor, 9))
                {
                    EndInterface();
                    current = new UsbInterfaceDescriptor(descriptor);
                    currentOffset = offset;
                }
                break;
            case UsbDescriptorType.Endpoint:
                if(LongEnough(offset, descriptor, 7))
                {
                    AddEndpoint(offset, descriptor);
                }
                break;
            case UsbDescriptorType.Association:
                if(LongEnough(offset, descriptor, 8))
                {
                    EndInterface();
                    Associations.Add(new int[] { descriptor[2], descriptor[3], descriptor[7] });
                }
                break;
            case UsbDescriptorType.Device:
            case UsbDescriptorType.Configuration:
                Forgive(offset, "a {0} descriptor in the middle", descriptor[1] == UsbDescriptorType.Device ? "DEVICE" : "CONFIGURATION");
                break;
            default:
                if(current != null)
                {
                    current.Others.Add(descriptor);
                }
                break;
            }
        }

        private void AddEndpoint(int offset, byte[] descriptor)
        {
            var address = descriptor[2];
            if(current == null)
            {
                Forgive(offset, "an endpoint descriptor before any interface");
            }
            else if((address & 0x0F) == 0 || (address & 0x70) != 0)
            {
                Forgive(offset + 2, "bEndpointAddress 0x{0:x2} is not allowed", address);
            }
            else if(current.Endpoints.Any(x => x.Address == address))
            {
                Forgive(offset, "endpoint 0x{0:x2} twice in one interface", address);
            }
            else
            {
                current.Endpoints.Add(new UsbEndpointDescriptor(descriptor, SensibleSize(offset, descriptor)));
            }
        }

        /// <summary>The size of an endpoint's packets, no larger than full speed has them.</summary>
        private int SensibleSize(int offset, byte[] descriptor)
        {
            var size = (descriptor[4] | descriptor[5] << 8) & 0x7FF;
            var type = (UsbTransferType)(descriptor[3] & 3);
            var largest = type == UsbTransferType.Isochronous ? 1023 : 64;
            if(size <= largest && (size > 0 || type == UsbTransferType.Isochronous))
            {
                return size;
            }
            Forgive(offset + 4, "wMaxPacketSize of {0} endpoint 0x{1:x2} is {2}, at full speed it is 1 to {3}: taken for {3}",
                type.ToString().ToLowerInvariant(), descriptor[2], size, largest);
            return largest;
        }

        private void EndInterface()
        {
            if(current == null)
            {
                return;
            }
            var name = "interface {0} alternate setting {1}".FormatText(current.Number, current.Alternate);
            if(current.NumberOfEndpoints != current.Endpoints.Count)
            {
                Forgive(currentOffset + 4, "bNumEndpoints of {0} is {1}, but {2} are described", name, current.NumberOfEndpoints,
                    current.Endpoints.Count);
            }
            if(Setting(current.Number, current.Alternate) != null)
            {
                Forgive(currentOffset, "{0} is described twice", name);
            }
            else
            {
                Settings.Add(current);
            }
            current = null;
        }

        private bool LongEnough(int offset, byte[] descriptor, int due)
        {
            try
            {
                UsbDescriptorType.Expect(descriptor, offset, descriptor[1], due, What);
                return true;
            }
            catch(UsbDescriptorException e)
            {
                problems.Forgive("{0}", e.Message);
                return false;
            }
        }

        private void Forgive(int offset, string format, params object[] arguments)
        {
            problems.Forgive("{0}, offset {1}: {2}", What, offset, format.FormatText(arguments));
        }

        private UsbInterfaceDescriptor current;
        private int currentOffset;

        private readonly UsbProblems problems;

        private const string What = "configuration descriptor";
    }

    /// <summary>What enumeration found; it is valid until the device leaves the bus or the bus is reset.</summary>
    public sealed class UsbDevice
    {
        /// <summary>The descriptor of an endpoint in an interface's setting in use, or null.</summary>
        public UsbEndpointDescriptor Endpoint(int endpointAddress)
        {
            return Configuration == null ? null : Configuration.Settings
                .Where(x => x.Alternate == AlternateOf(x.Number))
                .SelectMany(x => x.Endpoints).FirstOrDefault(x => x.Address == endpointAddress);
        }

        public int AlternateOf(int number)
        {
            int alternate;
            return Alternates.TryGetValue(number, out alternate) ? alternate : 0;
        }

        /// <summary>The device tree as text.</summary>
        public string Tree()
        {
            var text = new StringBuilder();
            Line(text, 0, "Device {0}: ID {1:x4}:{2:x4}{3}{4}, USB {5:x}.{6:x2}, class {7}, {8} bytes on endpoint 0", Address, VendorId,
                ProductId, Quoted(DeviceDescriptor[14]), Quoted(DeviceDescriptor[15]), DeviceDescriptor[3], DeviceDescriptor[2],
                ClassName(DeviceDescriptor[4]), DeviceDescriptor[7]);
            if(DeviceDescriptor[16] != 0)
            {
                Line(text, 1, "Serial number{0}", Quoted(DeviceDescriptor[16]));
            }
            foreach(var configuration in Configurations)
            {
                Line(text, 1, "Configuration {0}{1}{2}: {3}{4}, {5} mA", configuration.Value, configuration == Configuration ? " (in use)" : "",
                    Quoted(configuration.StringIndex), (configuration.Attributes & 0x40) != 0 ? "self-powered" : "bus-powered",
                    (configuration.Attributes & 0x20) != 0 ? ", remote wake-up" : "", configuration.MaxPowerMilliamps);
                foreach(var setting in configuration.Settings)
                {
                    Line(text, 2, "Interface {0}{1}{2}: class {3}, subclass 0x{4:x2}, protocol 0x{5:x2}", setting.Number,
                        setting.Alternate != 0 ? " alternate " + setting.Alternate : "", Quoted(setting.StringIndex),
                        ClassName(setting.Class), setting.SubClass, setting.Protocol);
                    foreach(var endpoint in setting.Endpoints)
                    {
                        Line(text, 3, "Endpoint 0x{0:x2}: {1} {2}, {3} bytes{4}", endpoint.Address,
                            endpoint.Type.ToString().ToLowerInvariant(), endpoint.IsIn ? "IN" : "OUT", endpoint.MaxPacketSize,
                            endpoint.Type == UsbTransferType.Bulk ? "" : ", interval " + endpoint.Interval);
                    }
                }
            }
            foreach(var problem in Problems)
            {
                Line(text, 1, "Problem: {0}", problem);
            }
            return text.ToString().TrimEnd('\n');
        }

        public int Address { get; private set; }
        public byte[] DeviceDescriptor { get; private set; }
        public UsbPipe ControlPipe { get; private set; }
        public List<UsbConfigurationDescriptor> Configurations { get; private set; }
        /// <summary>The configuration in use, or null.</summary>
        public UsbConfigurationDescriptor Configuration { get; internal set; }
        public byte[] Bos { get; internal set; }
        public Dictionary<int, string> Strings { get; private set; }
        /// <summary>What was wrong with its answers and was forgiven, attempts to enumerate it that failed included.</summary>
        public string[] Problems { get { return problems.Found.ToArray(); } }
        public ushort VendorId { get { return (ushort)(DeviceDescriptor[8] | DeviceDescriptor[9] << 8); } }
        public ushort ProductId { get { return (ushort)(DeviceDescriptor[10] | DeviceDescriptor[11] << 8); } }

        /// <param name="address">The address it was given.</param>
        /// <param name="descriptor">Its descriptor.</param>
        /// <param name="packetSize">Of its control endpoint.</param>
        /// <param name="problems">Where to note what is wrong with the descriptor.</param>
        internal UsbDevice(int address, byte[] descriptor, int packetSize, UsbProblems problems)
        {
            if(descriptor.Length < 18 || descriptor[1] != UsbDescriptorType.Device)
            {
                UsbDescriptorType.Expect(descriptor, 0, UsbDescriptorType.Device, 18, What);
            }
            if(descriptor[0] != descriptor.Length)
            {
                problems.Forgive("{0}: bLength is {1}, but {2} bytes were sent", What, descriptor[0], descriptor.Length);
            }
            if(!UsbDescriptorType.IsControlPacketSize(descriptor[7]))
            {
                problems.Forgive("{0}, offset 7: bMaxPacketSize0 is {1}, not 8, 16, 32 or 64", What, descriptor[7]);
            }
            this.problems = problems;
            Address = address;
            DeviceDescriptor = descriptor;
            ControlPipe = new UsbPipe(address, 0, UsbTransferType.Control, packetSize);
            Configurations = new List<UsbConfigurationDescriptor>();
            Strings = new Dictionary<int, string>();
            Alternates = new Dictionary<int, int>();
        }

        internal Dictionary<int, int> Alternates { get; private set; }

        private string Quoted(int index)
        {
            string text;
            return index != 0 && Strings.TryGetValue(index, out text) ? " \"" + text + "\"" : "";
        }

        private static string ClassName(int number)
        {
            switch(number)
            {
            case 0x00: return "0x00 (by interface)";
            case 0x01: return "0x01 (audio)";
            case 0x02: return "0x02 (communications)";
            case 0x03: return "0x03 (HID)";
            case 0x08: return "0x08 (mass storage)";
            case 0x0A: return "0x0a (CDC data)";
            case 0xEF: return "0xef (miscellaneous)";
            case 0xFE: return "0xfe (application specific)";
            case 0xFF: return "0xff (vendor specific)";
            default: return "0x{0:x2}".FormatText(number);
            }
        }

        private static void Line(StringBuilder text, int depth, string format, params object[] arguments)
        {
            text.Append(' ', 2 * depth).Append(format.FormatText(arguments)).Append('\n');
        }

        private readonly UsbProblems problems;

        private const string What = "device descriptor";
    }
}

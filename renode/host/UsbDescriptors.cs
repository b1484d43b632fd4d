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
    }

    /// <summary>An endpoint descriptor (USB 2.0, 9.6.6).</summary>
    public sealed class UsbEndpointDescriptor
    {
        internal UsbEndpointDescriptor(byte[] raw)
        {
            Address = raw[2];
            Attributes = raw[3];
            MaxPacketSize = (raw[4] | raw[5] << 8) & 0x7FF;
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
        public static UsbConfigurationDescriptor Parse(byte[] raw)
        {
            return new UsbConfigurationDescriptor(raw);
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

        private UsbConfigurationDescriptor(byte[] raw)
        {
            Raw = raw;
            Settings = new List<UsbInterfaceDescriptor>();
            Associations = new List<int[]>();
            if(raw.Length < 9 || raw[1] != UsbDescriptorType.Configuration)
            {
                throw new UsbDescriptorException("configuration descriptor: the device sent {0}".FormatText(UsbText.Hex(raw)));
            }
            if((raw[2] | raw[3] << 8) != raw.Length)
            {
                throw new UsbDescriptorException("configuration descriptor: wTotalLength is {0}, the device sent {1} bytes"
                    .FormatText(raw[2] | raw[3] << 8, raw.Length));
            }
            Value = raw[5];
            StringIndex = raw[6];
            Attributes = raw[7];
            MaxPowerMilliamps = 2 * raw[8];
            for(int offset = raw[0]; offset < raw.Length; offset += raw[offset])
            {
                Add(offset, Cut(raw, offset));
            }
        }

        private static byte[] Cut(byte[] raw, int offset)
        {
            var length = raw[offset];
            if(length < 2 || offset + length > raw.Length)
            {
                throw new UsbDescriptorException("configuration descriptor, offset {0}: bLength is {1}, {2} bytes are left"
                    .FormatText(offset, length, raw.Length - offset));
            }
            return raw.Skip(offset).Take(length).ToArray();
        }

        private void Add(int offset, byte[] descriptor)
        {
            var due = descriptor[1] == UsbDescriptorType.Interface ? 9 : descriptor[1] == UsbDescriptorType.Endpoint ? 7
                : descriptor[1] == UsbDescriptorType.Association ? 8 : 2;
            if(descriptor.Length < due)
            {
                throw new UsbDescriptorException("configuration descriptor, offset {0}: bLength is {1}, at least {2} are due"
                    .FormatText(offset, descriptor.Length, due));
            }
            var last = Settings.LastOrDefault();
            switch(descriptor[1])
            {
            case UsbDescriptorType.Interface:
                Settings.Add(new UsbInterfaceDescriptor(descriptor));
                break;
            case UsbDescriptorType.Endpoint:
                if(last == null)
                {
                    throw new UsbDescriptorException("configuration descriptor, offset {0}: an endpoint without an interface".FormatText(offset));
                }
                last.Endpoints.Add(new UsbEndpointDescriptor(descriptor));
                break;
            case UsbDescriptorType.Association:
                Associations.Add(new int[] { descriptor[2], descriptor[3], descriptor[7] });
                break;
            default:
                if(last != null)
                {
                    last.Others.Add(descriptor);
                }
                break;
            }
        }
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
        public ushort VendorId { get { return (ushort)(DeviceDescriptor[8] | DeviceDescriptor[9] << 8); } }
        public ushort ProductId { get { return (ushort)(DeviceDescriptor[10] | DeviceDescriptor[11] << 8); } }

        internal UsbDevice(int address, byte[] descriptor)
        {
            if(descriptor.Length < 18 || descriptor[0] < 18 || descriptor[1] != UsbDescriptorType.Device)
            {
                throw new UsbDescriptorException("device descriptor: the device sent {0}".FormatText(UsbText.Hex(descriptor)));
            }
            Address = address;
            DeviceDescriptor = descriptor;
            ControlPipe = new UsbPipe(address, 0, UsbTransferType.Control, descriptor[7]);
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
    }
}

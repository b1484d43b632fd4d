using System.IO;
using System.Text;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// The bus as a text file, one line for each transaction or event, fields separated by tabs.
    /// Its twin is src/renode_pico/trace/tsv.py.
    /// </summary>
    /// <remarks>
    /// A transaction: time, duration (both emulated ns), frame, token, address, endpoint, data PID, handshake, fault, data as
    /// hexadecimal digits; "-" for what there was not. An event: time, "-", frame, "EVENT", what. The file is opened only to append
    /// what has gathered, so a saved emulation holds no open file.
    /// </remarks>
    public sealed class UsbTrace
    {
        public UsbTrace(string path)
        {
            Path = path;
            buffer = new StringBuilder();
            File.WriteAllText(path, Header);
        }

        public void Transaction(long time, long duration, int frame, UsbPid token, int address, int endpoint, UsbPid dataPid,
            byte[] data, UsbPid handshake, UsbFault fault)
        {
            buffer.Append(time).Append('\t').Append(duration).Append('\t').Append(frame).Append('\t')
                .Append(Name(token)).Append('\t').Append(address).Append('\t').Append(endpoint).Append('\t')
                .Append(Name(dataPid)).Append('\t').Append(Name(handshake)).Append('\t')
                .Append(fault == UsbFault.None ? "-" : fault.ToString()).Append('\t');
            if(data.Length == 0)
            {
                buffer.Append('-');
            }
            foreach(var value in data)
            {
                buffer.Append(Digits[value >> 4]).Append(Digits[value & 0xF]);
            }
            EndLine();
        }

        public void Event(long time, int frame, string what)
        {
            buffer.Append(time).Append("\t-\t").Append(frame).Append("\tEVENT\t").Append(what);
            EndLine();
        }

        public void Flush()
        {
            File.AppendAllText(Path, buffer.ToString());
            buffer.Clear();
        }

        public string Path { get; private set; }
        public long Lines { get; private set; }

        private void EndLine()
        {
            buffer.Append('\n');
            Lines++;
            if(buffer.Length > FlushAt)
            {
                Flush();
            }
        }

        private static string Name(UsbPid pid)
        {
            return pid == UsbPid.None ? "-" : pid.ToString().ToUpperInvariant();
        }

        private readonly StringBuilder buffer;

        private const string Header = "# time_ns\tduration_ns\tframe\ttoken\taddress\tendpoint\tdata_pid\thandshake\tfault\tdata\n";
        private const string Digits = "0123456789abcdef";
        private const int FlushAt = 1 << 16;
    }
}

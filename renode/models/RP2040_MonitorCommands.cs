using System.Collections.Generic;
using System.Linq;
using System.Text;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.UserInterface;
using Antmicro.Renode.Utilities;
using Antmicro.Renode.Utilities.GDB;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// GDB's `monitor reset`, `reset halt`, `reset init`, `reset run` and `monitor halt`, as users of OpenOCD and probe-rs and their editors type
    /// them: the RUN pin is pulled, and the cores stand at their first instruction until GDB lets them go.
    /// </summary>
    /// <remarks>
    /// Renode's server takes the command with the longest beginning that fits; its own takes whatever GDB's monitor is told, knows
    /// `reset init` alone, and with `halt` pauses the emulation for good.
    /// </remarks>
    public class RP2040_MonitorCommands : Command
    {
        public RP2040_MonitorCommands(CommandsManager manager) : base(manager)
        {
        }

        [Execute("qRcmd,7265736574")]
        public IEnumerable<PacketData> Reset([Argument(Encoding = ArgumentAttribute.ArgumentEncoding.String)] string rest)
        {
            if(!IsWhole(rest))
            {
                return OfMonitor("reset" + Text(rest));
            }
            foreach(var cpu in manager.ManagedCpus)
            {
                cpu.ExecutionMode = ExecutionMode.SingleStep;
            }
            manager.Machine.Reset();
            return new[] { PacketData.Success };
        }

        [Execute("qRcmd,68616c74")]
        public IEnumerable<PacketData> Halt([Argument(Encoding = ArgumentAttribute.ArgumentEncoding.String)] string rest)
        {
            return IsWhole(rest) ? new[] { PacketData.Success } : OfMonitor("halt" + Text(rest));
        }

        /// <summary>Whether the word ends here.</summary>
        private static bool IsWhole(string rest)
        {
            return rest.Length == 0 || rest.StartsWith("20");
        }

        private static string Text(string hexadecimal)
        {
            var bytes = Enumerable.Range(0, hexadecimal.Length / 2).Select(x => System.Convert.ToByte(hexadecimal.Substring(2 * x, 2), 16));
            return Encoding.UTF8.GetString(bytes.ToArray());
        }

        /// <summary>What Renode's monitor says to another line.</summary>
        private static IEnumerable<PacketData> OfMonitor(string line)
        {
            var answer = new CommandInteractionEater();
            ObjectCreator.Instance.GetSurrogate<Monitor>().Parse(line, answer);
            var text = answer.HasError ? answer.GetError() : answer.GetContents();
            var console = string.Concat(Encoding.UTF8.GetBytes(text).Select(x => x.ToString("X2")));
            return console.Length == 0 ? new[] { PacketData.Success } : new[] { new PacketData("O" + console), PacketData.Success };
        }
    }
}

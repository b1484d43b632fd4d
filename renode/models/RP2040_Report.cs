using System;
using System.Collections.Generic;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>What software did that the models do not, over the whole chip.</summary>
    public static class RP2040_Report
    {
        /// <summary>One row for each such access: block, access, how often.</summary>
        public static string[,] UnmodelledAccesses(this IMachine machine)
        {
            return OfAllBlocks(machine, x => x.UnmodelledAccesses(), "block", "access", "count");
        }

        /// <summary>One row for each thing that the models do not do, as they list it themselves: block, what.</summary>
        public static string[,] NotModelled(this IMachine machine)
        {
            return OfAllBlocks(machine, x => x.NotModelled(), "block", "not modelled");
        }

        /// <summary>Goes up with each such access on any machine: who has seen a table of them knows whether it still holds.</summary>
        public static ulong Noted { get; set; }

        private static string[,] OfAllBlocks(IMachine machine, Func<RP2040_Peripheral, string[,]> ask, params string[] head)
        {
            var rows = new List<string[]> { head };
            foreach(var block in machine.GetPeripheralsOfType<RP2040_Peripheral>())
            {
                string name;
                machine.TryGetAnyName(block, out name);
                var answer = ask(block);
                for(var i = 1; i < answer.GetLength(0); i++)
                {
                    var row = new string[head.Length];
                    row[0] = name;
                    for(var j = 1; j < head.Length; j++)
                    {
                        row[j] = answer[i, j - 1];
                    }
                    rows.Add(row);
                }
            }
            var table = new string[rows.Count, head.Length];
            for(var i = 0; i < rows.Count; i++)
            {
                for(var j = 0; j < head.Length; j++)
                {
                    table[i, j] = rows[i][j];
                }
            }
            return table;
        }
    }
}

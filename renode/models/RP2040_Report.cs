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
            var rows = new List<string[]> { new[] { "block", "access", "count" } };
            foreach(var block in machine.GetPeripheralsOfType<RP2040_Peripheral>())
            {
                string name;
                machine.TryGetAnyName(block, out name);
                var accesses = block.UnmodelledAccesses();
                for(var i = 1; i < accesses.GetLength(0); i++)
                {
                    rows.Add(new[] { name, accesses[i, 0], accesses[i, 1] });
                }
            }
            var table = new string[rows.Count, 3];
            for(var i = 0; i < rows.Count; i++)
            {
                for(var j = 0; j < 3; j++)
                {
                    table[i, j] = rows[i][j];
                }
            }
            return table;
        }
    }
}

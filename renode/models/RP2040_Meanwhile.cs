using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// What software touched of what is not modelled while somebody waited for it: from now on. As text it is the end of a sentence,
    /// empty when nothing was touched.
    /// </summary>
    public sealed class RP2040_Meanwhile
    {
        public RP2040_Meanwhile(IMachine machine)
        {
            this.machine = machine;
            noted = RP2040_Report.Noted;
            before = noted == 0 ? new Dictionary<string, long>() : Counts();
        }

        public override string ToString()
        {
            if(RP2040_Report.Noted == noted)
            {
                return "";
            }
            var touched = Counts().Select(x => new KeyValuePair<string, long>(x.Key, x.Value - Before(x.Key))).Where(x => x.Value > 0)
                .OrderByDescending(x => x.Value).ThenBy(x => x.Key, StringComparer.Ordinal).ToList();
            if(touched.Count == 0)
            {
                return "";
            }
            var named = touched.Take(Most).Select(x => string.Format(CultureInfo.InvariantCulture, "{0} {1:N0} time{2}", x.Key, x.Value, x.Value > 1 ? "s" : "")).ToList();
            if(touched.Count > Most)
            {
                named.Add((touched.Count - Most) + " more");
            }
            return "; not modelled, but touched meanwhile: " + string.Join(", ", named);
        }

        private Dictionary<string, long> Counts()
        {
            var table = machine.UnmodelledAccesses();
            var counts = new Dictionary<string, long>();
            for(var row = 1; row < table.GetLength(0); row++)
            {
                counts[table[row, 0] + "." + table[row, 1]] = long.Parse(table[row, 2]);
            }
            return counts;
        }

        private long Before(string name)
        {
            long count;
            return before.TryGetValue(name, out count) ? count : 0;
        }

        private readonly IMachine machine;
        private readonly ulong noted;
        private readonly Dictionary<string, long> before;

        /// <summary>So many are named; the one that a loop asks again and again is the first.</summary>
        private const int Most = 4;
    }
}

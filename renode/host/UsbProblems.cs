using System.Collections.Generic;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>What was wrong with a device's answers, in the order in which it was found.</summary>
    /// <remarks>A lenient host forgives what Linux forgives and keeps a note of it; a strict one ends at the first lie. Its twin is
    /// src/renode_pico/usb/temper.py.</remarks>
    public sealed class UsbProblems
    {
        public UsbProblems(bool strict)
        {
            Strict = strict;
            Found = new List<string>();
        }

        /// <summary>Notes something that a lenient host goes on with.</summary>
        public void Forgive(string format, params object[] arguments)
        {
            var problem = format.FormatText(arguments);
            if(Strict)
            {
                throw new UsbDescriptorException(problem);
            }
            if(!Found.Contains(problem))
            {
                Found.Add(problem);
            }
        }

        public bool Strict { get; private set; }
        /// <summary>Each problem in one sentence.</summary>
        public List<string> Found { get; private set; }
    }
}

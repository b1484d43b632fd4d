namespace Antmicro.Renode.Peripherals.RP2040
{
    // What is told of firmware's misuse (docs/sanitizer.md); the checks are in RP2040_USB_Sanitizer.
    public partial class RP2040_USB
    {
        /// <summary>Whether misuse is noted.</summary>
        public bool Sanitize
        {
            get { return sanitizer != null; }
            set { sanitizer = value ? sanitizer ?? new RP2040_USB_Sanitizer(this, Machine, clocks, memory, endpoints) : null; }
        }

        /// <summary>One row for each misuse, in order: check, endpoint, who, PC, LR, first time in nanoseconds, how often.</summary>
        public string[,] Misuses()
        {
            return RP2040_USB_Sanitizer.Table(sanitizer);
        }

        public RP2040_USB_Sanitizer Sanitizer { get { return sanitizer; } }

        /// <summary>EP_ABORT_DONE says that a buffer can be taken back, or a SETUP that the firmware has not yet seen.</summary>
        public bool LetGo(RP2040_USB_Endpoint endpoint)
        {
            return (abort.Value & abortDone.Value & endpoint.Bit) != 0 || (endpoint.Number == 0 && setupReceived.Value);
        }

        private void NoteWrite(long offset, int width)
        {
            if(sanitizer != null)
            {
                sanitizer.MemoryWritten(offset & (RP2040_USB_Memory.Size - 1), width);
            }
        }

        private RP2040_USB_Sanitizer sanitizer;

        private readonly RP2040_Clocks clocks;
    }
}

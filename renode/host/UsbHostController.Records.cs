namespace Antmicro.Renode.UsbHosts
{
    // What has been on the bus, for somebody outside: records and traces.
    public partial class UsbHostController
    {
        /// <summary>Traces have each start of frame, too: a thousand in a second of an idle bus.</summary>
        public bool TraceStartsOfFrame { get; set; }

        /// <summary>Gathers a record of each transaction, event and transfer from now on, see <see cref="UsbRecords"/>.</summary>
        public bool KeepRecords
        {
            get { return bus.Records != null; }
            set { Act(() => bus.Records = value ? bus.Records ?? new UsbRecords() : null); }
        }

        /// <summary>What has gathered since the last call.</summary>
        public byte[] TakeRecords()
        {
            var records = bus.Records;
            return records == null ? UsbPacket.NoData : records.Take();
        }

        protected void TraceTo(string path)
        {
            Act(() => bus.Trace = path == null ? null : new UsbTrace(path));
        }

        protected UsbTrace CurrentTrace { get { return bus.Trace; } }
    }
}

namespace Antmicro.Renode.UsbHosts
{
    // Single transactions by hand, whatever was injected.
    internal sealed partial class UsbBus
    {
        /// <summary>
        /// What the device sent, null for silence. A data packet is acknowledged unless there is a fault or the endpoint is isochronous.
        /// </summary>
        public UsbPacket Raw(UsbPid token, int address, int endpoint, UsbPid pid, byte[] data, UsbFault fault, bool isochronous)
        {
            Count++;
            if(token == UsbPid.In)
            {
                return RawIn(address, endpoint, fault, isochronous);
            }
            var answer = token == UsbPid.Setup
                ? Wire.Setup(address, endpoint, data, fault) : Wire.Out(address, endpoint, pid, data, fault);
            End(data.Length + (answer == null ? UsbTiming.TokenAndDataOverhead + UsbTiming.Silence : UsbTiming.HandshakedOverhead), fault);
            Report(token, address, endpoint, token == UsbPid.Setup ? UsbPid.Data0 : pid, data, PidOf(answer), fault);
            return answer;
        }

        private UsbPacket RawIn(int address, int endpoint, UsbFault fault, bool isochronous)
        {
            var answer = Wire.In(address, endpoint, fault);
            if(answer == null || answer.Pid == UsbPid.Nak || answer.Pid == UsbPid.Stall)
            {
                End(answer == null ? UsbTiming.Token + UsbTiming.Silence : UsbTiming.RefusedIn, UsbFault.None);
                Report(UsbPid.In, address, endpoint, UsbPid.None, UsbPacket.NoData, PidOf(answer), fault);
                return answer;
            }
            End(answer.Data.Length + (isochronous ? UsbTiming.IsochronousOverhead : UsbTiming.HandshakedOverhead), fault);
            var acknowledged = !isochronous && !Failed(fault);
            if(!isochronous)
            {
                Wire.InHandshake(address, endpoint, acknowledged);
            }
            Report(UsbPid.In, address, endpoint, answer.Pid, answer.Data, acknowledged ? UsbPid.Ack : UsbPid.None, fault);
            return answer;
        }
    }
}

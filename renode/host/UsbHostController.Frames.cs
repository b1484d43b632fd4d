using System;

namespace Antmicro.Renode.UsbHosts
{
    // Scheduling: frames of 1 ms, and one transaction after the other in them (USB 2.0, 5.11.4, 10.2.3).
    public partial class UsbHostController
    {
        void IUsbPortUser.FramesBegin(bool atOnce)
        {
            var now = clock.Now;
            if(atOnce)
            {
                epoch = now;
                bus.Frame = -1;
                frameEnd = now;
                FrameBegins();
                return;
            }
            // The first whole millisecond since the end of the last reset that has not passed.
            var frame = (now - epoch + UsbTiming.Frame - 1) / UsbTiming.Frame;
            bus.Frame = frame - 1;
            frameEnd = epoch + frame * UsbTiming.Frame;
            frameAlarm.Schedule(frameEnd - now);
        }

        void IUsbPortUser.FramesEnd()
        {
            traffic = false;
            frameAlarm.Cancel();
            slotAlarm.Cancel();
            slotArmed = false;
            current = null;
        }

        void IUsbPortUser.TrafficBegin()
        {
            traffic = true;
            Kick();
        }

        /// <summary>A frame begins; called inside the emulation.</summary>
        protected virtual void FrameBegun()
        {
        }

        private void FrameBegins()
        {
            bus.Frame++;
            var begin = frameEnd;
            frameEnd = begin + UsbTiming.Frame;
            bus.FrameEnd = frameEnd;
            frameAlarm.Schedule(frameEnd - clock.Now);
            free = Math.Max(free, begin + UsbTiming.Sof);
            if(Neighbour)
            {
                neighbourAlarm.Schedule(begin + UsbTiming.Frame / 2 - clock.Now);
            }
            bus.Now = begin;
            if(sofFaults.Any)
            {
                free += sofFaults.Carry(bus);
            }
            else
            {
                bus.Wire.Sof((int)(bus.Frame & UsbTiming.FrameMask));
            }
            if(TraceStartsOfFrame)
            {
                bus.Event("sof");
            }
            FrameBegun();
            if(schedule.WaitsForFrame)
            {
                Kick();
            }
        }

        private void Kick()
        {
            if(traffic && !slotArmed)
            {
                slotArmed = true;
                slotAlarm.Schedule(free - clock.Now);
            }
        }

        /// <summary>Finishes the transaction whose time is over, then starts the next one if there is any.</summary>
        private void Slot()
        {
            var done = current;
            if(done != null)
            {
                current = null;
                bus.Wire.TransactionEnd();
                if(done.Outcome != UsbTransferStatus.Pending && !done.Final)
                {
                    Finish(done, done.Outcome);
                }
            }
            if(!traffic)
            {
                slotArmed = false;
                Poke();
                return;
            }
            var now = clock.Now;
            if(now < free)
            {
                slotAlarm.Schedule(free - now);
                return;
            }
            var end = frameEnd;
            if(stimulus != null)
            {
                end = StimulateOrWait(now);
                if(end <= now)
                {
                    return;
                }
            }
            var pipe = schedule.Choose(bus.Frame, end - now);
            if(pipe == null)
            {
                slotArmed = false;
                return;
            }
            current = pipe.Queue[0];
            bus.Now = now;
            pipe.Step(bus);
            free = now + bus.Duration;
            slotAlarm.Schedule(bus.Duration);
        }

        private UsbAlarm frameAlarm;
        private UsbAlarm slotAlarm;
        /// <summary>The end of the last reset, from which frames are counted.</summary>
        private long epoch;
        private long frameEnd;
        /// <summary>When the bus is free again.</summary>
        private long free;
        private bool traffic;
        private bool slotArmed;
        private UsbTransfer current;
    }
}

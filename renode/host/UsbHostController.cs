using System;
using System.Collections.Generic;
using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.UsbHosts
{
    /// <summary>
    /// The host controller: one root port, frames of 1 ms, transfers (USB 2.0, chapters 5 and 10; docs/bus-timing.md).
    /// Its twin is src/renode_pico/usb/host.py.
    /// </summary>
    /// <remarks>
    /// It owns toggles, retries and time-outs; it does not know what a request means. Times are emulated seconds. Everything that
    /// waits lets the emulation run until it is done or until the deadline: a paused emulation is started and stopped again at
    /// the end of the quantum in which it happened, a running one is watched.
    /// </remarks>
    public partial class UsbHostController : IUsbWireListener, IUsbPortUser
    {
        // What can be seen

        /// <summary>Emulated seconds since power-on.</summary>
        public double Now { get { return clock == null ? 0 : clock.Now / (double)UsbTiming.Second; } }
        /// <summary>The cable is in and VBUS is on.</summary>
        public bool Plugged { get { return port != null ? port.State != UsbPortState.Unplugged : plugWanted; } }
        /// <summary>The cable is in and the device has its pull-up on.</summary>
        public bool Attached { get { return port != null && port.Attached; } }
        /// <summary>The bus is idle, or just being resumed.</summary>
        public bool Suspended
        {
            get { return port != null && (port.State == UsbPortState.Suspended || port.State == UsbPortState.Resuming); }
        }
        public UsbPortState PortState { get { return port == null ? UsbPortState.Unplugged : port.State; } }
        /// <summary>The number of the current frame, 11 bits.</summary>
        public int Frame { get { return (int)(bus.Frame & UsbTiming.FrameMask); } }
        /// <summary>How often a device was seen to attach, each time after 100 ms of debounce.</summary>
        public int AttachCount { get { return port == null ? 0 : port.AttachCount; } }
        /// <summary>How many transactions the bus has carried since power-on, SOF not counted.</summary>
        public long Transactions { get { return bus.Count; } }

        // IUsbWireListener

        void IUsbWireListener.PullUpChanged(bool attached)
        {
            port.PullUpChanged(attached);
        }

        void IUsbWireListener.RemoteWakeup()
        {
            port.RemoteWakeup();
        }

        void IUsbWireListener.EndpointReady(int endpointAddress)
        {
            if(schedule.Unpark(endpointAddress))
            {
                Kick();
            }
        }

        void IUsbPortUser.PortChanged()
        {
            PortStateChanged(port.State);
            Poke();
        }

        protected UsbHostController()
        {
            bus = new UsbBus();
            schedule = new UsbSchedule();
            deadlines = new List<UsbTransfer>();
        }

        /// <summary>The device's end of the cable.</summary>
        protected void Attach(IUsbWire wire)
        {
            if(bus.Wire != null)
            {
                throw new RecoverableException("The USB host has one port, and something is connected to it already");
            }
            if(wire.Listener != null)
            {
                throw new RecoverableException("The USB controller is connected to another host already");
            }
            bus.Wire = wire;
            clock = wire.Clock;
            frameAlarm = clock.Alarm(FrameBegins);
            slotAlarm = clock.Alarm(Slot);
            timeoutAlarm = clock.Alarm(Timeouts);
            waitAlarm = clock.Alarm(WaitIsOver);
            lookAlarm = clock.Alarm(LookAgain);
            stimulusAlarm = clock.Alarm(Kick);
            neighbourAlarm = clock.Alarm(PollNeighbour);
            se0Alarm = clock.Alarm(wire.ResetEnd);
            port = new UsbRootPort(bus, clock, this);
            wire.Listener = this;
            if(plugWanted)
            {
                Act(port.Plug);
            }
        }

        protected void Detach(IUsbWire wire)
        {
            if(bus.Wire != wire)
            {
                return;
            }
            Act(() =>
            {
                port.Unplug();
                timeoutAlarm.Cancel();
            });
            wire.Listener = null;
            bus.Wire = null;
            port = null;
            clock = null;
        }

        /// <summary>The port is in another state; called inside the emulation.</summary>
        protected virtual void PortStateChanged(UsbPortState state)
        {
        }

        protected void PlugCable()
        {
            plugWanted = true;
            if(port != null)
            {
                Act(port.Plug);
            }
        }

        protected void UnplugCable()
        {
            plugWanted = false;
            if(port != null)
            {
                Act(port.Unplug);
            }
        }

        /// <summary>Drives a bus reset (10 ms SE0, then 10 ms recovery; 7.1.7.5); all pipes end, all toggles are DATA0.</summary>
        protected void ResetBus()
        {
            RunUntilWithin(() => Port.State != UsbPortState.Debounce, UsbTiming.Debounce + Grace);
            if(Port.Gone)
            {
                throw new RecoverableException("bus reset: nothing is attached to the port{0}".FormatText(At));
            }
            var count = AttachCount;
            Act(ResetBegin);
            RunUntilWithin(() => Port.State != UsbPortState.Reset && Port.State != UsbPortState.Recovery,
                UsbTiming.Reset + UsbTiming.ResetRecovery + Grace);
            if(Port.State != UsbPortState.Active || AttachCount != count)
            {
                throw new RecoverableException("bus reset: the device left the bus during the reset{0}".FormatText(At));
            }
        }

        /// <summary>Starts a bus reset; to be called inside the emulation.</summary>
        protected void ResetBegin()
        {
            port.ResetBegin();
        }

        /// <summary>Stops all traffic; over when the bus has been idle for 5 ms. Transfers under way wait for the resume.</summary>
        protected void SuspendBus()
        {
            ExpectEnabled("suspend");
            if(Port.State == UsbPortState.Suspended)
            {
                return;
            }
            RunUntilWithin(() => Port.State != UsbPortState.Recovery, UsbTiming.ResetRecovery + Grace);
            Act(() => traffic = false);
            RunUntilWithin(() => current == null, UsbTiming.Frame);
            ExpectEnabled("suspend");
            Act(Port.Suspend);
            RunUntilWithin(() => Port.State != UsbPortState.Suspended, UsbTiming.Suspend);
        }

        /// <summary>Drives resume for 20 ms, then starts frames again (7.1.7.7); over after 10 ms of recovery.</summary>
        protected void ResumeBus()
        {
            ExpectEnabled("resume");
            if(Port.State == UsbPortState.Suspended)
            {
                Act(Port.ResumeBegin);
            }
            if(!RunUntilResumed(WaitLimit))
            {
                throw new RecoverableException("resume: the bus is still {0}{1}".FormatText(PortState, At));
            }
        }

        protected UsbAlarm Alarm(Action callback)
        {
            return Clock.Alarm(callback);
        }

        protected void ExpectConnected()
        {
            if(clock == null)
            {
                throw new RecoverableException("No USB controller is connected to this host; try: connector Connect sysbus.usb usb_host");
            }
        }

        protected UsbClock Clock
        {
            get
            {
                ExpectConnected();
                return clock;
            }
        }

        /// <summary>For messages: the emulated time.</summary>
        protected string At { get { return " (at {0:F6} s)".FormatText(Now); } }

        private void ExpectEnabled(string what)
        {
            if(!Port.Enabled)
            {
                throw new RecoverableException("{0}: the port is {1}{2}; enumerate a device".FormatText(what, PortState, At));
            }
        }

        private UsbRootPort Port
        {
            get
            {
                ExpectConnected();
                return port;
            }
        }

        private bool plugWanted;
        private UsbRootPort port;
        private UsbClock clock;

        private readonly UsbBus bus;

        /// <summary>What a wait for something with a fixed length is given beyond it.</summary>
        private const long Grace = UsbTiming.Microsecond;
    }
}

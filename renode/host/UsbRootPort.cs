namespace Antmicro.Renode.UsbHosts
{
    public enum UsbPortState
    {
        Unplugged,
        /// <summary>Plugged in, nothing attached.</summary>
        Detached,
        /// <summary>Attached, not yet settled.</summary>
        Debounce,
        /// <summary>Attached, never reset.</summary>
        Attached,
        Reset,
        /// <summary>Recovering from reset or resume: only SOF is sent.</summary>
        Recovery,
        Active,
        Suspended,
        Resuming,
    }

    /// <summary>What the port tells the host it belongs to.</summary>
    internal interface IUsbPortUser
    {
        /// <summary>Frames run: from now with number 0 after a reset, or go on at the next whole millisecond.</summary>
        void FramesBegin(bool atOnce);

        /// <summary>From now nothing is sent, SOF included.</summary>
        void FramesEnd();

        /// <summary>Recovery is over: transactions may be sent.</summary>
        void TrafficBegin();

        /// <summary>The device left the bus or is being reset: all its transfers end.</summary>
        void DeviceLost();

        void PortChanged();
    }

    /// <summary>
    /// One full-speed root port: attach and detach, reset, suspend and resume (USB 2.0, 7.1.7 and 11.5). What takes time happens
    /// through one alarm.
    /// </summary>
    internal sealed class UsbRootPort
    {
        public UsbRootPort(UsbBus bus, UsbClock clock, IUsbPortUser user)
        {
            this.bus = bus;
            this.user = user;
            this.clock = clock;
            alarm = clock.Alarm(Timer);
        }

        public void Plug()
        {
            if(State != UsbPortState.Unplugged)
            {
                return;
            }
            Event("plug");
            Enter(UsbPortState.Detached);
            bus.Wire.Vbus(true);
            if(bus.Wire.PulledUp && State == UsbPortState.Detached)
            {
                Attach();
            }
        }

        public void Unplug()
        {
            if(State == UsbPortState.Unplugged)
            {
                return;
            }
            alarm.Cancel();
            Event("unplug");
            Leave(UsbPortState.Unplugged);
            bus.Wire.Vbus(false);
        }

        /// <summary>The loss of the pull-up counts however short it is; it is acted upon when the current event is over.</summary>
        public void PullUpChanged(bool attached)
        {
            if(State == UsbPortState.Unplugged)
            {
                return;
            }
            if(!attached)
            {
                blinked = true;
                alarm.Schedule(0);
            }
            else if(State == UsbPortState.Detached && !blinked)
            {
                Attach();
            }
        }

        /// <summary>Drives SE0; the end comes by itself.</summary>
        public void ResetBegin()
        {
            user.FramesEnd();
            Event("reset");
            Enter(UsbPortState.Reset);
            user.DeviceLost();
            bus.Wire.ResetBegin();
            alarm.Schedule(UsbTiming.Reset);
        }

        public void Suspend()
        {
            alarm.Cancel();
            user.FramesEnd();
            Event("suspend");
            Enter(UsbPortState.Suspended);
            bus.Wire.Idle();
        }

        /// <summary>Drives K; the end comes by itself.</summary>
        public void ResumeBegin()
        {
            Event("resume");
            Enter(UsbPortState.Resuming);
            bus.Wire.ResumeBegin();
            alarm.Schedule(UsbTiming.Resume);
        }

        /// <summary>Takes over the resume signal that a device began (7.1.7.7); without a suspended bus it means nothing.</summary>
        public void RemoteWakeup()
        {
            if(State == UsbPortState.Suspended)
            {
                Event("remote wake-up");
                ResumeBegin();
            }
        }

        public UsbPortState State { get; private set; }
        /// <summary>How often a device was seen to attach, each time after 100 ms of debounce.</summary>
        public int AttachCount { get; private set; }
        /// <summary>The cable is in and the pull-up on.</summary>
        public bool Attached { get { return State != UsbPortState.Unplugged && bus.Wire.PulledUp; } }
        /// <summary>The device has been reset since it attached, and reset is over.</summary>
        public bool Enabled
        {
            get
            {
                return State == UsbPortState.Active || State == UsbPortState.Recovery || State == UsbPortState.Suspended
                    || State == UsbPortState.Resuming;
            }
        }
        public bool Gone { get { return State == UsbPortState.Unplugged || State == UsbPortState.Detached; } }

        private void Timer()
        {
            if(blinked)
            {
                blinked = false;
                Leave(UsbPortState.Detached);
                if(bus.Wire.PulledUp)
                {
                    Attach();
                }
                return;
            }
            switch(State)
            {
            case UsbPortState.Debounce:
                AttachCount++;
                Event("attach");
                Enter(UsbPortState.Attached);
                break;
            case UsbPortState.Reset:
                bus.Wire.ResetEnd();
                Event("reset end");
                Enter(UsbPortState.Recovery);
                alarm.Schedule(UsbTiming.ResetRecovery);
                user.FramesBegin(true);
                break;
            case UsbPortState.Resuming:
                bus.Wire.ResumeEnd();
                Event("resume end");
                Enter(UsbPortState.Recovery);
                alarm.Schedule(UsbTiming.ResumeRecovery);
                user.FramesBegin(false);
                break;
            case UsbPortState.Recovery:
                Enter(UsbPortState.Active);
                user.TrafficBegin();
                break;
            }
        }

        private void Attach()
        {
            Enter(UsbPortState.Debounce);
            bus.Wire.Idle();
            alarm.Schedule(UsbTiming.Debounce);
        }

        private void Leave(UsbPortState state)
        {
            var wasKnown = State != UsbPortState.Detached && State != UsbPortState.Debounce;
            if(State == UsbPortState.Reset)
            {
                bus.Wire.ResetEnd();
            }
            else if(State == UsbPortState.Resuming)
            {
                bus.Wire.ResumeEnd();
            }
            blinked = false;
            user.FramesEnd();
            Enter(state);
            if(wasKnown)
            {
                Event("detach");
                user.DeviceLost();
            }
        }

        private void Enter(UsbPortState state)
        {
            State = state;
            user.PortChanged();
        }

        private void Event(string what)
        {
            bus.Now = clock.Now;
            bus.Event(what);
        }

        private bool blinked;

        private readonly UsbBus bus;
        private readonly UsbClock clock;
        private readonly UsbAlarm alarm;
        private readonly IUsbPortUser user;
    }
}

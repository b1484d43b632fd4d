using System;
using Antmicro.Renode.UsbHosts;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// The two data lines as the device's end of the cable sees them: attach, reset, suspend, resume (USB 2.0, 7.1.7).
    /// </summary>
    public class RP2040_USB_Line
    {
        /// <param name="clock">Emulated time.</param>
        /// <param name="resetSeen">A bus reset was seen.</param>
        /// <param name="resumeSeen">The host resumes a bus that this device did not wake up itself.</param>
        /// <param name="connectedChanged">CONNECTED has changed.</param>
        /// <param name="suspendedChanged">SUSPENDED has changed.</param>
        public RP2040_USB_Line(UsbClock clock, Action resetSeen, Action resumeSeen, Action connectedChanged, Action suspendedChanged)
        {
            this.resumeSeen = resumeSeen;
            this.connectedChanged = connectedChanged;
            this.suspendedChanged = suspendedChanged;
            resetAlarm = clock.Alarm(resetSeen);
            connectedAlarm = clock.Alarm(ConnectedTimeOver);
            idleAlarm = clock.Alarm(IdleTimeOver);
            wakeUpAlarm = clock.Alarm(WakeUpOver);
        }

        // What the controller does

        /// <summary>The block's reset: no pull-up, nothing connected, no wake-up under way.</summary>
        public void BlockReset()
        {
            deviceK = false;
            padForced = false;
            resetAlarm.Cancel();
            wakeUpAlarm.Cancel();
            pullUp = false;
            traffic = false;
            Update();
            SetConnected(false);
            SetSuspended(false);
        }

        /// <summary>The resistor on D+; true when that is news.</summary>
        public bool SetPullUp(bool on)
        {
            if(on == pullUp)
            {
                return false;
            }
            pullUp = on;
            traffic = false;
            Update();
            return true;
        }

        /// <summary>VBUS_DETECTED: without it the controller does not count as connected, whatever the lines say.</summary>
        public void SetPowered(bool detected)
        {
            Powered = detected;
            if(!detected)
            {
                connectedAlarm.Cancel();
                SetConnected(false);
            }
            else if(State == LineState.J && !Connected)
            {
                connectedAlarm.Schedule(ConnectedTime);
            }
        }

        /// <summary>USB_MUXING takes the input from the digital pads, which the firmware holds at J.</summary>
        public void ForcePad(bool forced)
        {
            padForced = forced;
            Update();
        }

        /// <summary>Drives K for a remote wake-up; false if the bus is not suspended, so there is nothing to wake.</summary>
        public bool WakeUp()
        {
            if(!Suspended || !Vbus || !pullUp)
            {
                return false;
            }
            deviceK = true;
            wakeUpAlarm.Schedule(WakeUpTime);
            Update();
            return true;
        }

        // What the host does

        /// <summary>The cable's 5 V; without a host behind it nothing is driven any more and the bus falls idle.</summary>
        public void SetVbus(bool present)
        {
            Vbus = present;
            hostSe0 = false;
            hostK = false;
            deviceK = false;
            resetAlarm.Cancel();
            Update();
            Idle();
        }

        public void ResetBegin()
        {
            hostSe0 = true;
            hostK = false;
            deviceK = false;
            Update();
            if(pullUp)
            {
                resetAlarm.Schedule(ResetTime);
            }
        }

        public void ResetEnd()
        {
            hostSe0 = false;
            resetAlarm.Cancel();
            Update();
        }

        public void ResumeBegin()
        {
            var byHost = Suspended && !deviceK;
            hostK = true;
            Update();
            if(byHost)
            {
                resumeSeen();
            }
        }

        public void ResumeEnd()
        {
            hostK = false;
            deviceK = false;
            wakeUpAlarm.Cancel();
            Update();
        }

        /// <summary>No traffic from now on.</summary>
        public void Idle()
        {
            traffic = false;
            if(State == LineState.J && !Suspended)
            {
                idleAlarm.Schedule(SuspendTime);
            }
        }

        /// <summary>A packet: the bus is not idle.</summary>
        public void Traffic()
        {
            NotIdle();
            if(!traffic)
            {
                traffic = true;
                idleAlarm.Cancel();
                SetSuspended(false);
            }
        }

        /// <summary>RP2040-E5: a packet, whoever it is for; what is waited for begins anew.</summary>
        public void NotIdle()
        {
            if(NeedsIdle && !Connected && Powered && State == LineState.J && !padForced)
            {
                connectedAlarm.Schedule(ConnectedTime);
            }
        }

        public LineState State { get; private set; }
        public bool Connected { get; private set; }
        public bool Suspended { get; private set; }
        public bool Vbus { get; private set; }
        public bool Powered { get; private set; }
        public bool PullUp { get { return pullUp; } }
        /// <summary>Tokens reach the device: it is attached and the line carries neither reset nor resume.</summary>
        public bool Listening { get { return pullUp && Vbus && !hostSe0 && !hostK && (Connected || !NeedsIdle); } }
        /// <summary>RP2040-E5: after a bus reset nothing is heard before CONNECTED, and CONNECTED needs 800 µs without a packet.</summary>
        public bool NeedsIdle { get; set; }

        private void Update()
        {
            var state = padForced ? LineState.J
                : hostSe0 ? LineState.SE0
                : hostK || deviceK ? LineState.K
                : pullUp ? LineState.J : LineState.SE0;
            if(state == State)
            {
                return;
            }
            State = state;
            traffic = false;
            if(state == LineState.J)
            {
                idleAlarm.Schedule(SuspendTime);
                if(Powered && !Connected)
                {
                    connectedAlarm.Schedule(ConnectedTime);
                }
                return;
            }
            idleAlarm.Cancel();
            connectedAlarm.Cancel();
            SetSuspended(false);
            if(state == LineState.SE0)
            {
                SetConnected(false);
            }
        }

        private void SetConnected(bool value)
        {
            if(Connected != value)
            {
                Connected = value;
                connectedChanged();
            }
        }

        private void SetSuspended(bool value)
        {
            if(Suspended != value)
            {
                Suspended = value;
                suspendedChanged();
            }
        }

        private void ConnectedTimeOver()
        {
            SetConnected(true);
        }

        private void IdleTimeOver()
        {
            SetSuspended(true);
        }

        private void WakeUpOver()
        {
            deviceK = false;
            Update();
        }

        private bool pullUp;
        private bool padForced;
        private bool hostSe0;
        private bool hostK;
        private bool deviceK;
        private bool traffic;

        private readonly Action resumeSeen;
        private readonly Action connectedChanged;
        private readonly Action suspendedChanged;
        private readonly UsbAlarm resetAlarm;
        private readonly UsbAlarm connectedAlarm;
        private readonly UsbAlarm idleAlarm;
        private readonly UsbAlarm wakeUpAlarm;

        // SE0 for 2.5 µs is a reset (USB 2.0, table 7-14, T_DETRST).
        private const long ResetTime = 2500;
        // J for 800 µs and the controller counts as connected (pico_fix, rp2040_usb_device_enumeration.c).
        private const long ConnectedTime = 800 * UsbTiming.Microsecond;
        // An idle bus for 3 ms is a suspended one (USB 2.0, 7.1.7.6).
        private const long SuspendTime = 3 * UsbTiming.Millisecond;
        // The longest a device may drive K (USB 2.0, 7.1.7.7, T_DRSMUP).
        private const long WakeUpTime = 15 * UsbTiming.Millisecond;
    }

    /// <summary>SIE_STATUS.LINE_STATE.</summary>
    public enum LineState
    {
        SE0 = 0,
        J = 1,
        K = 2,
    }
}

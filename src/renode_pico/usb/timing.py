"""How long things take on a full-speed bus, in integer nanoseconds of emulated time (docs/bus-timing.md).

A transaction of n byte times lasts n × 2000 / 3 ns, rounded down (12 Mbit/s; USB 2.0, 5.3 and tables 5-5 to 5-10).
"""

from __future__ import annotations

from renode_pico.clock import NS_PER_MS
from renode_pico.usb.wire import Fault

FRAME_NS = NS_PER_MS
FRAME_MASK = 0x7FF
"""Frame numbers have 11 bits (USB 2.0, 8.3.3)."""

HANDSHAKED_OVERHEAD = 13
"""Byte times a SETUP, OUT or IN transaction needs beside its data, handshake included."""
REFUSED_IN = 8
"""Byte times of an IN answered by NAK or STALL."""
ISOCHRONOUS_OVERHEAD = 9
TOKEN = 4
TOKEN_AND_DATA_OVERHEAD = 9
"""Token, gap and a data packet without its data."""
SILENCE = 3
"""Byte times a sender waits before it gives up: 18 bit times (USB 2.0, 7.1.19.1)."""
SLOW = 1
"""Byte times that a packet of 16 bit times' delay is later than one after the usual gap of one byte time."""
LATE = 2
"""The same for 19 bit times, rounded up."""
FAULT_DELAYS = {Fault.SLOW: SLOW, Fault.LATE: LATE}
"""Byte times by which a fault makes a transaction longer; none by the others."""
STRAY_TOKEN = 4
STRAY_HANDSHAKE = 3
STRAY_DATA = 13
"""Byte times of a data packet with eight bytes."""
STRAY_LOW_SPEED = 43
"""PRE and four byte times of hub set-up, then a low-speed token: eight times as long as at full speed."""
SE0_LONGEST_NS = 10 * NS_PER_MS

MAX_PACKET = 1023
_LONGEST = MAX_PACKET + HANDSHAKED_OVERHEAD + SILENCE + LATE
BYTE_TIMES_NS: tuple[int, ...] = tuple(n * 2000 // 3 for n in range(_LONGEST + 1))
"""The length of n byte times; a table, as it is looked at for every transaction."""

SOF_NS = BYTE_TIMES_NS[6]
EOF1_NS = 32 * 1000 // 12
"""How long before the end of a frame EOF1 is: 32 bit times (USB 2.0, table 11-3)."""
EOF2_NS = 10 * 1000 // 12
"""The same for EOF2: 10 bit times."""

DEBOUNCE_NS = 100 * NS_PER_MS
"""T_ATTDB: how long an attached device must stay so before the host acts on it (USB 2.0, 7.1.7.3)."""
RESET_NS = 10 * NS_PER_MS
"""T_DRSTR as driven by this root port (USB 2.0, 7.1.7.5)."""
RESET_RECOVERY_NS = 10 * NS_PER_MS
"""T_RSTRCY: no transaction but SOF before it has passed."""
RESUME_NS = 20 * NS_PER_MS
"""T_DRSMDN (USB 2.0, 7.1.7.7)."""
RESUME_RECOVERY_NS = 10 * NS_PER_MS
"""T_RSMRCY."""
SUSPEND_NS = 5 * NS_PER_MS
"""How long `suspend()` watches the bus idle before it returns; a device has noticed after 3 ms (7.1.7.6)."""
SET_ADDRESS_RECOVERY_S = 0.010
"""What Linux gives a device after SET_ADDRESS, in seconds."""
STRICT_SET_ADDRESS_RECOVERY_S = 0.002
"""What a device may take (USB 2.0, 9.2.6.3)."""
SET_ADDRESS_RETRY_S = 0.2
"""What Linux lets pass before it asks a second time, in seconds."""
ENUMERATION_RETRY_S = 0.18
"""Before it begins again, in seconds: an attempt has two resets, of 110 ms in Linux (SE0 60, recovery 50), 20 here."""
ENUMERATION_PAUSE_S = 0.5
"""The same in the middle, where Linux takes the port's power away for 200 ms, waits 100 for it, then debounces.

Few ports can switch their power, and no power is switched here; the time passes all the same.
"""

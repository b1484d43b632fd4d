# A USB mass-storage device (bulk-only transport 1.0, SCSI transparent command set) on a RAM disk.
#
#   import msc_ramdisk
#   storage = msc_ramdisk.start()     # 64 KiB, with an empty FAT file system
#
# The same disk can be mounted on the board (not while the host writes to it): vfs.mount(storage.disk, "/ram")
import struct

import vfs
from composite_device import SETUP, Device, Function, endpoint, interface

BLOCK = 512
PACKET = 64
MOST = 32768  # bytes of one transfer

RESET, GET_MAX_LUN = 0xFF, 0xFE  # class requests (bulk-only transport, 3)
PASSED, FAILED, PHASE_ERROR = 0, 1, 2

NO_SENSE = (0, 0x00)
NOT_SUPPORTED = (5, 0x20)  # illegal request: invalid command operation code
OUT_OF_RANGE = (5, 0x21)  # illegal request: logical block address out of range
INVALID_FIELD = (5, 0x24)  # illegal request: invalid field in the command

# fmt: off
TEST_UNIT_READY, REQUEST_SENSE, INQUIRY, MODE_SENSE, START_STOP, PREVENT = 0x00, 0x03, 0x12, 0x1A, 0x1B, 0x1E
READ_FORMAT_CAPACITIES, READ_CAPACITY, READ, WRITE, VERIFY, SYNCHRONIZE = 0x23, 0x25, 0x28, 0x2A, 0x2F, 0x35
# fmt: on


class RamDisk:
    """A block device in RAM (vfs.AbstractBlockDev)."""

    def __init__(self, blocks):
        self.data = bytearray(blocks * BLOCK)
        self.view = memoryview(self.data)

    def readblocks(self, block, buf, offset=0):
        start = block * BLOCK + offset
        buf[:] = self.view[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        start = block * BLOCK + offset
        self.data[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // BLOCK
        return BLOCK if op == 5 else 0


class MassStorage(Function):
    name = "RAM disk"

    def __init__(self, disk):
        self.disk = disk
        self._cbw = bytearray(PACKET)  # of which 31 are the wrapper: TinyUSB copies all that a packet brings, asked for or not
        self._sense = NO_SENSE
        self.reset()

    def reset(self):
        self._next = None  # what to do when the transfer, or the stall, under way is over
        self._waits = None  # the buffer of the transfer under way
        self._stalled = None  # the endpoint whose stall is waited for
        self._broken = False  # stalled until the host resets us

    def descriptor(self, itf, ep, string):
        self.ep_out = ep
        self.ep_in = 0x80 | ep
        return (
            interface(itf, 2, 8, 6, 0x50, string) + endpoint(self.ep_out, 2, PACKET) + endpoint(self.ep_in, 2, PACKET)
        )

    def opened(self):
        self._await_command()

    def control(self, stage, kind, code, value, length):
        if kind == 0xA1 and code == GET_MAX_LUN:
            return b"\0" if stage == SETUP else True
        if kind == 0x21 and code == RESET:
            if stage == SETUP:
                self._recover()
            return True
        return False

    def done(self, ep, n):
        self._count = n
        self._waits = None
        self._go_on()

    def resumed(self, ep):
        if self._broken:  # an invalid command wrapper: only the reset request ends that
            self._stall(ep)
        elif ep == self._stalled:
            self._stalled = None
            self._go_on()

    def _go_on(self):
        step = self._next
        self._next = None
        if step:
            step()

    def _recover(self):
        """The reset request: a command is next. Stalls stay until the host clears them, IN first (3.1, 5.3.4)."""
        if self._waits is self._cbw:
            return
        waits = self._waits
        self.reset()
        self._waits = waits  # machine.USBDevice cannot take a transfer back
        self._next = self._await_command
        self._stalled = None if waits else self.ep_out

    # Bulk-only transport: command wrapper, data, status wrapper

    def _await_command(self):
        self._then(self._command, self.ep_out, self._cbw)

    def _command(self):
        signature, self._tag, self._expected, flags, lun, size = struct.unpack_from("<IIIBBB", self._cbw)
        if self._count != 31 or signature != 0x43425355 or lun or not 1 <= size <= 16:
            self._broken = True
            self._stall(self.ep_in)
            self._stall(self.ep_out)
            return
        self._to_host = bool(flags & 0x80)
        self._moved = 0
        self._status = PASSED
        command = memoryview(self._cbw)[15:31]
        handler = COMMANDS.get(command[0])
        if command[0] != REQUEST_SENSE:
            self._sense = NO_SENSE
        if handler:
            handler(self, command)
        else:
            self._fail(NOT_SUPPORTED)

    def _fail(self, sense):
        self._sense = sense
        self._status = FAILED
        self._finish()

    def _finish(self):
        """The data stage is over; one that is shorter than the host expects ends with a stall."""
        if self._moved < self._expected:
            self._next = self._send_status
            self._stalled = self.ep_in if self._to_host else self.ep_out
            self._stall(self._stalled)
        else:
            self._send_status()

    def _send_status(self):
        csw = struct.pack("<IIIB", 0x53425355, self._tag, self._expected - self._moved, self._status)
        # After a phase error the host resets us and clears both endpoints (5.3.3.1). A wrapper that waited for a command by then
        # would keep its data toggle, and miss the next one.
        self._then(self._nothing_more if self._status == PHASE_ERROR else self._await_command, self.ep_in, csw)

    def _nothing_more(self):
        pass

    def _then(self, step, ep, buffer):
        self._next = step
        self._waits = buffer
        self.device.submit(ep, buffer)

    def _stall(self, ep):
        self.device.usb.stall(ep, True)

    def _send(self, data):
        """The data stage of a command that answers with `data`, cut to what the host expects."""
        if not self._to_host and self._expected:
            self._phase_error()
            return
        self._transfer(memoryview(data)[: self._expected], self.ep_in)

    def _phase_error(self):
        self._status = PHASE_ERROR
        self._finish()

    def _transfer(self, rest, ep):
        if not rest:
            self._finish()
            return
        self._rest = rest
        self._ep = ep
        self._then(self._transferred, ep, rest[:MOST])

    def _transferred(self):
        self._moved += self._count
        self._transfer(self._rest[self._count :], self._ep)

    # SCSI commands (SPC-2, SBC-2)

    def _nothing(self, command):
        if self._expected:
            self._fail(INVALID_FIELD)
        else:
            self._finish()

    def _request_sense(self, command):
        key, code = self._sense
        self._sense = NO_SENSE
        self._send(bytes((0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, 0, 0, 0, 0, 0))[: command[4]])

    def _inquiry(self, command):
        if command[1] & 1:  # vital product data pages
            self._fail(INVALID_FIELD)
            return
        # Direct access, removable, SPC-2; 31 more bytes.
        self._send((b"\x00\x80\x04\x02\x1f\0\0\0" + b"MicroPy RAM disk        1.00")[: command[4]])

    def _mode_sense(self, command):
        self._send(b"\x03\0\0\0"[: command[4]])  # a header and no pages; not write protected

    def _read_format_capacities(self, command):
        self._send(struct.pack(">IIBBH", 8, self._blocks(), 2, 0, BLOCK))  # formatted

    def _read_capacity(self, command):
        self._send(struct.pack(">II", self._blocks() - 1, BLOCK))

    def _read(self, command):
        data = self._range(command)
        if data is None:
            return
        if len(data) > self._expected:  # send what was asked for, and say that it is not all
            self._status = PHASE_ERROR
        self._send(data)

    def _write(self, command):
        data = self._range(command)
        if data is None:
            return
        if self._to_host or len(data) > self._expected:
            self._phase_error()
        else:
            self._transfer(data, self.ep_out)

    def _range(self, command):
        _, _, block, _, count = struct.unpack(">BBIBH", command)
        if block + count > self._blocks():
            self._fail(OUT_OF_RANGE)
            return None
        return self.disk.view[block * BLOCK : (block + count) * BLOCK]

    def _blocks(self):
        return self.disk.ioctl(4, 0)


COMMANDS = {
    TEST_UNIT_READY: MassStorage._nothing,
    REQUEST_SENSE: MassStorage._request_sense,
    INQUIRY: MassStorage._inquiry,
    MODE_SENSE: MassStorage._mode_sense,
    START_STOP: MassStorage._nothing,
    PREVENT: MassStorage._nothing,
    READ_FORMAT_CAPACITIES: MassStorage._read_format_capacities,
    READ_CAPACITY: MassStorage._read_capacity,
    READ: MassStorage._read,
    WRITE: MassStorage._write,
    VERIFY: MassStorage._nothing,
    SYNCHRONIZE: MassStorage._nothing,
}


def start(blocks=128, **options):
    """A mass-storage device on its own."""
    disk = RamDisk(blocks)
    vfs.VfsFat.mkfs(disk)
    storage = MassStorage(disk)
    Device(storage, pid=0x9903, **options).start()
    return storage

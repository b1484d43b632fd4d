# A composite of four functions: keyboard, MIDI, a RAM disk and the DFU runtime interface.
#
#   import composite_four
#   keyboard, midi, disk, dfu = composite_four.start()
import machine
from composite_device import Device
from dfu_runtime import DfuRuntime
from hid_keyboard import Keyboard
from midi_device import Midi
from msc_ramdisk import MassStorage, RamDisk


def start(**options):
    keyboard, midi = Keyboard(), Midi()
    disk = MassStorage(RamDisk(64))
    dfu = DfuRuntime(lambda _: machine.bootloader())
    # MIDI first: MicroPython 1.25 takes an interface association for the end of the function before it (_runtime_dev_claim_itfs),
    # and TinyUSB then leaves the second interface without a driver.
    Device(midi, keyboard, disk, dfu, pid=0x9905, **options).start()
    return keyboard, midi, disk, dfu

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
    functions = (
        Keyboard(),
        Midi(),
        MassStorage(RamDisk(64)),
        DfuRuntime(lambda _: machine.bootloader()),
    )
    Device(*functions, pid=0x9905, **options).start()
    return functions

"""What the Renode platform needs beside its text files: Renode, the models as one assembly, and the boot ROM's image.

Compiling the C# costs one to five seconds. One assembly, compiled once and kept in the user's cache under a hash of its
sources, is loaded in no time and lets a saved state be loaded in another process.

Run as a program (`python -m renode_pico.renode_models`) it prepares the cache and prints what it made.
"""

from renode_pico.renode_models.assembly import Prepared, prepare, prepare_boot_rom, sources
from renode_pico.renode_models.bootrom import boot_rom
from renode_pico.renode_models.installation import (
    Layout,
    RenodeHere,
    RenodeInstallation,
    Runtime,
    find_renode,
    look_for_renode,
)

__all__ = [
    "Layout",
    "Prepared",
    "RenodeHere",
    "RenodeInstallation",
    "Runtime",
    "boot_rom",
    "find_renode",
    "look_for_renode",
    "prepare",
    "prepare_boot_rom",
    "sources",
]

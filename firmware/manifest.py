"""What is frozen into every variant (MicroPython's manifest language, run by its tools/makemanifest.py).

The port's own boards/manifest.py, plus `modules/` beside this file. The drivers that the port takes from
micropython-lib are frozen when that library is there, as it is in a MicroPython checkout with its submodules; Debian
does not package it.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")

for driver in ("onewire", "ds18x20", "dht", "neopixel"):
    try:
        require(driver)
    except ValueError:  # "Package not found in any known library"
        break

freeze("modules")

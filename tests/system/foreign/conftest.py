"""Firmware of others that this build cannot get by itself: without it, its tests are skipped with the reason."""

from __future__ import annotations

import pytest

from renode_pico.firmware import image_folder

NOT_BUILT = (
    "TinyUSB's examples are not built, as Debian's package has none: set PICO_TINYUSB_PATH to a checkout of TinyUSB "
    "and run firmware/examples.py"
)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what has no image."""
    if not (image_folder() / "tinyusb" / "cdc_msc.uf2").is_file():
        pytest.skip(NOT_BUILT)

"""Firmware of others, which not every machine can get: without it, its tests are skipped with the reason."""

from __future__ import annotations

import pytest

from renode_pico.firmware import image_folder

NEEDS = {
    "test_tinyusb_examples.py": (
        "tinyusb/cdc_msc.uf2",
        "TinyUSB's examples are not built, as Debian's package has none: set PICO_TINYUSB_PATH to a checkout of "
        "TinyUSB and run firmware/examples.py",
    ),
    "test_pico_sdk_tests.py": (
        "pico-sdk/pico_stdio_test_uart.uf2",
        "the pico-sdk's own tests are not built: run firmware/sdk_tests.py, which gets Debian's source package",
    ),
}
"""An image for each file of tests, and what to do where it is not there."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what has no image."""
    image, reason = NEEDS[item.path.name]
    if not (image_folder() / image).is_file():
        pytest.skip(reason)

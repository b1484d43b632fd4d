"""Firmware of others, which not every machine can get: without it, its tests are skipped with the reason."""

from __future__ import annotations

import pytest

from renode_pico.firmware import image_folder

NEEDS = {
    "test_tinyusb_examples.py": "TinyUSB's examples are not built: run firmware/examples.py (make examples)",
    "test_pico_sdk_tests.py": (
        "the pico-sdk's own tests are not built: run firmware/sdk_tests.py, which gets Debian's source package"
    ),
}
"""For each file of tests, what to do where an image of it is not there and the build has left no reason."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what has no image."""
    marker = item.get_closest_marker("pico")
    name = marker.kwargs.get("firmware") if marker else None
    image = image_folder() / f"{name or 'pico-sdk/pico_stdio_test_uart'}.uf2"
    if not image.is_file():
        why = image.with_name("left-out.txt")
        pytest.skip(f"{image.parent.name}: {why.read_text()}" if why.is_file() else NEEDS[item.path.name])

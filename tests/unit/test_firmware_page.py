"""docs/firmware-that-runs.md has each image with a USB device, on each engine."""

from __future__ import annotations

from firmware_that_runs import HEAD, PAGE, images


def test_the_page_has_each_image_on_each_engine() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD)
    rows = [line.split(" | ") for line in text[len(HEAD) :].splitlines()]
    assert [(row[0], row[2]) for row in rows] == [
        (f"| `{name}`", engine) for name, _ in images() for engine in ("embedded", "renode")
    ]
    assert all(row[3] and float(row[5].rstrip(" |")) > 0 for row in rows)

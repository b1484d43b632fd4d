"""docs/firmware-that-runs.md has each image with a USB device, on each engine."""

from __future__ import annotations

from firmware_that_runs import EXAMPLES, HEAD, PAGE, images


def test_the_page_has_each_image_on_each_engine() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD)
    rows = [line.split(" | ") for line in text[len(HEAD) :].splitlines()]
    ours = [row for row in rows if not row[0].startswith(f"| `{EXAMPLES}/")]
    assert [(row[0], row[2]) for row in ours] == [
        (f"| `{name}`", engine) for name, _ in images() for engine in ("embedded", "renode")
    ]
    examples = rows[len(ours) :]  # of a checkout that not every machine has
    assert len(examples) >= 2 * 20
    assert [row[2] for row in examples] == ["embedded", "renode"] * (len(examples) // 2)
    assert [row[0] for row in examples[::2]] == [row[0] for row in examples[1::2]]
    assert all(row[3] and float(row[5].rstrip(" |")) > 0 for row in rows)

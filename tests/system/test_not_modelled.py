"""docs/not-modelled.md says what the engine's own models say, and they list whatever they warn about."""

from __future__ import annotations

import re
from pathlib import Path

import not_modelled
import pytest

from renode_pico.board import Board

MODELS = not_modelled.ROOT / "renode" / "models"


@pytest.mark.pico(firmware="uart")
def test_the_page_is_what_the_models_list(pico: Board) -> None:
    name = pico.engine.name
    pico.close()
    page = not_modelled.sections(not_modelled.PAGE.read_text())
    assert page[name] == not_modelled.section(name, not_modelled.listed(name)), "run make not-modelled"


@pytest.mark.parametrize("register", [0x50110088, 0x4004C040], ids=["usb", "adc"])
@pytest.mark.pico
def test_who_clears_a_whole_block_clears_what_is_between_its_registers(pico: Board, register: int) -> None:
    """TinyUSB writes 0 to every word of the USB controller, and to 0x88, where no register is (datasheet, 4.1.4)."""
    before = pico.engine.unmodelled
    pico.exec(f"import machine; machine.mem32[{register}] = 0")
    assert pico.engine.unmodelled == before
    pico.exec(f"machine.mem32[{register}] = 1")
    after = pico.engine.unmodelled
    (changed,) = (name for name in after if after[name] != before.get(name, 0))
    assert f"{register & 0xFFF:x}" in changed.lower()


@pytest.mark.parametrize("path", sorted(MODELS.glob("RP2040_*.cs")), ids=lambda path: path.stem)
def test_a_model_lists_what_it_warns_about(path: Path) -> None:
    source = path.read_text()
    whole = "".join(part.read_text() for part in path.parent.glob(f"{path.stem.partition('.')[0]}.*"))
    listed = set(re.findall(r'\bLacks\((".*?")', whole))
    warned = set(re.findall(r'NoteUnmodelled\((".*?")', source))
    assert warned - {'"reserved offset 0x{0:X} read"', '"reserved offset 0x{0:X} written"'} <= listed


def test_runs_of_names_are_short_and_single_ones_stay() -> None:
    assert not_modelled.runs(["A0", "A1", "A2", "A4", "SM0_X", "SM1_X", "SM2_X", "B"]) == [
        "`A0` to `A2`",
        "`A4`",
        "`SM0_X` to `SM2_X`",
        "`B`",
    ]
    assert not_modelled.merged({"b": ["x"], "a": ["x"], "c": ["y"]}) == {("a", "b"): ("x",), ("c",): ("y",)}

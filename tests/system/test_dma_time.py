"""DMA under MicroPython's own tests of `rp2.DMA`, of two versions: the time of a copy, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from renode_pico.board import Board

BUILD = Path(__file__).resolve().parents[2] / "firmware" / "build"
OLDER_TEST = BUILD / "src" / "micropython" / "tests" / "ports" / "rp2" / "rp2_dma.py"
TEST = BUILD / "src-1.26.1" / "micropython" / "tests" / "ports" / "rp2" / "rp2_dma.py"

UNITTEST = """
import __main__

class _Raises:
    def __init__(self, expected):
        self.expected = expected

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        assert kind is self.expected, kind
        return True

class TestCase:
    def assertEqual(self, a, b):
        assert a == b, (a, b)

    def assertTrue(self, a):
        assert a is True, a

    def assertFalse(self, a):
        assert a is False, a

    def assertIn(self, a, b):
        assert a in b, (a, b)

    def assertIsInstance(self, a, kind):
        assert isinstance(a, kind), a

    def assertRaises(self, kind):
        return _Raises(kind)

def main():
    test = __main__.Test()
    for name in dir(test):
        if name.startswith("test_"):
            test.setUp()
            getattr(test, name)()
            test.tearDown()
            print(name)
"""
"""What the test takes of micropython-lib's `unittest`, which is in no source that the firmware is built from."""


@pytest.mark.row("P12.dma", "P9.flash-latency")
@pytest.mark.pico(flash_latency=1)
def test_a_first_copy_takes_what_it_takes_on_a_board_whose_code_is_in_no_cache_yet(pico: Board) -> None:
    """As MicroPython's runner has it: what is printed is what is expected, `True` for 70 to 125 microseconds."""
    printed = pico.exec(OLDER_TEST.read_text(), timeout=10).decode().replace("\r\n", "\n")
    assert printed == OLDER_TEST.with_name("rp2_dma.py.exp").read_text()


@pytest.mark.row("P12.dma")
def test_micropython_measures_what_a_copy_takes_on_a_board(pico: Board) -> None:
    if not TEST.exists():
        pytest.skip("MicroPython 1.26.1 is not built: firmware/build.py --edition 1.26.1")
    program = TEST.read_text()
    pico.exec(f"with open('unittest.py', 'w') as module: module.write({UNITTEST!r})")
    passed = pico.exec(program, timeout=10).decode().split()
    assert sorted(word for word in passed if word.startswith("test_")) == sorted(
        line.split("(")[0].removeprefix("    def ") for line in program.splitlines() if line.startswith("    def test_")
    )

"""A Cortex-M0+ as a C program finds it: firmware/chip/core."""

from __future__ import annotations

import pytest

from renode_pico.pytest_plugin import engine_of
from tests.system.chip_program import outcomes

pytestmark = pytest.mark.usefixtures("own_board")

CHECKS = {
    "": (
        "registers are as they were", "what is aligned is read", "the boot ROM takes no writes",
        "an instruction in its place", "with interrupts disabled", "which they still are", "no supervisor call then",
        "in a handler of the highest priority", "a supervisor call", "an NMI whatever is masked",
        "an interrupt that is an NMI", "and one that is none", "CCR and AIRCR", "VTOR in steps of 256 bytes",
        "no debugger", "ICSR in no handler", "the banks of SRAM by themselves",
    ),
    "P11.unaligned": (
        "an unaligned word", "an unaligned halfword", "an unaligned store", "which changes nothing",
        "unaligned words of a list", "an unaligned register", "an unaligned word of flash",
    ),
    "P11.unmapped": ("nothing to read", "nothing to write", "nothing to execute"),
    "P11.undefined": (
        "no Thumb", "an undefined instruction", "CBZ and IT", "MOVW and SDIV",
        "what ARMv6-M has no short instruction for", "nor a wide one",
    ),
    "P11.cpuid": ("CPUID", "no registers of larger cores", "no BusFault, no UsageFault"),
    "P11.priorities": (
        "two bits of priority", "a higher priority interrupts", "an equal one waits", "and a lower one",
        "PendSV by its priority", "of those that wait the highest, then the first",
    ),
    "P11.systick": (
        "SysTick by clk_sys", "SysTick by the reference", "SysTick's interrupt", "COUNTFLAG is cleared by reading it",
        "SysTick by another clk_sys",
    ),
    "P11.mpu": (
        "eight regions of protection", "a region without access", "HardFaults are not protected against",
        "a region to read only", "each of eight regions", "the last of those that overlap",
        "a region named with its base", "parts of a region that are none of it", "a region of 1 KiB",
        "no execution where it is never", "who has no privileges", "nor reaches what no region has",
        "nothing beside the regions without the default map", "no protection any more",
    ),
}  # fmt: skip
LATE_ON_RENODE = "which changes nothing"
"""Its translator tells of a store that is not aligned when it is done (docs/renode.md)."""


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest) -> dict[str, bool]:
    return outcomes("core", engine_of(request.config))


@pytest.mark.row("P11.{part}")
@pytest.mark.parametrize(
    ("part", "check"),
    [
        (row.removeprefix("P11."), check)
        for row, checks in CHECKS.items()
        for check in checks
        if row and check != LATE_ON_RENODE
    ],
)
def test_what_makes_it_a_cortex_m0_plus(said: dict[str, bool], part: str, check: str) -> None:
    assert said[check]


@pytest.mark.parametrize("check", [*CHECKS[""], LATE_ON_RENODE])
def test_check(said: dict[str, bool], check: str, request: pytest.FixtureRequest) -> None:
    if check == LATE_ON_RENODE and engine_of(request.config) == "renode":
        assert not said[check], "an unaligned store changes nothing any more: say so in docs/renode.md"
        pytest.xfail("Renode's translator tells of a store that is not aligned when it is done")
    assert said[check]


def test_no_check_is_left_out(said: dict[str, bool]) -> None:
    assert sorted(said) == sorted(check for checks in CHECKS.values() for check in checks)

"""What the models of the embedded engine say of themselves."""

from __future__ import annotations

from renode_pico.rp2040.not_modelled import lacks, listed


def test_each_register_that_warns_is_listed() -> None:
    named = {(lack.block, lack.register) for lack in lacks()}
    assert ("SYSCFG", "MEMPOWERDOWN") in named
    assert ("USBCTRL_REGS", "SOF_WR") in named
    assert any(text.startswith("MEMPOWERDOWN: ") for text in listed()["SYSCFG"])

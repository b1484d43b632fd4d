"""The board's serial NOR flash, a Winbond W25Q16JV, behind the SSI: what there is to say and to set from outside.

Commands are decoded in C (`core/flash.c`), over the memory that the cores see at 0x1000_0000. They take effect when
chip select goes high; then the chip is busy for their typical times.
"""

from __future__ import annotations

from renode_pico.core.machine import FlashIgnores, Machine
from renode_pico.rp2040.unmodelled import Unmodelled

_WHY = {
    FlashIgnores.NOT_MODELLED: "is a command that is not modelled",
    FlashIgnores.BUSY: "came while the flash is busy: ignored",
    FlashIgnores.NOT_WRITE_ENABLED: "came without a write enable: ignored",
    FlashIgnores.SUSPENDED: "came while another command is suspended: ignored",
}
_MILLION = 1_000_000


class Flash:
    """The chip. Its memory is `Machine.flash`."""

    LACKS = (
        "While it is busy, the mapped memory can be read and executed all the same.",
        "Status registers are not stored: QE is always set, nothing is protected.",
        "SFDP, security registers and power-down are not modelled.",
    )

    def __init__(self, machine: Machine, unmodelled: Unmodelled) -> None:
        self._machine = machine
        self._unmodelled = unmodelled
        self._time_scale = 1.0
        machine.flash_ignores = self._ignores

    @property
    def time_scale(self) -> float:
        """Of the typical times, how long it is busy; 0: commands take no time. In steps of a millionth, up to 4,000."""
        return self._time_scale

    @time_scale.setter
    def time_scale(self, scale: float) -> None:
        self._time_scale = scale
        self._machine.set_flash_time(round(scale * _MILLION))

    @property
    def selected(self) -> bool:
        """Chip select is low."""
        return self._machine.flash_selected

    @property
    def write_enabled(self) -> bool:
        """The next command may erase or program."""
        return self._machine.flash_write_enabled

    @property
    def busy_ns(self) -> int:
        """How much longer it erases or programs; 0: it does not."""
        return self._machine.flash_busy_ns

    def reset(self) -> None:
        """Power was away: the content stays."""
        self._machine.reset_flash()

    def _ignores(self, command: int, why: FlashIgnores) -> None:
        self._unmodelled.note("FLASH", f"{command:#04x}", _WHY[why])

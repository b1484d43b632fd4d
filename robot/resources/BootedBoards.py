"""Boards as they were when they had booted: kept once for each firmware and program, for as long as Robot runs."""

import re
import tempfile
from pathlib import Path

from robot.api.deco import keyword


class BootedBoards:
    """Where Renode saves them."""

    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    def __init__(self) -> None:
        # not "renode-...": Renode clears away what is called so and belongs to no process
        self._folder = tempfile.TemporaryDirectory(prefix="pico-boards-")

    @keyword
    def the_file_of_the_board(self, *what: str) -> str:
        """The file for a board with this firmware, program and whatever else makes it another one."""
        return str(Path(self._folder.name, "-".join(re.sub(r"[^\w.]", "_", word) for word in what) + ".save"))

    @keyword
    def is_kept(self, path: str) -> bool:
        """Whether such a board has booted before."""
        return Path(path).exists()

"""A source tree that can be built, wherever it came from, and what it says about itself."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceTree:
    """MicroPython with the libraries its rp2 port needs.

    key: a short name for the folder of its object files. identity: changes whenever the sources do.
    environment: the variables that pin version and date. follows_changes: somebody may edit these sources.
    """

    key: str
    origin: str
    identity: str
    micropython: Path
    pico_sdk: Path
    tinyusb: Path
    micropython_lib: Path
    environment: dict[str, str] = field(default_factory=dict)
    follows_changes: bool = False

    @property
    def port(self) -> Path:
        """The rp2 port."""
        return self.micropython / "ports" / "rp2"

    @property
    def hardware_regs(self) -> Path:
        """The headers that name the RP2040's registers."""
        return self.pico_sdk / "src" / "rp2040" / "hardware_regs" / "include" / "hardware" / "regs"

    def micropython_version(self) -> str:
        """MicroPython's version as three numbers, without what tells one commit from another."""
        return _version(self.micropython / "py" / "mpconfig.h", "MICROPY_VERSION", ("MAJOR", "MINOR", "MICRO"))

    def versions(self) -> dict[str, str]:
        """The versions that the sources themselves state."""
        names = ("MAJOR", "MINOR", "REVISION")
        return {
            "micropython": self.environment.get("MICROPY_GIT_TAG", f"v{self.micropython_version()}"),
            "pico-sdk": _version(self.pico_sdk / "pico_sdk_version.cmake", "PICO_SDK_VERSION", names),
            "tinyusb": _version(self.tinyusb / "src" / "tusb_option.h", "TUSB_VERSION", names),
        }


def _version(path: Path, prefix: str, names: tuple[str, ...]) -> str:
    """`1.2.3` from a file that sets PREFIX_MAJOR and so on, be it C or CMake."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = [re.search(rf"^\s*(?:#define\s+|set\(){prefix}_{name}\s+\(?(\d+)", text, re.MULTILINE) for name in names]
    return ".".join(match[1] if match else "0" for match in found)

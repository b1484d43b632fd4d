"""The Debian programs that the suites run against: there already, or installed when this is root on a Debian machine.

    python tools/debian_tools.py [--install]

Suites whose program is missing skip themselves and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and the package it comes with. `renode`: of use only where there is Renode."""

    program: str
    package: str
    purpose: str
    renode: bool = False


TOOLS = (
    Tool("tshark", "tshark", "decodes the bus traces (row T5)"),
    Tool("usbip", "usbip", "lists the device over USB/IP (row T3)"),
    Tool("chromium", "chromium", "opens the trace's page (row T6)"),
    Tool("chromedriver", "chromium-driver", "opens the trace's page (row T6)"),
    Tool("buildah", "buildah", "builds the container (row K3)"),
    Tool("mmdebstrap", "mmdebstrap", "what the container begins with, where no registry of images is reached (row K3)"),
    Tool("gdb-multiarch", "gdb-multiarch", "debugs the firmware on Renode (row T8)", renode=True),
)
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where usbip is, and where an ordinary user's PATH does not look."""


def find(program: str) -> str | None:
    """Return where a program is."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def missing_tools() -> list[Tool]:
    """List what is not here."""
    renode = find("renode") is not None
    return [tool for tool in TOOLS if find(tool.program) is None and (renode or not tool.renode)]


def install_debian_tools() -> list[Tool]:
    """Install what is missing if that is possible; return what is missing still."""
    missing = missing_tools()
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return missing
    packages = [tool.package for tool in missing]
    print(f"setup: installing {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qqy", "--no-install-recommends", *packages]
    for command in (install, ["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode == 0 and command is install:
            break
    return missing_tools()


def main() -> int:
    """Say what is there; install what is not when asked to."""
    missing = install_debian_tools() if "--install" in sys.argv[1:] else missing_tools()
    for tool in TOOLS:
        found = find(tool.program) or "not needed: Renode is not here"
        state = f"missing: apt-get install {tool.package}" if tool in missing else found
        print(f"{tool.program:14} {state} ({tool.purpose})")
    return 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

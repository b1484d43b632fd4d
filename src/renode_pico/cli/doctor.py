"""`renode-pico doctor`: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from renode_pico import __version__
from renode_pico.engine.select import ENGINES, probe
from renode_pico.errors import RenodePicoError
from renode_pico.firmware import VARIANTS, how_to_build, image_folder
from renode_pico.renode_models import look_for_renode


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for. `needed`: without it nothing works at all."""

    kind: str
    name: str
    found: bool
    detail: str
    advice: str = ""
    needed: bool = False


TOOLS = (
    ("arm-none-eabi-gcc", "builds the firmware: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    ("cmake", "builds the firmware: apt-get install cmake"),
    ("renode-test", "runs the Robot suites on Renode: comes with Renode"),
    ("mpremote", "talks to the board's serial ports: pip install mpremote"),
    ("tshark", "decodes traces: apt-get install tshark"),
    ("usbip", "lists USB/IP devices: apt-get install usbip"),
)


def tool_version(path: str) -> str:
    """Return the first line a tool prints about itself, or an empty string; `renode-test` is only said where it is."""
    if path.endswith("renode-test"):
        return path
    argument = "version" if path.endswith("usbip") else "--version"
    try:
        done = subprocess.run(
            [path, argument], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


def look() -> list[Finding]:
    """Look for engines, firmware and tools."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    findings = [Finding("package", "renode-pico", True, f"{__version__} on Python {python}")]
    for name in ENGINES:
        engine = probe(name)
        findings.append(
            Finding("engine", name, engine.available, engine.version, engine.advice, needed=name == "embedded")
        )
    findings.append(core_in_use())
    for variant in VARIANTS:
        path = image_folder() / f"{variant}.uf2"
        built = path.is_file()
        detail = f"{path} ({path.stat().st_size // 1024} KiB)" if built else ""
        findings.append(Finding("firmware", variant, built, detail, how_to_build(), needed=variant == "cdc"))
    # a virtual environment's programs are there for it, also where it is not activated
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    renode = look_for_renode().installation
    for name, advice in TOOLS:
        beside = renode.test_launcher if renode and name == "renode-test" else None
        found = str(beside) if beside else shutil.which(name, path=folders)
        findings.append(Finding("tool", name, found is not None, tool_version(found) if found else "", advice))
    return findings


def core_in_use() -> Finding:
    """Which core the embedded engine has: compiled, or as WebAssembly."""
    from renode_pico.core.build import compiler, sources
    from renode_pico.core.machine import load

    try:
        kind = load().kind
    except RenodePicoError as error:
        return Finding("core", "embedded", False, "", str(error), needed=True)
    if kind == "compiled":
        return Finding("core", "embedded", True, f"compiled, {len(sources())} sources in C")
    advice = "" if compiler() else "; install gcc or clang for one that is compiled"
    return Finding("core", "embedded", True, f"WebAssembly by wasmtime, a little slower, with the same traces{advice}")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
def command(as_json: bool) -> None:
    """Show which engines, tools and firmware images are there, and what to do about the missing."""
    findings = look()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok     " if finding.found else "missing"
            text = finding.detail if finding.found else finding.advice
            click.echo(f"{mark}  {finding.kind:8}  {finding.name:18}  {text}".rstrip())
    missing = [finding for finding in findings if finding.needed and not finding.found]
    if missing:
        sys.exit(3)

"""Make the virtual environment, once, with the standard library alone.

Exit codes: 0 ready, 1 pip failed, 3 something must be installed first (the message says what).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".renode-pico"
PACKAGE = ROOT / "src" / "renode_pico"


def fingerprint(renode: bool) -> str:
    """Say what the environment depends on."""
    parts = [(ROOT / "pyproject.toml").read_text(), sys.version, str(ROOT), pyrenode3() if renode else ""]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def complain(message: str) -> int:
    """Print what must be done first."""
    print(message, file=sys.stderr)
    return 3


def renode_present() -> bool:
    """Say whether Renode is on this machine, of which this project has not set up itself (with pyrenode3)."""
    return shutil.which("renode") is not None or any(name.startswith("PYRENODE_") for name in os.environ)


def pyrenode3() -> str:
    """The pyrenode3 that was tried, as pip takes it: what `renode-pico setup renode` installs, too."""
    text = (PACKAGE / "renode_models" / "installation.py").read_text()
    commit = re.search(r'^PYRENODE_COMMIT = "(\w+)"', text, re.MULTILINE)
    return f"git+https://github.com/antmicro/pyrenode3.git@{commit[1] if commit else 'main'}"


def create_venv() -> int:
    """Make .venv; Debian keeps the parts for it in a package of its own."""
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python3.{sys.version_info.minor}-venv"
        if os.geteuid() == 0 and shutil.which("apt-get"):
            print(f"installing {package}", flush=True)
            subprocess.run(["apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL)
            subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", package], check=False)
            importlib.invalidate_caches()
        if importlib.util.find_spec("ensurepip") is None:
            return complain(f"Python's venv is missing: apt-get install {package}")
    print(f"setup: virtual environment {VENV.relative_to(ROOT)}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        return complain(f"cannot make a virtual environment:\n{done.stdout}{done.stderr}")
    return 0


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the environment's pip."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=False, cwd=ROOT)


def install_pyrenode3() -> None:
    """Install pyrenode3, which the Python engine `renode` needs."""
    if pip("install", pyrenode3()).returncode:
        print("setup: Renode is here but pyrenode3 could not be installed; the Python engine 'renode' needs it:")
        print(f"       {VENV.relative_to(ROOT)}/bin/pip install {pyrenode3()}")


def main() -> int:
    """Bring the environment up to date."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file meets any Python)
        version = ".".join(map(str, sys.version_info[:2]))
        return complain(f"Python 3.11 or newer is needed, this is {version} (make PYTHON=python3.12 ...)")
    renode = renode_present()
    wanted = fingerprint(renode)
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return 0
    if not (VENV / "bin" / "python").exists() or pip("--version").returncode:  # or it was interrupted in its making
        code = create_venv()
        if code:
            return code
    print("setup: installing the package and its tools", flush=True)
    done = pip("install", "-e", ".[dev]")
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        return 1
    if renode:
        install_pyrenode3()
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())

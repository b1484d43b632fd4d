"""The command line before any command: what comes while the package is being loaded."""

from __future__ import annotations

import sys

import pytest

from tests.processes import run

PROGRAM = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from renode_pico.cli import main
main(["path", "models"])
"""


@pytest.mark.parametrize("module", ["click", "renode_pico.errors", "renode_pico.cli.app", "renode_pico.cli.path"])
def test_ctrl_c_while_it_loads_is_one_line(module: str) -> None:
    done = run([sys.executable, "-c", PROGRAM.format(module=module)])
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")

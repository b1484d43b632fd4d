"""The command line: a file for each command, the options of a board in one place."""

from renode_pico.cli.app import cli, main

__all__ = ["cli", "main"]

"""A program with all that is needed to run it again, in one readable file: which board, what was found, the actions."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from renode_pico.board import Board
from renode_pico.engine.select import EngineName
from renode_pico.errors import UsageError
from renode_pico.fuzz.files import write_text
from renode_pico.fuzz.judges import Finding
from renode_pico.fuzz.program import Program, read_program, write_actions

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """The board that programs are run on. `firmware`: a path or a variant's name; `files`: in MicroPython's flash."""

    firmware: str
    engine: EngineName = "embedded"
    files: Mapping[str, bytes] = field(default_factory=dict)
    cores: int | None = None
    revision: Literal["B1", "B2"] | None = None
    bootsel: bool = False

    def open(self) -> Board:
        """Make the board, with the sanitizer. Raises what `Board` does."""
        return Board(
            self.firmware,
            engine=self.engine,
            files=self.files,
            cores=self.cores,
            revision=self.revision,
            bootsel=self.bootsel,
            sanitize=True,
        )


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What such a file holds. `sha256`: of the image. `trace`: sha256 of the bus trace as text when it was written."""

    setting: Setting
    program: Program
    sha256: str = ""
    finding: Finding | None = None
    trace: str = ""

    def write(self, path: Path) -> None:
        """Write it as TOML."""
        write_text(path, self.text())

    def text(self) -> str:
        """The file's text."""
        setting = self.setting
        lines = [f"# renode-pico replay FILE [--html page.html]\nformat = {FORMAT}\n\n[board]"]
        lines += [f"firmware = {_text(setting.firmware)}", f'sha256 = "{self.sha256}"', f'engine = "{setting.engine}"']
        lines += [f"cores = {setting.cores}"] if setting.cores is not None else []
        lines += [f'revision = "{setting.revision}"'] if setting.revision is not None else []
        lines += ["bootsel = true"] if setting.bootsel else []
        if setting.files:
            lines.append("\n[board.files]")
            lines += [f"{_text(name)} = {_content(content)}" for name, content in setting.files.items()]
        if self.finding is not None:
            found = self.finding
            lines += ["\n[finding]", f'judge = "{found.judge}"', f"key = {_text(found.key)}"]
            lines += [f"text = {_text(found.text)}"]
            lines += [f"stack = {_text(found.stack)}"] if found.stack else []
            lines += [f'trace_sha256 = "{self.trace}"'] if self.trace else []
        return "\n".join(lines) + "\n\n" + write_actions(self.program.actions)


def read_case(path: Path) -> CaseFile:
    """Read one. Raises UsageError with the file's name and what is wrong with it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: is not TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    if content.get("format") != FORMAT:
        raise UsageError(f"{path}: 'format = {FORMAT}' is missing: is it a program of renode-pico fuzz?")
    program = read_program(content, str(path))
    board, found = content.get("board", {}), content.get("finding")
    try:
        setting = Setting(
            firmware=_string(board, "firmware"),
            engine=_one_of(board.get("engine", "embedded"), "embedded", "renode", "auto"),
            files={name: _file(text) for name, text in board.get("files", {}).items()},
            cores=board.get("cores"),
            revision=_one_of(board["revision"], "B1", "B2") if "revision" in board else None,
            bootsel=bool(board.get("bootsel", False)),
        )
        finding = None
        if found is not None:
            judge, key, text = (_string(found, name) for name in ("judge", "key", "text"))
            finding = Finding(judge, key, text, str(found.get("stack", "")))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{path}: {what}") from None
    return CaseFile(setting, program, str(board.get("sha256", "")), finding, str((found or {}).get("trace_sha256", "")))


def image_hash(path: Path) -> str:
    """The sha256 of a firmware image's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _one_of(value: Any, *allowed: Any) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(map(repr, allowed))}")
    return value


def _string(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}, not a text")
    return value


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, but that DEL is escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _content(content: bytes) -> str:
    try:
        return _text(content.decode())
    except UnicodeDecodeError:
        return f'{{ base64 = "{base64.b64encode(content).decode()}" }}'


def _file(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"], validate=True)

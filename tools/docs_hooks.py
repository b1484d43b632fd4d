"""What the documentation's site has beyond docs/: the front page and the changelog, Robot's keywords, links that stay.

Called by mkdocs (mkdocs.yml, `make docs`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
LIBRARY = "renode_pico.robot_library.PicoLibrary"


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages that are made."""
    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text().replace("(docs/", "(")))
    files.append(File.generated(config, "changelog.md", content=(ROOT / "CHANGELOG.md").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "keywords.html"
        command = [sys.executable, "-m", "robot.libdoc", LIBRARY, str(page)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        files.append(File.generated(config, "reference/keywords.html", content=page.read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Keep links that lead to another page of the site; of one into the repository, keep the words."""

    def kept(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target:
            return found[0]
        target = target.removeprefix("docs/") if page.file.src_uri in ("index.md", "changelog.md") else target
        inside = target == "reference/keywords.html" or (target.endswith(".md") and "../" not in target)
        return f"[{text}]({target}{anchor})" if inside else text

    return LINK.sub(kept, markdown)

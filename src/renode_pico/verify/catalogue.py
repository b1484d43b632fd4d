"""The tables of docs/verify.md: `python -m renode_pico.verify.catalogue docs/verify.md` brings them up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from renode_pico.verify.table import Pack, load_pack, pack_names

BEGIN, END = "<!-- items: made from the tables in verify/packs -->", "<!-- end of items -->"


def pack_section(pack: Pack) -> list[str]:
    """A pack's items, a table for each of its groups."""
    lines = [f"## {pack.title}", "", f"`--pack {pack.name}`: {pack.about}. {len(pack.items)} items."]
    groups = dict.fromkeys(item.group for item in pack.items)
    for group in groups:
        lines += ["", f"### {pack.groups.get(group, group)}", ""]
        lines += ["| id | | sentence | section | how | also in |", "|---|---|---|---|---|---|"]
        for item in pack.items:
            if item.group == group:
                severity = "" if item.severity.value == "must" else f" ({item.severity.value})"
                cells = [item.id, item.needs.value, item.says + severity, item.section, item.explanation, item.origin]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def page(text: str) -> str:
    """The page with its items up to date."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    items = "\n".join("\n".join([*pack_section(load_pack(name)), ""]) for name in pack_names())
    return f"{head}{BEGIN}\n\n{items}\n{END}{tail}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")

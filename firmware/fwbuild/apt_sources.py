"""The machine's own apt sources, rewritten for the pinned suite.

The machine knows a Debian mirror and the key it is signed with; which suite is read from there is ours to say. So no
host is named here, and nothing on the machine is changed: the rewritten sources go to a private folder.
"""

import re
from collections.abc import Iterable
from pathlib import Path

# What a Debian release is called in a sources file. Suites such as bookworm-security or bookworm-backports are not
# needed, and anything else (nodistro, bookworm-pgdg) is not Debian's archive.
DEBIAN_SUITES = frozenset(
    (
        *("bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
        *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
    )
)
ONE_LINE = re.compile(
    r"^\s*deb(?:-src)?\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<parts>.+)$"
)


def from_folder(etc_apt: Path, suite: str) -> dict[str, str]:
    """The private sources for a machine's /etc/apt: file name → content, empty if it has no Debian archive.

    Both formats are read: one line a source (*.list), and stanzas (*.sources).
    """
    lines: list[str] = []
    stanzas: list[str] = []
    parts = etc_apt / "sources.list.d"
    for path in [etc_apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            stanzas += rewrite_stanzas(text, suite)
        else:
            lines += rewrite_lines(text, suite)
    files = {}
    if lines:
        files["renode-pico.list"] = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    if stanzas:
        files["renode-pico.sources"] = "\n".join(dict.fromkeys(stanzas))
    return files


def rewrite_lines(text: str, suite: str) -> list[str]:
    """One-line sources of Debian's main archive, pointed at `suite`; options such as signed-by stay."""
    rewritten: list[str] = []
    for line in text.splitlines():
        match = ONE_LINE.match(line)
        if not match or match["suite"] not in DEBIAN_SUITES or "main" not in match["parts"].split("#")[0].split():
            continue
        options = f"[{match['options']}] " if match["options"] else ""
        rewritten += [f"{kind} {options}{match['uri']} {suite} main" for kind in ("deb", "deb-src")]
    return rewritten


def rewrite_stanzas(text: str, suite: str) -> list[str]:
    """Stanzas of Debian's main archive, pointed at `suite`; fields such as Signed-By stay."""
    rewritten: list[str] = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _fields(stanza.splitlines())
        suites = fields.get("suites", "").split()
        wanted = "main" in fields.get("components", "").split() and not DEBIAN_SUITES.isdisjoint(suites)
        if not wanted or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        fields |= {"types": "deb deb-src", "suites": suite, "components": "main"}
        rewritten.append("".join(f"{name.title()}: {value}\n" for name, value in fields.items()))
    return rewritten


def archives(content: str) -> list[str]:
    """The archives that a file of sources names, of either format."""
    found = [match["uri"] for line in content.splitlines() if (match := ONE_LINE.match(line))]
    for stanza in re.split(r"\n[ \t]*\n", content):
        found += _fields(stanza.splitlines()).get("uris", "").split()
    return list(dict.fromkeys(found))


def _fields(lines: Iterable[str]) -> dict[str, str]:
    """A stanza's fields, names in lower case; comments are dropped, continuation lines kept as they are."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += f"\n{line}"
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields

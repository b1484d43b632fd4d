"""Downloads from the pinned Debian suite, through apt with private lists. Needs no root, changes nothing outside."""

import os
import shutil
from pathlib import Path
from typing import TextIO

from fwbuild import apt_sources
from fwbuild.command import clean_environment, run
from fwbuild.errors import FirmwareError, ToolMissing
from fwbuild.files import remove
from fwbuild.pins import Package

ETC_APT = Path("/etc/apt")
SOURCES_VARIABLE = "RENODE_PICO_APT_SOURCES"


class Apt:
    """apt-get with its sources, lists and cache in `folder`."""

    def __init__(self, folder: Path, suite: str, log: TextIO) -> None:
        self._folder = folder
        self._suite = suite
        self._log = log
        self._update_failure: FirmwareError | None = None

    def update(self) -> None:
        """Fetch the suite's lists.

        One failing source (a third party's, an unreachable mirror) need not matter: that is left for `download` to say.
        Raises ToolMissing on a machine without apt or without a Debian archive among its sources.
        """
        if not shutil.which("apt-get"):
            raise ToolMissing(
                "MicroPython's sources are Debian packages, and this machine has no apt-get to download them with;\n"
                "  give a MicroPython checkout instead: --micropython DIR (or MICROPYTHON_DIR)"
            )
        remove(self._folder)
        sources = self._folder / "sources.list.d"
        for folder in (sources, self._folder / "lists" / "partial", self._folder / "cache" / "archives" / "partial"):
            folder.mkdir(parents=True)
        for name, content in self._sources().items():
            (sources / name).write_text(content, encoding="utf-8")
        try:
            self._apt_get("update", "-o", "APT::Update::Error-Mode=any")
        except FirmwareError as failure:
            self._update_failure = failure

    def download(self, package: Package, into: Path) -> None:
        """Download one package's file into the folder `into`. Raises FirmwareError, naming the version wanted."""
        wanted = f"{package.name}={package.version}"
        try:
            if package.kind == "source":
                self._apt_get("source", "--download-only", "--tar-only", "--only-source", wanted, cwd=into)
            else:
                self._apt_get("download", wanted, cwd=into)
        except FirmwareError as failure:
            before = f"\nand before that, reading the lists: {self._update_failure}" if self._update_failure else ""
            raise FirmwareError(
                f"could not download {wanted} from Debian {self._suite}: {failure}{before}\n"
                "  the pinned versions are in firmware/sources.toml"
            ) from failure

    def _sources(self) -> dict[str, str]:
        own = os.environ.get(SOURCES_VARIABLE)
        if own:
            path = Path(own)
            return {f"renode-pico{path.suffix}": path.read_text(encoding="utf-8")}
        files = apt_sources.from_folder(ETC_APT, self._suite)
        if not files:
            raise ToolMissing(
                f"none of this machine's apt sources is Debian's archive, so {self._suite} cannot be read from it;\n"
                f"  name a sources file for {self._suite} (types deb and deb-src) in {SOURCES_VARIABLE},\n"
                "  or give a MicroPython checkout: --micropython DIR (or MICROPYTHON_DIR)"
            )
        return files

    def _apt_get(self, *words: str, cwd: Path | None = None) -> None:
        options = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": str(self._folder / "sources.list.d"),
            "Dir::State::Lists": str(self._folder / "lists"),
            "Dir::Cache": str(self._folder / "cache"),
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        environment = clean_environment(DEBIAN_FRONTEND="noninteractive")
        run(["apt-get", *settings, "-q", *words], log=self._log, environment=environment, cwd=cwd)

"""The stages of a build, in their order, under the lock."""

from contextlib import ExitStack
from typing import TextIO

from fwbuild import chip, download, fingerprint, image, toolchain, unpack
from fwbuild.apt import Apt
from fwbuild.compiling import Compiler, empty_library
from fwbuild.errors import ToolMissing
from fwbuild.files import remove, write_atomically
from fwbuild.layout import Layout, shown
from fwbuild.lock import locked
from fwbuild.pins import Pins
from fwbuild.report import Report
from fwbuild.tree import SourceTree
from fwbuild.variants import Variant


class Pipeline:
    """Builds what is not up to date. pins: what to download and unpack; None for a checkout."""

    def __init__(self, layout: Layout, tree: SourceTree, pins: Pins | None, jobs: int, report: Report) -> None:
        self._layout = layout
        self._tree = tree
        self._pins = pins
        self._jobs = jobs
        self._report = report

    def build(self, wanted: list[Variant], programs: list[str]) -> None:
        """Build the `wanted` variants and C programs. Raises FirmwareError or one of its kind."""
        with locked(self._layout.lock, self._report):
            self._layout.logs.mkdir(parents=True, exist_ok=True)
            self._layout.prepare()
            with self._log("tools") as log:
                chain = self._tools(log)
            with self._log("sources") as log:
                self._sources(log)
            compiler = Compiler(self._layout, self._tree, chain, self._jobs, self._report)
            self._describe(compiler)
            self._variants(compiler, chain, wanted)
            self._programs(compiler, chain, programs)

    def _variants(self, compiler: Compiler, chain: dict[str, str], wanted: list[Variant]) -> None:
        if not wanted:
            return
        with self._log("mpy-cross") as log:
            mpy_cross = compiler.mpy_cross(log)
        for variant in wanted:
            # Computed now: another invocation may have built it while this one waited for the lock, and a file
            # that is edited from here on makes the image out of date, as it should.
            inputs = fingerprint.inputs(self._layout, self._tree, variant)
            if image.is_current(self._layout.out, variant.name, inputs, chain):
                self._report.line(image.state_line(self._layout.out, variant.name, "up to date"))
                continue
            with self._log(variant.name) as log:
                objects = compiler.firmware(variant, mpy_cross, log)
            image.publish(self._layout.out, variant.name, objects, self._record(variant, inputs, chain))
            self._report.line(image.state_line(self._layout.out, variant.name, "built"))

    def _programs(self, compiler: Compiler, chain: dict[str, str], wanted: list[str]) -> None:
        out = chip.out(self._layout)
        inputs = {name: chip.inputs(self._layout, self._tree, name) for name in wanted}
        stale = [name for name in wanted if not image.is_current(out, name, inputs[name], chain)]
        if stale:
            with self._log("chip") as log:
                objects = compiler.programs(log)
            for name in stale:
                record = {"inputs": inputs[name], "source": self._tree.origin, "toolchain": chain}
                image.publish(out, name, objects, record, stem=name)
        for name in wanted:
            self._report.line(image.state_line(out, name, "built" if name in stale else "up to date"))

    def _tools(self, log: TextIO) -> dict[str, str]:
        needed = toolchain.TOOLS if self._pins is None else (*toolchain.TOOLS, toolchain.PATCH)
        toolchain.require(needed, self._report, log)
        chain = toolchain.identity()
        if chain is None:
            raise ToolMissing(f"{toolchain.COMPILER} does not run")
        return chain

    def _sources(self, log: TextIO) -> None:
        """The pinned sources in their place: nothing to do, or unpack, or download and unpack."""
        if self._pins is None:
            empty_library(self._layout.objects / "no-micropython-lib")
            return
        if unpack.is_unpacked(self._layout, self._tree):
            return
        absent = download.missing(self._pins.packages, self._layout.downloads)
        if absent:
            with self._report.stage("sources: download"), ExitStack() as cleanup:
                cleanup.callback(remove, self._layout.apt)  # 40 MB of lists that are not needed again
                for suite in dict.fromkeys(package.suite or self._pins.suite for package in absent):
                    apt = Apt(self._layout.apt, suite, log)
                    self._report.progress("package lists")
                    apt.update()
                    for package in absent:
                        if (package.suite or self._pins.suite) == suite:
                            self._report.progress(package.name)
                            download.download(package, self._layout.downloads, apt.download)
        with self._report.stage("sources: unpack"):
            unpack.unpack(self._layout, self._pins, self._tree, log)

    def _describe(self, compiler: Compiler) -> None:
        """What a person who looks into build/ wants to know, and how GDB finds the sources."""
        readme = (
            "Generated by firmware/build.py; may be deleted at any time.\n\n"
            f"- MicroPython: {shown(self._tree.micropython)} ({self._tree.origin})\n"
            f"- its rp2 port: {shown(self._tree.port)}\n"
            f"- pico-sdk: {shown(self._tree.pico_sdk)}, the register headers: {shown(self._tree.hardware_regs)}\n"
            f"- TinyUSB: {shown(self._tree.tinyusb)}\n"
            f"- images: {shown(self._layout.out)}, logs: {shown(self._layout.logs)}\n"
        )
        write_atomically(self._layout.root / "README.md", readme.encode())
        rules = [f"set substitute-path {name} {folder}" for name, folder in compiler.source_map().items()]
        write_atomically(self._layout.out / "gdbinit", "".join(f"{rule}\n" for rule in rules).encode())

    def _record(self, variant: Variant, inputs: str, chain: dict[str, str]) -> dict[str, object]:
        return {
            "description": variant.description,
            "board": variant.board,
            "defines": list(variant.defines),
            "inputs": inputs,
            "source": self._tree.origin,
            "versions": {**self._tree.versions(), "gcc": chain["gcc"]},
            "toolchain": chain,
        }

    def _log(self, name: str) -> TextIO:
        return (self._layout.logs / f"{name}.log").open("w", encoding="utf-8")

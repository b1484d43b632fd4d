"""What a worker does for one case of a campaign, on any machine that has this package: bytes in, plain data out.

Nothing that a firmware or a suite does ends the worker: it comes back as the case's error.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from junitparser import Error, Failure, JUnitXml

from renode_pico.engine.select import EngineName
from renode_pico.errors import RenodePicoError
from renode_pico.fuzz.campaign import Case, Payload
from renode_pico.fuzz.case_file import Setting
from renode_pico.fuzz.program import write_actions

Result = dict[str, Any]


def payload(files: dict[str, bytes]) -> dict[str, bytes]:
    """A payload as a task of its own: a worker that is lost takes it along, and another one gets it again."""
    return files


def run_case(case: Case, image: dict[str, bytes], suite: dict[str, bytes]) -> Result:
    """Run one case. Returns what it came to; `error` when it could not be run."""
    begin = time.monotonic()
    logging.getLogger("renode_pico.unmodelled").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="case-") as folder:
        try:
            firmware = unpack(Payload(image), Path(folder) / "image") / case.firmware
            flash = {name.removeprefix("flash/"): data for name, data in image.items() if name.startswith("flash/")}
            if case.pack == "fuzz":
                result = _fuzz(case, firmware, flash)
            elif case.pack == "verify":
                result = _verify(case, firmware, flash)
            else:
                result = _tests(case, firmware, unpack(Payload(suite), Path(folder) / "suite"))
        except RenodePicoError as error:
            result = {"error": str(error)}
    return result | {"seconds": round(time.monotonic() - begin, 3)}


def unpack(content: Payload, folder: Path) -> Path:
    """Write a payload's files below a folder."""
    for name, data in content.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _fuzz(case: Case, firmware: Path, flash: dict[str, bytes]) -> Result:
    from renode_pico.fuzz.judges import LeftOut
    from renode_pico.fuzz.session import Fuzzer
    from renode_pico.fuzz.target import Target

    setting = Setting(str(firmware), cast(EngineName, case.engine), flash)
    options = dict(case.options)
    without = [LeftOut.parse(text) for text in options.get("without", ())]
    with setting.open() as board:
        report = Fuzzer(Target(board), setting, seed=case.seed, without=without).run(options["cases"])
    found = [
        {
            "judge": each.finding.judge,
            "key": each.finding.key,
            "text": each.finding.text,
            "stack": each.finding.stack,
            "program": write_actions(each.program.actions),
            "case": each.case,
        }
        for each in report.found
    ]
    result = {"count": report.cases, "edges": report.edges, "kept": report.kept, "unit": report.unit, "found": found}
    return result | ({"left_out": report.left_out} if without else {})


def _verify(case: Case, firmware: Path, flash: dict[str, bytes]) -> Result:
    options, folder = dict(case.options), firmware.parent
    command = ["-m", "renode_pico", "verify", str(firmware), "--engine", case.engine, "--seed", str(case.seed), "-q"]
    command += ["--pack", options["packs"], "--junit", str(folder / "junit.xml")]
    command += ["--only", options["only"]] if options["only"] else []
    for name in flash:
        command += ["--files", f"{folder / 'flash' / name}:{name}"]
    return _judged_by_junit(command, folder, options["timeout"])


def _tests(case: Case, firmware: Path, suite: Path) -> Result:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={suite / 'junit.xml'}"]
    command += ["--engine", case.engine, "--firmware", str(firmware), "--usb-traces", "", str(suite)]
    return _judged_by_junit(command, suite, dict(case.options)["timeout"])


def _judged_by_junit(command: list[str], folder: Path, limit: float) -> Result:
    """Run Python with these arguments, which writes `junit.xml` in `folder`, for so many real seconds at most."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {limit} s"}
    junit = folder / "junit.xml"
    if not junit.exists():
        return {"error": (done.stdout + done.stderr).decode(errors="replace")[-2000:]}
    found, count = [], 0
    for suite in JUnitXml.fromfile(str(junit)):
        for test in suite:
            count += 1
            bad = [each for each in test.result if isinstance(each, Failure | Error)]
            if bad:
                name = f"{test.classname}.{test.name}"
                found.append(
                    {"judge": "test", "key": name, "text": f"{name}: {bad[0].message or bad[0].text}", "stack": ""}
                )
    return {"count": count, "found": found}

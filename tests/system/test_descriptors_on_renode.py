"""Renode's host reads descriptors, and what is wrong with them, as the host in Python does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.engine.renode_runtime import dotnet_bytes, runtime
from renode_pico.errors import DescriptorError
from renode_pico.usb.descriptors import parse_configuration
from renode_pico.usb.temper import Problems, Temper
from tests.unit.usb.fake_device import CDC_CONFIGURATION
from tests.unit.usb.test_enumeration import LIES

pytestmark = pytest.mark.engine("renode", reason="holds Renode's host against the one in Python")

Reading = tuple[list[str], list[tuple[int, int, list[tuple[int, int, int, int]]]]] | str
"""Problems, and settings with their endpoints; or the error."""


def by_python(data: bytes, temper: Temper) -> Reading:
    problems = Problems(temper)
    try:
        tree = parse_configuration(data, problems)
    except DescriptorError as error:
        return str(error)
    return list(problems.found), [
        (
            setting.bInterfaceNumber,
            setting.bAlternateSetting,
            [(e.bEndpointAddress, e.type, e.max_packet_size, e.bInterval) for e in setting.endpoints],
        )
        for setting in tree.settings
    ]


def by_renode(data: bytes, temper: Temper) -> Reading:
    runtime()
    from Antmicro.Renode.UsbHosts import UsbConfigurationDescriptor, UsbDescriptorException, UsbProblems

    problems = UsbProblems(temper is Temper.STRICT)
    try:
        tree: Any = UsbConfigurationDescriptor.Parse(dotnet_bytes(data), problems)
    except UsbDescriptorException as error:
        return str(error.Message)
    return [str(problem) for problem in problems.Found], [
        (
            int(setting.Number),
            int(setting.Alternate),
            [(int(e.Address), int(e.Attributes) & 3, int(e.MaxPacketSize), int(e.Interval)) for e in setting.Endpoints],
        )
        for setting in tree.Settings
    ]


CONFIGURATIONS = {name: content for name, (key, content, _) in LIES.items() if key == (2, 0)} | {
    "a right one": CDC_CONFIGURATION,
    "another kind": b"\x09\x01" + CDC_CONFIGURATION[2:],
    "cut": CDC_CONFIGURATION[:8],
}


@pytest.mark.parametrize("temper", ["lenient", "strict"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.row("R5.{temper}")
def test_the_hosts_agree_on_a_lie(name: str, temper: str) -> None:
    data = CONFIGURATIONS[name]
    assert by_renode(data, Temper(temper)) == by_python(data, Temper(temper))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(9, 74), st.integers(0, 255)), min_size=1, max_size=4), st.sampled_from(Temper))
def test_the_hosts_agree_on_any_spoiled_bytes(changes: list[tuple[int, int]], temper: Temper) -> None:
    data = bytearray(CDC_CONFIGURATION)
    for at, value in changes:
        data[at] = value
    assert by_renode(bytes(data), temper) == by_python(bytes(data), temper)

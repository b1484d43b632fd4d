"""What the traffic light does, seen from the host's end of the cable, and at its pins."""

from pathlib import Path

import pytest

from renode_pico.errors import Stall
from renode_pico.usb.transfer import Setup

SET_LIGHT, GET_LIGHT = 1, 2
RED, YELLOW, GREEN = 1, 2, 4

pytestmark = pytest.mark.pico(files={"main.py": Path("main.py")})


def set_light(usb, value):
    usb.control_out(Setup(0x21, SET_LIGHT, wValue=value))


def lamps(pico):
    return [pico.engine.gpio(number) for number in (13, 14, 15)]


def press(pico):
    pico.engine.set_gpio(16, True)
    pico.engine.run(0.01)
    pico.engine.set_gpio(16, False)
    pico.engine.run(0.01)


def test_it_says_what_it_is(usb):
    assert (usb.descriptor.idVendor, usb.descriptor.idProduct) == (0xF055, 0x7E11)
    assert usb.product == "Traffic light"


@pytest.mark.parametrize("light", [RED, RED | YELLOW, GREEN, 0])
def test_the_host_sets_the_lamps(pico, usb, light):
    set_light(usb, light)
    pico.engine.run(0.01)
    assert lamps(pico) == [bool(light & bit) for bit in (RED, YELLOW, GREEN)]
    assert usb.control_in(Setup(0xA1, GET_LIGHT, wLength=1)) == bytes([light])


def test_a_light_that_does_not_exist_is_stalled(pico, usb):
    set_light(usb, GREEN)
    with pytest.raises(Stall):
        set_light(usb, 8)
    pico.engine.run(0.01)
    assert lamps(pico) == [False, False, True]


def test_a_press_is_a_packet(pico, usb):
    set_light(usb, RED)
    pico.engine.run(0.01)  # the request is acknowledged before the program has seen its end
    for count in (1, 2, 3):
        press(pico)
        assert usb.endpoint(0x81).read(2) == bytes([count, RED])


def test_without_a_press_there_is_no_packet(pico, usb):
    waiting = usb.endpoint(0x81).submit_in(2)
    pico.engine.run(0.2)
    assert not waiting.packets


def test_it_comes_back_after_a_reset(pico, usb):
    set_light(usb, GREEN)
    count = pico.host.attach_count
    pico.reset()
    again = pico.wait_reattached(count + 1)
    assert again.product == "Traffic light"
    assert again.control_in(Setup(0xA1, GET_LIGHT, wLength=1)) == b"\0"

"""What there is on a Pico besides the chip, by name, and what can be asked of it: the same on each engine."""

from __future__ import annotations

import math

from renode_pico.errors import UsageError

BUTTONS = ("bootsel",)
LEDS = {"led": 25}
"""LEDs by name, and the GPIO that lights each when it is high."""
ADC_INPUTS = 4
"""ADC inputs with a pin, GPIO26 to GPIO29."""


def button(name: str) -> str:
    """A button's name. Raises UsageError for one that the Pico has not."""
    if name not in BUTTONS:
        raise UsageError(f"button {name}: the Pico has one, {', '.join(BUTTONS)}")
    return name


def led_pin(name: str) -> int:
    """The GPIO of an LED. Raises UsageError for one that the Pico has not."""
    if name not in LEDS:
        raise UsageError(f"LED {name}: the Pico has one, {', '.join(LEDS)}")
    return LEDS[name]


def adc_input(channel: int) -> int:
    """An ADC input's number. Raises UsageError for one without a pin."""
    if not 0 <= channel < ADC_INPUTS:
        raise UsageError(f"ADC input {channel}: the RP2040 has 0 to {ADC_INPUTS - 1}, at GPIO26 to GPIO29")
    return channel


def finite(value: float, what: str) -> float:
    """A voltage or a temperature. Raises UsageError for what is no number."""
    if not math.isfinite(value) or abs(value) > 1e6:
        raise UsageError(f"{what} of {value}: a number is wanted")
    return float(value)

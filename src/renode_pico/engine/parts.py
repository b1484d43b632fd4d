"""What there is on a Pico besides the chip, by name, and what can be asked of it: the same on each engine."""

from __future__ import annotations

import math

from renode_pico.errors import UsageError

BUTTONS = ("bootsel",)
LEDS = {"led": 25}
"""LEDs by name, and the GPIO that lights each when it is high."""
CLOCK_INPUTS = (20, 22)
"""GPIOs of CLK_GPIN0 and CLK_GPIN1 (RP2040 datasheet, 2.19.2)."""
FASTEST_CLOCK_INPUT_HZ = 50_000_000
"""RP2040 datasheet, 2.15.2.3."""
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


def clock_input(pin: int, hertz: int) -> tuple[int, int]:
    """A clock at a pin. Raises UsageError for a pin that takes none, or a frequency that is none."""
    if pin not in CLOCK_INPUTS:
        raise UsageError(f"GPIO{pin} is no clock input: these are GPIO{CLOCK_INPUTS[0]} and GPIO{CLOCK_INPUTS[1]}")
    if not 0 <= hertz <= FASTEST_CLOCK_INPUT_HZ:
        raise UsageError(f"a clock of {hertz} Hz: a clock input takes 0 to {FASTEST_CLOCK_INPUT_HZ} Hz")
    return pin, hertz


def finite(value: float, what: str) -> float:
    """A voltage or a temperature. Raises UsageError for what is no number."""
    if not math.isfinite(value) or abs(value) > 1e6:
        raise UsageError(f"{what} of {value}: a number is wanted")
    return float(value)

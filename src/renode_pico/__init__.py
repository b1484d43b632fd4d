"""A Raspberry Pi Pico that exists only in software, with a USB cable one can plug in."""

__version__ = "0.2.0"

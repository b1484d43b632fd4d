"""Chapter 9 of USB 2.0 and what it stands on: one function for each item of `packs/chapter9.toml`."""

from renode_pico.verify.packs.chapter9 import attach, control, data, descriptors, power, robustness, standard

__all__ = ["attach", "control", "data", "descriptors", "power", "robustness", "standard"]

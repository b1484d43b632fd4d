"""Firmware images: finding them, and reading them whatever their format is."""

from renode_pico.firmware.find import SUFFIXES, VARIANTS, find_image, how_to_build, image_folder

__all__ = ["SUFFIXES", "VARIANTS", "find_image", "how_to_build", "image_folder"]

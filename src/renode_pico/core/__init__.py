"""The embedded engine's RP2040: cores, bus and what is hot, in C, and its front in Python."""

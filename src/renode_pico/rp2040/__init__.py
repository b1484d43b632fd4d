"""The embedded engine's USB controller model, register by register (RP2040 datasheet, 4.1)."""

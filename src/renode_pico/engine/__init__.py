"""Engines: what emulates the board (`protocol` says what one must do)."""

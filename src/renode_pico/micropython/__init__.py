"""MicroPython on the board: its REPL and its flash file system."""

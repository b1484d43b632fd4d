"""A board that runs in front of somebody: its consoles, what is expected of them, and how it ends."""

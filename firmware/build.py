#!/usr/bin/env python3
"""Build MicroPython for the Raspberry Pi Pico. Needs Python 3.11 and nothing else; `--help` says the rest."""

import signal
import sys

from fwbuild.cli import end_like_interrupted, main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_like_interrupted)
    sys.exit(main(sys.argv[1:]))

"""`python -m renode_pico`: the command line."""

from renode_pico.cli import main

main()

"""`renode-pico verify`: the open verifier for full-speed USB devices (docs/verify.md).

A pack is a table of items (`packs/NAME.toml`) and a module with one function for each (`packs/NAME.py`, or a package
of that name); `table.load_pack` puts the two together. `bench.Bench` is what a function works with, `runner.verify`
runs them, `report` writes what came out. What is verified is a `target.Target`: a board, or a device behind PyUSB.
"""

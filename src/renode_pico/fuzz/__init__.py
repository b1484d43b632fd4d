"""Fuzzing firmware through its USB port: programs on the bus as data, coverage, judges; campaigns."""

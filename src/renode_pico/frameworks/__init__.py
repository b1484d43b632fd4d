"""Doors into other people's test frameworks; each needs that framework, which this package does not ask for."""

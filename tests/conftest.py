"""What all suites share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast this machine is just now says nothing about the code: no test is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

"""What can go wrong, each with the exit code that says so."""


class FirmwareError(Exception):
    """The firmware could not be built. The message is for a person."""

    exit_code = 1


class UsageError(FirmwareError):
    """What was asked for does not make sense."""

    exit_code = 2


class ToolMissing(FirmwareError):
    """A program or package that the build needs is not on this machine."""

    exit_code = 3

"""Why a rebuild does not go on."""

from infra.errors import InfraError, WrongOption


class RebuildRefused(InfraError):
    """What was asked for cannot be done now; the text says what can."""


class WrongRebuildOption(RebuildRefused, WrongOption):
    """What was asked for makes no sense, whatever was rebuilt."""


class SwapBlocked(RebuildRefused):
    """Others hold the live tables for longer than queries may be kept waiting."""


class RowsDiffer(RebuildRefused):
    """The rebuilt rows are not those of the live tables, and the swap was not forced."""

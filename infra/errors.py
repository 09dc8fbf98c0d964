"""The roots of what this layer raises. `Unavailable` is what callers may try again later."""

from typing import ClassVar


class InfraError(Exception):
    """Root of the errors of this layer."""


class ProcessFailed(InfraError):
    """A process cannot go on, for a reason its operator can act on: shown without a traceback."""


class Unavailable(InfraError):
    """A dependency is away for now: over HTTP a 503 problem with `code` and `Retry-After: retry_after_s`."""

    code: ClassVar[str] = "unavailable"
    title: ClassVar[str] = "Temporarily unavailable"
    retry_after_s: ClassVar[int] = 1
